//! `crops/` and `crops.csv`: the faces as pictures, and a manifest of them with all that was said of each.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_action_units::csv::unit_columns;
use ferrotype_action_units::{INTENSITIES, PRESENCES};
use ferrotype_run::files::{explain, write_atomic};

use super::{Facts, Records, head_values};
use crate::record::{FaceRecord, FrameRecord};

/// The folder of the pictures.
pub const FOLDER: &str = "crops";
/// The manifest, in the folder of an analysis; that of several in the folder above.
const TABLE: &str = "crops.csv";

/// The picture of a face.
pub fn name(frame: u64, track: usize) -> String {
    format!("{frame:06}_{track}.png")
}

/// Writes the manifest: `path` relative to it, `subject`, `frame`, and what frames.csv has of action units and heads. A value that
/// is not known is an empty cell.
pub(super) fn write(facts: &Facts, records: &Records, out: &Path) -> Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut names: Vec<String> = ["path", "subject", "frame"].map(str::to_owned).to_vec();
    if facts.has_units {
        names.extend(unit_columns());
    }
    names.extend(facts.head_columns());
    table.write_record(&names)?;
    let source = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    records.each(|record| {
        record.faces.iter().try_for_each(|f| Ok(table.write_record(row(facts, &source, &record, f))?))
    })?;
    write_atomic(out.join(TABLE), &table.into_inner().context("cannot write the table")?)
}

fn row(facts: &Facts, source: &str, record: &FrameRecord, face: &FaceRecord) -> Vec<String> {
    // Of stills nobody knows who is who.
    let subject = match &record.picture {
        Some(picture) if facts.is_stills => format!("{source}/{picture}"),
        _ => format!("{source}/{}", face.track),
    };
    let mut cells = vec![format!("{FOLDER}/{}", name(record.frame, face.track)), subject, record.frame.to_string()];
    if facts.has_units {
        match &face.units {
            Some(units) => {
                cells.extend(units.intensities.iter().map(|v| format!("{v:.4}")));
                cells.extend(units.presences.iter().map(|p| u8::from(*p).to_string()));
            }
            None => cells.resize(cells.len() + INTENSITIES.len() + PRESENCES.len(), String::new()),
        }
    }
    let values = head_values(facts, face).into_iter();
    cells.extend(values.map(|v| v.map_or_else(String::new, |v| format!("{v:.6}"))));
    cells
}

/// Writes one manifest of several analyses, whose folders lie in `parent`.
///
/// # Errors
/// When a manifest cannot be read, or the new one not written.
pub fn join(parent: &Path, folders: &[PathBuf]) -> Result<PathBuf> {
    let mut all = csv::Writer::from_writer(Vec::new());
    let mut header: Option<csv::StringRecord> = None;
    for folder in folders {
        let path = folder.join(TABLE);
        let bytes = std::fs::read(&path).map_err(|e| explain(&path, &e))?;
        let mut table = csv::Reader::from_reader(&bytes[..]);
        if header.is_none() {
            let names = table.headers()?.clone();
            all.write_record(&names)?;
            header = Some(names);
        }
        let name = folder.strip_prefix(parent).unwrap_or(folder).to_string_lossy().replace('\\', "/");
        for record in table.records() {
            let record = record.with_context(|| path.display().to_string())?;
            let cells =
                record.iter().enumerate().map(|(i, cell)| if i == 0 { format!("{name}/{cell}") } else { cell.into() });
            all.write_record(cells)?;
        }
    }
    let path = parent.join(TABLE);
    write_atomic(&path, &all.into_inner().context("cannot write the table")?)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_joined_with_the_folders_of_their_pictures() {
        let parent = tempfile::tempdir().unwrap();
        let folders = ["a", "b, c"].map(|name| parent.path().join(name));
        for (i, folder) in folders.iter().enumerate() {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(TABLE), format!("path,subject,AU12_r\ncrops/0_0.png,\"x, {i}\",{i}.5\n"))
                .unwrap();
        }
        let joined = std::fs::read_to_string(join(parent.path(), &folders).unwrap()).unwrap();
        let wanted = "path,subject,AU12_r\na/crops/0_0.png,\"x, 0\",0.5\n\"b, c/crops/0_0.png\",\"x, 1\",1.5\n";
        assert_eq!(joined, wanted);
        assert!(join(parent.path(), &[parent.path().join("none")]).is_err());
    }
}
