//! The native bodies of networks of tokens: layer normalisation, GELU, attention, the order of tokens, and what is added
//! to each example.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use ferrotype_kernels::{Attention, Isa, LayerNorm, Tokens, activation, add_to_each, owned};

use super::autodiff::{backward_pass, finish};
use super::{contiguous, like, tensor, values, writable};
use crate::profile::{Direction, Kind, timed};

/// Operations on tokens with native bodies.
#[backend_extension(Flex, Autodiff)]
pub trait TokenOps: Backend {
    /// Layer normalisation over the last axis.
    fn native_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: LayerNorm,
        isa: Isa,
    ) -> FloatTensor<Self>;

    /// The exact GELU.
    fn native_gelu(x: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self>;

    /// Attention: `[groups, tokens, heads * width]`.
    fn native_attention(qkv: FloatTensor<Self>, shape: Attention, isa: Isa) -> FloatTensor<Self>;

    /// Maps as tokens.
    fn native_to_tokens(x: FloatTensor<Self>, shape: Tokens, isa: Isa) -> FloatTensor<Self>;

    /// Tokens as maps.
    fn native_to_map(x: FloatTensor<Self>, shape: Tokens, isa: Isa) -> FloatTensor<Self>;

    /// A flat `row` added to each example.
    fn native_add_to_each(x: FloatTensor<Self>, row: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self>;
}

fn normalised(x: &FlexTensor, w: &FlexTensor, b: &FlexTensor, shape: LayerNorm, isa: Isa) -> (FlexTensor, Moments) {
    let forward = || shape.forward(isa, values(x), values(w), values(b));
    let (y, moments) = timed(Kind::LayerNorm(Direction::Forward), forward);
    (like(x, y), moments)
}

fn gelu(x: &FlexTensor, isa: Isa) -> FlexTensor {
    like(x, timed(Kind::Elementwise(Direction::Forward), || owned::gelu(isa, values(x))))
}

/// Output and weights.
fn attended(qkv: &FlexTensor, shape: Attention, isa: Isa) -> (FlexTensor, Vec<f32>) {
    let (y, weights) = timed(Kind::Attention(Direction::Forward), || shape.forward(isa, values(qkv)));
    (tensor(y, [shape.groups, shape.tokens, shape.heads * shape.width]), weights)
}

fn tokens(x: &FlexTensor, shape: Tokens, direction: Direction) -> FlexTensor {
    let y = timed(Kind::Tokens(direction), || shape.from_map(values(x)));
    tensor(y, [shape.batch, shape.height * shape.width, shape.channels])
}

fn map(x: &FlexTensor, shape: Tokens, direction: Direction) -> FlexTensor {
    let y = timed(Kind::Tokens(direction), || shape.to_map(values(x)));
    tensor(y, [shape.batch, shape.channels, shape.height, shape.width])
}

fn added(x: &FlexTensor, row: &FlexTensor, isa: Isa) -> FlexTensor {
    like(x, timed(Kind::Elementwise(Direction::Forward), || add_to_each(isa, values(x), values(row))))
}

impl TokenOps for Flex {
    fn native_layer_norm(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        shape: LayerNorm,
        isa: Isa,
    ) -> FlexTensor {
        normalised(&contiguous(x), &contiguous(weight), &contiguous(bias), shape, isa).0
    }

    fn native_gelu(x: FlexTensor, isa: Isa) -> FlexTensor {
        gelu(&contiguous(x), isa)
    }

    fn native_attention(qkv: FlexTensor, shape: Attention, isa: Isa) -> FlexTensor {
        attended(&contiguous(qkv), shape, isa).0
    }

    fn native_to_tokens(x: FlexTensor, shape: Tokens, _isa: Isa) -> FlexTensor {
        tokens(&contiguous(x), shape, Direction::Forward)
    }

    fn native_to_map(x: FlexTensor, shape: Tokens, _isa: Isa) -> FlexTensor {
        map(&contiguous(x), shape, Direction::Forward)
    }

    fn native_add_to_each(x: FlexTensor, row: FlexTensor, isa: Isa) -> FlexTensor {
        added(&contiguous(x), &contiguous(row), isa)
    }
}

/// Per row: mean and `1 / sqrt(variance + eps)`.
type Moments = Vec<[f32; 2]>;

/// What the backward pass of a layer normalisation needs.
#[derive(Clone, Debug)]
struct NormState {
    x: FlexTensor,
    weight: FlexTensor,
    moments: Moments,
    shape: LayerNorm,
    isa: Isa,
}

fn norm_backward(s: NormState, [input, weight, bias]: [Option<NodeId>; 3], dy: FlexTensor, grads: &mut Gradients) {
    let mut dy = writable(dy);
    let g = timed(Kind::LayerNorm(Direction::Backward), || {
        s.shape.backward(s.isa, values(&s.x), values(&s.weight), &s.moments, dy.storage_mut::<f32>())
    });
    for (id, gradient) in [(weight, g.weight), (bias, g.bias)] {
        if let Some(id) = id {
            grads.register::<Flex>(id, tensor(gradient, [s.shape.features]));
        }
    }
    if let Some(id) = input {
        grads.register::<Flex>(id, dy);
    }
}

/// What the backward pass of attention needs.
#[derive(Clone, Debug)]
struct AttentionState {
    qkv: FlexTensor,
    weights: Vec<f32>,
    shape: Attention,
    isa: Isa,
}

backward_pass!(LayerNormBackward, 3, NormState, |s, ids, dy, grads| norm_backward(s, ids, dy, grads));
backward_pass!(GeluBackward, 1, (FlexTensor, Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        let mut dy = writable(dy);
        timed(Kind::Elementwise(Direction::Backward), || {
            activation::gelu_backward(s.1, values(&s.0), dy.storage_mut::<f32>());
        });
        grads.register::<Flex>(id, dy);
    }
});
backward_pass!(AttentionBackward, 1, AttentionState, |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        let dy = contiguous(dy);
        let backward = || s.shape.backward(s.isa, values(&s.qkv), &s.weights, values(&dy));
        let dx = timed(Kind::Attention(Direction::Backward), backward);
        grads.register::<Flex>(id, like(&s.qkv, dx));
    }
});
backward_pass!(TokensBackward, 1, Tokens, |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, map(&contiguous(dy), s, Direction::Backward));
    }
});
backward_pass!(MapBackward, 1, Tokens, |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, tokens(&contiguous(dy), s, Direction::Backward));
    }
});
backward_pass!(EachBackward, 2, (usize, Isa), |s, ids, dy, grads| {
    let [x, row] = ids;
    let (dy, (len, isa)) = (contiguous(dy), s);
    if let Some(id) = row {
        let sums = || owned::column_sums(isa, [values(&dy).len() / len, len], values(&dy));
        grads.register::<Flex>(id, tensor(timed(Kind::Elementwise(Direction::Backward), sums), [len]));
    }
    if let Some(id) = x {
        grads.register::<Flex>(id, dy);
    }
});

