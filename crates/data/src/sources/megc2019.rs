//! The composite of the Micro-Expression Grand Challenge 2019: SMIC, CASME II and SAMM as the pictures of optical flow that STSTNet
//! (christy1206/STSTNet) and HTNet (wangzhifengharrison/HTNet) published. Of each clip one picture of 28x28: horizontal and
//! vertical flow and optical strain from onset to apex, each stretched to 0..255.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::digest;
use image::RgbImage;

use crate::motion::MotionForm;
use crate::options::{Megc2019Options, MotionInput};
use crate::text_table::{decode, delimiter};
use crate::{FaceSet, Images, Provenance, Split};

const SIDE: usize = 28;
/// Pictures per row of the sheet.
const COLUMNS: usize = 22;
/// The three emotions of the challenge, in the order of the tables' numbers.
const CLASSES: [&str; 3] = ["negative", "positive", "surprise"];
/// Of each dataset: its name, clips, subjects, and clips per class, as the challenge has them.
const PUBLISHED: [(&str, usize, usize, [usize; 3]); 3] =
    [("smic", 164, 16, [70, 51, 43]), ("casme2", 145, 24, [88, 32, 25]), ("samm", 133, 28, [92, 26, 15])];

/// A clip in a table.
#[derive(Clone, Debug)]
struct Clip {
    dataset: String,
    subject: String,
    clip: String,
    label: i16,
    /// Row in the table, counted from 0 without the header.
    row: usize,
}

impl Clip {
    /// What it is called: the order within a subject and class.
    fn name(&self) -> String {
        format!("{}/{}/{}", self.dataset, self.subject, self.clip)
    }
}

/// Reads the composite. Rows stand by subject, class and clip: the order in which the published recipes read them.
pub(super) fn load(options: &Megc2019Options) -> Result<FaceSet> {
    let form = Form::of(&options.root)?;
    let (clips, table) = read_table(&form)?;
    check(&clips, &form.table)?;
    let mut order: Vec<&Clip> = clips.iter().collect();
    order.sort_by(|a, b| (&a.subject, a.label, &a.clip).cmp(&(&b.subject, b.label, &b.clip)));
    let mut files = vec![table];
    let pictures = Pictures::open(&form, &mut files)?;
    let mut pixels = Vec::with_capacity(order.len() * SIDE * SIDE * 3);
    for clip in &order {
        pixels.extend(pictures.of(clip, &mut files)?);
    }
    Ok(FaceSet {
        images: Images { pixels, height: SIDE, width: SIDE, channels: 3 },
        labels: order.iter().map(|c| c.label).collect(),
        classes: CLASSES.map(str::to_owned).to_vec(),
        splits: vec![Split::Unassigned; order.len()],
        subjects: Some(order.iter().map(|c| c.subject.clone()).collect()),
        groups: Some(order.iter().map(|c| c.dataset.clone()).collect()),
        names: order.iter().map(|c| c.name()).collect(),
        source_rows: order.iter().map(|c| c.row as u32).collect(),
        provenance: Provenance {
            files,
            notes: vec![
                "channels are horizontal flow, vertical flow and optical strain, each stretched to 0..255 per clip: size and sign of \
                 the motion are lost"
                    .into(),
            ],
            motion: Some(MotionForm::published(MotionInput::Stretched)),
            ..Provenance::default()
        },
        ..FaceSet::default()
    })
}

/// Where the table and the pictures stand.
struct Form {
    table: PathBuf,
    pictures: PathBuf,
}

impl Form {
    fn of(root: &Path) -> Result<Self> {
        let published = ["", "datasets"].map(|below| root.join(below).join("STSNet_whole_norm_u_v_os"));
        let forms = published
            .into_iter()
            .map(|pictures| Self { table: root.join("combined_3_class2_for_optical_flow.csv"), pictures })
            .chain([Self { table: root.join("rows.csv"), pictures: root.join("flow_442.png") }]);
        forms.into_iter().find(|form| form.table.is_file() && form.pictures.exists()).with_context(|| {
            format!(
                "{} is not the MEGC 2019 composite: expected combined_3_class2_for_optical_flow.csv and \
                 STSNet_whole_norm_u_v_os, as HTNet's repository has them (pictures below datasets/, too), or rows.csv and \
                 flow_442.png",
                root.display()
            )
        })
    }
}

