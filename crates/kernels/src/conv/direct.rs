//! Implicit matrix product over padded strips: forward and backward-data of any convolution.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use std::ops::Range;

use super::ahead::Ahead;
use super::axis::Axis;
use super::plan::{self, Plan, UNITS};
use super::strip::{Cut, Layout, Source, Span, copy, pack, put_row};
use super::tile::{Product, Start};
use super::{Activation, Conv2d};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};

/// A forward or backward-data pass, seen as a convolution of `x` into `y`.
struct Pass<'a> {
    rows: Axis,
    cols: Axis,
    cut: Cut,
    batch: usize,
    groups: usize,
    /// Channels of `x` and `y` in one group.
    channels: (usize, usize),
    /// Distance in the weights between channels of `x` and of `y`.
    weight_strides: (usize, usize),
    x: &'a [f32],
    w: &'a [f32],
    bias: Option<&'a [f32]>,
    act: Activation,
    y: Shared,
    /// Store past the caches where possible.
    stream: bool,
}

/// `y = act(conv(x, w) + bias)`. `y` has room for the output.
pub(crate) fn forward(c: &Conv2d, isa: Isa, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation, y: *mut f32) {
    let taps = c.kernel[0] * c.kernel[1];
    let channels = (c.in_channels / c.groups, c.out_channels / c.groups);
    let Plan { rows, cols, cut } = plan(c, isa, channels, |copies| c.forward_axes(copies));
    let weight_strides = (taps, channels.0 * taps);
    let (batch, groups) = (c.batch, c.groups);
    let pass = Pass {
        rows,
        cols,
        cut,
        batch,
        groups,
        channels,
        weight_strides,
        x,
        w,
        bias,
        act,
        y: Shared::new(y),
        stream: units::streams(c.out_size()),
    };
    units::enter(c.flops(), || pass.run(isa));
}

/// The input gradient. `dx` has room for it.
pub(crate) fn backward_data(c: &Conv2d, isa: Isa, dy: &[f32], w: &[f32], dx: *mut f32) {
    let taps = c.kernel[0] * c.kernel[1];
    let channels = (c.out_channels / c.groups, c.in_channels / c.groups);
    let Plan { rows, cols, cut } = plan(c, isa, channels, |copies| c.backward_axes(copies));
    let weight_strides = (channels.1 * taps, taps);
    let (batch, groups) = (c.batch, c.groups);
    let (bias, act) = (None, Activation::None);
    let pass = Pass {
        rows,
        cols,
        cut,
        batch,
        groups,
        channels,
        weight_strides,
        x: dy,
        w,
        bias,
        act,
        y: Shared::new(dx),
        stream: units::streams(c.in_size()),
    };
    units::enter(c.flops(), || pass.run(isa));
}

fn plan(c: &Conv2d, isa: Isa, (from, to): (usize, usize), make: impl Fn([bool; 2]) -> [Axis; 2]) -> Plan {
    Plan::new(make, plan::Pass { batch: c.batch, groups: c.groups, from, to, lanes: simd::lanes(isa) })
}

/// The taps that feed one output phase.
struct Phase {
    /// Strip offsets, for each channel of `x`, of the taps.
    offsets: Vec<u32>,
    /// Where its weights begin within a group's.
    weights: usize,
}

