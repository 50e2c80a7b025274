use ferrotype_kernels::gates;

use crate::support::*;

/// Planes and their length: empty, shorter than a group of lanes, beyond one unit of work.
const SHAPES: [(usize, usize); 7] = [(0, 0), (1, 1), (3, 0), (5, 16), (37, 49), (4, 20_001), (2048, 17)];

#[test]
fn planes_are_multiplied_by_their_gates() {
    each_isa(|isa| {
        for (planes, len) in SHAPES {
            let mut rng = Rng(planes as u64);
            let (gates, x) = (rng.guarded(planes, 2.0, 0.0), rng.guarded(planes * len, 3.0, 0.0));
            let mut y = Guarded::output(x.len());
            gates::forward(isa, &gates, &x, y.out());
            let mut in_place = Guarded::new(&x);
            gates::in_place(isa, &gates, &mut in_place);
            let y = y.written();
            for i in 0..x.len() {
                assert_eq!(y[i], x[i] * gates[i / len]);
                assert_eq!(in_place[i], y[i]);
            }
        }
    });
}

#[test]
fn gradients_are_products_and_their_sums() {
    each_isa(|isa| {
        for (planes, len) in SHAPES {
            let mut rng = Rng(7 + planes as u64);
            let (gates, x) = (rng.guarded(planes, 2.0, 0.0), rng.guarded(planes * len, 3.0, 0.0));
            let dy = rng.vec(x.len(), 1.0, 0.0);
            let (mut dx, mut dgates) = (Guarded::new(&dy), Guarded::output(planes));
            gates::backward(isa, &gates, &x, &mut dx, dgates.out());
            for i in 0..x.len() {
                assert_eq!(dx[i], dy[i] * gates[i / len]);
            }
            let sum = |plane: usize| (plane * len..(plane + 1) * len).map(|i| f64::from(dy[i]) * f64::from(x[i])).sum();
            let want: Vec<f64> = (0..planes).map(sum).collect();
            assert_close("gates", dgates.written(), &want);
        }
    });
}

#[test]
fn threads_do_not_matter() {
    assert_same_for_any_threads(|isa| {
        let mut rng = Rng(3);
        let (gates, x) = (rng.vec(33, 1.0, 0.0), rng.vec(33 * 3000, 1.0, 0.0));
        let (mut dy, mut dgates) = (rng.vec(x.len(), 1.0, 0.0), Guarded::output(33));
        gates::backward(isa, &gates, &x, &mut dy, dgates.out());
        dy.extend_from_slice(dgates.written());
        dy
    });
}

#[test]
#[should_panic(expected = "are no planes of one length for 4 gates")]
fn planes_of_unequal_length_are_refused() {
    gates::in_place(ferrotype_kernels::Isa::Portable, &[1.0; 4], &mut [1.0; 10]);
}
