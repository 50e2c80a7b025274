//! Temperature scaling: one number by which logits are divided, so that a model is as sure as it is right (Guo et al., On Calibration
//! of Modern Neural Networks, ICML 2017, arXiv:1706.04599).

use anyhow::{Result, ensure};

use super::Predictions;

/// The range of temperatures: beyond it the rows do not determine one (all are right, or none says anything).
pub const TEMPERATURES: [f64; 2] = [0.05, 20.0];

/// Halvings of the range: more than a double has digits.
const STEPS: usize = 80;

/// The temperature at which the mean negative log-likelihood of the true classes is least, within [`TEMPERATURES`].
///
/// It is convex in `b = 1 / T`, with the derivative `mean(sum_c p_c z_c - z_truth)`, whose sign is halved upon.
///
/// # Errors
/// When there are no rows, or a logit is not finite.
pub fn fit_temperature(predictions: &Predictions) -> Result<f64> {
    ensure!(!predictions.is_empty(), "a temperature is fitted on rows of the validation set, and there are none");
    predictions.check()?;
    let [mut high, mut low] = TEMPERATURES.map(|t| (1.0 / t).ln());
    if slope(predictions, low.exp()) >= 0.0 {
        return Ok(TEMPERATURES[1]);
    }
    if slope(predictions, high.exp()) <= 0.0 {
        return Ok(TEMPERATURES[0]);
    }
    for _ in 0..STEPS {
        let middle = 0.5 * (low + high);
        if slope(predictions, middle.exp()) < 0.0 { low = middle } else { high = middle }
    }
    Ok((-0.5 * (low + high)).exp())
}

/// The derivative of the mean negative log-likelihood by `b`, at logits times `b`.
fn slope(predictions: &Predictions, b: f64) -> f64 {
    let of = |i: usize| {
        let z = predictions.logits_of(i);
        let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (mut sum, mut weighted) = (0.0, 0.0);
        for &v in z {
            let e = (b * f64::from(v - largest)).exp();
            sum += e;
            weighted += e * f64::from(v);
        }
        weighted / sum - f64::from(z[predictions.truth[i]])
    };
    (0..predictions.len()).map(of).sum::<f64>() / predictions.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(logits: &[[f32; 3]], truth: &[usize]) -> Predictions {
        Predictions {
            classes: ["a", "b", "c"].map(String::from).to_vec(),
            rows: (0..truth.len() as u32).collect(),
            truth: truth.to_vec(),
            targets: truth.iter().flat_map(|&t| (0..3).map(move |c| f32::from(u8::from(c == t)))).collect(),
            votes: None,
            logits: logits.concat(),
        }
    }

    const LOGITS: [[f32; 3]; 6] =
        [[4.0, 1.0, 0.0], [3.0, -1.0, 2.0], [0.5, 2.5, 0.0], [-1.0, 0.0, 5.0], [2.0, 1.5, 1.0], [6.0, 0.0, 1.0]];

    #[test]
    fn the_temperature_is_scipys() {
        // import numpy as np
        // from scipy.optimize import minimize_scalar
        // from scipy.special import log_softmax
        // z = np.array([[4,1,0],[3,-1,2],[.5,2.5,0],[-1,0,5],[2,1.5,1],[6,0,1]]); y = np.array([0,2,1,2,1,1])
        // f = lambda t: -log_softmax(z / np.exp(t), axis=1)[range(6), y].mean()
        // np.exp(minimize_scalar(f, bounds=(-3, 3), method="bounded", options={"xatol": 1e-12}).x)
        let found = fit_temperature(&predictions(&LOGITS, &[0, 2, 1, 2, 1, 1])).unwrap();
        assert!((found - SCIPY).abs() < 1e-6, "{found}");
    }

    const SCIPY: f64 = 3.66995451;

    #[test]
    fn what_rows_cannot_tell_ends_at_a_bound() {
        // All right: the surer the better. All wrong: the less sure the better.
        let right = predictions(&LOGITS, &[0, 0, 1, 2, 0, 0]);
        assert_eq!(fit_temperature(&right).unwrap(), TEMPERATURES[0]);
        let wrong = predictions(&LOGITS, &[2, 1, 2, 0, 2, 1]);
        assert_eq!(fit_temperature(&wrong).unwrap(), TEMPERATURES[1]);
        assert!(fit_temperature(&predictions(&[], &[])).is_err());
    }
}
