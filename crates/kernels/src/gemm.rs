//! Matrix products for linear layers.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use std::mem::MaybeUninit;

use crate::conv::tile::{Product, Start};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared};
use crate::{Activation, Isa, scratch};

/// The shape of a product `c [m, n] = a [m, k] * b [k, n]` of row-major matrices.
///
/// A linear layer with weight `[in, out]` is `y = x w` (plain), `dx = dy w^T` ([`Gemm::b_transposed`]) and
/// `dw = x^T dy` ([`Gemm::a_transposed`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gemm {
    /// Rows of `c`.
    pub m: usize,
    /// Columns of `c`.
    pub n: usize,
    /// Length of the sums.
    pub k: usize,
    /// `a` is stored as `[k, m]`.
    pub a_transposed: bool,
    /// `b` is stored as `[n, k]`.
    pub b_transposed: bool,
}

/// Rows of `c` in a unit of work.
const ROWS: usize = 96;
/// Terms that are summed before the next stretch: a panel of `b` of this depth stays in the L2 cache.
const DEPTH: usize = 384;

/// Rows of `b` to be prefetched.
const AHEAD: usize = 16;

impl Gemm {
    /// `c = act(a * b + bias)`, the bias added to each row. Every element of `c` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn run(
        &self,
        isa: Isa,
        a: &[f32],
        b: &[f32],
        bias: Option<&[f32]>,
        act: Activation,
        c: &mut [MaybeUninit<f32>],
    ) {
        assert_eq!(a.len(), self.m * self.k, "left matrix of {self:?}");
        assert_eq!(b.len(), self.k * self.n, "right matrix of {self:?}");
        assert_eq!(c.len(), self.m * self.n, "product of {self:?}");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.n, "bias of {self:?}");
        }
        if c.is_empty() {
            return;
        }
        let shape = simd::shape(isa);
        let panel = shape.wide * shape.lanes;
        let (high, panels) = (self.m.div_ceil(ROWS), self.n.div_ceil(panel));
        // wide units pack `a` less often, but there should be some for every thread
        let width = (panels * high / 12).clamp(1, 256 / panel) * panel;
        let wide = self.n.div_ceil(width);
        let c = Shared::new(c.as_mut_ptr().cast());
        let mut left = scratch::take(self.m * self.k);
        let to = Shared::new(left.as_mut_ptr());
        units::run(self.m.div_ceil(ROWS), 4 * self.m * self.k, |unit| {
            let rows = unit * ROWS..(unit * ROWS + ROWS).min(self.m);
            // SAFETY: the lengths have been checked, and each unit packs rows of its own.
            unsafe { simd::dispatch(isa, Left { gemm: self, a, rows, to }) };
        });
        let left = &left[..];
        units::run(high * wide, 2 * self.m * self.n * self.k, |unit| {
            let (row, column) = (unit / wide * ROWS, unit % wide * width);
            let (rows, columns) = (ROWS.min(self.m - row), width.min(self.n - column));
            let block = Block { gemm: self, left, b, bias, act, c, row, rows, column, columns };
            // SAFETY: the lengths have been checked, and each unit writes its own block of `c`.
            unsafe { simd::dispatch(isa, block) };
        });
    }
}

/// Rows of `a` to be packed, in the tiles of the kernel: `[tile][k][row]`.
struct Left<'a> {
    gemm: &'a Gemm,
    a: &'a [f32],
    rows: std::ops::Range<usize>,
    to: Shared,
}

impl Kernel for Left<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let g = self.gemm;
        for first in self.rows.clone().step_by(S::ROWS) {
            let rows = S::ROWS.min(self.rows.end - first);
            let to = self.to.at(first * g.k);
            if g.a_transposed {
                for k in 0..g.k {
                    let from = self.a.as_ptr().add(k * g.m + first);
                    for m in 0..rows {
                        *to.add(k * rows + m) = *from.add(m);
                    }
                }
                continue;
            }
            for m in 0..rows {
                let from = self.a.as_ptr().add((first + m) * g.k);
                for k in 0..g.k {
                    *to.add(k * rows + m) = *from.add(k);
                }
            }
        }
    }
}

/// A block of the product.
struct Block<'a> {
    gemm: &'a Gemm,
    /// All of `a`, packed.
    left: &'a [f32],
    b: &'a [f32],
    bias: Option<&'a [f32]>,
    act: Activation,
    c: Shared,
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
}

