//! From the frames of a clip to a picture of its motion: the face, found once; the apex, where it is not known; the flow.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_flow::Plane;

use super::frames::Frames;
use crate::faces::{Detector, EYES, Photo, align_eyes};
use ferrotype_data::Images;
use ferrotype_data::motion::{MotionChain, MotionCrop};
use ferrotype_data::options::UnknownApex;
use ferrotype_data::preprocess::Picture;
use ferrotype_data::stored_form::StoredForm;

/// Pixels per side at which frames are compared where the apex is searched: noise of single pixels does not count there.
const COARSE: usize = 28;

/// Makes pictures of motion in one way.
#[derive(Debug)]
pub struct Chain {
    options: MotionChain,
    detector: Option<Detector>,
}

/// The picture of a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Pixels of the picture, `[side, side, channels]`.
    pub pixels: Vec<u8>,
    /// The frame that was taken for the apex.
    pub apex: u32,
}

/// Where the face is in all frames of a clip.
enum Place {
    /// The frames are face crops.
    Whole,
    /// By the middles of the eyes, in pixels.
    Eyes([[f32; 2]; 2]),
}

/// The middles of the eyes, left of the picture first.
pub(super) type Eyes = [[f32; 2]; 2];

impl Chain {
    /// Opens what the options need: a detector for frames, none for face crops.
    ///
    /// # Errors
    /// When the detector is missing, not wanted, cannot be opened, or does not give the eyes.
    pub fn of(options: &MotionChain, detector: Option<&Path>) -> Result<Self> {
        let detector = match (&options.crop, detector) {
            (MotionCrop::Given, None) => None,
            (MotionCrop::Given, Some(_)) => bail!("the frames are face crops: leave the detector out"),
            (MotionCrop::Eyes { .. } | MotionCrop::DrawnEyes, None) => {
                bail!("the face is to be found in the frames: name the ONNX file of YuNet with --detector")
            }
            (MotionCrop::Eyes { .. } | MotionCrop::DrawnEyes, Some(path)) => {
                let detector = Detector::open(path)?;
                ensure!(
                    detector.name() == "YuNet",
                    "{} is {}, which does not say where the eyes are: YuNet is needed",
                    path.display(),
                    detector.name()
                );
                Some(detector)
            }
        };
        Ok(Self { options: options.clone(), detector })
    }

    /// How the face is had, in words.
    pub fn note(&self) -> String {
        let face = self.options.face;
        match &self.detector {
            Some(detector) => format!(
                "faces found by {} in the onset frames, turned and scaled to {face} pixels by the eyes; the apex is cut out alike",
                detector.name()
            ),
            None => format!("frames are face crops, brought to {face} pixels"),
        }
    }

    /// The picture of a clip between `onset` and its apex, which is searched in all frames behind the onset where it is not
    /// known; none where no face is found in the onset frame. Of several faces the largest is taken.
    ///
    /// # Errors
    /// When a frame is missing or no picture, when frames differ in size, or there is none behind the onset.
    pub fn see(&self, frames: &Frames, onset: u32, apex: Option<u32>) -> Result<Option<Seen>> {
        let first = frames.get(onset).with_context(|| format!("the onset, frame {onset}"))?;
        let Some(place) = self.place(&first)? else { return Ok(None) };
        self.between(frames, onset, apex, &first, &place).map(Some)
    }

    fn between(&self, frames: &Frames, onset: u32, apex: Option<u32>, first: &Photo, place: &Place) -> Result<Seen> {
        let face_of = |number: u32| -> Result<Vec<u8>> {
            let photo = frames.get(number).with_context(|| format!("frame {number}"))?;
            let sizes = [first, &photo].map(|p| (p.width(), p.height()));
            ensure!(
                sizes[0] == sizes[1],
                "frame {onset} has {}x{} pixels, and frame {number} {}x{}: frames of a clip have one size",
                sizes[0].0,
                sizes[0].1,
                sizes[1].0,
                sizes[1].1
            );
            self.face(&photo, place)
        };
        let at_rest = self.face(first, place)?;
        let (apex, moved) = match apex {
            Some(apex) => (apex, face_of(apex)?),
            None => self.search(frames, onset, &at_rest, face_of)?,
        };
        let side = self.options.face;
        let plane = |pixels: &[u8]| Plane::from_bytes(side, side, pixels);
        let pixels = self.options.picture.draw(&plane(&at_rest)?, &plane(&moved)?)?;
        Ok(Seen { pixels, apex })
    }

