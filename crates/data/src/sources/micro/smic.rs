//! SMIC, HS: no sheet. Folders say what is in it: `HS/s1/micro/negative/s1_ne_01/image*.bmp`, the authors' crops as
//! `SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image*.bmp`. A clip reaches from onset to offset; the apex is unknown.

use std::path::Path;

use anyhow::Result;

use super::classes::Composite::{Negative, Positive, Surprise};
use super::classes::Emotion;
use super::folders::{Subjects, frames_in, name_of};
use super::{Bad, Coded, Form, numbered, shown};
use crate::listing::folders;

pub(super) const FORM: Form = Form {
    name: "smic",
    title: "SMIC (HS)",
    sheet: None,
    raw: &["HS", "SMIC_all_raw/HS", "SMIC/HS"],
    crops: &["SMIC_all_cropped/HS", "HS"],
    subject,
    clip_folders: |clip: &Coded| vec![format!("micro/{}/{}", clip.emotion, clip.clip.to_lowercase())],
    clip_name: |clip: &Coded| clip.clip.clone(),
    emotions: &[
        Emotion { name: "negative", also: &[], composite: Some(Negative), own: true },
        Emotion { name: "positive", also: &[], composite: Some(Positive), own: true },
        Emotion { name: "surprise", also: &[], composite: Some(Surprise), own: true },
    ],
    challenge: Some((164, 16, [70, 51, 43])),
};

/// What the names of clips have for their emotion.
const SHORT: [(&str, &str); 3] = [("negative", "ne"), ("positive", "po"), ("surprise", "sur")];

/// `s1` and `s01` are `s01`.
fn subject(text: &str) -> Option<String> {
    let (_, number) = numbered(text, &["s"])?;
    Some(format!("s{number:02}"))
}

/// The clips that the folders name.
pub(super) fn rows(subjects: &Subjects, bad: &mut Bad) -> Result<Vec<Coded>> {
    let mut rows = Vec::new();
    for (subject, folder) in subjects.all() {
        let Some(micro) = folders(folder)?.into_iter().find(|f| name_of(f).eq_ignore_ascii_case("micro")) else {
            bad.add(&shown(folder), "there is no folder `micro`");
            continue;
        };
        for class in folders(&micro)? {
            let emotion = name_of(&class).to_lowercase();
            if !SHORT.iter().any(|(name, _)| *name == emotion) {
                bad.add(&shown(&class), "it is none of the classes negative, positive and surprise");
                continue;
            }
            for clip in folders(&class)? {
                let row = rows.len() as u32;
                match coded(&clip, subject, &emotion, row) {
                    Ok(coded) => rows.push(coded),
                    Err(e) => bad.add(&shown(&clip), format!("{e:#}")),
                }
            }
        }
    }
    Ok(rows)
}

fn coded(folder: &Path, subject: &str, emotion: &str, row: u32) -> Result<Coded> {
    let name = name_of(folder);
    let mut parts = name.split('_');
    let (who, short) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().to_lowercase());
    anyhow::ensure!(
        self::subject(who).as_deref() == Some(subject),
        "by its name it shows {who}, and it lies in the folder of {subject}"
    );
    let wanted = SHORT.iter().find(|(class, _)| *class == emotion).map_or("", |(_, short)| short);
    anyhow::ensure!(short == wanted, "its name says \"{short}\", and it lies among the clips of the class {emotion}");
    let frames = frames_in(folder)?;
    let (Some(first), Some(last)) = (frames.keys().next(), frames.keys().next_back()) else {
        anyhow::bail!("it has no frames")
    };
    Ok(Coded {
        place: shown(folder),
        row,
        subject: subject.to_owned(),
        clip: name.clone(),
        onset: *first,
        apex: None,
        offset: *last,
        emotion: emotion.to_owned(),
    })
}