/// The clips of the table, and the table's name with its sha256.
fn read_table(form: &Form) -> Result<(Vec<Clip>, (String, String))> {
    let name = form.table.display().to_string();
    let bytes = std::fs::read(&form.table).with_context(|| format!("cannot read {name}"))?;
    let text = decode(&bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(delimiter(text.as_bytes()))
        .from_reader(text.as_bytes());
    let header: Vec<String> =
        reader.headers().with_context(|| format!("cannot read {name}"))?.iter().map(str::to_lowercase).collect();
    let column = |names: [&str; 2]| {
        let found = header.iter().position(|h| names.contains(&h.as_str()));
        found.with_context(|| format!("{name} has no column {}: it has {}", names[0], header.join(", ")))
    };
    let [dataset, subject] = [column(["dataset", "database"])?, column(["sub", "subject"])?];
    let [clip, label] = [column(["filename_o", "clip"])?, column(["label", "emotion"])?];
    let mut clips = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let place = format!("{name}, line {}", row + 2);
        let record = record.with_context(|| place.clone())?;
        let cell = |i: usize| record.get(i).unwrap_or_default().to_owned();
        let label = match cell(label).as_str() {
            "0" => 0,
            "1" => 1,
            "2" => 2,
            other => bail!("{place}: the label is \"{other}\"; 0 (negative), 1 (positive) or 2 (surprise) is expected"),
        };
        let dataset = cell(dataset).to_lowercase();
        ensure!(
            PUBLISHED.iter().any(|p| p.0 == dataset),
            "{place}: the dataset is \"{dataset}\"; smic, casme2 or samm is expected"
        );
        let (subject, clip) = (cell(subject), cell(clip));
        ensure!(!subject.is_empty() && !clip.is_empty(), "{place}: subject or clip is empty");
        clips.push(Clip { dataset, subject, clip, label, row });
    }
    Ok((clips, (name, digest::sha256(&bytes))))
}

/// Whether clips, subjects and classes are as many as the challenge has, of each dataset.
fn check(clips: &[Clip], table: &Path) -> Result<()> {
    let name = table.display();
    let mut seen = HashSet::new();
    for clip in clips {
        ensure!(seen.insert(clip.name()), "{name}, line {}: {} stands there twice", clip.row + 2, clip.name());
    }
    let mut spelt: BTreeMap<String, &str> = BTreeMap::new();
    for clip in clips {
        let plain = format!("{}/{}", clip.dataset, clip.subject.to_lowercase());
        let first = spelt.entry(plain).or_insert(&clip.subject);
        ensure!(
            *first == clip.subject,
            "{name}, line {}: the subject {} stands there as {first}, too: leaving one out would leave the other in",
            clip.row + 2,
            clip.subject
        );
    }
    for (dataset, count, subjects, classes) in PUBLISHED {
        let own: Vec<&Clip> = clips.iter().filter(|c| c.dataset == dataset).collect();
        let people: HashSet<&str> = own.iter().map(|c| c.subject.as_str()).collect();
        let of = |class: i16| own.iter().filter(|c| c.label == class).count();
        let found = (own.len(), people.len(), [of(0), of(1), of(2)]);
        ensure!(
            found == (count, subjects, classes),
            "{name}: {dataset} has {} clips of {} subjects (negative, positive, surprise: {:?}); the challenge has {count} of \
             {subjects} ({classes:?})",
            found.0,
            found.1,
            found.2
        );
    }
    Ok(())
}

/// The pictures: a file each, or all on one sheet.
enum Pictures {
    Folder(PathBuf),
    Sheet { image: RgbImage, name: String },
}

impl Pictures {
    fn open(form: &Form, files: &mut Vec<(String, String)>) -> Result<Self> {
        if form.pictures.is_dir() {
            return Ok(Self::Folder(form.pictures.clone()));
        }
        let name = form.pictures.display().to_string();
        let bytes = std::fs::read(&form.pictures).with_context(|| format!("cannot read {name}"))?;
        files.push((name.clone(), digest::sha256(&bytes)));
        let image = image::load_from_memory(&bytes).with_context(|| format!("{name} is no picture"))?.into_rgb8();
        Ok(Self::Sheet { image, name })
    }

    /// The pixels of a clip's picture, `[height, width, channels]`.
    fn of(&self, clip: &Clip, files: &mut Vec<(String, String)>) -> Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => {
                // The published names have a space before the suffix.
                let names =
                    ["{} .png", "{}.png"].map(|form| form.replace("{}", &format!("{}_{}", clip.subject, clip.clip)));
                let path =
                    names.iter().map(|name| folder.join(name)).find(|path| path.is_file()).with_context(|| {
                        format!(
                            "the picture of {} is missing: {} in {}",
                            clip.name(),
                            names.join(" or "),
                            folder.display()
                        )
                    })?;
                let shown = path.display().to_string();
                let bytes = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
                let image =
                    image::load_from_memory(&bytes).with_context(|| format!("{shown} is no picture"))?.into_rgb8();
                let size = image.dimensions();
                ensure!(
                    size == (SIDE as u32, SIDE as u32),
                    "{shown} is {}x{} pixels; {SIDE}x{SIDE} are expected",
                    size.0,
                    size.1
                );
                files.push((shown, digest::sha256(&bytes)));
                Ok(image.into_raw())
            }
            Self::Sheet { image, name } => {
                let (x, y) = (clip.row % COLUMNS * SIDE, clip.row / COLUMNS * SIDE);
                let fits = x + SIDE <= image.width() as usize && y + SIDE <= image.height() as usize;
                ensure!(
                    fits,
                    "{name} is {}x{} pixels: it has no picture number {}",
                    image.width(),
                    image.height(),
                    clip.row
                );
                let view = image::imageops::crop_imm(image, x as u32, y as u32, SIDE as u32, SIDE as u32);
                Ok(view.to_image().into_raw())
            }
        }
    }
}

#[cfg(test)]
mod tests;
