//! The network: LSTM layers that give their input again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};

use super::inputs::DetectorInput;
use super::options::{Form, LstmAutoencoderOptions, Window};
use super::windows::Windows;
use ferrotype_interop::export::{self, ReconstructionCheck, Sequences};
use ferrotype_model::layers::{Linear, Lstm};
use ferrotype_model::{Graph, GraphBuilder, Initialiser, Network};
use ferrotype_ops as ops;

/// Windows per pass of scoring, at most.
const BATCH: usize = 256;

/// An LSTM autoencoder for so many columns. Its weights do not depend on the number of frames that it is given.
#[derive(Clone, Debug)]
pub struct Autoencoder {
    options: LstmAutoencoderOptions,
    columns: usize,
    batch: usize,
}

impl Autoencoder {
    /// The network of these options.
    pub fn new(options: &LstmAutoencoderOptions, columns: usize, batch: usize) -> Self {
        Self { options: options.clone(), columns, batch: batch.min(BATCH) }
    }

    /// The layers for windows of so many frames: from `[1, frames, columns]` to all values, frame by frame.
    ///
    /// # Errors
    /// When there are no frames, or a size is impossible.
    pub fn graph(&self, frames: usize) -> Result<Graph> {
        let (hidden, columns) = (self.options.hidden, self.columns);
        let mut g = GraphBuilder::new("lstm_autoencoder", [1, frames, columns]);
        g.to_sequence("sequence");
        match &self.options.form {
            Form::PerStep => {
                self.lstms(&mut g, "lstm", false);
                g.linear("output", linear(hidden, columns));
            }
            Form::LastStateBroadcast => {
                self.lstms(&mut g, "lstm", true);
                g.linear("output", linear(hidden, columns)).repeat("broadcast", frames);
            }
            Form::Bottleneck(o) => {
                self.lstms(&mut g, "encoder", true);
                g.linear("code", linear(hidden, o.code)).repeat("decoder.input", frames);
                self.lstms(&mut g, "decoder", false);
                g.linear("output", linear(hidden, columns));
            }
        }
        g.flatten("flatten");
        g.build(frames * columns)
    }

    fn lstms(&self, g: &mut GraphBuilder, name: &str, last: bool) {
        for i in 1..=self.options.layers {
            let layer = Lstm::pytorch(self.options.hidden);
            let layer = if last && i == self.options.layers { layer.last() } else { layer };
            g.lstm(format!("{name}.layer{i}"), layer);
        }
    }

    /// The squared error of each value of `values [frames, columns]`: of each frame the mean over all windows that hold
    /// it, or the one whole clip's. Where there are fewer frames than a window has, one window holds them all.
    ///
    /// # Errors
    /// When there are no frames, or the device fails.
    pub fn errors(&self, network: &Network, values: &[f32]) -> Result<Vec<f32>> {
        let frames = values.len() / self.columns;
        let window = self.options.window.as_ref().filter(|w| w.length < frames);
        let window = window.map(|w| Window { length: w.length, stride: 1 });
        let windows = Windows::new(values, self.columns, window.as_ref(), self.batch, 0)?;
        let network = self.of_length(network, windows.length())?;
        let mut sums = vec![0.0f64; values.len()];
        let mut counts = vec![0u32; frames];
        for batch in windows.in_order() {
            let data = TensorData::new(batch.images.clone(), [batch.len(), 1, windows.length(), self.columns]);
            let again = network.forward(Tensor::<4>::from_data(data, network.device()))?;
            let again = ops::host(again.flatten(0, 1))?;
            let width = windows.length() * self.columns;
            for (w, &start) in batch.rows.iter().enumerate() {
                let first = start as usize * self.columns;
                let pairs = again[w * width..(w + 1) * width].iter().zip(&values[first..first + width]);
                sums[first..first + width].iter_mut().zip(pairs).for_each(|(s, (a, b))| *s += f64::from(a - b).powi(2));
                counts[start as usize..start as usize + windows.length()].iter_mut().for_each(|c| *c += 1);
            }
        }
        let mean = |(i, s): (usize, f64)| (s / f64::from(counts[i / self.columns].max(1))) as f32;
        Ok(sums.into_iter().enumerate().map(mean).collect())
    }

    /// The network for windows of another length: the same weights.
    fn of_length(&self, network: &Network, frames: usize) -> Result<Network> {
        if network.graph().input[1] == frames {
            return Ok(network.clone());
        }
        network.in_graph(Arc::new(self.graph(frames)?))
    }

