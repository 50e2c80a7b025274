//! Borders around a picture, and the arithmetic of windows that slide over it.

use anyhow::{Result, ensure};
use ferrotype_kernels::Padding;

/// How much border a window layer adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingRule {
    /// So many pixels on each side. All zero is TensorFlow's VALID.
    Explicit(Padding),
    /// TensorFlow's SAME: the output has `ceil(size / stride)` pixels, and where the border is odd the larger part
    /// stands after. Even kernels and strides above 1 so get asymmetric borders.
    Same,
}

impl PaddingRule {
    /// The same border on all sides.
    pub fn all(pixels: usize) -> Self {
        Self::Explicit(Padding { top: pixels, bottom: pixels, left: pixels, right: pixels })
    }

    /// The border for an input of this height and width.
    pub fn resolve(&self, [height, width]: [usize; 2], kernel: [usize; 2], stride: [usize; 2]) -> Padding {
        match *self {
            Self::Explicit(padding) => padding,
            Self::Same => {
                let (top, bottom) = same(height, kernel[0], stride[0]);
                let (left, right) = same(width, kernel[1], stride[1]);
                Padding { top, bottom, left, right }
            }
        }
    }
}

/// TensorFlow's SAME border (before, after) along one axis.
fn same(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let needed = (size.div_ceil(stride).max(1) - 1) * stride + kernel;
    let total = needed.saturating_sub(size);
    (total / 2, total - total / 2)
}

/// The number of window positions per axis, or why none fits.
pub(super) fn positions(size: [usize; 2], kernel: [usize; 2], stride: [usize; 2], p: Padding) -> Result<[usize; 2]> {
    ensure!(kernel[0] > 0 && kernel[1] > 0, "has a kernel of {}x{}: sizes must be at least 1", kernel[0], kernel[1]);
    ensure!(stride[0] > 0 && stride[1] > 0, "has a stride of {}x{}: strides must be at least 1", stride[0], stride[1]);
    let padded = [size[0] + p.top + p.bottom, size[1] + p.left + p.right];
    ensure!(
        padded[0] >= kernel[0] && padded[1] >= kernel[1],
        "has a {}x{} window, but its input is {}x{} ({}x{} with its border): give the network larger pictures \
         (`data.preprocess.size`)",
        kernel[0],
        kernel[1],
        size[0],
        size[1],
        padded[0],
        padded[1]
    );
    Ok([(padded[0] - kernel[0]) / stride[0] + 1, (padded[1] - kernel[1]) / stride[1] + 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs that `tf.nn.conv2d(padding="SAME")` uses.
    #[test]
    fn same_pads_more_after_than_before() {
        assert_eq!(same(61, 4, 1), (1, 2));
        assert_eq!(same(84, 8, 2), (3, 3));
        assert_eq!(same(21, 4, 2), (1, 2));
        assert_eq!(same(21, 2, 2), (0, 1));
        assert_eq!(same(60, 3, 2), (0, 1));
        assert_eq!(same(15, 3, 2), (1, 1));
        assert_eq!(same(60, 1, 2), (0, 0));
        assert_eq!(same(4, 3, 1), (1, 1));
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused() {
        let text = positions([2, 9], [3, 3], [1, 1], Padding::default()).unwrap_err().to_string();
        assert!(text.contains("3x3 window") && text.contains("2x9"), "{text}");
    }
}
