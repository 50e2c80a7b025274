//! What is done to the values of a whole video.

/// The value that counts as a person's zero: the one at the index `n * cutoff` of the `n` sorted values.
pub fn zero(mut values: Vec<f32>, cutoff: f64) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = (values.len() as f64 * cutoff) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// The mean of `window` (odd) neighbours; the first and last `window / 2` values stay as they are.
pub fn mean(values: &[f32], window: usize) -> Vec<f32> {
    let half = window / 2;
    let mut out = values.to_vec();
    for (mean, around) in out.iter_mut().skip(half).zip(values.windows(window)) {
        *mean = (around.iter().map(|&v| f64::from(v)).sum::<f64>() / window as f64) as f32;
    }
    out
}
