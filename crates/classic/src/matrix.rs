//! Rows of numbers that are known to be finite and of one length: what every classifier here is fitted on.

use anyhow::{Result, ensure};

/// A matrix, row-major: one row per sample, one column per feature. All values are finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    values: Vec<f64>,
    columns: usize,
}

impl Matrix {
    /// A matrix of these rows.
    ///
    /// # Errors
    /// When there are none, they are empty or of several lengths, or a value is not finite; rows and columns are
    /// counted from 1.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Result<Self> {
        let columns = rows.first().map_or(0, |row| row.as_ref().len());
        ensure!(columns > 0, "there are no rows of features");
        for (at, row) in rows.iter().enumerate() {
            let row = row.as_ref();
            ensure!(
                row.len() == columns,
                "row {} has {} features and the first row {columns}: all rows need the same",
                at + 1,
                row.len()
            );
            let odd = row.iter().position(|v| !v.is_finite());
            ensure!(
                odd.is_none(),
                "feature {} of row {} is {}: leave the row out or fill its gaps first",
                odd.map_or(0, |i| i + 1),
                at + 1,
                odd.map_or(0.0, |i| row[i])
            );
        }
        Ok(Self { values: rows.iter().flat_map(|row| row.as_ref()).copied().collect(), columns })
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// A row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.columns..(at + 1) * self.columns]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns)
    }

    /// The matrix with every row changed by `change`, which must keep values finite.
    pub(crate) fn mapped(&self, change: impl Fn(&mut [f64])) -> Self {
        let mut values = self.values.clone();
        values.chunks_exact_mut(self.columns).for_each(change);
        Self { values, columns: self.columns }
    }

    /// Scalar products of all rows with all rows, row-major: rows x rows.
    pub(crate) fn gram(&self) -> Vec<f64> {
        let n = self.rows();
        let mut gram = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                gram[i * n + j] = dot(self.row(i), self.row(j));
                gram[j * n + i] = gram[i * n + j];
            }
        }
        gram
    }
}

/// Scalar product, in four sums whose order is always the same.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (chunks_a, chunks_b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 4];
    for (a, b) in chunks_a.zip(chunks_b) {
        (0..4).for_each(|k| sums[k] += a[k] * b[k]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Says what is wrong with labels that a classifier of two classes cannot be fitted on.
///
/// # Errors
/// When they are not one per row, or all the same.
pub(crate) fn check_labels(rows: &Matrix, labels: &[bool]) -> Result<()> {
    ensure!(rows.rows() == labels.len(), "{} rows have {} labels: each row needs one", rows.rows(), labels.len());
    let positive = labels.iter().filter(|&&label| label).count();
    ensure!(
        positive > 0 && positive < labels.len(),
        "all {} rows are of one class: a classifier needs examples of both",
        labels.len()
    );
    Ok(())
}

/// Says so when a row does not have the features that a model was fitted on.
pub(crate) fn check_width(row: &[f64], expected: usize) -> Result<()> {
    ensure!(row.len() == expected, "a row has {} features and the model was fitted on {expected}", row.len());
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The Python behind the parity numbers of this crate draws its samples by the same rule:
    /// `draw = lambda n, d, k: np.array([[np.float32(np.sin(k * (i + 1) + 0.7 * (j + 1) ** 2 + i * j)) for j in range(d)] for i in range(n)], float)`
    pub fn drawn(rows: usize, columns: usize, k: f64) -> Matrix {
        let value = |i: usize, j: usize| {
            let (row, column) = (i as f64 + 1.0, j as f64 + 1.0);
            f64::from((k * row + 0.7 * column * column + (i * j) as f64).sin() as f32)
        };
        let rows: Vec<Vec<f64>> = (0..rows).map(|i| (0..columns).map(|j| value(i, j)).collect()).collect();
        Matrix::from_rows(&rows).unwrap()
    }

    #[test]
    fn only_finite_rows_of_one_length_make_a_matrix() {
        let said = |rows: &[Vec<f64>]| Matrix::from_rows(rows).unwrap_err().to_string();
        assert!(said(&[]).contains("no rows"));
        assert!(said(&[vec![]]).contains("no rows"));
        assert!(said(&[vec![1.0, 2.0], vec![1.0]]).contains("row 2 has 1 features and the first row 2"));
        assert!(said(&[vec![1.0, 2.0], vec![1.0, f64::NAN]]).contains("feature 2 of row 2 is NaN"));
    }

    #[test]
    fn scalar_products_are_of_rows() {
        let matrix = drawn(4, 7, 1.0);
        let gram = matrix.gram();
        for i in 0..4 {
            for j in 0..4 {
                let plain: f64 = matrix.row(i).iter().zip(matrix.row(j)).map(|(a, b)| a * b).sum();
                assert!((gram[i * 4 + j] - plain).abs() < 1e-14);
            }
        }
    }
}
