//! BP4D-Spontaneous (Zhang et al., Image and Vision Computing 2014) and BP4D+: `AUCoding/AU_OCC/F001_T1.csv` with a header of
//! action units and a row for each coded frame (0 not there, 1 there, 9 not known), `AUCoding/AU_INT/AU06/F001_T1_AU06.csv` with
//! rows `frame,intensity` (0 to 5, 9 not known) without a header, and frames `Sequences(2D+3D)/F001/T1/2440.jpg`, whose numbers
//! have three or four digits.
//!
//! That form as public code reads it: ME-GraphAU's `tool/BP4D_...` (header `0, 1, 2, ...`: the first column is the frame), the
//! rPPG-Toolbox' loader of BP4D+ (frames counted from 1; `AU_INT/AUnn/SUBJECT_TASK_AUnn.csv`, `header=None`) and
//! TadasBaltrusaitis/FERA-2015 (`extract_BP4D_labels_intensity.m`: codes of 9 are not valid).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::annotated::{Frame, Video, Videos};
use super::facial::{chosen, column, folders, frames_folder, intensity, nothing, occurrence, pictures_in};
use super::label_files::{LabelFiles, Line, MOST_FRAMES, intensities, lines};
use super::pictures::{Reading, Want};
use crate::listing::{entries, first_folder};
use crate::options::Bp4dOptions;
use crate::{FaceSet, Split};

/// The action units that results are published of.
const UNITS: [u32; 12] = [1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24];
/// What stands for a value that is not known.
const UNKNOWN: i64 = 9;
const OCCURRENCES: [&str; 2] = ["AUCoding/AU_OCC", "AU_OCC"];
const INTENSITIES: [&str; 3] = ["AUCoding/AU_INT", "AU_INT", "AU-Intensity-Codes3.0"];
const FRAMES: [&str; 4] = ["Sequences(2D+3D)", "2D+3D", "Sequences", "frames"];

/// Reads the codes and the frames.
pub(super) fn load(options: &Bp4dOptions, reading: &Reading) -> Result<FaceSet> {
    let root = &options.root;
    let units = chosen(&options.units, &UNITS, |unit| (1..=99).contains(&unit), "BP4D")?;
    let Some(occurrences) = first_folder(root, &OCCURRENCES) else {
        return nothing(root, "BP4D", "the folder AUCoding/AU_OCC");
    };
    let frames = frames_folder(options.frames.as_deref(), root, &FRAMES);
    let Some(frames) = frames else {
        return nothing(root, "BP4D", "the folder Sequences(2D+3D) with F001/T1 and so on, or one named with --frames");
    };
    let strengths = Intensities::find(root, &units)?;
    let (mut files, mut seen, mut sequences) = (LabelFiles::default(), Seen::default(), Vec::new());
    let mut absent = BTreeMap::new();
    for path in
        entries(&occurrences)?.into_iter().filter(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")))
    {
        let (subject, task) = name_of(&path)?;
        let coded = files.take(&path, |text| codes(&path, text, &units, &mut seen)).unwrap_or_default();
        sequences.push((strengths.add(&subject, &task, coded, &mut files, &mut absent), subject, task));
    }
    let record = files.finish()?;
    ensure!(!sequences.is_empty(), "{} has no tables SUBJECT_TASK.csv", occurrences.display());
    seen.check(&units, &occurrences)?;
    let groups = std::iter::once(occurrence(&units)).chain(intensity(&strengths.units())).collect();
    let mut videos = Videos::new(groups, options.every)?;
    for (labelled, subject, task) in sequences {
        let pictures = pictures_in(&frames.join(&subject).join(&task))?;
        let name = format!("{subject}/{task}");
        videos.add(Video { name, subject, split: Split::Unassigned, frames: labelled, pictures })?;
    }
    let want = Want {
        margin: options.margin,
        ..Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading)
    };
    let mut faces = videos.read(Vec::new(), &want)?;
    faces.provenance.files.insert(0, record);
    let notes = &mut faces.provenance.notes;
    if strengths.folders.is_empty() {
        notes.push(format!("no intensities: {} has none of the folders {}", root.display(), INTENSITIES.join(", ")));
    }
    notes.extend(absent.iter().map(|(unit, sequences): (&u32, &Vec<String>)| {
        format!("{} sequences have no intensities of {}: {}", sequences.len(), column(*unit), listed(sequences, 5))
    }));
    Ok(faces)
}

/// `F001` and `T1` of `F001_T1.csv`.
fn name_of(path: &Path) -> Result<(String, String)> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let parts = stem.split_once('_').filter(|(subject, task)| !subject.is_empty() && !task.is_empty());
    let (subject, task) = parts.with_context(|| {
        format!("{} is not named after a subject and a task, as F001_T1.csv is: move it elsewhere", path.display())
    })?;
    Ok((subject.into(), task.into()))
}

/// The units that stand in headers.
#[derive(Default)]
struct Seen(BTreeSet<u32>);

