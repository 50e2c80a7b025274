//! The long short-term memory, backward through time.

use super::cell::{Form, with_form};
use super::lstm::{Lstm, LstmGradients, LstmTrace};
use super::rows::Packed;
use super::{States, Wants, Weights};
use crate::lanes::{Store, map, vectorize};
use crate::parallel::Shared;
use crate::{Activation, Gemm, Isa, owned, scratch};

impl Lstm {
    /// The gradients, from what [`Lstm::forward`] gave and kept and the gradient `dy` of its outputs: `[batch, steps,
    /// hidden]`, or `[batch, hidden]` where only the last state was given on. The gates' gradients take the place of
    /// the gates; the weights' gradients are one matrix product over all steps.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says, or nothing was kept.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        w: Weights<'_>,
        mask: Option<&[f32]>,
        outputs: &[f32],
        trace: LstmTrace,
        dy: &[f32],
        states: States,
        wants: Wants,
    ) -> LstmGradients {
        self.check(x, &w, mask);
        self.check_gradient(dy, states);
        let Self { batch, steps, inputs, hidden, .. } = *self;
        let LstmTrace { mut gates, cells } = trace;
        assert_eq!(outputs.len(), batch * steps * hidden, "outputs of {self:?}");
        assert_eq!(gates.len(), 4 * outputs.len(), "gates of {self:?}");
        assert_eq!(cells.len(), outputs.len(), "the forward pass of {self:?} kept no states");
        if !outputs.is_empty() {
            let recurrent = Packed::new(isa, w.recurrent, 4 * hidden, hidden, false);
            let zeros = vec![0.0; hidden];
            let z = Shared::new(&mut gates);
            let unit =
                Backward { lstm: self, isa, recurrent: &recurrent, mask, zeros: &zeros, z, cells: &cells, dy, states };
            self.run_units(isa, |first, rows| {
                // SAFETY: the lengths have been checked, and each unit writes to its own sequences.
                with_form!(self.cell, F => unsafe { unit.run::<F>(first, rows) });
            });
        }
        let (dz, n) = (gates, batch * steps);
        let back = Gemm { m: n, n: inputs, k: 4 * hidden, a_transposed: false, b_transposed: false };
        let [input, recurrent] = self.weight_gradients(isa, x, outputs, &dz, wants);
        LstmGradients {
            x: wants.x.then(|| back.product(isa, &dz, w.input, None, Activation::None)),
            input,
            recurrent,
            bias: wants.bias.then(|| owned::column_sums(isa, [n, 4 * hidden], &dz)),
        }
    }

    /// The gradients of both weights by one product, of the gates' gradients with what each step was given: its input
    /// and the output of the step before.
    fn weight_gradients(
        &self,
        isa: Isa,
        x: &[f32],
        outputs: &[f32],
        dz: &[f32],
        wants: Wants,
    ) -> [Option<Vec<f32>>; 2] {
        if !wants.input && !wants.recurrent {
            return [None, None];
        }
        let Self { inputs, hidden, .. } = *self;
        let width = inputs + hidden;
        let product =
            Gemm { m: 4 * hidden, n: width, k: self.batch * self.steps, a_transposed: true, b_transposed: false };
        let both = product.product(isa, dz, &self.given(x, outputs), None, Activation::None);
        let part = |columns: std::ops::Range<usize>| -> Vec<f32> {
            both.chunks_exact(width).flat_map(|row| row[columns.clone()].iter().copied()).collect()
        };
        [wants.input.then(|| part(0..inputs)), wants.recurrent.then(|| part(inputs..width))]
    }

    /// What each step was given: its input, and the output of the step before, which is zero for the first.
    fn given(&self, x: &[f32], outputs: &[f32]) -> Vec<f32> {
        let Self { steps, inputs, hidden, .. } = *self;
        let mut given = vec![0.0; self.batch * steps * (inputs + hidden)];
        for (row, to) in given.chunks_exact_mut((inputs + hidden).max(1)).enumerate() {
            to[..inputs].copy_from_slice(&x[row * inputs..][..inputs]);
            if row % steps > 0 {
                to[inputs..].copy_from_slice(&outputs[(row - 1) * hidden..][..hidden]);
            }
        }
        given
    }
}

