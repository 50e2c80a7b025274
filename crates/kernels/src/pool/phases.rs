//! Rows split by column phase, which makes the places of a strided window contiguous.
//!
//! In a padded row, column `j * stride + q` belongs to phase `q` at index `j`. Window column `kx` of output column `ox`
//! is then index `ox + kx / stride` of phase `kx % stride`: one vector load for 16 outputs, whatever the stride.

use super::Pool2d;
use crate::lanes::{LANES, Lanes, load};

/// How the rows of a pooling's input are split.
#[derive(Clone, Copy)]
pub(super) struct Phases {
    stride: usize,
    left: usize,
    width: usize,
    /// How far beyond its own index a window reaches within a phase.
    pub(super) reach: usize,
}

impl Phases {
    pub(super) fn of(pool: &Pool2d) -> Self {
        let stride = pool.stride[1];
        Self { stride, left: pool.padding.left, width: pool.width, reach: (pool.kernel[1] - 1) / stride }
    }

    /// Phases of a row.
    pub(super) fn count(self) -> usize {
        self.stride
    }

    /// Indices of a phase that hold pixels, rounded up to whole groups.
    pub(super) fn pixels(self) -> usize {
        ((self.left + self.width - 1) / self.stride + 1).next_multiple_of(LANES)
    }

    /// The first pixel of phase `q` and its index within the phase.
    fn start(self, q: usize) -> (usize, usize) {
        let first = (q + self.stride - self.left % self.stride) % self.stride;
        (first, (self.left + first) / self.stride)
    }

    /// Splits a row into phases of `len` values each, which hold the padding already; pixels beyond `len` are those
    /// that no window sees.
    #[inline(always)]
    pub(super) fn split(self, row: &[f32], len: usize, phases: &mut [f32]) {
        match self.stride {
            1 => {
                let count = self.width.min(len - self.left);
                phases[self.left..][..count].copy_from_slice(&row[..count]);
            }
            2 => {
                let (even, odd) = phases.split_at_mut(len);
                self.deinterleave(row, even, odd);
            }
            3 => self.deal_thirds(row, len, phases),
            stride => {
                for (q, phase) in phases.chunks_exact_mut(len).enumerate() {
                    let (first, at) = self.start(q);
                    let pixels = row.iter().skip(first).step_by(stride);
                    phase.iter_mut().skip(at).zip(pixels).for_each(|(v, pixel)| *v = *pixel);
                }
            }
        }
    }

    /// As for any stride, with one that is known to the compiler: a tenth less for all of the pooling.
    #[inline(always)]
    fn deal_thirds(self, row: &[f32], len: usize, phases: &mut [f32]) {
        for (q, phase) in phases.chunks_exact_mut(len).enumerate() {
            let (first, at) = self.start(q);
            let Some((phase, pixels)) = phase.get_mut(at..).zip(row.get(first..)) else { continue };
            let (whole, last) = pixels.as_chunks::<3>();
            phase.iter_mut().zip(whole).for_each(|(v, pixels)| *v = pixels[0]);
            if let (Some(v), Some(pixel)) = (phase.get_mut(whole.len()), last.first()) {
                *v = *pixel;
            }
        }
    }

    #[inline(always)]
    fn deinterleave(self, row: &[f32], even: &mut [f32], odd: &mut [f32]) {
        let at = self.left.div_ceil(2);
        // With an odd padding the row starts in the second phase.
        let (head, row) = row.split_at(self.left % 2);
        if let [pixel] = head {
            odd[self.left / 2] = *pixel;
        }
        let (even, odd) = (&mut even[at..], &mut odd[at..]);
        let pairs = row.chunks_exact(2);
        let last = pairs.remainder();
        for ((pair, e), o) in pairs.zip(even.iter_mut()).zip(odd) {
            *e = pair[0];
            *o = pair[1];
        }
        if let ([pixel], Some(e)) = (last, even.get_mut(row.len() / 2)) {
            *e = *pixel;
        }
    }

    /// The reverse of [`Self::split`] for phases of [`Self::pixels`] values.
    #[inline(always)]
    pub(super) fn merge(self, phases: &[f32], row: &mut [f32]) {
        let len = self.pixels();
        match self.stride {
            1 => row.copy_from_slice(&phases[self.left..][..self.width]),
            2 => self.interleave(&phases[..len], &phases[len..], row),
            stride => {
                for (q, phase) in phases.chunks_exact(len).enumerate() {
                    let (first, at) = self.start(q);
                    let pixels = row.iter_mut().skip(first).step_by(stride);
                    pixels.zip(&phase[at..]).for_each(|(pixel, v)| *pixel = *v);
                }
            }
        }
    }

    #[inline(always)]
    fn interleave(self, even: &[f32], odd: &[f32], row: &mut [f32]) {
        let at = self.left.div_ceil(2);
        // With an odd padding the row starts in the second phase.
        let (head, row) = row.split_at_mut(self.left % 2);
        if let [pixel] = head {
            *pixel = odd[self.left / 2];
        }
        let mut pairs = row.chunks_exact_mut(2);
        for ((pair, e), o) in (&mut pairs).zip(&even[at..]).zip(&odd[at..]) {
            pair[0] = *e;
            pair[1] = *o;
        }
        let whole = row.len() / 2;
        if let [pixel] = &mut row[2 * whole..] {
            *pixel = even[at + whole];
        }
    }
}

/// A plane of input rows, split.
pub(super) struct Image {
    values: Vec<f32>,
    /// Values of a row.
    row: usize,
    /// Where each window column lies, from the output's index in the row's first phase.
    taps: Vec<usize>,
}

impl Image {
    /// Splits a plane; the padding is filled with `padding`.
    #[inline(always)]
    pub(super) fn new(pool: &Pool2d, x: &[f32], padding: f32) -> Self {
        let phases = Phases::of(pool);
        let len = pool.out_width().next_multiple_of(LANES) + phases.reach;
        let row = len * phases.count();
        let mut values = vec![padding; pool.height * row];
        for (src, dst) in x.chunks_exact(pool.width).zip(values.chunks_exact_mut(row)) {
            phases.split(src, len, dst);
        }
        let taps = (0..pool.kernel[1]).map(|kx| kx % phases.count() * len + kx / phases.count()).collect();
        Self { values, row, taps }
    }

    /// What the windows of 16 outputs from column `ox` on hold in input row `iy` at window column `kx`.
    #[inline(always)]
    pub(super) fn tap(&self, iy: usize, ox: usize, kx: usize) -> Lanes {
        let at = iy * self.row + ox + self.taps[kx];
        debug_assert!(at + LANES <= self.values.len());
        // SAFETY: `iy` is a row of the plane, `ox` a whole group of outputs and `kx` a window column (or the index into
        // `taps` would have panicked), and phases are as long as the last group of outputs and the windows' reach.
        unsafe { load(self.values.as_ptr().add(at)) }
    }
}
