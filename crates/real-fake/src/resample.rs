//! Series on a regular grid of times, and frames without measurements.

use super::clip::Series;

/// A frame as a table has it: not every frame has a face.
#[derive(Clone, Debug, PartialEq)]
pub struct RawFrame {
    /// Seconds from the clip's beginning.
    pub time: f64,
    /// The columns; none where the frame has no face.
    pub values: Option<Vec<f32>>,
}

/// The frames with measurements; those without are filled in by straight lines where the measured ones beside them lie no
/// more than `max_gap` seconds apart. Gives also how many were filled in, and how many left out.
pub fn filled(frames: &[RawFrame], max_gap: f64) -> (Series, usize, usize) {
    let measured: Vec<(f64, &[f32])> = frames.iter().filter_map(|f| Some((f.time, f.values.as_deref()?))).collect();
    let (mut series, mut interpolated, mut left_out) = (Series::default(), 0, 0);
    for frame in frames {
        let values = match &frame.values {
            Some(values) => Some(values.clone()),
            None => between(&measured, frame.time, max_gap),
        };
        match values {
            Some(values) => {
                interpolated += usize::from(frame.values.is_none());
                series.times.push(frame.time);
                series.values.extend(values);
            }
            None => left_out += 1,
        }
    }
    (series, interpolated, left_out)
}

/// The series at so many frames per second, from its first time on, with the number of frames of the grid that lie in gaps
/// longer than `max_gap` (and than two frames of the grid) and are left out.
pub fn resampled(series: &Series, rate: f64, max_gap: f64) -> (Series, usize) {
    let columns = series.columns();
    let measured: Vec<(f64, &[f32])> =
        series.times.iter().copied().zip(series.values.chunks_exact(columns.max(1))).collect();
    let (Some(first), Some(last)) = (series.times.first(), series.times.last()) else {
        return (Series::default(), 0);
    };
    // Rounding must not lose the last frame.
    let count = ((last - first) * rate + 1e-6).floor() as usize + 1;
    let mut out = Series::default();
    let mut left_out = 0;
    for i in 0..count {
        let time = (first + i as f64 / rate).min(*last);
        match between(&measured, time, max_gap.max(2.0 / rate)) {
            Some(values) => {
                out.times.push(time);
                out.values.extend(values);
            }
            None => left_out += 1,
        }
    }
    (out, left_out)
}

/// The values at a time, by a straight line between the measured frames beside it.
fn between(measured: &[(f64, &[f32])], time: f64, max_gap: f64) -> Option<Vec<f32>> {
    let after = measured.partition_point(|m| m.0 < time);
    let (t1, b) = *measured.get(after)?;
    // The grid's sums are rounded otherwise than the clip's times.
    if t1 - time < 1e-9 {
        return Some(b.to_vec());
    }
    let (t0, a) = *measured.get(after.checked_sub(1)?)?;
    if t1 - t0 > max_gap + 1e-9 {
        return None;
    }
    let share = ((time - t0) / (t1 - t0)) as f32;
    Some(a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(time: f64, value: Option<f32>) -> RawFrame {
        RawFrame { time, values: value.map(|v| vec![v, 2.0 * v]) }
    }

    #[test]
    fn short_gaps_are_filled_and_long_ones_left_out() {
        let values = [None, Some(1.0), None, None, Some(4.0), None, None, None, Some(8.0), None];
        let frames: Vec<RawFrame> = values.iter().enumerate().map(|(i, v)| frame(i as f64 * 0.1, *v)).collect();
        let (series, interpolated, left_out) = filled(&frames, 0.3);
        assert_eq!((interpolated, left_out), (2, 5));
        assert_eq!(series.times.len(), 5);
        let first: Vec<f32> = series.column(0).collect();
        let wanted = [1.0, 2.0, 3.0, 4.0, 8.0];
        assert!(first.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{first:?}");
        assert!(series.column(1).zip(series.column(0)).all(|(b, a)| (b - 2.0 * a).abs() < 1e-5));
    }

    // numpy: np.interp(np.arange(0, 9) / 20, np.arange(5) / 10, [0, 1, 4, 9, 16])
    #[test]
    fn resampling_is_linear_in_time() {
        let values = [0.0, 1.0, 4.0, 9.0, 16.0];
        let series = Series { times: (0..5).map(|i| f64::from(i) / 10.0).collect(), values: values.to_vec() };
        let (fine, left_out) = resampled(&series, 20.0, 0.25);
        assert_eq!(left_out, 0);
        let wanted = [0.0, 0.5, 1.0, 2.5, 4.0, 6.5, 9.0, 12.5, 16.0];
        assert_eq!(fine.len(), wanted.len());
        assert!(fine.values.iter().zip(wanted).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5), "{:?}", fine.values);
        let (same, _) = resampled(&series, 10.0, 0.25);
        assert_eq!(same.values, values);
        let (coarse, _) = resampled(&series, 5.0, 0.25);
        assert_eq!(coarse.values, [0.0, 4.0, 16.0]);
    }

    #[test]
    fn resampling_does_not_bridge_long_gaps() {
        let series = Series { times: vec![0.0, 0.1, 1.1, 1.2], values: vec![0.0, 1.0, 2.0, 3.0] };
        let (out, left_out) = resampled(&series, 10.0, 0.25);
        assert_eq!((out.len(), left_out), (4, 9));
    }
}
