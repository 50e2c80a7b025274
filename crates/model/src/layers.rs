//! Layers: what each one is, what it makes of its inputs' shapes, and which parameters it has. One file per layer.
//!
//! A layer is a description. What it computes is in [`ops`](ferrotype_ops) (called by `model::forward`), how it is written
//! to ONNX in `ferrotype_interop::export`.

use std::fmt;

use anyhow::{Result, bail};
pub use ferrotype_kernels::activation::Function;

use super::init::Initialiser;

mod activation;
mod add;
mod apply;
mod attention;
mod avg_pool;
mod batch_norm;
mod concat;
mod conv2d;
mod conv_lstm;
mod cosine_linear;
mod drop_path;
mod dropout;
mod flatten;
mod gelu;
mod global_avg_pool;
mod layer_norm;
mod linear;
mod lstm;
mod max_pool;
mod padding;
mod sequence;
mod slice;
mod softmax;
mod squeeze_excite;
mod steps;
mod tokens;

pub use activation::Activate;
pub use add::Add;
pub use apply::Apply;
pub use attention::{Attention, MultiHeadAttention};
pub use avg_pool::AvgPool;
pub use batch_norm::{BatchNorm, RunningVariance};
pub use concat::Concat;
pub use conv_lstm::ConvLstm;
pub use conv2d::{Channels, Conv2d};
pub use cosine_linear::CosineLinear;
pub use drop_path::DropPath;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use gelu::Gelu;
pub use global_avg_pool::GlobalAvgPool;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use lstm::Lstm;
pub use max_pool::MaxPool;
pub use padding::PaddingRule;
pub use sequence::{LastStep, Repeat, ToSequence};
pub use slice::Slice;
pub use softmax::Softmax;
pub use squeeze_excite::{ScaleChannels, SqueezeExcite};
pub use steps::{MaskSteps, MeanSteps};
pub use tokens::{ClassToken, PositionEmbedding, TakeToken, ToMap, ToTokens};

/// The shape of one example's value; the batch axis stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Feature maps: tensors of shape `[batch, channels, height, width]`.
    Map {
        /// Planes.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// Features step by step, or token by token: tensors of shape `[batch, steps, features]`.
    Sequence {
        /// Steps in time, or tokens.
        steps: usize,
        /// Features of each.
        features: usize,
    },
    /// A row of features: tensors of shape `[batch, features]`.
    Vector(usize),
}

impl Shape {
    /// Values per example.
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sizes after the batch axis.
    pub fn dims(&self) -> Vec<usize> {
        match *self {
            Self::Map { channels, height, width } => vec![channels, height, width],
            Self::Sequence { steps, features } => vec![steps, features],
            Self::Vector(n) => vec![n],
        }
    }

    /// Channels, height and width, or an error for what is no map.
    pub fn map(&self) -> Result<[usize; 3]> {
        match *self {
            Self::Map { channels, height, width } => Ok([channels, height, width]),
            Self::Vector(_) => bail!("takes feature maps, but its input is {self}: put it before `flatten`"),
            Self::Sequence { .. } => bail!("takes feature maps, but its input is {self}"),
        }
    }

    /// Steps and features, or an error for what is no sequence.
    pub fn sequence(&self) -> Result<[usize; 2]> {
        match *self {
            Self::Sequence { steps, features } => Ok([steps, features]),
            Self::Map { .. } => {
                bail!("takes a sequence, but its input is {self}: put `to_sequence` or `to_tokens` before it")
            }
            Self::Vector(_) => bail!("takes a sequence, but its input is {self}: put `repeat` before it"),
        }
    }

