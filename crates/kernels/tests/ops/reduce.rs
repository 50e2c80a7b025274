use ferrotype_kernels::reduce::{channel_sums, row_sums};

use crate::support::*;

#[test]
fn channel_sums_match_the_reference() {
    each_isa(|isa| {
        for (seed, [n, c, hw]) in
            [[1, 1, 1], [3, 5, 1], [2, 3, 7], [1, 2, 16], [5, 4, 49], [2, 70, 33], [2, 2, 5000]].into_iter().enumerate()
        {
            let x = Rng(seed as u64).guarded(n * c * hw, 1.0, 0.1);
            let mut y = Guarded::output(c);
            channel_sums(isa, [n, c, hw], &x, y.out());
            let mut want = vec![0.0; c];
            x.iter().enumerate().for_each(|(i, v)| want[i / hw % c] += f64::from(*v));
            assert_close_to("sums", y.written(), &want, 1.0);
        }
    });
}

#[test]
fn row_sums_match_the_reference() {
    each_isa(|isa| {
        for (seed, [n, c]) in [[1, 1], [3, 5], [9, 64], [10, 65], [300, 129]].into_iter().enumerate() {
            let x = Rng(seed as u64).guarded(n * c, 1.0, 0.1);
            let mut y = Guarded::output(c);
            row_sums(isa, [n, c], &x, y.out());
            let mut want = vec![0.0; c];
            x.iter().enumerate().for_each(|(i, v)| want[i % c] += f64::from(*v));
            assert_close_to("sums", y.written(), &want, 1.0);
        }
    });
}

#[test]
fn threads_do_not_matter() {
    let x = Rng(3).vec(16 * 40 * 100, 1.0, 0.0);
    assert_same_for_any_threads(|isa| {
        let (mut channels, mut columns) = (Guarded::output(40), Guarded::output(4000));
        channel_sums(isa, [16, 40, 100], &x, channels.out());
        row_sums(isa, [16, 4000], &x, columns.out());
        [channels.written(), columns.written()].concat()
    });
}
