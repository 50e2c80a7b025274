//! FER+'s chain, as `img_util.py` of microsoft/FERPlus (commit 888f98d) has it: histogram equalisation, minus the
//! best-fit plane, divided by the standard deviation.
//!
//! It is made of comparisons, sums and products only, so that an exported graph can repeat it:
//!
//! ```text
//! bin(x)  = floor(min(max(x, 0), 255) + 0.5005)
//! e_i     = 2 / n * #{ j : bin(x_j) <= bin(x_i) } - 1
//! d       = e - Q (Q^T e)            Q: orthonormal columns of 1, column index, row index
//! y       = d / s  where s = sqrt(mean(d^2)) > 1e-6, else d
//! ```
//!
//! The original works on uint8 pixels, where `bin(x) = x`. Pixels of a resized picture are fractions; scipy's resampling
//! rounds them half up to uint8 before the histogram, and so does `bin`. (It also keeps equal pixels equal: without
//! rounding, a flat area would be ranked by its rounding noise.) The extra 0.0005 moves the border of the bins off the
//! thousandths on which 0.299 R + 0.587 G + 0.114 B lies, so that the order of summation cannot decide the bin.

/// The histogram bin of a pixel value, 0 to 255.
pub fn pixel_bin(x: f32) -> usize {
    (x.clamp(0.0, 255.0) + 0.5005) as usize
}

/// Histogram equalisation in place: each pixel becomes `2 * (fraction of pixels whose bin is not above its own) - 1`.
pub fn equalise(image: &mut [f32]) {
    let mut cumulative = [0u32; 256];
    image.iter().for_each(|&x| cumulative[pixel_bin(x)] += 1);
    (1..256).for_each(|k| cumulative[k] += cumulative[k - 1]);
    let scale = 2.0 / image.len() as f64;
    let level = cumulative.map(|count| (f64::from(count) * scale - 1.0) as f32);
    image.iter_mut().for_each(|x| *x = level[pixel_bin(*x)]);
}

/// Subtracts the plane a + b x + c y that fits a `[size, size]` image best in the sense of least squares.
pub fn subtract_plane(image: &mut [f32], size: usize) {
    // About the centre of the grid the three columns are orthogonal, so each coefficient is one division.
    let middle = (size as f64 - 1.0) / 2.0;
    let (mut sum, mut sum_x, mut sum_y) = (0.0, 0.0, 0.0);
    for (row, values) in image.chunks_exact(size).enumerate() {
        for (column, &value) in values.iter().enumerate() {
            sum += f64::from(value);
            sum_x += f64::from(value) * (column as f64 - middle);
            sum_y += f64::from(value) * (row as f64 - middle);
        }
    }
    let spread: f64 = (0..size).map(|i| (i as f64 - middle).powi(2)).sum::<f64>() * size as f64;
    let mean = sum / (size * size) as f64;
    let (slope_x, slope_y) = if spread > 0.0 { (sum_x / spread, sum_y / spread) } else { (0.0, 0.0) };
    for (row, values) in image.chunks_exact_mut(size).enumerate() {
        let start = mean + slope_y * (row as f64 - middle);
        for (column, value) in values.iter_mut().enumerate() {
            *value = (f64::from(*value) - start - slope_x * (column as f64 - middle)) as f32;
        }
    }
}

/// The whole chain on a grey `[size, size]` image in 0..255, in place.
pub fn ferplus_chain(image: &mut [f32], size: usize) {
    equalise(image);
    subtract_plane(image, size);
    let power = image.iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>() / image.len() as f64;
    let deviation = power.sqrt();
    if deviation > 1e-6 {
        image.iter_mut().for_each(|d| *d = (f64::from(*d) / deviation) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_original_on_a_known_image() {
        // import numpy as np
        // img = (np.arange(36)**2 * 7 + 13 * np.arange(36)) % 251 // 3
        // A, P = compute_norm_mat(6, 6); preproc_img(img.reshape(6, 6), A, P)     # microsoft/FERPlus, img_util.py
        let mut image: Vec<f32> = (0..36).map(|i: i32| ((i * i * 7 + 13 * i) % 251 / 3) as f32).collect();
        ferplus_chain(&mut image, 6);
        let first: [f32; 6] = [-1.176_677_8, -0.992_415_8, -0.599_555_2, 0.001_903_875_5, 0.186_165_91, 0.891_924_3];
        let last: [f32; 6] = [1.060_789_8, 0.410_657_67, -0.656_671_5, -1.515_402_1, -2.165_534_2, 1.147_705_8];
        for (a, b) in image[..6].iter().chain(&image[30..]).zip(first.iter().chain(&last)) {
            assert!((a - b).abs() < 2e-6, "{a} {b}");
        }
    }

    #[test]
    fn result_has_no_mean_no_slope_and_unit_deviation() {
        let size = 9;
        let mut image: Vec<f32> = (0..81).map(|i| ((i * 37) % 101) as f32 * 1.7).collect();
        ferplus_chain(&mut image, size);
        let sum = |weight: &dyn Fn(usize) -> f32| image.iter().enumerate().map(|(i, d)| d * weight(i)).sum::<f32>();
        assert!(sum(&|_| 1.0).abs() < 1e-4);
        assert!(sum(&|i| (i % size) as f32).abs() < 1e-3 && sum(&|i| (i / size) as f32).abs() < 1e-3);
        let power = image.iter().map(|d| d * d).sum::<f32>() / 81.0;
        assert!((power - 1.0).abs() < 1e-4);
    }

    #[test]
    fn blank_images_stay_zero_and_a_single_pixel_works() {
        let mut black = vec![0.0; 64];
        ferplus_chain(&mut black, 8);
        assert!(black.iter().all(|&d| d.abs() < 1e-6), "{black:?}");
        let mut dot = vec![77.0];
        ferplus_chain(&mut dot, 1);
        assert_eq!(dot, [0.0]);
    }

    #[test]
    fn bins_round_half_up_and_stay_in_range() {
        let bins = [-4.0, 0.0, 0.49, 0.5, 1.49, 254.5, 255.0, 300.0].map(pixel_bin);
        assert_eq!(bins, [0, 0, 0, 1, 1, 255, 255, 255]);
        assert!((0..=255u8).all(|v| pixel_bin(f32::from(v)) == usize::from(v)));
        assert_eq!(pixel_bin(f32::NAN), 0);
    }
}
