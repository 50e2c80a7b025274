//! Networks at sizes that tests can afford, for the tests of the crates above.

use super::{microx, microx_gap};
use crate::ModelOptions;

impl ModelOptions {
    /// The network at a size that tests can afford, and its input: one plane of this side, or for networks of clips two
    /// parts of two frames.
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
            other => (other, [1, side, side]),
        }
    }
}
