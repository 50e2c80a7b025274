//! The long short-term memory, forward.

use super::cell::{Cell, Form, with_form};
use super::rows::Packed;
use super::{States, Weights};
use crate::lanes::{Store, map, vectorize};
use crate::parallel::Shared;
use crate::{Activation, Gemm, Isa, simd, units};

/// The shape of a layer's call: `x [batch, steps, inputs]`, states `[batch, steps, hidden]`, initially zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lstm {
    /// Sequences.
    pub batch: usize,
    /// Steps of each.
    pub steps: usize,
    /// Values that enter at each step.
    pub inputs: usize,
    /// Values of the state.
    pub hidden: usize,
    /// The cell's functions.
    pub cell: Cell,
}

/// What a forward pass leaves besides its outputs.
#[derive(Clone, Debug)]
pub struct LstmTrace {
    /// The opened gates `[batch, steps, 4 hidden]`.
    pub(super) gates: Vec<f32>,
    /// The states `[batch, steps, hidden]`, or what is left of them where nothing was to be kept.
    pub(super) cells: Vec<f32>,
}

/// The gradients that were wanted, each in the shape of its value.
#[derive(Clone, Debug, Default)]
pub struct LstmGradients {
    /// Of the inputs.
    pub x: Option<Vec<f32>>,
    /// Of the weight from the inputs.
    pub input: Option<Vec<f32>>,
    /// Of the weight from the state.
    pub recurrent: Option<Vec<f32>>,
    /// Of the bias.
    pub bias: Option<Vec<f32>>,
}

impl Lstm {
    /// All outputs `[batch, steps, hidden]`, and what the backward pass needs. The inputs' products of all steps are one matrix product; the state's products are
    /// taken step by step, for a few sequences at a time on each thread.
    ///
    /// Where `mask [batch, steps]` is 0 the step is padding: output and state stay as they were. Without `keep` the
    /// trace is not good for [`Lstm::backward`], and smaller.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn forward(
        &self,
        isa: Isa,
        x: &[f32],
        w: Weights<'_>,
        mask: Option<&[f32]>,
        keep: bool,
    ) -> (Vec<f32>, LstmTrace) {
        self.check(x, &w, mask);
        let Self { batch, steps, inputs, hidden, .. } = *self;
        let product = Gemm { m: batch * steps, n: 4 * hidden, k: inputs, a_transposed: false, b_transposed: true };
        let mut gates = product.product(isa, x, w.input, w.bias, Activation::None);
        let mut outputs = vec![0.0; batch * steps * hidden];
        let kept = if keep { steps } else { 1 };
        let mut cells = vec![0.0; batch * kept * hidden];
        if batch * steps * hidden > 0 {
            let recurrent = Packed::new(isa, w.recurrent, hidden, 4 * hidden, true);
            let zeros = vec![0.0; hidden];
            let (z, h, c) = (Shared::new(&mut gates), Shared::new(&mut outputs), Shared::new(&mut cells));
            let unit = Forward { lstm: self, isa, recurrent: &recurrent, mask, zeros: &zeros, z, h, c, kept };
            self.run_units(isa, |first, rows| {
                // SAFETY: the lengths have been checked, and each unit writes to its own sequences.
                with_form!(self.cell, F => unsafe { unit.run::<F>(first, rows) });
            });
        }
        (outputs, LstmTrace { gates, cells })
    }

    /// Calls `f(first, rows)` for groups of sequences.
    pub(super) fn run_units(&self, isa: Isa, f: impl Fn(usize, usize) + Sync + Send) {
        let rows = simd::shape(isa).rows;
        let flops = 8 * self.batch * self.steps * self.hidden * self.hidden;
        units::run(self.batch.div_ceil(rows), flops, |unit| {
            let first = unit * rows;
            f(first, rows.min(self.batch - first));
        });
    }

    pub(super) fn check(&self, x: &[f32], w: &Weights<'_>, mask: Option<&[f32]>) {
        let Self { batch, steps, inputs, hidden, .. } = *self;
        assert_eq!(x.len(), batch * steps * inputs, "inputs of {self:?}");
        assert_eq!(w.input.len(), 4 * hidden * inputs, "weight from the inputs of {self:?}");
        assert_eq!(w.recurrent.len(), 4 * hidden * hidden, "weight from the state of {self:?}");
        assert!(w.bias.is_none_or(|b| b.len() == 4 * hidden), "bias of {self:?}");
        assert!(mask.is_none_or(|m| m.len() == batch * steps), "mask of {self:?}");
    }

    /// As [`Lstm::backward`] counts the steps that give an output.
    pub(super) fn check_gradient(&self, dy: &[f32], states: States) {
        let steps = if states == States::All { self.steps } else { 1 };
        assert_eq!(dy.len(), self.batch * steps * self.hidden, "output gradient of {self:?}");
    }
}

/// The steps of some sequences.
struct Forward<'a> {
    lstm: &'a Lstm,
    isa: Isa,
    recurrent: &'a Packed,
    mask: Option<&'a [f32]>,
    zeros: &'a [f32],
    z: Shared<f32>,
    h: Shared<f32>,
    c: Shared<f32>,
    kept: usize,
}

impl Forward<'_> {
    /// # Safety
    /// The slices have the shape's lengths; nobody else works on these sequences.
    unsafe fn run<F: Form>(&self, first: usize, rows: usize) {
        let Lstm { steps, hidden, .. } = *self.lstm;
        for t in 0..steps {
            if t > 0 {
                // SAFETY: as the shape says.
                unsafe {
                    let a = self.h.ptr().add((first * steps + t - 1) * hidden);
                    let y = self.z.ptr().add((first * steps + t) * 4 * hidden);
                    self.recurrent.add_product(self.isa, rows, (a, steps * hidden), (y, steps * 4 * hidden));
                }
            }
            vectorize(
                self.isa,
                #[inline(always)]
                |isa| {
                    for row in first..first + rows {
                        // SAFETY: the caller's.
                        unsafe { self.step::<F>(isa, row, t) };
                    }
                },
            );
        }
    }

    /// Gates, state and output of one step of one sequence.
    ///
    /// # Safety
    /// As for [`Forward::run`].
    #[inline(always)]
    unsafe fn step<F: Form>(&self, isa: Isa, row: usize, t: usize) {
        let Lstm { steps, hidden, .. } = *self.lstm;
        // SAFETY: as the shape says.
        unsafe {
            let z = self.z.ptr().add((row * steps + t) * 4 * hidden);
            let h = self.h.ptr().add((row * steps + t) * hidden);
            let c = self.c.ptr().add((row * self.kept + t.min(self.kept - 1)) * hidden);
            // where one state is kept, the one before lies at the same place
            let (h_before, c_before) = match t {
                0 => (self.zeros.as_ptr(), self.zeros.as_ptr()),
                _ if self.kept == 1 => (h.sub(hidden).cast_const(), c.cast_const()),
                _ => (h.sub(hidden).cast_const(), c.sub(hidden).cast_const()),
            };
            if self.mask.is_some_and(|mask| mask[row * steps + t] == 0.0) {
                h_before.copy_to(h, hidden);
                c_before.copy_to(c, hidden);
                return;
            }
            let gates = [z, z.add(hidden), z.add(2 * hidden), z.add(3 * hidden)];
            let [i, f, g, o] = gates;
            map(
                isa,
                Store::Cached,
                [i, f, g, o, c_before.cast_mut()].map(<*mut f32>::cast_const),
                [i, f, g, o, c, h],
                hidden,
                #[inline(always)]
                |v| F::step(v),
            );
        }
    }
}
