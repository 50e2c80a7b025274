//! Every convolution form and pass against a naive reference, on every instruction set.

mod common;

use common::*;
use ferrotype_kernels::{Conv2d, Padding};

#[test]
fn forms_match_the_reference() {
    for (i, c) in forms().iter().enumerate() {
        check(c, 100 + i as u64);
    }
}

#[test]
fn random_dense_3x3_same() {
    let mut rng = Rng(1);
    for seed in 0..40 {
        let c = Conv2d {
            height: rng.range(1, 19),
            width: rng.range(1, 19),
            ..square(rng.range(1, 4), rng.range(1, 40), rng.range(1, 70), 1, 3, 1, 1)
        };
        check(&c, seed);
    }
}

#[test]
fn random_dense_stride_1_with_any_padding() {
    let mut rng = Rng(6);
    for seed in 0..60 {
        let k = rng.range(3, 5);
        let mut pads = [0; 4];
        pads.iter_mut().for_each(|p| *p = rng.below(k));
        let c = Conv2d {
            height: rng.range(k, 19),
            width: rng.range(k, 19),
            padding: Padding { top: pads[0], bottom: pads[1], left: pads[2], right: pads[3] },
            ..square(rng.range(1, 4), rng.range(4, 40), rng.range(4, 40), 1, k, 1, 0)
        };
        check(&c, seed);
    }
}

#[test]
fn random_dense() {
    let mut rng = Rng(2);
    for seed in 0..120 {
        check(&random(&mut rng, 1), seed);
    }
}

#[test]
fn random_1x1() {
    let mut rng = Rng(3);
    for seed in 0..40 {
        let c = Conv2d {
            height: rng.range(1, 30),
            width: rng.range(1, 30),
            ..square(rng.range(1, 4), rng.range(1, 50), rng.range(1, 50), 1, 1, rng.range(1, 2), 0)
        };
        check(&c, seed);
    }
}

#[test]
fn random_depthwise_3x3() {
    let mut rng = Rng(4);
    for seed in 0..60 {
        let mut pads = [0; 4];
        pads.iter_mut().for_each(|p| *p = rng.below(2));
        let channels = rng.range(1, 40);
        let stride = rng.range(1, 2);
        let c = Conv2d {
            height: rng.range(3, 40),
            width: rng.range(3, 40),
            padding: Padding { top: pads[0], bottom: pads[1], left: pads[2], right: pads[3] },
            groups: channels,
            ..square(rng.range(1, 4), channels, channels, 1, 3, stride, 0)
        };
        check(&c, seed);
    }
}

#[test]
fn random_groups() {
    let mut rng = Rng(5);
    for seed in 0..40 {
        let groups = rng.range(1, 6);
        check(&random(&mut rng, groups), seed);
    }
}

#[test]
fn long_rows_and_many_images() {
    check(&Conv2d { height: 2, ..square(1, 2, 3, 300, 3, 1, 1) }, 1);
    check(&Conv2d { height: 2, ..square(1, 2, 3, 300, 5, 2, 2) }, 2);
    check(&square(37, 3, 5, 3, 3, 1, 1), 3);
    check(&square(37, 3, 5, 3, 3, 2, 1), 4);
    check(&square(70, 9, 10, 1, 1, 1, 0), 5);
    check(&square(5, 130, 70, 6, 3, 2, 1), 6);
    check(&square(3, 300, 400, 5, 3, 1, 1), 7);
    check(&square(13, 20, 40, 9, 3, 1, 1), 8);
    // more padding than kernel: outputs that see no input
    check(&square(2, 5, 6, 4, 3, 1, 5), 9);
    check(&square(2, 5, 6, 4, 3, 2, 4), 10);
    check(&Conv2d { groups: 6, ..square(2, 6, 6, 4, 2, 3, 7) }, 11);
    // a stride that leaves inputs unused
    check(&square(2, 5, 6, 9, 2, 4, 0), 12);
}

fn random(rng: &mut Rng, groups: usize) -> Conv2d {
    let kernel = [rng.range(1, 5), rng.range(1, 5)];
    let stride = [rng.range(1, 3), rng.range(1, 3)];
    let mut pads = [0; 4];
    for (i, pad) in pads.iter_mut().enumerate() {
        *pad = rng.below(kernel[i / 2]);
    }
    Conv2d {
        batch: rng.range(1, 4),
        in_channels: groups * rng.range(1, 12),
        height: rng.range(kernel[0], 20),
        width: rng.range(kernel[1], 20),
        out_channels: groups * rng.range(1, 20),
        kernel,
        stride,
        padding: Padding { top: pads[0], bottom: pads[1], left: pads[2], right: pads[3] },
        groups,
    }
}
