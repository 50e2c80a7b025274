//! Whether two models differ on the same rows.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::Predictions;
use super::statistics::binomial_half;

/// McNemar's exact test of two models on the rows that both have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Rows that both models scored.
    pub n: u64,
    /// Rows that only the first model has right.
    pub only_first: u64,
    /// Rows that only the second model has right.
    pub only_second: u64,
    /// Two-sided exact probability of so uneven a division, were the models equally good.
    pub p: f64,
}

/// Compares two models by the rows that one has right and the other wrong.
///
/// # Errors
/// When the class names differ, a row has two truths, or no row is common.
pub fn mcnemar(first: &Predictions, second: &Predictions) -> Result<McNemar> {
    first.check()?;
    second.check()?;
    ensure!(
        first.classes == second.classes,
        "predictions over different classes cannot be compared: {:?} and {:?}",
        first.classes,
        second.classes
    );
    let by_row: HashMap<u32, usize> = first.rows.iter().enumerate().map(|(i, &row)| (row, i)).collect();
    let (mut n, mut only_first, mut only_second) = (0, 0, 0);
    for (j, row) in second.rows.iter().enumerate() {
        let Some(&i) = by_row.get(row) else { continue };
        ensure!(first.truth[i] == second.truth[j], "row {row} has another true class in the second predictions");
        n += 1;
        match (first.predicted(i) == first.truth[i], second.predicted(j) == second.truth[j]) {
            (true, false) => only_first += 1,
            (false, true) => only_second += 1,
            _ => {}
        }
    }
    ensure!(n > 0, "the two models were not scored on any common row");
    Ok(McNemar { n, only_first, only_second, p: binomial_half(only_first, only_first + only_second) })
}
