//! Squares cut out of pictures.

use anyhow::Result;

use super::{Bounds, Photo};

impl Bounds {
    /// The square of a picture around the middle of the box, as [`Photo::square_around`] cuts it out.
    ///
    /// # Errors
    /// When the box is not one, or the square is larger than a picture may be.
    pub fn crop(&self, photo: &Photo, margin: f32) -> Result<Photo> {
        photo.square_around([self.left, self.top, self.right, self.bottom], margin)
    }
}
