//! BAUM-1a, BAUM-1s and BAUM-2 (Zhalehpour et al. 2016; Erdem et al. 2015) in their public forms: `datasets/baum.md`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ferrotype_data::listing::first_folder;

use super::files::VideoFiles;
use super::labels::{self, Row, SYSTEM003};
use super::{Plan, sheet};
use ferrotype_data::options::{Baum1Options, Baum2Options, BaumClasses};

/// One of the two sets of BAUM-1.
pub(super) struct Subset {
    /// `BAUM1a`.
    pub name: &'static str,
    /// Names of the folder of videos that are in use.
    pub folders: [&'static str; 3],
    /// The annotated states; code 1 is the first.
    pub states: &'static [&'static str],
}

/// BAUM-1a.
pub(super) const ACTED: Subset = Subset {
    name: "BAUM1a",
    folders: ["BAUM1a_MP4_all", "BAUM1a_MP4 - All", "BAUM1a_MP4"],
    states: &["anger", "boredom", "disgust", "fear", "happiness", "interest", "sadness", "surprise", "unsure"],
};

/// BAUM-1s.
pub(super) const SPONTANEOUS: Subset = Subset {
    name: "BAUM1s",
    folders: ["BAUM1s_MP4 - All", "BAUM1s_MP4_all", "BAUM1s_MP4"],
    states: &[
        "anger",
        "boredom",
        "bothered",
        "concentrating",
        "contempt",
        "disgust",
        "fear",
        "happiness",
        "neutral",
        "sadness",
        "surprise",
        "thinking",
        "unsure",
    ],
};

/// BAUM-2's classes, in the order of its papers.
const BAUM2: [&str; 8] = ["neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"];

/// The six basic emotions.
const BASIC6: [&str; 6] = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"];

/// Columns of the annotations, counted from 0: B subject, D clip, E state as a word, F its code.
const COLUMNS: [usize; 4] = [1, 3, 4, 5];

/// Class names of a choice, and the class of each state.
fn classes(choice: BaumClasses, states: &[&str]) -> (Vec<String>, Vec<Option<i16>>) {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let names: &[&str] = match choice {
        BaumClasses::All => states,
        BaumClasses::Basic6 => &BASIC6,
        BaumClasses::System003 => &SYSTEM003,
    };
    let class = |state: &&str| {
        let name = match (choice, *state) {
            (BaumClasses::System003, "disgust") => "contempt",
            (BaumClasses::System003, "happiness") => "happy",
            (BaumClasses::System003, "sadness") => "sad",
            (_, other) => other,
        };
        names.iter().position(|n| *n == name).map(|i| i as i16)
    };
    (owned(names), states.iter().map(class).collect())
}

/// BAUM-1a or BAUM-1s: the annotations' clips with their files.
pub(super) fn plan_baum1(options: &Baum1Options, subset: &Subset) -> Result<Plan> {
    let videos = folder_of(&options.root, subset)?;
    let annotations = match &options.annotations {
        Some(path) => path.clone(),
        None => annotations_of(&options.root, subset)?,
    };
    let sheet = sheet::read(&annotations)?;
    let (names, class_of) = classes(options.classes, subset.states);
    let mut rows = Vec::new();
    let mut plan = Plan { classes: names, files: vec![sheet.file.clone()], ..Plan::default() };
    for (number, row) in sheet.rows.iter().enumerate().skip(1) {
        let [subject, clip, word, code] = COLUMNS.map(|c| row.get(c).map_or("", String::as_str));
        if [subject, clip, word, code].iter().all(|cell| cell.is_empty()) {
            continue;
        }
        ensure!(
            row.len() > COLUMNS[3],
            "{}, row {}: it has {} columns; the subject is expected in column B, the clip in D, the state in E and its code \
             in F",
            sheet.file.0,
            number + 1,
            row.len()
        );
        let subject = subject.parse::<u32>().map_or_else(|_| labels::prefix(clip), |n| format!("S{n:03}"));
        if let Some(note) = contradiction(clip, word, code, subset.states) {
            plan.notes.push(note);
        }
        rows.push(Row { clip: clip.to_owned(), label: code.to_owned(), subject });
    }
    let label = |row: &Row| -> Result<i16, String> {
        let code = row.label.parse::<usize>().ok().filter(|c| (1..=subset.states.len()).contains(c));
        let code =
            code.ok_or_else(|| format!("its code {:?} is not one of 1 to {}", row.label, subset.states.len()))?;
        let state = subset.states[code - 1];
        class_of[code - 1].ok_or_else(|| format!("its state, {state}, is none of the classes"))
    };
    labels::add(&mut plan, rows, &VideoFiles::find(&videos)?, label)?;
    Ok(plan)
}

