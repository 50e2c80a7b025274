//! CAS(ME)^3, part A, micro-expressions: `cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx` saved as CSV, with the columns Subject
//! (spNO.1), Filename (a), Onset, Apex, Offset, AU, Objective class and emotion; colour frames in
//! `Part_A_ME_clip/frame/spNO.1_a_355/355.jpg` (subject, file name and onset), or in the whole part A in
//! `part_A/spNO.1/a/color/355.jpg`. A file holds several micro-expressions: the onset belongs to the clip's name.

use super::classes::Composite::{Negative, Positive, Surprise};
use super::classes::Emotion;
use super::{Coded, Form, numbered};

pub(super) const FORM: Form = Form {
    name: "casme3",
    title: "CAS(ME)^3 part A",
    sheet: Some("cas(me)3_part_a"),
    raw: &["Part_A_ME_clip/frame", "Part_A_ME_clip/Part_A_ME_clip/frame", "frame", "part_A", "data/part_A"],
    crops: &[],
    subject,
    clip_folders: |clip: &Coded| {
        let file = clip.clip.to_lowercase();
        vec![format!("{}_{file}_{}", clip.subject.to_lowercase(), clip.onset), format!("{file}/color"), file]
    },
    clip_name: |clip: &Coded| format!("{}_{}", clip.clip, clip.onset),
    emotions: &[
        Emotion { name: "happy", also: &["happiness"], composite: Some(Positive), own: true },
        Emotion { name: "disgust", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "fear", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "anger", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "sad", also: &["sadness"], composite: Some(Negative), own: true },
        Emotion { name: "surprise", also: &["surprised"], composite: Some(Surprise), own: true },
        Emotion { name: "others", also: &["other"], composite: None, own: true },
    ],
    challenge: None,
};

/// `spNO.1`, `spNo.1`, `spno.01` and `1` are `spNO.1`. Folders have the subject in front of the clip: `spNO.1_a_355`.
fn subject(text: &str) -> Option<String> {
    let text = text.split('_').next().unwrap_or_default();
    let (_, number) = numbered(text, &["", "spno."])?;
    Some(format!("spNO.{number}"))
}
