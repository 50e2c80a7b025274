//! The files of an analysis, made from its journal.

mod annotated;
pub(crate) mod crops;
mod csv;
mod json;
mod kinds;
mod page;
pub mod summary;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Result;
use ferrotype_base::digest;
use ferrotype_base::targets::Head;
use ferrotype_run::files::write_atomic;
use ferrotype_vision::video::Header;
use serde_json::{Value, json};

use crate::options::{AnalysisOptions, Sampling};
use crate::parts::PartFacts;
use crate::record::{FaceRecord, FrameRecord};
use crate::video::{FinishedUnits, Journal, PICTURES, Watch};
use summary::Summary;

/// The JSON Schema of `results.json` (draft 2020-12).
pub const RESULTS_SCHEMA: &str = include_str!("output/results.schema.json");

/// What is known of an analysis before the first frame.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What results call the video, folder or picture: its path, unless the caller has another name for it.
    pub video: String,
    /// Where it is.
    pub path: PathBuf,
    /// The video's sha256; of pictures that of their names and sizes.
    pub sha256: String,
    /// What its header says.
    pub header: Header,
    /// Whether the pictures have neither times nor persons.
    pub is_stills: bool,
    /// The options.
    pub options: AnalysisOptions,
    /// The parts.
    pub parts: Vec<PartFacts>,
    /// Names of the heads, with those of their outputs.
    pub heads: Vec<(String, Vec<String>)>,
    /// The heads of each one's model; none of one that gives a class.
    pub kinds: Vec<Vec<Head>>,
    /// Whether faces have 68 landmarks.
    pub has_landmarks: bool,
    /// Whether action units and poses are predicted.
    pub has_units: bool,
}

impl Facts {
    /// Whether pictures of a folder were looked at.
    pub fn is_pictures(&self) -> bool {
        self.header.codec == PICTURES
    }

    /// Columns of what the heads say: `HEAD.OUTPUT`.
    pub fn head_columns(&self) -> impl Iterator<Item = String> {
        self.heads.iter().flat_map(|(head, outputs)| outputs.iter().map(move |output| format!("{head}.{output}")))
    }

    /// What was looked at (`video` or `pictures`), and what it is made of (`frames` or `pictures`).
    pub fn kind(&self) -> [&'static str; 2] {
        if self.is_stills { ["pictures", "pictures"] } else { ["video", "frames"] }
    }

    /// Seconds between two frames that are looked at, as far as the header knows.
    pub fn interval(&self) -> Option<f64> {
        match self.options.sampling {
            Sampling::Every(n) => self.header.rate.map(|rate| n as f64 / rate),
            Sampling::Rate(rate) => Some(1.0 / rate),
        }
    }

    /// sha256 of all that decides what is written.
    pub fn digest(&self) -> String {
        let options = serde_json::to_string(&self.options).unwrap_or_default();
        let parts: Vec<&str> = self.parts.iter().map(|p| p.sha256.as_str()).collect();
        digest::sha256(format!("{}\n{options}\n{}\n{}", self.sha256, parts.join(" "), env!("CARGO_PKG_VERSION")))
    }
}

/// What the heads say of a face, an entry for each output of each; none where one says nothing of it.
fn head_values(facts: &Facts, face: &FaceRecord) -> Vec<Option<f64>> {
    let of_head = |((_, outputs), values): (&(String, Vec<String>), &Vec<f64>)| match values.is_empty() {
        true => vec![None; outputs.len()],
        false => values.iter().copied().map(Some).collect(),
    };
    facts.heads.iter().zip(&face.heads).flat_map(of_head).collect()
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The folder.
    pub folder: PathBuf,
    /// The persons and what was said of them.
    pub summary: Summary,
    /// Lines for the terminal.
    pub text: String,
}

/// Writes all files: `results.json` last, whose presence says that the analysis is complete.
pub(crate) fn write(
    facts: &Facts,
    journal: &Journal,
    units: &FinishedUnits,
    size: [usize; 2],
    notes: &[String],
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Written> {
    // Those of stills are final as they are.
    let records = Records { journal, units: (!facts.is_stills).then_some(units) };
    let mut summary = Summary::new(facts);
    records.each(|record| {
        summary.add(&record);
        Ok(())
    })?;
    csv::frames(facts, &records, &out.join("frames.csv"))?;
    if facts.has_units && !facts.is_stills {
        csv::unit_timeline(&records, &out.join("au_timeline.csv"))?;
    }
    if facts.options.output.crops {
        crops::write(facts, &records, out)?;
    }
    write_atomic(out.join("summary.csv"), &csv::summary(&summary)?)?;
    let text = text::report(facts, &summary, notes);
    write_atomic(out.join("report.txt"), text.as_bytes())?;
    page::write(facts, &records, &summary, notes, out)?;
    if facts.options.output.annotated {
        annotated::write(facts, &records, &facts.path, &out.join("annotated.mp4"), watch)?;
    }
    write_atomic(out.join("analysis.yaml"), ferrotype_config::to_yaml(&facts.options).as_bytes())?;
    json::results(facts, &records, &summary, size, notes, &out.join("results.json"))?;
    Ok(Written { folder: out.to_path_buf(), summary, text })
}

/// The frames of a journal with the final action units.
struct Records<'a> {
    journal: &'a Journal,
    units: Option<&'a FinishedUnits>,
}

impl Records<'_> {
    fn each(&self, mut f: impl FnMut(FrameRecord) -> Result<()>) -> Result<()> {
        let mut at = 0;
        self.journal.each(|mut record| {
            if let Some(finished) = self.units {
                for face in record.faces.iter_mut().filter(|face| face.units.is_some()) {
                    face.units = finished.of(at, face.track).cloned();
                }
            }
            at += 1;
            f(record)
        })
    }
}

/// The facts as they stand in `results.json`.
fn facts_json(facts: &Facts, size: [usize; 2]) -> Value {
    let h = &facts.header;
    let heads: Vec<Value> = facts
        .heads
        .iter()
        .zip(&facts.kinds)
        .map(|((name, outputs), kinds)| {
            let kind =
                |head: &Head| json!({ "name": head.name, "columns": head.columns, "kind": head.kind.describe() });
            match kinds.is_empty() {
                true => json!({ "name": name, "outputs": outputs, "kind": "probabilities of classes" }),
                false => {
                    json!({ "name": name, "outputs": outputs, "heads": kinds.iter().map(kind).collect::<Vec<_>>() })
                }
            }
        })
        .collect();
    let (kind, source) = match facts.is_pictures() {
        true if facts.is_stills => ("pictures", json!({ "path": facts.video, "pictures": h.frames })),
        true => (
            "pictures",
            json!({
                "path": facts.video, "pictures": h.frames, "width": size[0], "height": size[1],
                "frames_per_second": h.rate,
            }),
        ),
        false => (
            "video",
            json!({
                "path": facts.video, "sha256": facts.sha256, "width": size[0], "height": size[1], "frames": h.frames,
                "frames_per_second": h.rate, "codec": h.codec, "rotation": h.rotation,
            }),
        ),
    };
    json!({
        kind: source,
        // Of stills none is left out.
        "sampling": if facts.is_stills { Sampling::Every(1) } else { facts.options.sampling },
        "faces": facts.options.faces,
        "parts": facts.parts,
        "heads": heads,
    })
}
