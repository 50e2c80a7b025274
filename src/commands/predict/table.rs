//! What is shown and written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pictures::FaceBox;

/// A face with what the network said of it.
pub(super) struct Row {
    pub(super) path: PathBuf,
    pub(super) found: Option<FaceBox>,
    /// Probabilities of the classes; of a model with heads, probabilities and values of all outputs.
    pub(super) values: Vec<f64>,
    /// The predicted class, of a model of classes.
    pub(super) class: usize,
}

/// A path as it is shown and written: `photos//a.png`, as `photos//` on the command line gives it, without the doubled
/// slash.
pub(super) fn tidy(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// The three likeliest classes, for the terminal.
pub(super) fn line(row: &Row, classes: &[String]) -> String {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| row.values[b].total_cmp(&row.values[a]));
    let shown: Vec<String> =
        order.iter().take(3).map(|&c| format!("{} {:.1} %", classes[c], 100.0 * row.values[c])).collect();
    format!("{}{}  {}", tidy(&row.path), place(row), shown.join("  "))
}

/// Where a face was found, for the terminal.
pub(super) fn place(row: &Row) -> String {
    let place = row.found.as_ref().map(|f| {
        let b = &f.bounds;
        format!("  face {} at {:.0},{:.0} of {:.0} x {:.0}", f.number, b.left, b.top, b.width(), b.height())
    });
    place.unwrap_or_default()
}

/// The columns that say which face it is.
pub(super) fn fixed_columns(finds: bool) -> Vec<String> {
    let place: &[&str] = if finds { &["face", "left", "top", "width", "height", "score"] } else { &[] };
    std::iter::once("path").chain(place.iter().copied()).map(str::to_owned).collect()
}

/// Where a face was found, as the cells of [`fixed_columns`] after the path.
pub(super) fn place_cells(row: &Row, finds: bool) -> Vec<String> {
    let Some(f) = row.found.as_ref().filter(|_| finds) else { return Vec::new() };
    let b = &f.bounds;
    let bounds = [b.left, b.top, b.width(), b.height()].map(|v| format!("{v:.2}"));
    std::iter::once(f.number.to_string()).chain(bounds).chain([format!("{:.6}", f.score)]).collect()
}

/// The table: one row per face; where it was found stands in it if faces were looked for.
pub(super) fn table(rows: &[Row], classes: &[String], finds: bool) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let fixed = [fixed_columns(finds), vec!["prediction".into(), "confidence".into()], classes.to_vec()];
    csv.write_record(fixed.concat())?;
    for row in rows {
        let mut record = vec![tidy(&row.path)];
        record.extend(place_cells(row, finds));
        record.extend([classes[row.class].clone(), row.values[row.class].to_string()]);
        record.extend(row.values.iter().map(ToString::to_string));
        csv.write_record(record)?;
    }
    csv.into_inner().context("cannot write the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_without_doubled_slashes() {
        let row = Row { path: "photos//sad/./1.png".into(), found: None, values: vec![1.0], class: 0 };
        let classes = ["sad".to_owned()];
        assert!(line(&row, &classes).starts_with("photos/sad/1.png  sad"));
        let table = String::from_utf8(table(&[row], &classes, false).unwrap()).unwrap();
        assert!(table.contains("\nphotos/sad/1.png,sad"), "{table}");
    }
}
