//! The register tiles of the direct kernels.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use super::Activation;
use crate::simd::{Kernel, Simd};

/// What a [`Product`] starts from.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// Zero.
    Zero,
    /// One number for each row.
    Rows(*const f32),
    /// One number for each column.
    Columns(*const f32),
    /// What `y` holds.
    Resume,
}

/// `y[m][p] = act(start + sum_k w[k][m] * x[offsets[k] + p])` for `m < rows`, `p` over `vectors` vectors.
///
/// Pixels lie along the lanes and weights are broadcast, so any number of channels is used without waste.
/// `x` must be readable and `y` writable for whole vectors.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    pub w: *const f32,
    pub offsets: &'a [u32],
    pub x: *const f32,
    pub y: *mut f32,
    pub y_stride: usize,
    pub start: Start,
    pub act: Activation,
    pub rows: usize,
    pub vectors: usize,
    /// Store past the caches; `y` and `y_stride` are then aligned to vectors.
    pub stream: bool,
}

impl Product<'_> {
    /// # Safety
    /// The instruction set is there; pointers as the type says.
    #[inline(always)]
    pub unsafe fn call<S: Simd>(self) {
        macro_rules! pick {
            ($($m:literal)*) => {
                match (self.rows, self.vectors) {
                    $(
                        ($m, 1) => S::enter(ProductOf::<$m, 1>(self)),
                        ($m, 2) => S::enter(ProductOf::<$m, 2>(self)),
                        ($m, _) => S::enter(ProductOf::<$m, 3>(self)),
                    )*
                    _ => unreachable!("no tile of {} rows", self.rows),
                }
            };
        }
        pick!(1 2 3 4 5 6 7 8)
    }
}

struct ProductOf<'a, const M: usize, const N: usize>(Product<'a>);

impl<const M: usize, const N: usize> Kernel for ProductOf<'_, M, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let t = self.0;
        let mut acc = [[S::zero(); N]; M];
        for m in 0..M {
            for n in 0..N {
                match t.start {
                    Start::Zero => {}
                    Start::Rows(bias) => acc[m][n] = S::splat(*bias.add(m)),
                    Start::Columns(bias) => acc[m][n] = S::load(bias.add(n * S::LANES)),
                    Start::Resume => acc[m][n] = S::load(t.y.add(m * t.y_stride + n * S::LANES)),
                }
            }
        }
        let mut w = t.w;
        for &offset in t.offsets {
            let x = t.x.add(offset as usize);
            let mut v = [S::zero(); N];
            for n in 0..N {
                v[n] = S::load(x.add(n * S::LANES));
            }
            for m in 0..M {
                let b = S::splat(*w.add(m));
                for n in 0..N {
                    acc[m][n] = S::fma(b, v[n], acc[m][n]);
                }
            }
            w = w.add(M);
        }
        for m in 0..M {
            for n in 0..N {
                let (to, v) = (t.y.add(m * t.y_stride + n * S::LANES), activate::<S>(acc[m][n], t.act));
                if t.stream { S::stream(to, v) } else { S::store(to, v) }
            }
        }
    }
}

/// Applies an activation to a vector.
///
/// # Safety
/// The instruction set is there.
#[inline(always)]
pub(crate) unsafe fn activate<S: Simd>(v: S::V, act: Activation) -> S::V {
    match act {
        Activation::None => v,
        Activation::Relu => S::at_least(v, S::zero()),
        Activation::Relu6 => S::at_most(S::at_least(v, S::zero()), S::splat(6.0)),
    }
}

/// `d[m * d_stride + n] += sum_p y[m * y_stride + p] * x[offsets[n] + p]` for `m < rows`, `n < offsets.len()`,
/// `p` over `steps` vectors.
#[derive(Clone, Copy)]
pub(crate) struct Dot<'a> {
    pub y: *const f32,
    pub y_stride: usize,
    pub x: *const f32,
    pub offsets: &'a [u32],
    pub steps: usize,
    pub d: *mut f32,
    pub d_stride: usize,
    pub rows: usize,
}

