//! Multi-head self-attention (Vaswani et al., arXiv:1706.03762).

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// Self-attention as a user writes it: a linear layer to queries, keys and values, [`Attention`], and a linear layer back.
/// [`GraphBuilder::multi_head_attention`](crate::GraphBuilder::multi_head_attention) adds the three under `NAME.qkv`,
/// `NAME.attend` and `NAME.proj`, in timm's order, so that published weights fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiHeadAttention {
    /// Heads.
    pub heads: usize,
    /// Features of a head; none: the tokens' features divided by the heads, rounded down.
    pub width: Option<usize>,
    /// Whether queries, keys and values have a bias. The layer back has one always.
    pub qkv_bias: bool,
    /// Tokens attend among so many consecutive ones; none: among all.
    pub window: Option<usize>,
}

impl MultiHeadAttention {
    /// So many heads, with bias, among all tokens.
    pub fn new(heads: usize) -> Self {
        Self { heads, width: None, qkv_bias: true, window: None }
    }

    /// Queries, keys and values without a bias.
    pub fn no_qkv_bias(mut self) -> Self {
        self.qkv_bias = false;
        self
    }

    /// Tokens attend among so many consecutive ones.
    pub fn window(mut self, tokens: usize) -> Self {
        self.window = Some(tokens);
        self
    }
}

/// What tokens take of each other: `softmax(q k^T / sqrt(width)) v` for each head. Takes `[tokens, 3 * heads * width]`, all
/// heads' queries, then keys, then values; gives `[tokens, heads * width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Heads.
    pub heads: usize,
    /// Tokens attend among so many consecutive ones, which divide their number; none: among all.
    pub window: Option<usize>,
}

impl Attention {
    /// The window, of so many tokens.
    pub fn among(&self, tokens: usize) -> usize {
        self.window.unwrap_or(tokens)
    }
}

impl Describe for Attention {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, features] = inputs[0].sequence()?;
        let (heads, window) = (self.heads, self.among(steps));
        ensure!(heads > 0, "has no heads: ask for at least 1");
        ensure!(
            features.is_multiple_of(3 * heads),
            "divides {features} features into queries, keys and values of {heads} heads: give it a multiple of {}",
            3 * heads
        );
        ensure!(window > 0 && steps.is_multiple_of(window), "divides {steps} tokens into windows of {window}");
        Ok(Shape::Sequence { steps, features: features / 3 })
    }

    fn macs(&self, inputs: &[Shape], output: &Shape) -> u64 {
        let Ok([steps, _]) = inputs[0].sequence() else { return 0 };
        (2 * self.among(steps) * output.len()) as u64
    }
}
