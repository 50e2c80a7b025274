//! Where the shards of a prepared file lie, and what may be removed there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::digest;
use rayon::prelude::*;

use super::{Shard, Shards, Writer, pack};
use crate::Images;
use crate::options::StorageOptions;
use crate::progress::Work;

/// Pictures that are packed at a time, of a set in memory.
const BLOCK: usize = 256;

/// Where pictures go that do not stay in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The prepared file.
    pub out: &'a Path,
    /// How they are kept.
    pub options: &'a StorageOptions,
    /// Says what finds the faces in them, where something does.
    pub finder: &'a str,
}

/// The folder of a prepared file's shards: `faces.h5.shards` beside `faces.h5`.
pub fn folder_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".shards");
    name.into()
}

/// Removes the shards of a prepared file that it does not name (any more): those from before it was made again, and what a
/// preparation left behind that was given up. Nothing but shards is touched.
///
/// # Errors
/// When the folder cannot be read, or a file cannot be removed.
pub(crate) fn tidy(file: &Path, kept: &[Shard]) -> Result<()> {
    let folder = folder_of(file);
    if !folder.is_dir() {
        return Ok(());
    }
    let is_kept = |name: &str| kept.iter().any(|shard| shard.name == name);
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read the folder {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read the folder {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_shard(&name) && !is_kept(&name) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    if kept.is_empty() {
        // It stays where somebody put something else into it.
        let _ = fs::remove_dir(&folder);
    }
    Ok(())
}

/// Whether a file has a name that [`Writer`] gives: `0123456789abcdef-00012.raw`.
fn is_shard(name: &str) -> bool {
    let Some((stem, ending)) = name.split_once('.') else { return false };
    let Some((tag, number)) = stem.split_once('-') else { return false };
    tag.len() == super::writer::TAG
        && tag.bytes().all(|b| b.is_ascii_hexdigit())
        && number.len() == 5
        && number.bytes().all(|b| b.is_ascii_digit())
        && matches!(ending, "raw" | "jpeg" | "json" | "raw.part" | "jpeg.part")
}

/// Writes the pictures of a set in memory as shards.
///
/// # Errors
/// When the disk has no room, or a file cannot be written.
pub(crate) fn of_memory(images: &Images, place: Place) -> Result<Shards> {
    let shape = [images.height, images.width, images.channels];
    let made_of = format!("{shape:?} {} {}", serde_json::to_string(place.options)?, digest::sha256(&images.pixels));
    let mut writer = Writer::begin(place, &made_of, images.pixels.len() as u64)?;
    let work = Work::begin("pictures", writer.done(), images.len());
    for start in (writer.done()..images.len()).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(images.len());
        let one = |n: usize| pack(images.get(n).into(), shape, place.options, None);
        work.add(block.len());
        for (n, packed) in block.clone().zip(block.into_par_iter().map(one).collect::<Vec<_>>()) {
            let (bytes, entry) = packed?;
            writer.push(n, shape, &bytes, entry, Default::default())?;
        }
        writer.check_space(images.len())?;
    }
    Ok(writer.finish()?.shards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shards_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("faces.h5");
        let folder = folder_of(&file);
        fs::create_dir(&folder).unwrap();
        for name in ["0123456789abcdef-00000.raw", "0123456789abcdef-00001.jpeg.part", "0123456789abcdef-00000.json"] {
            fs::write(folder.join(name), "x").unwrap();
        }
        fs::write(folder.join("notes-of-mine.txt"), "x").unwrap();
        tidy(&file, &[]).unwrap();
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["notes-of-mine.txt"]);
        fs::remove_file(folder.join("notes-of-mine.txt")).unwrap();
        tidy(&file, &[]).unwrap();
        assert!(!folder.exists());
    }
}
