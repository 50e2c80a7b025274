//! AffectNet as first released: `training.csv` and `validation.csv` with the columns `subDirectory_filePath`, `face_x`,
//! `face_y`, `face_width`, `face_height`, `facial_landmarks`, `expression`, `valence`, `arousal`, and the pictures in
//! `Manually_Annotated_Images`. Expressions from 8 on are none of the eight (8 none, 9 uncertain, 10 no face); valence and arousal
//! are -2 of the last two (Mollahosseini, Hasani and Mahoor, arXiv:1708.03985, and the release's own description).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use csv::ByteRecord;

use super::super::names::AFFECTNET;
use super::super::pictures::{Picture, Reading};
use super::super::table::{Table, text};
use super::{Annotation, Gathered, checked};
use crate::listing::first_folder;
use crate::options::AffectnetOptions;
use crate::{FaceSet, Split};

/// The last code of an expression: no face.
const LAST: i64 = 10;
const IMAGES: [&str; 3] =
    ["Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images", "Manually_Annotated"];
const LISTS: [&str; 3] = ["", "Manually_Annotated_file_lists", "Manually_Annotated/Manually_Annotated_file_lists"];

/// Where the lists and the pictures are.
pub(super) struct Lists {
    folder: PathBuf,
    images: PathBuf,
}

/// The lists below a folder, if it is of this form.
pub(super) fn find(root: &Path) -> Option<Lists> {
    let has_list = |folder: &PathBuf| folder.join("training.csv").is_file() || folder.join("validation.csv").is_file();
    let folder = LISTS.iter().map(|name| root.join(name)).find(has_list)?;
    Some(Lists { folder, images: first_folder(root, &IMAGES).unwrap_or_else(|| root.to_path_buf()) })
}

/// Reads both lists, and the pictures that they name.
pub(super) fn load(options: &AffectnetOptions, lists: &Lists, reading: &Reading) -> Result<FaceSet> {
    let (mut all, mut files) = (Gathered::new(options, reading), Vec::new());
    for (split, name) in [(Split::Train, "training.csv"), (Split::Test, "validation.csv")] {
        let path = lists.folder.join(name);
        let table = Table::open(&path, true)?;
        let sha256 = read(options, lists, split, table, &mut all)?;
        files.push((path.display().to_string(), sha256));
    }
    all.read(files)
}

fn read(
    options: &AffectnetOptions,
    lists: &Lists,
    split: Split,
    mut table: Table,
    all: &mut Gathered,
) -> Result<String> {
    let [path, expression, valence, arousal] =
        table.columns(["subDirectory_filePath", "expression", "valence", "arousal"])?;
    let face = match options.crop {
        true => Some(table.columns(["face_x", "face_y", "face_width", "face_height"])?),
        false => None,
    };
    let mut record = ByteRecord::new();
    while table.next(&mut record)? {
        table.check_width(&record)?;
        let place = || table.place(table.rows() - 1, &record);
        let number = |column: usize| -> Result<f64> {
            let cell = text(&record, column);
            let number = cell.parse::<f64>().ok().filter(|n| n.is_finite());
            number.with_context(|| {
                format!("{}, column {}: \"{cell}\", and a number is expected", place(), table.header[column])
            })
        };
        let class = number(expression)?;
        ensure!(
            class.fract() == 0.0 && (0.0..=LAST as f64).contains(&class),
            "{}, column expression: {class}; 0 to {LAST} is expected",
            place()
        );
        let value = |column: usize| {
            checked(number(column)?).with_context(|| format!("{}, column {}", place(), table.header[column]))
        };
        let values = [value(valence)?, value(arousal)?];
        let name = text(&record, path);
        if name.is_empty() {
            bail!("{}, column subDirectory_filePath: empty; the path of a picture is expected", place());
        }
        let mut picture = Picture::new(lists.images.join(&name), 0, split, all.seen());
        picture.name = name;
        if let Some([x, y, width, height]) = face {
            let (x, y) = (number(x)? as f32, number(y)? as f32);
            picture.face = Some([x, y, x + number(width)? as f32, y + number(height)? as f32]);
        }
        let class = Some(class as i64).filter(|class| *class < AFFECTNET.len() as i64);
        all.add(picture, Annotation { class, values })?;
    }
    Ok(table.sha256())
}
