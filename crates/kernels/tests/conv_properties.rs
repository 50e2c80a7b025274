//! What holds beyond the values: determinism, NaN, the edges of buffers, the length checks.

mod common;

use common::*;
use ferrotype_kernels::{Activation, Conv2d, Isa};

/// Shapes large enough to be shared out among threads.
fn large() -> Vec<Conv2d> {
    let mut all = vec![
        square(4, 32, 64, 24, 3, 1, 1),
        square(9, 40, 24, 12, 4, 1, 1),
        square(3, 24, 24, 30, 3, 2, 1),
        square(5, 64, 48, 16, 1, 1, 0),
        square(5, 64, 48, 16, 1, 2, 0),
        square(4, 1, 32, 48, 3, 1, 1),
        square(1, 64, 128, 6, 3, 1, 1),
        square(2, 512, 256, 5, 3, 1, 1),
    ];
    for stride in [1, 2] {
        all.push(Conv2d { groups: 48, ..square(4, 48, 48, 32, 3, stride, 1) });
    }
    all
}

#[test]
fn bits_do_not_depend_on_the_threads() {
    for isa in Isa::available() {
        for c in large() {
            let mut rng = Rng(7);
            let (x, w, dy) = (rng.vec(in_len(&c)), rng.vec(weight_len(&c)), rng.vec(out_len(&c)));
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let y = forward(&c, isa, &x, &w, None, Activation::Relu);
                    let (dw, db) = backward_weight(&c, isa, &x, &dy);
                    let all = [y, backward_data(&c, isa, &dy, &w), dw, db];
                    all.map(|v| v.into_iter().map(f32::to_bits).collect::<Vec<_>>())
                })
            };
            let one = run(1);
            for threads in [1, 2, 3] {
                assert!(one == run(threads), "{isa}, {threads} threads: {c:?}");
            }
        }
    }
}

#[test]
fn nan_and_infinity_reach_the_results() {
    for isa in Isa::available() {
        for c in forms() {
            for bad in [f32::NAN, f32::INFINITY] {
                nan_case(&c, isa, bad);
            }
        }
    }
}

fn nan_case(c: &Conv2d, isa: Isa, bad: f32) {
    let mut rng = Rng(8);
    let (mut x, mut w, mut dy) = (rng.vec(in_len(c)), rng.vec(weight_len(c)), rng.vec(out_len(c)));
    let lost = |got: &[f32], want: &[f64]| got.iter().zip(want).any(|(g, w)| !w.is_finite() && g.is_finite());
    let nan = |got: &[f32], want: &[f64]| got.iter().zip(want).any(|(g, w)| w.is_nan() && !g.is_nan());

    let at = x.len() / 2;
    let fine = std::mem::replace(&mut x[at], bad);
    let act = if bad.is_nan() { Activation::Relu6 } else { Activation::None };
    // `f64::max` drops NaN, so the reference goes without the activation
    let want = reference_forward(c, &x, &w, None, Activation::None);
    let got = forward(c, isa, &x, &w, None, act);
    assert!(!nan(&got, &want), "{isa} forward lost {bad}: {c:?}");
    assert!(bad.is_nan() || !lost(&got, &want), "{isa} forward lost {bad}: {c:?}");
    let want = reference_backward_weight(c, &x, &dy).0;
    assert!(!lost(&backward_weight(c, isa, &x, &dy).0, &want), "{isa} backward weight lost {bad}: {c:?}");
    x[at] = fine;

    let at = dy.len() / 2;
    let fine = std::mem::replace(&mut dy[at], bad);
    let want = reference_backward_data(c, &dy, &w);
    assert!(!lost(&backward_data(c, isa, &dy, &w), &want), "{isa} backward data lost {bad}: {c:?}");
    let (dw, db) = reference_backward_weight(c, &x, &dy);
    let got = backward_weight(c, isa, &x, &dy);
    assert!(!lost(&got.0, &dw) && !lost(&got.1, &db), "{isa} backward weight lost {bad} of dy: {c:?}");
    dy[at] = fine;

    let at = w.len() / 2;
    w[at] = bad;
    let want = reference_forward(c, &x, &w, None, Activation::None);
    assert!(!lost(&forward(c, isa, &x, &w, None, Activation::None), &want), "{isa} forward lost {bad} of w: {c:?}");
}

#[test]
fn nothing_is_touched_beyond_the_buffers() {
    for isa in Isa::available() {
        for c in forms().into_iter().chain(large()) {
            let mut rng = Rng(9);
            let x = Guarded::from(&rng.vec(in_len(&c)));
            let w = Guarded::from(&rng.vec(weight_len(&c)));
            let dy = Guarded::from(&rng.vec(out_len(&c)));
            let b = Guarded::from(&rng.vec(c.out_channels));
            let mut y = Guarded::new(dy.len);
            let mut dx = Guarded::new(x.len);
            let (mut dw, mut db) = (Guarded::new(w.len), Guarded::new(b.len));
            c.forward(isa, x.slice(), w.slice(), Some(b.slice()), Activation::Relu, y.out());
            c.backward_data(isa, dy.slice(), w.slice(), dx.out());
            c.backward_weight(isa, x.slice(), dy.slice(), dw.out(), Some(db.out()));
        }
    }
}

#[test]
fn every_output_is_written() {
    for isa in Isa::available() {
        for c in forms() {
            let (x, w, dy) = (vec![1.0; in_len(&c)], vec![1.0; weight_len(&c)], vec![1.0; out_len(&c)]);
            assert!(forward(&c, isa, &x, &w, None, Activation::None).iter().all(|v| v.is_finite()), "{c:?}");
            assert!(backward_data(&c, isa, &dy, &w).iter().all(|v| v.is_finite()), "{c:?}");
            let (dw, db) = backward_weight(&c, isa, &x, &dy);
            assert!(dw.iter().chain(&db).all(|v| v.is_finite()), "{c:?}");
        }
    }
}

#[test]
fn fused_gradients_have_the_same_bits() {
    for isa in Isa::available() {
        for c in forms().into_iter().filter(|c| c.groups > 1) {
            let mut rng = Rng(10);
            let (x, w, dy) = (rng.vec(in_len(&c)), rng.vec(weight_len(&c)), rng.vec(out_len(&c)));
            let (mut dx, mut dw, mut db) = (uninit(x.len()), uninit(w.len()), uninit(c.out_channels));
            c.backward_depthwise(isa, &x, &dy, &w, &mut dx, &mut dw, Some(&mut db));
            assert_eq!(init(&dx), backward_data(&c, isa, &dy, &w), "{isa} {c:?}");
            assert_eq!((init(&dw), init(&db)), backward_weight(&c, isa, &x, &dy), "{isa} {c:?}");
        }
    }
}

#[test]
#[should_panic(expected = "input of")]
fn a_wrong_length_is_refused() {
    let c = square(1, 2, 3, 5, 3, 1, 1);
    let mut y = uninit(out_len(&c));
    c.forward(Isa::Portable, &[0.0; 49], &vec![0.0; weight_len(&c)], None, Activation::None, &mut y);
}
