//! Clips with a table of labels.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

use super::files::{VideoFile, VideoFiles};
use super::sheet::{self, Sheet};
use super::{Job, Plan};
use ferrotype_data::clips::Skipped;
use ferrotype_data::options::ClipsOptions;

/// System 003's classes in the order of its codes; contempt has disgust in it.
pub(super) const SYSTEM003: [&str; 7] = ["neutral", "anger", "contempt", "surprise", "fear", "happy", "sad"];

/// A row of a table of labels.
pub(super) struct Row {
    pub clip: String,
    pub label: String,
    pub subject: String,
}

/// Rows of a table with columns `clip`, `label` and perhaps `subject`; and whether labels are system 003's codes.
pub(super) fn rows(sheet: &Sheet) -> Result<(Vec<Row>, bool)> {
    let header: Vec<String> = sheet.rows[0].iter().map(|name| name.to_lowercase()).collect();
    let find = |names: &[&str]| header.iter().position(|h| names.contains(&h.as_str()));
    let (Some(clip), Some(label)) = (find(&["clip", "clip name"]), find(&["label", "emotion code"])) else {
        bail!(
            "{} has the columns {}; `clip` and `label` are needed, or system 003's `Clip Name` and `Emotion Code`",
            sheet.file.0,
            sheet.rows[0].join(", ")
        );
    };
    let subject = find(&["subject"]);
    let cell = |row: &[String], column: Option<usize>| column.and_then(|c| row.get(c)).cloned().unwrap_or_default();
    let row = |row: &Vec<String>| {
        let name = cell(row, Some(clip));
        let subject = Some(cell(row, subject)).filter(|s| !s.is_empty()).unwrap_or_else(|| prefix(&name));
        Row { clip: name, label: cell(row, Some(label)), subject }
    };
    let filled = |row: &&Vec<String>| row.iter().any(|cell| !cell.is_empty());
    Ok((sheet.rows[1..].iter().filter(filled).map(row).collect(), header[label] == "emotion code"))
}

/// The subject by a clip's name: `S001` of `S001_015`; nothing without an underscore.
pub(super) fn prefix(clip: &str) -> String {
    let name = clip.rsplit(['/', '\\']).next().unwrap_or_default();
    name.split_once('_').map(|(subject, _)| subject.to_owned()).unwrap_or_default()
}

/// Clips of the table, with their files.
pub(super) fn plan(options: &ClipsOptions) -> Result<Plan> {
    let sheet = sheet::read(&options.labels)?;
    let (rows, codes) = rows(&sheet)?;
    let classes: Vec<String> = if codes {
        SYSTEM003.map(String::from).to_vec()
    } else {
        let words: BTreeSet<&str> = rows.iter().map(|r| r.label.as_str()).filter(|l| !l.is_empty()).collect();
        words.into_iter().map(String::from).collect()
    };
    let label = |row: &Row| -> Result<i16, String> {
        let class = if codes { row.label.parse().ok() } else { classes.iter().position(|c| *c == row.label) };
        match class {
            Some(class) if class < classes.len() => Ok(class as i16),
            _ if row.label.is_empty() => Err("its row has no label".into()),
            _ => Err(format!("its emotion code {} is not one of 0 to {}", row.label, classes.len() - 1)),
        }
    };
    let files = VideoFiles::find(&options.videos)?;
    let mut plan = Plan { files: vec![sheet.file.clone()], ..Plan::default() };
    add(&mut plan, rows, &files, label)?;
    plan.classes = classes;
    Ok(plan)
}

/// Adds each row as a job, or as a clip that is skipped.
pub(super) fn add(
    plan: &mut Plan,
    rows: Vec<Row>,
    files: &VideoFiles,
    label: impl Fn(&Row) -> Result<i16, String>,
) -> Result<()> {
    ensure!(!rows.is_empty(), "the table of labels has no rows");
    let (mut seen, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let file = if row.clip.is_empty() { None } else { files.get(&row.clip)? };
        let job = if row.clip.is_empty() {
            Err("a row of the table names no clip".to_owned())
        } else if !seen.insert(row.clip.to_lowercase()) || file.as_ref().is_some_and(|f| taken.contains(&f.path)) {
            Err("the table names it twice; its first row counts".to_owned())
        } else {
            label(&row).and_then(|label| {
                let VideoFile { path, name, below } = file.ok_or("it is annotated, but there is no such file")?;
                taken.insert(path.clone());
                let subject = row.subject.to_uppercase();
                Ok(Job { name, file: path, below, table: None, subject, label })
            })
        };
        match job {
            Ok(job) => plan.jobs.push(job),
            Err(reason) => plan.skipped.push(Skipped { clip: row.clip, reason }),
        }
    }
    let without = files.unnamed(plan.jobs.iter().map(|j| j.file.as_path()));
    if !without.is_empty() {
        let first = without[..without.len().min(5)].join(", ");
        let more = if without.len() > 5 { ", ..." } else { "" };
        plan.notes.push(format!("{} video files have no usable annotation: {first}{more}", without.len()));
    }
    Ok(())
}
