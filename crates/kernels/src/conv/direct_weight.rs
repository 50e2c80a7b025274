//! The weight gradient of any convolution: sums over the pixels of padded strips, in one of two forms ([`sums`]).
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

mod sums;

use super::Conv2d;
use super::ahead::Ahead;
use super::axis::Axis;
use super::partial::{Partial, Target};
use super::strip::{Cut, Layout, Source, Span, pack};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, share};
use crate::{Isa, scratch};
use sums::{DotSums, Gradient, OuterSums};

/// Floats of the input strip of a task, and of its gradient strip: together half the L2 cache of a small core.
const STRIP: usize = 48 * 1024;
/// Floats of the gradient that a task sums.
const SUMS: usize = 64 * 1024;
/// Tasks that a pass is cut into where that costs little: enough to balance any number of threads that pays.
const TASKS: usize = 16;

/// The gradients of weight and bias. `dw` has room for it, `db` too unless it is null.
pub(crate) fn backward_weight(c: &Conv2d, isa: Isa, x: &[f32], dy: &[f32], dw: *mut f32, db: *mut f32) {
    let channels = (c.in_channels / c.groups, c.out_channels / c.groups);
    let [rows, cols] = Axis::choose(|copies| c.forward_axes(copies), channels.0, channels.1, simd::lanes(isa));
    let plan = Plan::new(c, isa, rows, cols);
    let mut dw_parts = Partial::new(plan.parts, c.weight_size(), dw);
    let mut db_parts = Partial::new(plan.parts, c.out_channels, db);
    let (dw, db) = (dw_parts.target(), db_parts.target());
    units::run(plan.parts * c.groups * plan.slices, c.flops(), |unit| {
        let (part, i) = (unit / (c.groups * plan.slices), unit % (c.groups * plan.slices));
        let (group, slice) = (i / plan.slices, i % plan.slices);
        let task = Task { c, plan: &plan, x, dy, dw, db, part, group, slice };
        // SAFETY: the slices have the lengths of the shape (checked at the entry); a task writes the weights of its
        // part, group and slice of the input channels only, and the first slice the biases.
        unsafe { simd::dispatch(isa, task) };
    });
    dw_parts.finish();
    db_parts.finish();
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
    /// Output channels lie along the lanes.
    outer: bool,
}

impl Plan {
    fn new(c: &Conv2d, isa: Isa, rows: Axis, cols: Axis) -> Self {
        let lanes = simd::lanes(isa);
        let (ci, co) = (c.in_channels / c.groups, c.out_channels / c.groups);
        let planes = rows.planes() * cols.planes();
        // Long strips spread the final sums over the lanes thin; wide layers take them in slices of the channels.
        // Transposing pays for itself where there are columns enough to use it on.
        let outer = 4 * co >= 3 * co.next_multiple_of(lanes) && ci * c.taps() > 12;
        let least = if outer { 128 } else { 16 * lanes };
        let target = (STRIP / co.max(ci.min(32) * planes)).clamp(least, 1024);
        let cut = Cut::new(&rows, &cols, c.batch, target, 2, 4 * lanes);
        let layout = Layout::new(&rows, &cols, cut.images, cut.rows);
        let slices = (ci * planes * layout.plane).div_ceil(STRIP * 4 / 3);
        // large gradients in slices rather than parts, which are added up at the end
        let slices = slices.max((ci * c.taps() * co).div_ceil(SUMS).min(ci / 32)).clamp(1, ci);
        let parts = TASKS.div_ceil(slices * c.groups).min(cut.count());
        Self { rows, cols, cut, layout, slices, parts, outer }
    }
}

struct Task<'a> {
    c: &'a Conv2d,
    plan: &'a Plan,
    x: &'a [f32],
    dy: &'a [f32],
    dw: Target,
    db: Target,
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
        let Some(dw) = self.dw.part(self.part, self.group * co * ci * c.taps() + columns.start) else { return };
        let db = if self.slice == 0 { self.db.part(self.part, self.group * co) } else { None };

        let layout = &plan.layout;
        let slack = 2 * S::LANES;
        let mut strip = scratch::take(layout.size(slice.len(), slack));
        let end = strip.len() - slack;
        strip[end..].fill(0.0);
        let offsets = self.offsets(slice.len());
        let mut sums = match plan.outer {
            true => Sums::Outer(OuterSums::new::<S>(co, layout.plane, &offsets, db.is_some())),
            false => Sums::Dots(DotSums::new::<S>(co, layout.plane, &offsets, dw, c.weights_per_channel(), db)),
        };
        let spans = share(plan.cut.count(), plan.parts, self.part);
        for i in spans.clone() {
            let span = plan.cut.span(i);
            let next = (i + 1 < spans.end).then(|| plan.cut.span(i + 1));
            let x = self.x.as_ptr().add((self.group * ci + slice.start) * c.height * c.width);
            let image = c.in_channels * c.height * c.width;
            let source = Source { at: x, image, channels: slice.len(), clear: true, ahead: None };
            pack::<S>(source, (&plan.rows, &plan.cols), &span, layout, strip.as_mut_ptr());
            let grad =
                Gradient { c, dy: self.dy, group: self.group, span: &span, layout, rows: &plan.rows, cols: &plan.cols };
            let mut ahead = sums.ahead::<S>(&grad, &source, next.as_ref());
            match &mut sums {
                Sums::Outer(sums) => sums.add::<S>(&grad, &strip, &mut ahead),
                Sums::Dots(sums) => sums.add::<S>(&grad, &strip, &mut ahead),
            }
        }
        if let Sums::Outer(sums) = sums {
            sums.finish::<S>(dw, c.weights_per_channel(), db);
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

impl Sums<'_> {
    /// The next span of input and gradient, to be prefetched while this one is summed.
    fn ahead<S: Simd>(&self, grad: &Gradient, source: &Source, next: Option<&Span>) -> [Ahead; 2] {
        let steps = match self {
            Self::Outer(sums) => sums.steps::<S>(grad),
            Self::Dots(sums) => sums.steps::<S>(),
        };
        let (own, rows, cols) = grad.source();
        [Ahead::new(source, grad.rows, grad.cols, next, steps), Ahead::new(&own, &rows, &cols, next, steps)]
    }
}
