//! Which faces are of one person: clusters of identity embeddings.

mod dbscan;
mod kmeans;
mod silhouette;

use anyhow::{Result, ensure};
use ferrotype_base::statistics::moments;

use ferrotype_base::random::{Purpose, key};

use silhouette::silhouette;

/// How persons are told apart.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Method {
    /// DBSCAN on cosine distances, as the original's later versions.
    Dbscan,
    /// K-means on standardised embeddings, the number of clusters by the best silhouette, as the original's first
    /// version meant to.
    Kmeans,
    /// One person: no clustering.
    None,
}

/// Options of the clustering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterOptions {
    /// The algorithm.
    pub method: Method,
    /// DBSCAN: largest cosine distance (1 - cosine) of neighbours.
    pub eps: f64,
    /// DBSCAN: neighbours, itself included, that make a face the core of a person.
    pub min_samples: usize,
    /// K-means: largest number of clusters that is tried.
    pub most: usize,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { method: Method::Dbscan, eps: 0.3, min_samples: 5, most: 10 }
    }
}

/// The person of each face: 0 for the one with most faces, 1 for the next, and so on; `None` for faces of nobody. Of
/// persons with equally many faces the one seen first comes first. Where every face is one of nobody, all are one
/// person's, as in the original.
///
/// # Errors
/// When options are impossible, or an embedding is.
pub fn persons(embeddings: &[f32], size: usize, options: &ClusterOptions) -> Result<Vec<Option<usize>>> {
    let n = embeddings.len() / size.max(1);
    ensure!(n > 0, "no faces were found, so there are no persons to tell apart");
    ensure!(embeddings.iter().all(|v| v.is_finite()), "an embedding holds a value that is not a number");
    let labels = match options.method {
        Method::None => vec![Some(0); n],
        Method::Dbscan => {
            let (eps, least) = (options.eps, options.min_samples);
            ensure!(
                eps > 0.0 && eps <= 2.0,
                "the cosine distance of neighbours is {eps}: it must be above 0, at most 2"
            );
            ensure!(least >= 2, "the smallest number of neighbours is {least}: it must be at least 2");
            dbscan::dbscan(embeddings, size, eps, least)
        }
        Method::Kmeans => by_silhouette(embeddings, size, options.most)?,
    };
    if labels.iter().all(Option::is_none) {
        return Ok(vec![Some(0); n]);
    }
    Ok(by_size(&labels))
}

/// K-means for 2 to `most` clusters, ten starts each; the one with the best silhouette. Fewer than 3 faces are one
/// person's. (The original stopped at the first number of clusters, as the matrix of distances whose smallest entry it
/// looked at holds zeros on its diagonal: it always found two persons.)
fn by_silhouette(embeddings: &[f32], size: usize, most: usize) -> Result<Vec<Option<usize>>> {
    ensure!(most >= 2, "the largest number of clusters is {most}: it must be at least 2");
    let n = embeddings.len() / size;
    if n < 3 {
        return Ok(vec![Some(0); n]);
    }
    let rows = standardised(embeddings, size);
    let mut best: Option<(f64, Vec<usize>)> = None;
    for k in 2..=most.min(n - 1) {
        // The original's seed.
        let (labels, _) = kmeans::kmeans(&rows, size, k, key(42, Purpose::Division, &[k as u64]));
        let Some(score) = silhouette(&rows, size, &labels) else { continue };
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, labels));
        }
    }
    Ok(best.map_or_else(|| vec![Some(0); n], |(_, labels)| labels.into_iter().map(Some).collect()))
}

/// Mean 0 and standard deviation 1 per value (of the population, as scikit-learn's `StandardScaler`).
fn standardised(rows: &[f32], columns: usize) -> Vec<f64> {
    let mut out: Vec<f64> = rows.iter().map(|&v| f64::from(v)).collect();
    for c in 0..columns {
        let of = |x: &[f64]| x.iter().skip(c).step_by(columns).copied().collect::<Vec<f64>>();
        let (mean, sd) = moments(&of(&out));
        let scale = if sd > 1e-12 { 1.0 / sd } else { 1.0 };
        out.iter_mut().skip(c).step_by(columns).for_each(|v| *v = (*v - mean) * scale);
    }
    out
}

/// The same clusters, numbered by falling size.
fn by_size(labels: &[Option<usize>]) -> Vec<Option<usize>> {
    let count = labels.iter().flatten().max().map_or(0, |&m| m + 1);
    let size = |k: usize| labels.iter().filter(|l| **l == Some(k)).count();
    let first = |k: usize| labels.iter().position(|l| *l == Some(k)).unwrap_or(usize::MAX);
    let mut order: Vec<usize> = (0..count).filter(|&k| size(k) > 0).collect();
    order.sort_by_key(|&k| (std::cmp::Reverse(size(k)), first(k)));
    labels.iter().map(|label| label.and_then(|k| order.iter().position(|&o| o == k))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_base::random::Stream;

    /// Persons as directions, with faces spread around them.
    fn faces(persons: &[(usize, f32)]) -> (Vec<f32>, Vec<usize>) {
        let mut s = Stream::new(5);
        let centres: Vec<Vec<f32>> = persons.iter().map(|_| (0..32).map(|_| s.normal() as f32).collect()).collect();
        let (mut rows, mut truth) = (Vec::new(), Vec::new());
        let most = persons.iter().map(|p| p.0).max().unwrap_or(0);
        for i in 0..most {
            for (k, &(count, spread)) in persons.iter().enumerate() {
                if i < count {
                    rows.extend(centres[k].iter().map(|c| c + spread * s.normal() as f32));
                    truth.push(k);
                }
            }
        }
        (rows, truth)
    }

    #[test]
    fn both_methods_find_the_persons_and_order_them_by_size() {
        let (rows, truth) = faces(&[(12, 0.1), (40, 0.1), (25, 0.1)]);
        let place = [2, 0, 1];
        for method in [Method::Dbscan, Method::Kmeans] {
            let found = persons(&rows, 32, &ClusterOptions { method, ..ClusterOptions::default() }).unwrap();
            let expected: Vec<Option<usize>> = truth.iter().map(|&k| Some(place[k])).collect();
            assert_eq!(found, expected, "{method:?}");
        }
    }

    #[test]
    fn faces_of_nobody_are_one_persons() {
        let options = ClusterOptions { eps: 1e-6, ..ClusterOptions::default() };
        assert_eq!(persons(&[1.0, 0.0, 0.0, 1.0], 2, &options).unwrap(), [Some(0), Some(0)]);
        assert!(persons(&[], 2, &options).unwrap_err().to_string().contains("no faces"));
        assert!(persons(&[1.0, f32::NAN], 2, &options).is_err());
        let kmeans = ClusterOptions { method: Method::Kmeans, ..ClusterOptions::default() };
        assert_eq!(persons(&[1.0, 0.0, 0.0, 1.0], 2, &kmeans).unwrap(), [Some(0), Some(0)]);
    }
}
