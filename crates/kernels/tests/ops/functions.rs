use ferrotype_kernels::activation::Function::{self, HardSigmoid, HardSwish, Sigmoid, Silu};

use crate::support::*;

const ALL: [Function; 4] = [Sigmoid, HardSigmoid, Silu, HardSwish];

/// Value and slope as the documentation says.
fn reference(f: Function, x: f64) -> (f64, f64) {
    let s = 1.0 / (1.0 + (-x).exp());
    let h = (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let inside = x > -3.0 && x < 3.0;
    match f {
        Sigmoid => (s, s * (1.0 - s)),
        HardSigmoid => (h, if inside { 1.0 / 6.0 } else { 0.0 }),
        Silu => (x * s, s * (1.0 + x * (1.0 - s))),
        HardSwish => (x * h, if inside { x / 3.0 + 0.5 } else { f64::from(u8::from(x >= 3.0)) }),
    }
}

#[test]
fn functions_and_their_slopes_are_accurate_everywhere() {
    let mut values: Vec<f32> = (-12_000..12_000).map(|i| i as f32 * 1e-3).collect();
    values.extend([-1e30, -100.0, -88.5, -87.3, -3.0, -1e-6, 0.0, 1e-6, 3.0, 87.3, 88.5, 100.0, 1e30]);
    each_isa(|isa| {
        let x = Guarded::new(&values);
        for f in ALL {
            let mut y = Guarded::output(x.len());
            f.forward(isa, &x, y.out());
            let mut dy = Guarded::new(&vec![2.0; x.len()]);
            f.backward(isa, &x, &mut dy);
            for ((&x, &y), &dx) in x.iter().zip(y.written()).zip(dy.iter()) {
                let (value, slope) = reference(f, x.into());
                // Near the ends the sum x + 3 is rounded to a step of it.
                let off = (f64::from(y) - value).abs();
                assert!(off <= 1e-6 * value.abs().max(1e-1), "{isa} {f:?}({x}) = {y} instead of {value}");
                let off = (f64::from(dx) - 2.0 * slope).abs();
                assert!(off <= 2e-6, "{isa} {f:?}'({x}): {dx} instead of {}", 2.0 * slope);
            }
        }
    });
}

#[test]
fn every_length_is_written_to_its_end_and_nan_stays() {
    each_isa(|isa| {
        for len in [0, 1, 15, 16, 17, 33, 32 * 1024 + 5, 100_003] {
            let x = Rng(len as u64).guarded(len, 5.0, 0.0);
            for f in ALL {
                let (mut y, mut dy) = (Guarded::output(len), Guarded::new(&vec![1.0; len]));
                f.forward(isa, &x, y.out());
                f.backward(isa, &x, &mut dy);
                let want: Vec<f64> = x.iter().map(|&x| reference(f, x.into()).0).collect();
                assert_close("values", y.written(), &want);
                let want: Vec<f64> = x.iter().map(|&x| reference(f, x.into()).1).collect();
                assert_close("slopes", &dy, &want);
            }
        }
        for f in ALL {
            let mut y = Guarded::output(20);
            f.forward(isa, &[f32::NAN; 20], y.out());
            assert!(y.iter().all(|v| v.is_nan()), "{isa} {f:?}");
        }
    });
}
