//! What a published network says of a few drawn pictures, to be computed again wherever it is used.

use anyhow::{Context, Result, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_data::preprocess::Views;
use ferrotype_expressions::LoadedRun;
use ferrotype_model::StateTensor;
use ferrotype_ops as ops;
use ferrotype_training::checkpoint::{Checkpoint, KNOWN_ANSWER};

use crate::systems::expressions::onnx::drawn_pictures;

/// Pictures, or sequences of them.
const EXAMPLES: usize = 4;

/// The largest difference of an output, as a part of the range of all outputs: kernels of other processors round otherwise.
const TOLERANCE: f32 = 1e-3;

/// Inputs before scaling, and outputs before softmax.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownAnswer {
    /// `[examples, channels, height, width]`, 0 to 255.
    pictures: StateTensor,
    /// `[examples, outputs]`.
    outputs: StateTensor,
}

impl KnownAnswer {
    /// What the network of a run says.
    ///
    /// # Errors
    /// When it cannot compute.
    pub fn of(loaded: &LoadedRun) -> Result<Self> {
        let drawn = drawn_pictures(loaded, Views::Single, EXAMPLES)?;
        let [channels, height, width] = loaded.network.graph().input;
        let tensor = |name: &str, shape, values| StateTensor { name: format!("{KNOWN_ANSWER}{name}"), shape, values };
        let pictures = tensor("pictures", vec![EXAMPLES, channels, height, width], drawn.planes.concat());
        let values = outputs(loaded, &pictures)?;
        let outputs = tensor("outputs", vec![EXAMPLES, values.len() / EXAMPLES], values);
        Ok(Self { pictures, outputs })
    }

    /// Puts it beside a network's weights.
    pub fn put(self, checkpoint: &mut Checkpoint) {
        checkpoint.tensors.extend([self.pictures, self.outputs]);
    }

    /// Takes it out from beside a network's weights.
    ///
    /// # Errors
    /// When it is not there, or no pictures.
    pub fn take(checkpoint: &mut Checkpoint) -> Result<Self> {
        let mut found = checkpoint.take(KNOWN_ANSWER);
        let mut one =
            |name: &str| found.remove(name).with_context(|| format!("it lacks the tensor {KNOWN_ANSWER}{name}"));
        let (pictures, outputs) = (one("pictures")?, one("outputs")?);
        ensure!(
            pictures.shape.len() == 4 && outputs.shape.len() == 2 && pictures.shape[0] == outputs.shape[0],
            "its known answer has the shapes {:?} and {:?}",
            pictures.shape,
            outputs.shape
        );
        Ok(Self { pictures, outputs })
    }

    /// Has a run's network compute it again.
    ///
    /// # Errors
    /// When something else comes out.
    pub fn check(&self, loaded: &LoadedRun) -> Result<()> {
        let shape = loaded.network.graph().input;
        ensure!(
            self.pictures.shape[1..] == shape,
            "its known answer is of inputs {:?}, its network takes {shape:?}",
            &self.pictures.shape[1..]
        );
        let (here, there) = (outputs(loaded, &self.pictures)?, &self.outputs.values);
        ensure!(here.len() == there.len(), "its known answer has {} outputs, its network {}", there.len(), here.len());
        let range = there.iter().copied().fold(f32::MIN, f32::max) - there.iter().copied().fold(f32::MAX, f32::min);
        let largest = here.iter().zip(there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        ensure!(
            here.iter().all(|v| v.is_finite()) && largest <= TOLERANCE * range,
            "its network does not say here what it said where it was published: an output differs by {largest:.1e} ({range:.1e} is \
             the range of all). Please report this with `ferrotype doctor`"
        );
        Ok(())
    }
}

/// The network's outputs of inputs that are not scaled yet.
fn outputs(loaded: &LoadedRun, pictures: &StateTensor) -> Result<Vec<f32>> {
    let [channels, height, width] = loaded.network.graph().input;
    let pipeline = drawn_pictures(loaded, Views::Single, 1)?.pipeline;
    let mut values = pictures.values.clone();
    values.chunks_exact_mut(channels * height * width).for_each(|example| pipeline.scale(example));
    let data = TensorData::new(values, [pictures.shape[0], channels, height, width]);
    let outputs = loaded.network.forward(Tensor::from_data(data, loaded.network.device()))?;
    let count: usize = outputs.dims().iter().product();
    ops::host(outputs.reshape([count]))
}
