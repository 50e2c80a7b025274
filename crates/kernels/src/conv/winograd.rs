//! Winograd convolutions of stride 1: F(4x4, 3x3), F(3x3, 4x4) and F(2x2, 5x5).
//!
//! An output tile of 4x4 (3x3 kernel), 3x3 (4x4) or 2x2 (5x5) needs 36 products for each pair of channels instead of
//! 144 or 100. Input tiles of 6x6 (`V`) and weights (`U`) are transformed, multiplied at each of 36 "frequencies" as
//! matrices over the channels (`M`), and transformed back. For the weight gradient the output gradient takes the part
//! of the weights (`Z`) and the sum runs over the tiles (`D`). All forms use the points 0, 1, -1, 2, -2 and infinity
//! and so the same input transform.
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

/// Whether the convolution has a form that this module does, and channels enough to pay for the transforms.
pub(crate) fn applies(c: &Conv2d, isa: Isa) -> bool {
    let k = c.kernel[0];
    let Padding { top, bottom, left, right } = c.padding;
    let padded = [top, bottom, left, right].iter().all(|p| *p < k);
    let form = (3..=5).contains(&k) && c.kernel[1] == k && c.stride == [1, 1] && padded && c.groups == 1;
    let lanes = simd::lanes(isa);
    form && c.in_channels.min(c.out_channels) >= 4 && 4 * c.in_channels * c.out_channels > lanes * lanes
}

/// Rows and columns of images.
#[derive(Clone, Copy)]
struct Extent {
    height: usize,
    width: usize,
}

impl Extent {
    /// Pixels of a channel.
    fn size(&self) -> usize {
        self.height * self.width
    }
}

/// The tiles of a batch, counted in rows of tiles over all images.
#[derive(Clone, Copy)]
struct Grid {
    input: Extent,
    output: Extent,
    /// Zero rows and columns before the input.
    top: usize,
    left: usize,
    /// Rows and columns of an output tile.
    tile: usize,
    /// Rows of tiles of an image.
    high: usize,
    /// Tiles of a row.
    wide: usize,
    /// Rows of tiles of the batch.
    rows: usize,
}

impl Grid {
    fn new(batch: usize, kernel: usize, input: Extent, output: Extent, (top, left): (usize, usize)) -> Self {
        let tile = 7 - kernel;
        let (high, wide) = (output.height.div_ceil(tile), output.width.div_ceil(tile));
        Self { input, output, top, left, tile, high, wide, rows: batch * high }
    }

    /// The tiles of the output.
    fn forward(c: &Conv2d) -> Self {
        let (input, output) = extents(c);
        Self::new(c.batch, c.kernel[0], input, output, (c.padding.top, c.padding.left))
    }

    /// The tiles of the input gradient.
    fn backward(c: &Conv2d) -> Self {
        let (input, output) = extents(c);
        let last = c.kernel[0] - 1;
        Self::new(c.batch, c.kernel[0], output, input, (last - c.padding.top, last - c.padding.left))
    }

    /// Image and row of tiles within it.
    fn place(&self, row: usize) -> (usize, usize) {
        (row / self.high, row % self.high)
    }
}

/// Input and output of a convolution.
fn extents(c: &Conv2d) -> (Extent, Extent) {
    let input = Extent { height: c.height, width: c.width };
    (input, Extent { height: c.out_height(), width: c.out_width() })
}

/// Floats between frequencies of a transformed buffer whose frequencies hold `floats` each. The extra line keeps the
/// 36 streams of a tile out of one another's cache sets.
fn spacing(floats: usize) -> usize {
    floats.next_multiple_of(16) + 16
}
