//! The one-dimensional transforms and their tile forms, on vectors of channels.
#![allow(unsafe_op_in_unsafe_fn)] // vector arithmetic from end to end, under the contract of `Simd`
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use crate::simd::Simd;

/// `B^T d`: six inputs to six frequencies.
#[inline(always)]
pub(super) unsafe fn input<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
    let (two, four, five) = (S::splat(2.0), S::splat(4.0), S::splat(5.0));
    let minus_four = S::splat(-4.0);
    let even = S::fma(minus_four, d[2], d[4]);
    let odd = S::fma(minus_four, d[1], d[3]);
    let even2 = S::sub(d[4], d[2]);
    let odd2 = S::mul(two, S::sub(d[3], d[1]));
    [
        S::fma(four, d[0], S::sub(d[4], S::mul(five, d[2]))),
        S::add(even, odd),
        S::sub(even, odd),
        S::add(even2, odd2),
        S::sub(even2, odd2),
        S::fma(four, d[1], S::sub(d[5], S::mul(five, d[3]))),
    ]
}

/// `A^T m`: six frequencies to four outputs.
#[inline(always)]
pub(super) unsafe fn output<S: Simd>(m: [S::V; 6]) -> [S::V; 4] {
    let (sum, diff) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (sum2, diff2) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    [
        S::add(m[0], S::add(sum, sum2)),
        S::fma(S::splat(2.0), diff2, diff),
        S::fma(S::splat(4.0), sum2, sum),
        S::add(S::fma(S::splat(8.0), diff2, diff), m[5]),
    ]
}

/// `A y`: four output gradients to six frequencies.
#[inline(always)]
pub(super) unsafe fn gradient<S: Simd>(y: [S::V; 4]) -> [S::V; 6] {
    let (two, four, eight) = (S::splat(2.0), S::splat(4.0), S::splat(8.0));
    let (even, odd) = (S::add(y[0], y[2]), S::add(y[1], y[3]));
    let even2 = S::fma(four, y[2], y[0]);
    let odd2 = S::fma(eight, y[3], S::mul(two, y[1]));
    [y[0], S::add(even, odd), S::sub(even, odd), S::add(even2, odd2), S::sub(even2, odd2), y[3]]
}

/// `G g`: three weights to six frequencies.
#[inline(always)]
pub(super) unsafe fn weight<S: Simd>(g: [S::V; 3]) -> [S::V; 6] {
    let sixth = S::splat(1.0 / 6.0);
    let even = S::mul(S::splat(-1.0 / 6.0), S::add(g[0], g[2]));
    let odd = S::mul(S::splat(-1.0 / 6.0), g[1]);
    let even2 = S::fma(S::splat(1.0 / 24.0), g[0], S::mul(sixth, g[2]));
    let odd2 = S::mul(S::splat(1.0 / 12.0), g[1]);
    [S::mul(S::splat(0.25), g[0]), S::add(even, odd), S::sub(even, odd), S::add(even2, odd2), S::sub(even2, odd2), g[2]]
}

/// `G^T d`: six frequencies to three weight gradients.
#[inline(always)]
pub(super) unsafe fn weight_back<S: Simd>(d: [S::V; 6]) -> [S::V; 3] {
    let (sixth, minus_sixth) = (S::splat(1.0 / 6.0), S::splat(-1.0 / 6.0));
    let (low, high) = (S::add(d[1], d[2]), S::add(d[3], d[4]));
    let (low_odd, high_odd) = (S::sub(d[2], d[1]), S::sub(d[3], d[4]));
    let first = S::fma(S::splat(0.25), d[0], S::mul(minus_sixth, low));
    [
        S::fma(S::splat(1.0 / 24.0), high, first),
        S::fma(sixth, low_odd, S::mul(S::splat(1.0 / 12.0), high_odd)),
        S::add(S::mul(sixth, S::sub(high, low)), d[5]),
    ]
}

/// Transforms a 6x6 input tile at `from`, rows `pitch` apart, to 36 vectors `spacing` apart.
#[inline(always)]
pub(super) unsafe fn input_tile<S: Simd>(from: *const f32, pitch: usize, to: *mut f32, spacing: usize) {
    let mut t = [[S::zero(); 6]; 6];
    for j in 0..6 {
        let mut d = [S::zero(); 6];
        for i in 0..6 {
            d[i] = S::load(from.add(i * pitch + j * S::LANES));
        }
        let v = input::<S>(d);
        for i in 0..6 {
            t[i][j] = v[i];
        }
    }
    for i in 0..6 {
        let v = input::<S>(t[i]);
        for j in 0..6 {
            S::store(to.add((i * 6 + j) * spacing), v[j]);
        }
    }
}

/// Transforms a 4x4 tile of output gradients at `from`, rows `pitch` apart, to 36 vectors `spacing` apart.
#[inline(always)]
pub(super) unsafe fn gradient_tile<S: Simd>(from: *const f32, pitch: usize, to: *mut f32, spacing: usize) {
    let mut t = [[S::zero(); 4]; 6];
    for j in 0..4 {
        let mut y = [S::zero(); 4];
        for i in 0..4 {
            y[i] = S::load(from.add(i * pitch + j * S::LANES));
        }
        let z = gradient::<S>(y);
        for i in 0..6 {
            t[i][j] = z[i];
        }
    }
    for i in 0..6 {
        let z = gradient::<S>(t[i]);
        for j in 0..6 {
            S::store(to.add((i * 6 + j) * spacing), z[j]);
        }
    }
}

/// Transforms 36 vectors, `spacing` apart, to a 4x4 output tile.
#[inline(always)]
pub(super) unsafe fn output_tile<S: Simd>(from: *const f32, spacing: usize) -> [[S::V; 4]; 4] {
    let mut t = [[S::zero(); 6]; 4];
    for j in 0..6 {
        let mut m = [S::zero(); 6];
        for i in 0..6 {
            m[i] = S::load(from.add((i * 6 + j) * spacing));
        }
        let v = output::<S>(m);
        for i in 0..4 {
            t[i][j] = v[i];
        }
    }
    [output::<S>(t[0]), output::<S>(t[1]), output::<S>(t[2]), output::<S>(t[3])]
}
