//! Tables of annotations: CSV as rows of text.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_base::digest;

use super::read_file;
use ferrotype_data::text_table::{decode, delimiter, utf16};

/// A table.
pub(super) struct Sheet {
    /// Cells as text without surrounding spaces, the header first. Rows may differ in length.
    pub rows: Vec<Vec<String>>,
    /// The file and its sha256.
    pub file: (String, String),
}

/// Reads a table.
///
/// # Errors
/// When it cannot be read, is damaged or empty.
pub(super) fn read(path: &Path) -> Result<Sheet> {
    let shown = path.display();
    let bytes = read_file(path)?;
    // xlsx and ods files are zip archives.
    ensure!(
        !bytes.starts_with(b"PK"),
        "{shown} is a spreadsheet, not CSV: save its first sheet as CSV, in a spreadsheet program or by `soffice --headless \
         --convert-to csv FILE`"
    );
    let rows = csv(&bytes).with_context(|| format!("{shown} cannot be read as a table"))?;
    ensure!(rows.len() > 1, "{shown} has no rows below its header");
    Ok(Sheet { rows, file: (shown.to_string(), digest::sha256(&bytes)) })
}

fn csv(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    ensure!(utf16(bytes).is_some() || !bytes.contains(&0), "it is no CSV file");
    let text = decode(bytes);
    let delimiter = delimiter(text.as_bytes());
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let row = |record: ::csv::Result<::csv::StringRecord>| -> Result<Vec<String>> {
        Ok(record?.iter().map(|cell| cell.trim().to_owned()).collect())
    };
    reader.records().map(row).collect()
}
