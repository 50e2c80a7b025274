//! Between maps and tokens: the same values in another order, and a vector that is added to every row.

use crate::Isa;
use crate::lanes::vectorize;
use crate::parallel::for_each_pair;

/// Maps `[batch, channels, height, width]` as tokens `[batch, height * width, channels]`. Tokens stand block by block
/// (both row by row), and within a block row by row; a block as large as the map gives the map's own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tokens {
    /// Examples.
    pub batch: usize,
    /// Planes of the map: features of a token.
    pub channels: usize,
    /// Rows of the map.
    pub height: usize,
    /// Columns of the map.
    pub width: usize,
    /// Rows and columns of a block; they divide those of the map.
    pub block: [usize; 2],
}

impl Tokens {
    /// Tokens of a map.
    ///
    /// # Panics
    /// When the slice has not the length that the shape says, or the blocks do not fit.
    pub fn from_map(&self, x: &[f32]) -> Vec<f32> {
        self.rearranged(x, |x, y, pixels| {
            let area = pixels.len();
            for (token, &pixel) in y.chunks_exact_mut(self.channels).zip(pixels) {
                token.iter_mut().zip(x[pixel..].iter().step_by(area)).for_each(|(to, from)| *to = *from);
            }
        })
    }

    /// The map of tokens: the inverse of [`Tokens::from_map`], and its gradient.
    ///
    /// # Panics
    /// When the slice has not the length that the shape says, or the blocks do not fit.
    pub fn to_map(&self, x: &[f32]) -> Vec<f32> {
        self.rearranged(x, |x, y, pixels| {
            let area = pixels.len();
            for (token, &pixel) in x.chunks_exact(self.channels).zip(pixels) {
                y[pixel..].iter_mut().step_by(area).zip(token).for_each(|(to, from)| *to = *from);
            }
        })
    }

    fn rearranged(&self, x: &[f32], each: impl Fn(&[f32], &mut [f32], &[usize]) + Send + Sync) -> Vec<f32> {
        let Self { batch, channels, height, width, block } = *self;
        let len = channels * height * width;
        assert_eq!(x.len(), batch * len, "input of {self:?}");
        let fits = block.iter().all(|&b| b > 0) && height.is_multiple_of(block[0]) && width.is_multiple_of(block[1]);
        assert!(fits, "blocks of {self:?}");
        let pixels = self.pixels();
        let mut y = vec![0.0; x.len()];
        let mut units = vec![(); batch];
        for_each_pair(x.len(), &mut y, &mut units, [len, 1], |example, y, _| {
            each(&x[example * len..][..len], y, &pixels);
        });
        y
    }

    /// Where in a plane each token stands.
    fn pixels(&self) -> Vec<usize> {
        let [rows, columns] = self.block;
        let mut pixels = Vec::with_capacity(self.height * self.width);
        for top in (0..self.height).step_by(rows) {
            for left in (0..self.width).step_by(columns) {
                for row in top..top + rows {
                    pixels.extend((left..left + columns).map(|column| row * self.width + column));
                }
            }
        }
        pixels
    }
}

/// `y[r] = x[r] + row` for each row of `x`, whose length is that of `row`. The gradient of `row` is
/// [`column_sums`](crate::owned::column_sums) of that of `y`.
///
/// # Panics
/// When `x` is not made of whole rows.
pub fn add_to_each(isa: Isa, x: &[f32], row: &[f32]) -> Vec<f32> {
    let n = row.len();
    assert!(n > 0 && x.len().is_multiple_of(n), "{} values are no rows of {n}", x.len());
    let mut y = x.to_vec();
    let mut units = vec![(); x.len() / n];
    for_each_pair(x.len(), &mut y, &mut units, [n, 1], |_, y, _| {
        vectorize(
            isa,
            #[inline(always)]
            |_| y.iter_mut().zip(row).for_each(|(y, v)| *y += v),
        );
    });
    y
}
