//! Random changes to training images, one file per family.
//!
//! Geometry comes first and, where the resizing rule is bilinear, in one resampling with it; then a policy's operations, brightness
//! and contrast, then erasing; all on values in 0..255, before scaling. [`Mix`] works on finished batches. Every choice is a function of
//! seed, epoch and row (for mixing: seed, epoch and batch) alone.

mod erase;
mod geometric;
mod mix;
mod photometric;
mod policy;
mod ranges;

use anyhow::Result;

use super::motion::{self, MotionForm};
use super::options::{Augment, Resize};
use super::preprocess::{Crop, Picture, Pipeline};
use ferrotype_base::random::Stream;
use ferrotype_flow::Horizontal;

pub use erase::erase;
pub use geometric::{Affine, draw_affine, resample};
pub use mix::Mix;
pub use photometric::jitter;
pub use ranges::Ranges;

/// [`Augment`] with its preset resolved, checked and ready to use.
#[derive(Clone, Debug)]
pub struct Augmentation {
    ranges: Ranges,
    /// How the first channel holds motion to the right, which a mirror negates.
    horizontal: Option<Horizontal>,
}

impl Augmentation {
    /// Resolves the preset and checks the ranges.
    pub fn new(options: &Augment) -> Result<Self> {
        Ok(Self { ranges: Ranges::new(options)?, horizontal: None })
    }

    /// For pictures whose channels hold this: of a flow, mirroring negates the motion to the right.
    pub fn with_motion(mut self, motion: Option<&MotionForm>) -> Self {
        self.horizontal = motion.and_then(|form| motion::horizontal(form.channels));
        self
    }

    /// The ranges in force.
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// Resizes a picture with random changes: `[channels, size, size]`, 0..255, not yet scaled.
    pub fn apply(&self, picture: &Picture, pipeline: &Pipeline, choice: &mut Stream) -> Vec<f32> {
        let size = pipeline.size();
        let negated = self.horizontal.filter(|_| self.mirrors(choice)).map(|h| motion::negate(picture, h));
        let picture = &Picture { pixels: negated.as_deref().unwrap_or(picture.pixels), ..*picture };
        let framed = self.resize_moved(picture, pipeline, choice);
        let mut image = pipeline.cut(framed, self.crop(pipeline, choice));
        if let Some(policy) = &self.ranges.policy {
            policy::apply(policy, &mut image, size, self.ranges.fill, choice);
        }
        jitter(&mut image, self.ranges.brightness, self.ranges.contrast, choice);
        if choice.chance(self.ranges.erase) {
            erase(&mut image, size, choice);
        }
        image
    }

    /// Which square of the picture is seen.
    fn crop(&self, pipeline: &Pipeline, choice: &mut Stream) -> Crop {
        let places = pipeline.frame() - pipeline.size() + 1;
        match self.ranges.random_crop {
            true => Crop::At([0, 1].map(|_| choice.below(places))),
            false => pipeline.crop(),
        }
    }

    /// Resizing, geometry and colour: `[channels, frame, frame]`.
    fn resize_moved(&self, picture: &Picture, pipeline: &Pipeline, choice: &mut Stream) -> Vec<f32> {
        if !self.ranges.moves() {
            return pipeline.framed(picture);
        }
        let size = pipeline.frame();
        let affine = draw_affine(&self.ranges, size, choice);
        if pipeline.rule() != Resize::Bilinear {
            let image = pipeline.framed(picture);
            return resample(&image, [size, size], &affine, size, self.ranges.fill);
        }
        let planes = super::preprocess::planes(picture);
        let from = [picture.height, picture.width];
        let moved = resample(&planes, from, &affine.after_resize(from, size), size, self.ranges.fill);
        pipeline.recolour(moved, picture.channels)
    }

