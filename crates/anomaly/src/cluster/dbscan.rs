//! DBSCAN (Ester et al. 1996) on cosine distances.

/// The cluster of each row of `rows [rows, size]`, in the order in which clusters are met; `None` for noise. Rows whose
/// cosine distance (1 - cosine) is at most `eps` are neighbours; a row with `least` neighbours, itself included, is the
/// core of a cluster.
pub fn dbscan(rows: &[f32], size: usize, eps: f64, least: usize) -> Vec<Option<usize>> {
    let unit: Vec<Vec<f64>> = rows.chunks_exact(size).map(unit).collect();
    let near = |i: usize| -> Vec<usize> {
        let cosine = |j: usize| unit[i].iter().zip(&unit[j]).map(|(a, b)| a * b).sum::<f64>();
        // A row is its own neighbour, whatever rounding says.
        (0..unit.len()).filter(|&j| j == i || 1.0 - cosine(j) <= eps).collect()
    };
    let mut labels: Vec<Option<usize>> = vec![None; unit.len()];
    let mut next = 0;
    for i in 0..unit.len() {
        if labels[i].is_some() {
            continue;
        }
        let neighbours = near(i);
        if neighbours.len() < least {
            continue;
        }
        labels[i] = Some(next);
        let mut waiting = neighbours;
        while let Some(j) = waiting.pop() {
            if labels[j].is_some() {
                continue;
            }
            labels[j] = Some(next);
            let more = near(j);
            if more.len() >= least {
                waiting.extend(more.into_iter().filter(|&k| labels[k].is_none()));
            }
        }
        next += 1;
    }
    labels
}

fn unit(row: &[f32]) -> Vec<f64> {
    let norm = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt().max(1e-12);
    row.iter().map(|&v| f64::from(v) / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sklearn 1.9.1: DBSCAN(eps=0.02, min_samples=3, metric="cosine").fit_predict(x) on
    /// x = [[1,0],[1,.1],[1,.2],[0,1],[.1,1],[.2,1],[.25,1],[1,1],[-1,0]] gives [0 0 0 1 1 1 1 -1 -1].
    #[test]
    fn labels_are_those_of_scikit_learn() {
        let x = [1., 0., 1., 0.1, 1., 0.2, 0., 1., 0.1, 1., 0.2, 1., 0.25, 1., 1., 1., -1., 0.];
        let found: Vec<i32> = dbscan(&x, 2, 0.02, 3).iter().map(|l| l.map_or(-1, |k| k as i32)).collect();
        assert_eq!(found, [0, 0, 0, 1, 1, 1, 1, -1, -1]);
    }
}
