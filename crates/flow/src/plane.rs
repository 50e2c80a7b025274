//! Pictures of one value a pixel.

use anyhow::{Result, ensure};

/// One finite value a pixel, [height, width], row by row from the top left. Neither side is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl Plane {
    /// A plane of `height * width` values. Grey pictures go from 0 to 255.
    ///
    /// # Errors
    /// A side of 0, another number of values, a value that is not finite (its row and column are named).
    pub fn new(height: usize, width: usize, values: Vec<f32>) -> Result<Self> {
        ensure!(height > 0 && width > 0, "a picture of {height}x{width} has no pixels; both sides must be at least 1");
        let expected = height.checked_mul(width);
        ensure!(expected == Some(values.len()), "a picture of {height}x{width} cannot have {} values", values.len());
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            anyhow::bail!("row {}, column {}: {} is no grey value; it must be finite", i / width, i % width, values[i]);
        }
        Ok(Self { height, width, values })
    }

    /// A grey picture of bytes, [height, width].
    ///
    /// # Errors
    /// A side of 0, or another number of bytes.
    pub fn from_bytes(height: usize, width: usize, bytes: &[u8]) -> Result<Self> {
        Self::new(height, width, bytes.iter().map(|&b| f32::from(b)).collect())
    }

    /// What `value(row, column)` gives. The caller answers for finite values and sides above 0.
    pub(crate) fn from_fn(height: usize, width: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let values = (0..height * width).map(|i| value(i / width, i % width)).collect();
        Self { height, width, values }
    }

    pub(crate) fn zeros(height: usize, width: usize) -> Self {
        Self { height, width, values: vec![0.0; height * width] }
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows and columns.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// One row of `width` values. Panics unless `y < height`.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..][..self.width]
    }

    /// The value at row `y` and column `x`. Panics outside.
    pub fn at(&self, y: usize, x: usize) -> f32 {
        self.row(y)[x]
    }

    /// Left and right exchanged.
    pub fn mirrored(&self) -> Self {
        Self::from_fn(self.height, self.width, |y, x| self.at(y, self.width - 1 - x))
    }
}

/// The motion of every pixel: what stands at (x, y) in the first picture stands at (x + u, y + v) in the second.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub(crate) u: Plane,
    pub(crate) v: Plane,
}

impl Flow {
    /// A flow from its components, in pixels to the right and downwards.
    ///
    /// # Errors
    /// Components of two sizes.
    pub fn new(u: Plane, v: Plane) -> Result<Self> {
        let (of_u, of_v) = (u.size(), v.size());
        ensure!(
            of_u == of_v,
            "u has {}x{} values, v {}x{}; a flow has as many of both",
            of_u.0,
            of_u.1,
            of_v.0,
            of_v.1
        );
        Ok(Self { u, v })
    }

    /// The motion to the right, in pixels.
    pub fn u(&self) -> &Plane {
        &self.u
    }

    /// The motion downwards, in pixels.
    pub fn v(&self) -> &Plane {
        &self.v
    }

    /// The mean length of the motion, in pixels.
    pub fn mean_motion(&self) -> f64 {
        let lengths = self.u.values.iter().zip(&self.v.values).map(|(&u, &v)| f64::from(u).hypot(v.into()));
        lengths.sum::<f64>() / self.u.values.len() as f64
    }
}