    /// Whether an image with these choices is mirrored. The stream stays where it is.
    pub fn mirrors(&self, choice: &Stream) -> bool {
        // The first draw of `draw_affine`.
        self.ranges.moves() && choice.clone().chance(self.ranges.flip)
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::{AugmentPreset, Colour, Fill, Preprocess, Scale};
    use super::*;
    use ferrotype_base::random::Purpose;

    fn pipeline(resize: Resize, colour: Colour) -> Pipeline {
        Pipeline::new(&Preprocess::new(16, resize, colour, Scale::Raw)).unwrap()
    }

    fn noise(n: usize) -> Vec<u8> {
        let mut stream = Stream::new(5);
        (0..n).map(|_| stream.below(256) as u8).collect()
    }

    #[test]
    fn without_any_range_it_is_the_plain_pipeline() {
        let pixels = noise(12 * 20 * 3);
        let picture = Picture::new(&pixels, 12, 20, 3).unwrap();
        let nothing = Augmentation::new(&Augment::default()).unwrap();
        for rule in [Resize::Nearest, Resize::Bilinear, Resize::BilinearOpencv, Resize::Area] {
            let pipeline = pipeline(rule, Colour::Grey);
            let out = nothing.apply(&picture, &pipeline, &mut Stream::new(1));
            assert_eq!(out, pipeline.resize_colour(&picture));
        }
    }

    /// Every square is seen, whole, and where none is drawn the middle one.
    #[test]
    fn squares_are_drawn_of_the_larger_picture() {
        let options = Preprocess {
            size: 4,
            crop_from: Some(6),
            resize: Resize::Bilinear,
            colour: Colour::Grey,
            scale: Scale::Raw,
        };
        let pipeline = Pipeline::new(&options).unwrap();
        let pixels: Vec<u8> = (0..36).collect();
        let picture = Picture::new(&pixels, 6, 6, 1).unwrap();
        let random = Augmentation::new(&Augment { random_crop: true, ..Augment::default() }).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for key in 0..200 {
            let out = random.apply(&picture, &pipeline, &mut Stream::of(1, Purpose::Augmentation, &[0, key]));
            let first = out[0] as usize;
            assert!(first / 6 <= 2 && first % 6 <= 2, "{first}");
            assert!((0..16).all(|i| out[i] as usize == first + i / 4 * 6 + i % 4), "{out:?}");
            seen.insert(first);
        }
        assert_eq!(seen.len(), 9);
        let nothing = Augmentation::new(&Augment::default()).unwrap();
        assert_eq!(nothing.apply(&picture, &pipeline, &mut Stream::new(1))[0], 7.0);
        assert_eq!(pipeline.resize_colour(&picture)[0], 7.0);
        assert_eq!(pipeline.shape(), [1, 4, 4]);
        let small = Preprocess { crop_from: Some(3), ..options };
        assert!(Pipeline::new(&small).unwrap_err().to_string().contains("crop_from is 3"));
    }

    #[test]
    fn a_mirrored_flow_moves_to_the_other_side() {
        use super::super::options::MotionInput;
        use ferrotype_flow::mirror_flow;
        let pixels = noise(16 * 16 * 3);
        let picture = Picture::new(&pixels, 16, 16, 3).unwrap();
        let plain = Augmentation::new(&Augment { flip: Some(1.0), ..Augment::default() }).unwrap();
        for (channels, horizontal) in [
            (MotionInput::Stretched, Some(Horizontal::Stretched)),
            (MotionInput::Signed, Some(Horizontal::Signed)),
            (MotionInput::OnsetApex, None),
        ] {
            let form = MotionForm::published(channels);
            let augmentation = plain.clone().with_motion(Some(&form));
            for rule in [Resize::Bilinear, Resize::Nearest] {
                let pipeline = pipeline(rule, Colour::Rgb);
                let out = augmentation.apply(&picture, &pipeline, &mut Stream::new(3));
                let wanted = match horizontal {
                    Some(horizontal) => {
                        let mut mirrored = pixels.clone();
                        mirror_flow(&mut mirrored, 16, horizontal).unwrap();
                        pipeline.resize_colour(&Picture::new(&mirrored, 16, 16, 3).unwrap())
                    }
                    None => plain.apply(&picture, &pipeline, &mut Stream::new(3)),
                };
                let off = out.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 1e-3, "{channels:?} {rule:?}: {off}");
            }
        }
    }

    #[test]
    fn choices_depend_on_their_key_alone() {
        let pixels = noise(14 * 14);
        let picture = Picture::new(&pixels, 14, 14, 1).unwrap();
        let options = Augment {
            preset: Some(AugmentPreset::Ferplus),
            erase: Some(0.5),
            contrast: Some(0.3),
            ..Augment::default()
        };
        let augmentation = Augmentation::new(&options).unwrap();
        let pipeline = pipeline(Resize::Bilinear, Colour::Rgb);
        let at = |epoch, row| {
            let mut choice = Stream::of(9, Purpose::Augmentation, &[epoch, row]);
            augmentation.apply(&picture, &pipeline, &mut choice)
        };
        assert_eq!(at(3, 7), at(3, 7));
        assert!(at(3, 7) != at(3, 8) && at(3, 7) != at(4, 7));
        assert_eq!(at(3, 7).len(), 3 * 16 * 16);
        assert!(at(3, 7).iter().all(|v| (0.0..=255.0).contains(v)));
    }

    #[test]
    fn every_family_and_rule_keeps_values_in_range() {
        let pixels = noise(14 * 9 * 3);
        let picture = Picture::new(&pixels, 14, 9, 3).unwrap();
        for fill in [Fill::Nearest, Fill::Reflect, Fill::Zero] {
            let options = Augment {
                flip: Some(0.5),
                rotate: Some(180.0),
                shift: Some(1.0),
                scale: Some(1.0),
                zoom: Some(0.9),
                shear: Some(1.0),
                brightness: Some(0.5),
                contrast: Some(0.9),
                erase: Some(1.0),
                fill: Some(fill),
                ..Augment::default()
            };
            let augmentation = Augmentation::new(&options).unwrap();
            for rule in [Resize::Nearest, Resize::Bilinear, Resize::BilinearOpencv, Resize::Area] {
                let pipeline = pipeline(rule, Colour::Rgb);
                for key in 0..40 {
                    let out = augmentation.apply(&picture, &pipeline, &mut Stream::new(key));
                    assert_eq!(out.len(), 3 * 256);
                    assert!(out.iter().all(|v| (0.0..=255.0).contains(v)), "{fill:?} {rule:?} {key}");
                }
            }
        }
    }
}
