//! What a model decided for each row: all that a comparison of two models needs.

use anyhow::{Result, bail, ensure};

use super::Predictions;

/// True and predicted class of each row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Class names.
    pub classes: Vec<String>,
    /// Row in the dataset per example.
    pub rows: Vec<u32>,
    /// True class per example.
    pub truth: Vec<usize>,
    /// Predicted class per example.
    pub predicted: Vec<usize>,
}

impl Decisions {
    /// The decisions in predictions.
    pub fn of(predictions: &Predictions) -> Self {
        Self {
            classes: predictions.classes.clone(),
            rows: predictions.rows.clone(),
            truth: predictions.truth.clone(),
            predicted: (0..predictions.len()).map(|i| predictions.predicted(i)).collect(),
        }
    }

    /// The decisions of several folds as one set.
    ///
    /// # Errors
    /// When there is no fold, the classes differ, or a row stands in two folds.
    pub fn pool(folds: Vec<Self>) -> Result<Self> {
        let mut folds = folds.into_iter();
        let Some(mut all) = folds.next() else { bail!("there are no folds to pool") };
        for fold in folds {
            ensure!(fold.classes == all.classes, "the folds have different classes: they cannot be pooled");
            all.rows.extend(fold.rows);
            all.truth.extend(fold.truth);
            all.predicted.extend(fold.predicted);
        }
        all.check()?;
        Ok(all)
    }

    /// The same decisions with the classes in another order, matched by name.
    ///
    /// # Errors
    /// When the classes are others.
    pub fn in_order_of(&self, classes: &[String]) -> Result<Self> {
        let place = |name: &String| classes.iter().position(|c| c == name);
        let places: Option<Vec<usize>> = self.classes.iter().map(place).collect();
        let Some(places) = places.filter(|_| self.classes.len() == classes.len()) else {
            bail!(
                "they know different classes and cannot be compared: {} against {}",
                classes.join(", "),
                self.classes.join(", ")
            );
        };
        let moved = |of: &[usize]| of.iter().map(|&c| places[c]).collect();
        Ok(Self {
            classes: classes.to_vec(),
            rows: self.rows.clone(),
            truth: moved(&self.truth),
            predicted: moved(&self.predicted),
        })
    }

    /// Whether the parts fit each other.
    ///
    /// # Errors
    /// When there are no rows, a class does not exist, or a row stands there twice.
    pub fn check(&self) -> Result<()> {
        let (n, k) = (self.rows.len(), self.classes.len());
        ensure!(n > 0, "there are no predictions to compare");
        ensure!(self.truth.len() == n && self.predicted.len() == n, "{n} rows need {n} true and predicted classes");
        ensure!(self.truth.iter().chain(&self.predicted).all(|&c| c < k), "a class does not exist: there are only {k}");
        let mut sorted = self.rows.clone();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => bail!("row {} was scored twice", pair[0]),
            None => Ok(()),
        }
    }
}
