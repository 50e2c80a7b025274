use ferrotype_kernels::{Isa, dropout};

use crate::support::*;

fn kept(isa: Isa, key: u64, p: f64, len: usize) -> Vec<bool> {
    let mut out = Guarded::output(len);
    dropout::mask(isa, key, p, out.out());
    let gain = (1.0 / (1.0 - p)) as f32;
    out.written().iter().for_each(|&v| assert!(v == 0.0 || v == gain));
    out.iter().map(|&v| v != 0.0).collect()
}

/// Ten rounds of Philox-2x32, word for word as published.
fn philox(mut counter: [u32; 2], mut key: u32) -> [u32; 2] {
    for _ in 0..10 {
        let product = u64::from(counter[0]) * 0xd256_d193;
        counter = [(product >> 32) as u32 ^ key ^ counter[1], product as u32];
        key = key.wrapping_add(0x9e37_79b9);
    }
    counter
}

#[test]
fn the_reference_generator_gives_the_published_words() {
    // The known answers that come with Random123.
    assert_eq!(philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
    assert_eq!(philox([u32::MAX; 2], u32::MAX), [0x2c3f_628b, 0xab4f_d7ad]);
    assert_eq!(philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
}

#[test]
fn the_mask_is_what_the_documentation_says() {
    each_isa(|isa| {
        for (key, p) in [(0, 0.5), (0xfeed_beef_1234_5678, 0.3), (u64::MAX, 0.0), (7, 0.999)] {
            let threshold = (p * 4_294_967_296.0f64).round() as u64;
            // Longer than a unit of work, and ending within a block.
            for (i, kept) in kept(isa, key, p, 40_007).into_iter().enumerate() {
                let counter = [(i / 16 * 8 + i % 8) as u32, (key >> 32) as u32];
                let word = philox(counter, key as u32)[i % 16 / 8];
                assert_eq!(kept, u64::from(word) >= threshold, "{isa} {key} {p} [{i}]");
            }
        }
    });
}

#[test]
fn forward_and_backward_multiply_with_the_mask() {
    each_isa(|isa| {
        for len in [0, 1, 15, 16, 17, 1000, 70_001] {
            let x = Rng(len as u64).guarded(len, 1.0, 0.0);
            let (mut mask, mut y) = (Guarded::output(len), Guarded::output(len));
            dropout::mask(isa, 3, 0.25, mask.out());
            dropout::forward(isa, 3, 0.25, &x, y.out());
            let mut in_place = Guarded::new(&x);
            dropout::in_place(isa, 3, 0.25, &mut in_place);
            let y = y.written();
            for i in 0..len {
                assert_eq!(y[i], x[i] * mask[i]);
                assert_eq!(in_place[i], y[i]);
            }
        }
        let mut nan = vec![f32::NAN; 100];
        dropout::in_place(isa, 3, 0.5, &mut nan);
        assert!(nan.iter().all(|v| v.is_nan()));
    });
}

/// The deviation of a count of successes from its mean, in standard deviations.
fn sigmas(successes: usize, trials: usize, rate: f64) -> f64 {
    let n = trials as f64;
    (successes as f64 - n * rate).abs() / (n * rate * (1.0 - rate)).sqrt()
}

/// Checks that two masks agree as often as independent ones would.
fn assert_independent(what: &str, a: &[bool], b: &[bool], keep: f64) {
    let agree = a.iter().zip(b).filter(|(a, b)| a == b).count();
    let off = sigmas(agree, a.len().min(b.len()), keep * keep + (1.0 - keep) * (1.0 - keep));
    assert!(off < 5.0, "{what}: agreement is off by {off} sigmas");
}

#[test]
fn the_keep_rate_is_right() {
    let isa = Isa::detect();
    for key in 0..8 {
        for p in [0.01, 0.2, 0.5, 0.9] {
            let len = 1 << 18;
            let count = kept(isa, key << 30, p, len).into_iter().filter(|&k| k).count();
            assert!(sigmas(count, len, 1.0 - p) < 5.0, "key {key}, p {p}: {count} of {len} kept");
        }
    }
}

#[test]
fn neighbouring_keys_are_independent() {
    let (isa, len, p) = (Isa::detect(), 1 << 17, 0.4);
    for base in [0u64, 0x0123_4567_89ab_cdef] {
        let a = kept(isa, base, p, len);
        for bit in 0..64 {
            assert_independent(&format!("bit {bit}"), &a, &kept(isa, base ^ 1 << bit, p, len), 1.0 - p);
        }
        for step in 1..16u64 {
            let b = kept(isa, base.wrapping_add(step), p, len);
            assert_independent(&format!("step {step}"), &a, &b, 1.0 - p);
            // One key's mask must not be the other's, moved.
            for lag in [1, 8, 16, 32] {
                assert_independent(&format!("step {step}, lag {lag}"), &a, &b[lag..], 1.0 - p);
            }
        }
    }
}

#[test]
fn elements_are_independent_of_those_before() {
    let (isa, p) = (Isa::detect(), 0.5);
    let mask = kept(isa, 12, p, 1 << 19);
    for lag in (1..=64).chain([128, 196, 256, 784, 1024, 3136, 4096, 65_536]) {
        assert_independent(&format!("lag {lag}"), &mask, &mask[lag..], 1.0 - p);
    }
}

#[test]
fn threads_do_not_matter() {
    assert_same_for_any_threads(|isa| {
        let mut out = Guarded::output(100_001);
        dropout::mask(isa, 5, 0.5, out.out());
        out.to_vec()
    });
}

#[test]
#[should_panic(expected = "not in [0, 1)")]
fn dropping_everything_is_refused() {
    dropout::in_place(Isa::Portable, 0, 1.0, &mut [1.0]);
}
