//! A small vision transformer (Dosovitskiy et al., arXiv:2010.11929) with timm's names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::transformer::{Block, block};
use crate::layers::{Conv2d, LayerNorm, Linear, MultiHeadAttention, PositionEmbedding};
use crate::{GraphBuilder, Initialiser};

/// Of the normalisations, as in the original, timm and torchvision.
const EPS: f64 = 1e-6;

/// Options of `vit`. ViT-S/16 is `{patch: 16, dim: 384, depth: 12, heads: 6, pool: class_token}` on pictures of 224.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VitOptions {
    /// Pixels along a side of a patch; it divides the picture.
    pub patch: usize,
    /// Features of a token.
    pub dim: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads of each attention; they divide `dim`.
    pub heads: usize,
    /// Hidden features of a block's second part, as a multiple of `dim`.
    pub mlp_ratio: f32,
    /// Dropout rate after the places were added, and in each block.
    pub dropout: f32,
    /// Stochastic depth: the rate of the last block; it grows to it evenly from the first, which has 0. Left
    /// out: none.
    #[serde(skip_serializing_if = "is_zero")]
    pub drop_path: f32,
    /// What the classifier is given.
    pub pool: VitPool,
}

/// Experiments without stochastic depth are written as they were before it was there.
fn is_zero(rate: &f32) -> bool {
    *rate == 0.0
}

/// What the classifier of `vit` is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VitPool {
    /// The mean of all tokens (Beyer et al., arXiv:2205.01580).
    Mean,
    /// A learnt token that stands before the others, as in the original.
    ClassToken,
}

impl Default for VitOptions {
    fn default() -> Self {
        Self {
            patch: 6,
            dim: 128,
            depth: 4,
            heads: 4,
            mlp_ratio: 4.0,
            dropout: 0.0,
            drop_path: 0.0,
            pool: VitPool::Mean,
        }
    }
}

impl Architecture for VitOptions {
    fn name(&self) -> &'static str {
        "vit"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 48, 48]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "Dosovitskiy et al. 2020, arXiv:2010.11929, at a size for small pictures"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let Self { patch, dim, depth, heads, mlp_ratio, dropout, drop_path, pool } = *self;
        let [_, height, width] = g.shape().map().unwrap_or_default();
        let fits = patch > 0 && height.is_multiple_of(patch) && width.is_multiple_of(patch);
        g.require(fits, || {
            format!("divides pictures of {height}x{width} into patches of {patch}x{patch}: `patch` must divide them")
        });
        let divides = heads > 0 && dim > 0 && dim.is_multiple_of(heads);
        g.require(divides, || format!("divides {dim} features among {heads} heads: `heads` must divide `dim`"));
        let hidden = (f64::from(mlp_ratio) * dim as f64).round();
        let sensible = (1.0..1e9).contains(&hidden);
        g.require(sensible, || {
            format!("has {hidden} hidden features: `mlp_ratio` of {mlp_ratio} must give at least 1")
        });
        let fan_in = g.channels().saturating_mul(patch).saturating_mul(patch);
        let init = Initialiser::pytorch_linear(fan_in);
        g.conv("patch_embed.proj", Conv2d::new(dim, patch).stride(patch).init(init).bias(init))
            .to_tokens("patch_embed");
        if pool == VitPool::ClassToken {
            g.class_token("cls_token", Initialiser::Normal(1e-6));
        }
        g.position_embedding("pos_embed", PositionEmbedding::new()).dropout(dropout);
        let attention = MultiHeadAttention::new(heads);
        for i in 0..depth {
            let drop_path = drop_path * i as f32 / depth.saturating_sub(1).max(1) as f32;
            let parts = Block { attention, hidden: hidden as usize, eps: EPS, dropout, drop_path };
            // Glorot's uniform weights, as in the original.
            block(g, &format!("blocks.{i}"), &parts, |outputs, _| Linear::new(outputs));
        }
        g.layer_norm("norm", LayerNorm::new().eps(EPS));
        match pool {
            VitPool::Mean => g.mean_steps("pool"),
            VitPool::ClassToken => g.take_token("pool", 0),
        };
        g.linear("head", Linear::new(classes).init(Initialiser::Normal(0.02)));
    }
}
