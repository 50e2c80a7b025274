//! Guarded buffers, seeded numbers, comparisons.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use ferrotype_kernels::Isa;

/// What outputs are filled with before a kernel runs: a NaN that no kernel produces.
const POISON: u8 = 0xa5;

/// A buffer between two pages that must not be touched. It ends at the second one to the byte.
pub struct Guarded<T> {
    map: *mut libc::c_void,
    bytes: usize,
    data: *mut T,
    len: usize,
}

impl<T: Copy> Guarded<T> {
    /// An output of `len` values that nothing was written to.
    pub fn output(len: usize) -> Self {
        let page = 4096;
        let size = len * size_of::<T>();
        let bytes = size.next_multiple_of(page) + 2 * page;
        // SAFETY: a fresh private mapping; the pages made inaccessible lie within it; the data between them.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let map = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(map, libc::MAP_FAILED);
            let end = map.byte_add(bytes - page);
            assert_eq!(libc::mprotect(map, page, libc::PROT_NONE), 0);
            assert_eq!(libc::mprotect(end, page, libc::PROT_NONE), 0);
            let data = end.byte_sub(size);
            data.cast::<u8>().write_bytes(POISON, size);
            Self { map, bytes, data: data.cast(), len }
        }
    }

    pub fn new(values: &[T]) -> Self {
        let mut buffer = Self::output(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// The buffer as kernels take their outputs.
    pub fn out(&mut self) -> &mut [MaybeUninit<T>] {
        // SAFETY: same layout; kernels write only values.
        unsafe { std::slice::from_raw_parts_mut(self.data.cast(), self.len) }
    }
}

impl Guarded<f32> {
    /// The values, after a check that each was written.
    pub fn written(&self) -> &[f32] {
        let poison = u32::from_ne_bytes([POISON; 4]);
        assert!(self.iter().all(|v| v.to_bits() != poison), "an output element was not written");
        self
    }
}

impl<T> Deref for Guarded<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: initialised on creation, any bits are a value of the number types used here.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and exclusively borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing borrows it any more.
        unsafe { libc::munmap(self.map, self.bytes) };
    }
}

/// Seeded numbers (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in -1..1.
    pub fn value(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    pub fn vec(&mut self, len: usize, scale: f32, offset: f32) -> Vec<f32> {
        (0..len).map(|_| self.value() * scale + offset).collect()
    }

    pub fn guarded(&mut self, len: usize, scale: f32, offset: f32) -> Guarded<f32> {
        Guarded::new(&self.vec(len, scale, offset))
    }
}

/// Runs the check with each instruction set of this processor.
pub fn each_isa(f: impl Fn(Isa)) {
    Isa::available().into_iter().for_each(f);
}

/// Checks that the values differ by at most `1e-5` of the greatest reference value, or of `floor` if that is more.
pub fn assert_close_to(what: &str, got: &[f32], want: &[f64], floor: f64) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    let scale = want.iter().fold(floor, |m, v| m.max(v.abs()));
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let off = (f64::from(g) - w).abs();
        assert!(off <= 1e-5 * scale, "{what}[{i}]: {g} instead of {w} (scale {scale})");
    }
}

/// [`assert_close_to`] without a floor.
pub fn assert_close(what: &str, got: &[f32], want: &[f64]) {
    assert_close_to(what, got, want, 0.0);
}

/// Checks that `f` gives the same bits twice in a row and with 1, 2 and 3 threads.
pub fn assert_same_for_any_threads(f: impl Fn(Isa) -> Vec<f32> + Sync) {
    each_isa(|isa| {
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| f(isa).iter().map(|v| v.to_bits()).collect::<Vec<_>>())
        };
        let once = bits(1);
        for threads in [1, 2, 2, 3] {
            assert_eq!(once, bits(threads), "{isa}, {threads} threads");
        }
    });
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}
