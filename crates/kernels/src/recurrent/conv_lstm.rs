//! The convolutional long short-term memory, forward.

use super::cell::{Cell, Form, with_form};
use super::{States, Weights};
use crate::lanes::{Store, map, vectorize};
use crate::parallel::{Shared, for_each_unit};
use crate::{Activation, Conv2d, Isa, Padding, scratch};

/// Floats that the input convolutions of several steps may fill at once.
const TOGETHER: usize = 16 << 20;

/// Elements of a unit of the passes over gates: twelve operands fit in the L2 cache.
pub(super) const CHUNK: usize = 8 * 1024;

/// The shape of a layer's call: `x [batch, steps * channels, height, width]`, the channels of a step side by side;
/// states `[batch, filters, out_height, out_width]`, initially zero. Strides are 1. The convolution of the state keeps
/// its size, with the border of TensorFlow's SAME (`(kernel - 1) / 2` before, the rest after).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvLstm {
    /// Sequences.
    pub batch: usize,
    /// Steps of each.
    pub steps: usize,
    /// Channels that enter at each step.
    pub channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of the state.
    pub filters: usize,
    /// Rows and columns of both kernels.
    pub kernel: [usize; 2],
    /// The border of the convolution of the input.
    pub padding: Padding,
    /// The cell's functions.
    pub cell: Cell,
}

/// What a forward pass leaves. Gates are not kept: the backward pass computes them anew.
#[derive(Clone, Debug)]
pub struct ConvLstmTrace {
    /// The outputs, step by step: `[steps, batch, filters, out_height, out_width]`. Only the last two where nothing was
    /// to be kept.
    pub(super) hidden: Vec<f32>,
    /// The states of all steps but the last one, in the same order.
    pub(super) cells: Vec<f32>,
}

/// The gradients that were wanted, each in the shape of its value.
#[derive(Clone, Debug, Default)]
pub struct ConvLstmGradients {
    /// Of the inputs.
    pub x: Option<Vec<f32>>,
    /// Of the weight from the inputs.
    pub input: Option<Vec<f32>>,
    /// Of the weight from the state.
    pub recurrent: Option<Vec<f32>>,
    /// Of the bias.
    pub bias: Option<Vec<f32>>,
}

impl ConvLstm {
    /// Rows of the state.
    pub fn out_height(&self) -> usize {
        self.input_conv(1).out_height()
    }

    /// Columns of the state.
    pub fn out_width(&self) -> usize {
        self.input_conv(1).out_width()
    }

    /// The convolution from the inputs to the gates, for so many pictures.
    pub fn input_conv(&self, batch: usize) -> Conv2d {
        Conv2d {
            batch,
            in_channels: self.channels,
            height: self.height,
            width: self.width,
            out_channels: 4 * self.filters,
            kernel: self.kernel,
            stride: [1, 1],
            padding: self.padding,
            groups: 1,
        }
    }

    /// The convolution from the states to the gates, for so many states.
    pub fn recurrent_conv(&self, batch: usize) -> Conv2d {
        let [rows, columns] = self.kernel;
        Conv2d {
            batch,
            in_channels: self.filters,
            height: self.out_height(),
            width: self.out_width(),
            out_channels: 4 * self.filters,
            kernel: self.kernel,
            stride: [1, 1],
            padding: Padding { top: (rows - 1) / 2, bottom: rows / 2, left: (columns - 1) / 2, right: columns / 2 },
            groups: 1,
        }
    }

    /// Values of one sequence's state.
    pub(super) fn state(&self) -> usize {
        self.filters * self.out_height() * self.out_width()
    }

    /// Values of all sequences' states.
    pub(super) fn states(&self) -> usize {
        self.batch * self.state()
    }

    /// Steps whose inputs are convolved at once.
    pub(super) fn together(&self) -> usize {
        (TOGETHER / (4 * self.states()).max(1)).clamp(1, self.steps.max(1))
    }

    /// Most bytes that a training step of this layer holds besides input, output and weights: what a forward pass
    /// keeps, and the gates that both passes work on.
    pub fn peak_bytes(&self) -> usize {
        let kept = (2 * self.steps).saturating_sub(1) * self.states();
        let gates = 4 * (self.together() + 1) * self.states();
        (kept + gates + 2 * self.states()) * size_of::<f32>()
    }

    /// A sequence's pass; [`ConvLstm::outputs`] are in its trace. The inputs of several steps are convolved at once, as many as fit into 64 MiB;
    /// the states step by step. Without `keep` the trace is not good for [`ConvLstm::backward`], and smaller.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says, or there are no steps.
    pub fn forward(&self, isa: Isa, x: &[f32], w: Weights<'_>, keep: bool) -> ConvLstmTrace {
        self.check(x, &w);
        let (size, together) = (self.states(), self.together());
        let x = self.by_steps(x);
        let frame = self.batch * self.channels * self.height * self.width;
        let kept = if keep { self.steps } else { 2.min(self.steps) };
        let mut hidden = vec![0.0; kept * size];
        let mut cells = vec![0.0; if keep { self.steps - 1 } else { 1 } * size];
        let recurrent = self.recurrent_conv(self.batch);
        let mut inputs = Vec::new();
        for t in 0..self.steps {
            if t % together == 0 {
                let steps = together.min(self.steps - t);
                let conv = self.input_conv(steps * self.batch);
                inputs = conv.output(isa, &x[t * frame..][..steps * frame], w.input, w.bias, Activation::None);
            }
            let gates = &inputs[t % together * 4 * size..][..4 * size];
            let (before, now) = ((t + kept - 1) % kept, t % kept);
            let state = match t {
                0 => None,
                _ => Some(recurrent.output(isa, &hidden[before * size..][..size], w.recurrent, None, Activation::None)),
            };
            let h = &mut hidden[now * size..][..size];
            with_form!(self.cell, F => self.step::<F>(isa, gates, state.as_deref(), &mut cells, t, keep, h));
        }
        ConvLstmTrace { hidden, cells }
    }

