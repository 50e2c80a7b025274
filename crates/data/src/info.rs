//! What is in a prepared file: counts, sizes by every label mode, provenance.

use std::fmt::Write;

use super::audit::{PARTS, class_counts};
use super::labels::{self, Role};
use super::options::LabelMode;
use super::shards::Shards;
use super::targets::Targets;
use super::{FaceSet, Labelled, Provenance, Split};

const MODES: [LabelMode; 6] = [
    LabelMode::Original,
    LabelMode::Majority,
    LabelMode::Probability,
    LabelMode::Crossentropy,
    LabelMode::MultiTarget,
    LabelMode::ArgmaxEight,
];

/// A page about a dataset. Pixels are not needed: see [`super::store::summary`].
pub fn describe(faces: &FaceSet) -> String {
    let mut page = String::new();
    let images = &faces.images;
    let colour = if images.channels == 1 { "grey" } else { "RGB" };
    let kind = if faces.provenance.synthetic { "SYNTHETIC faces" } else { "faces" };
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{} {kind} of {} x {} pixels, {colour}\n", faces.len(), images.width, images.height);
    page.extend(shards(faces));
    page += &class_table(faces);
    page += &mode_table(faces);
    if let Some(targets) = &faces.targets {
        page += &target_table(faces, targets);
    }
    if let Some(motion) = faces.motion() {
        let _ = writeln!(page, "channels {}", motion.name());
    }
    if let Some(machine) = &faces.provenance.labelled_by {
        let _ = writeln!(page, "labelled by a machine: {machine}");
    }
    page += &provenance(&faces.provenance);
    page
}

/// A line about the shards of a set, where its pictures lie in some.
pub fn shards(faces: &FaceSet) -> Option<String> {
    Some(place(faces.shards.as_ref()?))
}

/// Where pictures in shards lie, and what they take.
pub(super) fn place(shards: &Shards) -> String {
    let (form, count) = (shards.list().storage.as_str(), shards.list().shards.len());
    let mib = shards.bytes() as f64 / f64::from(1 << 20);
    format!("pictures in {}: {form}, {count} shards, {mib:.1} MiB\n", shards.folder().display())
}

fn class_table(faces: &FaceSet) -> String {
    let counts = class_counts(faces);
    let mut rows: Vec<Vec<String>> = counts
        .iter()
        .map(|c| {
            let total: usize = c.rows.iter().sum();
            std::iter::once(c.class.clone()).chain(c.rows.iter().chain([&total]).map(usize::to_string)).collect()
        })
        .collect();
    let part = |i: usize| faces.splits.iter().filter(|&&s| s as usize == i).count();
    let labelled: usize = counts.iter().flat_map(|c| c.rows).sum();
    if labelled < faces.len() {
        let missing = |i: usize| part(i) - counts.iter().map(|c| c.rows[i]).sum::<usize>();
        let cells = (0..4).map(missing).chain([faces.len() - labelled]).map(|n| n.to_string());
        rows.push(std::iter::once("(no label)".to_string()).chain(cells).collect());
    }
    let cells = (0..4).map(part).chain([faces.len()]).map(|n| n.to_string());
    rows.push(std::iter::once("all".to_string()).chain(cells).collect());
    let header: Vec<&str> = std::iter::once("class").chain(PARTS).chain(["all"]).collect();
    format!("{}\n", table(&header, &rows))
}

/// Rows per part that each label mode keeps, and for the FER+ modes what they make of the training rows.
fn mode_table(faces: &FaceSet) -> String {
    let mut rows = Vec::new();
    for mode in MODES {
        let (Ok(train), Ok(evaluation)) =
            (labels::apply(faces, mode, Role::Train), labels::apply(faces, mode, Role::Evaluation))
        else {
            continue;
        };
        let kept = [Split::Train, Split::Validation, Split::Test, Split::Unassigned];
        let mut cells = vec![labels::as_str(mode).to_string()];
        cells.extend(kept.map(|s| count(faces, &train, s).to_string()));
        cells.extend([Split::Validation, Split::Test].map(|s| count(faces, &evaluation, s).to_string()));
        cells.push(supports(faces, &train));
        rows.push(cells);
    }
    let header: Vec<&str> = std::iter::once("label mode")
        .chain(PARTS)
        .chain(["scored: validation", "scored: test", "training rows with 1, 2, ... classes"])
        .collect();
    let mut text = format!("{}\n", table(&header, &rows));
    if let Ok(majority) = labels::apply(faces, LabelMode::Majority, Role::Train) {
        text += &format!("{}\n", majority_table(faces, &majority));
    }
    text
}

