//! Gradient boosted trees for two classes (Friedman, Annals of Statistics 29, 2001), as scikit-learn's
//! `GradientBoostingClassifier` with log loss, `friedman_mse` and all rows in each tree.
//!
//! Where several splits are equally good, the first feature and the lowest threshold win (scikit-learn lets its random
//! state choose). Features stay f64 (scikit-learn rounds them to f32).

mod tree;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::logistic::sigmoid;
use crate::matrix::{Matrix, check_labels, check_width};
use tree::{Grower, Tree};

/// Settings of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostingOptions {
    /// Number of trees.
    pub trees: usize,
    /// Splits on the longest way from a root to a leaf.
    pub depth: usize,
    /// Share of each tree's correction that is applied, above 0.
    pub learning_rate: f64,
    /// Rows that each leaf has at least.
    pub smallest_leaf: usize,
}

impl Default for BoostingOptions {
    /// scikit-learn's defaults.
    fn default() -> Self {
        Self { trees: 100, depth: 3, learning_rate: 0.1, smallest_leaf: 1 }
    }
}

impl BoostingOptions {
    fn check(&self) -> Result<()> {
        let rate = self.learning_rate;
        ensure!(rate.is_finite() && rate > 0.0, "the learning rate of boosting is {rate}: it must be above 0");
        ensure!((1..=100_000).contains(&self.trees), "boosting with {} trees: 1 to 100000 are possible", self.trees);
        ensure!((1..=30).contains(&self.depth), "trees of depth {}: 1 to 30 are possible", self.depth);
        ensure!(self.smallest_leaf > 0, "leaves cannot have 0 rows: 1 is the smallest");
        Ok(())
    }
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boosting {
    /// Number of features.
    features: usize,
    /// Log odds of the positive class among the training rows.
    prior: f64,
    learning_rate: f64,
    trees: Vec<Tree>,
}

impl Boosting {
    /// Fits rows whose label says whether they are of the positive class.
    ///
    /// # Errors
    /// When the labels are not one per row or all the same, or an option is out of range.
    pub fn fit(rows: &Matrix, labels: &[bool], options: &BoostingOptions) -> Result<Self> {
        check_labels(rows, labels)?;
        options.check()?;
        let truth: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        let share = truth.iter().sum::<f64>() / truth.len() as f64;
        let prior = (share / (1.0 - share)).ln();
        let mut decisions = vec![prior; truth.len()];
        let grower = Grower::new(rows, options.depth, options.smallest_leaf);
        let mut trees = Vec::with_capacity(options.trees);
        for _ in 0..options.trees {
            let residuals: Vec<f64> = truth.iter().zip(&decisions).map(|(y, f)| y - sigmoid(*f)).collect();
            // One Newton step per leaf (Friedman's TreeBoost).
            let value = |members: &[usize]| {
                let step: f64 = members.iter().map(|&i| residuals[i]).sum();
                let curvature: f64 =
                    members.iter().map(|&i| (truth[i] - residuals[i]) * (1.0 - truth[i] + residuals[i])).sum();
                if curvature.abs() < 1e-150 { 0.0 } else { step / curvature }
            };
            let tree = grower.grow(&residuals, &value);
            decisions.iter_mut().zip(rows.iter()).for_each(|(f, row)| *f += options.learning_rate * tree.value(row));
            trees.push(tree);
        }
        Ok(Self { features: rows.columns(), prior, learning_rate: options.learning_rate, trees })
    }

    /// Log odds of the positive class.
    ///
    /// # Errors
    /// When the row does not have the features that the model was fitted on.
    pub fn decision(&self, row: &[f64]) -> Result<f64> {
        check_width(row, self.features)?;
        Ok(self.trees.iter().fold(self.prior, |sum, tree| sum + self.learning_rate * tree.value(row)))
    }

    /// Probability of the positive class.
    ///
    /// # Errors
    /// As [`Self::decision`].
    pub fn probability(&self, row: &[f64]) -> Result<f64> {
        Ok(sigmoid(self.decision(row)?))
    }

