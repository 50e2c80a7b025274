//! The block that transformers repeat.

use crate::GraphBuilder;
use crate::Initialiser;
use crate::layers::{LayerNorm, Linear, MultiHeadAttention};

/// A block with its normalisations first (Wang et al., arXiv:1906.01787; Dosovitskiy et al., arXiv:2010.11929):
/// `x + attention(norm(x))`, then `x + mlp(norm(x))`.
pub(super) struct Block {
    pub attention: MultiHeadAttention,
    /// Features between the two linear layers of the second part.
    pub hidden: usize,
    /// Of both normalisations.
    pub eps: f64,
    /// Dropout rate at the end of both parts and between the linear layers.
    pub dropout: f32,
    /// Rate of stochastic depth of both parts.
    pub drop_path: f32,
}

/// Adds a block of tokens under timm's names: `norm1`, `attn.qkv`, `attn.proj`, `norm2`, `mlp.fc1`, `mlp.fc2`. `linear` makes
/// the linear layers of the second part, of so many outputs and inputs.
pub(super) fn block(g: &mut GraphBuilder, name: &str, block: &Block, linear: impl Fn(usize, usize) -> Linear) {
    let Block { attention, hidden, eps, dropout, drop_path } = *block;
    let (before, features) = (g.tip(), g.features());
    let norm = LayerNorm::new().eps(eps);
    g.layer_norm(format!("{name}.norm1"), norm);
    g.multi_head_attention(format!("{name}.attn"), attention).dropout(dropout).drop_path(drop_path);
    let middle = g.add(format!("{name}.add1"), before).tip();
    g.layer_norm(format!("{name}.norm2"), norm);
    g.linear(format!("{name}.mlp.fc1"), linear(hidden, features)).gelu().dropout(dropout);
    g.linear(format!("{name}.mlp.fc2"), linear(features, hidden)).dropout(dropout).drop_path(drop_path);
    g.add(format!("{name}.add2"), middle);
}

/// A linear layer that begins as PyTorch's do.
pub(super) fn pytorch_linear(outputs: usize, inputs: usize) -> Linear {
    let init = Initialiser::pytorch_linear(inputs);
    Linear::new(outputs).init(init).bias(init)
}