    /// Output and state of one step from what the inputs and the last state give to the gates.
    #[allow(clippy::too_many_arguments)]
    fn step<F: Form>(
        &self,
        isa: Isa,
        gates: &[f32],
        state: Option<&[f32]>,
        cells: &mut [f32],
        t: usize,
        keep: bool,
        h: &mut [f32],
    ) {
        let (one, size) = (self.state(), self.states());
        let zeros = vec![0.0; CHUNK];
        let (h, c) = (Shared::new(h), Shared::new(cells));
        let (before, now) = if keep { (t.wrapping_sub(1), t) } else { (0, 0) };
        self.for_each_chunk(|image, start, len| {
            let at = image * one + start;
            // SAFETY: chunks lie within the state of their image, and no other unit touches them.
            unsafe {
                let z = gates.as_ptr().add(image * 4 * one + start);
                let s = state.map(|s| s.as_ptr().add(image * 4 * one + start));
                let s = |gate: usize| s.map_or(zeros.as_ptr(), |s| s.add(gate * one));
                let c_before = if t == 0 { zeros.as_ptr() } else { c.ptr().add(before * size + at).cast_const() };
                let from = [z, z.add(one), z.add(2 * one), z.add(3 * one), s(0), s(1), s(2), s(3), c_before];
                // The last state is wanted by nobody.
                let mut spare = scratch::take(CHUNK);
                let c = if t + 1 == self.steps { spare.as_mut_ptr() } else { c.ptr().add(now * size + at) };
                let to = [c, h.ptr().add(at)];
                map_chunk(
                    isa,
                    from,
                    to,
                    len,
                    #[inline(always)]
                    |[i, f, g, o, si, sf, sg, so, c]: [f32; 9]| {
                        let [_, _, _, _, c, h] = F::step([i + si, f + sf, g + sg, o + so, c]);
                        [c, h]
                    },
                );
            }
        });
    }

    /// Runs `f(image, start, length)` for pieces of all images' states.
    pub(super) fn for_each_chunk(&self, f: impl Fn(usize, usize, usize) + Send + Sync) {
        let one = self.state();
        let chunks = one.div_ceil(CHUNK);
        for_each_unit(self.batch * chunks, 12 * self.states(), |unit| {
            let (image, start) = (unit / chunks, unit % chunks * CHUNK);
            f(image, start, CHUNK.min(one - start));
        });
    }

    /// `[batch, steps, ...]` as `[steps, batch, ...]`.
    pub(super) fn by_steps(&self, x: &[f32]) -> Vec<f32> {
        swapped(x, self.batch, self.steps)
    }

    /// `[steps, batch, ...]` as `[batch, steps, ...]`.
    pub(super) fn by_sequences(&self, x: &[f32]) -> Vec<f32> {
        swapped(x, self.steps, self.batch)
    }

    /// The outputs of a trace: `[batch, steps * filters, ...]` or `[batch, filters, ...]`.
    ///
    /// # Panics
    /// When all are asked of a trace that did not keep them.
    pub fn outputs(&self, trace: &ConvLstmTrace, states: States) -> Vec<f32> {
        let size = self.states();
        match states {
            States::All => {
                assert_eq!(trace.hidden.len(), self.steps * size, "the forward pass of {self:?} kept no outputs");
                self.by_sequences(&trace.hidden)
            }
            States::Last => {
                let last = (self.steps - 1) % (trace.hidden.len() / size.max(1)).max(1);
                trace.hidden[last * size..][..size].to_vec()
            }
        }
    }

    pub(super) fn check(&self, x: &[f32], w: &Weights<'_>) {
        let Self { batch, steps, channels, height, width, filters, kernel, .. } = *self;
        let taps = kernel[0] * kernel[1];
        assert!(steps > 0, "no steps: {self:?}");
        assert_eq!(x.len(), batch * steps * channels * height * width, "inputs of {self:?}");
        assert_eq!(w.input.len(), 4 * filters * channels * taps, "weight from the inputs of {self:?}");
        assert_eq!(w.recurrent.len(), 4 * filters * filters * taps, "weight from the state of {self:?}");
        assert!(w.bias.is_none_or(|b| b.len() == 4 * filters), "bias of {self:?}");
    }
}

/// `to = f(from)`, element by element, under the instruction set.
///
/// # Safety
/// `len` values must be readable in every `from` and writable in every `to`, which may be a source but overlap nothing
/// else.
#[inline(always)]
pub(super) unsafe fn map_chunk<const I: usize, const O: usize>(
    isa: Isa,
    from: [*const f32; I],
    to: [*mut f32; O],
    len: usize,
    f: impl Fn([f32; I]) -> [f32; O],
) {
    vectorize(
        isa,
        #[inline(always)]
        |isa| {
            // SAFETY: the caller's.
            unsafe { map(isa, Store::Cached, from, to, len, f) }
        },
    );
}

/// The first two axes, of lengths `a` and `b`, exchanged.
fn swapped(x: &[f32], a: usize, b: usize) -> Vec<f32> {
    let inner = x.len() / (a * b).max(1);
    let mut y = Vec::with_capacity(x.len());
    for j in 0..b {
        for i in 0..a {
            y.extend_from_slice(&x[(i * b + j) * inner..][..inner]);
        }
    }
    y
}
