//! Eigenvalues and eigenvectors of symmetric matrices.

/// Sweeps after which rounding is all that is left.
const SWEEPS: usize = 60;

/// Eigenvalues, the largest first, with their eigenvectors of length 1, of a symmetric matrix `[n, n]`: the cyclic method
/// of Jacobi (Golub and Van Loan, Matrix Computations, 8.5), which has no random start and finds small eigenvalues as well
/// as large ones.
pub fn symmetric(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    // Row k of `v` becomes eigenvector k.
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let beside: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * n + j].powi(2)).sum();
        if beside <= 1e-30 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut v, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    (values, order.iter().map(|&i| v[i * n..(i + 1) * n].to_vec()).collect())
}

/// Makes `a[p][q]` zero by a turn in the plane of p and q.
fn rotate(a: &mut [f64], v: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    // The smaller of the two turns; theta may be too large to be squared.
    let t =
        if theta.abs() > 1e150 { 0.5 / theta } else { theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt()) };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
    turn_rows(a, n, p, q, c, s);
    turn_rows(v, n, p, q, c, s);
}

fn turn_rows(m: &mut [f64], n: usize, p: usize, q: usize, c: f64, s: f64) {
    let (before, after) = m.split_at_mut(q * n);
    for (x, y) in before[p * n..(p + 1) * n].iter_mut().zip(&mut after[..n]) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_base::random::Stream;

    #[test]
    fn vectors_and_values_make_the_matrix_again() {
        let mut s = Stream::new(4);
        for n in [1, 2, 5, 40] {
            let half: Vec<f64> = (0..n * n).map(|_| s.normal()).collect();
            let a: Vec<f64> = (0..n * n).map(|i| half[i] + half[i % n * n + i / n]).collect();
            let (values, vectors) = symmetric(a.clone(), n);
            assert!(values.is_sorted_by(|x, y| x >= y));
            for i in 0..n {
                for j in 0..n {
                    let again: f64 = (0..n).map(|k| values[k] * vectors[k][i] * vectors[k][j]).sum();
                    assert!((again - a[i * n + j]).abs() < 1e-10, "{n}: {again} {}", a[i * n + j]);
                }
            }
        }
        // numpy.linalg.eigvalsh([[2, 1, 0], [1, 2, 1], [0, 1, 2]])
        let (values, _) = symmetric(vec![2., 1., 0., 1., 2., 1., 0., 1., 2.], 3);
        let numpy = [3.414_213_562_373_095, 2.0, 0.585_786_437_626_905];
        assert!(values.iter().zip(numpy).all(|(a, b)| (a - b).abs() < 1e-12), "{values:?}");
    }
}