    /// The apex by the chain's rule, with its face.
    fn search(
        &self,
        frames: &Frames,
        onset: u32,
        at_rest: &[u8],
        face_of: impl Fn(u32) -> Result<Vec<u8>>,
    ) -> Result<(u32, Vec<u8>)> {
        let behind: Vec<u32> = frames.numbers().into_iter().filter(|&n| n > onset).collect();
        let Some(&last) = behind.last() else { bail!("there is no frame behind the onset, frame {onset}") };
        if self.options.unknown_apex == UnknownApex::Middle {
            let middle = onset + (last - onset) / 2;
            let apex = behind.iter().copied().rfind(|&n| n <= middle).unwrap_or(behind[0]);
            return Ok((apex, face_of(apex)?));
        }
        let rest = self.coarse(at_rest)?;
        let mut best: Option<(u64, u32, Vec<u8>)> = None;
        for number in behind {
            let face = face_of(number)?;
            let coarse = self.coarse(&face)?;
            let difference = rest.iter().zip(&coarse).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            if best.as_ref().is_none_or(|(most, ..)| difference > *most) {
                best = Some((difference, number, face));
            }
        }
        let Some((_, apex, face)) = best else { unreachable!("there is a frame behind the onset") };
        Ok((apex, face))
    }

    /// A face, made small.
    fn coarse(&self, face: &[u8]) -> Result<Vec<u8>> {
        let picture = Picture::new(face, self.options.face, self.options.face, 1)?;
        Ok(grey(&picture, COARSE, COARSE))
    }

    /// Where the face is; none where there is none.
    fn place(&self, onset: &Photo) -> Result<Option<Place>> {
        let Some(detector) = &self.detector else { return Ok(Some(Place::Whole)) };
        let found = detector.detect(&onset.picture())?;
        // Of two of one size the first, which has the better score.
        let largest = found.into_iter().reduce(|a, b| if b.bounds.area() > a.bounds.area() { b } else { a });
        let eyes = largest.and_then(|face| face.points).map(|points| Place::Eyes([points[0], points[1]]));
        Ok(eyes)
    }

    /// The face at the chain's size, grey.
    fn face(&self, photo: &Photo, place: &Place) -> Result<Vec<u8>> {
        match place {
            Place::Whole => Ok(grey(&photo.picture(), self.options.face, self.options.face)),
            Place::Eyes(eyes) => face_by_eyes(photo, *eyes, self.options.face),
        }
    }

    /// As [`Chain::see`], of a drawn clip whose eyes are known.
    pub(super) fn see_drawn(options: &MotionChain, frames: &Frames, onset: u32, apex: u32, eyes: Eyes) -> Result<Seen> {
        let chain = Self { options: options.clone(), detector: None };
        let first = frames.get(onset)?;
        chain.between(frames, onset, Some(apex), &first, &Place::Eyes(eyes))
    }
}

/// The face turned and scaled by the middles of its eyes, `size` pixels per side, grey.
pub(super) fn face_by_eyes(photo: &Photo, eyes: Eyes, size: usize) -> Result<Vec<u8>> {
    let pixels = grey(&photo.picture(), photo.height(), photo.width());
    align_eyes(&Picture::new(&pixels, photo.height(), photo.width(), 1)?, eyes, EYES, size)
}

/// A picture at a size, grey: 0.299 R + 0.587 G + 0.114 B; a triangle filter where the size is another.
fn grey(picture: &Picture, height: usize, width: usize) -> Vec<u8> {
    let form = StoredForm::of(&Images { pixels: Vec::new(), height, width, channels: 1 });
    form.apply(picture).picture().pixels.to_vec()
}
