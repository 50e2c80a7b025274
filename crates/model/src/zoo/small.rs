//! Networks at sizes that tests can afford, for the tests of the crates above.

use super::{htnet, microx, microx_gap, off_apexnet, resemotenet, vgg19, vit};
use crate::ModelOptions;

impl ModelOptions {
    /// The network at a size that tests can afford, and its input: one plane of this side (two for networks of optical
    /// flow), or for networks of clips two parts of two frames.
    #[doc(hidden)]
    pub fn small(&self, side: usize) -> (Self, [usize; 3]) {
        let (parts, frames) = (Some(vec!["mouth".to_string(), "nose".into()]), Some(2));
        let clip = [2 * 2, 12, 12];
        match self.clone() {
            Self::Microx(o) => {
                (Self::Microx(microx::MicroxOptions { parts, frames, filters: 4, hidden: 8, ..o }), clip)
            }
            Self::MicroxGap(o) => {
                (Self::MicroxGap(microx_gap::MicroxGapOptions { parts, frames, filters: 4, ..o }), clip)
            }
            Self::Vit(o) => {
                let small = vit::VitOptions { patch: side / 4, dim: 16, depth: 2, heads: 2, mlp_ratio: 2.0, ..o };
                (Self::Vit(small), [1, side, side])
            }
            Self::Htnet(o) => {
                let (patch, dims, heads, blocks) = (side / 4, [9, 12, 16], [2; 3], [1, 2, 1]);
                let small = htnet::HtnetOptions { patch, dims, heads, blocks, block_size: 2, mlp_ratio: 2, ..o };
                (Self::Htnet(small), [1, side, side])
            }
            Self::OffApexnet(o) => {
                (Self::OffApexnet(off_apexnet::OffApexnetOptions { hidden: 8, ..o }), [2, side, side])
            }
            Self::Resemotenet(o) => {
                (Self::Resemotenet(resemotenet::ResemotenetOptions { width: 8, ..o }), [1, side, side])
            }
            // Five poolings leave nothing of less than 32 pixels.
            Self::Vgg19(o) => (Self::Vgg19(vgg19::Vgg19Options { width: 8, ..o }), [1, side.max(32), side.max(32)]),
            other => (other, [1, side, side]),
        }
    }
}
