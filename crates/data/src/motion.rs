//! Pictures whose channels are motion: what they hold, how they were made from the frames of a clip, and how one is mirrored.
//! Recorded in the prepared file and carried by the run, so that augmentation and prediction do what the data need.

use std::borrow::Cow;

use ferrotype_flow::{FlowPicture, Horizontal, Input, Signed, Stretched};
use serde::{Deserialize, Serialize};

use crate::options::{MotionInput, UnknownApex};
use crate::preprocess::Picture;

/// What pictures of motion hold, and how they were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MotionForm {
    /// What the channels hold.
    pub channels: MotionInput,
    /// How frames became pictures; none where the pictures were published as such.
    #[serde(default)]
    pub made: Option<MotionChain>,
}

/// How the frames of a clip became a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MotionChain {
    /// From two faces to the picture.
    pub picture: FlowPicture,
    /// Pixels per side of the faces.
    pub face: usize,
    /// How the face came out of the frames.
    pub crop: MotionCrop,
    /// The apex of clips for which none was known.
    pub unknown_apex: UnknownApex,
}

/// How the face came out of the frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotionCrop {
    /// Frames were face crops.
    Given,
    /// Turned and scaled by the eyes of the onset frame, found by a detector.
    Eyes {
        /// Which: `YuNet`.
        detector: String,
        /// The sha256 of its file.
        sha256: String,
    },
    /// Turned and scaled by the true eyes of a drawn face.
    DrawnEyes,
}

impl MotionForm {
    /// Pictures that were published in this form.
    pub fn published(channels: MotionInput) -> Self {
        Self { channels, made: None }
    }

    /// The channels' name: the attribute `channels` of a prepared file.
    pub fn name(&self) -> &'static str {
        match self.channels {
            MotionInput::Stretched => "flow_stretched",
            MotionInput::Signed => "flow_signed",
            MotionInput::Difference => "difference",
            MotionInput::OnsetApex => "onset_apex",
        }
    }
}

/// Options of the picture that a choice of channels stands for.
pub fn flow_picture(channels: MotionInput, side: usize) -> FlowPicture {
    let input = match channels {
        MotionInput::Stretched => Input::Stretched(Stretched::default()),
        MotionInput::Signed => Input::Signed(Signed::default()),
        MotionInput::Difference => Input::Difference,
        MotionInput::OnsetApex => Input::OnsetApex,
    };
    FlowPicture { side, input, ..FlowPicture::default() }
}

/// How the first channel holds the motion to the right, if it does.
pub fn horizontal(channels: MotionInput) -> Option<Horizontal> {
    match channels {
        MotionInput::Stretched => Some(Horizontal::Stretched),
        MotionInput::Signed => Some(Horizontal::Signed),
        MotionInput::Difference | MotionInput::OnsetApex => None,
    }
}

/// A picture with the motion to the right negated, left and right where they were: what is to be mirrored in space is thereby
/// mirrored as a whole. A picture of another number of channels than three holds no flow and stays as it is.
pub fn negate<'a>(picture: &Picture<'a>, horizontal: Horizontal) -> Cow<'a, [u8]> {
    if picture.channels != 3 {
        return Cow::Borrowed(picture.pixels);
    }
    // Read as columns of one pixel, so that nothing changes places.
    let mut pixels = picture.pixels.to_vec();
    match ferrotype_flow::mirror_flow(&mut pixels, 1, horizontal) {
        Ok(()) => Cow::Owned(pixels),
        Err(_) => unreachable!("a picture has as many values as its shape says"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negating_leaves_all_but_u_where_it_is() {
        let pixels = [10, 1, 2, 128, 3, 4, 0, 5, 6, 255, 7, 8];
        let picture = Picture::new(&pixels, 2, 2, 3).unwrap();
        assert_eq!(negate(&picture, Horizontal::Stretched)[..], [245, 1, 2, 127, 3, 4, 255, 5, 6, 0, 7, 8]);
        assert_eq!(negate(&picture, Horizontal::Signed)[..], [246, 1, 2, 128, 3, 4, 255, 5, 6, 1, 7, 8]);
        let grey = Picture::new(&pixels, 3, 4, 1).unwrap();
        assert_eq!(negate(&grey, Horizontal::Signed)[..], pixels);
    }

    #[test]
    fn forms_survive_their_file() {
        let form = MotionForm {
            channels: MotionInput::Signed,
            made: Some(MotionChain {
                picture: flow_picture(MotionInput::Signed, 28),
                face: 128,
                crop: MotionCrop::Eyes { detector: "YuNet".into(), sha256: "00".into() },
                unknown_apex: UnknownApex::Middle,
            }),
        };
        let text = serde_json::to_string(&form).unwrap();
        assert_eq!(serde_json::from_str::<MotionForm>(&text).unwrap(), form);
    }
}
