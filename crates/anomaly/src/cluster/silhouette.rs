//! The silhouette of a clustering (Rousseeuw 1987).

/// The mean over all rows of (b - a) / max(a, b): a is the mean distance to the rows of its own cluster, b that to the
/// rows of the nearest other one. A row alone in its cluster counts 0. `None` where there is one cluster only.
pub fn silhouette(rows: &[f64], size: usize, labels: &[usize]) -> Option<f64> {
    let n = labels.len();
    let clusters = labels.iter().max().map_or(0, |m| m + 1);
    let sizes: Vec<usize> = (0..clusters).map(|k| labels.iter().filter(|&&l| l == k).count()).collect();
    if sizes.iter().filter(|&&s| s > 0).count() < 2 {
        return None;
    }
    let one = |i: usize| {
        let mut sums = vec![0.0; clusters];
        for j in 0..n {
            let (a, b) = (&rows[i * size..(i + 1) * size], &rows[j * size..(j + 1) * size]);
            let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
            sums[labels[j]] += squares.sqrt();
        }
        let own = labels[i];
        if sizes[own] < 2 {
            return 0.0;
        }
        let a = sums[own] / (sizes[own] - 1) as f64;
        let others = (0..clusters).filter(|&k| k != own && sizes[k] > 0).map(|k| sums[k] / sizes[k] as f64);
        let b = others.fold(f64::INFINITY, f64::min);
        if a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    };
    Some((0..n).map(one).sum::<f64>() / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sklearn.metrics.silhouette_score([[0,0],[0,1],[1,0],[5,5],[5,6],[9,0]], [0,0,0,1,1,2])
    #[test]
    fn agrees_with_scikit_learn() {
        let rows = [0., 0., 0., 1., 1., 0., 5., 5., 5., 6., 9., 0.];
        let score = silhouette(&rows, 2, &[0, 0, 0, 1, 1, 2]).unwrap();
        assert!((score - 0.702_375_187_780_43).abs() < 1e-9, "{score}");
        assert!(silhouette(&rows, 2, &[0; 6]).is_none());
    }
}
