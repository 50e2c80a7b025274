//! One vector abstraction, three implementations.
//!
//! A kernel is written once, generic over [`Simd`], and entered through [`dispatch`], which puts it under the
//! `#[target_feature]` of the chosen instruction set. Everything between that entry and the intrinsics must be
//! `#[inline(always)]`: a function left out of line would be compiled without the feature. Large inner bodies go
//! through [`Simd::enter`] instead, which opens a new function of the same instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::Isa;

/// Work that runs with one instruction set.
pub(crate) trait Kernel {
    /// Does the work. Implementations are `#[inline(always)]`.
    ///
    /// # Safety
    /// The processor has `S`, and the pointers in `self` are good for what the implementation says it touches.
    unsafe fn run<S: Simd>(self);
}

/// A vector of `f32` and what the kernels need of it.
///
/// # Safety of the methods
/// All need the instruction set; those that take a pointer need it valid for the lanes they touch (unaligned is fine,
/// except for [`Simd::stream`]).
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// The vector.
    type V: Copy;
    /// Lanes of a vector.
    const LANES: usize;
    /// Broadcast rows of the register tile of matrix products. Accumulators, vectors and a broadcast take
    /// `ROWS * WIDE + WIDE + 1` registers; without one to spare the compiler spills.
    const ROWS: usize;
    /// Vectors in a row of that tile.
    const WIDE: usize;
    /// Rows and columns of the register tile of dot products: `DOT.0 * DOT.1 + DOT.0 + 1` vectors fit.
    const DOT: (usize, usize);
    /// Broadcast rows of a register tile two vectors wide.
    const TALL: usize;

    unsafe fn zero() -> Self::V;
    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// The first `n <= LANES` lanes; the others are zero and their memory is not touched.
    unsafe fn load_first(p: *const f32, n: usize) -> Self::V;
    /// Stores the first `n <= LANES` lanes.
    unsafe fn store_first(p: *mut f32, v: Self::V, n: usize);
    /// Stores past the caches. The pointer must be aligned to the vector; [`Simd::fence`] before others read.
    unsafe fn stream(p: *mut f32, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `max(bound, v)`; `v` where it is NaN.
    unsafe fn at_least(v: Self::V, bound: Self::V) -> Self::V;
    /// `min(bound, v)`; `v` where it is NaN.
    unsafe fn at_most(v: Self::V, bound: Self::V) -> Self::V;
    /// Bitwise and.
    unsafe fn and(a: Self::V, b: Self::V) -> Self::V;
    /// The even lanes of `a` and `b` taken as one vector.
    unsafe fn evens(a: Self::V, b: Self::V) -> Self::V;
    /// Lanes of `a` and `b` by turns: the inverse of taking even and odd lanes.
    unsafe fn interleave(a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// The sum of the lanes, in an order fixed by the implementation.
    unsafe fn sum(v: Self::V) -> f32;
    /// Orders streamed stores before whatever publishes them.
    unsafe fn fence();
    /// Asks for a cache line to be brought to L2. Any address is harmless.
    unsafe fn prefetch(p: *const f32);
    /// Transposes a square of `LANES` vectors, lying at `LANES` consecutive places.
    unsafe fn transpose(square: *mut Self::V);
    /// Runs `k` in a function of its own, under this instruction set.
    unsafe fn enter<K: Kernel>(k: K);
}

/// Runs a kernel with the given instruction set.
///
/// # Safety
/// As for [`Kernel::run`].
///
/// # Panics
/// When this processor has not that instruction set.
#[inline]
pub(crate) unsafe fn dispatch<K: Kernel>(isa: Isa, k: K) {
    assert_available(isa);
    match isa {
        // SAFETY: availability has just been checked; the rest is the caller's.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512::Avx512::enter(k) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { avx2::Avx2::enter(k) },
        // SAFETY: the portable path needs nothing.
        _ => unsafe { portable::Portable::enter(k) },
    }
}

/// Lanes of a vector of `isa`.
pub(crate) fn lanes(isa: Isa) -> usize {
    shape(isa).lanes
}

/// The register tile sizes of an instruction set, for planning outside kernels.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub lanes: usize,
    pub rows: usize,
    pub wide: usize,
}

/// [`Shape`] of `isa`.
pub(crate) fn shape(isa: Isa) -> Shape {
    fn of<S: Simd>() -> Shape {
        Shape { lanes: S::LANES, rows: S::ROWS, wide: S::WIDE }
    }
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => of::<avx512::Avx512>(),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => of::<avx2::Avx2>(),
        _ => of::<portable::Portable>(),
    }
}

/// `Isa` is a plain enum that anyone can build, so soundness needs this check (cached flags, a few loads).
fn assert_available(isa: Isa) {
    #[cfg(target_arch = "x86_64")]
    let ok = match isa {
        Isa::Avx512 => {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
        }
        Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        Isa::Portable => true,
    };
    #[cfg(not(target_arch = "x86_64"))]
    let ok = isa == Isa::Portable;
    assert!(ok, "this processor has no {isa}");
}
