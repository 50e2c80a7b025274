//! Zero-padded copies of input rows, in which every kernel tap is a constant offset.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each function

use super::axis::Axis;
use crate::simd::Simd;

/// Some steps of some images: the part of a pass that one strip holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub image: usize,
    pub images: usize,
    pub row: usize,
    pub rows: usize,
}

/// How a strip is laid out: `[channel][row plane][column plane]`, each a flat run of `width`-wide rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Floats of a row.
    pub width: usize,
    /// Rows of an image.
    pub image_rows: usize,
    /// Floats from plane to plane.
    pub plane: usize,
    /// Planes of a channel.
    pub planes: usize,
}

impl Layout {
    /// The layout for spans of up to `images` images of `steps` steps each.
    pub fn new(rows: &Axis, cols: &Axis, images: usize, steps: usize) -> Self {
        let width = cols.count + cols.reach;
        let image_rows = steps + rows.reach;
        let used = images * image_rows * width;
        // An odd number of cache lines from plane to plane: powers of two would crowd a few sets of the L1 cache.
        let plane = (used.div_ceil(16) | 1) * 16;
        Self { width, image_rows, plane, planes: rows.planes() * cols.planes() }
    }

    /// Flat places up to the last result of a span.
    pub fn flat(&self, cols: &Axis, span: &Span) -> usize {
        ((span.images - 1) * self.image_rows + span.rows - 1) * self.width + cols.count
    }

    /// Floats of a strip of `channels`, with room to read `slack` beyond the flat places.
    pub fn size(&self, channels: usize, slack: usize) -> usize {
        channels * self.planes * self.plane + slack
    }

    /// The offset of a tap from a step's own place, in the first channel.
    pub fn tap(&self, cols: &Axis, row: super::axis::Tap, col: super::axis::Tap) -> usize {
        (row.plane * cols.planes() + col.plane) * self.plane + row.offset * self.width + col.offset
    }
}

/// What a strip is filled from.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// The first of the channels, in image 0.
    pub at: *const f32,
    /// Floats from image to image.
    pub image: usize,
    /// How many channels.
    pub channels: usize,
    /// Write the padding too. Without, it must still be zero from another plane of the same span.
    pub clear: bool,
    /// Prefetch what lies so many floats on.
    pub ahead: Option<usize>,
}

/// Fills a strip.
///
/// # Safety
/// The source has the images and channels; `to` has room for the planes of the layout.
#[inline(always)]
pub(crate) unsafe fn pack<S: Simd>(source: Source, axes: (&Axis, &Axis), span: &Span, layout: &Layout, to: *mut f32) {
    let (rows, cols) = axes;
    let size = rows.in_len * cols.in_len;
    let whole_rows = rows.copies_input() && cols.copies_input();
    let mut plane = to;
    for c in 0..source.channels {
        let channel = source.at.add(span.image * source.image + c * size);
        for rp in 0..rows.planes() {
            for cp in 0..cols.planes() {
                let mut to = plane;
                for i in 0..span.images {
                    let image = channel.add(i * source.image);
                    if whole_rows {
                        let n = span.rows * layout.width;
                        copy::<S>(image.add(span.row * layout.width), to, n);
                        // the last span may be shorter than the layout, and what is left there may be NaN
                        zero::<S>(to.add(n), layout.image_rows * layout.width - n);
                    } else {
                        pack_image::<S>(&source, image, axes, (rp, cp), span, layout, to);
                    }
                    to = to.add(layout.image_rows * layout.width);
                }
                let end = plane.add(layout.plane);
                if source.clear {
                    zero::<S>(to, end.offset_from(to) as usize);
                }
                plane = end;
            }
        }
    }
}

/// Fills one image's part of a plane.
#[inline(always)]
unsafe fn pack_image<S: Simd>(
    source: &Source,
    image: *const f32,
    (rows, cols): (&Axis, &Axis),
    (rp, cp): (usize, usize),
    span: &Span,
    layout: &Layout,
    to: *mut f32,
) {
    let (inside, first) = cols.inside(cp, layout.width);
    for r in 0..layout.image_rows {
        let to = to.add(r * layout.width);
        match rows.input(rp, span.row + r) {
            Some(y) => {
                let from = image.add(y * cols.in_len);
                if let (0, Some(ahead)) = (cp, source.ahead) {
                    prefetch::<S>(from.wrapping_add(ahead), cols.in_len);
                }
                copy_row::<S>(from.wrapping_add(first), cols.in_step, to.add(inside.start), inside.len());
                if source.clear {
                    zero::<S>(to, inside.start);
                    zero::<S>(to.add(inside.end), layout.width - inside.end);
                }
            }
            None if source.clear => zero::<S>(to, layout.width),
            None => {}
        }
    }
}

/// Prefetches `n` floats.
///
/// # Safety
/// None beyond that of `S`.
#[inline(always)]
pub(crate) unsafe fn prefetch<S: Simd>(from: *const f32, n: usize) {
    for i in (0..n).step_by(16) {
        S::prefetch(from.wrapping_add(i));
    }
}

/// Copies `n` floats that lie `step` apart.
#[inline(always)]
unsafe fn copy_row<S: Simd>(from: *const f32, step: usize, to: *mut f32, n: usize) {
    match step {
        _ if n == 0 => {}
        1 => copy::<S>(from, to, n),
        2 => copy_evens::<S>(from, n, to),
        _ => {
            for i in 0..n {
                *to.add(i) = *from.add(step * i);
            }
        }
    }
}

