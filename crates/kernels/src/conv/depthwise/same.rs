//! 3x3, stride 1, one pixel of padding: planes as flat arrays.
//!
//! A tap is a constant distance in the flat plane. What a row's ends pick up from the neighbouring rows is masked
//! off, and zeros before and after the plane stand for the rows beyond it, so vectors may run across rows: no lane
//! is lost for any width.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use super::super::partial::Target;
use super::super::tile::activate;
use super::super::{Activation, Conv2d};
use super::{Plane, Planes, Units, partials, streams};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared};
use crate::{Isa, scratch};

/// `y = act(conv(x, w) + bias)`. `y` has room for the output.
pub(crate) fn forward(c: &Conv2d, isa: Isa, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation, y: *mut f32) {
    let units = Units::new(c);
    let masks = Masks::new(c.width, simd::lanes(isa));
    let stream = streams(isa, c.height * c.width, x.len(), y);
    let y = Shared::new(y);
    units::run(units.count(), 10 * c.flops(), |unit| {
        let work = Forward { c, planes: units.planes(unit), x, w, bias, act, y, masks: &masks, stream };
        // SAFETY: the slices have the lengths of the shape (checked at the entry); units write planes of their own.
        unsafe { simd::dispatch(isa, work) };
    });
}

/// What a backward pass reads and writes; a null pointer stands for what is not wanted.
#[derive(Clone, Copy)]
pub(crate) struct Backward<'a> {
    /// Needed for the weight gradient, else empty.
    pub x: &'a [f32],
    pub dy: &'a [f32],
    /// Needed for the data gradient, else empty.
    pub w: &'a [f32],
    pub dx: *mut f32,
    pub dw: *mut f32,
    /// Only together with `dw`.
    pub db: *mut f32,
}

/// The gradients that are wanted.
pub(crate) fn backward(c: &Conv2d, isa: Isa, of: Backward) {
    let units = Units::new(c);
    let masks = Masks::new(c.width, simd::lanes(isa));
    let (data, weight) = (!of.dx.is_null(), !of.dw.is_null());
    let stream = data && streams(isa, c.height * c.width, of.dy.len(), of.dx);
    let (mut dw_parts, mut db_parts) = partials(c, &units, of.dw, of.db);
    let (dw, db, dx) = (dw_parts.target(), db_parts.target(), Shared::new(of.dx));
    let Backward { x, dy, w, .. } = of;
    units::run(units.count(), 10 * c.flops(), |unit| {
        let work = Gradients { c, planes: units.planes(unit), x, dy, w, dx, dw, db, masks: &masks, stream };
        // SAFETY: the slices have the lengths of the shape (checked at the entry); units write planes of their own,
        // and weights of their own part and channels.
        unsafe {
            match (data, weight) {
                (true, true) => simd::dispatch(isa, GradientsOf::<true, true>(work)),
                (true, false) => simd::dispatch(isa, GradientsOf::<true, false>(work)),
                _ => simd::dispatch(isa, GradientsOf::<false, true>(work)),
            }
        };
    });
    dw_parts.finish();
    db_parts.finish();
}

/// Masks of the lanes that have a left and a right neighbour, for a vector that starts at any column.
struct Masks {
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Masks {
    fn new(width: usize, lanes: usize) -> Self {
        let mask = |keep: bool| f32::from_bits(if keep { u32::MAX } else { 0 });
        let columns = || (0..width + lanes).map(|i| i % width);
        Self { left: columns().map(|c| mask(c > 0)).collect(), right: columns().map(|c| mask(c + 1 < width)).collect() }
    }
}

/// A plane with zeros around it.
struct Padded {
    buffer: scratch::Scratch,
    before: usize,
}

impl Padded {
    fn new(c: &Conv2d, lanes: usize) -> Self {
        let before = (c.width + 1).next_multiple_of(16);
        let mut buffer = scratch::take(2 * before + c.height * c.width + lanes);
        buffer.fill(0.0);
        Self { buffer, before }
    }

    /// Copies a plane in and returns where it begins.
    #[inline(always)]
    unsafe fn set(&mut self, plane: *const f32, size: usize) -> *const f32 {
        let to = self.buffer.as_mut_ptr().add(self.before);
        to.copy_from_nonoverlapping(plane, size);
        to
    }
}

struct Forward<'a> {
    c: &'a Conv2d,
    planes: Planes,
    x: &'a [f32],
    w: &'a [f32],
    bias: Option<&'a [f32]>,
    act: Activation,
    y: Shared,
    masks: &'a Masks,
    stream: bool,
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let size = self.c.height * self.c.width;
        let mut padded = Padded::new(self.c, S::LANES);
        for plane in self.planes.iter(self.c.groups) {
            let from = self.x.as_ptr().add(plane.at * size);
            let x = padded.set(from, size);
            self.plane::<S>(plane.channel, x, from.wrapping_add(plane.ahead * size), self.y.at(plane.at * size));
        }
        if self.stream {
            S::fence();
        }
    }
}

