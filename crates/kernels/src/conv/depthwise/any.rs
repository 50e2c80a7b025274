//! Depthwise convolutions of any kernel, stride and padding, plane by plane over padded strips.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use super::super::axis::Axis;
use super::super::partial::Target;
use super::super::strip::{Layout, Source, Span, copy, pack, prefetch, put_row};
use super::super::tile::{Dot, activate, total};
use super::super::{Activation, Conv2d};
use super::{Planes, Units, partials};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};

/// A forward or backward-data pass, seen as a convolution of the planes of `x` into those of `y`.
struct Pass<'a> {
    rows: Axis,
    cols: Axis,
    layout: Layout,
    /// For each output phase, strip offset and kernel index of its taps.
    phases: Vec<Vec<(usize, usize)>>,
    channels: usize,
    taps: usize,
    x: &'a [f32],
    w: &'a [f32],
    bias: Option<&'a [f32]>,
    act: Activation,
    y: Shared,
}

/// `y = act(conv(x, w) + bias)`. `y` has room for the output.
pub(crate) fn forward(c: &Conv2d, isa: Isa, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation, y: *mut f32) {
    run(c, isa, c.forward_axes([false; 2]), (x, w, bias, act, y));
}

/// The input gradient. `dx` has room for it.
pub(crate) fn backward_data(c: &Conv2d, isa: Isa, dy: &[f32], w: &[f32], dx: *mut f32) {
    run(c, isa, c.backward_axes([false; 2]), (dy, w, None, Activation::None, dx));
}

type Tensors<'a> = (&'a [f32], &'a [f32], Option<&'a [f32]>, Activation, *mut f32);

fn run(c: &Conv2d, isa: Isa, [rows, cols]: [Axis; 2], (x, w, bias, act, y): Tensors) {
    let layout = Layout::new(&rows, &cols, 1, rows.count);
    let mut phases = vec![Vec::new(); rows.out_step * cols.out_step];
    for row in &rows.taps {
        for col in &cols.taps {
            let tap = (layout.tap(&cols, *row, *col), row.k * c.kernel[1] + col.k);
            phases[row.phase * cols.out_step + col.phase].push(tap);
        }
    }
    let (channels, taps, y) = (c.groups, c.taps(), Shared::new(y));
    let pass = Pass { rows, cols, layout, phases, channels, taps, x, w, bias, act, y };
    let units = Units::new(c);
    units::run(units.count(), 10 * c.flops(), |unit| {
        // SAFETY: the slices have the lengths of the shape (checked at the entry); units write planes of their own.
        unsafe { simd::dispatch(isa, Unit { pass: &pass, planes: units.planes(unit) }) };
    });
}

struct Unit<'a> {
    pass: &'a Pass<'a>,
    planes: Planes,
}

impl Kernel for Unit<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let p = self.pass;
        let span = Span { image: 0, images: 1, row: 0, rows: p.rows.count };
        let flat = p.layout.flat(&p.cols, &span);
        let pitch = flat.next_multiple_of(4 * S::LANES);
        let mut strip = scratch::take(p.layout.size(1, 4 * S::LANES));
        strip.fill(0.0);
        let mut out = scratch::take(p.cols.out_step * pitch);
        let sizes = (p.rows.in_len * p.cols.in_len, p.rows.out_len * p.cols.out_len);
        for plane in self.planes.iter(p.channels) {
            let x = p.x.as_ptr().add(plane.at * sizes.0);
            let source = Source { at: x, image: 0, channels: 1, clear: false, ahead: Some(plane.ahead * sizes.0) };
            pack::<S>(source, (&p.rows, &p.cols), &span, &p.layout, strip.as_mut_ptr());
            let y = p.y.at(plane.at * sizes.1);
            for a in 0..p.rows.out_step {
                for b in 0..p.cols.out_step {
                    let taps = &p.phases[a * p.cols.out_step + b];
                    let to = out.as_mut_ptr().add(b * pitch);
                    p.products::<S>(plane.channel, taps, strip.as_ptr(), flat, to);
                }
                for r in 0..p.rows.count {
                    let Some(row) = p.rows.output(a, r) else { continue };
                    let from = out.as_ptr().add(r * p.layout.width);
                    put_row::<S>(&p.cols, from, pitch, y.add(row * p.cols.out_len));
                }
            }
        }
    }
}

