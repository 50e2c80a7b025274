//! `report.html`: what was measured of each person over time.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use ferrotype_action_units::INTENSITIES;
use ferrotype_base::targets::TargetKind;
use ferrotype_config::to_yaml;
use ferrotype_report::Warning;
use ferrotype_report::analysis::{self, AffectPath, AnalysisView, HeatMap, HeatRow, PersonView, UnitFace};

use super::kinds::valence_arousal;
use super::summary::{Summary, TrackSummary};
use super::{Facts, Records, head_values};
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
    let times = tracks.iter().filter_map(|t| t.first.zip(t.last));
    let (from, to) = times.fold((f64::INFINITY, 0.0f64), |(a, b), (first, last)| (a.min(first), b.max(last)));
    let columns = COLUMNS.min(summary.frames as usize).max(1);
    // Stills have no course over time.
    let mut sums: BTreeMap<usize, Sums> = tracks.iter().filter_map(|t| Some((t.track?, Sums::new()))).collect();
    let mut shapes: BTreeMap<usize, MeanShape> = BTreeMap::new();
    records.each(|record| {
        let share = (record.time - from) / (to - from).max(1e-9);
        let column = ((share * columns as f64) as usize).min(columns - 1);
        for face in &record.faces {
            let Some(sums) = sums.get_mut(&face.track) else { continue };
            shapes.entry(face.track).or_default().add(face);
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
        title: track.title(),
        face: track.track.and_then(|number| unit_face(track, shapes.get(&number)?)),
        affect: track.track.map_or_else(Vec::new, |number| affect(facts, &sums[&number])),
        maps: track.track.map_or_else(Vec::new, |number| maps(facts, &sums[&number], [from, to])),
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

/// Mean landmarks of a person in parts of the box.
#[derive(Default)]
struct MeanShape {
    sum: Vec<[f64; 2]>,
    count: u64,
}

impl MeanShape {
    fn add(&mut self, face: &FaceRecord) {
        let Some(points) = face.points.as_ref().filter(|points| points.len() == 68) else { return };
        let [left, top, right, bottom] = face.bounds;
        self.sum.resize(68, [0.0; 2]);
        for (sum, &[x, y]) in self.sum.iter_mut().zip(points) {
            sum[0] += f64::from((x - left) / (right - left).max(1.0));
            sum[1] += f64::from((y - top) / (bottom - top).max(1.0));
        }
        self.count += 1;
    }
}

fn unit_face(track: &TrackSummary, shape: &MeanShape) -> Option<UnitFace> {
    let mean = |unit: &u8| {
        let name = format!("AU{unit:02}_r");
        Some((*unit, track.quantities.iter().find(|q| q.name == name)?.mean?))
    };
    let intensities: Vec<(u8, f64)> = INTENSITIES.iter().filter_map(mean).collect();
    let points = shape.sum.iter().map(|p| p.map(|v| v / shape.count as f64)).collect();
    (shape.count > 0 && !intensities.is_empty()).then_some(UnitFace { points, intensities })
}

/// Valence and arousal over time of each head that has them.
fn affect(facts: &Facts, sums: &Sums) -> Vec<AffectPath> {
    let mut at = 0;
    let mut all = Vec::new();
    for (name, outputs) in &facts.heads {
        let columns = sums.get(at).map_or(0, Vec::len);
        let mean = |column: usize| {
            let of = |output: usize| {
                let (sum, n) = sums[at + output][column];
                (n > 0).then(|| sum / f64::from(n))
            };
            let values: Option<Vec<f64>> = (0..outputs.len()).map(of).collect();
            valence_arousal(outputs, &values?)
        };
        let points: Vec<Option<[f64; 2]>> = (0..columns).map(mean).collect();
        if points.iter().any(Option::is_some) {
            all.push(AffectPath { title: format!("{name}: valence and arousal"), points });
        }
        at += outputs.len();
    }
    all
}

/// What is drawn of a face: the outputs of all heads, then the intensities of action units.
fn values(facts: &Facts, face: &FaceRecord) -> Vec<Option<f64>> {
    let mut all = head_values(facts, face);
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
        format!("{:.1} % of the {}{longest}", 100.0 * share, track.unit())
    };
    track.shares().into_iter().take(8).map(|q| (q.name.clone(), text(q.share.unwrap_or(0.0), q.longest))).collect()
}

fn video(facts: &Facts, summary: &Summary) -> Vec<(String, String)> {
    let [source, shots] = facts.kind();
    let mut rows = vec![(source.to_owned(), facts.video.clone())];
    if !facts.is_stills {
        rows.push(("sha256".into(), facts.sha256.clone()));
    }
    rows.push((shots.into(), summary.counts()));
    rows.extend(facts.parts.iter().map(|p| (p.role.clone(), format!("{} ({})", p.path, p.name))));
    rows
}
