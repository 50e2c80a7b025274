//! Recurrent layers against a reference in `f64` that takes one number at a time, and its finite differences.

use ferrotype_kernels::recurrent::{Cell, ConvLstm, Gate, Lstm, Squash, States, Wants, Weights};
use ferrotype_kernels::{Conv2d, Isa, Padding};

use crate::support::{Guarded, Rng, assert_close, assert_close_to, assert_same_for_any_threads, each_isa, wide};

const CELLS: [Cell; 4] = [
    Cell { gate: Gate::Sigmoid, squash: Squash::Tanh },
    Cell { gate: Gate::Sigmoid, squash: Squash::Relu },
    Cell { gate: Gate::HardSigmoid, squash: Squash::Tanh },
    Cell { gate: Gate::HardSigmoid, squash: Squash::Relu },
];

fn gate(cell: Cell, x: f64) -> f64 {
    match cell.gate {
        Gate::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Gate::HardSigmoid => (0.2 * x + 0.5).clamp(0.0, 1.0),
    }
}

fn squash(cell: Cell, x: f64) -> f64 {
    match cell.squash {
        Squash::Tanh => x.tanh(),
        Squash::Relu => x.max(0.0),
    }
}

/// Output and state of one element.
fn step(cell: Cell, [i, f, g, o]: [f64; 4], before: f64) -> (f64, f64) {
    let c = gate(cell, f) * before + gate(cell, i) * squash(cell, g);
    (gate(cell, o) * squash(cell, c), c)
}

/// Input, both weights, bias, in `f64`.
type Values = [Vec<f64>; 4];

fn lstm_reference(l: &Lstm, [x, w, u, b]: &Values, mask: Option<&[f32]>) -> Vec<f64> {
    let Lstm { batch, steps, inputs, hidden, cell } = *l;
    let mut y = vec![0.0; batch * steps * hidden];
    for n in 0..batch {
        let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; hidden]);
        for t in 0..steps {
            let x = &x[(n * steps + t) * inputs..][..inputs];
            let z: Vec<f64> = (0..4 * hidden)
                .map(|r| {
                    let from_x: f64 = x.iter().zip(&w[r * inputs..]).map(|(a, b)| a * b).sum();
                    let from_h: f64 = h.iter().zip(&u[r * hidden..]).map(|(a, b)| a * b).sum();
                    b[r] + from_x + from_h
                })
                .collect();
            if mask.is_none_or(|m| m[n * steps + t] != 0.0) {
                for j in 0..hidden {
                    (h[j], c[j]) = step(cell, [0, 1, 2, 3].map(|k| z[k * hidden + j]), c[j]);
                }
            }
            y[(n * steps + t) * hidden..][..hidden].copy_from_slice(&h);
        }
    }
    y
}

fn convolve(c: &Conv2d, x: &[f64], w: &[f64]) -> Vec<f64> {
    let [rows, columns] = c.kernel;
    let (height, width) = (c.out_height(), c.out_width());
    let mut y = vec![0.0; c.out_channels * height * width];
    for (at, y) in y.iter_mut().enumerate() {
        let (o, row, column) = (at / (height * width), at / width % height, at % width);
        for i in 0..c.in_channels * rows * columns {
            let (channel, ky, kx) = (i / (rows * columns), i / columns % rows, i % columns);
            let (sy, sx) = (row + ky, column + kx);
            if sy < c.padding.top || sx < c.padding.left {
                continue;
            }
            let (sy, sx) = (sy - c.padding.top, sx - c.padding.left);
            if sy < c.height && sx < c.width {
                *y += x[(channel * c.height + sy) * c.width + sx] * w[o * c.in_channels * rows * columns + i];
            }
        }
    }
    y
}

