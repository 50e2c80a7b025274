//! Values that were computed from pictures beforehand and stand for them.

use anyhow::{Context, Result, ensure};

/// For each example one block of values per augmented view: features of a frozen network, or a teacher's answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Examples (indices into the labels), ascending.
    examples: Vec<u32>,
    /// `[examples, views, shape]`.
    values: Vec<f32>,
    /// `[channels, height, width]` of one block.
    shape: [usize; 3],
    views: usize,
}

impl Stored {
    /// Blocks of `shape`, in the order of the examples, which ascend; the views of an example stand side by side.
    ///
    /// # Errors
    /// When the number of values does not fit.
    pub fn new(examples: Vec<u32>, values: Vec<f32>, shape: [usize; 3], views: usize) -> Result<Self> {
        let wanted = examples.len() * views * shape.iter().product::<usize>();
        ensure!(
            views > 0 && values.len() == wanted,
            "{} stored values for {} examples, {views} views and {shape:?}: {wanted} are needed",
            values.len(),
            examples.len()
        );
        ensure!(examples.is_sorted_by(|a, b| a < b), "stored examples must ascend");
        Ok(Self { examples, values, shape, views })
    }

    /// `[channels, height, width]` of one block.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The block that stands for an example in an epoch; `earlier` counts its visits before this one.
    ///
    /// # Errors
    /// When nothing was stored for the example.
    pub fn block(&self, example: u32, epoch: u64, earlier: u32) -> Result<&[f32]> {
        let at = self.examples.binary_search(&example).ok();
        let at = at.with_context(|| format!("nothing was stored for example {example}"))?;
        let length: usize = self.shape.iter().product();
        let start = (at * self.views + view(epoch, earlier, self.views as u64) as usize) * length;
        Ok(&self.values[start..start + length])
    }

    /// Whether something was stored for all of these examples.
    pub fn covers(&self, examples: &[u32]) -> bool {
        examples.iter().all(|e| self.examples.binary_search(e).is_ok())
    }
}

/// Which of so many views a visit is given.
pub(super) fn view(epoch: u64, earlier: u32, views: u64) -> u64 {
    (epoch + u64::from(earlier)) % views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_take_turns() {
        let values = (0..2 * 3 * 2).map(|v| v as f32).collect();
        let stored = Stored::new(vec![4, 9], values, [2, 1, 1], 3).unwrap();
        assert_eq!(stored.block(9, 0, 0).unwrap(), [6.0, 7.0]);
        assert_eq!(stored.block(9, 4, 0).unwrap(), [8.0, 9.0]);
        assert_eq!(stored.block(9, 4, 2).unwrap(), [6.0, 7.0]);
        assert!(stored.block(5, 0, 0).is_err() && stored.covers(&[9, 4]) && !stored.covers(&[5]));
        assert!(Stored::new(vec![1], vec![0.0; 5], [2, 1, 1], 3).is_err());
        assert!(Stored::new(vec![2, 1], vec![0.0; 2], [1, 1, 1], 1).is_err());
    }
}
