//! The folder of models: where a file stands, whether it is the one that its entry names, one process at a time.
//!
//! ```text
//! entries/NAME.yaml                 entries of the user
//! models/NAME/PREFIX/FILE           a model; PREFIX are the first 16 digits of its sha256
//! models/NAME/PREFIX/FILE.part      what has come of one
//! locks/NAME.lock                   held by the process that loads it
//! accepted/NAME.json                when which licence was accepted
//! ```
//!
//! A file has its name only after its sha256 was computed from the disk and found right. It is computed again by every process
//! (strictly: by every [`Cache`], and whenever size or time of the file have changed) before a path is given out. No record
//! of an earlier check is believed: who can change the file could change the record, and 14 MB take about 0.03 s.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use ferrotype_base::digest::sha256_file;
use ferrotype_base::files::{explain, write_atomic};

use super::{Acceptance, Entry, Error, ErrorKind, Result};

/// How often a process that waits looks again.
const LOOK: Duration = Duration::from_millis(50);

/// The folder, and which of its files this process has checked.
#[derive(Debug)]
pub(crate) struct Cache {
    home: PathBuf,
    checked: Mutex<HashMap<PathBuf, Stamp>>,
}

/// What changes with a file's content, unless somebody hides it.
type Stamp = (u64, Option<SystemTime>);

/// What stands in the place of a model's file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Absent,
    Good(PathBuf),
    /// Something else, and how it differs.
    Damaged(PathBuf, String),
}

