//! CASME II: `CASME2-coding-20140508.xlsx` saved as CSV, with the columns Subject (1), Filename (EP02_01f), OnsetFrame,
//! ApexFrame ("/" where it is unknown), OffsetFrame, Action Units and Estimated Emotion (two columns without names between
//! them); frames in `CASME2_RAW_selected/sub01/EP02_01f/img46.jpg`, the authors' aligned crops in
//! `Cropped/sub01/EP02_01f/reg_img46.jpg`.

use super::classes::Composite::{Negative, Positive, Surprise};
use super::classes::Emotion;
use super::{Coded, Form, numbered};

pub(super) const FORM: Form = Form {
    name: "casme2",
    title: "CASME II",
    sheet: Some("casme2-coding"),
    raw: &["CASME2_RAW_selected", "CASME2-RAW", "CASME2_RAW"],
    crops: &["Cropped"],
    subject,
    clip_folders: |clip: &Coded| vec![clip.clip.to_lowercase()],
    clip_name: |clip: &Coded| clip.clip.clone(),
    emotions: &[
        Emotion { name: "happiness", also: &[], composite: Some(Positive), own: true },
        Emotion { name: "disgust", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "repression", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "surprise", also: &[], composite: Some(Surprise), own: true },
        Emotion { name: "others", also: &["other"], composite: None, own: true },
        Emotion { name: "sadness", also: &[], composite: Some(Negative), own: false },
        Emotion { name: "fear", also: &[], composite: Some(Negative), own: false },
    ],
    challenge: Some((145, 24, [88, 32, 25])),
};

/// `1`, `01`, `sub1`, `Sub01` are all `sub01`.
fn subject(text: &str) -> Option<String> {
    let (_, number) = numbered(text, &["", "sub", "s"])?;
    Some(format!("sub{number:02}"))
}
