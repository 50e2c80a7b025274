use ferrotype_kernels::pool::{Pool2d, global_average_backward, global_average_forward};
use ferrotype_kernels::{Isa, Padding};

use crate::support::*;

fn padding(top: usize, bottom: usize, left: usize, right: usize) -> Padding {
    Padding { top, bottom, left, right }
}

fn pool(shape: [usize; 4], kernel: [usize; 2], stride: [usize; 2], padding: Padding) -> Pool2d {
    let [batch, channels, height, width] = shape;
    Pool2d { batch, channels, height, width, kernel, stride, padding }
}

/// The named poolings of real networks, then random ones.
fn cases() -> Vec<Pool2d> {
    let none = Padding::default();
    let mut all = vec![
        pool([2, 3, 8, 8], [2, 2], [2, 2], none),
        pool([1, 1, 2, 2], [2, 2], [2, 2], none),
        pool([3, 2, 7, 9], [2, 2], [2, 2], none),
        pool([1, 5, 64, 70], [2, 2], [2, 2], none),
        pool([2, 3, 33, 32], [3, 3], [2, 2], padding(1, 1, 1, 1)),
        pool([2, 2, 16, 16], [3, 3], [2, 2], padding(0, 1, 0, 1)),
        pool([2, 2, 9, 40], [3, 3], [2, 2], none),
        pool([2, 2, 13, 17], [3, 3], [1, 1], padding(1, 1, 1, 1)),
        pool([1, 2, 1, 1], [1, 1], [1, 1], none),
        pool([1, 2, 1, 1], [3, 3], [2, 2], padding(1, 1, 1, 1)),
        pool([1, 1, 20, 20], [16, 16], [4, 4], none),
        // STSTNet.
        pool([2, 3, 30, 30], [3, 3], [3, 3], padding(1, 1, 1, 1)),
    ];
    let mut rng = Rng(1);
    while all.len() < 60 {
        let kernel = [1 + rng.below(5), 1 + rng.below(5)];
        let stride = [1 + rng.below(4), 1 + rng.below(4)];
        let side = |rng: &mut Rng, k: usize| rng.below(k);
        let p = padding(
            side(&mut rng, kernel[0]),
            side(&mut rng, kernel[0]),
            side(&mut rng, kernel[1]),
            side(&mut rng, kernel[1]),
        );
        let shape = [1 + rng.below(3), 1 + rng.below(3), 1 + rng.below(20), 1 + rng.below(40)];
        if shape[2] + p.top + p.bottom >= kernel[0] && shape[3] + p.left + p.right >= kernel[1] {
            all.push(pool(shape, kernel, stride, p));
        }
    }
    all
}

fn in_len(p: &Pool2d) -> usize {
    p.batch * p.channels * p.height * p.width
}

fn out_len(p: &Pool2d) -> usize {
    p.batch * p.channels * p.out_height() * p.out_width()
}

/// Calls `f(output index, [(place in the window, input index)])` for every window; places in row-major order.
fn windows(p: &Pool2d, mut f: impl FnMut(usize, &[(usize, usize)])) {
    for out in 0..out_len(p) {
        let (ox, oy) = (out % p.out_width(), out / p.out_width() % p.out_height());
        let plane = out / p.out_width() / p.out_height();
        let mut places = Vec::new();
        for ky in 0..p.kernel[0] {
            for kx in 0..p.kernel[1] {
                let iy = (oy * p.stride[0] + ky).wrapping_sub(p.padding.top);
                let ix = (ox * p.stride[1] + kx).wrapping_sub(p.padding.left);
                if iy < p.height && ix < p.width {
                    places.push((ky * p.kernel[1] + kx, (plane * p.height + iy) * p.width + ix));
                }
            }
        }
        f(out, &places);
    }
}

fn check_max(isa: Isa, p: &Pool2d, x: &Guarded<f32>) {
    let (mut y, mut index) = (Guarded::output(out_len(p)), Guarded::<u8>::output(out_len(p)));
    p.max_forward(isa, x, y.out(), index.out());
    let dy = Rng(9).guarded(out_len(p), 1.0, 0.0);
    let mut dx = Guarded::output(in_len(p));
    p.max_backward(isa, &dy, &index, dx.out());
    let y = y.written();
    let mut want = vec![0f32; in_len(p)];
    windows(p, |out, places| {
        // PyTorch's rule.
        let (mut best, mut at) = (f32::NEG_INFINITY, places[0]);
        for &(place, i) in places {
            if x[i] > best || x[i].is_nan() {
                (best, at) = (x[i], (place, i));
            }
        }
        assert_eq!(y[out].to_bits(), best.to_bits(), "{isa} {p:?} y[{out}]");
        assert_eq!(usize::from(index[out]), at.0, "{isa} {p:?} index[{out}]");
        want[at.1] += dy[out];
    });
    assert_eq!(dx.written(), want, "{isa} {p:?} dx");
}