/// `[batch, steps, filters, rows, columns]`.
fn conv_reference(l: &ConvLstm, [x, w, u, b]: &Values) -> Vec<f64> {
    let frame = l.channels * l.height * l.width;
    let plane = l.out_height() * l.out_width();
    let size = l.filters * plane;
    let mut y = Vec::new();
    for n in 0..l.batch {
        let (mut h, mut c) = (vec![0.0; size], vec![0.0; size]);
        for t in 0..l.steps {
            let z = convolve(&l.input_conv(1), &x[(n * l.steps + t) * frame..][..frame], w);
            let r = convolve(&l.recurrent_conv(1), &h, u);
            for j in 0..size {
                let sum = [0, 1, 2, 3].map(|k| z[k * size + j] + r[k * size + j] + b[(k * size + j) / plane]);
                (h[j], c[j]) = step(l.cell, sum, c[j]);
            }
            y.extend_from_slice(&h);
        }
    }
    y
}

/// What the layer gives of all outputs.
fn given(all: &[f64], steps: usize, state: usize, states: States) -> Vec<f64> {
    match states {
        States::All => all.to_vec(),
        States::Last => all.chunks_exact(steps * state).flat_map(|s| s[(steps - 1) * state..].to_vec()).collect(),
    }
}

/// The gradients of `sum(dy * f(values))` by central differences.
fn differences(values: &Values, dy: &[f32], f: impl Fn(&Values) -> Vec<f64>) -> Values {
    const STEP: f64 = 1e-5;
    let loss = |v: &Values| f(v).iter().zip(dy).map(|(y, &d)| y * f64::from(d)).sum::<f64>();
    let mut all: Values = Default::default();
    for which in 0..4 {
        for at in 0..values[which].len() {
            let mut v = values.clone();
            v[which][at] += STEP;
            let up = loss(&v);
            v[which][at] -= 2.0 * STEP;
            all[which].push((up - loss(&v)) / (2.0 * STEP));
        }
    }
    all
}

fn lstm_values(rng: &mut Rng, l: &Lstm) -> [Vec<f32>; 4] {
    let h = 4 * l.hidden;
    let mut vec = |n, scale| rng.vec(n, scale, 0.0);
    [vec(l.batch * l.steps * l.inputs, 1.5), vec(h * l.inputs, 0.7), vec(h * l.hidden, 0.7), vec(h, 0.5)]
}

fn conv_values(rng: &mut Rng, l: &ConvLstm) -> [Vec<f32>; 4] {
    let (gates, taps) = (4 * l.filters, l.kernel[0] * l.kernel[1]);
    let mut vec = |n, scale| rng.vec(n, scale, 0.0);
    [
        vec(l.batch * l.steps * l.channels * l.height * l.width, 1.5),
        vec(gates * l.channels * taps, 0.4),
        vec(gates * l.filters * taps, 0.3),
        vec(gates, 0.5),
    ]
}

fn lstm_gradients(
    l: &Lstm,
    isa: Isa,
    [x, w, u, b]: &[Vec<f32>; 4],
    mask: Option<&[f32]>,
    dy: &[f32],
    states: States,
) -> (Vec<f32>, [Vec<f32>; 4]) {
    let [x, w, u, b] = [x, w, u, b].map(|v| Guarded::new(v));
    let weights = Weights { input: &w, recurrent: &u, bias: Some(&b) };
    let (y, trace) = l.forward(isa, &x, weights, mask, true);
    let dy = Guarded::new(dy);
    let g = l.backward(isa, &x, weights, mask, &y, trace, &dy, states, Wants::all());
    (y, [g.x.unwrap(), g.input.unwrap(), g.recurrent.unwrap(), g.bias.unwrap()])
}

fn conv_gradients(
    l: &ConvLstm,
    isa: Isa,
    [x, w, u, b]: &[Vec<f32>; 4],
    dy: &[f32],
    states: States,
) -> (Vec<f32>, [Vec<f32>; 4]) {
    let [x, w, u, b] = [x, w, u, b].map(|v| Guarded::new(v));
    let weights = Weights { input: &w, recurrent: &u, bias: Some(&b) };
    let trace = l.forward(isa, &x, weights, true);
    let y = l.outputs(&trace, states);
    let g = l.backward(isa, &x, weights, &trace, &Guarded::new(dy), states, Wants::all());
    (y, [g.x.unwrap(), g.input.unwrap(), g.recurrent.unwrap(), g.bias.unwrap()])
}

