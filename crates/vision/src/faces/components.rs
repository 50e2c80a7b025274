//! The parts of a face that system 003 (MicroX) looks at, cut out of frames by landmarks.

use anyhow::Result;

use super::align::{align, interleaved};
use super::{Bounds, Landmarks, bounds_of};
use ferrotype_data::options::{Component, Resize};
use ferrotype_data::preprocess::{Picture, resize};

/// The box of a component in the frame, without padding; none for parts that are no boxes of landmarks.
///
/// System 003's boxes (`core/preprocessor.py`): x and y of the corners are those of four named landmarks, not the extent
/// of all points. Where a turned face makes them cross, they are put in order; there the original fails and copies the
/// frame before. Its brows never worked (a misspelt name): here they are the extent of their five points.
pub fn component_bounds(points: &Landmarks, component: Component) -> Option<Bounds> {
    let named = |left: usize, right: usize, top: usize, bottom: usize| Bounds {
        left: points[left][0].min(points[right][0]),
        top: points[top][1].min(points[bottom][1]),
        right: points[left][0].max(points[right][0]),
        bottom: points[top][1].max(points[bottom][1]),
    };
    match component {
        Component::LeftEye => Some(named(36, 39, 38, 40)),
        Component::RightEye => Some(named(42, 45, 44, 46)),
        Component::Nose => Some(named(31, 35, 27, 33)),
        Component::Mouth => Some(named(48, 54, 51, 57)),
        Component::LeftBrow => Some(bounds_of(&points[17..22])),
        Component::RightBrow => Some(bounds_of(&points[22..27])),
        Component::FullFace | Component::AlignedFace => None,
    }
}

/// The picture of a component: `[size, size, channels]`. Boxes are padded by `padding` pixels of the frame on all sides,
/// held within it, and resized as OpenCV does it (INTER_LINEAR), whatever their proportions.
///
/// # Errors
/// When an aligned face is asked for and both eyes stand at one place.
pub fn cut_component(
    picture: &Picture,
    points: &Landmarks,
    component: Component,
    padding: f32,
    size: usize,
) -> Result<Vec<u8>> {
    match component {
        Component::FullFace => Ok(whole_frame(picture, size)),
        Component::AlignedFace => align(picture, points, size),
        part => {
            // Every other component has a box.
            let b = component_bounds(points, part).unwrap_or_default();
            let b = Bounds {
                left: b.left - padding,
                top: b.top - padding,
                right: b.right + padding,
                bottom: b.bottom + padding,
            };
            resized(&rectangle(picture, &b), picture.channels, size)
        }
    }
}

/// The whole frame, resized: it needs no face.
pub fn whole_frame(picture: &Picture, size: usize) -> Vec<u8> {
    interleaved(&resize(picture, size, Resize::BilinearOpencv), picture.channels)
}

fn resized((pixels, [width, height]): &(Vec<u8>, [usize; 2]), channels: usize, size: usize) -> Result<Vec<u8>> {
    let cut = Picture::new(pixels, *height, *width, channels)?;
    Ok(interleaved(&resize(&cut, size, Resize::BilinearOpencv), channels))
}

/// Pixels of a box, held within the picture, and its width and height: at least one pixel.
fn rectangle(picture: &Picture, b: &Bounds) -> (Vec<u8>, [usize; 2]) {
    // Python's int() of the original: towards zero. A cast holds what is not a number at 0.
    let span = |low: f32, high: f32, count: usize| {
        let first = (low.max(0.0) as usize).min(count - 1);
        first..(high.max(0.0) as usize).clamp(first + 1, count)
    };
    let (rows, columns) = (span(b.top, b.bottom, picture.height), span(b.left, b.right, picture.width));
    let mut pixels = Vec::with_capacity(rows.len() * columns.len() * picture.channels);
    for row in rows.clone() {
        let line = row * picture.width;
        let channels = picture.channels;
        pixels.extend_from_slice(&picture.pixels[(line + columns.start) * channels..(line + columns.end) * channels]);
    }
    (pixels, [columns.len(), rows.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Landmarks {
        std::array::from_fn(|i| [20.0 + i as f32, 40.0 + (i * 7 % 20) as f32])
    }

    #[test]
    fn boxes_are_those_of_system_003() {
        let p = points();
        let eye = component_bounds(&p, Component::LeftEye).unwrap();
        assert_eq!((eye.left, eye.right), (p[36][0], p[39][0]));
        assert_eq!((eye.top, eye.bottom), (p[38][1].min(p[40][1]), p[38][1].max(p[40][1])));
        let mouth = component_bounds(&p, Component::Mouth).unwrap();
        assert_eq!((mouth.left, mouth.right), (p[48][0], p[54][0]));
        assert_eq!(component_bounds(&p, Component::FullFace), None);
        let brow = component_bounds(&p, Component::RightBrow).unwrap();
        assert!(p[22..27].iter().all(|q| brow.left <= q[0] && q[0] <= brow.right && brow.top <= q[1]));
    }

    #[test]
    fn pixels_are_those_of_the_padded_box() {
        // Each pixel holds its column and its row.
        let pixels: Vec<u8> = (0..100 * 120).flat_map(|i| [(i % 120) as u8, (i / 120) as u8, 0]).collect();
        let picture = Picture::new(&pixels, 100, 120, 3).unwrap();
        let mut p = points();
        // Left 30, right 45, top 50, bottom 65 with a padding of 5: 25 x 25 pixels, taken as they are.
        (p[48], p[54], p[51], p[57]) = ([30.0, 0.0], [45.0, 0.0], [0.0, 50.0], [0.0, 65.0]);
        let cut = cut_component(&picture, &p, Component::Mouth, 5.0, 25).unwrap();
        let at = |x: usize, y: usize| [cut[(y * 25 + x) * 3], cut[(y * 25 + x) * 3 + 1]];
        assert_eq!((at(0, 0), at(24, 0), at(0, 24)), ([25, 45], [49, 45], [25, 69]));
        // Boxes beyond the frame are held within it, and never empty.
        for far in [[-500.0, -500.0], [900.0, 900.0], [f32::NAN, 3.0]] {
            let cut = cut_component(&picture, &[far; 68], Component::Nose, 5.0, 8).unwrap();
            assert_eq!(cut.len(), 8 * 8 * 3);
        }
        assert_eq!(cut_component(&picture, &p, Component::FullFace, 5.0, 60).unwrap().len(), 60 * 60 * 3);
    }
}