impl Dot<'_> {
    /// # Safety
    /// The instruction set is there; pointers as the type says.
    #[inline(always)]
    pub unsafe fn call<S: Simd>(self) {
        macro_rules! pick {
            ($($m:literal)*) => {
                match (self.rows, self.offsets.len()) {
                    $(
                        ($m, 1) => S::enter(DotOf::<$m, 1>(self)),
                        ($m, 2) => S::enter(DotOf::<$m, 2>(self)),
                        ($m, 3) => S::enter(DotOf::<$m, 3>(self)),
                        ($m, 4) => S::enter(DotOf::<$m, 4>(self)),
                        ($m, 5) => S::enter(DotOf::<$m, 5>(self)),
                        ($m, 6) => S::enter(DotOf::<$m, 6>(self)),
                    )*
                    _ => unreachable!("no tile of {} x {}", self.rows, self.offsets.len()),
                }
            };
        }
        pick!(1 2 3 4)
    }
}

struct DotOf<'a, const M: usize, const N: usize>(Dot<'a>);

impl<const M: usize, const N: usize> Kernel for DotOf<'_, M, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let t = self.0;
        let mut acc = [[S::zero(); N]; M];
        let mut from = [t.x; N];
        for n in 0..N {
            from[n] = t.x.add(t.offsets[n] as usize);
        }
        let mut at = 0;
        for _ in 0..t.steps {
            let mut y = [S::zero(); M];
            for m in 0..M {
                y[m] = S::load(t.y.add(m * t.y_stride + at));
            }
            for n in 0..N {
                let x = S::load(from[n].add(at));
                for m in 0..M {
                    acc[m][n] = S::fma(x, y[m], acc[m][n]);
                }
            }
            at += S::LANES;
        }
        for m in 0..M {
            for n in 0..N {
                *t.d.add(m * t.d_stride + n) += S::sum(acc[m][n]);
            }
        }
    }
}

/// `d[k][o] += sum_p x[offsets[k] + p] * z[p][o]` for `k < offsets.len()`, `p < pixels` and one or two vectors of
/// output channels: the weight gradient from transposed output gradients. Rows of `z` and `d` are two vectors long.
#[derive(Clone, Copy)]
pub(crate) struct Outer<'a> {
    pub x: *const f32,
    pub offsets: &'a [u32],
    pub z: *const f32,
    pub pixels: usize,
    pub d: *mut f32,
    pub vectors: usize,
}

impl Outer<'_> {
    /// # Safety
    /// The instruction set is there; pointers as the type says.
    #[inline(always)]
    pub unsafe fn call<S: Simd>(self) {
        macro_rules! pick {
            ($($m:literal)*) => {
                match (self.offsets.len(), self.vectors) {
                    $(
                        ($m, 1) => S::enter(OuterOf::<$m, 1>(self)),
                        ($m, _) => S::enter(OuterOf::<$m, 2>(self)),
                    )*
                    _ => unreachable!("no tile of {} rows", self.offsets.len()),
                }
            };
        }
        pick!(1 2 3 4 5 6 7 8)
    }
}

struct OuterOf<'a, const M: usize, const N: usize>(Outer<'a>);

impl<const M: usize, const N: usize> Kernel for OuterOf<'_, M, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let t = self.0;
        let mut rows = [t.x; M];
        for m in 0..M {
            rows[m] = t.x.add(t.offsets[m] as usize);
        }
        let mut acc = [[S::zero(); N]; M];
        for p in 0..t.pixels {
            let mut z = [S::zero(); N];
            for n in 0..N {
                z[n] = S::load(t.z.add((2 * p + n) * S::LANES));
            }
            for m in 0..M {
                let x = S::splat(*rows[m].add(p));
                for n in 0..N {
                    acc[m][n] = S::fma(x, z[n], acc[m][n]);
                }
            }
        }
        for m in 0..M {
            for n in 0..N {
                let d = t.d.add((2 * m + n) * S::LANES);
                S::store(d, S::add(S::load(d), acc[m][n]));
            }
        }
    }
}

/// The sum of `n` floats, a multiple of the lanes.
///
/// # Safety
/// The instruction set and the floats are there.
#[inline(always)]
pub(crate) unsafe fn total<S: Simd>(from: *const f32, n: usize) -> f32 {
    let mut sums = [S::zero(); 2];
    for i in (0..n).step_by(S::LANES) {
        // two chains of additions
        sums.swap(0, 1);
        sums[0] = S::add(sums[0], S::load(from.add(i)));
    }
    S::sum(S::add(sums[0], sums[1]))
}
