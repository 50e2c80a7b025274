//! Writes shards one after another, with constant memory, so that finished ones outlive a kill.
//!
//! A shard is finished when its journal is there: `TAG-00012.json` beside `TAG-00012.raw`, with what is known of its pictures. The tag
//! is a hash of all that the pictures are made from, so another call finds only shards that it would write itself; it
//! verifies their sha256 and goes on behind the last. Once the prepared file is written, the journals are removed.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::digest;
use ferrotype_run::files::{explain, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Place, Shard, ShardList, Shards, folder_of, space};
use crate::options::PictureStorage;

/// Digits of a tag.
pub(super) const TAG: usize = 16;
/// Changes when shards are written differently: those of an older program are not taken up then.
const VERSION: &str = "1";

/// What the prepared file says of a stored picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub length: u32,
    pub crc32: u32,
    pub fingerprint: [u8; 32],
}

/// What was done to a picture before it was stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The sha256 of its file.
    pub digest: [u8; 32],
    pub resized: bool,
    pub cut: bool,
    /// It is not grey.
    pub coloured: bool,
    /// It was encoded anew.
    pub encoded: bool,
}

/// What is known of a finished shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Journal {
    /// Height, width and channels of the pictures.
    shape: [usize; 3],
    sha256: String,
    bytes: u64,
    /// The first item that is neither in it nor before it.
    until: usize,
    rows: Vec<(usize, Entry, Done)>,
    /// Items that could not be used, with the reason.
    bad: Vec<(usize, String)>,
}

/// The shard that is being written.
struct Current {
    file: BufWriter<File>,
    digest: Sha256,
    journal: Journal,
}

/// Writes shards.
pub(crate) struct Writer {
    folder: PathBuf,
    tag: String,
    storage: PictureStorage,
    limit: u64,
    whole: Sha256,
    finished: Vec<Journal>,
    current: Option<Current>,
    /// Items that could not be used since the last shard was finished.
    bad: Vec<(usize, String)>,
    is_space_checked: bool,
}

/// All shards of a set.
pub(crate) struct Finished {
    pub shards: Shards,
    /// Height, width and channels of the pictures.
    pub shape: [usize; 3],
    /// The item that each row is, and what was done to it.
    pub rows: Vec<(usize, Done)>,
    /// Items that could not be used, with the reason.
    pub bad: Vec<(usize, String)>,
}