const NAMES: [&str; 4] = ["dx", "dw", "du", "db"];

#[test]
fn lstm_matches_the_reference_and_its_differences() {
    let mut rng = Rng(1);
    for (i, (batch, steps, inputs, hidden)) in
        [(1, 1, 1, 1), (2, 4, 3, 5), (9, 3, 2, 2), (1, 6, 4, 17), (3, 3, 1, 7)].into_iter().enumerate()
    {
        let l = Lstm { batch, steps, inputs, hidden, cell: CELLS[i % 4] };
        let values = lstm_values(&mut rng, &l);
        let mask: Vec<f32> = (0..batch * steps).map(|_| if rng.below(3) == 0 { 0.0 } else { 1.0 }).collect();
        for (mask, states) in [(None, States::All), (Some(&mask[..]), States::All), (Some(&mask[..]), States::Last)] {
            let wanted = values.clone().map(|v| wide(&v));
            let all = lstm_reference(&l, &wanted, mask);
            let rows = if states == States::All { steps } else { 1 };
            let dy = rng.vec(batch * rows * hidden, 1.0, 0.0);
            let gradients = differences(&wanted, &dy, |v| given(&lstm_reference(&l, v, mask), steps, hidden, states));
            each_isa(|isa| {
                let what = |name| format!("{isa} {l:?} {states:?} mask {} {name}", mask.is_some());
                let (y, g) = lstm_gradients(&l, isa, &values, mask, &dy, states);
                assert_close_to(&what("y"), &y, &all, 1e-2);
                for ((name, got), want) in NAMES.iter().zip(&g).zip(&gradients) {
                    assert_close_to(&what(name), got, want, 1e-2);
                }
            });
        }
    }
}

/// Sizes with several panels, tiles and units: only forward, against the reference.
#[test]
fn lstm_of_real_size_matches_the_reference() {
    let mut rng = Rng(2);
    for (batch, steps, inputs, hidden) in [(21, 7, 17, 64), (1, 30, 9, 100), (8, 5, 30, 49)] {
        let l = Lstm { batch, steps, inputs, hidden, cell: Cell::default() };
        let values = lstm_values(&mut rng, &l).map(|v| v.iter().map(|x| x * 0.3).collect::<Vec<f32>>());
        let want = lstm_reference(&l, &values.clone().map(|v| wide(&v)), None);
        each_isa(|isa| {
            let weights = Weights { input: &values[1], recurrent: &values[2], bias: Some(&values[3]) };
            for keep in [true, false] {
                let (y, _) = l.forward(isa, &values[0], weights, None, keep);
                assert_close(&format!("{isa} {l:?} keep {keep}"), &y, &want);
            }
        });
    }
}

#[test]
fn lstm_does_not_depend_on_the_threads() {
    let l = Lstm { batch: 37, steps: 12, inputs: 33, hidden: 50, cell: Cell::default() };
    let mut rng = Rng(3);
    let values = lstm_values(&mut rng, &l);
    let dy = rng.vec(l.batch * l.steps * l.hidden, 1.0, 0.0);
    assert_same_for_any_threads(|isa| {
        let (y, g) = lstm_gradients(&l, isa, &values, None, &dy, States::All);
        std::iter::once(y).chain(g).flatten().collect()
    });
}

fn conv(batch: usize, steps: usize, channels: usize, size: [usize; 2], filters: usize, kernel: [usize; 2]) -> ConvLstm {
    let [height, width] = size;
    let cell = Cell::default();
    ConvLstm { batch, steps, channels, height, width, filters, kernel, padding: Padding::default(), cell }
}