    /// Number of features that the model was fitted on.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Checks values that were read from a file.
    pub(crate) fn check(&self) -> Result<()> {
        self.trees.iter().try_for_each(|tree| tree.check(self.features))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tests::drawn;

    fn label(row: &[f64]) -> bool {
        row[0] * row[1] + 0.4 * row[2] + 0.3 * (9.0 * row[3]).sin() > 0.1
    }

    #[test]
    fn probabilities_are_scikit_learns() {
        // X, T = draw(150, 4, 1.3), draw(8, 4, 2.1)
        // y = X[:, 0] * X[:, 1] + .4 * X[:, 2] + .3 * np.sin(9 * X[:, 3]) > .1
        // GradientBoostingClassifier(n_estimators=n, max_depth=d, learning_rate=r, min_samples_leaf=m, random_state=0)
        //     .fit(X, y).predict_proba(T)[:, 1]; random states 1 to 5 give the same, so no ties decide
        let (rows, test) = (drawn(150, 4, 1.3), drawn(8, 4, 2.1));
        let labels: Vec<bool> = rows.iter().map(label).collect();
        let cases = [
            (
                20,
                1,
                0.3,
                1,
                [
                    0.4716680267806099,
                    0.49978384769323686,
                    0.46529692709840836,
                    0.6876289313178655,
                    0.284153832436204,
                    0.4154447121958481,
                    0.38335988502919827,
                    0.4462341576417012,
                ],
            ),
            (
                30,
                2,
                0.1,
                5,
                [
                    0.27349638091606976,
                    0.3796513265219994,
                    0.4195131102811277,
                    0.7682656597587771,
                    0.5431111669209648,
                    0.41168106070133054,
                    0.20524260609700848,
                    0.16219242386443125,
                ],
            ),
            (
                40,
                3,
                0.2,
                10,
                [
                    0.07125537535591273,
                    0.4332035826582948,
                    0.030489173950437033,
                    0.9897508413857562,
                    0.8174814567238561,
                    0.6298540996220938,
                    0.0706382636338583,
                    0.01779626848011067,
                ],
            ),
        ];
        for (trees, depth, learning_rate, smallest_leaf, theirs) in cases {
            let options = BoostingOptions { trees, depth, learning_rate, smallest_leaf };
            let model = Boosting::fit(&rows, &labels, &options).unwrap();
            let ours: Vec<f64> = test.iter().map(|row| model.probability(row).unwrap()).collect();
            ours.iter()
                .zip(&theirs)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{options:?} {ours:?} {theirs:?}"));
        }
    }

    #[test]
    fn ties_go_to_the_first_feature_and_equal_rows_end_the_tree() {
        let rows = Matrix::from_rows(&[[0.0, 0.0, 5.0], [1.0, 1.0, 5.0], [2.0, 2.0, 5.0]]).unwrap();
        let options = BoostingOptions { trees: 1, ..BoostingOptions::default() };
        let model = Boosting::fit(&rows, &[false, true, true], &options).unwrap();
        assert_eq!(model.decision(&[0.6, 0.0, 0.0]).unwrap(), model.decision(&[2.0, 2.0, 5.0]).unwrap());
        assert!(model.decision(&[0.4, 9.0, 9.0]).unwrap() < model.decision(&[0.6, 0.0, 0.0]).unwrap());
        let same = Matrix::from_rows(&[[1.0], [1.0]]).unwrap();
        let model = Boosting::fit(&same, &[false, true], &options).unwrap();
        assert_eq!(model.probability(&[7.0]).unwrap(), 0.5);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows = Matrix::from_rows(&[[0.0], [1.0]]).unwrap();
        let said = |labels: &[bool], options| Boosting::fit(&rows, labels, &options).unwrap_err().to_string();
        let plain = BoostingOptions::default();
        assert!(said(&[true, true], plain).contains("of one class"));
        assert!(said(&[true, false], BoostingOptions { trees: 0, ..plain }).contains("0 trees"));
        assert!(said(&[true, false], BoostingOptions { depth: 0, ..plain }).contains("depth 0"));
        assert!(said(&[true, false], BoostingOptions { learning_rate: 0.0, ..plain }).contains("above 0"));
        assert!(said(&[true, false], BoostingOptions { smallest_leaf: 0, ..plain }).contains("0 rows"));
        let model = Boosting::fit(&rows, &[true, false], &plain).unwrap();
        assert!(model.decision(&[1.0, 2.0]).unwrap_err().to_string().contains("2 features"));
    }
}
