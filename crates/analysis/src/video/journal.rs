//! The journal: a line that says of what it is, then one for each frame that was looked at.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_run::files::explain;

use crate::record::FrameRecord;

/// Its name in the folder of the analysis: hidden, for it goes when the files are there.
const NAME: &str = ".frames.jsonl";

/// A journal that is complete.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Calls `f` with each frame in order.
    ///
    /// # Errors
    /// When a line cannot be read, and those of `f`.
    pub fn each(&self, mut f: impl FnMut(FrameRecord) -> Result<()>) -> Result<()> {
        let file = File::open(&self.path).map_err(|e| explain(&self.path, &e))?;
        for line in BufReader::new(file).lines().skip(1) {
            let line = line.map_err(|e| explain(&self.path, &e))?;
            f(serde_json::from_str(&line).with_context(|| format!("{} is damaged", self.path.display()))?)?;
        }
        Ok(())
    }

    /// Removes it.
    pub fn remove(self) {
        // One that stays is only looked at by a command with the same video, parts and options.
        let _ = fs::remove_file(&self.path);
    }
}

/// A journal that is being written.
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Writer {
    /// A new one. `digest` says of what it is.
    pub fn begin(folder: &Path, digest: &str) -> Result<Self> {
        let path = folder.join(NAME);
        let file = File::create(&path).map_err(|e| explain(&path, &e))?;
        let mut writer = Self { path, file: BufWriter::new(file) };
        writer.line(digest)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Goes on with one of the same digest, whose frames are handed to `replay`; else a new one. A line that was cut off is
    /// dropped.
    pub fn resume(folder: &Path, digest: &str, replay: &mut dyn FnMut(&FrameRecord)) -> Result<Self> {
        let path = folder.join(NAME);
        let Ok(file) = File::open(&path) else { return Self::begin(folder, digest) };
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        let mut whole = match reader.read_line(&mut line) {
            Ok(n) if line.strip_suffix('\n') == Some(digest) => n as u64,
            _ => return Self::begin(folder, digest),
        };
        loop {
            line.clear();
            let Ok(n) = reader.read_line(&mut line) else { break };
            let Some(record) = line.strip_suffix('\n').and_then(|text| serde_json::from_str(text).ok()) else { break };
            replay(&record);
            whole += n as u64;
        }
        let open = || -> std::io::Result<File> {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(whole)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(|e| explain(&path, &e))?;
        Ok(Self { path, file: BufWriter::new(file) })
    }

    pub fn push(&mut self, record: &FrameRecord) -> Result<()> {
        let text = serde_json::to_string(record)?;
        self.line(&text)
    }

    fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.file, "{text}").map_err(|e| explain(&self.path, &e))
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|e| explain(&self.path, &e))
    }

    pub fn finish(mut self) -> Result<Journal> {
        self.flush()?;
        Ok(Journal { path: self.path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(frame: u64) -> FrameRecord {
        FrameRecord { frame, time: frame as f64 / 25.0, picture: None, error: None, faces: Vec::new() }
    }

    #[test]
    fn a_journal_goes_on_where_it_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::begin(folder.path(), "a").unwrap();
        (0..3).for_each(|i| writer.push(&record(i)).unwrap());
        writer.flush().unwrap();
        drop(writer);
        let path = folder.path().join(NAME);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut seen = Vec::new();
        let mut writer = Writer::resume(folder.path(), "a", &mut |r| seen.push(r.frame)).unwrap();
        assert_eq!(seen, [0, 1]);
        writer.push(&record(2)).unwrap();
        let journal = writer.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), text);
        let mut all = Vec::new();
        journal
            .each(|r| {
                all.push(r);
                Ok(())
            })
            .unwrap();
        assert_eq!(all, [record(0), record(1), record(2)]);
        // Another video, or other parts: it begins anew.
        let mut seen = 0;
        Writer::resume(folder.path(), "b", &mut |_| seen += 1).unwrap();
        assert_eq!((seen, fs::read_to_string(&path).unwrap().as_str()), (0, "b\n"));
    }
}
