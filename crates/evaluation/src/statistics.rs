//! The little statistics that scores need: intervals, an exact test, and Welch's.

pub use ferrotype_base::statistics::{deviation, mean, quantile};
use serde::{Deserialize, Serialize};

/// The 97.5 % point of the normal distribution.
const Z_975: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of a proportion: `hits` of `n`. `[0, 1]` for `n = 0`.
///
/// It stays within 0 and 1 and does not collapse to a point at 0 or `n` hits, as the textbook interval does.
pub fn wilson(hits: u64, n: u64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let z2 = Z_975 * Z_975;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_975 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // The ends are exact where they are known, so that rounding does not leave 0.9999999.
    [if p == 0.0 { 0.0 } else { centre - half }, if p == 1.0 { 1.0 } else { centre + half }]
}

/// Student's 95 % interval of the mean; `None` of fewer than two values.
pub fn t_interval(values: &[f64]) -> Option<[f64; 2]> {
    let (m, sd, n) = (mean(values)?, deviation(values)?, values.len());
    let half = t_975((n - 1) as f64) * sd / (n as f64).sqrt();
    Some([m - half, m + half])
}

/// The 97.5 % point of Student's distribution with `freedom` degrees of freedom (at least 1, whole or not).
pub fn t_975(freedom: f64) -> f64 {
    // The probability falls with t from 1; bisection to the last bit is quick enough for a report.
    let (mut low, mut high) = (0.0, 13.0);
    for _ in 0..200 {
        let t = 0.5 * (low + high);
        if t_two_sided(t, freedom) > 0.05 { low = t } else { high = t }
    }
    0.5 * (low + high)
}

/// P(|T| > |t|) of Student's distribution with `freedom` degrees of freedom (at least 1, whole or not).
pub fn t_two_sided(t: f64, freedom: f64) -> f64 {
    let v = freedom.max(1.0);
    incomplete_beta(v / 2.0, 0.5, v / (v + t * t))
}

/// Welch's test of the means of two independent samples with unlike variances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    /// First mean minus second.
    pub difference: f64,
    /// The statistic.
    pub t: f64,
    /// Degrees of freedom (Welch and Satterthwaite).
    pub freedom: f64,
    /// Two-sided probability of so large a difference, were the means equal.
    pub p: f64,
    /// 95 % interval of the difference.
    pub interval: [f64; 2],
}

/// Compares the means of two samples; `None` where one has fewer than two values or neither varies.
pub fn welch(first: &[f64], second: &[f64]) -> Option<Welch> {
    let part = |v: &[f64]| Some((mean(v)?, deviation(v)?.powi(2) / v.len() as f64, v.len() as f64));
    let ((m1, e1, n1), (m2, e2, n2)) = (part(first)?, part(second)?);
    let error = (e1 + e2).sqrt();
    // Equal values leave rounding in their deviation.
    if error <= 1e-12 * (m1.abs() + m2.abs()) {
        return None;
    }
    let freedom = (e1 + e2).powi(2) / (e1 * e1 / (n1 - 1.0) + e2 * e2 / (n2 - 1.0));
    let (difference, half) = (m1 - m2, t_975(freedom) * error);
    let t = difference / error;
    let interval = [difference - half, difference + half];
    Some(Welch { difference, t, freedom, p: t_two_sided(t, freedom), interval })
}

/// The area under the ROC curve: the probability that a positive has a larger score than a negative (ties count half), by
/// Mann and Whitney's U over ranks. `None` where all are of one kind.
pub fn auroc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let p = positive.iter().filter(|p| **p).count();
    let n = positive.len() - p;
    if p == 0 || n == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut sum, mut start) = (0.0, 0);
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&i| scores[i] == scores[order[start]]).count();
        let rank = start as f64 + (same as f64 + 1.0) / 2.0;
        sum += rank * order[start..start + same].iter().filter(|&&i| positive[i]).count() as f64;
        start += same;
    }
    Some((sum - (p * (p + 1)) as f64 / 2.0) / (p * n) as f64)
}

/// Two-sided exact binomial test of `hits` of `n` against one half.
pub fn binomial_half(hits: u64, n: u64) -> f64 {
    let few = hits.min(n - hits.min(n));
    let log_half = n as f64 * 0.5f64.ln();
    let tail: f64 = (0..=few).map(|i| (ln_choose(n, i) + log_half).exp()).sum();
    (2.0 * tail).min(1.0)
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0)
}

