//! Means, deviations, medians and quantiles of a few numbers, in f64.

/// The mean; `None` of no values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation of a sample, with the divisor `n - 1`; `None` of fewer than two values.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let m = mean(values).filter(|_| values.len() > 1)?;
    Some((values.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (values.len() - 1) as f64).sqrt())
}

/// Mean and standard deviation of a population, with the divisor `n`, as numpy's; zeros of no values.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// The median: of an even number of values the mean of the middle two; `None` of no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some((sorted[last / 2] + sorted[last.div_ceil(2)]) / 2.0)
}

/// The point below which the share `at` of `sorted` lies, linear between values (numpy's default). NaN of no values.
pub fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = at.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// The place of the largest value, the first of several; 0 of no values. Values that cannot be compared are passed over.
pub fn first_largest<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_is_taken() {
        assert_eq!(first_largest(&[0.2, 0.4, 0.4]), 1);
        assert_eq!((first_largest::<f64>(&[]), first_largest(&[3, 1])), (0, 0));
    }

    // numpy: x = [1, 2, 4, 8]; x.mean(), x.std(ddof=1), x.std(), median(x), quantile(x, [0, .25, .5, .975, 1])
    #[test]
    fn they_are_numpys() {
        let x = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(mean(&x), Some(3.75));
        assert!((deviation(&x).unwrap() - 3.095_695_936_834_452).abs() < 1e-14);
        let (m, sd) = moments(&x);
        assert!(m == 3.75 && (sd - 2.680_951_323_690_902_4).abs() < 1e-14);
        assert_eq!((median(&x), median(&[5.0, 1.0, 3.0])), (Some(3.0), Some(3.0)));
        let quantiles = [0.0, 0.25, 0.5, 0.975, 1.0].map(|at| quantile(&x, at));
        for (ours, numpys) in quantiles.iter().zip([1.0, 1.75, 3.0, 7.7, 8.0]) {
            assert!((ours - numpys).abs() < 1e-12, "{quantiles:?}");
        }
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        assert_eq!((mean(&[]), median(&[]), deviation(&[1.0]), moments(&[])), (None, None, None, (0.0, 0.0)));
        assert!(quantile(&[], 0.5).is_nan());
    }
}