impl Writer {
    /// Begins, or goes on behind the finished shards of an earlier call. `made_of` says all that the pictures are made from;
    /// `pixels` is about how many bytes their pixels have.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(place: Place, made_of: &str, pixels: u64) -> Result<Self> {
        let folder = folder_of(place.out);
        fs::create_dir_all(&folder).map_err(|e| explain(&folder, &e))?;
        let limit = place.options.shard_bytes(pixels);
        let mut tag = digest::sha256(format!("{VERSION}\n{limit}\n{made_of}"));
        tag.truncate(TAG);
        let mut writer = Self {
            folder,
            tag,
            storage: place.options.pictures,
            limit,
            whole: Sha256::new(),
            finished: Vec::new(),
            current: None,
            bad: Vec::new(),
            is_space_checked: false,
        };
        while let Some(journal) = writer.take_up() {
            writer.finished.push(journal);
        }
        Ok(writer)
    }

    /// The first item that is not stored yet.
    pub fn done(&self) -> usize {
        self.finished.last().map_or(0, |journal| journal.until)
    }

    /// The item of the first row, with its height, width and channels.
    pub fn first(&self) -> Option<(usize, [usize; 3])> {
        let journal = self.finished.first().or(self.current.as_ref().map(|current| &current.journal))?;
        Some((journal.rows.first()?.0, journal.shape))
    }

    /// Stores a picture, which becomes the next row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, item: usize, shape: [usize; 3], bytes: &[u8], entry: Entry, done: Done) -> Result<()> {
        let path = self.path(self.finished.len(), &self.part());
        let current = match &mut self.current {
            Some(current) => current,
            None => self.current.insert(Current {
                file: BufWriter::new(File::create(&path).map_err(|e| explain(&path, &e))?),
                digest: Sha256::new(),
                journal: Journal {
                    shape,
                    sha256: String::new(),
                    bytes: 0,
                    until: 0,
                    rows: Vec::new(),
                    bad: std::mem::take(&mut self.bad),
                },
            }),
        };
        current.file.write_all(bytes).map_err(|e| explain(&path, &e))?;
        current.digest.update(bytes);
        self.whole.update(bytes);
        current.journal.rows.push((item, entry, done));
        current.journal.bytes += bytes.len() as u64;
        current.journal.until = item + 1;
        if current.journal.bytes >= self.limit {
            self.close()?;
        }
        Ok(())
    }

    /// Notes an item that cannot be used.
    pub fn skip(&mut self, item: usize, reason: String) {
        self.bad.push((item, reason));
    }

    /// Refuses to go on where the disk has no room for the rest of `items`, judged by those stored by this call; asked once.
    ///
    /// # Errors
    /// Says what is needed.
    pub fn check_space(&mut self, items: usize) -> Result<()> {
        let first = self.done();
        let Some(current) = self.current.as_ref().filter(|_| !self.is_space_checked) else { return Ok(()) };
        self.is_space_checked = true;
        let seen = (current.journal.until - first).max(1) as f64;
        let left = items.saturating_sub(current.journal.until) as f64;
        let needed = current.journal.bytes as f64 / seen * left;
        space::check_room(needed as u64, &self.folder, space::LESS_FOR_PICTURES)
    }

    /// Closes the last shard.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<Finished> {
        if self.current.is_some() {
            self.close()?;
        }
        let mut list =
            ShardList { storage: self.storage, sha256: digest::hex(&self.whole.finalize()), ..ShardList::default() };
        let shape = self.finished.last().map_or([0; 3], |journal| journal.shape);
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        for (number, journal) in self.finished.into_iter().enumerate() {
            let name = name(&self.tag, number, self.storage.as_str());
            list.shards.push(Shard { name, sha256: journal.sha256, rows: journal.rows.len() as u32 });
            for (item, entry, done) in journal.rows {
                list.lengths.push(entry.length);
                list.checks.push(entry.crc32);
                list.fingerprints.push(entry.fingerprint);
                rows.push((item, done));
            }
            bad.extend(journal.bad);
        }
        bad.extend(self.bad);
        Ok(Finished { shards: Shards::open(self.folder, list)?, shape, rows, bad })
    }

    /// Removes what was written: it is not what was wanted.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn discard(self) -> Result<()> {
        drop(self.current);
        let endings = [self.storage.as_str().to_owned(), format!("{}.part", self.storage.as_str()), "json".into()];
        for number in 0..=self.finished.len() {
            for ending in &endings {
                let path = self.folder.join(name(&self.tag, number, ending));
                if path.exists() {
                    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
        }
        Ok(())
    }

    /// The next shard, where an earlier call finished it and it is still what was written.
    fn take_up(&mut self) -> Option<Journal> {
        let number = self.finished.len();
        let text = fs::read(self.path(number, "json")).ok()?;
        let journal: Journal = serde_json::from_slice(&text).ok()?;
        let (mut whole, mut own) = (self.whole.clone(), Sha256::new());
        let read = pieces(&self.path(number, self.storage.as_str()), |piece| {
            whole.update(piece);
            own.update(piece);
        });
        if read.ok()? != journal.bytes || digest::hex(&own.finalize()) != journal.sha256 {
            return None;
        }
        self.whole = whole;
        Some(journal)
    }

    /// Makes the current shard a finished one.
    fn close(&mut self) -> Result<()> {
        let Some(Current { file, digest, mut journal }) = self.current.take() else { return Ok(()) };
        let number = self.finished.len();
        let (part, path) = (self.path(number, &self.part()), self.path(number, self.storage.as_str()));
        let file = file.into_inner().map_err(|e| explain(&part, e.error()))?;
        file.sync_all().map_err(|e| explain(&part, &e))?;
        drop(file);
        fs::rename(&part, &path).map_err(|e| explain(&path, &e))?;
        journal.sha256 = digest::hex(&digest.finalize());
        journal.bad.append(&mut self.bad);
        let behind_bad = journal.bad.last().map_or(0, |(item, _)| item + 1);
        journal.until = journal.until.max(behind_bad);
        write_atomic(self.path(number, "json"), &serde_json::to_vec(&journal)?)?;
        self.finished.push(journal);
        Ok(())
    }

    fn part(&self) -> String {
        format!("{}.part", self.storage.as_str())
    }

    fn path(&self, number: usize, ending: &str) -> PathBuf {
        self.folder.join(name(&self.tag, number, ending))
    }
}

fn name(tag: &str, number: usize, ending: &str) -> String {
    format!("{tag}-{number:05}.{ending}")
}

/// Hands out a file piece by piece; gives its length.
pub(super) fn pieces(path: &Path, mut take: impl FnMut(&[u8])) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    let (mut piece, mut length) = (vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(length),
            read => {
                take(&piece[..read]);
                length += read as u64;
            }
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("folder", &self.folder).field("tag", &self.tag).finish_non_exhaustive()
    }
}
