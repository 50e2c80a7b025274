//! Scores that need no network, to compare with.

use anyhow::Result;
use ferrotype_classic::components::Components;

/// The mean squared distance of each frame to the mean of the training frames, `[frames]`.
pub fn distance_to_mean(values: &[f32], columns: usize, training: usize) -> Vec<f64> {
    let mut mean = vec![0.0; columns];
    for row in values[..training * columns].chunks_exact(columns) {
        mean.iter_mut().zip(row).for_each(|(m, &v)| *m += f64::from(v) / training as f64);
    }
    values.chunks_exact(columns).map(|row| error(row.iter().map(|&v| f64::from(v)), mean.iter().copied())).collect()
}

/// The mean squared error of each frame when it is made again from principal components of the training frames.
///
/// # Errors
/// When the training frames do not vary.
pub fn pca_error(values: &[f32], columns: usize, training: usize, components: usize) -> Result<Vec<f64>> {
    // As many components as columns make every frame again.
    let components = components.min(columns.saturating_sub(1)).max(1);
    let pca = Components::fit(&values[..training * columns], columns, components)?;
    let again = pca.reconstruct(&pca.project(values));
    let pairs = values.chunks_exact(columns).zip(again.chunks_exact(columns));
    Ok(pairs.map(|(a, b)| error(a.iter().map(|&v| f64::from(v)), b.iter().map(|&v| f64::from(v)))).collect())
}

fn error(a: impl ExactSizeIterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    let n = a.len() as f64;
    a.zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_the_training_frames_mean_and_plane() {
        // Training frames on a line; the last frame lies beside it, at the mean's distance of others.
        let values = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 1.0, 3.0];
        let mean = distance_to_mean(&values, 2, 3);
        assert_eq!(mean, [1.0, 0.0, 1.0, 2.0]);
        let pca = pca_error(&values, 2, 3, 1).unwrap();
        assert!(pca[..3].iter().all(|e| *e < 1e-10), "{pca:?}");
        assert!((pca[3] - 1.0).abs() < 1e-6, "{pca:?}");
    }
}
