//! The one loop that the element-wise kernels share.

use super::native::{accumulate, accumulate_wide, load_part, store_part, stream};
use super::{LANES, Lanes, Store, load, store};
use crate::Isa;

/// Values that are summed in `f32` before they join the `f64` sum.
const BLOCK: usize = 128 * LANES;

/// Sums of `S` quantities, kept per lane in `f64`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<const S: usize>([[f64; LANES]; S]);

impl<const S: usize> Sums<S> {
    /// All zero.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self([[0.0; LANES]; S])
    }

    /// # Safety
    /// The instruction set must be there.
    #[inline(always)]
    unsafe fn add(&mut self, isa: Isa, part: &[Lanes; S]) {
        for (sum, part) in self.0.iter_mut().zip(part) {
            // SAFETY: the caller's promise.
            unsafe { accumulate_wide(isa, sum, part) };
        }
    }

    /// The sums over the lanes, by halves.
    #[inline(always)]
    pub(crate) fn total(&self) -> [f64; S] {
        let mut total = [0.0; S];
        for (sum, lanes) in total.iter_mut().zip(&self.0) {
            let mut v = *lanes;
            for half in [8, 4, 2, 1] {
                for l in 0..half {
                    v[l] += v[l + half];
                }
            }
            *sum = v[0];
        }
        total
    }
}

/// Applies `f` to one group from each source.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "plain indices unroll best")]
fn apply<const I: usize, const O: usize, const S: usize>(
    src: &[Lanes; I],
    f: &impl Fn([f32; I]) -> ([f32; O], [f32; S]),
) -> ([Lanes; O], [Lanes; S]) {
    let mut dst = [[0.0; LANES]; O];
    let mut addends = [[0.0; LANES]; S];
    for l in 0..LANES {
        let mut args = [0.0; I];
        for i in 0..I {
            args[i] = src[i][l];
        }
        let (out, add) = f(args);
        for o in 0..O {
            dst[o][l] = out[o];
        }
        for s in 0..S {
            addends[s][l] = add[s];
        }
    }
    (dst, addends)
}

/// A group of which only the first `lanes` values are there.
///
/// # Safety
/// `lanes <= LANES` values must be readable in every `src` and writable in every `dst`; the instruction set must be
/// there.
#[inline(always)]
unsafe fn partial<const I: usize, const O: usize, const S: usize>(
    isa: Isa,
    src: [*const f32; I],
    dst: [*mut f32; O],
    lanes: usize,
    sums: &mut Sums<S>,
    f: &impl Fn([f32; I]) -> ([f32; O], [f32; S]),
) {
    let mut group = [[0.0; LANES]; I];
    for (g, p) in group.iter_mut().zip(src) {
        // SAFETY: `lanes` values are readable at `p`.
        *g = unsafe { load_part(isa, p, lanes) };
    }
    let (out, addends) = apply(&group, f);
    for (v, p) in out.iter().zip(dst) {
        // SAFETY: `lanes` values are writable at `p`.
        unsafe { store_part(isa, p, v, lanes) };
    }
    // SAFETY: `lanes` values of each group of addends; the caller's promise for the rest.
    unsafe { sums.add(isa, &addends.map(|a| load_part(isa, a.as_ptr(), lanes))) };
}

/// For each `i < len`: `(dst[..][i], addends) = f(src[..][i])`, the addends summed into `sums`.
///
/// A destination may be the same as a source: a group is read whole before it is written. Sums run in an order that
/// `len` alone fixes. Destinations of a streaming pass that do not share their alignment are stored through the cache.
///
/// # Safety
/// `len` values must be readable in every `src` and writable in every `dst`. A destination may otherwise overlap
/// nothing. Must run inside [`vectorize`](super::vectorize) with the same `isa`.
#[inline(always)]
pub(crate) unsafe fn pass<const I: usize, const O: usize, const S: usize>(
    isa: Isa,
    how: Store,
    src: [*const f32; I],
    dst: [*mut f32; O],
    len: usize,
    sums: &mut Sums<S>,
    f: impl Fn([f32; I]) -> ([f32; O], [f32; S]),
) {
    let mut at = 0;
    let streamable = how == Store::Stream && O > 0 && dst.iter().all(|p| p.addr() % 64 == dst[0].addr() % 64);
    if streamable {
        let head = ((64 - dst[0].addr() % 64) % 64 / size_of::<f32>()).min(len);
        if head > 0 {
            // SAFETY: `head <= len` and `head < LANES`.
            unsafe { partial(isa, src, dst, head, sums, &f) };
            at = head;
        }
    }
    let whole = at + (len - at) / LANES * LANES;
    while at < whole {
        let end = whole.min(at + BLOCK);
        // SAFETY: `at..end` are whole groups within `len`; a stream's destinations are aligned from `at` on.
        unsafe {
            if streamable {
                groups::<true, I, O, S>(isa, src, dst, at, end, sums, &f);
            } else {
                groups::<false, I, O, S>(isa, src, dst, at, end, sums, &f);
            }
        }
        at = end;
    }
    if at < len {
        // SAFETY: `len - at < LANES` values are left.
        unsafe { partial(isa, src.map(|p| p.add(at)), dst.map(|p| p.add(at)), len - at, sums, &f) };
    }
}

