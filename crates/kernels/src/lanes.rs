//! One element-wise body, compiled once per instruction set.
//!
//! [`vectorize`] calls a closure inside a function that has the instruction set enabled; everything below it is
//! `#[inline(always)]`, so that the compiler vectorises it for that set. [`pass()`] is the one loop that the
//! element-wise kernels share: it works on groups of [`LANES`] values, which map to one AVX-512, two AVX2 or four
//! SSE registers. There is no fused multiply-add in these bodies: the compiler contracts nothing by itself, and a
//! portable `mul_add` would be a library call.

mod native;
mod pass;

pub(crate) use pass::{Sums, map, pass, sum};

use crate::Isa;

/// Values in a group.
pub(crate) const LANES: usize = 16;

/// A group of values.
pub(crate) type Lanes = [f32; LANES];

/// Outputs of at least this many bytes bypass the cache: they would evict everything and be evicted before use.
const STREAM_BYTES: usize = 16 << 20;

/// Calls `f` with the instruction set enabled. `f` gets the set back as a constant that folds away after inlining.
///
/// # Panics
/// When this processor lacks the instruction set.
#[inline(always)]
pub(crate) fn vectorize<R>(isa: Isa, f: impl FnOnce(Isa) -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    match isa {
        Isa::Avx512 => {
            assert!(has_avx512(), "this processor has no AVX-512");
            // SAFETY: the features were just checked.
            unsafe { with_avx512(f) }
        }
        Isa::Avx2 => {
            assert!(has_avx2(), "this processor has no AVX2 with FMA");
            // SAFETY: the features were just checked.
            unsafe { with_avx2(f) }
        }
        Isa::Portable => f(Isa::Portable),
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        assert!(isa == Isa::Portable, "{isa} needs an x86-64 processor");
        f(Isa::Portable)
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// # Safety
/// The processor must have the features.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn with_avx512<R>(f: impl FnOnce(Isa) -> R) -> R {
    f(Isa::Avx512)
}

/// # Safety
/// The processor must have the features.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<R>(f: impl FnOnce(Isa) -> R) -> R {
    f(Isa::Avx2)
}

/// How outputs are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// Through the cache.
    Cached,
    /// Past the cache. The writer must call [`fence`] before it hands the memory on.
    Stream,
}

impl Store {
    /// The better way for a fresh output of `elements` values in all.
    pub(crate) fn for_output(elements: usize) -> Self {
        if elements * size_of::<f32>() >= STREAM_BYTES { Self::Stream } else { Self::Cached }
    }
}

/// Makes this thread's streaming stores visible in order; a thread join alone does not promise that.
#[inline(always)]
pub(crate) fn fence(store: Store) {
    #[cfg(target_arch = "x86_64")]
    if store == Store::Stream {
        // SAFETY: every x86-64 processor has SSE.
        unsafe { std::arch::x86_64::_mm_sfence() };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = store;
}

/// # Safety
/// `LANES` values must be readable at `p`.
#[inline(always)]
pub(crate) unsafe fn load<T: Copy>(p: *const T) -> [T; LANES] {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<[T; LANES]>().read_unaligned() }
}

/// # Safety
/// `LANES` values must be writable at `p`.
#[inline(always)]
pub(crate) unsafe fn store(p: *mut f32, v: Lanes) {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<Lanes>().write_unaligned(v) }
}