    /// The number of features, or an error for what is no vector.
    pub fn vector(&self) -> Result<usize> {
        match *self {
            Self::Vector(n) => Ok(n),
            Self::Map { .. } => {
                bail!("takes a vector, but its input is {self}: put `flatten` or `global_avg_pool` before it")
            }
            Self::Sequence { .. } => {
                bail!("takes a vector, but its input is {self}: put `flatten` or `last_step` before it")
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { channels, height, width } => write!(f, "{channels}x{height}x{width}"),
            Self::Sequence { steps, features } => write!(f, "a sequence of {steps} steps of {features}"),
            Self::Vector(n) => write!(f, "a vector of {n}"),
        }
    }
}

/// What a parameter is for. Weight decay and regularisers ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The weight of a convolution or linear layer.
    Weight,
    /// The bias of a convolution or linear layer.
    Bias,
    /// The scale of a normalisation layer.
    NormScale,
    /// The shift of a normalisation layer.
    NormShift,
    /// What is learnt of a place, or in place of a token.
    Embedding,
}

/// A trained tensor: what it is, not its values.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Path name, such as `features.conv1_1.weight`; within a layer only the last part.
    pub name: String,
    /// Shape, in PyTorch's order: `[out, in / groups, rows, columns]` and `[out, in]`.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// How it begins.
    pub init: Initialiser,
    /// Coefficient of Keras' L2 regulariser: `l2 * sum(w^2)` is added to the loss. 0 for none.
    pub l2: f32,
}

/// A tensor that training tracks but does not optimise: what it is, not its values.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferSpec {
    /// Path name, such as `features.bn1.running_mean`; within a layer only the last part.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// The value that all elements begin with.
    pub initial: f32,
}

/// What every layer says of itself.
pub trait Describe {
    /// The shape of its output, or why it cannot take these inputs.
    fn shape(&self, inputs: &[Shape]) -> Result<Shape>;

    /// Its parameters, named within the layer.
    fn parameters(&self, _inputs: &[Shape]) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Its buffers, named within the layer.
    fn buffers(&self, _inputs: &[Shape]) -> Vec<BufferSpec> {
        Vec::new()
    }

    /// Multiply-accumulate operations per example, of convolutions and matrix products.
    fn macs(&self, _inputs: &[Shape], _output: &Shape) -> u64 {
        0
    }
}

/// A layer of a graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// The network's input.
    Input(Shape),
    /// Convolution.
    Conv2d(Conv2d),
    /// Batch normalisation.
    BatchNorm(BatchNorm),
    /// ReLU or ReLU6.
    Activate(Activate),
    /// Maxima over windows.
    MaxPool(MaxPool),
    /// Means over windows.
    AvgPool(AvgPool),
    /// Mean of each plane.
    GlobalAvgPool(GlobalAvgPool),
    /// Dropout.
    Dropout(Dropout),
    /// Stochastic depth.
    DropPath(DropPath),
    /// Maps or sequences to a vector.
    Flatten(Flatten),
    /// Fully connected layer.
    Linear(Linear),
    /// Fully connected layer of directions.
    CosineLinear(CosineLinear),
    /// Sum of two values.
    Add(Add),
    /// Some planes of a map.
    Slice(Slice),
    /// Values side by side.
    Concat(Concat),
    /// Scores to probabilities.
    Softmax(Softmax),
    /// A map of one plane as a sequence.
    ToSequence(ToSequence),
    /// The last step of a sequence.
    LastStep(LastStep),
    /// Zeros in place of padded steps.
    MaskSteps(MaskSteps),
    /// Mean over the steps that are there.
    MeanSteps(MeanSteps),
    /// A vector at every step.
    Repeat(Repeat),
    /// Long short-term memory.
    Lstm(Lstm),
    /// Convolutional long short-term memory.
    ConvLstm(ConvLstm),
    /// Layer normalisation.
    LayerNorm(LayerNorm),
    /// Sigmoid, SiLU and their forms of straight lines.
    Apply(Apply),
    /// Planes of a map times their gates.
    ScaleChannels(ScaleChannels),
    /// The exact GELU.
    Gelu(Gelu),
    /// What tokens take of each other.
    Attention(Attention),
    /// A map as tokens.
    ToTokens(ToTokens),
    /// Tokens as a map.
    ToMap(ToMap),
    /// A learnt token before all others.
    ClassToken(ClassToken),
    /// What is learnt of each token's place.
    PositionEmbedding(PositionEmbedding),
    /// One token as a vector.
    TakeToken(TakeToken),
}