impl Pass<'_> {
    fn run(&self, isa: Isa) {
        let shape = simd::shape(isa);
        let (least, cut) = (UNITS.div_ceil(self.groups), &self.cut);
        let layout = Layout::new(&self.rows, &self.cols, cut.images, cut.rows);
        let blocks = self.channels.1.div_ceil(shape.rows);
        // With few spans (a small image alone) the output channels are shared out too, at the price of packing twice.
        let splits = least.div_ceil(cut.count()).min(blocks);
        let phases = self.phases(&layout);
        let weights = self.pack_weights(&phases, blocks);
        let units = self.groups * cut.count() * splits;
        units::run(units, self.flops(), |unit| {
            let (group, i) = (unit / (cut.count() * splits), unit % (cut.count() * splits));
            let (span, next) = (cut.span(i / splits), i / splits + 1);
            let next = (splits == 1 && next < cut.count()).then(|| cut.span(next));
            let blocks = (share(blocks, splits, i % splits), blocks);
            let (phases, weights, layout) = (&phases, &weights, &layout);
            let work = Unit { pass: self, phases, weights, layout, span, next, group, blocks };
            // SAFETY: the slices have the lengths of the shape (checked at the entry), and each unit writes the
            // outputs of its own span, group and channels.
            unsafe { simd::dispatch(isa, work) };
        });
    }

    fn flops(&self) -> usize {
        let taps = self.rows.taps.len() * self.cols.taps.len();
        2 * self.batch * self.groups * self.channels.0 * self.channels.1 * taps * self.rows.count * self.cols.count
    }

    /// Output phases in the order row phase, column phase.
    fn phases(&self, layout: &Layout) -> Vec<Phase> {
        let mut weights = 0;
        let mut all = Vec::new();
        for (a, b) in phase_pairs(&self.rows, &self.cols) {
            let taps: Vec<usize> = self.taps(a, b).map(|(row, col)| layout.tap(&self.cols, row, col)).collect();
            let channel = layout.planes * layout.plane;
            let offsets = (0..self.channels.0).flat_map(|c| taps.iter().map(move |t| (c * channel + t) as u32));
            let offsets: Vec<u32> = offsets.collect();
            let next = weights + offsets.len() * self.channels.1;
            all.push(Phase { offsets, weights });
            weights = next;
        }
        all
    }

    fn taps(&self, a: usize, b: usize) -> impl Iterator<Item = (super::axis::Tap, super::axis::Tap)> {
        let rows = self.rows.taps.iter().filter(move |t| t.phase == a);
        rows.flat_map(move |r| self.cols.taps.iter().filter(move |t| t.phase == b).map(move |c| (*r, *c)))
    }

    /// Weights in the order of use: `[group][phase][block of output channels][offset][channel of the block]`.
    fn pack_weights(&self, phases: &[Phase], blocks: usize) -> scratch::Scratch {
        let (ci, co) = self.channels;
        let width = self.cols.taps.len();
        let group = ci * co * self.rows.taps.len() * width;
        let places = phase_pairs(&self.rows, &self.cols)
            .map(|(a, b)| self.taps(a, b).map(|(row, col)| row.k * width + col.k).collect());
        let places: Vec<Vec<usize>> = places.collect();
        let mut packed = scratch::take(self.groups * group);
        let to = Shared::new(packed.as_mut_ptr());
        let units = self.groups * phases.len() * blocks;
        units::run(units, 4 * self.groups * group, |unit| {
            let (g, unit) = (unit / (phases.len() * blocks), unit % (phases.len() * blocks));
            let (phase, block) = (unit / blocks, unit % blocks);
            let (channels, taps) = (share(co, blocks, block), &places[phase]);
            let at = g * group + phases[phase].weights + channels.start * ci * taps.len();
            let m = channels.len();
            // SAFETY: the strides keep within the group's weights, and units write blocks of their own.
            unsafe {
                let from = self.w.as_ptr().add(g * group + channels.start * self.weight_strides.1);
                pack_block(from, self.weight_strides, (ci, m), taps, to.at(at));
            }
        });
        packed
    }
}

/// Packs the weights of one block: `to[(i * taps + t) * m + o]` for channel `i` of `x` and channel `o` of `m`.
///
/// # Safety
/// The weights are there, and room for them.
unsafe fn pack_block(from: *const f32, strides: (usize, usize), (ci, m): (usize, usize), taps: &[usize], to: *mut f32) {
    if strides.0 == taps.len() && taps.iter().copied().eq(0..taps.len()) {
        // a channel's weights lie in the order of use already
        for o in 0..m {
            let from = from.add(o * strides.1);
            for k in 0..ci * taps.len() {
                *to.add(k * m + o) = *from.add(k);
            }
        }
        return;
    }
    let mut to = to;
    for i in 0..ci {
        for tap in taps {
            let from = from.add(i * strides.0 + tap);
            for o in 0..m {
                *to = *from.add(o * strides.1);
                to = to.add(1);
            }
        }
    }
}

/// All pairs of row and column output phases.
fn phase_pairs(rows: &Axis, cols: &Axis) -> impl Iterator<Item = (usize, usize)> {
    let n = cols.out_step;
    (0..rows.out_step).flat_map(move |a| (0..n).map(move |b| (a, b)))
}

/// One span of one group, for some blocks of output channels.
struct Unit<'a> {
    pass: &'a Pass<'a>,
    phases: &'a [Phase],
    weights: &'a [f32],
    layout: &'a Layout,
    span: Span,
    /// The span after it, to be prefetched.
    next: Option<Span>,
    group: usize,
    /// The blocks to do, and how many there are.
    blocks: (Range<usize>, usize),
}

/// The output of a block of channels, or what stands for it.
#[derive(Clone, Copy)]
struct Target {
    at: *mut f32,
    /// Floats from channel to channel.
    pitch: usize,
    /// Vectors may be written beyond the last flat place.
    slack: bool,
    stream: bool,
}