#[test]
fn max_matches_the_reference() {
    each_isa(|isa| {
        for (seed, p) in cases().iter().enumerate() {
            check_max(isa, p, &Rng(seed as u64).guarded(in_len(p), 1.0, 0.0));
        }
    });
}

#[test]
fn first_of_equal_maxima_wins_and_nan_beats_all() {
    each_isa(|isa| {
        for (seed, p) in cases().iter().enumerate() {
            let mut rng = Rng(seed as u64);
            let kinds = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0, 0.5, 0.5, 0.5];
            let ties: Vec<f32> = (0..in_len(p)).map(|_| kinds[3 + rng.below(3)]).collect();
            check_max(isa, p, &Guarded::new(&ties));
            let wild: Vec<f32> = (0..in_len(p)).map(|_| kinds[rng.below(kinds.len())]).collect();
            check_max(isa, p, &Guarded::new(&wild));
            check_max(isa, p, &Guarded::new(&vec![f32::NEG_INFINITY; in_len(p)]));
        }
    });
}

#[test]
fn average_matches_the_reference() {
    each_isa(|isa| {
        for (seed, p) in cases().iter().enumerate() {
            for include in [false, true] {
                let mut rng = Rng(seed as u64);
                let (x, dy) = (rng.guarded(in_len(p), 1.0, 0.2), rng.guarded(out_len(p), 1.0, 0.2));
                let (mut y, mut dx) = (Guarded::output(out_len(p)), Guarded::output(in_len(p)));
                p.average_forward(isa, include, &x, y.out());
                p.average_backward(isa, include, &dy, dx.out());
                let (mut want, mut want_dx) = (vec![0.0; out_len(p)], vec![0.0; in_len(p)]);
                windows(p, |out, places| {
                    let count = if include { p.kernel[0] * p.kernel[1] } else { places.len() } as f64;
                    for &(_, i) in places {
                        want[out] += f64::from(x[i]) / count;
                        want_dx[i] += f64::from(dy[out]) / count;
                    }
                });
                assert_close("y", y.written(), &want);
                assert_close("dx", dx.written(), &want_dx);
            }
        }
    });
}

#[test]
fn global_average_matches_the_reference() {
    each_isa(|isa| {
        for (seed, [planes, spatial]) in [[1, 1], [7, 1], [3, 16], [5, 49], [2, 3000]].into_iter().enumerate() {
            let mut rng = Rng(seed as u64);
            let (x, dy) = (rng.guarded(planes * spatial, 1.0, 0.2), rng.guarded(planes, 1.0, 0.2));
            let (mut y, mut dx) = (Guarded::output(planes), Guarded::output(planes * spatial));
            global_average_forward(isa, spatial, &x, y.out());
            global_average_backward(isa, spatial, &dy, dx.out());
            let mean = |p: &[f32]| p.iter().map(|&v| f64::from(v)).sum::<f64>() / spatial as f64;
            assert_close("y", y.written(), &x.chunks(spatial).map(mean).collect::<Vec<_>>());
            let share = |i: usize| f64::from(dy[i / spatial]) / spatial as f64;
            assert_close("dx", dx.written(), &(0..planes * spatial).map(share).collect::<Vec<_>>());
        }
    });
}

#[test]
fn threads_do_not_matter() {
    for p in [
        pool([4, 16, 40, 40], [2, 2], [2, 2], Padding::default()),
        pool([4, 16, 40, 40], [3, 3], [2, 2], padding(1, 1, 1, 1)),
    ] {
        let x = Rng(4).vec(in_len(&p), 1.0, 0.0);
        let dy = Rng(5).vec(out_len(&p), 1.0, 0.0);
        assert_same_for_any_threads(|isa| {
            let (mut y, mut index) = (Guarded::output(out_len(&p)), Guarded::<u8>::output(out_len(&p)));
            p.max_forward(isa, &x, y.out(), index.out());
            let (mut dx, mut average) = (Guarded::output(in_len(&p)), Guarded::output(in_len(&p)));
            p.max_backward(isa, &dy, &index, dx.out());
            p.average_backward(isa, false, &dy, average.out());
            [y.written(), dx.written(), average.written()].concat()
        });
    }
}

#[test]
#[should_panic(expected = "padding only")]
fn windows_of_padding_are_refused() {
    let p = pool([1, 1, 4, 4], [2, 2], [2, 2], padding(2, 0, 0, 0));
    p.average_forward(Isa::Portable, true, &[0.0; 16], Guarded::output(out_len(&p)).out());
}
