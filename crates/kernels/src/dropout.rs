//! Dropout whose mask is a function of a key and the element's position: nothing is stored, and every backend, thread
//! count and instruction set draws the same mask.
//!
//! The generator is Philox-2x32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"). The
//! elements go in blocks of 16: elements `16 b + l` and `16 b + 8 + l` (`l < 8`) take the two words of counter
//! `(8 b + l, key >> 32)` under the Philox key `key & 0xffff_ffff`. An element is kept if its word is at least
//! `round(p * 2^32)`.

use std::mem::MaybeUninit;

use crate::Isa;
use crate::lanes::{LANES, Lanes, load, store, vectorize};
use crate::parallel::{Shared, for_each_chunk};

const ROUNDS: u32 = 10;
const MULTIPLIER: u64 = 0xd256_d193;
const WEYL: u32 = 0x9e37_79b9;
const LOW: u64 = 0xffff_ffff;

/// Counters of a block: each gives two words.
const COUNTERS: usize = LANES / 2;

/// What decides on an element, and what it is multiplied with.
#[derive(Clone, Copy)]
struct Rule {
    key: u64,
    threshold: u64,
    gain: f32,
}

impl Rule {
    fn new(key: u64, p: f64, len: usize) -> Self {
        assert!((0.0..1.0).contains(&p), "dropout probability {p} is not in [0, 1)");
        assert!(len as u64 <= 1 << 33, "dropout over more than 2^33 elements");
        Self { key, threshold: (p * (1u64 << 32) as f64).round() as u64, gain: (1.0 / (1.0 - p)) as f32 }
    }

    /// The multipliers of block `block`: 0 or `1 / (1 - p)`.
    #[inline(always)]
    fn block(self, block: usize) -> Lanes {
        let first = (block * COUNTERS) as u64;
        let mut left: [u64; COUNTERS] = std::array::from_fn(|l| first + l as u64);
        let mut right = [self.key >> 32; COUNTERS];
        let mut key = self.key as u32;
        for _ in 0..ROUNDS {
            for l in 0..COUNTERS {
                // Both factors have 32 bits: one `pmuludq` for two lanes.
                let product = (left[l] & LOW) * MULTIPLIER;
                left[l] = (product >> 32) ^ u64::from(key) ^ right[l];
                right[l] = product & LOW;
            }
            key = key.wrapping_add(WEYL);
        }
        let mut out = [0.0; LANES];
        for l in 0..COUNTERS {
            out[l] = if left[l] >= self.threshold { self.gain } else { 0.0 };
            out[COUNTERS + l] = if right[l] >= self.threshold { self.gain } else { 0.0 };
        }
        out
    }
}

/// Writes what each element is multiplied with: 0 with probability `p`, else `1 / (1 - p)`.
///
/// # Panics
/// When `p` is not in `[0, 1)`.
pub fn mask(isa: Isa, key: u64, p: f64, out: &mut [MaybeUninit<f32>]) {
    let len = out.len();
    // SAFETY: the generator reads no source; it writes `len` values.
    unsafe { run(isa, Rule::new(key, p, len), None, Shared::output(out), len) };
}

/// `y = x * mask(key, p)`.
///
/// # Panics
/// When the lengths differ or `p` is not in `[0, 1)`.
pub fn forward(isa: Isa, key: u64, p: f64, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    assert_eq!(x.len(), y.len(), "input and output differ in length");
    // SAFETY: both have `x.len()` values.
    unsafe { run(isa, Rule::new(key, p, x.len()), Some(Source(x.as_ptr())), Shared::output(y), x.len()) };
}

/// `values *= mask(key, p)`: the forward pass in place, and the backward pass on the gradient.
///
/// # Panics
/// When `p` is not in `[0, 1)`.
pub fn in_place(isa: Isa, key: u64, p: f64, values: &mut [f32]) {
    let len = values.len();
    let shared = Shared::new(values);
    // SAFETY: source and destination are the same buffer of `len` values, which a block reads before it writes.
    unsafe { run(isa, Rule::new(key, p, len), Some(Source(shared.ptr())), shared, len) };
}

/// A source that all units read.
#[derive(Clone, Copy)]
struct Source(*const f32);

// SAFETY: a unit reads only the elements that it alone may write.
unsafe impl Send for Source {}
// SAFETY: as above.
unsafe impl Sync for Source {}

impl Source {
    fn ptr(self) -> *const f32 {
        self.0
    }
}

/// Multiplies `src` (1 where absent) with the mask.
///
/// # Safety
/// `len` values must be readable at `src` and writable at `dst`, which may be the same or disjoint.
unsafe fn run(isa: Isa, rule: Rule, src: Option<Source>, dst: Shared<f32>, len: usize) {
    for_each_chunk(len, |start, count| {
        vectorize(
            isa,
            #[inline(always)]
            |_| {
                for at in (start..start + count).step_by(LANES) {
                    let lanes = LANES.min(start + count - at);
                    let mask = rule.block(at / LANES);
                    // SAFETY: `lanes` values from `at` on lie within the chunk.
                    unsafe { multiply(mask, src.map(|s| s.ptr().add(at)), dst.ptr().add(at), lanes) };
                }
            },
        );
    });
}

/// One block.
///
/// # Safety
/// `lanes <= LANES` values must be readable at `src` and writable at `dst`.
#[inline(always)]
unsafe fn multiply(mask: Lanes, src: Option<*const f32>, dst: *mut f32, lanes: usize) {
    let product = |values: Lanes| std::array::from_fn::<f32, LANES, _>(|l| values[l] * mask[l]);
    // SAFETY: the caller's promise.
    unsafe {
        match src {
            Some(src) if lanes == LANES => store(dst, product(load(src))),
            None if lanes == LANES => store(dst, mask),
            _ => {
                let mut values = [1.0; LANES];
                if let Some(src) = src {
                    src.copy_to_nonoverlapping(values.as_mut_ptr(), lanes);
                }
                let values = product(values);
                values.as_ptr().copy_to_nonoverlapping(dst, lanes);
            }
        }
    }
}
