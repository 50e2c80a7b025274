//! Recurrent layers by themselves, with fixed random data: what PyTorch's are measured against.

use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_kernels::Padding;
use ferrotype_kernels::recurrent::{Cell, ConvLstm, States};

use ferrotype_base::random::Stream;
use ferrotype_ops::{self as ops, Compute, RecurrentWeights};

/// A layer, or a stack of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recurrent {
    /// `lstm:BATCH:STEPS:INPUTS:HIDDEN:LAYERS`: LSTMs on top of each other; all outputs count.
    Lstm {
        /// Sequences.
        batch: usize,
        /// Steps of each.
        steps: usize,
        /// Features of each step.
        inputs: usize,
        /// Values of the states.
        hidden: usize,
        /// Layers.
        layers: usize,
    },
    /// `conv_lstm:BATCH:STEPS:CHANNELS:SIZE:FILTERS`: a 3x3 convolutional LSTM without border, as MicroX's; the last
    /// output counts.
    ConvLstm {
        /// Sequences.
        batch: usize,
        /// Steps of each.
        steps: usize,
        /// Channels of each frame.
        channels: usize,
        /// Rows and columns of each frame.
        size: usize,
        /// Channels of the state.
        filters: usize,
    },
}

impl FromStr for Recurrent {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let numbers: Vec<usize> = rest
            .split(':')
            .map(|w| w.parse().with_context(|| format!("`{w}` in `{text}` is not a number")))
            .collect::<Result<_>>()?;
        ensure!(!numbers.contains(&0), "{text}: sizes must be at least 1");
        Ok(match (kind, &numbers[..]) {
            ("lstm", &[batch, steps, inputs, hidden, layers]) => Self::Lstm { batch, steps, inputs, hidden, layers },
            ("conv_lstm", &[batch, steps, channels, size, filters]) => {
                ensure!(size >= 3, "{text}: frames must have at least 3x3 pixels");
                Self::ConvLstm { batch, steps, channels, size, filters }
            }
            _ => bail!(
                "`{text}` is no recurrent layer: expected lstm:BATCH:STEPS:INPUTS:HIDDEN:LAYERS or \
                 conv_lstm:BATCH:STEPS:CHANNELS:SIZE:FILTERS"
            ),
        })
    }
}

/// Values in [-1, 1), times `scale`.
fn values(stream: &mut Stream, n: usize, scale: f32, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = (0..n).map(|_| scale * stream.uniform(-1.0, 1.0)).collect();
    Tensor::from_data(TensorData::new(values, [n]), device)
}

impl Recurrent {
    /// Per layer: lengths of the weights from inputs and state and of the bias.
    fn lengths(&self) -> Vec<[usize; 3]> {
        match *self {
            Self::Lstm { inputs, hidden: h, layers, .. } => {
                (0..layers).map(|l| [4 * h * if l == 0 { inputs } else { h }, 4 * h * h, 4 * h]).collect()
            }
            Self::ConvLstm { channels, filters: f, .. } => vec![[4 * f * channels * 9, 4 * f * f * 9, 4 * f]],
        }
    }

    /// The time of each of so many passes, in milliseconds, after one that is not counted: forward, and if `trains` the
    /// gradients of all weights from the sum of the outputs.
    ///
    /// # Errors
    /// When an output is not finite.
    pub fn measure(&self, compute: Compute, device: &Device, trains: bool, passes: usize) -> Result<Vec<f64>> {
        let mut stream = Stream::new(7);
        let mut weights = Vec::new();
        for lengths in self.lengths() {
            weights.push(lengths.map(|n| values(&mut stream, n, 0.08, device)));
        }
        let x = values(&mut stream, self.input_len(), 1.0, device);
        self.pass(compute, &x, &weights, trains)?;
        (0..passes)
            .map(|_| {
                let began = Instant::now();
                self.pass(compute, &x, &weights, trains)?;
                Ok(began.elapsed().as_secs_f64() * 1e3)
            })
            .collect()
    }

    fn input_len(&self) -> usize {
        match *self {
            Self::Lstm { batch, steps, inputs, .. } => batch * steps * inputs,
            Self::ConvLstm { batch, steps, channels, size, .. } => batch * steps * channels * size * size,
        }
    }

    fn pass(&self, compute: Compute, x: &Tensor<1>, weights: &[[Tensor<1>; 3]], trains: bool) -> Result<()> {
        let leaf = |t: &Tensor<1>| if trains { t.clone().autodiff().require_grad() } else { t.clone() };
        let leaves: Vec<[Tensor<1>; 3]> = weights.iter().map(|w| [leaf(&w[0]), leaf(&w[1]), leaf(&w[2])]).collect();
        let x = if trains { x.clone().autodiff() } else { x.clone() };
        let sum = self.outputs(compute, x, &leaves);
        if !trains {
            let value = sum.into_scalar::<f32>();
            ensure!(value.is_finite(), "the outputs sum up to {value}");
            return Ok(());
        }
        let gradients = sum.backward();
        for leaf in leaves.iter().flatten() {
            leaf.grad(&gradients).context("a weight without gradient")?;
        }
        Ok(())
    }

    /// The sum of the outputs.
    fn outputs(&self, compute: Compute, x: Tensor<1>, leaves: &[[Tensor<1>; 3]]) -> Tensor<1> {
        let weights =
            |[input, recurrent, bias]: [Tensor<1>; 3]| RecurrentWeights { input, recurrent, bias: Some(bias) };
        match *self {
            Self::Lstm { batch, steps, inputs, hidden, .. } => {
                let x = x.reshape([batch, steps, inputs]);
                let layer = |x, leaves: &[Tensor<1>; 3]| {
                    ops::lstm(compute, x, weights(leaves.clone()), None, hidden, Cell::default(), States::All)
                };
                leaves.iter().fold(x, layer).sum()
            }
            Self::ConvLstm { batch, steps, channels, size, filters } => {
                let shape = ConvLstm {
                    batch,
                    steps,
                    channels,
                    height: size,
                    width: size,
                    filters,
                    kernel: [3, 3],
                    padding: Padding::default(),
                    cell: Cell::default(),
                };
                let x = x.reshape([batch, steps * channels, size, size]);
                ops::conv_lstm(compute, x, weights(leaves[0].clone()), &shape, States::Last).sum()
            }
        }
    }
}
