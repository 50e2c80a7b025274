//! The weight gradient of any convolution: sums over the pixels of padded strips, in one of two forms ([`sums`]).
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

mod sums;

use super::Conv2d;
use super::axis::Axis;
use super::strip::{Cut, Layout, Source, pack};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};
use sums::{DotSums, Gradient, OuterSums};

/// Floats of the input strip of a task, and of its gradient strip: together half the L2 cache of a small core.
const STRIP: usize = 48 * 1024;
/// Tasks that a pass is cut into where that costs little: enough to balance any number of threads that pays.
const TASKS: usize = 16;

/// The weight gradient. `dw` has room for it.
pub(crate) fn backward_weight(c: &Conv2d, isa: Isa, x: &[f32], dy: &[f32], dw: *mut f32) {
    let [rows, cols] = c.forward_axes([false; 2]);
    let plan = Plan::new(c, isa, rows, cols);
    let size = c.out_channels * c.weights_per_channel();
    let mut partial = scratch::take(if plan.parts > 1 { plan.parts * size } else { 0 });
    let target = Shared::new(if plan.parts > 1 { partial.as_mut_ptr() } else { dw });
    units::run(plan.parts * c.groups * plan.slices, c.flops(), |unit| {
        let (part, i) = (unit / (c.groups * plan.slices), unit % (c.groups * plan.slices));
        let (group, slice) = (i / plan.slices, i % plan.slices);
        // SAFETY: `parts` copies of the gradient fit the target.
        let dw = unsafe { target.at(part * size) };
        let task = Task { c, plan: &plan, x, dy, dw, part, group, slice };
        // SAFETY: the slices have the lengths of the shape (checked at the entry); a task writes the weights of its
        // part, group and slice of the input channels only.
        unsafe { simd::dispatch(isa, task) };
    });
    if plan.parts > 1 {
        reduce(&partial, size, plan.parts, Shared::new(dw));
    }
}

/// Adds the parts in order.
pub(crate) fn reduce(partial: &[f32], size: usize, parts: usize, dw: Shared) {
    const CHUNK: usize = 4096;
    units::run(size.div_ceil(CHUNK), size * parts, |unit| {
        let begin = unit * CHUNK;
        for i in begin..(begin + CHUNK).min(size) {
            let sum = (1..parts).fold(partial[i], |sum, part| sum + partial[part * size + i]);
            // SAFETY: `i < size`, and chunks are apart.
            unsafe { *dw.at(i) = sum };
        }
    });
}

struct Plan {
    rows: Axis,
    cols: Axis,
    cut: Cut,
    layout: Layout,
    /// Slices of the input channels of a group.
    slices: usize,
    /// Parts of the spans, summed apart.
    parts: usize,
    /// Output channels fill vectors well enough to lie along the lanes.
    outer: bool,
}

impl Plan {
    fn new(c: &Conv2d, isa: Isa, rows: Axis, cols: Axis) -> Self {
        let lanes = simd::lanes(isa);
        let (ci, co) = (c.in_channels / c.groups, c.out_channels / c.groups);
        let planes = rows.planes() * cols.planes();
        // Long strips spread the final sums over the lanes thin; wide layers take them in slices of the channels.
        let outer = 4 * co >= 3 * co.next_multiple_of(lanes);
        let least = if outer { 128 } else { 16 * lanes };
        let target = (STRIP / co.max(ci.min(32) * planes)).clamp(least, 1024);
        let cut = Cut::new(&rows, &cols, c.batch, target, 2, 4 * lanes);
        let layout = Layout::new(&rows, &cols, cut.images, cut.rows);
        let slices = (ci * planes * layout.plane).div_ceil(STRIP * 4 / 3).clamp(1, ci);
        let parts = TASKS.div_ceil(slices * c.groups).min(cut.count());
        Self { rows, cols, cut, layout, slices, parts, outer }
    }
}

