//! The folder of a published run: the only way into it, which keeps to itself where things lie on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use crate::RunFolder;
use crate::files::{explain, write_atomic};

/// A folder that others will see. Paths of this machine in what is written to it lose all but their last part.
pub struct PublicFolder {
    path: PathBuf,
    here: Option<String>,
    /// What was written, in the folders within it, too.
    written: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl PublicFolder {
    /// Makes the folder where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(&path).map_err(|e| explain(&path, &e))?;
        let here = std::env::current_dir().ok().map(|p| p.to_string_lossy().into_owned());
        Ok(Self { path, here: here.filter(|p| p.len() > 1), written: Arc::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn inner(&self, name: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { written: self.written.clone(), ..Self::create(self.path.join(name))? })
    }

    /// Whether a file at this path was written through this folder, one around it or one in it.
    pub fn has_written(&self, path: &Path) -> bool {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    /// A text as others may see it.
    pub fn shown(&self, text: &str) -> String {
        without_local_paths(text, self.here.as_deref())
    }

    /// Writes a file of text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, text: &str) -> Result<()> {
        let path = self.path.join(name);
        write_atomic(&path, self.shown(text).as_bytes())?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        Ok(())
    }

    /// Copies those of a run's files that there are.
    ///
    /// # Errors
    /// When one cannot be read or written.
    pub fn copy(&self, files: &[PathBuf], run: &RunFolder) -> Result<()> {
        for path in files {
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                self.write(name, &run.read(path)?)?;
            }
        }
        Ok(())
    }
}

/// Absolute paths (of Unix and of Windows, with two parts at least) become relative to `here`, or `.../` and their last
/// part: they name people and say nothing to others.
fn without_local_paths(text: &str, here: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let length = if is_boundary(before) { path_length(rest, before) } else { 0 };
        if length > 0 {
            out.push_str(&shown(&rest[..length], here));
        } else {
            out.push(c);
        }
        let used = length.max(c.len_utf8());
        before = rest[..used].chars().next_back();
        rest = &rest[used..];
    }
    out
}

/// Whether a path may begin after this character.
fn is_boundary(before: Option<char>) -> bool {
    before.is_none_or(|c| c.is_whitespace() || "\"'`=([{,;:|".contains(c))
}

/// The bytes of the absolute path at the start of `text`; 0 where there is none. After a quote it reaches to that quote,
/// spaces and all.
fn path_length(text: &str, before: Option<char>) -> usize {
    let drive = text.get(..2).is_some_and(|d| d.as_bytes()[0].is_ascii_alphabetic() && d.as_bytes()[1] == b':');
    let root = if drive { &text[2..] } else { text };
    let separators: &[char] = if drive { &['/', '\\'] } else { &['/'] };
    if !root.starts_with(separators) {
        return 0;
    }
    let ends = |c: char| match before {
        // A string within a string has its quotes behind backslashes.
        Some('"') => c == '"' || c == '\n' || (c == '\\' && !drive),
        Some('\'') => c == '\'' || c == '\n',
        _ => c.is_whitespace() || "\"'`()[]{},;|<>".contains(c) || (c == '\\' && !drive),
    };
    let end = root.find(ends).unwrap_or(root.len());
    let path = root[..end].trim_end_matches(['.', ':', '\\']);
    let parts = path.split(separators).filter(|part| !part.is_empty()).count();
    // `//` begins the rest of an address, not a path.
    if parts < 2 || path.starts_with("//") { 0 } else { path.len() + if drive { 2 } else { 0 } }
}

fn shown(path: &str, here: Option<&str>) -> String {
    if let Some(below) = here.and_then(|here| path.strip_prefix(here)) {
        match below.strip_prefix(['/', '\\']) {
            Some(below) => return below.to_owned(),
            None if below.is_empty() => return ".".to_owned(),
            None => {}
        }
    }
    let last = path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    format!(".../{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_what_was_written_in_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = PublicFolder::create(place.path().join("x")).unwrap();
        let inner = folder.inner("seed-0").unwrap();
        inner.write("a.json", "{}").unwrap();
        assert!(folder.has_written(&place.path().join("x/seed-0/a.json")));
        assert!(!inner.has_written(&place.path().join("x/a.json")));
    }

    #[test]
    fn paths_of_this_machine_are_hidden_and_nothing_else_changes() {
        let of = |text: &str| without_local_paths(text, Some("/home/ann/fer"));
        let cases = [
            ("path: /home/ann/fer/data/a.h5\n", "path: data/a.h5\n"),
            ("path: /home/ann/ferplus/a.h5\n", "path: .../a.h5\n"),
            ("cd /home/ann/fer and", "cd . and"),
            (r#"{"root":"/data/my pictures/jaffe"}"#, r#"{"root":".../jaffe"}"#),
            (
                r#""note: from {\"root\":\"/mnt/data/megc2019\"}; (/srv/ann/megc2019)""#,
                r#""note: from {\"root\":\".../megc2019\"}; (.../megc2019)""#,
            ),
            (r#""C:\\Users\\ann\\it.h5""#, r#"".../it.h5""#),
            (r"train --config=C:\Users\ann\it.yaml", "train --config=.../it.yaml"),
            ("--set data.path=/tmp/x/it.h5,", "--set data.path=.../it.h5,"),
            ("see /mnt/sets/it.h5: not there.", "see .../it.h5: not there."),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text), expected, "{text}");
        }
        for same in [
            "https://example.org/a/b",
            "seconds: 1/2 /3 a/b/c ./d/e ../f/g",
            "kind: image/png; / ; //",
            "<td>1</td></tr>",
            "C: yes",
            "größer / kleiner",
        ] {
            assert_eq!(of(same), same);
        }
        assert_eq!(without_local_paths("/a/b", None), ".../b");
    }
}
