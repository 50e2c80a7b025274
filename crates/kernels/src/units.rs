//! Work in units that are fixed by the shape, so that no result depends on the number of threads.

use rayon::prelude::*;

/// Operations that are worth waking a thread for, which costs some microseconds.
const WORTH_SHARING: usize = 400_000;

/// Runs `f`, which goes through several [`run`]s, on a thread of the pool. From outside each of them would hand over
/// to the pool and wait to be woken.
pub(crate) fn enter(total_flops: usize, f: impl FnOnce() + Send) {
    if total_flops < WORTH_SHARING || rayon::current_thread_index().is_some() {
        f();
    } else {
        rayon::scope(|_| f());
    }
}

/// Runs `f(0..count)` on the current rayon pool, or right here when the whole is too little to share.
pub(crate) fn run(count: usize, total_flops: usize, f: impl Fn(usize) + Sync + Send) {
    if count <= 1 || total_flops < WORTH_SHARING {
        (0..count).for_each(f);
    } else {
        (0..count).into_par_iter().with_max_len(1).for_each(f);
    }
}

/// A pointer to memory that several units write to, each in places of its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);

// SAFETY: whoever dereferences it must keep the units' places apart.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(p: *mut f32) -> Self {
        Self(p)
    }

    /// The pointer, `offset` floats on.
    ///
    /// # Safety
    /// The place lies in the allocation.
    pub(crate) unsafe fn at(self, offset: usize) -> *mut f32 {
        // SAFETY: the caller's.
        unsafe { self.0.add(offset) }
    }
}

/// Part `i` of `0..len` cut into `parts` nearly equal ranges.
pub(crate) fn share(len: usize, parts: usize, i: usize) -> std::ops::Range<usize> {
    len * i / parts..len * (i + 1) / parts
}

/// Whether an output of `floats` is best stored past the caches: the next layer would not find it there anyway.
pub(crate) fn streams(floats: usize) -> bool {
    floats >= 2 << 20
}
