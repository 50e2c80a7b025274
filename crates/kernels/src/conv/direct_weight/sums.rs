//! Two ways to sum a weight gradient over the pixels of a strip.
//!
//! [`DotSums`] has pixels along the lanes: no channel count wastes any, but each strip ends in sums over the lanes.
//! [`OuterSums`] transposes the output gradient and has output channels along the lanes: faster where they fill them.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each function

use super::super::Conv2d;
use super::super::ahead::Ahead;
use super::super::axis::Axis;
use super::super::strip::{Layout, Source, Span, copy, zero};
use super::super::tile::{Dot, Outer, total};
use crate::scratch::{self, Scratch};
use crate::simd::Simd;
use crate::units::share;

/// The part of the output gradient that belongs to a strip.
pub(super) struct Gradient<'a> {
    pub c: &'a Conv2d,
    pub dy: &'a [f32],
    pub group: usize,
    pub span: &'a Span,
    pub layout: &'a Layout,
    pub rows: &'a Axis,
    pub cols: &'a Axis,
}

/// A stretch of the gradient of one channel, and where it lies in the strip.
struct Run {
    /// Offset in the channel's image.
    from: usize,
    image: usize,
    at: usize,
    len: usize,
}

impl Gradient<'_> {
    /// Stretches without a gap, in order.
    fn runs(&self) -> impl Iterator<Item = Run> {
        let (span, layout, width) = (self.span, self.layout, self.c.out_width());
        // rows without a gap between them make one run
        let (runs, rows) = if layout.width == width { (1, span.rows) } else { (span.rows, 1) };
        (0..span.images).flat_map(move |i| {
            (0..runs).map(move |r| Run {
                from: (span.row + r) * width,
                image: span.image + i,
                at: (i * layout.image_rows + r) * layout.width,
                len: rows * width,
            })
        })
    }

    /// A channel of an image.
    unsafe fn plane(&self, image: usize, channel: usize) -> *const f32 {
        let c = self.c;
        let plane = image * c.out_channels + self.group * (c.out_channels / c.groups) + channel;
        self.dy.as_ptr().add(plane * c.out_height() * c.out_width())
    }

    /// The gradient as something to read in spans.
    pub fn source(&self) -> (Source, Axis, Axis) {
        let c = self.c;
        let (height, width, channels) = (c.out_height(), c.out_width(), c.out_channels / c.groups);
        let at = self.dy[self.group * channels * height * width..].as_ptr();
        let image = c.out_channels * height * width;
        let plain = |len| Axis::forward(len, len, 1, 1, 0, false);
        (Source { at, image, channels, clear: false, ahead: None }, plain(height), plain(width))
    }

    fn flat(&self) -> usize {
        self.layout.flat(self.cols, self.span)
    }
}

/// Pixels along the lanes.
pub(super) struct DotSums<'a> {
    channels: usize,
    /// Floats from channel to channel of the copied gradient.
    pitch: usize,
    grad: Scratch,
    offsets: &'a [u32],
    dw: *mut f32,
    stride: usize,
    db: Option<*mut f32>,
}

impl<'a> DotSums<'a> {
    /// Sums straight into `dw`, whose channels lie `stride` apart, and `db`; zeroes them.
    ///
    /// # Safety
    /// The rows of `dw` and the floats of `db` are there.
    #[inline(always)]
    pub unsafe fn new<S: Simd>(
        channels: usize,
        plane: usize,
        offsets: &'a [u32],
        dw: *mut f32,
        stride: usize,
        db: Option<*mut f32>,
    ) -> Self {
        let pitch = (plane.next_multiple_of(S::LANES).div_ceil(16) | 1) * 16;
        for o in 0..channels {
            dw.add(o * stride).write_bytes(0, offsets.len());
        }
        if let Some(db) = db {
            db.write_bytes(0, channels);
        }
        Self { channels, pitch, grad: scratch::take(channels * pitch), offsets, dw, stride, db }
    }

    /// Register tiles of a strip.
    pub fn steps<S: Simd>(&self) -> usize {
        self.channels.div_ceil(S::DOT.0) * self.offsets.len().div_ceil(S::DOT.1)
    }