/// Copies `n` floats. Rows are short: a call of `memcpy` for each would cost more than the copy.
///
/// # Safety
/// The places are there and do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy<S: Simd>(from: *const f32, to: *mut f32, n: usize) {
    let mut i = 0;
    while i + S::LANES <= n {
        S::store(to.add(i), S::load(from.add(i)));
        i += S::LANES;
    }
    if i < n {
        S::store_first(to.add(i), S::load_first(from.add(i), n - i), n - i);
    }
}

/// Zeroes `n` floats.
///
/// # Safety
/// The place is there.
#[inline(always)]
pub(crate) unsafe fn zero<S: Simd>(to: *mut f32, n: usize) {
    let mut i = 0;
    while i + S::LANES <= n {
        S::store(to.add(i), S::zero());
        i += S::LANES;
    }
    if i < n {
        S::store_first(to.add(i), S::zero(), n - i);
    }
}

/// Copies every other of `2 n - 1` floats.
#[inline(always)]
unsafe fn copy_evens<S: Simd>(from: *const f32, n: usize, to: *mut f32) {
    let mut i = 0;
    while i + S::LANES < n {
        let (a, b) = (S::load(from.add(2 * i)), S::load(from.add(2 * i + S::LANES)));
        S::store(to.add(i), S::evens(a, b));
        i += S::LANES;
    }
    let left = 2 * (n - i) - 1;
    let a = S::load_first(from.add(2 * i), left.min(S::LANES));
    let rest = left.saturating_sub(S::LANES);
    let b = if rest > 0 { S::load_first(from.add(2 * i + S::LANES), rest) } else { S::zero() };
    S::store_first(to.add(i), S::evens(a, b), n - i);
}

/// Writes one row of an output from the rows of its column phases, which begin at `from`, `phase` floats apart.
///
/// # Safety
/// The phases hold `cols.count` steps; `to` is a row of the output.
#[inline(always)]
pub(crate) unsafe fn put_row<S: Simd>(cols: &Axis, from: *const f32, phase: usize, to: *mut f32) {
    match cols.out_step {
        1 => copy::<S>(from, to, cols.out_len),
        2 => {
            let pairs = cols.out_len / 2;
            let mut q = 0;
            while q + S::LANES <= pairs {
                let (low, high) = S::interleave(S::load(from.add(q)), S::load(from.add(phase + q)));
                S::store(to.add(2 * q), low);
                S::store(to.add(2 * q + S::LANES), high);
                q += S::LANES;
            }
            for q in q..pairs {
                *to.add(2 * q) = *from.add(q);
                *to.add(2 * q + 1) = *from.add(phase + q);
            }
            if cols.out_len % 2 == 1 {
                *to.add(cols.out_len - 1) = *from.add(pairs);
            }
        }
        step => {
            for b in 0..step {
                for s in 0..cols.written(b) {
                    *to.add(s * step + b) = *from.add(b * phase + s);
                }
            }
        }
    }
}

/// How a batch is cut into spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    batch: usize,
    steps: usize,
    /// Images of a span; more than one only where a span holds all rows.
    pub images: usize,
    /// Row steps of a span.
    pub rows: usize,
}

impl Cut {
    /// Spans of about `target` flat places, fewer where that would leave less than `least` spans.
    pub fn new(rows: &Axis, cols: &Axis, batch: usize, target: usize, least: usize, narrowest: usize) -> Self {
        let width = cols.count + cols.reach;
        let mut target = target;
        loop {
            let mut cut = Self { batch, steps: rows.count, images: 1, rows: rows.count };
            let fit = (target / width).clamp(1, rows.count);
            if fit < rows.count {
                cut.rows = rows.count.div_ceil(rows.count.div_ceil(fit));
            } else {
                let fit = (target / ((rows.count + rows.reach) * width)).clamp(1, batch);
                cut.images = batch.div_ceil(batch.div_ceil(fit));
            }
            if cut.count() >= least || target <= narrowest {
                return cut;
            }
            target = (target / 2).max(narrowest);
        }
    }

    /// All even cuts of `batch` images of `steps` row steps.
    pub fn all(steps: usize, batch: usize) -> impl Iterator<Item = Self> {
        let rows = sizes(steps).map(move |rows| Self { batch, steps, images: 1, rows });
        rows.chain(sizes(batch).skip(1).map(move |images| Self { batch, steps, images, rows: steps }))
    }

    fn row_chunks(&self) -> usize {
        self.steps.div_ceil(self.rows)
    }

    /// Number of spans.
    pub fn count(&self) -> usize {
        self.batch.div_ceil(self.images) * self.row_chunks()
    }

    /// One span.
    pub fn span(&self, i: usize) -> Span {
        let (image, row) = (i / self.row_chunks() * self.images, i % self.row_chunks() * self.rows);
        Span { image, images: self.images.min(self.batch - image), row, rows: self.rows.min(self.steps - row) }
    }
}

/// The sizes, from 1 up, of the parts of even divisions of `n`.
fn sizes(n: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), move |size| match n.div_ceil(*size) {
        1 => None,
        parts => Some(n.div_ceil(parts - 1)),
    })
}
