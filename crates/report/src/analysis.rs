//! The page of an analysis of a video.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::figure::Figure;
use super::view::Warning;
use super::write::write_figures;
use super::{html, plots};
use ferrotype_run::files::write_atomic;

/// A quantity over time.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatRow {
    /// Its name.
    pub name: String,
    /// Means over equal stretches of time; none where there was no face.
    pub values: Vec<Option<f64>>,
}

/// Quantities over time.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// What they are.
    pub title: String,
    /// Seconds of the beginning and the end.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// The value of the darkest shade.
    pub most: f64,
    /// The quantities, from top to bottom.
    pub rows: Vec<HeatRow>,
}

/// Action units of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitFace {
    /// The person's mean 68 landmarks, `[x, y]` in parts of the box.
    pub points: Vec<[f64; 2]>,
    /// Numbers of the units and their mean intensities, 0 to 5.
    pub intensities: Vec<(u8, f64)>,
}

/// Valence and arousal over time.
#[derive(Clone, Debug, PartialEq)]
pub struct AffectPath {
    /// What it is.
    pub title: String,
    /// Means over equal stretches of time, -1 to 1; none where there was no face.
    pub points: Vec<Option<[f64; 2]>>,
}

/// A person of the video.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonView {
    /// Who, and in which frames.
    pub title: String,
    /// Action units on the face.
    pub face: Option<UnitFace>,
    /// Valence and arousal of each head that has them.
    pub affect: Vec<AffectPath>,
    /// What was measured over time.
    pub maps: Vec<HeatMap>,
    /// Names and texts.
    pub facts: Vec<(String, String)>,
}

impl PersonView {
    /// The plots, with their names.
    fn figures(&self, person: &str) -> Vec<(String, Figure)> {
        let maps = self.maps.iter().enumerate().map(|(m, map)| (format!("{person}_{m}"), plots::heat_map(map)));
        let affect =
            self.affect.iter().enumerate().map(|(a, path)| (format!("{person}_affect_{a}"), plots::affect_path(path)));
        let face = self.face.iter().map(|face| (format!("{person}_face"), plots::unit_face(face)));
        maps.chain(face).chain(affect).collect()
    }
}

/// Everything that the page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisView {
    /// The video's name.
    pub name: String,
    /// What deserves a worry, and the terms of the parts.
    pub warnings: Vec<Warning>,
    /// Names and texts about the video and the parts.
    pub facts: Vec<(String, String)>,
    /// The persons that are shown.
    pub persons: Vec<PersonView>,
    /// What is said of those that are not.
    pub others: String,
    /// The options, as YAML.
    pub config: String,
}

/// Writes `plots/` and `report.html`, whose path is returned.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, view: &AnalysisView) -> Result<PathBuf> {
    let of_persons: Vec<Vec<(String, Figure)>> =
        view.persons.iter().enumerate().map(|(p, person)| person.figures(&format!("person_{p}"))).collect();
    let figures = of_persons.concat();
    write_figures(&folder.join("plots"), &figures)?;
    let drawn = html::drawn(&figures)?;
    let rows = |facts: &[(String, String)]| -> Vec<_> {
        facts.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
    };
    let person = |(p, person): (usize, &PersonView)| {
        let plots: Vec<_> = of_persons[p].iter().map(|(name, _)| &drawn[name.as_str()]).collect();
        json!({ "title": person.title, "plots": plots, "facts": rows(&person.facts) })
    };
    let page = html::render(
        "analysis.html",
        json!({
            "name": view.name,
            "warnings": view.warnings,
            "facts": rows(&view.facts),
            "persons": view.persons.iter().enumerate().map(person).collect::<Vec<_>>(),
            "others": view.others,
            "config": view.config,
            "fonts": html::fonts(),
        }),
    )?;
    let report = folder.join("report.html");
    write_atomic(&report, page.as_bytes())?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_each_person_with_shades() {
        let folder = tempfile::tempdir().unwrap();
        let values = vec![Some(0.0), Some(2.5), Some(2.5), None, Some(5.0)];
        let row = HeatRow { name: "AU12".into(), values };
        let map = HeatMap { title: "Action units".into(), from: 0.0, to: 8.0, most: 5.0, rows: vec![row] };
        let empty = HeatMap { rows: Vec::new(), ..map.clone() };
        let person = PersonView {
            title: "Person 0".into(),
            face: Some(UnitFace {
                points: (0..68).map(|i| [f64::from(i % 9) / 9.0, f64::from(i / 9) / 9.0]).collect(),
                intensities: vec![(12, 4.2), (45, 0.0)],
            }),
            affect: vec![AffectPath {
                title: "feeling".into(),
                points: vec![Some([-0.5, 0.1]), None, Some([2.0, 0.5]), Some([0.5, 0.9])],
            }],
            maps: vec![map, empty],
            facts: vec![("a".into(), "b".into())],
        };
        let view = AnalysisView {
            name: "talk.mp4".into(),
            warnings: vec![Warning { serious: false, text: "terms".into() }],
            facts: Vec::new(),
            persons: vec![person],
            others: "2 more".into(),
            config: "sampling: x".into(),
        };
        let page = std::fs::read_to_string(write(folder.path(), &view).unwrap()).unwrap();
        for part in [
            "talk.mp4",
            "4.20",
            "feeling",
            "valence",
            "Person 0",
            "AU12",
            "8.0 s",
            "nothing was measured",
            "2 more",
            "terms",
            "sampling: x",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for name in ["person_0_0", "person_0_face", "person_0_affect_0"] {
            assert!(folder.path().join(format!("plots/{name}.png")).is_file(), "{name}");
        }
    }
}