    /// Writes the network as ONNX and checks the file in a second runtime on the detector's frames: windows of the
    /// length it is trained on and, where the file takes any length, one of another.
    ///
    /// # Errors
    /// When the network cannot be lowered, or the file computes something else; it is not kept then.
    pub fn export(
        &self,
        network: &Network,
        input: &DetectorInput,
        to: &Path,
        tolerance: f64,
    ) -> Result<ReconstructionCheck> {
        let any_length = self.options.form == Form::PerStep;
        let frames = input.values.len() / self.columns;
        let length = network.graph().input[1].min(frames);
        let lengths = if any_length && length > 2 { vec![length, length / 2] } else { vec![length] };
        let mut pieces = Vec::new();
        for steps in lengths {
            let last = frames - steps;
            let starts = [0, last / 2, last];
            let values = starts.iter().flat_map(|&s| &input.values[s * self.columns..(s + steps) * self.columns]);
            pieces.push((
                self.of_length(network, steps)?,
                Sequences { steps, values: values.copied().collect(), valid: Vec::new() },
            ));
        }
        export::export_reconstruction(network, &input.columns, BTreeMap::new(), to, tolerance, &pieces)
    }
}

/// A linear layer that begins as PyTorch's.
fn linear(inputs: usize, outputs: usize) -> Linear {
    let init = Initialiser::pytorch_linear(inputs);
    Linear::new(outputs).init(init).bias(init)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::options::BottleneckOptions;
    use super::*;
    use ferrotype_base::random::Stream;

    fn autoencoder(form: Form, columns: usize, window: Option<Window>) -> Autoencoder {
        Autoencoder::new(&LstmAutoencoderOptions { form, window, ..LstmAutoencoderOptions::default() }, columns, 16)
    }

    fn network(a: &Autoencoder, frames: usize) -> Network {
        Network::new(Arc::new(a.graph(frames).unwrap()), 3, &Device::flex())
    }

    /// sum(p.numel() for p in [*nn.LSTM(D, 64, 2).parameters(), *nn.Linear(64, D).parameters()])
    #[test]
    fn parameters_are_as_many_as_the_originals() {
        for form in [Form::PerStep, Form::LastStateBroadcast] {
            for (columns, count) in [(9, 53_065), (10, 53_386), (512, 214_528)] {
                let a = autoencoder(form.clone(), columns, None);
                assert_eq!(a.graph(7).unwrap().parameter_count(), count);
            }
        }
        let wide = LstmAutoencoderOptions { hidden: 128, ..LstmAutoencoderOptions::default() };
        assert_eq!(Autoencoder::new(&wide, 10, 1).graph(2).unwrap().parameter_count(), 205_066);
    }

    #[test]
    fn the_first_form_gives_every_frame_the_same_vector() {
        let a = autoencoder(Form::LastStateBroadcast, 2, None);
        let values: Vec<f32> = (0..20).map(|i| (i as f32).sin()).collect();
        let net = network(&a, 10);
        let data = TensorData::new(values.clone(), [1, 1, 10, 2]);
        let out = ops::host(net.forward(Tensor::<4>::from_data(data, net.device())).unwrap().flatten(0, 1)).unwrap();
        assert!(out.chunks_exact(2).all(|row| row == &out[..2]), "{out:?}");
        // So the error is the distance to that vector, whatever the order of frames.
        let errors = a.errors(&net, &values).unwrap();
        for (i, e) in errors.iter().enumerate() {
            assert!((e - (values[i] - out[i % 2]).powi(2)).abs() < 1e-6);
        }
    }

    #[test]
    fn errors_are_means_over_the_windows_that_hold_a_frame() {
        let mut s = Stream::new(1);
        let values: Vec<f32> = (0..12).map(|_| s.uniform(0.0, 1.0)).collect();
        let form = Form::Bottleneck(BottleneckOptions { code: 3 });
        let a = autoencoder(form, 2, Some(Window { length: 4, stride: 2 }));
        let net = network(&a, 4);
        let whole = a.errors(&net, &values).unwrap();
        let mut sums = vec![(0.0f32, 0); 12];
        for start in 0..=2 {
            let piece = &values[2 * start..2 * start + 8];
            for (i, e) in a.errors(&net, piece).unwrap().into_iter().enumerate() {
                let at = &mut sums[2 * start + i];
                *at = (at.0 + e, at.1 + 1);
            }
        }
        for (e, (sum, n)) in whole.iter().zip(sums) {
            assert!((e - sum / n as f32).abs() < 1e-6);
        }
        // Fewer frames than a window: one window holds them.
        assert_eq!(a.errors(&net, &values[..6]).unwrap().len(), 6);
    }

    #[test]
    fn every_form_is_exported_and_agrees_with_the_second_runtime() {
        let folder = tempfile::tempdir().unwrap();
        let mut s = Stream::new(2);
        let columns: Vec<String> = (0..3).map(|i| format!("c{i}")).collect();
        let input =
            DetectorInput { name: "All".into(), columns, values: (0..60).map(|_| s.uniform(0.0, 1.0)).collect() };
        for (form, lengths) in [
            (Form::PerStep, vec![20, 10]),
            (Form::LastStateBroadcast, vec![20]),
            (Form::Bottleneck(BottleneckOptions { code: 2 }), vec![20]),
        ] {
            let a = autoencoder(form, 3, None);
            let path = folder.path().join("model.onnx");
            let check = a.export(&network(&a, 20), &input, &path, 1e-4).unwrap();
            assert!(check.passed && path.is_file(), "{check:?}");
            assert_eq!(check.lengths, lengths);
        }
    }
}