/// The right to change a model's files. It goes with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Cache {
    pub(crate) fn new(home: PathBuf) -> Self {
        Self { home, checked: Mutex::default() }
    }

    /// Where the user's own entries are.
    pub(crate) fn entries(&self) -> PathBuf {
        self.home.join("entries")
    }

    /// Where the model's file is, or will be.
    pub(crate) fn file(&self, entry: &Entry) -> PathBuf {
        self.folder(&entry.name).join(entry.prefix()).join(&entry.file)
    }

    /// Where what has come of it is.
    pub(crate) fn part(&self, entry: &Entry) -> PathBuf {
        self.file(entry).with_file_name(format!("{}.part", entry.file))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.home.join("models").join(name)
    }

    /// What is there, by its size alone.
    pub(crate) fn look(&self, entry: &Entry) -> Result<Found> {
        let path = self.file(entry);
        let data = match fs::metadata(&path) {
            Ok(data) => data,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Found::Absent);
            }
            Err(e) => return Err(unreadable(&path, &e)),
        };
        if !data.is_file() {
            return Ok(Found::Damaged(path, "it is no file".into()));
        }
        if data.len() != entry.size {
            let why = format!("it has {} bytes instead of {}", data.len(), entry.size);
            return Ok(Found::Damaged(path, why));
        }
        Ok(Found::Good(path))
    }

    /// What is there, by its content unless this process has read it already.
    pub(crate) fn check(&self, entry: &Entry) -> Result<Found> {
        let Found::Good(path) = self.look(entry)? else { return self.look(entry) };
        let stamp = stamp(&path)?;
        if self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&path) == Some(&stamp) {
            return Ok(Found::Good(path));
        }
        self.read(entry, path, stamp)
    }

    /// What is there, by its content.
    pub(crate) fn check_again(&self, entry: &Entry) -> Result<Found> {
        match self.look(entry)? {
            Found::Good(path) => {
                let stamp = stamp(&path)?;
                self.read(entry, path, stamp)
            }
            other => Ok(other),
        }
    }

    fn read(&self, entry: &Entry, path: PathBuf, stamp: Stamp) -> Result<Found> {
        let found = digest(&path)?;
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if found == entry.sha256 {
            checked.insert(path.clone(), stamp);
            Ok(Found::Good(path))
        } else {
            checked.remove(&path);
            Ok(Found::Damaged(path, format!("its sha256 is {found} instead of {}", entry.sha256)))
        }
    }

    /// Waits for the right to change a model's files; `waiting` is asked again and again whether to go on.
    pub(crate) fn lock(&self, name: &str, waiting: &mut dyn FnMut() -> ControlFlow<()>) -> Result<Lock> {
        let folder = self.home.join("locks");
        self.make_folder(&folder)?;
        let path = folder.join(format!("{name}.lock"));
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|e| self.unwritable(&path, &e))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) if waiting().is_break() => return Err(interrupted(name)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
                Err(TryLockError::Error(e)) => return Err(self.unwritable(&path, &e)),
            }
        }
    }

    /// Makes the folder in which a model's file will stand.
    pub(crate) fn prepare(&self, entry: &Entry) -> Result<()> {
        self.make_folder(&self.folder(&entry.name).join(entry.prefix()))
    }

    fn make_folder(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(|e| self.unwritable(folder, &e))
    }

    /// Puts a file that the program has in it in the model's place.
    pub(crate) fn unpack(&self, entry: &Entry, bytes: &[u8]) -> Result<PathBuf> {
        let part = self.part(entry);
        fs::write(&part, bytes).map_err(|e| self.unwritable(&part, &e))?;
        self.finish(entry, &part, "this program")
    }

    /// Gives a file beside it the model's name if its bytes on the disk are the model's; takes it away otherwise.
    ///
    /// # Errors
    /// `Size` or `Hash` when they are not, `Disk`.
    pub(crate) fn finish(&self, entry: &Entry, part: &Path, from: &str) -> Result<PathBuf> {
        let fail = |e: &io::Error| self.unwritable(part, e);
        let file = OpenOptions::new().read(true).write(true).open(part).map_err(|e| fail(&e))?;
        let wrong = match file.metadata().map_err(|e| fail(&e))?.len() {
            size if size != entry.size => {
                Some((ErrorKind::Size, format!("has {size} bytes instead of {}", entry.size)))
            }
            _ => {
                let found = digest(part)?;
                let is_right = found == entry.sha256;
                (!is_right).then(|| (ErrorKind::Hash, format!("has the sha256 {found} instead of {}", entry.sha256)))
            }
        };
        if let Some((kind, how)) = wrong {
            drop(file);
            // The error to report is the content's.
            let _ = fs::remove_file(part);
            return Err(Error::new(
                kind,
                format!("what {from} gives as `{}` {how}: it is another file, and was not kept", entry.name),
            ));
        }
        file.sync_all().map_err(|e| fail(&e))?;
        drop(file);
        let path = self.file(entry);
        fs::rename(part, &path).map_err(|e| self.unwritable(&path, &e))?;
        // The rename itself survives a power failure where folders can be synchronised.
        if let Some(folder) = path.parent().and_then(|f| File::open(f).ok()).filter(|_| cfg!(unix)) {
            let _ = folder.sync_all();
        }
        let stamp = stamp(&path)?;
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), stamp);
        Ok(path)
    }

    /// Whether any file of a model is there, of earlier entries too.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.folder(name).is_dir()
    }

    /// Removes all files of a model, of earlier entries too, and says how many bytes they had.
    pub(crate) fn remove(&self, name: &str) -> Result<u64> {
        let folder = self.folder(name);
        let bytes = bytes_below(&folder);
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(bytes),
            Err(e) => Err(self.unwritable(&folder, &e)),
        }
    }

    /// What was accepted of a model, if that is what its entry says today.
    pub(crate) fn accepted(&self, entry: &Entry) -> Option<Acceptance> {
        let text = fs::read(self.acceptance(&entry.name)).ok()?;
        serde_json::from_slice::<Acceptance>(&text).ok().filter(|a| a.covers(entry))
    }

    /// Remembers that it was accepted.
    pub(crate) fn accept(&self, entry: &Entry) -> Result<()> {
        let path = self.acceptance(&entry.name);
        self.make_folder(&self.home.join("accepted"))?;
        let text = serde_json::to_string_pretty(&Acceptance::now(entry)).unwrap_or_default();
        write_atomic(&path, format!("{text}\n").as_bytes()).map_err(|e| self.disk(&e))
    }

    fn acceptance(&self, name: &str) -> PathBuf {
        self.home.join("accepted").join(format!("{name}.json"))
    }

    /// The error of a write.
    pub(crate) fn unwritable(&self, path: &Path, e: &io::Error) -> Error {
        self.disk(&explain(path, e))
    }

    fn disk(&self, e: &anyhow::Error) -> Error {
        let home = self.home.display();
        Error::new(ErrorKind::Disk, format!("{e}. Models are kept in {home}; FERROTYPE_HOME names another folder"))
    }
}

/// The sha256 of a file.
pub(crate) fn digest(path: &Path) -> Result<String> {
    sha256_file(path).map_err(|e| unreadable(path, &e))
}

pub(crate) fn unreadable(path: &Path, e: &io::Error) -> Error {
    Error::new(ErrorKind::Disk, format!("cannot read {}: {e}", path.display()))
}

pub(crate) fn interrupted(name: &str) -> Error {
    Error::new(ErrorKind::Interrupted, format!("interrupted; what has come of `{name}` is kept and not loaded again"))
}

fn stamp(path: &Path) -> Result<Stamp> {
    let data = fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    Ok((data.len(), data.modified().ok()))
}

/// Bytes of the files below a folder; what cannot be read counts nothing.
fn bytes_below(folder: &Path) -> u64 {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    items
        .map(|item| match item.file_type() {
            Ok(t) if t.is_dir() => bytes_below(&item.path()),
            Ok(_) => item.metadata().map_or(0, |d| d.len()),
            Err(_) => 0,
        })
        .sum()
}
