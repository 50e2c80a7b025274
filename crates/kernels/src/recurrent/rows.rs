//! Products of a few rows with a matrix that many steps share: packed once, then read from the cache.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use crate::Isa;
use crate::gemm::transpose_panel;
use crate::scratch::{self, Scratch};
use crate::simd::{self, Kernel, Simd};

/// A matrix `[depth, columns]` in panels `[panel][depth][WIDE * LANES]`, zero beyond the last column.
pub(super) struct Packed {
    panels: Scratch,
    depth: usize,
    columns: usize,
}

impl Packed {
    /// Packs `b`, stored as `[depth, columns]`, or as `[columns, depth]` if `transposed`.
    pub fn new(isa: Isa, b: &[f32], depth: usize, columns: usize, transposed: bool) -> Self {
        assert_eq!(b.len(), depth * columns, "matrix of {depth} x {columns}");
        let shape = simd::shape(isa);
        let panel = shape.wide * shape.lanes;
        let mut panels = scratch::take(columns.next_multiple_of(panel) * depth);
        let pack = Pack { b, depth, columns, transposed, to: panels.as_mut_ptr() };
        // SAFETY: the lengths have been checked.
        unsafe { simd::dispatch(isa, pack) };
        Self { panels, depth, columns }
    }

    /// `y[m] += a[m] * b` for so many rows.
    ///
    /// # Safety
    /// Rows of `depth` values are readable at `a`, `a_stride` apart, and rows of `columns` values writable at `y`.
    pub unsafe fn add_product(
        &self,
        isa: Isa,
        rows: usize,
        (a, a_stride): (*const f32, usize),
        (y, y_stride): (*mut f32, usize),
    ) {
        let Self { depth, columns, .. } = *self;
        let b = self.panels.as_ptr();
        simd::dispatch(isa, Product { b, depth, columns, a, a_stride, y, y_stride, rows });
    }
}

struct Pack<'a> {
    b: &'a [f32],
    depth: usize,
    columns: usize,
    transposed: bool,
    to: *mut f32,
}

impl Kernel for Pack<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let panel = S::WIDE * S::LANES;
        for first in (0..self.columns).step_by(panel) {
            let to = self.to.add(first * self.depth);
            for n in (0..panel).step_by(S::LANES) {
                let have = self.columns.saturating_sub(first + n).min(S::LANES);
                if self.transposed {
                    let from = self.b.as_ptr().add((first + n).min(self.columns) * self.depth);
                    transpose_panel::<S>(from, self.depth, have, self.depth, to.add(n), panel);
                    continue;
                }
                for k in 0..self.depth {
                    let from = self.b.as_ptr().add(k * self.columns + (first + n).min(self.columns));
                    S::store(to.add(k * panel + n), S::load_first(from, have));
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Product {
    b: *const f32,
    depth: usize,
    columns: usize,
    a: *const f32,
    a_stride: usize,
    y: *mut f32,
    y_stride: usize,
    rows: usize,
}

impl Kernel for Product {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let panel = S::WIDE * S::LANES;
        for first in (0..self.columns).step_by(panel) {
            let columns = panel.min(self.columns - first);
            for row in (0..self.rows).step_by(S::ROWS) {
                let tile = Product {
                    b: self.b.add(first * self.depth),
                    columns,
                    a: self.a.add(row * self.a_stride),
                    y: self.y.add(row * self.y_stride + first),
                    rows: S::ROWS.min(self.rows - row),
                    ..self
                };
                tile.tile::<S>();
            }
        }
    }
}

impl Product {
    #[inline(always)]
    unsafe fn tile<S: Simd>(self) {
        macro_rules! pick {
            ($($m:literal)*) => {
                match (self.rows, self.columns.div_ceil(S::LANES)) {
                    $(
                        ($m, 1) => S::enter(Tile::<$m, 1>(self)),
                        ($m, 2) => S::enter(Tile::<$m, 2>(self)),
                        ($m, _) => S::enter(Tile::<$m, 3>(self)),
                    )*
                    _ => unreachable!("no tile of {} rows", self.rows),
                }
            };
        }
        pick!(1 2 3 4 5 6 7 8)
    }
}

struct Tile<const M: usize, const N: usize>(Product);

impl<const M: usize, const N: usize> Kernel for Tile<M, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let t = self.0;
        let last = t.columns - (N - 1) * S::LANES;
        let mut acc = [[S::zero(); N]; M];
        let mut b = t.b;
        for k in 0..t.depth {
            let mut v = [S::zero(); N];
            for n in 0..N {
                v[n] = S::load(b.add(n * S::LANES));
            }
            for m in 0..M {
                let a = S::splat(*t.a.add(m * t.a_stride + k));
                for n in 0..N {
                    acc[m][n] = S::fma(a, v[n], acc[m][n]);
                }
            }
            b = b.add(S::WIDE * S::LANES);
        }
        for m in 0..M {
            for n in 0..N {
                let y = t.y.add(m * t.y_stride + n * S::LANES);
                let lanes = if n + 1 == N { last } else { S::LANES };
                S::store_first(y, S::add(acc[m][n], S::load_first(y, lanes)), lanes);
            }
        }
    }
}
