//! Layer normalisation, GELU, attention and the order of tokens, against plain `f64` references; gradients against
//! differences of those.

use ferrotype_kernels::{Attention, LayerNorm, Tokens, activation, add_to_each, owned};

use crate::support::*;

/// The error function by its series (Abramowitz and Stegun 7.1.6), in `f64`.
fn erf(x: f64) -> f64 {
    let x = x.clamp(-6.0, 6.0);
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / (2.0 * f64::from(n) + 1.0);
        sum += term;
    }
    2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}

fn gelu(x: f64) -> f64 {
    x * 0.5 * (1.0 + erf(x / 2f64.sqrt()))
}

/// The derivative of a function of `f64`s, value by value, of the sum of its outputs times `dy`.
fn differences(x: &[f64], dy: &[f32], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let at = |x: &[f64]| -> f64 { f(x).iter().zip(dy).map(|(y, &d)| y * f64::from(d)).sum() };
    (0..x.len())
        .map(|i| {
            let mut moved = x.to_vec();
            let mut step = |by: f64| {
                moved[i] = x[i] + by;
                at(&moved)
            };
            (step(1e-5) - step(-1e-5)) / 2e-5
        })
        .collect()
}

#[test]
fn gelu_is_exact_and_its_gradient_too() {
    let mut x: Vec<f32> = (-2000..2000).map(|i| i as f32 * 0.005).collect();
    x.extend([1e4, -1e4, f32::INFINITY, 0.0, -0.0, 1e-30]);
    each_isa(|isa| {
        let y = owned::gelu(isa, &x);
        let mut dx = vec![1.0; x.len()];
        activation::gelu_backward(isa, &x, &mut dx);
        for ((&x, &y), &dx) in x.iter().zip(&y).zip(&dx).filter(|((x, _), _)| x.is_finite()) {
            let v = f64::from(x);
            assert!((f64::from(y) - gelu(v)).abs() <= 3e-7 * v.abs().max(1.0), "gelu({x}) = {y}");
            let slope = (gelu(v + 1e-5) - gelu(v - 1e-5)) / 2e-5;
            assert!((f64::from(dx) - slope).abs() < 1e-6, "gelu'({x}) = {dx} instead of {slope}");
        }
        assert_eq!(y[4000..4003], [1e4, 0.0, f32::INFINITY], "{isa}");
        assert!(owned::gelu(isa, &[f32::NAN; 20]).iter().all(|v| v.is_nan()));
    });
}

fn normalised(n: usize, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let row = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / n as f64;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
        let scaled = x.iter().map(|v| (v - mean) / (variance + 1e-5).sqrt());
        scaled.zip(weight).zip(bias).map(|((v, w), b)| v * w + b).collect::<Vec<_>>()
    };
    x.chunks_exact(n).flat_map(row).collect()
}

#[test]
fn rows_are_normalised_and_gradients_are_those_of_differences() {
    each_isa(|isa| {
        for (rows, n) in [(1, 1), (3, 5), (70, 16), (5, 37), (130, 8)] {
            let mut rng = Rng(n as u64);
            let (x, weight, bias) = (rng.vec(rows * n, 2.0, 3.0), rng.vec(n, 1.0, 0.5), rng.vec(n, 1.0, 0.0));
            let shape = LayerNorm { rows, features: n, eps: 1e-5 };
            let (y, moments) = shape.forward(isa, &x, &weight, &bias);
            let [x64, w64, b64] = [wide(&x), wide(&weight), wide(&bias)];
            assert_close_to("output", &y, &normalised(n, &x64, &w64, &b64), 1.0);
            let dy = rng.vec(rows * n, 1.0, 0.0);
            let mut dx = dy.clone();
            let g = shape.backward(isa, &x, &weight, &moments, &mut dx);
            let want = differences(&w64, &dy, |w| normalised(n, &x64, w, &b64));
            assert_close_to("scale", &g.weight, &want, 1.0);
            let want = differences(&b64, &dy, |b| normalised(n, &x64, &w64, b));
            assert_close_to("shift", &g.bias, &want, 1.0);
            if rows * n < 300 {
                let want = differences(&x64, &dy, |x| normalised(n, x, &w64, &b64));
                assert_close_to("input", &dx, &want, 1.0);
            }
        }
    });
}

