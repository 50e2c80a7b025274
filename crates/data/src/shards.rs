//! Pictures that stay on the disk: the shards of a prepared file (`docs/data-format.md`).
//!
//! A shard is a file of stored pictures one behind the other, without anything else; the prepared file says how many bytes each
//! has, and their CRC-32. A picture is read by its place when it is needed, so memory does not grow with the set, order costs
//! nothing, and what was read lately is in the system's own cache of files, which gives way when memory is needed.

mod list;
mod packed;
mod place;
mod space;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::digest;
use sha2::{Digest, Sha256};

use crate::Images;
use crate::options::PictureStorage;

pub(crate) use packed::pack;
pub use place::folder_of;
pub(crate) use place::{Place, of_memory, tidy};
pub use space::{available as available_bytes, check_room};
pub(crate) use writer::{Done, Entry, Finished, Writer};

/// A shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// The name of its file in the folder of shards.
    pub name: String,
    /// The sha256 of the file.
    pub sha256: String,
    /// How many pictures it holds.
    pub rows: u32,
}

/// What the prepared file says of its shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardList {
    /// What is kept of each picture.
    pub storage: PictureStorage,
    /// The shards in the order of the rows.
    pub shards: Vec<Shard>,
    /// Bytes of each picture.
    pub lengths: Vec<u32>,
    /// CRC-32 of each picture's bytes.
    pub checks: Vec<u32>,
    /// [Fingerprint](crate::fingerprint) of each picture.
    pub fingerprints: Vec<[u8; 32]>,
    /// sha256 of the bytes of all pictures in row order; of raw pixels the same as that of a set in memory. Empty where it is
    /// not known.
    pub sha256: String,
}

/// The shards of a prepared file, open for reading.
pub struct Shards {
    folder: PathBuf,
    list: ShardList,
    files: Vec<File>,
    /// The first row of each shard.
    firsts: Vec<usize>,
    /// Where each picture begins in its shard.
    starts: Vec<u64>,
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pictures, shards) = (self.len(), self.files.len());
        write!(f, "{pictures} pictures in {shards} shards in {}", self.folder.display())
    }
}

impl PartialEq for Shards {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Shards {
    /// Opens the shards in a folder.
    ///
    /// # Errors
    /// When a file is missing or is not as long as its pictures.
    pub(crate) fn open(folder: PathBuf, list: ShardList) -> Result<Self> {
        let count = list.lengths.len();
        ensure!(
            list.checks.len() == count && list.fingerprints.len() == count,
            "its lists of pictures differ in length: {count} lengths, {} check sums, {} fingerprints",
            list.checks.len(),
            list.fingerprints.len()
        );
        let (mut files, mut firsts, mut starts) = (Vec::new(), Vec::new(), Vec::with_capacity(count));
        for shard in &list.shards {
            let first = starts.len();
            let lengths = list.lengths.get(first..first + shard.rows as usize);
            let lengths = lengths.with_context(|| format!("its shards hold more than its {count} pictures"))?;
            let mut end = 0u64;
            for &length in lengths {
                starts.push(end);
                end += u64::from(length);
            }
            firsts.push(first);
            files.push(open_shard(&folder, shard, end)?);
        }
        ensure!(starts.len() == count, "its shards hold {} pictures, and it has {count}", starts.len());
        Ok(Self { folder, list, files, firsts, starts })
    }

    /// Takes the sha256 of the bytes of all pictures where the list does not say it: all shards are read once.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(crate) fn take_sha256(&mut self) -> Result<()> {
        if self.list.sha256.is_empty() {
            let mut whole = Sha256::new();
            for shard in &self.list.shards {
                let path = self.folder.join(&shard.name);
                writer::pieces(&path, |piece| whole.update(piece))
                    .map_err(|cause| anyhow!("its shard {} cannot be read: {cause}", path.display()))?;
            }
            self.list.sha256 = digest::hex(&whole.finalize());
        }
        Ok(())
    }

    /// What the prepared file says of them.
    pub fn list(&self) -> &ShardList {
        &self.list
    }

    /// The folder that they lie in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.list.lengths.iter().map(|&length| u64::from(length)).sum()
    }

    /// The pixels of a picture, of the height, width and channels of `images`.
    ///
    /// # Errors
    /// When there is no such picture, or it cannot be read, is not what was written, or cannot be decoded.
    pub fn picture(&self, number: usize, images: &Images) -> Result<Vec<u8>> {
        let place = || {
            let name = &self.list.shards[self.shard_of(number)].name;
            format!("picture {number} in {}", self.folder.join(name).display())
        };
        ensure!(number < self.len(), "picture {number} was asked for, but the dataset has {}", self.len());
        let bytes = self.stored(number).map_err(|cause| anyhow!("{}: {cause}", place()))?;
        ensure!(
            crc32fast::hash(&bytes) == self.list.checks[number],
            "{} is damaged: it is not what was written there. Prepare the data again with `ferrotype data prepare`",
            place()
        );
        packed::unpack(bytes, [images.height, images.width, images.channels], self.list.storage).with_context(place)
    }

    /// Tells the system that these pictures will be read soon, so that it fetches them while others are decoded.
    pub fn will_read(&self, numbers: impl Iterator<Item = usize>) {
        numbers.filter(|&number| number < self.len()).for_each(|number| {
            let file = &self.files[self.shard_of(number)];
            fetch(file, self.starts[number], u64::from(self.list.lengths[number]));
        });
    }

    fn shard_of(&self, number: usize) -> usize {
        self.firsts.partition_point(|&first| first <= number) - 1
    }

    fn stored(&self, number: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.list.lengths[number] as usize];
        read_at(&self.files[self.shard_of(number)], &mut bytes, self.starts[number])?;
        Ok(bytes)
    }
}

fn open_shard(folder: &Path, shard: &Shard, bytes: u64) -> Result<File> {
    let path = folder.join(&shard.name);
    let file = File::open(&path).map_err(|cause| {
        anyhow!(
            "its shard {} cannot be opened: {cause}. The folder of shards belongs to the prepared file: copy both, or prepare \
             the data again",
            path.display()
        )
    })?;
    let found = file.metadata().with_context(|| format!("cannot look at {}", path.display()))?.len();
    ensure!(
        found == bytes,
        "its shard {} has {found} bytes, and {bytes} are expected: copy it again, or prepare the data again",
        path.display()
    );
    Ok(file)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                start += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn fetch(file: &File, start: u64, bytes: u64) {
    // Advice: where it is not taken, the picture is read when it is needed.
    let _ = rustix::fs::fadvise(file, start, std::num::NonZeroU64::new(bytes), rustix::fs::Advice::WillNeed);
}

#[cfg(not(target_os = "linux"))]
fn fetch(_: &File, _: u64, _: u64) {}
