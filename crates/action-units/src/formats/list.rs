//! Lists of predictors: `AU_all_best.txt` and `AU_all_static.txt`.

use anyhow::{Context, Result, bail, ensure};

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The predictor's file, below the list's folder, with `/` between folder and name.
    pub file: String,
    /// The number of the action unit: 1 for `AU01`.
    pub unit: u8,
    /// Whether it is a regression of the intensity (`svr_combined`) or a machine that tells presence (`svm_combined`).
    pub is_intensity: bool,
}

/// Reads a list: a file and an action unit such as `AU01` per line. Lines that begin with `#` and empty ones do not count.
///
/// # Errors
/// When a line has another form (it is named), leaves the folder, or repeats an action unit, and when there is none.
pub fn parse_list(bytes: &[u8]) -> Result<Vec<Entry>> {
    let text = std::str::from_utf8(bytes).ok().context("it is no text")?;
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = parse_line(line).with_context(|| format!("line {}", number + 1))?;
        ensure!(
            entries.iter().all(|e| (e.unit, e.is_intensity) != (entry.unit, entry.is_intensity)),
            "line {}: AU{:02} has a predictor of that kind already",
            number + 1,
            entry.unit
        );
        entries.push(entry);
    }
    ensure!(!entries.is_empty(), "it names no predictor: lines such as `svr_combined/NAME.dat AU01` are expected");
    Ok(entries)
}

fn parse_line(line: &str) -> Result<Entry> {
    let shown: String = line.chars().take(80).collect();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [file, unit] = words[..] else { bail!("`{shown}` is not a file and an action unit") };
    let unit = unit.strip_prefix("AU").and_then(|digits| digits.parse().ok());
    let unit = unit.filter(|&u| u > 0).with_context(|| format!("`{shown}` ends with no action unit such as AU01"))?;
    let file = file.replace('\\', "/");
    let is_intensity = match file.split_once('/') {
        Some(("svr_combined", _)) => true,
        Some(("svm_combined", _)) => false,
        _ => bail!("`{shown}`: the file is neither in svr_combined nor in svm_combined"),
    };
    ensure!(!file.split('/').any(|part| part == ".." || part.is_empty()), "`{shown}` leaves its folder");
    Ok(Entry { file, unit, is_intensity })
}

/// The text of a list.
pub fn format_list(entries: &[Entry]) -> String {
    entries.iter().map(|e| format!("{} AU{:02}\n", e.file, e.unit)).collect()
}
