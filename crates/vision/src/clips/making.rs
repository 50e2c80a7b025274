//! The way of every source of clips: those that are not finished yet are made and kept one by one, and joined to the prepared
//! file at the end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::journal::Journal;
use super::reasons;
use ferrotype_data::Provenance;
use ferrotype_data::clips::{self, Clip, ClipSet, Skipped, store};
use ferrotype_data::options::{SourceOptions, StorageOptions};
use ferrotype_data::progress::Work;
use ferrotype_data::shards::check_room;
use ferrotype_data::source_record::SourceRecord;

/// After so many clips of a call it is known well enough how much room all of them take.
const ENOUGH: u64 = 8;

/// A clip that is wanted.
pub(super) struct Wanted {
    /// Its name.
    pub name: String,
    /// Who is in it.
    pub subject: String,
    /// Class index.
    pub label: i16,
    /// What it alone is made of.
    pub made_of: String,
}

/// All clips that are wanted, and what makes them.
pub(super) struct Making<'a> {
    pub wanted: Vec<Wanted>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Whether several are made at the same time; otherwise each is made with all cores.
    pub side_by_side: bool,
    /// Makes clip i, or says in its set why it is skipped.
    pub make: Box<dyn Fn(usize) -> Result<ClipSet> + Sync + 'a>,
}

impl Making<'_> {
    /// Makes what is not finished yet, and writes the prepared file; gives everything but its pictures. `skipped` could not
    /// be used from the beginning.
    pub(super) fn write(
        &self,
        journal: Journal,
        provenance: Provenance,
        skipped: Vec<Skipped>,
        (source, out, storage): (&SourceOptions, &Path, &StorageOptions),
    ) -> Result<ClipSet> {
        let files = self.work_through(&journal, storage)?;
        let (mut index, files) = self.collect(&files)?;
        index.skipped.extend(skipped);
        let record = Some(SourceRecord::take(source, out, &provenance.files)?);
        index.provenance = Provenance { record, ..provenance };
        if index.clips.is_empty() {
            bail!("none of the clips can be used{}", reasons(&index.skipped));
        }
        let written = clips::join(index, &files, out, storage)?;
        journal.remove()?;
        Ok(written)
    }

    /// Makes every clip that is not finished yet; gives the files of all.
    pub(super) fn work_through(&self, journal: &Journal, storage: &StorageOptions) -> Result<Vec<PathBuf>> {
        let files: Vec<PathBuf> = self.wanted.iter().map(|clip| journal.path(&clip.name, &clip.made_of)).collect();
        let left: Vec<usize> =
            (0..files.len()).into_par_iter().filter(|&number| !Journal::has(&files[number])).collect();
        let work = Work::begin("clips", files.len() - left.len(), files.len());
        let room = Room {
            storage,
            folder: journal.folder(),
            all: files.len() as u64,
            left: left.len() as u64,
            seen: Mutex::default(),
        };
        let one = |&number: &usize| -> Result<()> {
            work.at(&self.wanted[number].name);
            let set = (self.make)(number)?;
            store::write(&set, &files[number])?;
            room.look(&set, &files[number])?;
            work.add(1);
            Ok(())
        };
        match self.side_by_side {
            true => left.par_iter().try_for_each(one)?,
            false => left.iter().try_for_each(one)?,
        }
        Ok(files)
    }

    /// What is known of the finished clips, in the order in which they are wanted, with their labels and subjects; and the
    /// files of those that can be used.
    fn collect(&self, files: &[PathBuf]) -> Result<(ClipSet, Vec<PathBuf>)> {
        let (mut all, mut used) = (ClipSet::default(), Vec::new());
        for (wanted, file) in self.wanted.iter().zip(files) {
            let set = store::summary(file)?;
            if !set.clips.is_empty() {
                used.push(file.clone());
            }
            let named =
                |clip| Clip { name: wanted.name.clone(), subject: wanted.subject.clone(), label: wanted.label, ..clip };
            let clips = set.clips.into_iter().map(named).collect();
            all.append(ClipSet { clips, classes: self.classes.clone(), ..set })?;
        }
        all.classes.clone_from(&self.classes);
        Ok((all, used))
    }
}

/// Watches whether the disk has room for all clips, and for the prepared file beside them.
struct Room<'a> {
    storage: &'a StorageOptions,
    folder: &'a Path,
    all: u64,
    /// Clips that were not finished when this call began.
    left: u64,
    seen: Mutex<Seen>,
}

/// The clips of this call so far.
#[derive(Default)]
struct Seen {
    clips: u64,
    /// Bytes of their files.
    kept: u64,
    /// Bytes of their pixels.
    pixels: u64,
}

impl Room<'_> {
    /// Looks at a finished clip; asks the disk after the eighth, and then whenever there are twice as many.
    fn look(&self, set: &ClipSet, file: &Path) -> Result<()> {
        let kept = file.metadata().with_context(|| format!("cannot look at {}", file.display()))?.len();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clips += 1;
        seen.kept += kept;
        seen.pixels += set.parts.iter().map(|part| part.pixels.len() as u64).sum::<u64>();
        if seen.clips < ENOUGH || !seen.clips.is_power_of_two() {
            return Ok(());
        }
        check_room(self.needed(&seen), self.folder, clips::LESS)
    }

    /// The bytes still to be written: the clips that are left, and the prepared file.
    fn needed(&self, seen: &Seen) -> u64 {
        let (pixels, kept) = (seen.pixels / seen.clips * self.all, seen.kept / seen.clips);
        let file = if self.storage.uses_shards(pixels) { pixels } else { kept * self.all };
        kept * self.left.saturating_sub(seen.clips) + file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_needed_for_what_is_left_and_for_the_file() {
        let storage = StorageOptions::default();
        let room = Room { storage: &storage, folder: Path::new("."), all: 1000, left: 900, seen: Mutex::default() };
        // 1000 clips of 10 KB in a file as they are kept: 890 more, and the file.
        assert_eq!(room.needed(&Seen { clips: 10, kept: 100_000, pixels: 200_000 }), 890 * 10_000 + 1000 * 10_000);
        // 1000 clips of 2 MB of pixels lie in pieces, as they are.
        assert_eq!(room.needed(&Seen { clips: 10, kept: 100_000, pixels: 20_000_000 }), 890 * 10_000 + 2_000_000_000);
    }
}