#[test]
fn conv_lstm_matches_the_reference_and_its_differences() {
    let mut rng = Rng(4);
    let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    let even = Padding { top: 0, bottom: 1, left: 0, right: 0 };
    for (i, l) in [
        conv(1, 1, 1, [3, 3], 1, [3, 3]),
        conv(2, 3, 2, [5, 4], 2, [3, 3]),
        ConvLstm { padding: same, ..conv(2, 3, 1, [3, 4], 2, [3, 3]) },
        ConvLstm { padding: even, ..conv(1, 4, 2, [4, 3], 1, [2, 1]) },
    ]
    .into_iter()
    .enumerate()
    {
        let l = ConvLstm { cell: CELLS[(i + 2) % 4], ..l };
        let values = conv_values(&mut rng, &l);
        let state = l.filters * l.out_height() * l.out_width();
        for states in [States::All, States::Last] {
            let wanted = values.clone().map(|v| wide(&v));
            let all = given(&conv_reference(&l, &wanted), l.steps, state, states);
            let dy = rng.vec(all.len(), 1.0, 0.0);
            let gradients = differences(&wanted, &dy, |v| given(&conv_reference(&l, v), l.steps, state, states));
            each_isa(|isa| {
                let what = |name| format!("{isa} {l:?} {states:?} {name}");
                let (y, g) = conv_gradients(&l, isa, &values, &dy, states);
                // Ten times the usual tolerance: that of Winograd's convolution.
                let scale = |want: &[f64]| want.iter().fold(1e-2f64, |m, v| m.max(v.abs())) * 10.0;
                assert_close_to(&what("y"), &y, &all, scale(&all));
                for ((name, got), want) in NAMES.iter().zip(&g).zip(&gradients) {
                    assert_close_to(&what(name), got, want, scale(want));
                }
            });
        }
    }
}

/// Sizes that take Winograd's convolution and several chunks, whose trace may or may not be kept.
#[test]
fn conv_lstm_of_real_size_matches_the_reference_and_the_threads() {
    let l = conv(2, 3, 3, [26, 24], 16, [3, 3]);
    let mut rng = Rng(5);
    let values = conv_values(&mut rng, &l).map(|v| v.iter().map(|x| x * 0.4).collect::<Vec<f32>>());
    let state = l.filters * l.out_height() * l.out_width();
    let want = given(&conv_reference(&l, &values.clone().map(|v| wide(&v))), l.steps, state, States::Last);
    let dy = rng.vec(want.len(), 1.0, 0.0);
    each_isa(|isa| {
        let weights = Weights { input: &values[1], recurrent: &values[2], bias: Some(&values[3]) };
        let kept = conv_gradients(&l, isa, &values, &dy, States::Last).0;
        let worst = kept.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-5, "{isa}: {worst}");
        let lost = l.outputs(&l.forward(isa, &values[0], weights, false), States::Last);
        assert_eq!(kept, lost, "{isa}");
    });
    assert_same_for_any_threads(|isa| {
        let (y, g) = conv_gradients(&l, isa, &values, &dy, States::Last);
        std::iter::once(y).chain(g).flatten().collect()
    });
}

/// Steps whose inputs are convolved in several groups give what one group gives.
#[test]
fn conv_lstm_works_on_in_groups_of_steps() {
    // 2 x 16 x 180 x 180 states of 4 gates: 4.1 million floats for a step, so that four are taken together.
    let l = conv(2, 6, 1, [182, 182], 16, [3, 3]);
    // Outputs of six steps and states of five, gates of four and of one, and two gradients.
    assert_eq!(l.peak_bytes(), (6 + 5 + 16 + 4 + 2) * 2 * 16 * 180 * 180 * 4);
    let mut rng = Rng(6);
    let values = conv_values(&mut rng, &l);
    let weights = Weights { input: &values[1], recurrent: &values[2], bias: Some(&values[3]) };
    let trace = l.forward(Isa::detect(), &values[0], weights, true);
    let all = l.outputs(&trace, States::All);
    // The first four steps alone are one group.
    let short = ConvLstm { steps: 4, batch: 1, ..l };
    let frame = l.height * l.width;
    let first = short.forward(Isa::detect(), &values[0][..4 * frame], weights, true);
    let first = short.outputs(&first, States::All);
    let worst = first.iter().zip(&all).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "{worst}");
}
