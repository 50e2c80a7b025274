//! Principal components.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::eigen::symmetric;

/// Directions of the largest variance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Components {
    /// The mean, `[columns]`.
    pub mean: Vec<f64>,
    /// One direction of length 1 per component, `[components, columns]`, the largest variance first.
    pub directions: Vec<Vec<f64>>,
    /// Variance along each direction (of the sample: divided by rows - 1).
    pub variances: Vec<f64>,
    /// Sum of the variances of all columns.
    pub total_variance: f64,
}

impl Components {
    /// Learns `count` components (fewer, where there are fewer rows or columns) of `rows [rows, columns]`. The sign of a
    /// direction is such that its largest value is positive.
    ///
    /// # Errors
    /// When there are fewer than two rows or the values do not vary.
    pub fn fit(rows: &[f32], columns: usize, count: usize) -> Result<Self> {
        let n = rows.len() / columns.max(1);
        ensure!(n >= 2, "components are learned from at least 2 frames, and there are {n}");
        let x: Vec<f64> = rows.iter().map(|&v| f64::from(v)).collect();
        let mean: Vec<f64> = (0..columns).map(|c| x.iter().skip(c).step_by(columns).sum::<f64>() / n as f64).collect();
        let squares = |c: usize| x.iter().skip(c).step_by(columns).map(|v| (v - mean[c]).powi(2)).sum::<f64>();
        let total_variance = (0..columns).map(squares).sum::<f64>() / (n as f64 - 1.0);
        ensure!(
            total_variance > 1e-12,
            "the {columns} columns do not vary over the {n} training frames: there is nothing to reduce"
        );
        let centred: Vec<f64> = x.iter().enumerate().map(|(i, v)| v - mean[i % columns]).collect();
        let (mut directions, mut variances) = (Vec::new(), Vec::new());
        for (variance, direction) in axes(&centred, n, columns).into_iter().take(count.min(columns).min(n - 1)) {
            // What is left of directions without variance is noise of the computation.
            if variance > 1e-9 * total_variance {
                directions.push(oriented(direction));
                variances.push(variance);
            }
        }
        Ok(Self { mean, directions, variances, total_variance })
    }

    /// The first so many of them.
    pub fn first(mut self, count: usize) -> Self {
        self.directions.truncate(count);
        self.variances.truncate(count);
        self
    }

    /// The components of rows, `[rows, components]`.
    pub fn project(&self, rows: &[f32]) -> Vec<f32> {
        let along = |row: &[f32], d: &[f64]| {
            let centred = row.iter().zip(&self.mean).map(|(&v, m)| f64::from(v) - m);
            centred.zip(d).map(|(v, d)| v * d).sum::<f64>() as f32
        };
        let rows = rows.chunks_exact(self.mean.len());
        rows.flat_map(|row| self.directions.iter().map(move |d| along(row, d))).collect()
    }

    /// Rows as their components tell them, `[rows, columns]`.
    pub fn reconstruct(&self, projected: &[f32]) -> Vec<f32> {
        let value = |p: &[f32], c: usize| {
            let sum: f64 = p.iter().zip(&self.directions).map(|(&p, d)| f64::from(p) * d[c]).sum();
            (self.mean[c] + sum) as f32
        };
        let rows = projected.chunks_exact(self.directions.len().max(1));
        rows.flat_map(|p| (0..self.mean.len()).map(move |c| value(p, c))).collect()
    }
}

/// Variance and direction of each axis of centred rows. The matrix that is taken apart is that of the columns or that of
/// the rows, whichever is smaller: they have the same variances (Turk and Pentland 1991 on faces).
fn axes(centred: &[f64], n: usize, columns: usize) -> Vec<(f64, Vec<f64>)> {
    let row = |i: usize| &centred[i * columns..(i + 1) * columns];
    let divisor = n as f64 - 1.0;
    if columns <= n {
        let mut covariance = vec![0.0; columns * columns];
        for i in 0..n {
            for (a, line) in row(i).iter().zip(covariance.chunks_exact_mut(columns)) {
                line.iter_mut().zip(row(i)).for_each(|(sum, b)| *sum += a * b / divisor);
            }
        }
        let (values, vectors) = symmetric(covariance, columns);
        return values.into_iter().zip(vectors).collect();
    }
    let product = |i: usize, j: usize| row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum::<f64>() / divisor;
    let (values, vectors) = symmetric((0..n * n).map(|k| product(k / n, k % n)).collect(), n);
    let direction = |weights: Vec<f64>| {
        let mut sum = vec![0.0; columns];
        weights.iter().enumerate().for_each(|(i, w)| sum.iter_mut().zip(row(i)).for_each(|(s, v)| *s += w * v));
        let length = sum.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        sum.iter().map(|v| v / length).collect()
    };
    values.into_iter().zip(vectors.into_iter().map(direction)).collect()
}

