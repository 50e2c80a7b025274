//! What is shown and written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pictures::FaceBox;

/// A face with what the network said of it.
pub(super) struct Row {
    pub(super) path: PathBuf,
    pub(super) found: Option<FaceBox>,
    pub(super) probabilities: Vec<f64>,
    pub(super) class: usize,
}

/// A path as it is shown and written: `photos//a.png`, as `photos//` on the command line gives it, without the doubled
/// slash.
fn tidy(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// The three likeliest classes, for the terminal.
pub(super) fn line(row: &Row, classes: &[String]) -> String {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| row.probabilities[b].total_cmp(&row.probabilities[a]));
    let shown: Vec<String> =
        order.iter().take(3).map(|&c| format!("{} {:.1} %", classes[c], 100.0 * row.probabilities[c])).collect();
    let place = row.found.as_ref().map(|f| {
        let b = &f.bounds;
        format!("  face {} at {:.0},{:.0} of {:.0} x {:.0}", f.number, b.left, b.top, b.width(), b.height())
    });
    format!("{}{}  {}", tidy(&row.path), place.unwrap_or_default(), shown.join("  "))
}

/// The table: one row per face; where it was found stands in it if faces were looked for.
pub(super) fn table(rows: &[Row], classes: &[String], finds: bool) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let place: &[&str] = if finds { &["face", "left", "top", "width", "height", "score"] } else { &[] };
    let fixed = ["path"].iter().chain(place).chain(&["prediction", "confidence"]).copied();
    csv.write_record(fixed.chain(classes.iter().map(String::as_str)))?;
    for row in rows {
        let mut record = vec![tidy(&row.path)];
        if let Some(f) = row.found.as_ref().filter(|_| finds) {
            let b = &f.bounds;
            record.push(f.number.to_string());
            record.extend([b.left, b.top, b.width(), b.height()].map(|v| format!("{v:.2}")));
            record.push(format!("{:.6}", f.score));
        }
        record.extend([classes[row.class].clone(), row.probabilities[row.class].to_string()]);
        record.extend(row.probabilities.iter().map(ToString::to_string));
        csv.write_record(record)?;
    }
    csv.into_inner().context("cannot write the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_without_doubled_slashes() {
        let row = Row { path: "photos//sad/./1.png".into(), found: None, probabilities: vec![1.0], class: 0 };
        let classes = ["sad".to_owned()];
        assert!(line(&row, &classes).starts_with("photos/sad/1.png  sad"));
        let table = String::from_utf8(table(&[row], &classes, false).unwrap()).unwrap();
        assert!(table.contains("\nphotos/sad/1.png,sad"), "{table}");
    }
}
