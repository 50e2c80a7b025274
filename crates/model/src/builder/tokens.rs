//! Layers of tokens.

use super::GraphBuilder;
use crate::init::Initialiser;
use crate::layers::{
    Attention, ClassToken, Gelu, Layer, LayerNorm, Linear, MultiHeadAttention, PositionEmbedding, Shape, TakeToken,
    ToMap, ToTokens,
};

impl GraphBuilder {
    /// Layer normalisation of tokens or a vector.
    pub fn layer_norm(&mut self, name: impl AsRef<str>, layer: LayerNorm) -> &mut Self {
        self.push(name.as_ref(), Layer::LayerNorm(layer), &[])
    }

    /// `x * Phi(x)`, exactly.
    pub fn gelu(&mut self) -> &mut Self {
        self.push_after("gelu", Layer::Gelu(Gelu))
    }

    /// A map as tokens, row by row.
    pub fn to_tokens(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::ToTokens(ToTokens { block: None }), &[])
    }

    /// A map as tokens, block by block.
    pub fn to_tokens_in_blocks(&mut self, name: impl AsRef<str>, block: [usize; 2]) -> &mut Self {
        self.push(name.as_ref(), Layer::ToTokens(ToTokens { block: Some(block) }), &[])
    }

    /// Tokens as a map of this height and width, row by row or in blocks.
    pub fn to_map(&mut self, name: impl AsRef<str>, size: [usize; 2], block: Option<[usize; 2]>) -> &mut Self {
        self.push(name.as_ref(), Layer::ToMap(ToMap { size, block }), &[])
    }

    /// A learnt token before all others.
    pub fn class_token(&mut self, name: impl AsRef<str>, init: Initialiser) -> &mut Self {
        self.push(name.as_ref(), Layer::ClassToken(ClassToken { init }), &[])
    }

    /// What is learnt of each token's place, added to it.
    pub fn position_embedding(&mut self, name: impl AsRef<str>, layer: PositionEmbedding) -> &mut Self {
        self.push(name.as_ref(), Layer::PositionEmbedding(layer), &[])
    }

    /// One token as a vector.
    pub fn take_token(&mut self, name: impl AsRef<str>, index: usize) -> &mut Self {
        self.push(name.as_ref(), Layer::TakeToken(TakeToken { index }), &[])
    }

    /// Self-attention: `NAME.qkv`, `NAME.attend` and `NAME.proj`, the two linear layers beginning as PyTorch's do.
    pub fn multi_head_attention(&mut self, name: impl AsRef<str>, layer: MultiHeadAttention) -> &mut Self {
        let name = name.as_ref();
        let (heads, features) = (layer.heads, self.features());
        let width = layer.width.unwrap_or(features / heads.max(1));
        let what = || format!("needs at least one feature for each of the {heads} heads of {name}");
        self.require(heads > 0 && width > 0, what);
        let mut qkv = self.plain_linear(heads.saturating_mul(width).saturating_mul(3), features);
        if !layer.qkv_bias {
            qkv = qkv.no_bias();
        }
        self.linear(format!("{name}.qkv"), qkv);
        self.push(&format!("{name}.attend"), Layer::Attention(Attention { heads, window: layer.window }), &[]);
        let back = self.plain_linear(features, heads.saturating_mul(width));
        self.linear(format!("{name}.proj"), back)
    }

    /// Features of a token, or values of a vector.
    pub fn features(&self) -> usize {
        match self.shape() {
            Shape::Sequence { features, .. } => features,
            other => other.dims()[0],
        }
    }

    fn plain_linear(&self, outputs: usize, inputs: usize) -> Linear {
        let init = Initialiser::pytorch_linear(inputs);
        Linear::new(outputs).init(init).bias(init)
    }
}
