//! Splitting work into units that the shape alone fixes.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

/// Elements per unit of an element-wise kernel: 128 KiB per operand, so that a unit's operands stay in L2.
pub(crate) const CHUNK: usize = 32 * 1024;

/// Below this many elements a kernel runs on the calling thread: waking another one costs more than it saves.
const SERIAL: usize = 16 * 1024;

/// Runs `f` once for each of `units`, on the current rayon pool where `elements` of work make that worth while.
///
/// Which thread runs a unit is left open, so a unit must not depend on another one.
pub(crate) fn for_each_unit(units: usize, elements: usize, f: impl Fn(usize) + Send + Sync) {
    if units <= 1 || elements < SERIAL {
        (0..units).for_each(f);
    } else {
        (0..units).into_par_iter().for_each(f);
    }
}

/// Runs `f(start, len)` for each fixed chunk of `0..len`.
pub(crate) fn for_each_chunk(len: usize, f: impl Fn(usize, usize) + Send + Sync) {
    for_each_unit(len.div_ceil(CHUNK), len, |unit| {
        let start = unit * CHUNK;
        f(start, CHUNK.min(len - start));
    });
}

/// Runs `f(range)` for ranges that cover `count` items of `elements_each`: several small items to a range.
pub(crate) fn for_each_range(count: usize, elements_each: usize, f: impl Fn(Range<usize>) + Send + Sync) {
    let per_unit = (CHUNK / 2 / elements_each.max(1)).clamp(1, count.max(1));
    for_each_unit(count.div_ceil(per_unit), count * elements_each, |unit| {
        let start = unit * per_unit;
        f(start..count.min(start + per_unit));
    });
}

/// Runs `f(index)` for each of `count` items of `elements_each`, several small items to a unit.
pub(crate) fn for_each_item(count: usize, elements_each: usize, f: impl Fn(usize) + Send + Sync) {
    for_each_range(count, elements_each, |range| range.for_each(&f));
}

/// Runs `f(unit, part of a, part of b)` for parts of `lens[0]` and `lens[1]` elements, as many as both buffers have, on
/// the current rayon pool where `elements` of work make that worth while.
pub(crate) fn for_each_pair<A: Send, B: Send>(
    elements: usize,
    a: &mut [A],
    b: &mut [B],
    lens: [usize; 2],
    f: impl Fn(usize, &mut [A], &mut [B]) + Send + Sync,
) {
    let [m, n] = lens.map(|len| len.max(1));
    if elements < SERIAL {
        a.chunks_mut(m).zip(b.chunks_mut(n)).enumerate().for_each(|(i, (a, b))| f(i, a, b));
    } else {
        a.par_chunks_mut(m).zip(b.par_chunks_mut(n)).enumerate().for_each(|(i, (a, b))| f(i, a, b));
    }
}

/// A buffer that units of work write to, each to a part of its own.
pub(crate) struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: the pointer comes from an exclusive borrow that outlives the parallel call, and every unit keeps to its own
// elements (the caller's duty wherever the pointer is dereferenced).
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Shares an initialised buffer.
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self(slice.as_mut_ptr())
    }

    /// Shares a buffer that is only written to.
    pub(crate) fn output(slice: &mut [MaybeUninit<T>]) -> Self {
        Self(slice.as_mut_ptr().cast())
    }

    /// The start of the buffer.
    pub(crate) fn ptr(self) -> *mut T {
        self.0
    }

    /// A unit's own part of an output.
    ///
    /// # Safety
    /// `start..start + len` must lie within the buffer, and nobody else may use it.
    pub(crate) unsafe fn part<'a>(self, start: usize, len: usize) -> &'a mut [MaybeUninit<T>] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start).cast(), len) }
    }
}