impl Pass<'_> {
    /// All flat places of one phase, four vectors at a time.
    #[inline(always)]
    unsafe fn products<S: Simd>(
        &self,
        channel: usize,
        taps: &[(usize, usize)],
        strip: *const f32,
        flat: usize,
        to: *mut f32,
    ) {
        let w = self.w.as_ptr().add(channel * self.taps);
        let bias = S::splat(self.bias.map_or(0.0, |b| b[channel]));
        for p in (0..flat).step_by(4 * S::LANES) {
            let mut acc = [bias; 4];
            for &(offset, k) in taps {
                let w = S::splat(*w.add(k));
                for (n, acc) in acc.iter_mut().enumerate() {
                    *acc = S::fma(w, S::load(strip.add(offset + p + n * S::LANES)), *acc);
                }
            }
            for (n, acc) in acc.iter().enumerate() {
                S::store(to.add(p + n * S::LANES), activate::<S>(*acc, self.act));
            }
        }
    }
}

/// The gradients of weight and bias. `dw` has room for it, `db` too unless it is null.
pub(crate) fn backward_weight(c: &Conv2d, isa: Isa, x: &[f32], dy: &[f32], dw: *mut f32, db: *mut f32) {
    let [rows, cols] = c.forward_axes([false; 2]);
    let layout = Layout::new(&rows, &cols, 1, rows.count);
    let taps = rows.taps.iter().flat_map(|r| cols.taps.iter().map(move |k| (*r, *k)));
    let offsets: Vec<u32> = taps.map(|(row, col)| layout.tap(&cols, row, col) as u32).collect();
    let units = Units::new(c);
    let (mut dw_parts, mut db_parts) = partials(c, &units, dw, db);
    let (dw, db) = (dw_parts.target(), db_parts.target());
    units::run(units.count(), 10 * c.flops(), |unit| {
        let axes = (&rows, &cols);
        let work = Weights { c, axes, layout: &layout, offsets: &offsets, planes: units.planes(unit), x, dy, dw, db };
        // SAFETY: the slices have the lengths of the shape (checked at the entry); units write weights of their own
        // part and channels.
        unsafe { simd::dispatch(isa, work) };
    });
    dw_parts.finish();
    db_parts.finish();
}

struct Weights<'a> {
    c: &'a Conv2d,
    axes: (&'a Axis, &'a Axis),
    layout: &'a Layout,
    offsets: &'a [u32],
    planes: Planes,
    x: &'a [f32],
    dy: &'a [f32],
    dw: Target,
    db: Target,
}

impl Kernel for Weights<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (c, layout) = (self.c, self.layout);
        let channels = self.planes.channels.clone();
        let Some(dw) = self.dw.part(self.planes.part, channels.start * c.taps()) else { return };
        dw.write_bytes(0, channels.len() * c.taps());
        let db = self.db.part(self.planes.part, channels.start);
        if let Some(db) = db {
            db.write_bytes(0, channels.len());
        }
        let (height, width) = (c.out_height(), c.out_width());
        let span = Span { image: 0, images: 1, row: 0, rows: height };
        let steps = layout.flat(self.axes.1, &span).div_ceil(S::LANES);
        let slack = 2 * S::LANES;
        let mut strip = scratch::take(layout.size(1, slack));
        strip.fill(0.0);
        // the gradient laid out as the strip is: zeros stay where the strip holds no result
        let mut grad = scratch::take(height * layout.width + slack);
        grad.fill(0.0);
        let wide = self.offsets.len().div_ceil(S::DOT.1);
        for plane in self.planes.iter(c.groups) {
            let size = c.height * c.width;
            let x = self.x.as_ptr().add(plane.at * size);
            let source = Source { at: x, image: 0, channels: 1, clear: false, ahead: Some(plane.ahead * size) };
            pack::<S>(source, self.axes, &span, layout, strip.as_mut_ptr());
            let dy = self.dy.as_ptr().add(plane.at * height * width);
            for r in 0..height {
                let to = grad.as_mut_ptr().add(r * layout.width);
                prefetch::<S>(dy.wrapping_add(plane.ahead * height * width + r * width), width);
                copy::<S>(dy.add(r * width), to, width);
            }
            if let Some(db) = db {
                *db.add(plane.channel - channels.start) += total::<S>(grad.as_ptr(), steps * S::LANES);
            }
            for j in 0..wide {
                let columns = share(self.offsets.len(), wide, j);
                let d = dw.add((plane.channel - channels.start) * c.taps() + columns.start);
                let (offsets, x, y) = (&self.offsets[columns], strip.as_ptr(), grad.as_ptr());
                Dot { y, y_stride: 0, x, offsets, steps, d, d_stride: 0, rows: 1 }.call::<S>();
            }
        }
    }
}