/// Logarithm of the gamma function for positive `x` (Lanczos, g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let series = (1..9).fold(C[0], |sum, i| sum + C[i] / (x + i as f64));
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// The regularised incomplete beta function, by Lentz's continued fraction.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges quickly only below the mean; beyond it the mirrored function is used.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let keep = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / keep(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / keep(1.0 + term * d);
            c = keep(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    // `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")`, `scipy.stats.t.ppf(.975, df)`,
    // `scipy.stats.t.interval(.95, 4, mean, sem)`, `binomtest(k, n, .5).pvalue`.
    const WILSON: [(u64, u64, f64, f64); 4] = [
        (4, 12, 0.138_120_091_091_213_2, 0.609_377_911_127_200_4),
        (60, 100, 0.502_002_586_791_061_8, 0.690_598_713_567_541_1),
        (0, 10, 0.0, 0.277_532_799_862_889_26),
        (10, 10, 0.722_467_200_137_110_7, 1.0),
    ];
    const T: [(f64, f64); 9] = [
        (1.0, 12.706_204_736_174_694),
        (1.5, 6.016_663_104_427_929),
        (2.0, 4.302_652_729_749_462),
        (3.7, 2.867_520_707_191_189_5),
        (4.0, 2.776_445_105_197_793_4),
        (9.0, 2.262_157_162_798_205),
        (30.0, 2.042_272_456_301_237_8),
        (1000.0, 1.962_339_080_826_408_3),
        (1000.5, 1.962_337_892_459_348),
    ];

    #[test]
    fn agrees_with_scipy() {
        for (k, n, low, high) in WILSON {
            let [a, b] = wilson(k, n);
            close(a, low);
            close(b, high);
        }
        for (df, t) in T {
            close(t_975(df), t);
        }
        let seeds = [0.61, 0.625, 0.598, 0.633, 0.615];
        close(deviation(&seeds).unwrap(), 0.013_516_656_391_282_585);
        let [low, high] = t_interval(&seeds).unwrap();
        close(low, 0.599_416_854_382_853_4);
        close(high, 0.632_983_145_617_146_3);
        close(binomial_half(3, 15), 0.035_156_25);
        close(binomial_half(12, 15), 0.035_156_25);
        close(binomial_half(40, 100), 0.056_887_933_640_980_89);
    }

    // `2 * scipy.stats.t.sf(abs(t), df)`; `r = scipy.stats.ttest_ind(a, b, equal_var=False)` with its statistic, df, pvalue
    // and confidence_interval(.95).
    #[test]
    fn tests_of_means_agree_with_scipy() {
        for (t, df, p) in [
            (0.5, 3.7, 0.645_335_633_319_931_8),
            (2.0, 1.0, 0.295_167_235_300_866_5),
            (4.2, 7.25, 0.003_731_820_587_150_576),
            (12.0, 4.0, 0.000_276_428_548_502_973),
        ] {
            close(t_two_sided(t, df), p);
            close(t_two_sided(-t, df), p);
        }
        let w = welch(&[0.61, 0.625, 0.598, 0.633, 0.615], &[0.59, 0.601, 0.612]).unwrap();
        close(w.difference, 0.0152);
        close(w.t, 1.733_627_276_286_536_8);
        close(w.freedom, 5.151_327_745_100_865);
        close(w.p, 0.141_794_957_632_046_44);
        close(w.interval[0], -0.007_140_509_321_915_879);
        close(w.interval[1], 0.037_540_509_321_915_64);
        assert_eq!(welch(&[0.5], &[0.5, 0.6]), None);
        assert_eq!(welch(&[0.5, 0.5], &[0.6, 0.6]), None);
        assert_eq!(welch(&[0.7; 3], &[19.0 / 30.0; 3]), None);
    }

    // numpy.quantile([1, 2, 4, 8], [0, .25, .5, .975, 1])
    #[test]
    fn quantiles_are_linear_between_values() {
        let of = |at| quantile(&[1.0, 2.0, 4.0, 8.0], at);
        assert_eq!([of(0.0), of(0.25), of(0.5), of(1.0)], [1.0, 1.75, 3.0, 8.0]);
        close(of(0.975), 7.7);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn small_samples_have_no_interval() {
        assert_eq!(t_interval(&[0.5]), None);
        assert_eq!(mean(&[]), None);
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
        assert_eq!(binomial_half(0, 0), 1.0);
    }
}
