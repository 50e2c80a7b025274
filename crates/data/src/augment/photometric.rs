//! Brightness and contrast.

use ferrotype_base::random::Stream;

/// Contrast about the image's mean with a factor from [1 - contrast, 1 + contrast), then brightness: a value from
/// [-brightness, brightness) * 255 is added; held in 0..255. Both draws are made whatever the ranges are.
pub fn jitter(image: &mut [f32], brightness: f32, contrast: f32, choice: &mut Stream) {
    let added = choice.uniform(-1.0, 1.0) * brightness * 255.0;
    let factor = 1.0 + choice.uniform(-1.0, 1.0) * contrast;
    if brightness == 0.0 && contrast == 0.0 || image.is_empty() {
        return;
    }
    let mean = (image.iter().map(|&v| f64::from(v)).sum::<f64>() / image.len() as f64) as f32;
    image.iter_mut().for_each(|v| *v = ((*v - mean) * factor + mean + added).clamp(0.0, 255.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_moves_the_mean_and_contrast_keeps_it() {
        let start: Vec<f32> = (100..150u8).map(f32::from).collect();
        let mean = |image: &[f32]| image.iter().sum::<f32>() / image.len() as f32;
        let mut most = 0.0f32;
        for key in 0..200 {
            let mut brighter = start.clone();
            jitter(&mut brighter, 0.1, 0.0, &mut Stream::new(key));
            most = most.max((mean(&brighter) - mean(&start)).abs());
            let spread = brighter[49] - brighter[0];
            assert!((spread - 49.0).abs() < 1e-3);
            let mut harder = start.clone();
            jitter(&mut harder, 0.0, 0.5, &mut Stream::new(key));
            assert!((mean(&harder) - mean(&start)).abs() < 1e-3);
            assert!((0.5 - 1e-4..1.5 + 1e-4).contains(&((harder[49] - harder[0]) / 49.0)));
        }
        assert!((24.0..=25.5).contains(&most), "{most}");
    }
}