/// The steps of some sequences, the last one first.
struct Backward<'a> {
    lstm: &'a Lstm,
    isa: Isa,
    recurrent: &'a Packed,
    mask: Option<&'a [f32]>,
    zeros: &'a [f32],
    z: Shared<f32>,
    cells: &'a [f32],
    dy: &'a [f32],
    states: States,
}

impl Backward<'_> {
    /// # Safety
    /// The slices have the shape's lengths; nobody else works on these sequences.
    unsafe fn run<F: Form>(&self, first: usize, rows: usize) {
        let Lstm { steps, hidden, .. } = *self.lstm;
        let (mut dh, mut dc) = (scratch::take(rows * hidden), scratch::take(rows * hidden));
        dh.fill(0.0);
        dc.fill(0.0);
        let (dh, dc) = (dh.as_mut_ptr(), dc.as_mut_ptr());
        for t in (0..steps).rev() {
            vectorize(
                self.isa,
                #[inline(always)]
                |isa| {
                    for r in 0..rows {
                        // SAFETY: the caller's.
                        unsafe { self.step::<F>(isa, first + r, t, dh.add(r * hidden), dc.add(r * hidden)) };
                    }
                },
            );
            if t > 0 {
                // SAFETY: as the shape says.
                unsafe {
                    let a = self.z.ptr().add((first * steps + t) * 4 * hidden).cast_const();
                    self.recurrent.add_product(self.isa, rows, (a, steps * 4 * hidden), (dh, hidden));
                }
            }
        }
    }

    /// One step of one sequence: the gates' gradients take their place, `dc` becomes that of the state before, and
    /// `dh` is emptied for what comes through the gates.
    ///
    /// # Safety
    /// As for [`Backward::run`]; `hidden` values at `dh` and `dc`.
    #[inline(always)]
    unsafe fn step<F: Form>(&self, isa: Isa, row: usize, t: usize, dh: *mut f32, dc: *mut f32) {
        let Lstm { steps, hidden, .. } = *self.lstm;
        let zeros = self.zeros.as_ptr();
        // SAFETY: as the shape says.
        unsafe {
            let dy = match self.states {
                States::All => self.dy.as_ptr().add((row * steps + t) * hidden),
                States::Last if t + 1 == steps => self.dy.as_ptr().add(row * hidden),
                States::Last => zeros,
            };
            let z = self.z.ptr().add((row * steps + t) * 4 * hidden);
            if self.mask.is_some_and(|mask| mask[row * steps + t] == 0.0) {
                z.write_bytes(0, 4 * hidden);
                map(
                    isa,
                    Store::Cached,
                    [dh.cast_const(), dy],
                    [dh],
                    hidden,
                    #[inline(always)]
                    |[a, b]| [a + b],
                );
                return;
            }
            let before = if t == 0 { zeros } else { self.cells.as_ptr().add((row * steps + t - 1) * hidden) };
            let gates = [z, z.add(hidden), z.add(2 * hidden), z.add(3 * hidden)];
            let [i, f, g, o] = gates.map(<*mut f32>::cast_const);
            let [di, df, dg, d_o] = gates;
            map(
                isa,
                Store::Cached,
                [i, f, g, o, before, dh.cast_const(), dy, dc.cast_const()],
                [di, df, dg, d_o, dc, dh],
                hidden,
                #[inline(always)]
                |[i, f, g, o, before, dh, dy, dc]| {
                    let [di, df, dg, d_o, dc] = F::back([i, f, g, o], before, dh + dy, dc);
                    [di, df, dg, d_o, dc, 0.0]
                },
            );
        }
    }
}
