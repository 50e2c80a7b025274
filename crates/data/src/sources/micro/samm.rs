//! SAMM: `SAMM_Micro_FACS_Codes_v2.xlsx` saved as CSV, whose header stands below some rows of text, with the columns Subject
//! (006), Filename (006_1_2), Onset Frame, Apex Frame, Offset Frame, Estimated Emotion and others; frames in
//! `006/006_1_2/006_05562.jpg`.

use super::classes::Composite::{Negative, Positive, Surprise};
use super::classes::Emotion;
use super::{Coded, Form, numbered};

pub(super) const FORM: Form = Form {
    name: "samm",
    title: "SAMM",
    sheet: Some("samm_micro_facs_codes"),
    raw: &["SAMM"],
    crops: &["SAMM_CROP", "SAMM_Cropped"],
    subject,
    clip_folders: |clip: &Coded| vec![clip.clip.to_lowercase()],
    clip_name: |clip: &Coded| clip.clip.clone(),
    emotions: &[
        Emotion { name: "anger", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "happiness", also: &[], composite: Some(Positive), own: true },
        Emotion { name: "contempt", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "surprise", also: &[], composite: Some(Surprise), own: true },
        Emotion { name: "other", also: &["others"], composite: None, own: true },
        Emotion { name: "disgust", also: &[], composite: Some(Negative), own: false },
        Emotion { name: "fear", also: &[], composite: Some(Negative), own: false },
        Emotion { name: "sadness", also: &[], composite: Some(Negative), own: false },
    ],
    challenge: Some((133, 28, [92, 26, 15])),
};

/// `6` and `006` are `006`: spreadsheets drop the zeros.
fn subject(text: &str) -> Option<String> {
    let (_, number) = numbered(text, &[""])?;
    Some(format!("{number:03}"))
}
