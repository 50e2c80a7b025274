//! From a row of a set to the planes that the network takes: one picture, or all pictures of a sequence.

use anyhow::{Context, Result};

use super::FaceSet;
use super::augment::Augmentation;
use super::face_set::{NO_PICTURE, Segments};
use super::preprocess::{Picture, Pipeline};
use ferrotype_base::random::Stream;

/// The planes of a row at the model's size, 0..255, not yet scaled: `[channels, size, size]` of each of its pictures, for
/// sequences part by part and within a part frame by frame.
///
/// All pictures of a sequence are changed by the same random choices. Where they are mirrored, left and right parts change
/// places. Padding is black.
///
/// # Errors
/// When the stored pictures have an impossible size.
pub fn planes(
    set: &FaceSet,
    row: usize,
    pipeline: &Pipeline,
    change: Option<(&Augmentation, &Stream)>,
) -> Result<Vec<f32>> {
    let one = |number: u32| -> Result<Vec<f32>> {
        let images = &set.images;
        let pixels = set.picture(number as usize)?;
        let picture = Picture::new(&pixels, images.height, images.width, images.channels)?;
        Ok(match change {
            Some((augmentation, choice)) => augmentation.apply(&picture, pipeline, &mut choice.clone()),
            None => pipeline.resize_colour(&picture),
        })
    };
    let Some(segments) = &set.segments else { return one(row as u32) };
    let mirrored = change.is_some_and(|(augmentation, choice)| augmentation.mirrors(choice));
    let stride = pipeline.channels() * pipeline.size() * pipeline.size();
    let mut out = Vec::with_capacity(segments.stride() * stride);
    for part in 0..segments.parts.len() {
        let from = if mirrored { mirrored_part(segments, part) } else { part };
        for &number in &segments.get(row)[from * segments.frames..(from + 1) * segments.frames] {
            if number == NO_PICTURE {
                out.resize(out.len() + stride, 0.0);
            } else {
                out.extend(one(number).with_context(|| format!("picture {number} of row {row}"))?);
            }
        }
    }
    Ok(out)
}

/// The part whose mirrored pictures stand for this one: the other side's, where the set has it.
fn mirrored_part(segments: &Segments, part: usize) -> usize {
    let other = segments.parts[part].mirrored();
    segments.parts.iter().position(|&p| p == other).unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Images;
    use crate::options::{Augment, Colour, Component, Preprocess, Resize, Scale};
    use ferrotype_base::random::Purpose;

    /// Two parts of three frames; each picture holds its number, brighter to the right by one.
    fn set() -> FaceSet {
        let pixels = (0..6u8).flat_map(|n| (0..16u8).map(move |i| 10 * n + i % 4)).collect();
        let segments = Segments {
            parts: vec![Component::LeftEye, Component::RightEye],
            frames: 2,
            pictures: vec![0, 1, 3, 4, 1, 2, 4, 5, 2, NO_PICTURE, 5, NO_PICTURE],
            valid: vec![2, 2, 1],
            clips: vec![0, 0, 0],
        };
        FaceSet {
            images: Images { pixels, height: 4, width: 4, channels: 1 },
            labels: vec![0; 3],
            segments: Some(segments),
            ..FaceSet::default()
        }
    }

    fn pipeline() -> Pipeline {
        let options = Preprocess::new(4, Resize::Bilinear, Colour::Grey, Scale::Raw);
        Pipeline::new(&options).unwrap().with_pictures(4)
    }

    fn firsts(planes: &[f32]) -> Vec<f32> {
        planes.chunks_exact(16).map(|p| p[0]).collect()
    }

    #[test]
    fn planes_stand_part_by_part() {
        let (set, pipeline) = (set(), pipeline());
        assert_eq!(pipeline.shape(), [4, 4, 4]);
        let of = |row| firsts(&planes(&set, row, &pipeline, None).unwrap());
        assert_eq!(of(0), [0.0, 10.0, 30.0, 40.0]);
        assert_eq!(of(1), [10.0, 20.0, 40.0, 50.0]);
        // Padding is black.
        assert_eq!(of(2), [20.0, 0.0, 50.0, 0.0]);
        assert_eq!((set.shown_picture(0), set.shown_picture(2)), (3, 5));
    }

    #[test]
    fn mirrored_eyes_change_places_and_choices_are_shared() {
        let (set, pipeline) = (set(), pipeline());
        let sure = Augmentation::new(&Augment { flip: Some(1.0), ..Augment::default() }).unwrap();
        let choice = Stream::of(1, Purpose::Augmentation, &[0, 0]);
        let mirrored = planes(&set, 0, &pipeline, Some((&sure, &choice))).unwrap();
        assert_eq!(firsts(&mirrored), [33.0, 43.0, 3.0, 13.0]);
        // Shifts and brightness are those of all pictures: their differences stay.
        let options = Augment { flip: Some(0.5), brightness: Some(0.2), rotate: Some(10.0), ..Augment::default() };
        let some = Augmentation::new(&options).unwrap();
        let mut flips = 0;
        for key in 0..40 {
            let choice = Stream::of(1, Purpose::Augmentation, &[0, key]);
            let out = planes(&set, 1, &pipeline, Some((&some, &choice))).unwrap();
            let flipped = out[0] > out[32];
            assert_eq!(flipped, some.mirrors(&choice));
            flips += usize::from(flipped);
            let (a, b) = (&out[..16], &out[16..32]);
            let steady = a.iter().zip(b).filter(|(a, b)| **a > 0.0 && **b < 255.0);
            assert!(steady.map(|(a, b)| b - a - 10.0).all(|d| d.abs() < 1e-3), "{a:?} {b:?}");
        }
        assert!((10..30).contains(&flips), "{flips}");
    }
}