/// Attention by its formula.
fn attended(s: &Attention, qkv: &[f64]) -> Vec<f64> {
    let inner = s.heads * s.width;
    let mut y = vec![0.0; s.groups * s.tokens * inner];
    for group in 0..s.groups {
        let at = |token: usize, part: usize, head: usize, i: usize| {
            qkv[((group * s.tokens + token) * 3 + part) * inner + head * s.width + i]
        };
        for head in 0..s.heads {
            for i in 0..s.tokens {
                let dot = |j| (0..s.width).map(|c| at(i, 0, head, c) * at(j, 1, head, c)).sum::<f64>();
                let e: Vec<f64> = (0..s.tokens).map(|j| (dot(j) / (s.width as f64).sqrt()).exp()).collect();
                let total: f64 = e.iter().sum();
                for c in 0..s.width {
                    y[(group * s.tokens + i) * inner + head * s.width + c] =
                        (0..s.tokens).map(|j| e[j] / total * at(j, 2, head, c)).sum();
                }
            }
        }
    }
    y
}

const SHAPES: [Attention; 5] = [
    Attention { groups: 2, tokens: 5, heads: 3, width: 4 },
    Attention { groups: 1, tokens: 17, heads: 2, width: 7 },
    Attention { groups: 3, tokens: 1, heads: 2, width: 3 },
    Attention { groups: 2, tokens: 2, heads: 1, width: 1 },
    Attention { groups: 1, tokens: 33, heads: 1, width: 16 },
];

#[test]
fn heads_attend_and_gradients_are_those_of_differences() {
    each_isa(|isa| {
        for s in SHAPES {
            let mut rng = Rng(s.tokens as u64);
            let len = s.groups * s.tokens * 3 * s.heads * s.width;
            let qkv = rng.vec(len, 1.5, 0.0);
            let (y, weights) = s.forward(isa, &qkv);
            assert_close("output", &y, &attended(&s, &wide(&qkv)));
            for row in weights.chunks_exact(s.tokens) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{isa} {s:?}: {row:?}");
            }
            if len < 500 {
                let dy = rng.vec(y.len(), 1.0, 0.0);
                let dx = s.backward(isa, &qkv, &weights, &dy);
                assert_close_to("input", &dx, &differences(&wide(&qkv), &dy, |x| attended(&s, x)), 1.0);
            }
        }
    });
}

/// Scores that would overflow without their maximum taken off.
#[test]
fn large_scores_stay_finite() {
    let s = Attention { groups: 1, tokens: 3, heads: 1, width: 4 };
    let qkv: Vec<f32> = (0..36).map(|i| 200.0 * (i % 7) as f32).collect();
    each_isa(|isa| {
        let (y, weights) = s.forward(isa, &qkv);
        assert!(y.iter().chain(&weights).all(|v| v.is_finite()), "{isa}");
    });
}

#[test]
fn tokens_stand_block_by_block_and_come_back() {
    // 2 planes of 4 x 4 pixels that are numbered; blocks of 2 x 2.
    let map: Vec<f32> = (0..32).map(|v| v as f32).collect();
    let tokens = Tokens { batch: 1, channels: 2, height: 4, width: 4, block: [2, 2] };
    let first: Vec<f32> = tokens.from_map(&map).chunks(2).map(|t| t[0]).collect();
    assert_eq!(first, [0., 1., 4., 5., 2., 3., 6., 7., 8., 9., 12., 13., 10., 11., 14., 15.]);
    let plain = Tokens { block: [4, 4], ..tokens }.from_map(&map);
    assert_eq!(plain[..6], [0., 16., 1., 17., 2., 18.]);
    for block in [[4, 3], [2, 1], [1, 3], [4, 6]] {
        let tokens = Tokens { batch: 3, channels: 5, height: 4, width: 6, block };
        let map = Rng(1).vec(360, 1.0, 0.0);
        assert_eq!(tokens.to_map(&tokens.from_map(&map)), map, "{block:?}");
    }
}

#[test]
fn a_row_is_added_to_each() {
    each_isa(|isa| {
        let y = add_to_each(isa, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[10.0, 20.0, 30.0]);
        assert_eq!(y, [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]);
    });
}

#[test]
fn bits_do_not_depend_on_threads() {
    assert_same_for_any_threads(|isa| {
        let mut rng = Rng(3);
        let shape = LayerNorm { rows: 1000, features: 48, eps: 1e-5 };
        let (x, w) = (rng.vec(48_000, 1.0, 0.0), rng.vec(48, 1.0, 1.0));
        let (mut all, moments) = shape.forward(isa, &x, &w, &w);
        let mut dx = x.clone();
        let g = shape.backward(isa, &all, &w, &moments, &mut dx);
        all.extend([dx, g.weight, g.bias].concat());
        let s = Attention { groups: 40, tokens: 20, heads: 3, width: 8 };
        let qkv = rng.vec(40 * 20 * 72, 1.0, 0.0);
        let (y, weights) = s.forward(isa, &qkv);
        all.extend(s.backward(isa, &qkv, &weights, &y));
        all.extend(add_to_each(isa, &y, &rng.vec(480, 1.0, 0.0)));
        all.extend(y);
        all
    });
}
