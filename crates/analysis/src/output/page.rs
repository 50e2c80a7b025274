//! `report.html`: what was measured of each person over time.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use ferrotype_action_units::INTENSITIES;
use ferrotype_base::targets::TargetKind;
use ferrotype_config::to_yaml;
use ferrotype_report::Warning;
use ferrotype_report::analysis::{self, AnalysisView, HeatMap, HeatRow, PersonView};

use super::summary::{Summary, TrackSummary};
use super::{Facts, Records};
use crate::record::FaceRecord;

/// Most stretches of time; a short video has one for each frame that was looked at.
const COLUMNS: usize = 160;
/// Persons that are shown, those of the most frames.
const PERSONS: usize = 6;

/// Sums and numbers of values of each quantity in each stretch.
type Sums = Vec<Vec<(f64, u32)>>;

/// Writes the page and its plots.
pub fn write(facts: &Facts, records: &Records, summary: &Summary, notes: &[String], out: &Path) -> Result<()> {
    let mut tracks = summary.tracks();
    // Stable: of equal ones the first.
    tracks.sort_by_key(|t| std::cmp::Reverse(t.frames));
    let left = tracks.len().saturating_sub(PERSONS);
    tracks.truncate(PERSONS);
    let (from, to) = tracks.iter().fold((f64::INFINITY, 0.0f64), |(a, b), t| (a.min(t.first), b.max(t.last)));
    let columns = COLUMNS.min(summary.frames as usize).max(1);
    let mut sums: BTreeMap<usize, Sums> = tracks.iter().map(|t| (t.track, Sums::new())).collect();
    records.each(|record| {
        let share = (record.time - from) / (to - from).max(1e-9);
        let column = ((share * columns as f64) as usize).min(columns - 1);
        for face in &record.faces {
            let Some(sums) = sums.get_mut(&face.track) else { continue };
            for (i, value) in values(facts, face).into_iter().enumerate() {
                if sums.len() <= i {
                    sums.push(vec![(0.0, 0); columns]);
                }
                if let Some(value) = value {
                    sums[i][column].0 += value;
                    sums[i][column].1 += 1;
                }
            }
        }
        Ok(())
    })?;
    let person = |track: &TrackSummary| PersonView {
        title: format!("Person {}: {} frames, {:.1} to {:.1} s", track.track, track.frames, track.first, track.last),
        maps: maps(facts, &sums[&track.track], [from, to]),
        facts: said(track),
    };
    let mut warnings: Vec<Warning> = notes.iter().map(|text| Warning { serious: true, text: text.clone() }).collect();
    let terms = facts.parts.iter().filter_map(|p| Some(format!("{}: {}", p.name, p.licence.as_ref()?)));
    warnings.extend(terms.map(|text| Warning { serious: false, text }));
    let view = AnalysisView {
        name: Path::new(&facts.video).file_name().unwrap_or_default().to_string_lossy().into_owned(),
        warnings,
        facts: video(facts, summary),
        persons: tracks.iter().map(person).collect(),
        others: if left > 0 { format!("{left} more with fewer frames are in results.json.") } else { String::new() },
        config: to_yaml(&facts.options),
    };
    analysis::write(out, &view).map(|_| ())
}

/// What is drawn of a face: the outputs of all heads, then the intensities of action units.
fn values(facts: &Facts, face: &FaceRecord) -> Vec<Option<f64>> {
    let mut all: Vec<Option<f64>> = face.heads.iter().flatten().map(|v| Some(*v)).collect();
    if facts.has_units {
        match &face.units {
            Some(units) => all.extend(units.intensities.iter().map(|v| Some(f64::from(*v)))),
            None => all.extend([None; INTENSITIES.len()]),
        }
    }
    all
}

/// A map of each head, and one of the action units.
fn maps(facts: &Facts, sums: &Sums, [from, to]: [f64; 2]) -> Vec<HeatMap> {
    let row = |name: String, at: usize, low: f64| HeatRow {
        name,
        values: sums.get(at).map_or_else(Vec::new, |row| {
            row.iter().map(|&(sum, n)| (n > 0).then(|| sum / f64::from(n) - low)).collect()
        }),
    };
    let (mut maps, mut at) = (Vec::new(), 0);
    for ((name, outputs), kinds) in facts.heads.iter().zip(&facts.kinds) {
        // Values of a head with a range below 0 are shown from its lower end.
        let range = kinds.iter().find_map(|head| match &head.kind {
            TargetKind::Continuous { range, .. } => Some(*range),
            _ => None,
        });
        let [low, high] = range.filter(|_| kinds.len() == 1).unwrap_or([0.0, 1.0]).map(f64::from);
        let rows = outputs.iter().enumerate().map(|(o, output)| row(output.clone(), at + o, low)).collect();
        let title = if low == 0.0 { name.clone() } else { format!("{name} ({low} white, {high} dark)") };
        maps.push(HeatMap { title, from, to, most: high - low, rows });
        at += outputs.len();
    }
    if facts.has_units {
        let rows = INTENSITIES.iter().enumerate().map(|(i, unit)| row(format!("AU{unit:02}"), at + i, 0.0)).collect();
        maps.push(HeatMap { title: "Intensity of action units, 0 to 5".into(), from, to, most: 5.0, rows });
    }
    maps
}

/// The shares that are largest, and the longest stretches.
fn said(track: &TrackSummary) -> Vec<(String, String)> {
    let text = |share: f64, longest: Option<super::summary::Episode>| {
        let longest = longest.map_or_else(String::new, |e| format!("; the longest {:.1} to {:.1} s", e.from, e.to));
        format!("{:.1} % of the frames{longest}", 100.0 * share)
    };
    track.shares().into_iter().take(8).map(|q| (q.name.clone(), text(q.share.unwrap_or(0.0), q.longest))).collect()
}

fn video(facts: &Facts, summary: &Summary) -> Vec<(String, String)> {
    let mut rows = vec![
        ("video".to_owned(), facts.video.clone()),
        ("sha256".into(), facts.sha256.clone()),
        ("frames".into(), format!("{} looked at, {} with a face", summary.frames, summary.frames_with_faces)),
    ];
    rows.extend(facts.parts.iter().map(|p| (p.role.clone(), format!("{} ({})", p.path, p.name))));
    rows
}