/// Of each column of typed targets: its kind, and how often it is known, with its mean, in each part.
fn target_table(faces: &FaceSet, targets: &Targets) -> String {
    let mut rows = Vec::new();
    let mut place = 0;
    for group in &targets.groups {
        for column in &group.columns {
            let mut cells = vec![format!("{}.{column}", group.name), group.kind.describe()];
            for part in 0..PARTS.len() {
                let of_part = (0..faces.len()).filter(|&row| faces.splits[row] as usize == part);
                let at = |row: usize| row * targets.width() + place;
                let known: Vec<f64> = of_part
                    .filter(|&row| targets.known[at(row)])
                    .map(|row| f64::from(targets.values[at(row)]))
                    .collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                cells.push(if known.is_empty() { "0".into() } else { format!("{} ({mean:.3})", known.len()) });
            }
            rows.push(cells);
            place += 1;
        }
    }
    let header: Vec<&str> = ["target: known rows (mean)", "kind"].into_iter().chain(PARTS).collect();
    format!("{}\n", table(&header, &rows))
}

fn majority_table(faces: &FaceSet, majority: &Labelled) -> String {
    let mut counts = vec![[0usize; 4]; majority.classes.len()];
    for i in 0..majority.len() {
        counts[majority.class(i)][faces.splits[majority.rows[i] as usize] as usize] += 1;
    }
    let rows: Vec<Vec<String>> = majority
        .classes
        .iter()
        .zip(counts)
        .map(|(class, n)| std::iter::once(class.clone()).chain(n.map(|n| n.to_string())).collect())
        .collect();
    let header: Vec<&str> = std::iter::once("majority class").chain(PARTS).collect();
    table(&header, &rows)
}

fn count(faces: &FaceSet, labelled: &Labelled, split: Split) -> usize {
    labelled.rows.iter().filter(|&&r| faces.splits[r as usize] == split).count()
}

/// How many training rows have a target of one class, of two, and so on.
fn supports(faces: &FaceSet, labelled: &Labelled) -> String {
    let mut counts = vec![0usize; labelled.classes.len() + 1];
    for i in 0..labelled.len() {
        if faces.splits[labelled.rows[i] as usize] == Split::Train {
            counts[labelled.target(i).iter().filter(|&&t| t > 0.0).count()] += 1;
        }
    }
    let most = counts.iter().rposition(|&n| n > 0).unwrap_or(0);
    counts[..=most].iter().skip(1).map(usize::to_string).collect::<Vec<_>>().join(" / ")
}

/// Where a set comes from, a line each.
pub(super) fn provenance(p: &Provenance) -> String {
    let mut text = format!("source   {}\ncommand  {}\n", p.source, p.command);
    for (file, sha256) in &p.files {
        let _ = writeln!(text, "file     {file}\n         sha256 {sha256}");
    }
    for note in &p.notes {
        let _ = writeln!(text, "note     {note}");
    }
    text
}

/// A table of text; the first column is aligned to the left and the others to the right.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|i| rows.iter().map(|r| r[i].chars().count()).chain([header[i].chars().count()]).max().unwrap_or(0))
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .enumerate()
            .map(
                |(i, cell)| {
                    if i == 0 { format!("{cell:<w$}", w = widths[0]) } else { format!("{cell:>w$}", w = widths[i]) }
                },
            )
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut header.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Images, Votes};

    #[test]
    fn a_page_has_counts_modes_and_provenance() {
        let columns = labels::FERPLUS_CLASSES.iter().chain(&["unknown", "NF"]).map(|c| (*c).to_string()).collect();
        let counts = [[10, 0, 0, 0, 0, 0, 0, 0, 0, 0], [5, 5, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]];
        let faces = FaceSet {
            images: Images { pixels: vec![], height: 48, width: 40, channels: 1 },
            labels: vec![0, 1, -1],
            classes: vec!["a".into(), "b".into()],
            votes: Some(Votes { counts: counts.concat(), columns }),
            splits: vec![Split::Train, Split::Train, Split::Test],
            names: vec!["x".into(); 3],
            provenance: Provenance {
                source: "synthetic".into(),
                synthetic: true,
                notes: vec!["hm".into()],
                ..Provenance::default()
            },
            ..FaceSet::default()
        };
        let page = describe(&faces);
        let line = |start: &str| {
            let line = page.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{start}: {page}"));
            line[start.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(page.starts_with("3 SYNTHETIC faces of 40 x 48 pixels, grey"));
        assert_eq!(line("(no label)"), "0 0 1 0 1");
        assert_eq!(line("all"), "2 0 1 0 3");
        assert_eq!(line("majority  "), "1 0 0 0 0 0 1");
        assert_eq!(line("crossentropy"), "2 0 0 0 0 0 1 / 1");
        assert_eq!(line("argmax_eight"), "2 0 1 0 0 1 2");
        assert_eq!(line("note"), "hm");
    }
}
