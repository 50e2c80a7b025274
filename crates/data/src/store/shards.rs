//! What the prepared file says of pictures that lie in shards beside it.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};

use super::file::{attributes, list, number, strings, text, values};
use super::{DEFLATE, ROWS};
use crate::Images;
use crate::options::PictureStorage;
use crate::shards::{Shard, ShardList, Shards, folder_of};

/// Says what is kept of each picture; only files with shards have it.
const STORAGE: &str = "storage";
/// Height, width and channels of pictures that are not in the file.
const SIDES: [&str; 3] = ["height", "width", "channels"];

pub(crate) fn write(b: &mut FileBuilder, shards: &Shards, images: &Images) -> Result<(), hdf5_pure::FormatError> {
    let all = shards.list();
    let (names, digests): (Vec<_>, Vec<_>) = all.shards.iter().map(|s| (s.name.clone(), s.sha256.clone())).unzip();
    let rows: Vec<u32> = all.shards.iter().map(|s| s.rows).collect();
    strings(b, "shard_files", &names)?;
    strings(b, "shard_sha256", &digests)?;
    b.create_dataset("shard_rows").with_u32_data(&rows).with_chunks(&[rows.len() as u64]).with_deflate(DEFLATE);
    let n = all.lengths.len() as u64;
    let chunk = ROWS.min(n);
    b.create_dataset("picture_bytes").with_u32_data(&all.lengths).with_chunks(&[chunk]).with_deflate(DEFLATE);
    b.create_dataset("picture_crc32").with_u32_data(&all.checks).with_chunks(&[chunk]).with_deflate(DEFLATE);
    b.create_dataset("picture_sha256")
        .with_u8_data(all.fingerprints.as_flattened())
        .with_shape(&[n, 32])
        .with_chunks(&[chunk, 32])
        .with_deflate(DEFLATE);
    b.set_attr(STORAGE, AttrValue::VarLenString(all.storage.as_str().into()));
    for (name, side) in SIDES.into_iter().zip([images.height, images.width, images.channels]) {
        b.set_attr(name, AttrValue::I64(side as i64));
    }
    Ok(())
}

/// Whether the pictures of a file lie in shards.
pub(crate) fn are_used(file: &File) -> Result<bool> {
    Ok(attributes(file)?.contains_key(STORAGE))
}

/// The shape of the pictures, and the shards of the prepared file of faces at `path`.
pub(super) fn read(file: &File, path: &Path) -> Result<(Images, Shards)> {
    let (images, list) = read_list(file)?;
    let sha256 = text(&attributes(file)?, "images_sha256")?;
    Ok((images, Shards::open(folder_of(path), ShardList { sha256, ..list })?))
}

/// The shape of the pictures, and what the file says of its shards, but for the sha256 of all.
pub(crate) fn read_list(file: &File) -> Result<(Images, ShardList)> {
    let attributes = attributes(file)?;
    let storage = match text(&attributes, STORAGE)?.as_str() {
        "raw" => PictureStorage::Raw,
        "jpeg" => PictureStorage::Jpeg,
        other => bail!("its `{STORAGE}` is {other}; raw or jpeg is expected"),
    };
    let side = |name: &str| -> Result<usize> {
        let side = usize::try_from(number(&attributes, name)?).ok().filter(|side| (1..1 << 16).contains(side));
        side.with_context(|| format!("its {name} is impossible"))
    };
    let images =
        Images { pixels: Vec::new(), height: side("height")?, width: side("width")?, channels: side("channels")? };
    ensure!(matches!(images.channels, 1 | 3), "its pictures have {} channels; 1 or 3 are expected", images.channels);
    let (names, digests) = (list(file, "shard_files")?, list(file, "shard_sha256")?);
    let rows = values(file, "shard_rows", Dataset::read_u32)?;
    ensure!(names.len() == digests.len() && names.len() == rows.len(), "its lists of shards differ in length");
    let plain = |name: &String| Path::new(name).file_name().is_some_and(|last| last == name.as_str());
    if let Some(name) = names.iter().find(|name| !plain(name)) {
        bail!("its shard {name} is not the name of a file");
    }
    let shards = names.into_iter().zip(digests).zip(rows);
    let (fingerprints, rest) = fingerprints(&values(file, "picture_sha256", Dataset::read_u8)?);
    ensure!(rest == 0, "its fingerprints have not 32 bytes each");
    let list = ShardList {
        storage,
        shards: shards.map(|((name, sha256), rows)| Shard { name, sha256, rows }).collect(),
        lengths: values(file, "picture_bytes", Dataset::read_u32)?,
        checks: values(file, "picture_crc32", Dataset::read_u32)?,
        fingerprints,
        sha256: String::new(),
    };
    let stride = images.stride();
    let is_whole = |&length: &u32| length as usize == stride;
    ensure!(
        storage != PictureStorage::Raw || list.lengths.iter().all(is_whole),
        "not all of its pictures have {stride} bytes"
    );
    Ok((images, list))
}

/// Fingerprints that stand one behind the other, and how many bytes are left.
fn fingerprints(bytes: &[u8]) -> (Vec<[u8; 32]>, usize) {
    let (all, rest) = bytes.as_chunks::<32>();
    (all.to_vec(), rest.len())
}
