//! First-order Butterworth low-pass, forwards and backwards (zero phase), as SciPy and MATLAB do it.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// How far a series is continued at both ends before it is filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// 6 samples: `scipy.signal.filtfilt`, whose rule is 3 max(len(a), len(b)).
    Scipy,
    /// 3 samples: MATLAB's and Octave's `filtfilt`, whose rule is 3 (max(len(a), len(b)) - 1).
    #[default]
    Matlab,
}

impl Edges {
    /// Samples at each end; a series must be longer than that.
    pub fn samples(self) -> usize {
        match self {
            Self::Scipy => 6,
            Self::Matlab => 3,
        }
    }
}

/// A Butterworth low-pass of order 1: `y[n] = b0 x[n] + b1 x[n-1] - a1 y[n-1]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowPass {
    /// Numerator, both coefficients being equal; the same as `b` of `scipy.signal.butter(1, cutoff, fs=rate)`.
    pub b: [f64; 2],
    /// Denominator behind the leading 1.
    pub a1: f64,
}

impl LowPass {
    /// The filter that lets half of the power through at `cutoff` Hz, for series of `rate` samples per second (bilinear
    /// transform with prewarping).
    ///
    /// # Errors
    /// When the cutoff is not between 0 and half of the rate.
    pub fn new(cutoff: f64, rate: f64) -> Result<Self> {
        ensure!(rate.is_finite() && rate > 0.0, "a series cannot have {rate} samples per second");
        ensure!(
            cutoff > 0.0 && cutoff < rate / 2.0,
            "a low-pass at {cutoff} Hz cannot be applied to {rate} samples per second: the cutoff must lie between 0 and \
             half of the rate, {} Hz",
            rate / 2.0
        );
        let warped = (std::f64::consts::PI * cutoff / rate).tan();
        let gain = warped / (1.0 + warped);
        Ok(Self { b: [gain, gain], a1: (warped - 1.0) / (warped + 1.0) })
    }

    /// Filters forwards and backwards, so that nothing is delayed. The series is continued at both ends by its reflection
    /// through the end point (odd extension), and the filter starts in the state in which a constant would have left it.
    ///
    /// # Errors
    /// When the series is not longer than the extension, or has values that are not finite.
    pub fn filtfilt(&self, series: &[f64], edges: Edges) -> Result<Vec<f64>> {
        let pad = edges.samples();
        ensure!(
            series.len() > pad,
            "a series of {} samples is too short to be filtered: it needs at least {}",
            series.len(),
            pad + 1
        );
        let odd = series.iter().position(|v| !v.is_finite());
        ensure!(odd.is_none(), "sample {} of a series is not finite: fill its gaps first", odd.map_or(0, |i| i + 1));
        let last = series.len() - 1;
        let before = (1..=pad).rev().map(|i| 2.0 * series[0] - series[i]);
        let after = (1..=pad).map(|i| 2.0 * series[last] - series[last - i]);
        let mut extended: Vec<f64> = before.chain(series.iter().copied()).chain(after).collect();
        self.run(&mut extended);
        extended.reverse();
        self.run(&mut extended);
        extended.reverse();
        Ok(extended[pad..=pad + last].to_vec())
    }

    /// One pass in place (transposed direct form II), from the steady state of the first value.
    fn run(&self, series: &mut [f64]) {
        let [b0, b1] = self.b;
        let mut state = (b1 - self.a1 * b0) / (1.0 + self.a1) * series[0];
        for value in series {
            let input = *value;
            *value = b0 * input + state;
            state = b1 * input - self.a1 * *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: &[f64], theirs: &[f64], within: f64) {
        assert_eq!(ours.len(), theirs.len());
        ours.iter().zip(theirs).for_each(|(a, b)| assert!((a - b).abs() < within, "{ours:?} {theirs:?}"));
    }

    #[test]
    fn coefficients_and_filtered_series_are_scipys() {
        // b, a = scipy.signal.butter(1, 1, fs=100); [b[0], b[1], a[1]]; the same for butter(1, 6, fs=25)
        let coefficients = |filter: LowPass| [filter.b[0], filter.b[1], filter.a1];
        close(
            &coefficients(LowPass::new(1.0, 100.0).unwrap()),
            &[0.03046874709125383, 0.03046874709125383, -0.9390625058174923],
            1e-15,
        );
        close(
            &coefficients(LowPass::new(6.0, 25.0).unwrap()),
            &[0.4842868669783244, 0.4842868669783244, -0.03142626604335124],
            1e-15,
        );
        // x = np.array([np.sin(0.9 * i) + 0.1 * i for i in range(12)]); b, a = scipy.signal.butter(1, 1.5, fs=25)
        // scipy.signal.filtfilt(b, a, x), then with padlen=3
        let series: Vec<f64> = (0..12).map(|i| (0.9 * f64::from(i)).sin() + 0.1 * f64::from(i)).collect();
        let filter = LowPass::new(1.5, 25.0).unwrap();
        let scipy = [
            0.05065706338971006,
            0.23546049792849957,
            0.3447872491928172,
            0.3567119817764063,
            0.32485961363643967,
            0.3358550037649396,
            0.4417793512061443,
            0.6184487146655858,
            0.7807400837103341,
            0.8429170200340061,
            0.7776832454334464,
            0.6283929441125233,
        ];
        close(&filter.filtfilt(&series, Edges::Scipy).unwrap(), &scipy, 1e-14);
        let short = [
            -0.07256371944245057,
            0.1506598320420872,
            0.2855971683959649,
            0.314191551259083,
            0.2925859261778453,
            0.30895296996222343,
            0.4161852947262252,
            0.5902965351850565,
            0.7457772646232519,
            0.7958622661972643,
            0.7114287191672771,
            0.5329305935230898,
        ];
        close(&filter.filtfilt(&series, Edges::Matlab).unwrap(), &short, 1e-14);
    }

    #[test]
    fn what_cannot_be_filtered_is_refused() {
        let said = |cutoff, rate| LowPass::new(cutoff, rate).unwrap_err().to_string();
        assert!(said(50.0, 100.0).contains("half of the rate, 50 Hz"));
        assert!(said(0.0, 100.0).contains("cutoff must lie between"));
        assert!(said(f64::NAN, 100.0).contains("cutoff must lie between"));
        assert!(said(1.0, 0.0).contains("samples per second"));
        let filter = LowPass::new(1.0, 100.0).unwrap();
        let short = filter.filtfilt(&[1.0; 6], Edges::Scipy).unwrap_err().to_string();
        assert!(short.contains("6 samples is too short") && short.contains("at least 7"), "{short}");
        assert!(filter.filtfilt(&[1.0; 4], Edges::Matlab).is_ok());
        let odd = filter.filtfilt(&[1.0, 1.0, f64::NAN, 1.0], Edges::Matlab).unwrap_err().to_string();
        assert!(odd.contains("sample 3"), "{odd}");
    }

    #[test]
    fn constants_pass_and_nothing_is_delayed() {
        let filter = LowPass::new(1.0, 30.0).unwrap();
        close(&filter.filtfilt(&[0.7; 20], Edges::Matlab).unwrap(), &[0.7; 20], 1e-14);
        let bump: Vec<f64> = (0..61).map(|i| (-0.02 * (f64::from(i) - 30.0).powi(2)).exp()).collect();
        let smooth = filter.filtfilt(&bump, Edges::Matlab).unwrap();
        let top = (0..61).max_by(|&a, &b| smooth[a].total_cmp(&smooth[b])).unwrap();
        assert_eq!(top, 30);
        assert!(smooth[30] < bump[30]);
    }
}
