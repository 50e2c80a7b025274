//! The 17 statistics of a series, with MATLAB's conventions.
//!
//! | | name | what |
//! |---|---|---|
//! | 1 | `mean` | |
//! | 2 | `median` | the mean of the middle two where the number is even |
//! | 3 | `min` | |
//! | 4 | `max` | |
//! | 5 | `range` | max - min |
//! | 6 | `std` | divided by n - 1 |
//! | 7 | `iqr` | 75th - 25th percentile |
//! | 8 | `p90_p10` | 90th - 10th percentile |
//! | 9 | `mad` | mean absolute deviation from the mean, MATLAB's default of `mad` |
//! | 10 | `time_of_max` | number of the first sample of greatest value, from 1, over the rate: seconds |
//! | 11 | `above_mean` | share of samples above the mean |
//! | 12 | `above_low` | share of samples above (min + mean) / 2 |
//! | 13 | `crossings_mean` | crossings of the mean, halved, rounded up |
//! | 14 | `crossings_low` | crossings of (min + mean) / 2, halved, rounded up |
//! | 15 | `area` | 0.001 sum (x - min) |
//! | 16 | `area_normalised` | 0.01 sum (x - min) / (max - min) |
//! | 17 | `rise_time` | time of the maximum less that of the first sample behind a crossing of the mean, either way: seconds |
//!
//! Percentiles are MATLAB's `prctile`: the k-th of n sorted values is the 100 (k - 0.5) / n percentile, linear between, the
//! ends beyond (NumPy's method `hazen`). 10, 13, 14, 15, 16 and 17 carry the number of samples; 5, 7 and 8 of a longer series
//! are wider only as extremes are.

/// Short names of the statistics in their order.
pub const NAMES: [&str; 17] = [
    "mean",
    "median",
    "min",
    "max",
    "range",
    "std",
    "iqr",
    "p90_p10",
    "mad",
    "time_of_max",
    "above_mean",
    "above_low",
    "crossings_mean",
    "crossings_low",
    "area",
    "area_normalised",
    "rise_time",
];

/// Places of the two that count crossings, which no division frees of the length.
pub(super) const COUNTS: [usize; 2] = [12, 13];

/// The statistics of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// In the order of [`NAMES`].
    pub values: [f64; 17],
    samples: f64,
    rate: f64,
}

impl Statistics {
    /// The statistics of a series of at least one sample, all finite, at `rate` samples per second. A range up to `still`
    /// counts as 0.
    ///
    /// # Panics
    /// When the series is empty.
    pub fn of(series: &[f64], rate: f64, still: f64) -> Self {
        assert!(!series.is_empty(), "statistics of an empty series");
        let n = series.len() as f64;
        let mut sorted = series.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        let is_still = max - min <= still;
        let mean = if min == max { min } else { series.iter().sum::<f64>() / n };
        let squares: f64 = series.iter().map(|v| (v - mean).powi(2)).sum();
        let std = (squares / (n - 1.0).max(1.0)).sqrt();
        let mad = series.iter().map(|v| (v - mean).abs()).sum::<f64>() / n;
        let top = series.iter().position(|&v| v == max).unwrap_or(0);
        let time_of_max = (top as f64 + 1.0) / rate;
        let low = 0.5 * (min + mean);
        let share = |level: f64| series.iter().filter(|&&v| v > level).count() as f64 / n;
        let half = |level: f64| (crossings(series, level).count() as f64 / 2.0).ceil();
        let area: f64 = series.iter().map(|v| v - min).sum();
        let first = crossings(series, mean).next();
        let percentile = |p| percentile(&sorted, p);
        let values = [
            mean,
            percentile(50.0),
            min,
            max,
            max - min,
            std,
            percentile(75.0) - percentile(25.0),
            percentile(90.0) - percentile(10.0),
            mad,
            time_of_max,
            share(mean),
            share(low),
            half(mean),
            half(low),
            0.001 * area,
            if is_still { 0.0 } else { 0.01 * area / (max - min) },
            first.filter(|_| !is_still).map_or(0.0, |at| time_of_max - (at as f64 + 1.0) / rate),
        ];
        let values = if is_still { Self::without_rounding(values, rate) } else { values };
        Self { values, samples: n, rate }
    }

