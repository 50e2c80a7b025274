//! HTNet (Wang et al. 2023, arXiv:2307.14637; wangzhifengharrison/HTNet, `Model.py` at 91cf4bd): attention within blocks of a
//! map of patches, on three levels that each halve the map.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::transformer::{Block, block, pytorch_linear};
use crate::layers::{Conv2d, LayerNorm, MaxPool, MultiHeadAttention, PositionEmbedding};
use crate::{GraphBuilder, Initialiser};

/// Options of `htnet`. The defaults are the published widths (139,582,982 parameters for 28x28 pictures of three channels and
/// three classes).
///
/// **The published attention is none**: 4x4 patches are divided into 4x4 blocks, 2x2 and then 1, so each token attends to
/// itself alone (`block_size: 1`); the softmax of one score is 1, and queries and keys get no gradient. What remains is a
/// network of 1x1 convolutions with two 3x3 ones between its levels. `block_size: 4` lets tokens see each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HtnetOptions {
    /// Pixels along a side of a patch; it divides the picture.
    pub patch: usize,
    /// Features of a token on each level.
    pub dims: [usize; 3],
    /// Heads on each level; a head has the features divided by the heads, rounded down.
    pub heads: [usize; 3],
    /// Blocks of attention and feed-forward layers on each level.
    pub blocks: [usize; 3],
    /// Tokens along a side of the squares within which tokens attend to each other. A map that is smaller is one square;
    /// else it must be divided by them. The published network's is 1.
    pub block_size: usize,
    /// Hidden features of a feed-forward layer, as a multiple of a token's.
    pub mlp_ratio: usize,
    /// Dropout rate at the end of attention and in feed-forward layers. The original's is 0.
    pub dropout: f32,
}

impl Default for HtnetOptions {
    fn default() -> Self {
        Self {
            patch: 7,
            dims: [256, 512, 1024],
            heads: [3, 6, 12],
            blocks: [2, 2, 10],
            block_size: 1,
            mlp_ratio: 4,
            dropout: 0.0,
        }
    }
}

impl HtnetOptions {
    /// The widths that a CPU trains in minutes: 32, 64 and 128 features, two blocks a level. Of its 607,942 parameters
    /// 527,302 do something where a token attends to itself alone.
    pub fn reduced() -> Self {
        Self { dims: [32, 64, 128], blocks: [2; 3], ..Self::default() }
    }
}

impl Architecture for HtnetOptions {
    fn name(&self) -> &'static str {
        "htnet"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 28, 28]
    }

    fn default_classes(&self) -> usize {
        3
    }

    fn source(&self) -> &'static str {
        "Wang et al. 2023, arXiv:2307.14637; wangzhifengharrison/HTNet Model.py"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let Self { patch, dims, block_size, .. } = *self;
        let [_, height, width] = g.shape().map().unwrap_or_default();
        let fits = patch > 0 && height.is_multiple_of(patch) && width.is_multiple_of(patch);
        g.require(fits, || {
            format!("divides pictures of {height}x{width} into patches of {patch}x{patch}: `patch` must divide them")
        });
        g.require(block_size > 0, || "attends within squares of 0 tokens: `block_size` must be at least 1".into());
        let init = Initialiser::pytorch_linear(g.channels().saturating_mul(patch).saturating_mul(patch));
        g.conv("patch_embed.proj", Conv2d::new(dims[0], patch).stride(patch).init(init).bias(init));
        for (level, features) in dims.into_iter().enumerate() {
            if level > 0 {
                aggregate(g, &format!("aggregate{level}"), features);
            }
            self.level(g, level, level < 2);
        }
        g.layer_norm("norm", LayerNorm::new()).mean_steps("pool").linear("head", pytorch_linear(classes, dims[2]));
    }
}

impl HtnetOptions {
    /// A map's tokens attend within their squares; then they are a map again, if that is wanted.
    fn level(&self, g: &mut GraphBuilder, level: usize, back: bool) {
        let name = |part: &str| format!("levels.{level}.{part}");
        let [_, height, width] = g.shape().map().unwrap_or_default();
        let square = [self.block_size.min(height), self.block_size.min(width)];
        let window = square[0] * square[1];
        g.to_tokens_in_blocks(name("tokens"), square);
        // One value a place, the same in all squares.
        let places = PositionEmbedding { period: Some(window), shared: true, init: Initialiser::Normal(1.0) };
        g.position_embedding(name("pos_emb"), places);
        let attention = MultiHeadAttention::new(self.heads[level]).no_qkv_bias().window(window);
        let hidden = self.mlp_ratio.saturating_mul(self.dims[level]);
        let parts = Block { attention, hidden, eps: 1e-5, dropout: self.dropout, drop_path: 0.0 };
        for i in 0..self.blocks[level] {
            block(g, &name(&format!("blocks.{i}")), &parts, pytorch_linear);
        }
        if back {
            g.to_map(name("map"), [height, width], Some(square));
        }
    }
}

/// Half the rows and columns: a 3x3 convolution, normalised pixel by pixel, and the maxima of 3x3 windows.
fn aggregate(g: &mut GraphBuilder, name: &str, features: usize) {
    let init = Initialiser::pytorch_linear(g.channels() * 9);
    g.conv(format!("{name}.conv"), Conv2d::new(features, 3).pad(1).init(init).bias(init));
    let [_, height, width] = g.shape().map().unwrap_or_default();
    g.to_tokens(format!("{name}.tokens")).layer_norm(format!("{name}.norm"), LayerNorm::new());
    g.to_map(format!("{name}.map"), [height, width], None);
    g.max_pool(format!("{name}.pool"), MaxPool::new(3).stride(2).pad(1));
}