    /// Adds a strip.
    ///
    /// # Safety
    /// The strip belongs to the gradient, and the offsets to the strip.
    #[inline(always)]
    pub unsafe fn add<S: Simd>(&mut self, grad: &Gradient, strip: &[f32], ahead: &mut [Ahead; 2]) {
        let steps = grad.flat().div_ceil(S::LANES);
        for o in 0..self.channels {
            let to = self.grad.as_mut_ptr().add(o * self.pitch);
            let mut end = 0;
            for run in grad.runs() {
                zero::<S>(to.add(end), run.at - end);
                copy::<S>(grad.plane(run.image, o).add(run.from), to.add(run.at), run.len);
                end = run.at + run.len;
            }
            zero::<S>(to.add(end), steps * S::LANES - end);
            if let Some(db) = self.db {
                *db.add(o) += total::<S>(to, steps * S::LANES);
            }
        }
        let (m, n) = S::DOT;
        let (high, wide) = (self.channels.div_ceil(m), self.offsets.len().div_ceil(n));
        for i in 0..high {
            let rows = share(self.channels, high, i);
            for j in 0..wide {
                let columns = share(self.offsets.len(), wide, j);
                let dot = Dot {
                    y: self.grad.as_ptr().add(rows.start * self.pitch),
                    y_stride: self.pitch,
                    x: strip.as_ptr(),
                    offsets: &self.offsets[columns.clone()],
                    steps,
                    d: self.dw.add(rows.start * self.stride + columns.start),
                    d_stride: self.stride,
                    rows: rows.len(),
                };
                dot.call::<S>();
                ahead[0].step::<S>();
                ahead[1].step::<S>();
            }
        }
    }
}

/// Output channels along the lanes.
pub(super) struct OuterSums<'a> {
    channels: usize,
    /// Pixels of a panel of the transposed gradient.
    pitch: usize,
    grad: Scratch,
    offsets: &'a [u32],
    /// `[panel][offset][two vectors of channels]`
    sums: Scratch,
    /// `[panel][two vectors of channels]`
    biases: Option<Scratch>,
}

/// Pixels that are summed before they are added up: the panel of the gradient stays in the L1 cache.
const PIXELS: usize = 128;

impl<'a> OuterSums<'a> {
    /// # Safety
    /// None beyond that of `S`.
    #[inline(always)]
    pub unsafe fn new<S: Simd>(channels: usize, plane: usize, offsets: &'a [u32], bias: bool) -> Self {
        let panels = channels.div_ceil(2 * S::LANES);
        let pitch = plane + 1;
        let grad = scratch::take(panels * pitch * 2 * S::LANES);
        let mut sums = scratch::take(panels * offsets.len() * 2 * S::LANES);
        sums.fill(0.0);
        let biases = bias.then(|| {
            let mut biases = scratch::take(panels * 2 * S::LANES);
            biases.fill(0.0);
            biases
        });
        Self { channels, pitch, grad, offsets, sums, biases }
    }

    /// Register tiles of a strip.
    pub fn steps<S: Simd>(&self, grad: &Gradient) -> usize {
        let panels = self.channels.div_ceil(2 * S::LANES);
        grad.flat().div_ceil(PIXELS) * panels * self.offsets.len().div_ceil(S::ROWS)
    }

