//! The matrix products at one frequency.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use crate::simd::{Kernel, Simd};

/// `m[t][o] = sum_c v[t][c] * u[c][o]` for `tiles` tiles and one or two vectors of output channels.
#[derive(Clone, Copy)]
pub(super) struct Forward {
    /// Vectors of input channels; blocks of `LANES` channels are `block` floats apart.
    pub v: *const f32,
    pub block: usize,
    pub channels: usize,
    /// Rows of two vectors.
    pub u: *const f32,
    /// Vectors of output channels; the second vector of a tile is `block` floats away too.
    pub m: *mut f32,
    pub tiles: usize,
    pub vectors: usize,
}

impl Forward {
    /// # Safety
    /// The instruction set is there; pointers as the type says.
    #[inline(always)]
    pub unsafe fn call<S: Simd>(self) {
        macro_rules! pick {
            ($($m:literal)*) => {
                match (self.tiles, self.vectors) {
                    $(
                        ($m, 1) => S::enter(ForwardOf::<$m, 1>(self)),
                        ($m, _) => S::enter(ForwardOf::<$m, 2>(self)),
                    )*
                    _ => unreachable!("no product of {} tiles", self.tiles),
                }
            };
        }
        pick!(1 2 3 4 5 6 7 8 9 10 11 12)
    }
}

struct ForwardOf<const M: usize, const N: usize>(Forward);

impl<const M: usize, const N: usize> Kernel for ForwardOf<M, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let t = self.0;
        let mut acc = [[S::zero(); N]; M];
        let mut u = t.u;
        let mut v = t.v;
        let mut left = t.channels;
        while left > 0 {
            let here = left.min(S::LANES);
            for c in 0..here {
                let mut b = [S::zero(); N];
                for n in 0..N {
                    b[n] = S::load(u.add(n * S::LANES));
                }
                for m in 0..M {
                    let a = S::splat(*v.add(m * S::LANES + c));
                    for n in 0..N {
                        acc[m][n] = S::fma(a, b[n], acc[m][n]);
                    }
                }
                u = u.add(2 * S::LANES);
            }
            left -= here;
            v = v.add(t.block);
        }
        for m in 0..M {
            for n in 0..N {
                S::store(t.m.add(n * t.block + m * S::LANES), acc[m][n]);
            }
        }
    }
}

/// `d[c][o] (+)= sum_t v[t][c] * z[t][o]` for `rows` input channels and one or two vectors of output channels.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    /// Vectors of input channels; blocks of `LANES` channels are `block` floats apart.
    pub v: *const f32,
    pub channel: usize,
    /// Vectors of output channels; the second vector of a tile is `block` floats away.
    pub z: *const f32,
    pub block: usize,
    pub tiles: usize,
    /// Rows of two vectors.
    pub d: *mut f32,
    /// Add to what `d` holds.
    pub add: bool,
    pub rows: usize,
    pub vectors: usize,
}

impl Weight {
    /// # Safety
    /// The instruction set is there; pointers as the type says.
    #[inline(always)]
    pub unsafe fn call<S: Simd>(self) {
        macro_rules! pick {
            ($($m:literal)*) => {
                match (self.rows, self.vectors) {
                    $(
                        ($m, 1) => S::enter(WeightOf::<$m, 1>(self)),
                        ($m, _) => S::enter(WeightOf::<$m, 2>(self)),
                    )*
                    _ => unreachable!("no product of {} channels", self.rows),
                }
            };
        }
        pick!(1 2 3 4 5 6 7 8)
    }
}

struct WeightOf<const M: usize, const N: usize>(Weight);

impl<const M: usize, const N: usize> Kernel for WeightOf<M, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let t = self.0;
        let mut rows = [t.v; M];
        for m in 0..M {
            let c = t.channel + m;
            rows[m] = t.v.add(c / S::LANES * t.block + c % S::LANES);
        }
        let mut acc = [[S::zero(); N]; M];
        for i in 0..t.tiles {
            let at = i * S::LANES;
            let mut b = [S::zero(); N];
            for n in 0..N {
                b[n] = S::load(t.z.add(n * t.block + at));
            }
            for m in 0..M {
                let a = S::splat(*rows[m].add(at));
                for n in 0..N {
                    acc[m][n] = S::fma(a, b[n], acc[m][n]);
                }
            }
        }
        for m in 0..M {
            for n in 0..N {
                let d = t.d.add((2 * m + n) * S::LANES);
                let sum = if t.add { S::add(S::load(d), acc[m][n]) } else { acc[m][n] };
                S::store(d, sum);
            }
        }
    }
}
