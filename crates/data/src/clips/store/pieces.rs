//! What the file says of pictures that lie in shards beside it: part after part.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ferrotype_base::digest;
use hdf5_pure::{File, FileBuilder, FormatError};

use super::super::{CHANNELS, ClipSet, Pieces};
use crate::Images;
use crate::face_set::MOST_BYTES;
use crate::options::{Component, PictureStorage};
use crate::shards::{ShardList, Shards, folder_of};
use crate::store::shards;

/// The shape of the pictures.
pub(super) fn images(size: usize) -> Images {
    Images { pixels: Vec::new(), height: size, width: size, channels: CHANNELS }
}

pub(super) fn write(b: &mut FileBuilder, set: &ClipSet, pieces: &Pieces) -> Result<(), FormatError> {
    shards::write(b, &pieces.shards, &images(set.size))
}

/// The pictures of the chosen parts, in this order, where they lie in shards.
pub(super) fn read(
    file: &File,
    path: &Path,
    set: &ClipSet,
    stored: &[(Component, String)],
    chosen: &[usize],
) -> Result<Option<Pieces>> {
    if !shards::are_used(file)? {
        return Ok(None);
    }
    let (shape, list) = shards::read_list(file)?;
    ensure!(
        shape == images(set.size) && list.storage == PictureStorage::Raw,
        "its pictures in shards are not pixels of {0} x {0} in RGB",
        set.size
    );
    let lists = list.divided(set.frames.len())?;
    ensure!(lists.len() == stored.len(), "its shards hold {} parts, and it has {}", lists.len(), stored.len());
    let of_part = |&number: &usize| ShardList { sha256: stored[number].1.clone(), ..lists[number].clone() };
    let list = ShardList::joined(chosen.iter().map(of_part).collect());
    let digests = chosen.iter().map(|&number| stored[number].1.clone()).collect();
    Ok(Some(Pieces { shards: Arc::new(Shards::open(folder_of(path), list)?), digests }))
}

/// The set with the pixels of its parts, which are what was written.
pub(super) fn into_memory(mut set: ClipSet) -> Result<ClipSet> {
    let Some(Pieces { shards, digests }) = set.pieces.take() else { return Ok(set) };
    let (frames, shape) = (set.frames.len(), images(set.size));
    let bytes = shards.len() * set.stride();
    ensure!(bytes <= MOST_BYTES, "its pictures take {} GiB, which are not read into memory at once", bytes >> 30);
    for (number, (part, digest)) in set.parts.iter_mut().zip(digests).enumerate() {
        part.pixels.reserve_exact(frames * shape.stride());
        for frame in 0..frames {
            part.pixels.extend(shards.picture(number * frames + frame, &shape)?);
        }
        ensure!(
            digest::sha256(&part.pixels) == digest,
            "the sha256 of its part `{}` is not the one it was written with",
            part.component
        );
    }
    set.check().context("its parts")?;
    Ok(set)
}