impl<C: CheckpointStrategy> TokenOps for Autodiff<Flex, C> {
    fn native_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: LayerNorm,
        isa: Isa,
    ) -> FloatTensor<Self> {
        let ((x, gx), (w, gw), (b, gb)) = (x.into_parts(), weight.into_parts(), bias.into_parts());
        let (x, weight) = (contiguous(x), contiguous(w));
        let (y, moments) = normalised(&x, &weight, &contiguous(b), shape, isa);
        finish!(
            LayerNormBackward.prepare::<C>([gx, gw, gb]).compute_bound().stateful(),
            NormState { x, weight, moments, shape, isa },
            y
        )
    }

    fn native_gelu(x: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let x = contiguous(x);
        let y = gelu(&x, isa);
        finish!(GeluBackward.prepare::<C>([gx]).compute_bound().stateful(), (x, isa), y)
    }

    fn native_attention(qkv: FloatTensor<Self>, shape: Attention, isa: Isa) -> FloatTensor<Self> {
        let (qkv, node) = qkv.into_parts();
        let qkv = contiguous(qkv);
        let (y, weights) = attended(&qkv, shape, isa);
        finish!(
            AttentionBackward.prepare::<C>([node]).compute_bound().stateful(),
            AttentionState { qkv, weights, shape, isa },
            y
        )
    }

    fn native_to_tokens(x: FloatTensor<Self>, shape: Tokens, _isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let y = tokens(&contiguous(x), shape, Direction::Forward);
        finish!(TokensBackward.prepare::<C>([gx]).compute_bound().stateful(), shape, y)
    }

    fn native_to_map(x: FloatTensor<Self>, shape: Tokens, _isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let y = map(&contiguous(x), shape, Direction::Forward);
        finish!(MapBackward.prepare::<C>([gx]).compute_bound().stateful(), shape, y)
    }

    fn native_add_to_each(x: FloatTensor<Self>, row: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self> {
        let ((x, gx), (row, gr)) = (x.into_parts(), row.into_parts());
        let (x, row) = (contiguous(x), contiguous(row));
        let y = added(&x, &row, isa);
        finish!(EachBackward.prepare::<C>([gx, gr]).compute_bound().stateful(), (values(&row).len(), isa), y)
    }
}
