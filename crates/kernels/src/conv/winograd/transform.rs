//! The one-dimensional transforms and their tile forms, on vectors of channels.
#![allow(unsafe_op_in_unsafe_fn)] // vector arithmetic from end to end, under the contract of `Simd`
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use crate::simd::Simd;

/// `B^T d`: six inputs to six frequencies.
#[inline(always)]
unsafe fn input<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
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

/// `A^T m`: six frequencies to `M` outputs.
#[inline(always)]
unsafe fn output<S: Simd, const M: usize>(m: [S::V; 6]) -> [S::V; M] {
    let (sum, diff) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (sum2, diff2) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    let mut y = [S::zero(); M];
    for j in 0..M {
        // the sums of x^j times the frequency at the point x
        y[j] = match j {
            0 => S::add(m[0], S::add(sum, sum2)),
            _ => {
                let (one, two) = if j % 2 == 0 { (sum, sum2) } else { (diff, diff2) };
                S::fma(S::splat((1 << j) as f32), two, one)
            }
        };
    }
    y[M - 1] = S::add(y[M - 1], m[5]);
    y
}

/// `sum_j y_j x^j` at the points 1 and -1 times `scale.0`, and at 2 and -2 times `scale.1`.
#[inline(always)]
unsafe fn at_points<S: Simd, const M: usize>(y: [S::V; M], scale: (f32, f32)) -> [S::V; 4] {
    // even and odd powers apart: they differ between the signs only by one addition
    let mut one = [S::zero(); 2];
    let mut two = [S::zero(); 2];
    for j in 0..M {
        let weight = S::splat(scale.1 * (1 << j) as f32);
        if j < 2 {
            one[j] = y[j];
            two[j] = S::mul(weight, y[j]);
        } else {
            one[j % 2] = S::add(one[j % 2], y[j]);
            two[j % 2] = S::fma(weight, y[j], two[j % 2]);
        }
    }
    if scale.0 != 1.0 {
        one = [S::mul(S::splat(scale.0), one[0]), S::mul(S::splat(scale.0), one[1])];
    }
    [S::add(one[0], one[1]), S::sub(one[0], one[1]), S::add(two[0], two[1]), S::sub(two[0], two[1])]
}

/// `A y`: `M` output gradients to six frequencies.
#[inline(always)]
unsafe fn gradient<S: Simd, const M: usize>(y: [S::V; M]) -> [S::V; 6] {
    let p = at_points::<S, M>(y, (1.0, 1.0));
    [y[0], p[0], p[1], p[2], p[3], y[M - 1]]
}

/// `G g`: `R` weights to six frequencies.
#[inline(always)]
unsafe fn weight<S: Simd, const R: usize>(g: [S::V; R]) -> [S::V; 6] {
    let p = at_points::<S, R>(g, (-1.0 / 6.0, 1.0 / 24.0));
    [S::mul(S::splat(0.25), g[0]), p[0], p[1], p[2], p[3], g[R - 1]]
}

/// `G^T d`: six frequencies to `R` weight gradients.
#[inline(always)]
unsafe fn weight_back<S: Simd, const R: usize>(d: [S::V; 6]) -> [S::V; R] {
    let scale = S::splat(-1.0 / 6.0);
    let (low, low_odd) = (S::mul(scale, S::add(d[1], d[2])), S::mul(scale, S::sub(d[1], d[2])));
    let (high, high_odd) = (S::add(d[3], d[4]), S::sub(d[3], d[4]));
    let mut w = [S::zero(); R];
    for j in 0..R {
        let (one, two) = if j % 2 == 0 { (low, high) } else { (low_odd, high_odd) };
        w[j] = S::fma(S::splat((1 << j) as f32 / 24.0), two, one);
    }
    w[0] = S::fma(S::splat(0.25), d[0], w[0]);
    w[R - 1] = S::add(w[R - 1], d[5]);
    w
}

/// Transforms a kernel of `R` by `R` taps to 36 vectors, `spacing` apart.
#[inline(always)]
pub(super) unsafe fn weight_tile<S: Simd, const R: usize>(g: [[S::V; R]; R], to: *mut f32, spacing: usize) {
    let mut t = [[S::zero(); R]; 6];
    for j in 0..R {
        let mut column = [S::zero(); R];
        for i in 0..R {
            column[i] = g[i][j];
        }
        let v = weight::<S, R>(column);
        for i in 0..6 {
            t[i][j] = v[i];
        }
    }
    for i in 0..6 {
        let v = weight::<S, R>(t[i]);
        for j in 0..6 {
            S::store(to.add((i * 6 + j) * spacing), v[j]);
        }
    }
}

/// Transforms 36 vectors, `spacing` apart, to the gradient of a kernel.
#[inline(always)]
pub(super) unsafe fn weight_tile_back<S: Simd, const R: usize>(from: *const f32, spacing: usize) -> [[S::V; R]; R] {
    let mut t = [[S::zero(); 6]; R];
    for j in 0..6 {
        let mut d = [S::zero(); 6];
        for i in 0..6 {
            d[i] = S::load(from.add((6 * i + j) * spacing));
        }
        let v = weight_back::<S, R>(d);
        for i in 0..R {
            t[i][j] = v[i];
        }
    }
    let mut g = [[S::zero(); R]; R];
    for i in 0..R {
        g[i] = weight_back::<S, R>(t[i]);
    }
    g
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

/// Transforms a tile of output gradients at `from`, rows `pitch` apart, to 36 vectors `spacing` apart.
#[inline(always)]
pub(super) unsafe fn gradient_tile<S: Simd, const M: usize>(
    from: *const f32,
    pitch: usize,
    to: *mut f32,
    spacing: usize,
) {
    let mut t = [[S::zero(); M]; 6];
    for j in 0..M {
        let mut y = [S::zero(); M];
        for i in 0..M {
            y[i] = S::load(from.add(i * pitch + j * S::LANES));
        }
        let z = gradient::<S, M>(y);
        for i in 0..6 {
            t[i][j] = z[i];
        }
    }
    for i in 0..6 {
        let z = gradient::<S, M>(t[i]);
        for j in 0..6 {
            S::store(to.add((i * 6 + j) * spacing), z[j]);
        }
    }
}

/// Transforms 36 vectors, `spacing` apart, to an output tile.
#[inline(always)]
pub(super) unsafe fn output_tile<S: Simd, const M: usize>(from: *const f32, spacing: usize) -> [[S::V; M]; M] {
    let mut t = [[S::zero(); 6]; M];
    for j in 0..6 {
        let mut m = [S::zero(); 6];
        for i in 0..6 {
            m[i] = S::load(from.add((i * 6 + j) * spacing));
        }
        let v = output::<S, M>(m);
        for i in 0..M {
            t[i][j] = v[i];
        }
    }
    let mut y = [[S::zero(); M]; M];
    for i in 0..M {
        y[i] = output::<S, M>(t[i]);
    }
    y
}
