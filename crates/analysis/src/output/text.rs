//! `report.txt`, which is also what the terminal shows in the end.

use std::fmt::Write;

use super::Facts;
use super::summary::{QuantitySummary, Summary, TrackSummary};
use crate::mesh::BLENDSHAPES;

/// Quantities that are shown of each person.
const SHOWN: usize = 5;

/// The lines.
pub fn report(facts: &Facts, summary: &Summary, notes: &[String]) -> String {
    let mut text = String::new();
    let tracks = summary.tracks();
    let [source, shots] = facts.kind();
    let sha256 = &facts.sha256[..16.min(facts.sha256.len())];
    let sha256 = if facts.is_stills { String::new() } else { format!(" (sha256 {sha256})") };
    let _ = writeln!(text, "{source:12} {}{sha256}", facts.video);
    let _ = writeln!(text, "{shots:12} {}", summary.counts());
    for part in &facts.parts {
        let _ = writeln!(text, "{:12} {}", part.role, part.path);
    }
    for track in &tracks {
        text += &person(track);
    }
    for note in notes {
        let _ = writeln!(text, "warning      {note}");
    }
    for part in facts.parts.iter().filter(|p| p.licence.is_some()) {
        let _ = writeln!(text, "terms        {}: {}", part.name, part.licence.as_deref().unwrap_or_default());
    }
    text += "An expression is not an emotion: what a face shows says little of what its owner feels.\n";
    text
}

fn person(track: &TrackSummary) -> String {
    let mut text = format!("{}\n", track.title());
    for q in track.shares().into_iter().take(2 * SHOWN) {
        let longest = q.longest.map_or_else(String::new, |e| format!(", longest {:.2} to {:.2} s", e.from, e.to));
        let _ =
            writeln!(text, "  {:28} {:5.1} % of the {}{longest}", q.name, 100.0 * q.share.unwrap_or(0.0), track.unit());
    }
    let is_blendshape =
        |q: &&QuantitySummary| q.name.starts_with(BLENDSHAPES) && q.name[BLENDSHAPES.len()..].starts_with('.');
    let values = track.quantities.iter().filter(|q| q.share.is_none() && !q.name.ends_with("_r"));
    let mut blendshapes: Vec<&QuantitySummary> = values.clone().filter(is_blendshape).collect();
    blendshapes.sort_by(|a, b| b.mean.unwrap_or(0.0).total_cmp(&a.mean.unwrap_or(0.0)));
    let others = values.filter(|q| !is_blendshape(q)).take(2 * SHOWN);
    for q in others.chain(blendshapes.into_iter().take(SHOWN)) {
        let _ = writeln!(
            text,
            "  {:28} mean {:.3}, {:.3} to {:.3}",
            q.name,
            q.mean.unwrap_or(0.0),
            q.min.unwrap_or(0.0),
            q.max.unwrap_or(0.0)
        );
    }
    let mut units: Vec<&QuantitySummary> = track.quantities.iter().filter(|q| q.name.ends_with("_r")).collect();
    units.sort_by(|a, b| b.mean.unwrap_or(0.0).total_cmp(&a.mean.unwrap_or(0.0)));
    for q in units.iter().take(SHOWN) {
        let _ =
            writeln!(text, "  {:28} mean {:.2}, most {:.2} of 5", q.name, q.mean.unwrap_or(0.0), q.max.unwrap_or(0.0));
    }
    for q in &track.quadrants {
        let _ = writeln!(
            text,
            "  {}: pleasant and active {:.0} %, unpleasant and active {:.0} %, unpleasant and calm {:.0} %, pleasant and calm {:.0} %",
            q.head,
            100.0 * q.pleasant_active,
            100.0 * q.unpleasant_active,
            100.0 * q.unpleasant_calm,
            100.0 * q.pleasant_calm
        );
    }
    text
}
