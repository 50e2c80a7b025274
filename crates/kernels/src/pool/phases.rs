//! Rows split by column phase, which makes the places of a strided window contiguous.
//!
//! In a padded row, column `j * stride + q` belongs to phase `q` at index `j`. Window column `kx` of output column `ox`
//! is then index `ox + kx / stride` of phase `kx % stride`: one vector load for 16 outputs, whatever the stride.

use super::Pool2d;
use crate::lanes::LANES;

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

    /// The first pixel of phase `q`, its index within the phase, and how many follow at `stride`.
    fn run(self, q: usize) -> (usize, usize, usize) {
        let first = (q + self.stride - self.left % self.stride) % self.stride;
        (first, (self.left + first) / self.stride, self.width.saturating_sub(first).div_ceil(self.stride))
    }

    /// Splits a row into phases of `len` values each, which hold the padding already; pixels beyond `len` are those
    /// that no window sees.
    #[inline(always)]
    pub(super) fn split(self, row: &[f32], len: usize, phases: &mut [f32]) {
        for (q, phase) in phases.chunks_exact_mut(len).enumerate() {
            let (first, at, count) = self.run(q);
            let count = count.min(len - at.min(len));
            let Some(src) = row.get(first..).filter(|_| count > 0) else { continue };
            match self.stride {
                1 => phase[at..at + count].copy_from_slice(&src[..count]),
                2 => every::<2>(src, 2, &mut phase[at..at + count]),
                stride => every::<0>(src, stride, &mut phase[at..at + count]),
            }
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
                    let (first, at, _) = self.run(q);
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

/// Every `stride`th value; `STRIDE` is 0 if only known at run time.
#[inline(always)]
fn every<const STRIDE: usize>(src: &[f32], stride: usize, dst: &mut [f32]) {
    let stride = if STRIDE == 0 { stride } else { STRIDE };
    let src = &src[..(dst.len() - 1) * stride + 1];
    for (i, d) in dst.iter_mut().enumerate() {
        *d = src[i * stride];
    }
}

/// A plane of input rows, split.
pub(super) struct Image {
    phases: Phases,
    len: usize,
    values: Vec<f32>,
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
        Self { phases, len, values, taps }
    }

    /// What the windows from output column `ox` on hold in input row `iy`: call the result with the window column.
    #[inline(always)]
    pub(super) fn row(&self, iy: usize, ox: usize) -> impl Iterator<Item = &[f32; LANES]> {
        let row = &self.values[iy * self.phases.count() * self.len + ox..];
        self.taps.iter().map(move |&tap| row[tap..].first_chunk().expect("rows are padded to whole groups"))
    }
}