impl Kernel for Block<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let panel = S::WIDE * S::LANES;
        let pitch = self.columns.next_multiple_of(panel);
        let mut right = scratch::take(pitch * DEPTH);
        let mut out = scratch::take(self.rows * pitch);
        let mut bias = scratch::take(pitch);
        bias.fill(0.0);
        if let Some(values) = self.bias {
            bias[..self.columns].copy_from_slice(&values[self.column..self.column + self.columns]);
        }
        let offsets: Vec<u32> = (0..DEPTH.min(self.gemm.k)).map(|k| (k * panel) as u32).collect();
        let mut k = 0;
        loop {
            let depth = DEPTH.min(self.gemm.k - k);
            let last = k + depth == self.gemm.k;
            for p in (0..self.columns).step_by(panel) {
                self.pack_right::<S>(k, depth, p, right.as_mut_ptr().add(p * DEPTH));
            }
            for p in (0..self.columns).step_by(panel) {
                for r in (0..self.rows).step_by(S::ROWS) {
                    let rows = S::ROWS.min(self.rows - r);
                    let tile = Product {
                        w: self.left.as_ptr().add((self.row + r) * self.gemm.k + k * rows),
                        offsets: &offsets[..depth],
                        x: right.as_ptr().add(p * DEPTH),
                        y: out.as_mut_ptr().add(r * pitch + p),
                        y_stride: pitch,
                        start: if k == 0 { Start::Columns(bias.as_ptr().add(p)) } else { Start::Resume },
                        act: if last { self.act } else { Activation::None },
                        rows,
                        vectors: S::WIDE,
                        stream: false,
                    };
                    tile.call::<S>();
                }
            }
            if last {
                break;
            }
            k += depth;
        }
        for r in 0..self.rows {
            let to = self.c.at((self.row + r) * self.gemm.n + self.column);
            to.copy_from_nonoverlapping(out.as_ptr().add(r * pitch), self.columns);
        }
    }
}

impl Block<'_> {
    /// A panel of `b`, `[depth][column]`, with zeros beyond the last column.
    #[inline(always)]
    unsafe fn pack_right<S: Simd>(&self, k: usize, depth: usize, p: usize, to: *mut f32) {
        let g = self.gemm;
        let panel = S::WIDE * S::LANES;
        let columns = panel.min(self.columns - p);
        let first = self.column + p;
        if g.b_transposed {
            for n in (0..panel).step_by(S::LANES) {
                let have = columns.saturating_sub(n).min(S::LANES);
                let from = self.b.as_ptr().add((first + n).min(g.n) * g.k + k);
                transpose_panel::<S>(from, g.k, have, depth, to.add(n), panel);
            }
            return;
        }
        for i in 0..depth {
            let from = self.b.as_ptr().add((k + i) * g.n + first);
            let to = to.add(i * panel);
            for n in (0..panel).step_by(S::LANES) {
                // a few lines of each row: the hardware does not see the pattern
                S::prefetch(from.wrapping_add(AHEAD * g.n + n));
                let have = columns.saturating_sub(n).min(S::LANES);
                let v = match have {
                    0 => S::zero(),
                    n_all if n_all == S::LANES => S::load(from.add(n)),
                    _ => S::load_first(from.add(n), have),
                };
                S::store(to.add(n), v);
            }
        }
    }
}

/// `to[i * panel + j] = from[j * stride + i]` for `i < depth` and `j < rows`, zero for the other lanes `j`.
#[inline(always)]
pub(crate) unsafe fn transpose_panel<S: Simd>(
    from: *const f32,
    stride: usize,
    rows: usize,
    depth: usize,
    to: *mut f32,
    panel: usize,
) {
    let mut square = [S::zero(); 16];
    for i in (0..depth).step_by(S::LANES) {
        let have = S::LANES.min(depth - i);
        for (j, v) in square.iter_mut().enumerate().take(S::LANES) {
            *v = if j < rows { S::load_first(from.add(j * stride + i), have) } else { S::zero() };
        }
        S::transpose(square.as_mut_ptr());
        for (j, v) in square.iter().enumerate().take(have) {
            S::store(to.add((i + j) * panel), *v);
        }
    }
}
