use ferrotype_kernels::loss::*;

use crate::support::*;

const SHAPES: [[usize; 2]; 8] = [[1, 1], [1, 7], [64, 7], [5, 8], [3, 16], [9, 17], [2, 1000], [4096, 10]];

fn log_softmax(z: &[f64]) -> Vec<f64> {
    let max = z.iter().cloned().fold(f64::NEG_INFINITY, f64::max);
    let log = z.iter().map(|v| (v - max).exp()).sum::<f64>().ln();
    z.iter().map(|v| v - max - log).collect()
}

fn cross_entropy(z: &[f64], t: &[f32]) -> f64 {
    -log_softmax(z).iter().zip(t).map(|(l, &t)| l * f64::from(t)).sum::<f64>()
}

#[test]
fn cross_entropy_matches_the_reference() {
    each_isa(|isa| {
        for (seed, [n, c]) in SHAPES.into_iter().enumerate() {
            for weighted in [false, true] {
                let mut rng = Rng(seed as u64);
                let (z, t) = (rng.guarded(n * c, 20.0, 5.0), rng.guarded(n * c, 0.5, 0.5));
                let weights = rng.guarded(n, 1.0, 1.5);
                let (mut loss, mut dz) = (Guarded::output(n), Guarded::output(n * c));
                let scale = 0.25;
                let w = weighted.then_some(&*weights);
                softmax_cross_entropy(isa, [n, c], &z, &t, w, scale, loss.out(), dz.out());
                let (mut want, mut want_dz) = (Vec::new(), Vec::new());
                for row in 0..n {
                    let (z, t) = (wide(&z[row * c..][..c]), &t[row * c..][..c]);
                    let weight = if weighted { f64::from(weights[row]) } else { 1.0 };
                    want.push(weight * cross_entropy(&z, t));
                    let mass: f64 = t.iter().map(|&t| f64::from(t)).sum();
                    let factor = weight * f64::from(scale);
                    want_dz
                        .extend(log_softmax(&z).iter().zip(t).map(|(l, &t)| factor * (l.exp() * mass - f64::from(t))));
                }
                assert_close_to("loss", loss.written(), &want, 1.0);
                assert_close_to("dlogits", dz.written(), &want_dz, 1.0);
            }
        }
    });
}

#[test]
fn gradient_agrees_with_finite_differences() {
    each_isa(|isa| {
        let mut rng = Rng(1);
        let (z, t) = (rng.vec(7, 2.0, 0.0), rng.vec(7, 0.5, 0.5));
        let (mut loss, mut dz) = (Guarded::output(1), Guarded::output(7));
        softmax_cross_entropy(isa, [1, 7], &z, &t, None, 1.0, loss.out(), dz.out());
        for i in 0..7 {
            let at = |step: f64| {
                let mut z = wide(&z);
                z[i] += step;
                cross_entropy(&z, &t)
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - f64::from(dz[i])).abs() < 1e-5, "{isa} dz[{i}]: {} or {slope}", dz[i]);
        }
    });
}

#[test]
fn extremes() {
    each_isa(|isa| {
        let run = |z: &[f32], t: &[f32]| {
            let (mut loss, mut dz) = (Guarded::output(1), Guarded::output(z.len()));
            softmax_cross_entropy(isa, [1, z.len()], z, t, None, 1.0, loss.out(), dz.out());
            (loss[0], dz.to_vec())
        };
        assert_eq!(run(&[1e30, -1e30], &[1.0, 0.0]), (0.0, vec![0.0, 0.0]));
        assert_eq!(run(&[f32::NEG_INFINITY, 3.0], &[0.0, 1.0]), (0.0, vec![0.0, 0.0]));
        assert_eq!(run(&[f32::NEG_INFINITY, 3.0], &[1.0, 0.0]).0, f32::INFINITY);
        let (loss, dz) = run(&[1.0, f32::NAN, 2.0], &[1.0, 0.0, 0.0]);
        assert!(loss.is_nan() && dz.iter().all(|v| v.is_nan()));
    });
}

#[test]
fn softmax_and_its_logarithm_match_the_reference() {
    each_isa(|isa| {
        for (seed, [n, c]) in SHAPES.into_iter().enumerate() {
            let mut rng = Rng(seed as u64);
            let (x, dy) = (rng.guarded(n * c, 9.0, 0.0), rng.vec(n * c, 1.0, 0.3));
            let (mut log, mut soft) = (Guarded::output(n * c), Guarded::output(n * c));
            log_softmax_forward(isa, [n, c], &x, log.out());
            softmax_forward(isa, [n, c], &x, soft.out());
            let (mut dlog, mut dsoft) = (Guarded::new(&dy), Guarded::new(&dy));
            log_softmax_backward(isa, [n, c], &log, &mut dlog);
            softmax_backward(isa, [n, c], &soft, &mut dsoft);
            let (mut want, mut want_dlog, mut want_dsoft) = (Vec::new(), Vec::new(), Vec::new());
            for row in 0..n {
                let logs = log_softmax(&wide(&x[row * c..][..c]));
                let dy = wide(&dy[row * c..][..c]);
                let total: f64 = dy.iter().sum();
                let inner: f64 = logs.iter().zip(&dy).map(|(l, d)| l.exp() * d).sum();
                want_dlog.extend(logs.iter().zip(&dy).map(|(l, d)| d - l.exp() * total));
                want_dsoft.extend(logs.iter().zip(&dy).map(|(l, d)| l.exp() * (d - inner)));
                want.extend(logs);
            }
            assert_close_to("log", log.written(), &want, 1.0);
            assert_close("softmax", soft.written(), &want.iter().map(|l| l.exp()).collect::<Vec<_>>());
            assert_close_to("dlog", &dlog, &want_dlog, 1.0);
            assert_close_to("dsoft", &dsoft, &want_dsoft, 1.0);
        }
    });
}

#[test]
fn threads_do_not_matter() {
    let [n, c] = [5000, 10];
    let (z, t) = (Rng(1).vec(n * c, 5.0, 0.0), Rng(2).vec(n * c, 0.5, 0.5));
    assert_same_for_any_threads(|isa| {
        let (mut loss, mut dz) = (Guarded::output(n), Guarded::output(n * c));
        softmax_cross_entropy(isa, [n, c], &z, &t, None, 1.0, loss.out(), dz.out());
        [loss.written(), dz.written()].concat()
    });
}
