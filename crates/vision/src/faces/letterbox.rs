//! A picture of any size in the frame that a detector takes, and the way back.

use ferrotype_data::preprocess::{Picture, resample};

use super::Bounds;

/// How a picture lies in a frame: scaled, its proportions kept, at the upper left corner; the rest is padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Width and height of the frame.
    pub frame: [usize; 2],
    /// Width and height of the picture within it.
    pub inner: [usize; 2],
    /// Width and height of the picture itself.
    pub picture: [usize; 2],
}

impl Letterbox {
    /// As large as fits into a frame of this width and height.
    pub fn into_frame(width: usize, height: usize, frame: [usize; 2]) -> Self {
        let scale = (frame[0] as f64 / width as f64).min(frame[1] as f64 / height as f64);
        let inner = [scaled(width, scale).min(frame[0]), scaled(height, scale).min(frame[1])];
        Self { frame, inner, picture: [width, height] }
    }

    /// Its longer side at most `side` (never enlarged), in the smallest frame whose sides are multiples of `multiple`.
    pub fn within(width: usize, height: usize, side: usize, multiple: usize) -> Self {
        let scale = (side as f64 / width.max(height) as f64).min(1.0);
        let inner = [scaled(width, scale), scaled(height, scale)];
        Self { frame: inner.map(|s| s.next_multiple_of(multiple)), inner, picture: [width, height] }
    }

    /// A point of the frame, in pixels of the picture. The two axes are rounded to whole pixels each, so their scales
    /// differ a little.
    pub fn back(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let along = |v: f32, axis: usize| (f64::from(v) * self.picture[axis] as f64 / self.inner[axis] as f64) as f32;
        [along(x, 0), along(y, 1)]
    }

    /// A box of the frame, in pixels of the picture.
    pub fn back_bounds(&self, b: &Bounds) -> Bounds {
        let [left, top] = self.back([b.left, b.top]);
        let [right, bottom] = self.back([b.right, b.bottom]);
        Bounds { left, top, right, bottom }
    }

    /// The frame as `[3, height, width]` in 0..255, RGB, with `padding` around the picture.
    pub fn fill(&self, picture: &Picture, padding: f32) -> Vec<f32> {
        let [width, height] = self.inner;
        let planes = resample(picture, height, width);
        let mut out = vec![padding; 3 * self.frame[0] * self.frame[1]];
        for (channel, plane) in out.chunks_exact_mut(self.frame[0] * self.frame[1]).enumerate() {
            let from = channel.min(picture.channels - 1) * width * height;
            let lines = planes[from..from + width * height].chunks_exact(width);
            for (line, values) in plane.chunks_exact_mut(self.frame[0]).zip(lines) {
                line[..width].copy_from_slice(values);
            }
        }
        out
    }
}

fn scaled(side: usize, scale: f64) -> usize {
    ((side as f64 * scale + 0.5).floor() as usize).max(1)
}