/// The whole groups of `start..end`, two at a time so that the sums make two dependency chains.
///
/// # Safety
/// As for [`pass`]; `end - start` must be a multiple of `LANES` and, if `STREAM`, the destinations aligned.
#[inline(always)]
unsafe fn groups<const STREAM: bool, const I: usize, const O: usize, const S: usize>(
    isa: Isa,
    src: [*const f32; I],
    dst: [*mut f32; O],
    start: usize,
    end: usize,
    sums: &mut Sums<S>,
    f: &impl Fn([f32; I]) -> ([f32; O], [f32; S]),
) {
    let mut acc = [[[0.0; LANES]; S]; 2];
    let mut at = start;
    while at < end {
        // SAFETY: a whole group is left at `at`.
        unsafe { group::<STREAM, I, O, S>(isa, src, dst, at, &mut acc[0], f) };
        at += LANES;
        if at < end {
            // SAFETY: and another one.
            unsafe { group::<STREAM, I, O, S>(isa, src, dst, at, &mut acc[1], f) };
            at += LANES;
        }
    }
    // SAFETY: the caller's promise.
    unsafe {
        let [first, second] = &mut acc;
        for (a, b) in first.iter_mut().zip(second) {
            accumulate(isa, a, b);
        }
        sums.add(isa, first);
    }
}

/// One whole group.
///
/// # Safety
/// As for [`groups`], with a whole group at `at`.
#[inline(always)]
unsafe fn group<const STREAM: bool, const I: usize, const O: usize, const S: usize>(
    isa: Isa,
    src: [*const f32; I],
    dst: [*mut f32; O],
    at: usize,
    acc: &mut [Lanes; S],
    f: &impl Fn([f32; I]) -> ([f32; O], [f32; S]),
) {
    let mut values = [[0.0; LANES]; I];
    for (v, p) in values.iter_mut().zip(src) {
        // SAFETY: the caller's promise.
        *v = unsafe { load(p.add(at)) };
    }
    let (out, addends) = apply(&values, f);
    for (acc, addends) in acc.iter_mut().zip(&addends) {
        // SAFETY: the caller's promise.
        unsafe { accumulate(isa, acc, addends) };
    }
    for (v, p) in out.iter().zip(dst) {
        // SAFETY: the caller's promise.
        unsafe {
            if STREAM {
                stream(isa, p.add(at), *v);
            } else {
                store(p.add(at), *v);
            }
        }
    }
}

/// [`pass`] without sums.
///
/// # Safety
/// As for [`pass`].
#[inline(always)]
pub(crate) unsafe fn map<const I: usize, const O: usize>(
    isa: Isa,
    how: Store,
    src: [*const f32; I],
    dst: [*mut f32; O],
    len: usize,
    f: impl Fn([f32; I]) -> [f32; O],
) {
    // SAFETY: the caller's promise.
    unsafe {
        pass(
            isa,
            how,
            src,
            dst,
            len,
            &mut Sums::new(),
            #[inline(always)]
            |v| (f(v), []),
        );
    }
}

/// [`pass`] without outputs.
///
/// # Safety
/// As for [`pass`].
#[inline(always)]
pub(crate) unsafe fn sum<const I: usize, const S: usize>(
    isa: Isa,
    src: [*const f32; I],
    len: usize,
    sums: &mut Sums<S>,
    f: impl Fn([f32; I]) -> [f32; S],
) {
    // SAFETY: the caller's promise.
    unsafe {
        pass(
            isa,
            Store::Cached,
            src,
            [],
            len,
            sums,
            #[inline(always)]
            |v| ([], f(v)),
        );
    }
}