/// With the largest value positive: singular vectors have no sign of their own.
fn oriented(direction: Vec<f64>) -> Vec<f64> {
    let largest = direction.iter().copied().fold(0.0, |best: f64, v| if v.abs() > best.abs() { v } else { best });
    if largest < 0.0 { direction.iter().map(|v| -v).collect() } else { direction }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_base::random::Stream;

    /// Six rows of four columns.
    const ROWS: [f32; 24] = [
        2.5, 2.4, 0.5, 1.0, 0.5, 0.7, 1.5, -1.0, 2.2, 2.9, -0.5, 0.0, 1.9, 2.2, 0.25, 2.0, 3.1, 3.0, 1.0, -2.0, 2.3,
        2.7, 0.0, 0.5,
    ];

    /// `PCA(3).fit(x)` of scikit-learn 1.9.1, each component turned so that its largest value is positive:
    /// x = np.array(ROWS).reshape(6, 4); p = PCA(3).fit(x); p.explained_variance_; p.components_; p.transform(x)[0]
    #[test]
    fn components_are_those_of_scikit_learn() {
        let c = Components::fit(&ROWS, 4, 3).unwrap();
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-6);
        assert!(near(&c.variances, &VARIANCES), "{:?}", c.variances);
        for (own, sklearn) in c.directions.iter().zip(&DIRECTIONS) {
            assert!(near(own, sklearn), "{own:?}");
        }
        let first: Vec<f64> = c.project(&ROWS[..4]).iter().map(|&v| f64::from(v)).collect();
        assert!(near(&first, &FIRST), "{first:?}");
        let all = Components::fit(&ROWS, 4, 4).unwrap();
        let back = all.reconstruct(&all.project(&ROWS));
        assert!(back.iter().zip(&ROWS).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!((all.variances.iter().sum::<f64>() - all.total_variance).abs() < 1e-9);
    }

    const VARIANCES: [f64; 3] = [2.249722985, 1.560683726, 0.218592372];
    const DIRECTIONS: [[f64; 4]; 3] = [
        [0.101366225, 0.171132236, -0.342539095, 0.918207827],
        [0.660031521, 0.644745805, -0.255827974, -0.288467131],
        [0.514897780, -0.087818334, 0.811421699, 0.262227081],
    ];
    const FIRST: [f64; 3] = [0.883914993, 0.053654248, 0.481406609];

    #[test]
    fn wide_tables_and_constant_columns_are_taken() {
        let mut s = Stream::new(1);
        let wide: Vec<f32> = (0..10 * 200).map(|_| s.normal() as f32).collect();
        let c = Components::fit(&wide, 200, 20).unwrap();
        assert_eq!(c.directions.len(), 9);
        for (i, a) in c.directions.iter().enumerate() {
            for (j, b) in c.directions.iter().enumerate() {
                let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-6, "{i} {j} {dot}");
            }
        }
        // One direction of variance in three columns.
        let line: Vec<f32> = (0..30).flat_map(|i| [i as f32, 2.0 * i as f32, 5.0]).collect();
        assert_eq!(Components::fit(&line, 3, 3).unwrap().directions.len(), 1);
    }

    #[test]
    fn nothing_to_reduce_is_said() {
        assert!(Components::fit(&[1.0; 40], 4, 2).unwrap_err().to_string().contains("do not vary"));
        assert!(Components::fit(&[1.0; 4], 4, 2).unwrap_err().to_string().contains("at least 2 frames"));
    }
}
