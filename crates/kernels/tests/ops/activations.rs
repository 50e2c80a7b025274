use ferrotype_kernels::Activation::{self, None as Linear, Relu, Relu6};
use ferrotype_kernels::{Isa, activation};

use crate::support::*;

const LENGTHS: [usize; 9] = [0, 1, 15, 16, 17, 33, 1000, 32 * 1024 + 5, 100_003];

fn reference(act: Activation, v: f64) -> f64 {
    match act {
        Linear => v,
        Relu => v.max(0.0),
        Relu6 => v.clamp(0.0, 6.0),
    }
}

fn slope(act: Activation, y: f32) -> f32 {
    match act {
        Linear => 1.0,
        Relu => f32::from(u8::from(y > 0.0)),
        Relu6 => f32::from(u8::from(y > 0.0 && y < 6.0)),
    }
}

#[test]
fn rectifiers_are_exact() {
    each_isa(|isa| {
        for (seed, len) in LENGTHS.into_iter().enumerate() {
            for act in [Linear, Relu, Relu6] {
                let mut rng = Rng(seed as u64);
                let (x, b) = (rng.guarded(len, 9.0, 1.0), rng.guarded(len, 9.0, 1.0));
                let (mut y, mut sum) = (Guarded::output(len), Guarded::output(len));
                activation::forward(isa, act, &x, y.out());
                activation::add_forward(isa, act, &x, &b, sum.out());
                let dy = rng.vec(len, 1.0, 0.0);
                let mut dx = Guarded::new(&dy);
                activation::backward(isa, act, &y, &mut dx);
                let (y, sum) = (y.written(), sum.written());
                for i in 0..len {
                    assert_eq!(f64::from(y[i]), reference(act, x[i].into()));
                    assert_eq!(f64::from(sum[i]), reference(act, (x[i] + b[i]).into()));
                    assert_eq!(dx[i], dy[i] * slope(act, y[i]));
                }
            }
        }
    });
}

#[test]
fn rectifiers_keep_nan() {
    each_isa(|isa| {
        for act in [Linear, Relu, Relu6] {
            let mut y = Guarded::output(40);
            activation::forward(isa, act, &[f32::NAN; 40], y.out());
            assert!(y.iter().all(|v| v.is_nan()), "{isa} {act:?}");
            let mut dy = [1.0; 40];
            activation::backward(isa, act, &y, &mut dy);
            assert_eq!(dy, [1.0; 40], "a NaN is not cut");
        }
    });
}

type Smooth = fn(Isa, &[f32], &mut [std::mem::MaybeUninit<f32>]);
type SmoothBackward = fn(Isa, &[f32], &mut [f32]);

fn check_smooth(forward: Smooth, backward: SmoothBackward, f: fn(f64) -> f64, slope_of_y: fn(f64) -> f64) {
    each_isa(|isa| {
        let mut values: Vec<f32> = (-12_000..12_000).map(|i| i as f32 * 1e-3).collect();
        values.extend([-1e30, -100.0, -88.5, -87.3, -1e-6, 0.0, 1e-6, 87.3, 88.5, 100.0, 1e30]);
        let x = Guarded::new(&values);
        let mut y = Guarded::output(x.len());
        forward(isa, &x, y.out());
        for (&x, &y) in x.iter().zip(y.written()) {
            let want = f(x.into());
            let off = (f64::from(y) - want).abs();
            assert!(off <= 5e-7 * want.abs() + 1e-37, "{isa}: f({x}) = {y} instead of {want}");
        }
        let mut dy = Guarded::new(&vec![2.0; x.len()]);
        backward(isa, &y, &mut dy);
        let want: Vec<f64> = y.iter().map(|&y| 2.0 * slope_of_y(y.into())).collect();
        assert_close("gradient", &dy, &want);
        let mut nan = Guarded::output(20);
        forward(isa, &[f32::NAN; 20], nan.out());
        assert!(nan.iter().all(|v| v.is_nan()));
    });
}

#[test]
fn sigmoid_is_accurate_everywhere() {
    use activation::{sigmoid_backward, sigmoid_forward};
    check_smooth(sigmoid_forward, sigmoid_backward, |x| 1.0 / (1.0 + (-x).exp()), |y| y * (1.0 - y));
}

#[test]
fn tanh_is_accurate_everywhere() {
    use activation::{tanh_backward, tanh_forward};
    check_smooth(tanh_forward, tanh_backward, f64::tanh, |y| 1.0 - y * y);
}
