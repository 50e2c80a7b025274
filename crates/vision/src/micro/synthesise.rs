//! A set in exactly CASME II's form, of drawn micro-expressions: frames, aligned crops, and the coding sheet as CSV.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;

use super::chain::face_by_eyes;
use super::drawn::true_eyes;
use crate::clips::synthesise::{Synthesised, mark};
use crate::faces::Photo;
use ferrotype_data::options::SyntheticMicroOptions;
use ferrotype_data::progress::Work;
use ferrotype_data::synthetic::Expression;
use ferrotype_data::synthetic::micro::{MicroPerformance, performances};
use ferrotype_run::files::{explain, write_atomic};

/// The sheet's name. `synthetic` stands in the place of the authors' date.
pub const SHEET: &str = "CASME2-coding-synthetic.csv";
/// Pixels per side of the crops.
const CROP: usize = 170;
/// JPEG's quality: frames of cameras have little loss.
const QUALITY: u8 = 95;

/// Writes a set into the folder `out`: `CASME2-coding-synthetic.csv`, `CASME2_RAW_selected/sub01/EP01_01/img46.jpg`, and
/// `Cropped/sub01/EP01_01/reg_img46.jpg` turned and scaled by the true eyes of the onset frame.
///
/// # Errors
/// When an option is out of range, or a file cannot be written.
pub fn casme2(options: &SyntheticMicroOptions, out: &Path) -> Result<Synthesised> {
    check(options)?;
    let all = performances(options);
    let work = Work::begin("clips", 0, all.len());
    let write = |(i, p): (usize, &MicroPerformance)| {
        let frames = write_clip(p, &clip_name(i, options), options.size, out);
        work.add(1);
        frames
    };
    let frames: Vec<usize> = all.par_iter().enumerate().map(write).collect::<Result<_>>()?;
    drop(work);
    mark(out)?;
    write_atomic(out.join(SHEET), sheet(&all, options).as_bytes())?;
    Ok(Synthesised { clips: all.len(), frames: frames.iter().sum() })
}

pub(super) fn check(options: &SyntheticMicroOptions) -> Result<()> {
    ensure!((2..=99).contains(&options.subjects), "{} subjects: 2 to 99 can be drawn", options.subjects);
    ensure!((1..=30).contains(&options.clips), "{} clips per class: 1 to 30 can be drawn", options.clips);
    ensure!((64..=1024).contains(&options.size), "frames of {} pixels: 64 to 1024 are possible", options.size);
    for (name, value) in [("intensity", options.intensity), ("nuisance", options.nuisance)] {
        ensure!((0.0..=1.0).contains(&value), "{name} is {value}: it must be from 0 to 1");
    }
    Ok(())
}

/// `sub01`.
pub(super) fn subject_name(subject: usize) -> String {
    format!("sub{:02}", subject + 1)
}

/// `EP01_03`: the class, and the take of its subject and class. `number` counts all clips.
pub(super) fn clip_name(number: usize, options: &SyntheticMicroOptions) -> String {
    let of_subject = number % (3 * options.clips);
    format!("EP{:02}_{:02}", of_subject / options.clips + 1, of_subject % options.clips + 1)
}

fn write_clip(performance: &MicroPerformance, name: &str, size: usize, out: &Path) -> Result<usize> {
    let subject = subject_name(performance.subject);
    let [raw, crops] = ["CASME2_RAW_selected", "Cropped"].map(|folder| out.join(folder).join(&subject).join(name));
    for folder in [&raw, &crops] {
        std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
    }
    let eyes = true_eyes(&performance.frame(performance.onset, size));
    for number in performance.first..=performance.last {
        let photo = Photo::new(performance.frame(number, size).pixels, size, size, 1)?;
        let crop = face_by_eyes(&photo, eyes, CROP)?;
        save_jpeg(&raw.join(format!("img{number}.jpg")), photo.pixels(), size)?;
        save_jpeg(&crops.join(format!("reg_img{number}.jpg")), &crop, CROP)?;
    }
    Ok((performance.last - performance.first + 1) as usize)
}

fn save_jpeg(path: &Path, pixels: &[u8], size: usize) -> Result<()> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(pixels, size as u32, size as u32, ExtendedColorType::L8)
        .with_context(|| format!("cannot encode {}", path.display()))?;
    write_atomic(path, &bytes)
}

/// The sheet with CASME II's columns, two of which have no name.
fn sheet(all: &[MicroPerformance], options: &SyntheticMicroOptions) -> String {
    let mut text = "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion\n".to_owned();
    for (i, p) in all.iter().enumerate() {
        let units: Vec<String> = p.units().iter().map(|(unit, _)| unit.number().to_string()).collect();
        text += &format!(
            "{},{},,{},{},{},,{},{}\n",
            p.subject + 1,
            clip_name(i, options),
            p.onset,
            p.apex,
            p.offset,
            units.join("+"),
            emotion(p.expression)
        );
    }
    text
}

/// CASME II's word: it has no anger, which the people in it held back.
fn emotion(expression: Expression) -> &'static str {
    match expression {
        Expression::Anger => "repression",
        other => other.name(),
    }
}