    /// Adds a strip.
    ///
    /// # Safety
    /// The strip belongs to the gradient, and the offsets to the strip.
    #[inline(always)]
    pub unsafe fn add<S: Simd>(&mut self, grad: &Gradient, strip: &[f32], ahead: &mut [Ahead; 2]) {
        let row = 2 * S::LANES;
        for first in (0..self.channels).step_by(S::LANES) {
            let to = self.grad.as_mut_ptr().add(first / row * self.pitch * row + first % row);
            self.transpose::<S>(grad, first, to);
        }
        let flat = grad.flat();
        let high = self.offsets.len().div_ceil(S::ROWS);
        for p in (0..flat).step_by(PIXELS) {
            for panel in 0..self.channels.div_ceil(row) {
                let z = self.grad.as_ptr().add((panel * self.pitch + p) * row);
                if let Some(biases) = &mut self.biases {
                    add_rows::<S>(z, PIXELS.min(flat - p), biases.as_mut_ptr().add(panel * row));
                }
                for i in 0..high {
                    let some = share(self.offsets.len(), high, i);
                    let outer = Outer {
                        x: strip.as_ptr().add(p),
                        offsets: &self.offsets[some.clone()],
                        z,
                        pixels: PIXELS.min(flat - p),
                        d: self.sums.as_mut_ptr().add((panel * self.offsets.len() + some.start) * row),
                        vectors: (self.channels - panel * row).div_ceil(S::LANES).min(2),
                    };
                    outer.call::<S>();
                    ahead[0].step::<S>();
                    ahead[1].step::<S>();
                }
            }
        }
    }

    /// Turns a vector of channels, from `first` on, to rows of `to`.
    #[inline(always)]
    unsafe fn transpose<S: Simd>(&self, grad: &Gradient, first: usize, to: *mut f32) {
        let row = 2 * S::LANES;
        let size = grad.c.out_height() * grad.c.out_width();
        let count = S::LANES.min(self.channels - first);
        let mut square = [S::zero(); 16];
        let mut end = 0;
        for run in grad.runs() {
            for gap in end..run.at {
                S::store(to.add(gap * row), S::zero());
            }
            end = run.at + run.len;
            let plane = grad.plane(run.image, first).add(run.from);
            for p in (0..run.len).step_by(S::LANES) {
                let n = S::LANES.min(run.len - p);
                if n == S::LANES && count == S::LANES {
                    for (j, v) in square.iter_mut().enumerate().take(S::LANES) {
                        *v = S::load(plane.add(j * size + p));
                    }
                } else {
                    for (j, v) in square.iter_mut().enumerate().take(S::LANES) {
                        *v = if j < count { S::load_first(plane.add(j * size + p), n) } else { S::zero() };
                    }
                }
                S::transpose(square.as_mut_ptr());
                for (i, v) in square.iter().enumerate().take(n) {
                    S::store(to.add((run.at + p + i) * row), *v);
                }
            }
        }
    }

    /// Writes the sums to `dw`, whose channels lie `stride` apart, and `db`.
    ///
    /// # Safety
    /// The rows of `dw` and the floats of `db` are there.
    #[inline(always)]
    pub unsafe fn finish<S: Simd>(self, dw: *mut f32, stride: usize, db: Option<*mut f32>) {
        let row = 2 * S::LANES;
        if let (Some(db), Some(biases)) = (db, &self.biases) {
            db.copy_from_nonoverlapping(biases.as_ptr(), self.channels);
        }
        let columns = self.offsets.len();
        for first in (0..self.channels).step_by(S::LANES) {
            let count = S::LANES.min(self.channels - first);
            let from = self.sums.as_ptr().add(first / row * columns * row + first % row);
            for k in (0..columns).step_by(S::LANES) {
                let n = S::LANES.min(columns - k);
                let mut square = [S::zero(); 16];
                for (i, v) in square.iter_mut().enumerate().take(n) {
                    *v = S::load(from.add((k + i) * row));
                }
                S::transpose(square.as_mut_ptr());
                for (j, v) in square.iter().enumerate().take(count) {
                    let to = dw.add((first + j) * stride + k);
                    if n == S::LANES { S::store(to, *v) } else { S::store_first(to, *v, n) }
                }
            }
        }
    }
}

/// Adds `count` rows of two vectors to `to`. Lanes without a channel may hold anything.
#[inline(always)]
unsafe fn add_rows<S: Simd>(rows: *const f32, count: usize, to: *mut f32) {
    let mut sums = [S::zero(); 2];
    for i in 0..count {
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = S::add(*sum, S::load(rows.add((2 * i + n) * S::LANES)));
        }
    }
    for (n, sum) in sums.iter().enumerate() {
        let to = to.add(n * S::LANES);
        S::store(to, S::add(S::load(to), *sum));
    }
}