impl Layer {
    /// The description behind the variant; none for the input.
    pub fn describe(&self) -> Option<&dyn Describe> {
        match self {
            Self::Input(_) => None,
            Self::Conv2d(l) => Some(l),
            Self::BatchNorm(l) => Some(l),
            Self::Activate(l) => Some(l),
            Self::MaxPool(l) => Some(l),
            Self::AvgPool(l) => Some(l),
            Self::GlobalAvgPool(l) => Some(l),
            Self::Dropout(l) => Some(l),
            Self::DropPath(l) => Some(l),
            Self::Flatten(l) => Some(l),
            Self::Linear(l) => Some(l),
            Self::CosineLinear(l) => Some(l),
            Self::Add(l) => Some(l),
            Self::Slice(l) => Some(l),
            Self::Concat(l) => Some(l),
            Self::Softmax(l) => Some(l),
            Self::ToSequence(l) => Some(l),
            Self::LastStep(l) => Some(l),
            Self::MaskSteps(l) => Some(l),
            Self::MeanSteps(l) => Some(l),
            Self::Repeat(l) => Some(l),
            Self::Lstm(l) => Some(l),
            Self::ConvLstm(l) => Some(l),
            Self::LayerNorm(l) => Some(l),
            Self::Apply(l) => Some(l),
            Self::ScaleChannels(l) => Some(l),
            Self::Gelu(l) => Some(l),
            Self::Attention(l) => Some(l),
            Self::ToTokens(l) => Some(l),
            Self::ToMap(l) => Some(l),
            Self::ClassToken(l) => Some(l),
            Self::PositionEmbedding(l) => Some(l),
            Self::TakeToken(l) => Some(l),
        }
    }

    /// The layer's kind, as tables print it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Conv2d(_) => "conv2d",
            Self::BatchNorm(_) => "batch_norm",
            Self::Activate(_) => "activation",
            Self::MaxPool(_) => "max_pool",
            Self::AvgPool(_) => "avg_pool",
            Self::GlobalAvgPool(_) => "global_avg_pool",
            Self::Dropout(_) => "dropout",
            Self::DropPath(_) => "drop_path",
            Self::Flatten(_) => "flatten",
            Self::Linear(_) => "linear",
            Self::CosineLinear(_) => "cosine_linear",
            Self::Add(_) => "add",
            Self::Slice(_) => "slice",
            Self::Concat(_) => "concat",
            Self::Softmax(_) => "softmax",
            Self::ToSequence(_) => "to_sequence",
            Self::LastStep(_) => "last_step",
            Self::MaskSteps(_) => "mask_steps",
            Self::MeanSteps(_) => "mean_steps",
            Self::Repeat(_) => "repeat",
            Self::Lstm(_) => "lstm",
            Self::ConvLstm(_) => "conv_lstm",
            Self::LayerNorm(_) => "layer_norm",
            Self::Apply(Apply(Function::Sigmoid)) => "sigmoid",
            Self::Apply(Apply(Function::HardSigmoid)) => "hard_sigmoid",
            Self::Apply(Apply(Function::Silu)) => "silu",
            Self::Apply(Apply(Function::HardSwish)) => "hard_swish",
            Self::ScaleChannels(_) => "scale_channels",
            Self::Gelu(_) => "gelu",
            Self::Attention(_) => "attention",
            Self::ToTokens(_) => "to_tokens",
            Self::ToMap(_) => "to_map",
            Self::ClassToken(_) => "class_token",
            Self::PositionEmbedding(_) => "position_embedding",
            Self::TakeToken(_) => "take_token",
        }
    }
}