impl Kernel for Unit<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (pass, layout, span) = (self.pass, self.layout, &self.span);
        let (ci, co) = pass.channels;
        let mut strip = scratch::take(layout.size(ci, S::WIDE * S::LANES));
        let source = self.source();
        pack::<S>(source, (&pass.rows, &pass.cols), span, layout, strip.as_mut_ptr());

        let flat = layout.flat(&pass.cols, span);
        let pitch = flat.next_multiple_of(S::WIDE * S::LANES);
        let mut out = scratch::take(pass.cols.out_step * S::ROWS * pitch);
        let steps = self.blocks.0.len() * self.phases.len() * flat.div_ceil(S::WIDE * S::LANES);
        let mut ahead = Ahead::new(&source, &pass.rows, &pass.cols, self.next.as_ref(), steps);
        // Where flat places are output pixels, the tiles are stored right there.
        let in_place = pass.cols.is_output() && pass.rows.out_step == 1 && span.images == 1;
        let size = pass.rows.out_len * pass.cols.out_len;
        for block in self.blocks.0.clone() {
            let channels = share(co, self.blocks.1, block);
            if in_place {
                let plane = (span.image * pass.groups + self.group) * co + channels.start;
                let at = pass.y.at(plane * size + span.row * pass.cols.out_len);
                let aligned = (at as usize).is_multiple_of(4 * S::LANES) && size.is_multiple_of(S::LANES);
                let to = Target { at, pitch: size, slack: false, stream: pass.stream && aligned };
                self.products::<S>(&self.phases[0], channels, flat, &strip, to, &mut ahead);
                continue;
            }
            for a in 0..pass.rows.out_step {
                for b in 0..pass.cols.out_step {
                    let phase = &self.phases[a * pass.cols.out_step + b];
                    let at = out.as_mut_ptr().add(b * S::ROWS * pitch);
                    let to = Target { at, pitch, slack: true, stream: false };
                    self.products::<S>(phase, channels.clone(), flat, &strip, to, &mut ahead);
                }
                self.put::<S>(a, channels.clone(), pitch, &out);
            }
        }
        if pass.stream {
            S::fence();
        }
    }
}

impl Unit<'_> {
    fn source(&self) -> Source {
        let pass = self.pass;
        let ci = pass.channels.0;
        let size = pass.rows.in_len * pass.cols.in_len;
        let at = pass.x[self.group * ci * size..].as_ptr();
        Source { at, image: pass.groups * ci * size, channels: ci, clear: true, ahead: None }
    }

    /// One block of output channels in one phase, for all flat places.
    #[inline(always)]
    unsafe fn products<S: Simd>(
        &self,
        phase: &Phase,
        channels: Range<usize>,
        flat: usize,
        strip: &[f32],
        to: Target,
        ahead: &mut Ahead,
    ) {
        let pass = self.pass;
        let (ci, co) = pass.channels;
        let group = self.group * ci * co * pass.rows.taps.len() * pass.cols.taps.len();
        let tile = Product {
            w: self.weights.as_ptr().add(group + phase.weights + channels.start * phase.offsets.len()),
            offsets: &phase.offsets,
            x: strip.as_ptr(),
            y: to.at,
            y_stride: to.pitch,
            start: match pass.bias {
                Some(bias) => Start::Rows(bias.as_ptr().add(self.group * co + channels.start)),
                None => Start::Zero,
            },
            act: pass.act,
            rows: channels.len(),
            vectors: S::WIDE,
            stream: to.stream,
        };
        let mut p = 0;
        while p < flat {
            ahead.step::<S>();
            let left = flat - p;
            let vectors = left.div_ceil(S::LANES).min(S::WIDE);
            let x = tile.x.add(p);
            if to.slack || vectors * S::LANES <= left {
                Product { x, y: tile.y.add(p), vectors, ..tile }.call::<S>();
            } else {
                let pitch = S::WIDE * S::LANES;
                let mut edge = scratch::take(S::ROWS * pitch);
                Product { x, y: edge.as_mut_ptr(), y_stride: pitch, vectors, stream: false, ..tile }.call::<S>();
                for m in 0..tile.rows {
                    copy::<S>(edge.as_ptr().add(m * pitch), tile.y.add(m * tile.y_stride + p), left);
                }
            }
            p += vectors * S::LANES;
        }
    }

    /// Copies the results of row phase `a` to their places in the output.
    #[inline(always)]
    unsafe fn put<S: Simd>(&self, a: usize, channels: Range<usize>, pitch: usize, out: &[f32]) {
        let (pass, layout, span) = (self.pass, self.layout, &self.span);
        let (rows, cols) = (&pass.rows, &pass.cols);
        let co = pass.channels.1;
        let size = rows.out_len * cols.out_len;
        for (m, channel) in channels.enumerate() {
            for i in 0..span.images {
                let plane = ((span.image + i) * pass.groups + self.group) * co + channel;
                let from = out.as_ptr().add(m * pitch + i * layout.image_rows * layout.width);
                if cols.is_output() && rows.out_step == 1 {
                    let to = pass.y.at(plane * size + span.row * cols.out_len);
                    copy::<S>(from, to, span.rows * cols.out_len);
                    continue;
                }
                for r in 0..span.rows {
                    let Some(row) = rows.output(a, span.row + r) else { continue };
                    let to = pass.y.at(plane * size + row * cols.out_len);
                    put_row::<S>(cols, from.add(r * layout.width), S::ROWS * pitch, to);
                }
            }
        }
    }
}
