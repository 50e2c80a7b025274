//! Small text files of labels, of which a dataset has hundreds: read and digested one by one, taken apart line by line, and
//! everything wrong with them told at once.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_base::digest::hex;
use ferrotype_base::lfs;
use sha2::{Digest, Sha256};

use crate::text_table::decode;

/// So many files are named in a message.
const NAMED: usize = 12;

/// The files of labels that were read.
#[derive(Default)]
pub(super) struct LabelFiles {
    digest: Sha256,
    count: usize,
    bad: Vec<String>,
}

impl LabelFiles {
    /// What is in a file; none where it cannot be used, which [`LabelFiles::finish`] tells.
    pub(super) fn take<T>(&mut self, path: &Path, parse: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        match self.text(path).and_then(|text| parse(&text)) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.bad.push(format!("{problem:#}"));
                None
            }
        }
    }

    fn text(&mut self, path: &Path) -> Result<String> {
        let bytes = fs::read(path).map_err(|e| anyhow!("cannot read {}: {e}", path.display()))?;
        lfs::refuse(&bytes).with_context(|| path.display().to_string())?;
        self.digest.update(Sha256::digest(&bytes));
        self.count += 1;
        Ok(decode(&bytes).into_owned())
    }

    /// The files as provenance names them.
    ///
    /// # Errors
    /// Names the files that cannot be used, with the first line of each that is wrong.
    pub(super) fn finish(self) -> Result<(String, String)> {
        let more = self.bad.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        ensure!(
            self.bad.is_empty(),
            "{} files of labels cannot be used:\n  {}{more}",
            self.bad.len(),
            self.bad[..self.bad.len().min(NAMED)].join("\n  ")
        );
        let name = format!("{} files of labels; sha256 of their sha256s in the order of reading", self.count);
        Ok((name, hex(&self.digest.finalize())))
    }
}

/// A line of a file that is not blank.
pub(super) struct Line<'a> {
    path: &'a Path,
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its text.
    pub(super) text: &'a str,
}

/// The lines of a file that are not blank.
pub(super) fn lines<'a>(path: &'a Path, text: &'a str) -> impl Iterator<Item = Line<'a>> {
    let all = text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    all.map(move |(i, text)| Line { path, number: i + 1, text: text.trim() })
}

impl Line<'_> {
    /// Where it stands, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}, line {}", self.path.display(), self.number)
    }

    /// Its cells between commas.
    pub(super) fn cells(&self) -> Vec<&str> {
        self.text.split(',').map(str::trim).collect()
    }

    /// A cell as a finite number.
    ///
    /// # Errors
    /// When it is none; `what` says what it should be.
    pub(super) fn number(&self, cell: &str, what: &str) -> Result<f64> {
        let number = cell.parse::<f64>().ok().filter(|n| n.is_finite());
        number.with_context(|| format!("{}: {what} is \"{cell}\", and a number is expected", self.place()))
    }

    /// A cell as a whole number within a range.
    ///
    /// # Errors
    /// As [`Line::number`], and when it is not whole or outside.
    pub(super) fn whole(&self, cell: &str, what: &str, range: RangeInclusive<i64>) -> Result<i64> {
        let number = self.number(cell, what)?;
        let (low, high) = (*range.start(), *range.end());
        ensure!(
            number.fract() == 0.0 && (low as f64..=high as f64).contains(&number),
            "{}: {what} is {cell}; {low} to {high} is expected",
            self.place()
        );
        Ok(number as i64)
    }
}

/// The largest number of a frame.
pub(super) const MOST_FRAMES: i64 = 100_000_000;

/// Lines `frame,intensity`, an intensity from 0 to 5 each; `missing` is a code that stands for one that is not known.
///
/// # Errors
/// Names the first line that is none, or names a frame a second time.
pub(super) fn intensities(path: &Path, text: &str, missing: Option<i64>) -> Result<BTreeMap<u32, Option<f32>>> {
    let mut values = BTreeMap::new();
    for line in lines(path, text) {
        let [frame, intensity] = line.cells()[..] else {
            bail!("{}: \"{}\"; the number of a frame, a comma and an intensity are expected", line.place(), line.text);
        };
        let frame = line.whole(frame, "the frame", 0..=MOST_FRAMES)? as u32;
        let code = line.number(intensity, "the intensity")?;
        let value = match missing {
            Some(missing) if code == missing as f64 => None,
            _ => Some(line.whole(intensity, "the intensity", 0..=5)? as f32),
        };
        ensure!(values.insert(frame, value).is_none(), "{}: frame {frame} stands there twice", line.place());
    }
    ensure!(!values.is_empty(), "{} is empty", path.display());
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<u32, Option<f32>>> {
        intensities(Path::new("SN001_au1.txt"), text, Some(9))
    }

    #[test]
    fn lines_of_frames_and_intensities() {
        let values = read("1,0\r\n2, 3\n\n4,9\n").unwrap();
        assert_eq!(values.into_iter().collect::<Vec<_>>(), [(1, Some(0.0)), (2, Some(3.0)), (4, None)]);
        let said = |text: &str| read(text).unwrap_err().to_string();
        assert!(said("1,0\n2\n").contains("SN001_au1.txt, line 2: \"2\""));
        assert!(said("1,6\n").contains("line 1: the intensity is 6; 0 to 5 is expected"));
        assert!(said("1,1.5\n").contains("0 to 5"));
        assert!(said("1,x\n").contains("the intensity is \"x\", and a number is expected"));
        assert!(said("-1,0\n").contains("the frame is -1"));
        assert!(said("1,0\n1,2\n").contains("line 2: frame 1 stands there twice"));
        assert!(said(" \n").contains("is empty"));
        let strict = intensities(Path::new("a"), "1,9\n", None);
        assert!(strict.unwrap_err().to_string().contains("0 to 5"));
    }

    #[test]
    fn all_bad_files_are_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = LabelFiles::default();
        for i in 0..14 {
            let path = dir.path().join(format!("{i}.txt"));
            fs::write(&path, if i == 0 { "1,0\n" } else { "oops\n" }).unwrap();
            let read = files.take(&path, |text| intensities(&path, text, None));
            assert_eq!(read.is_some(), i == 0);
        }
        let said = files.finish().unwrap_err().to_string();
        assert!(
            said.contains("13 files of labels") && said.contains("1.txt, line 1") && said.contains("and 1 more"),
            "{said}"
        );
        let mut one = LabelFiles::default();
        one.take(&dir.path().join("0.txt"), |_| Ok(()));
        assert!(one.finish().unwrap().0.starts_with("1 files of labels"));
    }
}
