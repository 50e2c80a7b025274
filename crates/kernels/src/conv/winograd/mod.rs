//! Winograd F(4x4, 3x3) for 3x3 convolutions of stride 1 with one pixel of padding.
//!
//! An output tile of 4x4 needs 36 products for each pair of channels instead of 144: input tiles of 6x6 (`V`) and
//! weights (`U`) are transformed, multiplied at each of 36 "frequencies" as matrices over the channels (`M`), and
//! transformed back. For the weight gradient the output gradient takes the part of the weights (`Z`) and the sum
//! runs over the tiles (`D`).
//!
//! Inside, `LANES` channels lie next to each other, so that all transforms are plain vector code for any height and
//! width; rows are transposed on the way in and out. Channels that do not fill a vector are zeros.

mod filter;
mod forward;
mod products;
mod rows;
mod transform;
mod weight;
mod wide;

pub(crate) use forward::{backward_data, forward};
pub(crate) use weight::backward_weight;

use super::{Conv2d, Padding};
use crate::{Isa, simd};

/// Frequencies of a tile.
const FREQUENCIES: usize = 36;

/// Whether the convolution has the form that this module does, and channels enough to pay for the transforms.
pub(crate) fn applies(c: &Conv2d, isa: Isa) -> bool {
    let one = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    let form = c.kernel == [3, 3] && c.stride == [1, 1] && c.padding == one && c.groups == 1;
    let lanes = simd::lanes(isa);
    form && c.in_channels.min(c.out_channels) >= 4 && 4 * c.in_channels * c.out_channels > lanes * lanes
}

/// The tiles of a batch, counted in rows of tiles over all images.
#[derive(Clone, Copy)]
struct Grid {
    height: usize,
    width: usize,
    /// Rows of tiles of an image.
    high: usize,
    /// Tiles of a row.
    wide: usize,
    /// Rows of tiles of the batch.
    rows: usize,
}

impl Grid {
    fn new(c: &Conv2d) -> Self {
        let high = c.height.div_ceil(4);
        Self { height: c.height, width: c.width, high, wide: c.width.div_ceil(4), rows: c.batch * high }
    }

    /// Image and row of tiles within it.
    fn place(&self, row: usize) -> (usize, usize) {
        (row / self.high, row % self.high)
    }

    /// Pixels of a channel.
    fn size(&self) -> usize {
        self.height * self.width
    }
}

/// Floats between frequencies of a transformed buffer whose frequencies hold `floats` each. The extra line keeps the
/// 36 streams of a tile out of one another's cache sets.
fn spacing(floats: usize) -> usize {
    floats.next_multiple_of(16) + 16
}
