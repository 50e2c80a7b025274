//! K-means: Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii 2007).

use ferrotype_base::random::Stream;

/// Starts of which the best is kept.
const STARTS: u64 = 10;
/// Most rounds of a start.
const ROUNDS: usize = 300;

/// The cluster of each row of `rows [rows, size]`, with the sum of squared distances to the clusters' middles: the best of
/// ten starts, chosen by `key`.
pub fn kmeans(rows: &[f64], size: usize, k: usize, key: u64) -> (Vec<usize>, f64) {
    let starts = (0..STARTS)
        .map(|start| one_start(rows, size, k, &mut Stream::new(key ^ ferrotype_base::random::mix(start + 1))));
    starts.reduce(|best, next| if next.1 < best.1 { next } else { best }).unwrap_or_default()
}

fn one_start(rows: &[f64], size: usize, k: usize, choice: &mut Stream) -> (Vec<usize>, f64) {
    let mut centres = plus_plus(rows, size, k, choice);
    let mut labels: Vec<usize> = Vec::new();
    for _ in 0..ROUNDS {
        let nearest: Vec<usize> = rows.chunks_exact(size).map(|row| closest(row, &centres, size).0).collect();
        if nearest == labels {
            break;
        }
        labels = nearest;
        move_centres(rows, size, &labels, &mut centres);
    }
    let inertia = rows.chunks_exact(size).map(|row| closest(row, &centres, size).1).sum();
    (labels, inertia)
}

/// Rows as first centres, each with a probability that grows with its squared distance to those before.
fn plus_plus(rows: &[f64], size: usize, k: usize, choice: &mut Stream) -> Vec<f64> {
    let n = rows.len() / size;
    let row = |i: usize| &rows[i * size..(i + 1) * size];
    let mut centres = row(choice.below(n)).to_vec();
    while centres.len() < k * size {
        let distances: Vec<f64> = (0..n).map(|i| closest(row(i), &centres, size).1).collect();
        let mut left = choice.unit() * distances.iter().sum::<f64>();
        let mut chosen = n - 1;
        for (i, d) in distances.iter().enumerate() {
            left -= d;
            if left < 0.0 {
                chosen = i;
                break;
            }
        }
        centres.extend_from_slice(row(chosen));
    }
    centres
}

/// Each centre to the middle of its rows; one without rows stays.
fn move_centres(rows: &[f64], size: usize, labels: &[usize], centres: &mut [f64]) {
    for (k, centre) in centres.chunks_exact_mut(size).enumerate() {
        let count = labels.iter().filter(|&&l| l == k).count();
        if count == 0 {
            continue;
        }
        centre.fill(0.0);
        for (row, _) in rows.chunks_exact(size).zip(labels).filter(|(_, l)| **l == k) {
            centre.iter_mut().zip(row).for_each(|(c, v)| *c += v / count as f64);
        }
    }
}

/// The nearest centre and its squared distance; of equals the first.
fn closest(row: &[f64], centres: &[f64], size: usize) -> (usize, f64) {
    let distance = |c: &[f64]| row.iter().zip(c).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let all = centres.chunks_exact(size).map(distance).enumerate();
    all.fold((0, f64::INFINITY), |best, (k, d)| if d < best.1 { (k, d) } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sklearn.cluster.KMeans(2, n_init=10, random_state=0).fit([[1,1],[1.5,2],[3,4],[5,7],[3.5,5],[4.5,5],[3.5,4.5]]):
    /// inertia_ = 8.525, two rows in one cluster and five in the other.
    #[test]
    fn the_best_start_is_the_known_answer() {
        let rows = [1., 1., 1.5, 2., 3., 4., 5., 7., 3.5, 5., 4.5, 5., 3.5, 4.5];
        let (labels, inertia) = kmeans(&rows, 2, 2, 7);
        assert!((inertia - 8.525).abs() < 1e-9, "{inertia}");
        assert_eq!(labels.iter().filter(|&&l| l == labels[0]).count(), 2);
        assert_eq!(labels[0], labels[1]);
        assert_eq!(kmeans(&rows, 2, 2, 7), kmeans(&rows, 2, 2, 7));
        // As many clusters as rows; and rows that are all the same.
        assert!(kmeans(&rows, 2, 7, 1).1 < 1e-12);
        assert_eq!(kmeans(&[2.0; 8], 2, 3, 1).1, 0.0);
    }
}
