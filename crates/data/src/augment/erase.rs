//! Random erasing (Zhong et al., arXiv:1708.04896).

use ferrotype_base::random::Stream;

/// Smallest and largest area of the rectangle, as a fraction of the image's.
const AREA: [f32; 2] = [0.02, 0.2];
/// Smallest height / width; the largest is its reciprocal. The paper's r1.
const ASPECT: f32 = 0.3;

/// Fills a random rectangle of an image `[channels, size, size]` with uniform noise in 0..255 (the paper's RE-R), the same
/// rectangle in all channels, each value drawn alone.
pub fn erase(image: &mut [f32], size: usize, choice: &mut Stream) {
    let [top, left, height, width] = rectangle(size, choice);
    for plane in image.chunks_exact_mut(size * size) {
        for row in plane.chunks_exact_mut(size).skip(top).take(height) {
            row[left..left + width].iter_mut().for_each(|v| *v = choice.uniform(0.0, 255.0));
        }
    }
}

/// Top, left, height and width. The paper draws until the rectangle fits; here a side that is too long is cut.
fn rectangle(size: usize, choice: &mut Stream) -> [usize; 4] {
    let area = choice.uniform(AREA[0], AREA[1]) * (size * size) as f32;
    let aspect = choice.uniform(ASPECT, 1.0 / ASPECT);
    let side = |length: f32| (length.round() as usize).clamp(1, size);
    let (height, width) = (side((area * aspect).sqrt()), side((area / aspect).sqrt()));
    [choice.below(size - height + 1), choice.below(size - width + 1), height, width]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_have_the_papers_areas_and_fit() {
        for size in [1, 2, 10, 48] {
            for key in 0..300 {
                let [top, left, height, width] = rectangle(size, &mut Stream::new(key));
                assert!(height > 0 && width > 0 && top + height <= size && left + width <= size);
                let part = (height * width) as f32 / (size * size) as f32;
                assert!(size < 48 || (0.015..0.22).contains(&part), "{part}");
            }
        }
    }

    #[test]
    fn all_channels_lose_the_same_rectangle() {
        let mut image = vec![-1.0; 3 * 20 * 20];
        erase(&mut image, 20, &mut Stream::new(4));
        let lost = |k: usize| image[k * 400..(k + 1) * 400].iter().map(|&v| v >= 0.0).collect::<Vec<_>>();
        assert!(lost(0) == lost(1) && lost(1) == lost(2) && lost(0).contains(&true) && lost(0).contains(&false));
    }
}