impl Forward<'_> {
    #[inline(always)]
    unsafe fn plane<S: Simd>(&self, channel: usize, x: *const f32, next: *const f32, y: *mut f32) {
        let (width, size) = (self.c.width, self.c.height * self.c.width);
        let mut w = [S::zero(); 9];
        for (k, v) in w.iter_mut().enumerate() {
            *v = S::splat(self.w[9 * channel + k]);
        }
        let bias = S::splat(self.bias.map_or(0.0, |b| b[channel]));
        let mut column = 0;
        let mut p = 0;
        while p < size {
            let x = x.add(p);
            S::prefetch(next.wrapping_add(p));
            let side = |kx: usize, start: S::V| {
                let x = x.wrapping_add(kx).wrapping_sub(1);
                let above = S::fma(w[kx], S::load(x.wrapping_sub(width)), start);
                S::fma(w[6 + kx], S::load(x.add(width)), S::fma(w[3 + kx], S::load(x), above))
            };
            let left = S::and(side(0, S::zero()), S::load(self.masks.left.as_ptr().add(column)));
            let right = S::and(side(2, S::zero()), S::load(self.masks.right.as_ptr().add(column)));
            let sum = activate::<S>(S::add(side(1, bias), S::add(left, right)), self.act);
            if self.stream {
                S::stream(y.add(p), sum);
            } else if p + S::LANES <= size {
                S::store(y.add(p), sum);
            } else {
                S::store_first(y.add(p), sum, size - p);
            }
            p += S::LANES;
            column += S::LANES;
            while column >= width {
                column -= width;
            }
        }
    }
}

struct Gradients<'a> {
    c: &'a Conv2d,
    planes: Planes,
    x: &'a [f32],
    dy: &'a [f32],
    w: &'a [f32],
    dx: Shared,
    dw: Target,
    db: Target,
    masks: &'a Masks,
    stream: bool,
}

/// Data gradient, weight gradient, or both in one pass over the output gradient.
struct GradientsOf<'a, const DATA: bool, const WEIGHT: bool>(Gradients<'a>);

impl<const DATA: bool, const WEIGHT: bool> Kernel for GradientsOf<'_, DATA, WEIGHT> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let g = &self.0;
        let size = g.c.height * g.c.width;
        let channels = g.planes.channels.clone();
        let mut padded = Padded::new(g.c, S::LANES);
        // nine weights and the bias of each channel
        let mut sums = scratch::take(channels.len() * 10 * S::LANES);
        sums.fill(0.0);
        for plane in g.planes.iter(g.c.groups) {
            let dy = padded.set(g.dy.as_ptr().add(plane.at * size), size);
            let sums = sums.as_mut_ptr().add((plane.channel - channels.start) * 10 * S::LANES);
            self.plane::<S>(&plane, dy, sums);
        }
        if WEIGHT {
            let at = |i: usize| sums.as_ptr().add(i * S::LANES);
            for (i, channel) in channels.clone().enumerate() {
                if let Some(dw) = g.dw.part(g.planes.part, 9 * channel) {
                    for k in 0..9 {
                        *dw.add(k) = S::sum(S::load(at(10 * i + k)));
                    }
                }
                if let Some(db) = g.db.part(g.planes.part, channel) {
                    *db = S::sum(S::load(at(10 * i + 9)));
                }
            }
        }
        if g.stream {
            S::fence();
        }
    }
}

impl<const DATA: bool, const WEIGHT: bool> GradientsOf<'_, DATA, WEIGHT> {
    /// One plane, whose gradient is at `dy`; the sums of the weight gradient are added to `sums`.
    #[inline(always)]
    unsafe fn plane<S: Simd>(&self, plane: &Plane, dy: *const f32, sums: *mut f32) {
        let g = &self.0;
        let (width, size) = (g.c.width, g.c.height * g.c.width);
        let (channel, at, ahead) = (plane.channel, plane.at * size, plane.ahead * size);
        let mut w = [S::zero(); 9];
        if DATA {
            for (k, v) in w.iter_mut().enumerate() {
                *v = S::splat(g.w[9 * channel + k]);
            }
        }
        let mut acc = [S::zero(); 10];
        let mut column = 0;
        let mut p = 0;
        while p < size {
            let n = S::LANES.min(size - p);
            S::prefetch(g.dy.as_ptr().wrapping_add(at + ahead + p));
            if WEIGHT {
                S::prefetch(g.x.as_ptr().wrapping_add(at + ahead + p));
            }
            let x = match (WEIGHT, n == S::LANES) {
                (false, _) => S::zero(),
                (true, true) => S::load(g.x.as_ptr().add(at + p)),
                (true, false) => S::load_first(g.x.as_ptr().add(at + p), n),
            };
            let mut dx = [S::zero(); 3];
            for kx in 0..3 {
                // tap (ky, kx) took this pixel to the output at row + 1 - ky, column + 1 - kx
                let mask = match kx {
                    0 => S::load(g.masks.right.as_ptr().add(column)),
                    _ => S::load(g.masks.left.as_ptr().add(column)),
                };
                let from = dy.add(p + width + 1).wrapping_sub(kx);
                for ky in 0..3 {
                    let d = S::load(from.wrapping_sub(ky * width));
                    let d = if kx == 1 { d } else { S::and(d, mask) };
                    if DATA {
                        dx[kx] = S::fma(w[3 * ky + kx], d, dx[kx]);
                    }
                    if WEIGHT && (ky, kx) == (1, 1) {
                        acc[9] = S::add(acc[9], d);
                    }
                    if WEIGHT {
                        acc[3 * ky + kx] = S::fma(x, d, acc[3 * ky + kx]);
                    }
                }
            }
            if DATA {
                let (sum, to) = (S::add(dx[1], S::add(dx[0], dx[2])), g.dx.at(at + p));
                if g.stream {
                    S::stream(to, sum);
                } else if n == S::LANES {
                    S::store(to, sum);
                } else {
                    S::store_first(to, sum, n);
                }
            }
            p += S::LANES;
            column += S::LANES;
            while column >= width {
                column -= width;
            }
        }
        if WEIGHT {
            for (k, v) in acc.iter().enumerate() {
                let sum = sums.add(k * S::LANES);
                S::store(sum, S::add(S::load(sum), *v));
            }
        }
    }
}
