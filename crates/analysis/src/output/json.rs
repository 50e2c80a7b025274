//! `results.json`: the facts, every frame, and a summary of each person; written frame by frame.

use std::path::Path;

use anyhow::Result;
use ferrotype_base::files::write_atomic_with;
use serde_json::{Value, json};

use super::summary::{Summary, TrackSummary};
use super::{Facts, Records, facts_json};
use crate::record::Shown;

/// Writes the file.
pub fn results(
    facts: &Facts,
    records: &Records,
    summary: &Summary,
    size: [usize; 2],
    notes: &[String],
    path: &Path,
) -> Result<()> {
    write_atomic_with(path, |file| {
        writeln!(file, "{{\n\"format\": \"ferrotype analysis\",\n\"version\": 1,")?;
        if let Value::Object(entries) = facts_json(facts, size) {
            for (key, value) in entries {
                writeln!(file, "{}: {value},", json!(key))?;
            }
        }
        writeln!(file, "\"notes\": {},", json!(notes))?;
        match (facts.is_stills, summary.tracks()) {
            (false, tracks) => writeln!(file, "\"tracks\": {},", serde_json::to_string(&tracks)?)?,
            (true, all) => writeln!(file, "\"all_faces\": {},", all_faces(all.first())?)?,
        }
        write!(file, "\"frames\": [")?;
        let mut first = true;
        let with_embeddings = facts.options.output.embeddings;
        records.each(|record| {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            let shown = Shown { record: &record, heads: &facts.heads, with_embeddings, is_stills: facts.is_stills };
            write!(file, "{comma}\n{}", serde_json::to_string(&shown)?)?;
            Ok(())
        })?;
        writeln!(file, "\n]\n}}")?;
        Ok(())
    })
}

/// The faces of stills: their number, and what was measured of them.
fn all_faces(all: Option<&TrackSummary>) -> Result<Value> {
    let Some(all) = all else { return Ok(json!({ "faces": 0, "quantities": [] })) };
    let mut shown = json!({ "faces": all.frames });
    if let (Value::Object(entries), Value::Object(shown)) = (serde_json::to_value(all)?, &mut shown) {
        shown.extend(entries.into_iter().filter(|(key, _)| key != "frames"));
    }
    Ok(shown)
}
