//! True and predicted values of one column, and what continuous metrics have in common.

/// The known values of one column beside what was predicted for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// True values.
    pub truth: Vec<f64>,
    /// Predicted values, one for each.
    pub predicted: Vec<f64>,
}

/// Means, variances and covariance of both series, with the divisor n.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moments {
    pub truth_mean: f64,
    pub predicted_mean: f64,
    pub truth_variance: f64,
    pub predicted_variance: f64,
    pub covariance: f64,
}

impl Pairs {
    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    /// Adds a pair.
    pub fn push(&mut self, truth: f64, predicted: f64) {
        self.truth.push(truth);
        self.predicted.push(predicted);
    }

    /// Mean of a function of the differences, predicted minus true; `None` where there are none.
    pub(super) fn mean_of(&self, value: impl Fn(f64) -> f64) -> Option<f64> {
        let pairs = self.truth.iter().zip(&self.predicted);
        crate::statistics::mean(&pairs.map(|(t, p)| value(p - t)).collect::<Vec<_>>())
    }

    /// The moments, in two passes; `None` where there are no pairs. A series all of whose values are equal has the variance 0
    /// exactly.
    pub(super) fn moments(&self) -> Option<Moments> {
        let (truth_mean, predicted_mean) = (center(&self.truth)?, center(&self.predicted)?);
        let n = self.len() as f64;
        let mut sums = [0.0; 3];
        for (t, p) in self.truth.iter().zip(&self.predicted) {
            let (t, p) = (t - truth_mean, p - predicted_mean);
            sums[0] += t * t;
            sums[1] += p * p;
            sums[2] += t * p;
        }
        let [truth_variance, predicted_variance, covariance] = sums.map(|s| s / n);
        Some(Moments { truth_mean, predicted_mean, truth_variance, predicted_variance, covariance })
    }
}

/// The mean; of equal values just that value, which a sum of them divided by their number may miss by its last bit.
fn center(values: &[f64]) -> Option<f64> {
    match values.first() {
        Some(first) if values.iter().all(|v| v == first) => Some(*first),
        _ => crate::statistics::mean(values),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metrics::Metric;

    /// t = np.array([0, 1, 2.5, 4, 5, 0, 3]); p = np.array([.5, .75, 3, 3.5, 4, 1, 1.25])
    pub(in crate::metrics) fn seven() -> Pairs {
        Pairs { truth: vec![0.0, 1.0, 2.5, 4.0, 5.0, 0.0, 3.0], predicted: vec![0.5, 0.75, 3.0, 3.5, 4.0, 1.0, 1.25] }
    }

    pub(in crate::metrics) fn pairs(truth: &[f64], predicted: &[f64]) -> Pairs {
        Pairs { truth: truth.to_vec(), predicted: predicted.to_vec() }
    }

    /// Compares the value for the seven pairs with a known one.
    pub(in crate::metrics) fn check(metric: &dyn Metric<Pairs>, expected: f64) {
        let value = metric.score(&seven()).unwrap().value;
        assert!((value - expected).abs() < 1e-12, "{}: {value} instead of {expected}", metric.name());
        assert!(metric.score(&Pairs::default()).is_none());
    }

    #[test]
    fn equal_values_have_no_variance() {
        let same = vec![0.1; 10];
        let moments = pairs(&same, &[0.3; 10]).moments().unwrap();
        assert_eq!((moments.truth_variance, moments.predicted_variance, moments.covariance), (0.0, 0.0, 0.0));
    }
}
