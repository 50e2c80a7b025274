//! Finished clips, a file each, to one prepared file: those of small sets through memory, those of large ones into shards
//! beside it, with constant memory and from where an earlier call was ended.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use super::{Clip, ClipSet, Pieces, store};
use crate::blocks;
use crate::options::{Component, StorageOptions};
use crate::progress::Work;
use crate::shards::{Entry, Finished, Place, ShardList, Shards, Writer, check_room, folder_of, pack};

/// What makes clips take less room on the disk.
pub const LESS: &str = "fewer --parts, a smaller --size, --rate or --max-frames";
/// Bytes of pixels that are worked on at a time, or those of one part of one clip.
const BATCH: usize = 32 << 20;

/// A picture by its place in its part, as a shard holds it.
type Packed = (usize, Vec<u8>, Entry);

/// Writes the clips of an index to `out`. The index has everything but the pixels of its parts; those of clip i are in the
/// prepared file `files[i]`, which holds that clip alone. Gives the set as it was written, without pixels in memory.
///
/// # Errors
/// When the index is not consistent, a file of a clip is not what the index says, the disk has no room, or a file cannot be
/// written. Shards that were finished are kept for another call.
pub fn join(mut index: ClipSet, files: &[PathBuf], out: &Path, storage: &StorageOptions) -> Result<ClipSet> {
    ensure!(files.len() == index.clips.len(), "{} clips and {} files of them", index.clips.len(), files.len());
    let bytes = (index.frames.len() * index.parts.len() * index.stride()) as u64;
    if bytes > 0 && storage.uses_shards(bytes) {
        index.pieces = Some(in_shards(&index, files, Place { out, options: storage, finder: "" }, bytes)?);
        store::write(&index, out)?;
        return Ok(index);
    }
    let work = Work::begin("clips joined", 0, files.len());
    let (all, stride) = (index.frames.len() * index.stride(), index.stride());
    index.parts.iter_mut().for_each(|part| part.pixels.reserve_exact(all));
    for (clip, file) in index.clips.iter().zip(files) {
        for part in &mut index.parts {
            part.pixels.extend(read(clip, file, part.component, stride)?);
        }
        work.add(1);
    }
    drop(work);
    store::write(&index, out)?;
    index.parts.iter_mut().for_each(|part| part.pixels = Vec::new());
    Ok(index)
}

/// The pixels of a part of a clip, which are those that its file was written with.
fn read(clip: &Clip, file: &Path, component: Component, stride: usize) -> Result<Vec<u8>> {
    let pixels = store::part(file, component).and_then(|pixels| {
        let (found, expected) = (pixels.len(), clip.count * stride);
        ensure!(found == expected, "its part `{component}` has {found} bytes, and {expected} are expected");
        Ok(pixels)
    });
    pixels.with_context(|| {
        format!(
            "the finished clip {} cannot be used: remove {}, and the same command prepares this clip again",
            clip.name,
            file.display()
        )
    })
}

/// Stores the pictures of all parts, a part after the other.
fn in_shards(index: &ClipSet, files: &[PathBuf], place: Place, bytes: u64) -> Result<Pieces> {
    let digests: Vec<_> = files.par_iter().map(|file| store::digests(file)).collect::<Result<_>>()?;
    let begin = |component| {
        let of_clip =
            |clip: &Vec<(Component, String)>| clip.iter().find(|(c, _)| *c == component).map(|(_, d)| d.clone());
        let of_clips: Vec<_> = digests.iter().map(of_clip).collect();
        // What is stored follows from the pixels of each clip alone.
        let made_of = format!("clips {component} {} {}", index.size, serde_json::to_string(&of_clips)?);
        Ok((component, Writer::begin(place, &made_of, bytes)?))
    };
    let writers = index.parts.iter().map(|part| begin(part.component)).collect::<Result<Vec<_>>>()?;
    let (all, done) = (index.frames.len() * writers.len(), writers.iter().map(|(_, writer)| writer.done()).sum());
    check_room(((all - done) * index.stride()) as u64, &folder_of(place.out), LESS)?;
    let work = Work::begin("pictures stored", done, all);
    let mut lists = Vec::with_capacity(writers.len());
    for (component, mut writer) in writers {
        fill(&mut writer, index, files, component, &work)?;
        let Finished { shards, .. } = writer.finish()?;
        lists.push(shards.list().clone());
    }
    let digests = lists.iter().map(|list| list.sha256.clone()).collect();
    Ok(Pieces { shards: Arc::new(Shards::open(folder_of(place.out), ShardList::joined(lists))?), digests })
}

/// Stores the pictures of a part that are not stored yet.
fn fill(writer: &mut Writer, index: &ClipSet, files: &[PathBuf], component: Component, work: &Work) -> Result<()> {
    let (done, stride) = (writer.done(), index.stride());
    let shape = [index.size, index.size, super::CHANNELS];
    let storage = StorageOptions::default();
    let batches = batches(&index.clips, done, stride);
    let one = |number: usize| -> Result<Vec<Packed>> {
        let clip = &index.clips[number];
        let pixels = read(clip, &files[number], component, stride)?;
        let left = (clip.first..).zip(pixels.chunks_exact(stride)).skip_while(|(item, _)| *item < done);
        left.map(|(item, pixels)| {
            let (bytes, entry) = pack(pixels.into(), shape, &storage, None)?;
            Ok((item, bytes, entry))
        })
        .collect()
    };
    let make = |batch: usize| batches[batch].clone().into_par_iter().map(one).collect();
    let take = |_, made: Result<Vec<Vec<Packed>>>| {
        for clip in made? {
            work.add(clip.len());
            for (item, bytes, entry) in clip {
                writer.push(item, shape, &bytes, entry, Default::default())?;
            }
        }
        Ok(true)
    };
    blocks::each(0..batches.len(), 1, make, take)
}

/// The clips with frames from `done` on, divided so that one part of each batch takes about [`BATCH`] bytes.
fn batches(clips: &[Clip], done: usize, stride: usize) -> Vec<Range<usize>> {
    let first = clips.iter().position(|clip| clip.first + clip.count > done).unwrap_or(clips.len());
    let (mut batches, mut start, mut bytes) = (Vec::new(), first, 0);
    for (number, clip) in clips.iter().enumerate().skip(first) {
        if bytes > 0 && bytes + clip.count * stride > BATCH {
            batches.push(start..number);
            (start, bytes) = (number, 0);
        }
        bytes += clip.count * stride;
    }
    if start < clips.len() {
        batches.push(start..clips.len());
    }
    batches
}

#[cfg(test)]
mod tests;
