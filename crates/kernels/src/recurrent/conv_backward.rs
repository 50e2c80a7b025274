//! The convolutional long short-term memory, backward through time.

use super::cell::{Form, with_form};
use super::conv_lstm::{CHUNK, ConvLstm, ConvLstmGradients, ConvLstmTrace, map_chunk};
use super::{States, Wants, Weights};
use crate::parallel::Shared;
use crate::{Activation, Isa};

/// The gradients that come from later steps.
struct Later {
    /// Of the step's output, through the next step's gates.
    dh: Option<Vec<f32>>,
    /// Of its state.
    dc: Vec<f32>,
}

impl ConvLstm {
    /// The gradients, from the trace that [`ConvLstm::forward`] kept and the gradient `dy` of what
    /// [`ConvLstm::outputs`] gave. Gates are computed anew: their memory is that of a few steps only. The weights'
    /// gradients are taken of as many steps at once as the inputs are convolved together.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says, or nothing was kept.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        w: Weights<'_>,
        trace: &ConvLstmTrace,
        dy: &[f32],
        states: States,
        wants: Wants,
    ) -> ConvLstmGradients {
        self.check(x, &w);
        let (size, together) = (self.states(), self.together());
        assert_eq!(trace.hidden.len(), self.steps * size, "the forward pass of {self:?} kept no outputs");
        assert_eq!(dy.len(), size * if states == States::All { self.steps } else { 1 }, "gradient of {self:?}");
        let frame = self.batch * self.channels * self.height * self.width;
        let x = self.by_steps(x);
        let mut sums = Sums { wants, gradients: ConvLstmGradients::default() };
        let mut dx = if wants.x { vec![0.0; x.len()] } else { Vec::new() };
        let mut later = Later { dh: None, dc: vec![0.0; size] };
        for first in (0..self.steps).step_by(together).rev() {
            let steps = together.min(self.steps - first);
            let inputs = &x[first * frame..][..steps * frame];
            let conv = self.input_conv(steps * self.batch);
            let mut gates = conv.output(isa, inputs, w.input, w.bias, Activation::None);
            for t in (first..first + steps).rev() {
                let step = &mut gates[(t - first) * 4 * size..][..4 * size];
                self.step_back(isa, &w, trace, (dy, states), t, step, &mut later);
            }
            if wants.x {
                dx[first * frame..][..steps * frame].copy_from_slice(&conv.input_gradient(isa, &gates, w.input));
            }
            if wants.input || wants.bias {
                sums.add_input(conv.weight_gradient(isa, inputs, &gates, wants.bias));
            }
            // The first step saw no state.
            let unseen = usize::from(first == 0);
            if wants.recurrent && steps > unseen {
                let conv = self.recurrent_conv((steps - unseen) * self.batch);
                let seen = &trace.hidden[(first + unseen - 1) * size..][..(steps - unseen) * size];
                sums.add_recurrent(conv.weight_gradient(isa, seen, &gates[unseen * 4 * size..], false).0);
            }
        }
        let mut gradients = sums.gradients;
        gradients.x = wants.x.then(|| self.by_sequences(&dx));
        if wants.recurrent && gradients.recurrent.is_none() {
            gradients.recurrent = Some(vec![0.0; w.recurrent.len()]);
        }
        gradients
    }

    /// One step: `gates`, what the inputs give to them, become their gradients; `later` what the step before is owed.
    #[allow(clippy::too_many_arguments)]
    fn step_back(
        &self,
        isa: Isa,
        w: &Weights<'_>,
        trace: &ConvLstmTrace,
        dy: (&[f32], States),
        t: usize,
        gates: &mut [f32],
        later: &mut Later,
    ) {
        let size = self.states();
        let conv = self.recurrent_conv(self.batch);
        let seen = (t > 0).then(|| &trace.hidden[(t - 1) * size..][..size]);
        let state = seen.map(|h| conv.output(isa, h, w.recurrent, None, Activation::None));
        with_form!(self.cell, F => self.gates_back::<F>(isa, trace, dy, t, state.as_deref(), gates, later));
        later.dh = (t > 0).then(|| conv.input_gradient(isa, gates, w.recurrent));
    }

    /// The element-wise part of [`ConvLstm::step_back`].
    #[allow(clippy::too_many_arguments)]
    fn gates_back<F: Form>(
        &self,
        isa: Isa,
        trace: &ConvLstmTrace,
        (dy, states): (&[f32], States),
        t: usize,
        state: Option<&[f32]>,
        gates: &mut [f32],
        later: &mut Later,
    ) {
        let (one, size) = (self.state(), self.states());
        let zeros = vec![0.0; CHUNK];
        let dh = later.dh.as_deref();
        let (gates, dc) = (Shared::new(gates), Shared::new(&mut later.dc));
        self.for_each_chunk(|image, start, len| {
            let at = image * one + start;
            // SAFETY: chunks lie within the state of their image, and no other unit touches them.
            unsafe {
                let z = gates.ptr().add(image * 4 * one + start);
                let z = [z, z.add(one), z.add(2 * one), z.add(3 * one)];
                let s = state.map(|s| s.as_ptr().add(image * 4 * one + start));
                let s = |gate: usize| s.map_or(zeros.as_ptr(), |s| s.add(gate * one));
                let before = if t == 0 { zeros.as_ptr() } else { trace.cells.as_ptr().add((t - 1) * size + at) };
                let dh = dh.map_or(zeros.as_ptr(), |dh| dh.as_ptr().add(at));
                let dy = match states {
                    States::All => dy.as_ptr().add((image * self.steps + t) * one + start),
                    States::Last if t + 1 == self.steps => dy.as_ptr().add(at),
                    States::Last => zeros.as_ptr(),
                };
                let dc = dc.ptr().add(at);
                let [i, f, g, o] = z.map(<*mut f32>::cast_const);
                let from = [i, f, g, o, s(0), s(1), s(2), s(3), before, dh, dy, dc.cast_const()];
                let to = [z[0], z[1], z[2], z[3], dc];
                map_chunk(
                    isa,
                    from,
                    to,
                    len,
                    #[inline(always)]
                    |[i, f, g, o, si, sf, sg, so, before, dh, dy, dc]: [f32; 12]| {
                        let [i, f, g, o, _, _] = F::step([i + si, f + sf, g + sg, o + so, before]);
                        F::back([i, f, g, o], before, dh + dy, dc)
                    },
                );
            }
        });
    }
}

/// Gradients of weights, summed over groups of steps in their order.
struct Sums {
    wants: Wants,
    gradients: ConvLstmGradients,
}

impl Sums {
    fn add_input(&mut self, (weight, bias): (Vec<f32>, Option<Vec<f32>>)) {
        if self.wants.input {
            add(&mut self.gradients.input, weight);
        }
        if let Some(bias) = bias {
            add(&mut self.gradients.bias, bias);
        }
    }

    fn add_recurrent(&mut self, weight: Vec<f32>) {
        add(&mut self.gradients.recurrent, weight);
    }
}

fn add(sum: &mut Option<Vec<f32>>, term: Vec<f32>) {
    match sum {
        Some(sum) => sum.iter_mut().zip(&term).for_each(|(s, t)| *s += t),
        None => *sum = Some(term),
    }
}