struct Task<'a> {
    c: &'a Conv2d,
    plan: &'a Plan,
    x: &'a [f32],
    dy: &'a [f32],
    dw: *mut f32,
    part: usize,
    group: usize,
    slice: usize,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (c, plan) = (self.c, self.plan);
        let (ci, co) = (c.in_channels / c.groups, c.out_channels / c.groups);
        let slice = share(ci, plan.slices, self.slice);
        let columns = slice.start * c.taps()..slice.end * c.taps();
        let dw = self.dw.add(self.group * co * ci * c.taps() + columns.start);

        let layout = &plan.layout;
        let slack = 2 * S::LANES;
        let mut strip = scratch::take(layout.size(slice.len(), slack));
        let end = strip.len() - slack;
        strip[end..].fill(0.0);
        let offsets = self.offsets(slice.len());
        let mut sums = match plan.outer {
            true => Sums::Outer(OuterSums::new::<S>(co, layout.plane, &offsets)),
            false => Sums::Dots(DotSums::new::<S>(co, layout.plane, &offsets, dw, c.weights_per_channel())),
        };
        for i in share(plan.cut.count(), plan.parts, self.part) {
            let span = plan.cut.span(i);
            let x = self.x.as_ptr().add((self.group * ci + slice.start) * c.height * c.width);
            let image = c.in_channels * c.height * c.width;
            let source = Source { at: x, image, channels: slice.len(), clear: true, ahead: None };
            pack::<S>(source, (&plan.rows, &plan.cols), &span, layout, strip.as_mut_ptr());
            let grad = Gradient { c, dy: self.dy, group: self.group, span: &span, layout, cols: &plan.cols };
            match &mut sums {
                Sums::Outer(sums) => sums.add::<S>(&grad, &strip),
                Sums::Dots(sums) => sums.add::<S>(&grad, &strip),
            }
        }
        if let Sums::Outer(sums) = sums {
            sums.finish::<S>(dw, c.weights_per_channel());
        }
    }
}

impl Task<'_> {
    /// Strip offsets of the columns of the gradient: `[channel of the slice][kernel row][kernel column]`.
    fn offsets(&self, channels: usize) -> Vec<u32> {
        let (plan, layout) = (self.plan, &self.plan.layout);
        let mut all = Vec::with_capacity(channels * self.c.taps());
        for channel in 0..channels {
            for row in &plan.rows.taps {
                for col in &plan.cols.taps {
                    all.push((channel * layout.planes * layout.plane + layout.tap(&plan.cols, *row, *col)) as u32);
                }
            }
        }
        all
    }
}

enum Sums<'a> {
    Outer(OuterSums<'a>),
    Dots(DotSums<'a>),
}

/// The bias gradient: one sum for each channel, in `f64` over the images in order.
pub(crate) fn backward_bias(c: &Conv2d, isa: Isa, dy: &[f32], db: *mut f32) {
    let db = Shared::new(db);
    units::run(c.out_channels, dy.len(), |channel| {
        // SAFETY: one place for each channel, and the shape was checked.
        unsafe { simd::dispatch(isa, BiasSum { c, dy, db: db.at(channel), channel }) };
    });
}

struct BiasSum<'a> {
    c: &'a Conv2d,
    dy: &'a [f32],
    db: *mut f32,
    channel: usize,
}

impl Kernel for BiasSum<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let size = self.c.out_height() * self.c.out_width();
        let mut total = 0.0f64;
        for n in 0..self.c.batch {
            let from = self.dy.as_ptr().add((n * self.c.out_channels + self.channel) * size);
            let mut sums = [S::zero(); 4];
            let mut at = 0;
            while at < size {
                for sum in &mut sums {
                    let left = size.saturating_sub(at).min(S::LANES);
                    *sum = S::add(*sum, S::load_first(from.add(at.min(size)), left));
                    at += S::LANES;
                }
            }
            total += f64::from(S::sum(S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3]))));
        }
        *self.db = total as f32;
    }
}
