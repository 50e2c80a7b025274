//! Max, average and global average pooling. One unit of work is a few planes.

mod average;
mod global;
mod max;
mod phases;
mod tiles;

pub use global::{global_average_backward, global_average_forward};

use crate::conv::Padding;

/// The shape of a pooling: `x [batch, channels, height, width]`, `y [batch, channels, out_height, out_width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pool2d {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// Window rows and columns.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Padding; less than the window on each side, so that every window holds a pixel.
    pub padding: Padding,
}

impl Pool2d {
    /// Output rows.
    pub fn out_height(&self) -> usize {
        (self.height + self.padding.top + self.padding.bottom - self.kernel[0]) / self.stride[0] + 1
    }

    /// Output columns.
    pub fn out_width(&self) -> usize {
        (self.width + self.padding.left + self.padding.right - self.kernel[1]) / self.stride[1] + 1
    }

    /// Whether this is the pooling of VGG: 2x2 windows side by side, without padding.
    fn is_halving(&self) -> bool {
        self.kernel == [2, 2] && self.stride == [2, 2] && self.padding == Padding::default()
    }

    fn planes(&self) -> usize {
        self.batch * self.channels
    }

    fn in_plane(&self) -> usize {
        self.height * self.width
    }

    fn out_plane(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// # Panics
    /// When the shape makes no sense or a tensor has another length.
    fn check(&self, input: usize, output: usize) {
        let [kh, kw] = self.kernel;
        let p = self.padding;
        assert!(kh > 0 && kw > 0 && self.stride[0] > 0 && self.stride[1] > 0, "empty window or stride");
        assert!(p.top < kh && p.bottom < kh && p.left < kw && p.right < kw, "a window would hold padding only");
        assert!(self.height > 0 && self.width > 0, "empty image");
        assert!(self.height + p.top + p.bottom >= kh && self.width + p.left + p.right >= kw, "window beyond the image");
        assert_eq!(input, self.planes() * self.in_plane(), "length of the input or its gradient");
        assert_eq!(output, self.planes() * self.out_plane(), "length of the output or its gradient");
    }

    /// The window rows within the image at output row `oy`.
    fn rows(&self, oy: usize) -> Taps {
        Taps::new(oy * self.stride[0], self.padding.top, self.kernel[0], self.height)
    }

    /// The window columns within the image at output column `ox`.
    fn cols(&self, ox: usize) -> Taps {
        Taps::new(ox * self.stride[1], self.padding.left, self.kernel[1], self.width)
    }
}

/// The part of a window that lies within the image, along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taps {
    /// The first window position inside.
    first: usize,
    /// One beyond the last.
    end: usize,
    /// Where window position 0 lies, in padded coordinates.
    origin: usize,
    /// Padding before the image.
    before: usize,
}

impl Taps {
    fn new(origin: usize, before: usize, kernel: usize, size: usize) -> Self {
        Self { first: before.saturating_sub(origin), end: kernel.min(size + before - origin), origin, before }
    }

    /// Positions within the image.
    fn count(self) -> usize {
        self.end - self.first
    }

    /// The input index of window position `k`, which must lie inside.
    fn input(self, k: usize) -> usize {
        self.origin + k - self.before
    }
}
