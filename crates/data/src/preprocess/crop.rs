//! Which square of a larger picture the network sees (`data.preprocess.crop_from`).

/// A square of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crop {
    /// The one in the middle, as torchvision's `CenterCrop`.
    #[default]
    Middle,
    /// One whose first pixel is this row and column.
    At([usize; 2]),
    /// One at a corner.
    Corner {
        /// At the lower edge rather than the upper one.
        lower: bool,
        /// At the right edge rather than the left one.
        right: bool,
    },
}

impl Crop {
    /// torchvision's `FiveCrop`: the corners and the middle.
    pub const FIVE: [Self; 5] = [
        Self::Corner { lower: false, right: false },
        Self::Corner { lower: false, right: true },
        Self::Corner { lower: true, right: false },
        Self::Corner { lower: true, right: true },
        Self::Middle,
    ];

    /// Row and column of the first pixel of a square of `size` in one of `frame` pixels.
    pub fn first(self, frame: usize, size: usize) -> [usize; 2] {
        let spare = frame - size;
        match self {
            // Python's `round`, which torchvision takes, goes to the even number.
            Self::Middle => [(spare as f64 / 2.0).round_ties_even() as usize; 2],
            Self::At(first) => first.map(|at| at.min(spare)),
            Self::Corner { lower, right } => [lower, right].map(|far| if far { spare } else { 0 }),
        }
    }

    /// The square of `size` pixels of planes `[channels, frame, frame]`.
    pub(super) fn cut(self, planes: Vec<f32>, frame: usize, size: usize) -> Vec<f32> {
        if frame == size {
            return planes;
        }
        let [row, column] = self.first(frame, size);
        let lines = |plane: &[f32]| -> Vec<f32> {
            plane
                .chunks_exact(frame)
                .skip(row)
                .take(size)
                .flat_map(|line| &line[column..column + size])
                .copied()
                .collect()
        };
        planes.chunks_exact(frame * frame).flat_map(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// from torchvision.transforms.functional import ten_crop
    /// for n, size in (5, 2), (6, 3), (7, 2):
    ///     print([int(c[0, 0, 0]) for c in ten_crop(torch.arange(n * n).reshape(1, n, n), size)[:5]])
    /// ```
    #[test]
    fn five_crops_are_torchvisions() {
        for (n, size, firsts) in [(5, 2, [0, 3, 15, 18, 12]), (6, 3, [0, 3, 18, 21, 14]), (7, 2, [0, 5, 35, 40, 16])] {
            let planes: Vec<f32> = (0..2 * n * n).map(|v| v as f32).collect();
            for (crop, first) in Crop::FIVE.into_iter().zip(firsts) {
                let cut = crop.cut(planes.clone(), n, size);
                assert_eq!(cut.len(), 2 * size * size);
                // Both planes, row by row.
                for (i, &value) in cut.iter().enumerate() {
                    let (plane, row, column) = (i / size / size, i / size % size, i % size);
                    assert_eq!(value as usize, plane * n * n + first + row * n + column, "{n} {size} {crop:?} {i}");
                }
            }
        }
        assert_eq!(Crop::At([1, 9]).cut((0..9).map(|v| v as f32).collect(), 3, 2), [4.0, 5.0, 7.0, 8.0]);
    }
}
