//! Zero-padded copies of input rows, in which every kernel tap is a constant offset.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each function

use super::axis::Axis;

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

/// Fills the planes of `channels` channels.
///
/// # Safety
/// `x` points at channel 0 of image 0 of the input, images `image_stride` apart; `to` has room for the planes.
#[inline(always)]
pub(crate) unsafe fn pack(
    x: *const f32,
    image_stride: usize,
    channels: usize,
    axes: (&Axis, &Axis),
    span: &Span,
    layout: &Layout,
    to: *mut f32,
) {
    let (rows, cols) = axes;
    let size = rows.in_len * cols.in_len;
    let mut plane = to;
    for c in 0..channels {
        for rp in 0..rows.planes() {
            for cp in 0..cols.planes() {
                let (inside, first) = cols.inside(cp, layout.width);
                let mut row = plane;
                for i in 0..span.images {
                    let image = x.add((span.image + i) * image_stride + c * size);
                    for r in 0..layout.image_rows {
                        match rows.input(rp, span.row + r) {
                            Some(y) => {
                                let from = image.add(y * cols.in_len);
                                copy_row(from, first, cols.in_step, row, layout.width, &inside);
                            }
                            None => row.write_bytes(0, layout.width),
                        }
                        row = row.add(layout.width);
                    }
                }
                let end = plane.add(layout.plane);
                row.write_bytes(0, end.offset_from(row) as usize);
                plane = end;
            }
        }
    }
}

/// Copies one row with its padding.
#[inline(always)]
unsafe fn copy_row(
    from: *const f32,
    first: usize,
    step: usize,
    to: *mut f32,
    width: usize,
    inside: &std::ops::Range<usize>,
) {
    to.write_bytes(0, inside.start);
    let n = inside.len();
    let dst = to.add(inside.start);
    match step {
        1 if n > 0 => dst.copy_from_nonoverlapping(from.add(first), n),
        2 if n > 0 => {
            // the last element apart: pairs may be loaded whole, but not beyond the row
            for i in 0..n - 1 {
                *dst.add(i) = *from.add(first + 2 * i);
            }
            *dst.add(n - 1) = *from.add(first + 2 * (n - 1));
        }
        _ => {
            for i in 0..n {
                *dst.add(i) = *from.add(first + step * i);
            }
        }
    }
    to.add(inside.end).write_bytes(0, width - inside.end);
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
