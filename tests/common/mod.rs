//! What the integration tests share: a place with a small data file, and the binary run in it.

#![allow(dead_code, reason = "each test file is a program of its own and uses its part")]

pub mod schema;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use safetensors::SafeTensors;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A small experiment on synthetic faces: 200 training, 20 validation and 20 test rows, seven batches of which the last
/// is short.
pub const SMALL: &str = "name: small
seed: 3
threads: 2
data:
  path: small.h5
  source: {synthetic: {count: 240, seed: 1, size: 24, identities: 12}}
  split: own
  preprocess: {size: 24, scale: signed}
  augment: {flip: 0.5, shift: 0.1}
  workers: 2
model: tiny_xception
train:
  epochs: 2
  batch_size: 32
  lr: 4e-3
";

/// A small experiment of the system `real_fake`: ten subjects, 120 short clips.
pub const FELT_OR_POSED: &str = "system: real_fake
name: small
seed: 3
threads: 2
data:
  source: {generated: {subjects: 10, seconds: 2, rate: 10}}
method: length
train: {epochs: 2, lr: 1e-3}
";

/// A folder of its own for one test, removed at its end.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// With `small.yaml` in it.
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        // What trains and resumes on the CPU is to do so on other devices: FERROTYPE_TEST_DEVICE=tch cargo test --features tch
        let device = std::env::var("FERROTYPE_TEST_DEVICE").map_or(String::new(), |name| format!("device: {name}\n"));
        place.write("small.yaml", format!("{SMALL}{device}"));
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The binary, to be run in this folder.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferrotype"));
        command.current_dir(self.path()).args(words).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs words separated by spaces, to the end.
    pub fn run(&self, words: &str) -> Ended {
        self.run_words(words.split_whitespace())
    }

    pub fn run_words<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Ended {
        Ended::of(self.command(words).output().unwrap())
    }

    /// Runs what must succeed; gives standard output.
    pub fn ok(&self, words: &str) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, Some(0), "ferrotype {words}\n{}", ended.err);
        ended.out
    }

    /// Runs what must fail as a user may expect it: a code that is not 0, one paragraph that begins with `error:`,
    /// no panic. Gives the paragraph.
    pub fn refused(&self, words: &str) -> String {
        let ended = self.run(words);
        ended.check_refusal(words);
        ended.err
    }

    /// As [`Place::refused`], for words that hold spaces.
    pub fn refused_words<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> String {
        let ended = self.run_words(words);
        ended.check_refusal("with such words");
        ended.err
    }

    /// Trains with `small.yaml` and more words; gives the run's folder.
    pub fn train(&self, out: &str, words: &str) -> PathBuf {
        self.ok(&format!("train --config small.yaml --out {out} -q {words}"));
        self.only(out)
    }

    /// The only folder in a folder.
    pub fn only(&self, folder: &str) -> PathBuf {
        let mut found = entries(&self.at(folder));
        assert_eq!(found.len(), 1, "{found:?}");
        self.at(folder).join(found.remove(0))
    }
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn check_refusal(&self, words: &str) {
        let err = &self.err;
        assert!(self.code.is_some_and(|c| c != 0), "ferrotype {words} ended with {:?}\n{err}", self.code);
        assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "ferrotype {words}\n{err}");
        assert!(err.contains("error: "), "ferrotype {words}\n{err}");
        assert!(!err.trim().contains("\n\n"), "more than one paragraph: ferrotype {words}\n{err}");
    }
}

/// Names in a folder, in order.
pub fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below a folder, relative to it, in order.
pub fn files(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for name in entries(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|f| format!("{name}/{f}")));
        } else {
            all.push(name);
        }
    }
    all
}

/// sha256 of the names, shapes and bytes of all tensors of a checkpoint.
pub fn tensors_sha256(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert!(!names.is_empty());
    let mut hash = Sha256::new();
    for name in names {
        let tensor = file.tensor(name).unwrap();
        hash.update(format!("{name} {:?} {:?}", tensor.dtype(), tensor.shape()));
        hash.update(tensor.data());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Digests of the selected and the last weights (with optimizer and average).
pub fn weights(run: &Path) -> [String; 2] {
    ["best", "last"].map(|name| tensors_sha256(&run.join(format!("checkpoints/{name}.safetensors"))))
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// `metrics.jsonl` without what a clock says.
pub fn history(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let map = event.as_object_mut().unwrap();
        map.remove("seconds");
        map.remove("images_per_second");
        event
    };
    text.lines().map(timeless).collect()
}

/// Everything of a finished run that must not depend on how it came about.
pub fn result(run: &Path) -> (Vec<Value>, [String; 2], String, Vec<u8>, Vec<u8>) {
    (
        history(run),
        weights(run),
        fs::read_to_string(run.join("metrics.json")).unwrap(),
        fs::read(run.join("predictions.csv")).unwrap(),
        fs::read(run.join("checkpoints/best.safetensors")).unwrap(),
    )
}
