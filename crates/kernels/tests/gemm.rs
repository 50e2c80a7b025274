//! Matrix products against a naive reference, on every instruction set.

mod common;

use common::*;
use ferrotype_kernels::{Activation, Gemm, Isa};

fn reference(g: &Gemm, a: &[f32], b: &[f32], bias: Option<&[f32]>) -> Vec<f64> {
    let mut c = vec![0.0; g.m * g.n];
    for i in 0..g.m {
        for j in 0..g.n {
            let sum: f64 = (0..g.k)
                .map(|k| {
                    let a = a[if g.a_transposed { k * g.m + i } else { i * g.k + k }];
                    let b = b[if g.b_transposed { j * g.k + k } else { k * g.n + j }];
                    f64::from(a) * f64::from(b)
                })
                .sum();
            c[i * g.n + j] = sum + bias.map_or(0.0, |v| f64::from(v[j]));
        }
    }
    c
}

fn product(g: &Gemm, isa: Isa, a: &[f32], b: &[f32], bias: Option<&[f32]>, act: Activation) -> Vec<f32> {
    let (a, b) = (Guarded::from(a), Guarded::from(b));
    let mut c = Guarded::new(g.m * g.n);
    c.slice_mut().fill(f32::NAN);
    g.run(isa, a.slice(), b.slice(), bias, act, c.out());
    c.slice().to_vec()
}

#[test]
fn random_shapes_match_the_reference() {
    let mut rng = Rng(1);
    for round in 0..80 {
        let top = if round % 10 == 0 { 900 } else { 120 };
        let (m, n, k) = (rng.range(1, 120), rng.range(1, 120), rng.range(1, top));
        let g = Gemm { m, n, k, a_transposed: rng.below(2) > 0, b_transposed: rng.below(2) > 0 };
        let (a, b, bias) = (rng.vec(m * k), rng.vec(k * n), rng.vec(n));
        let bias = (rng.below(2) > 0).then_some(&bias[..]);
        let want = reference(&g, &a, &b, bias);
        let relu: Vec<f64> = want.iter().map(|v| v.max(0.0)).collect();
        for isa in Isa::available() {
            let e = error(&product(&g, isa, &a, &b, bias, Activation::None), &want);
            assert!(e < 1e-5, "{isa} is off by {e:e}: {g:?}");
            let e = error_scaled(&product(&g, isa, &a, &b, bias, Activation::Relu), &relu, largest(&want));
            assert!(e < 1e-5, "{isa} with ReLU is off by {e:e}: {g:?}");
        }
    }
}

#[test]
fn empty_sums_are_the_bias() {
    let g = Gemm { m: 2, n: 3, k: 0, a_transposed: false, b_transposed: false };
    for isa in Isa::available() {
        let c = product(&g, isa, &[], &[], Some(&[1.0, 2.0, 3.0]), Activation::None);
        assert_eq!(c, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    }
}

#[test]
fn bits_do_not_depend_on_the_threads() {
    let mut rng = Rng(2);
    let g = Gemm { m: 130, n: 200, k: 500, a_transposed: false, b_transposed: true };
    let (a, b) = (rng.vec(g.m * g.k), rng.vec(g.k * g.n));
    for isa in Isa::available() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| product(&g, isa, &a, &b, None, Activation::None))
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{isa}");
    }
}

#[test]
fn nan_survives() {
    let g = Gemm { m: 5, n: 7, k: 9, a_transposed: false, b_transposed: false };
    let (mut a, b) = (vec![1.0; 45], vec![0.0; 63]);
    a[9] = f32::NAN;
    for isa in Isa::available() {
        let c = product(&g, isa, &a, &b, None, Activation::Relu6);
        assert!(c.iter().enumerate().all(|(i, v)| v.is_nan() == (i / 7 == 1)), "{isa}");
    }
}