    /// What a constant has: no spread, no crossings, and its maximum at once.
    fn without_rounding(mut values: [f64; 17], rate: f64) -> [f64; 17] {
        values[4..].fill(0.0);
        values[9] = 1.0 / rate;
        values
    }

    /// The same with times as shares of the way from the first sample to the last, and areas as means over samples; the
    /// crossings are as they were.
    pub fn free_of_length(&self) -> [f64; 17] {
        let mut values = self.values;
        let way = (self.samples - 1.0).max(1.0) / self.rate;
        values[9] = (values[9] - 1.0 / self.rate) / way;
        values[16] /= way;
        [14, 15].iter().for_each(|&k| values[k] /= self.samples);
        values
    }
}

/// Samples behind a crossing of the level; samples on it count as below.
fn crossings(series: &[f64], level: f64) -> impl Iterator<Item = usize> {
    (1..series.len()).filter(move |&i| (series[i] > level) != (series[i - 1] > level))
}

/// MATLAB's `prctile` of sorted values.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let place = percent / 100.0 * sorted.len() as f64 - 0.5;
    let place = place.clamp(0.0, sorted.len() as f64 - 1.0);
    let (below, share) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + share * (above - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_series_by_hand() {
        // mean 3, (min + mean) / 2 = 1.5; above the mean: no no yes yes no no; above 1.5: no yes yes yes yes no
        let statistics = Statistics::of(&[0.0, 2.0, 6.0, 7.0, 3.0, 0.0], 10.0, 0.0);
        let mean_share = 2.0 / 6.0;
        let expected = [
            3.0,
            2.5,
            0.0,
            7.0,
            7.0,
            f64::sqrt(44.0 / 5.0),
            6.0,
            6.9,
            14.0 / 6.0,
            0.4,
            mean_share,
            4.0 / 6.0,
            1.0,
            1.0,
            0.018,
            0.01 * 18.0 / 7.0,
            0.1,
        ];
        for (k, (ours, theirs)) in statistics.values.iter().zip(expected).enumerate() {
            assert!((ours - theirs).abs() < 1e-12, "{}: {ours} {theirs}", NAMES[k]);
        }
        let free = statistics.free_of_length();
        assert!((free[9] - 0.6).abs() < 1e-12 && (free[16] - 0.2).abs() < 1e-12);
        assert!((free[14] - 0.003).abs() < 1e-12 && (free[15] - 0.03 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn percentiles_are_matlabs() {
        // MATLAB's documentation: x = (1:5)*2, prctile(x, [25 50 75]) = 3.5 6 8.5;
        // np.percentile([1, 4, 9, 16], [5, 10, 90, 95], method='hazen') = 1, 1, 16, 16; at 30 and 80: 3.1, 13.9
        let at = |x: &[f64], p: &[f64]| p.iter().map(|&p| percentile(x, p)).collect::<Vec<f64>>();
        assert_eq!(at(&[2.0, 4.0, 6.0, 8.0, 10.0], &[25.0, 50.0, 75.0]), [3.5, 6.0, 8.5]);
        assert_eq!(at(&[1.0, 4.0, 9.0, 16.0], &[5.0, 10.0, 90.0, 95.0]), [1.0, 1.0, 16.0, 16.0]);
        let inner = at(&[1.0, 4.0, 9.0, 16.0], &[30.0, 80.0]);
        assert!((inner[0] - 3.1).abs() < 1e-12 && (inner[1] - 13.9).abs() < 1e-12, "{inner:?}");
        assert_eq!(percentile(&[5.0], 90.0), 5.0);
    }
}
