//! Linear equations with a symmetric positive definite matrix.

/// Solves `A x = b` of `n = b.len()` unknowns; of `A` (row by row) the lower half is read and overwritten. `None` where
/// `A` is not positive definite.
pub fn solve(a: &mut [f64], mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let (head, row) = a.split_at_mut(i * n);
            let above = if i == j { &row[..j] } else { &head[j * n..j * n + j] };
            let rest = row[j] - row[..j].iter().zip(above).map(|(x, y)| x * y).sum::<f64>();
            if i != j {
                row[j] = rest / head[j * n + j];
            } else if rest > 0.0 && rest.is_finite() {
                row[j] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    for i in 0..n {
        let known: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    Some(b)
}