impl Seen {
    fn check(&self, units: &[u32], folder: &Path) -> Result<()> {
        let known: Vec<String> = self.0.iter().map(u32::to_string).collect();
        let lacking = units.iter().find(|unit| !self.0.contains(unit));
        ensure!(
            lacking.is_none(),
            "units: no table in {} codes action unit {}; they code {}",
            folder.display(),
            lacking.copied().unwrap_or_default(),
            listed(&known, 50)
        );
        Ok(())
    }
}

/// Occurrence of the units in each frame of a table.
fn codes(path: &Path, text: &str, units: &[u32], seen: &mut Seen) -> Result<BTreeMap<u32, Vec<Option<f32>>>> {
    let mut lines = lines(path, text);
    let header = lines.next().with_context(|| format!("{} is empty", path.display()))?;
    let (places, columns) = header_of(&header, units, seen)?;
    let mut rows = BTreeMap::new();
    for line in lines {
        let cells = line.cells();
        ensure!(cells.len() == columns, "{}: {} cells, and the header has {columns}", line.place(), cells.len());
        let frame = line.whole(cells[0], "the frame", 0..=MOST_FRAMES)? as u32;
        let row = units.iter().zip(&places).map(|(unit, place)| match place {
            Some(place) => code(&line, cells[*place], *unit),
            None => Ok(None),
        });
        let row = row.collect::<Result<Vec<_>>>()?;
        ensure!(rows.insert(frame, row).is_none(), "{}: frame {frame} stands there twice", line.place());
    }
    ensure!(!rows.is_empty(), "{} has a header and no rows", path.display());
    Ok(rows)
}

/// The place of each unit in a row, and the number of cells of a row.
fn header_of(header: &Line, units: &[u32], seen: &mut Seen) -> Result<(Vec<Option<usize>>, usize)> {
    let cells = header.cells();
    let number = |cell: &str| cell.trim_start_matches(['A', 'U', 'a', 'u']).parse::<u32>().ok();
    let numbers: Vec<Option<u32>> = cells.iter().skip(1).map(|cell| number(cell)).collect();
    ensure!(
        !numbers.is_empty() && numbers.iter().all(Option::is_some),
        "{}: the first row names the action units, and \"{}\" is no number of one",
        header.place(),
        cells.iter().skip(1).find(|cell| number(cell).is_none()).unwrap_or(&"")
    );
    seen.0.extend(numbers.iter().flatten());
    let place = |unit: &u32| numbers.iter().position(|n| *n == Some(*unit)).map(|i| i + 1);
    Ok((units.iter().map(place).collect(), cells.len()))
}

fn code(line: &Line, cell: &str, unit: u32) -> Result<Option<f32>> {
    match cell {
        "0" => Ok(Some(0.0)),
        "1" => Ok(Some(1.0)),
        "9" => Ok(None),
        _ => bail!("{}: {} is \"{cell}\"; 0, 1 or 9 (not known) is expected", line.place(), column(unit)),
    }
}

/// Where intensities are: of each unit its folder.
struct Intensities {
    folders: Vec<(u32, PathBuf)>,
    /// Units of which occurrences are stored.
    occurrences: usize,
}

impl Intensities {
    fn find(root: &Path, units: &[u32]) -> Result<Self> {
        let mut found = Vec::new();
        if let Some(folder) = first_folder(root, &INTENSITIES) {
            for (name, path) in folders(&folder)? {
                let unit = name.strip_prefix("AU").and_then(|n| n.parse().ok());
                found.extend(unit.filter(|unit| units.contains(unit)).map(|unit| (unit, path)));
            }
        }
        found.sort();
        Ok(Self { folders: found, occurrences: units.len() })
    }

    fn units(&self) -> Vec<u32> {
        self.folders.iter().map(|(unit, _)| *unit).collect()
    }

    /// Puts intensities beside the occurrences of a sequence.
    fn add(
        &self,
        subject: &str,
        task: &str,
        coded: BTreeMap<u32, Vec<Option<f32>>>,
        files: &mut LabelFiles,
        absent: &mut BTreeMap<u32, Vec<String>>,
    ) -> BTreeMap<u32, Frame> {
        let width = self.occurrences + self.folders.len();
        let mut rows = coded;
        rows.values_mut().for_each(|row| row.resize(width, None));
        for (i, (unit, folder)) in self.folders.iter().enumerate() {
            let path = folder.join(format!("{subject}_{task}_{}.csv", column(*unit)));
            if !path.is_file() {
                absent.entry(*unit).or_default().push(format!("{subject}/{task}"));
                continue;
            }
            for (frame, value) in files.take(&path, |text| intensities(&path, text, Some(UNKNOWN))).unwrap_or_default()
            {
                rows.entry(frame).or_insert_with(|| vec![None; width])[self.occurrences + i] = value;
            }
        }
        rows.into_iter().map(|(frame, row)| (frame, Frame::of(row))).collect()
    }
}

#[cfg(test)]
mod tests;
