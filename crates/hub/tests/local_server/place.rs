//! A cache of its own with an entry of its own.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrotype_base::digest::sha256;
use ferrotype_hub::{Accept, Entry, Error, Event, Hub, Options, Timeouts};

/// The model of the tests.
pub const NAME: &str = "small";

pub struct Place {
    pub folder: tempfile::TempDir,
}

/// 100,000 bytes that never repeat within a file of that length.
pub fn bytes() -> Vec<u8> {
    (0..50_000u16).flat_map(|i| i.wrapping_mul(40_503).to_le_bytes()).collect()
}

pub fn entry(sources: &[&str]) -> Entry {
    let bytes = bytes();
    let list: String = sources.iter().map(|s| format!("  - {s}\n")).collect();
    let sources = if sources.is_empty() { "sources: []\n".to_owned() } else { format!("sources:\n{list}") };
    let text = format!(
        "name: {NAME}\nkind: detector\nwhat: w\nfile: small.onnx\nsize: {}\nsha256: \"{}\"\n{sources}tried: false\norigin: o\n\
         licence: MIT\nterms: t\ncommercial: allowed\ncitation: c\ninput: i\noutput: o\nknown_answer: k\n",
        bytes.len(),
        sha256(&bytes)
    );
    Entry::from_yaml("small.yaml", &text).unwrap()
}

impl Place {
    pub fn new(sources: &[&str]) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write(&entry(sources));
        place
    }

    /// A place whose model is at `/small.onnx` of a server.
    pub fn of(url: &str) -> Self {
        Self::new(&[&format!("{url}/small.onnx")])
    }

    pub fn write(&self, entry: &Entry) {
        let folder = self.home().join("entries");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.yaml", entry.name)), entry.to_yaml()).unwrap();
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn options(&self) -> Options {
        let mut options = Options::at(self.home());
        options.pause = Duration::from_millis(5);
        options.timeouts = Timeouts {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(5),
            whole: Duration::from_secs(60),
        };
        options
    }

    pub fn hub(&self) -> Hub {
        Hub::with_options(self.options()).unwrap()
    }

    pub fn file(&self) -> PathBuf {
        self.home().join("models").join(NAME).join(&entry(&[]).sha256[..16]).join("small.onnx")
    }

    pub fn part(&self) -> PathBuf {
        self.file().with_file_name("small.onnx.part")
    }

    /// Puts bytes where an earlier try would have left them.
    pub fn leave(&self, bytes: &[u8]) {
        fs::create_dir_all(self.part().parent().unwrap()).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    /// Nothing is there that could be taken for the model.
    pub fn assert_no_file(&self) {
        assert!(!self.file().exists());
    }
}

/// What was told, a line per event; bytes only as their number at the end.
pub fn pull(hub: &Hub) -> (Result<PathBuf, Error>, Vec<String>) {
    pull_with(hub, &Accept::Remembered)
}

pub fn pull_with(hub: &Hub, accept: &Accept<'_>) -> (Result<PathBuf, Error>, Vec<String>) {
    let mut lines: Vec<String> = Vec::new();
    let result = hub.pull(NAME, accept, &mut |event: &Event<'_>| {
        let line = match event {
            Event::Begin { entry } => format!("begin {}", entry.licence),
            Event::Source { from, .. } => format!("source from {from}"),
            Event::Retry { reason, .. } => format!("retry {reason}"),
            Event::NextSource { reason } => format!("next {reason}"),
            Event::Bytes { done, total } => format!("bytes {done} of {total}"),
            Event::Damaged { .. } => "damaged".into(),
            Event::Waiting => "waiting".into(),
            _ => "done".into(),
        };
        let word = |l: &str| l.split(' ').next().map(str::to_owned);
        if lines.last().is_some_and(|l| word(l) == word(&line)) {
            lines.pop();
        }
        lines.push(line);
        ControlFlow::Continue(())
    });
    (result, lines)
}