/// Where word and code of an annotation name two states. The code counts, as in the public loaders.
fn contradiction(clip: &str, word: &str, code: &str, states: &[&str]) -> Option<String> {
    let by_code = states.get(code.parse::<usize>().ok()?.checked_sub(1)?)?;
    let stem = |w: &str| w.to_lowercase().chars().take(4).collect::<String>();
    let differs = !word.is_empty() && stem(word) != stem(by_code);
    differs.then(|| format!("{clip} is annotated as `{word}` with the code of {by_code}: the code counts"))
}

fn folder_of(root: &Path, subset: &Subset) -> Result<PathBuf> {
    ensure!(root.is_dir(), "{} is not a folder; the one with {} in it is expected", root.display(), subset.folders[0]);
    let inside = first_folder(root, &subset.folders);
    let is_it = root.file_name().is_some_and(|n| n.to_string_lossy().starts_with(subset.name));
    inside.or_else(|| is_it.then(|| root.to_path_buf())).with_context(|| {
        format!(
            "{} has no folder of {}'s videos: `{}` is expected in it",
            root.display(),
            subset.name,
            subset.folders[..2].join("` or `")
        )
    })
}

fn annotations_of(root: &Path, subset: &Subset) -> Result<PathBuf> {
    // A spreadsheet is found, too: what is to be done with it is said when it is read.
    let names = ["csv", "xlsx"].map(|ending| format!("Annotations_{}.{ending}", subset.name));
    let found = names.iter().flat_map(|n| [Some(root), root.parent()].into_iter().flatten().map(move |f| f.join(n)));
    found
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| format!("{} has no {}: name the file with --annotations", root.display(), names[0]))
}

/// BAUM-2: the list's clips with their files.
pub(super) fn plan_baum2(options: &Baum2Options) -> Result<Plan> {
    let sheet = sheet::read(&options.list)?;
    let (rows, codes) = labels::rows(&sheet)?;
    // System 003's list has its codes: they are its classes already.
    let states: &[&str] = if codes { &SYSTEM003 } else { &BAUM2 };
    let (names, class_of) = if codes { classes(BaumClasses::All, states) } else { classes(options.classes, states) };
    let label = |row: &Row| -> Result<i16, String> {
        let word = row.label.to_lowercase();
        let word = match word.as_str() {
            "angry" => "anger",
            "happy" if !codes => "happiness",
            "sad" if !codes => "sadness",
            other => other,
        };
        let by_word = || states.iter().position(|s| *s == word);
        let state = if codes { word.parse().ok().filter(|&code| code < states.len()) } else { by_word() };
        let state = state.ok_or_else(|| format!("its label {:?} is none of {}", row.label, states.join(", ")))?;
        class_of[state].ok_or_else(|| format!("its state, {}, is none of the classes", states[state]))
    };
    let mut plan = Plan { classes: names, files: vec![sheet.file.clone()], ..Plan::default() };
    labels::add(&mut plan, rows, &VideoFiles::find(&options.videos)?, label)?;
    Ok(plan)
}
