//! The prepared file: one HDF5 layout for every source, described in `docs/data-format.md`.
//!
//! It appears whole or not at all, and says so: `complete` is 1, and the sha256 of the images is checked on reading. Pictures
//! that lie in shards beside it are checked one by one when they are read.

pub(crate) mod file;
pub(crate) mod shards;
mod targets;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_base::digest;
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};

use super::shards::{folder_of, tidy};
use super::{FaceSet, Images, NO_LABEL, Split, Votes};
use ferrotype_run::files::write_atomic_with;
use file::{Layout, attributes, damaged, exists, list, open, read_provenance, strings, text, values, write_provenance};
pub use file::{is_cut_off, read_within};

/// The value of the attribute `format`.
pub const FORMAT: &str = "ferrotype-faces";
/// The newest version of the layout that this program writes and reads: 2 has typed targets, 3 pictures in shards. A set
/// without either is written in version 1, which older programs read, too.
pub const SCHEMA_VERSION: i64 = 3;
const WITH_TARGETS: i64 = 2;
const LAYOUT: Layout = Layout { format: FORMAT, version: SCHEMA_VERSION, holds: "faces" };
/// Images per chunk.
const CHUNK: u64 = 64;
/// Rows per chunk of everything else.
pub(crate) const ROWS: u64 = 4096;
/// FER2013 shrinks to 95 % at any level; synthetic faces and flat backgrounds shrink further.
pub(crate) const DEFLATE: u32 = 4;

/// Writes the set to `path`, replacing what stands there once the new file is complete. Shards that do not belong to it are
/// removed then.
///
/// # Errors
/// When the set is not consistent or the file cannot be written (full disk, read-only folder); nothing is left behind. When its
/// shards belong to another file.
pub fn write(faces: &FaceSet, path: &Path) -> Result<()> {
    check(faces).context("the dataset to be written is not consistent")?;
    if let Some(shards) = &faces.shards {
        let folder = folder_of(path);
        ensure!(
            shards.folder() == folder,
            "the pictures of this set lie in {}, and those of {} belong in {}",
            shards.folder().display(),
            path.display(),
            folder.display()
        );
    }
    let builder = build(faces).map_err(|e| anyhow!("cannot lay out {}: {e}", path.display()))?;
    write_atomic_with(path, |out| match builder.finish_to(out) {
        Err(hdf5_pure::Error::Io(cause)) => Err(cause.into()),
        other => Ok(other?),
    })?;
    tidy(path, faces.shards.as_ref().map_or(&[], |shards| &shards.list().shards))
}

/// Reads a prepared file and checks that it is whole. Pictures in shards stay where they are.
///
/// # Errors
/// When it is missing, cut off, damaged, or not a prepared file; when one of its shards is missing or cut off.
pub fn read(path: &Path) -> Result<FaceSet> {
    let lazily = open(path, true, LAYOUT)?;
    if shards::are_used(&lazily).map_err(|e| damaged(path, e))? {
        return read_rows(&lazily, path).map_err(|e| damaged(path, e));
    }
    let file = open(path, false, LAYOUT)?;
    let mut faces = read_rows(&file, path).map_err(|e| damaged(path, e))?;
    faces.images.pixels = values(&file, "images", Dataset::read_u8).map_err(|e| damaged(path, e))?;
    check(&faces).map_err(|e| damaged(path, e))?;
    let wanted = text(&attributes(&file)?, "images_sha256").map_err(|e| damaged(path, e))?;
    if digest::sha256(&faces.images.pixels) != wanted {
        return Err(damaged(path, anyhow!("the sha256 of its images is not the one it was written with")));
    }
    Ok(faces)
}

/// Reads everything but the pixels: `images` has its height, width and channels, and no pixels.
///
/// # Errors
/// As [`read`], but damage within the images is not seen.
pub fn summary(path: &Path) -> Result<FaceSet> {
    let file = open(path, true, LAYOUT)?;
    read_rows(&file, path).map_err(|e| damaged(path, e))
}

/// The attribute `format` of a file, if it is one that was prepared.
pub fn format_of(path: &Path) -> Option<String> {
    let file = File::open_streaming(path).ok()?;
    text(&attributes(&file).ok()?, "format").ok()
}

fn build(faces: &FaceSet) -> Result<FileBuilder, hdf5_pure::FormatError> {
    let n = faces.len() as u64;
    let images = &faces.images;
    let mut b = FileBuilder::new();
    match &faces.shards {
        Some(shards) => shards::write(&mut b, shards, images)?,
        None => pixels(&mut b, images, n),
    }
    // Everything is deflated, for the checksum that comes with it.
    let chunk = [ROWS.min(n)];
    let splits: Vec<u8> = faces.splits.iter().map(|&s| s as u8).collect();
    b.create_dataset("labels").with_i16_data(&faces.labels).with_chunks(&chunk).with_deflate(DEFLATE);
    b.create_dataset("split").with_u8_data(&splits).with_chunks(&chunk).with_deflate(DEFLATE);
    b.create_dataset("source_row").with_u32_data(&faces.source_rows).with_chunks(&chunk).with_deflate(DEFLATE);
    strings(&mut b, "classes", &faces.classes)?;
    strings(&mut b, "name", &faces.names)?;
    if let Some(subjects) = &faces.subjects {
        strings(&mut b, "subject", subjects)?;
    }
    if let Some(groups) = &faces.groups {
        strings(&mut b, "group", groups)?;
    }
    if let Some(votes) = &faces.votes {
        let columns = votes.columns.len();
        b.create_dataset("votes")
            .with_u8_data(&votes.counts)
            .with_shape(&[n, columns as u64])
            .with_chunks(&[ROWS.min(n), columns as u64])
            .with_deflate(DEFLATE);
        strings(&mut b, "vote_columns", &votes.columns)?;
    }
    if let Some(targets) = &faces.targets {
        targets::write(&mut b, targets, n);
    }
    write_provenance(&mut b, &faces.provenance)?;
    let version = match (&faces.shards, &faces.targets) {
        (Some(_), _) => SCHEMA_VERSION,
        (None, Some(_)) => WITH_TARGETS,
        (None, None) => 1,
    };
    b.set_attr("format", AttrValue::VarLenString(FORMAT.into()));
    b.set_attr("schema_version", AttrValue::I64(version));
    b.set_attr("images_sha256", AttrValue::VarLenString(faces.images_sha256()));
    b.set_attr("complete", AttrValue::I64(1));
    Ok(b)
}

fn pixels(b: &mut FileBuilder, images: &Images, n: u64) {
    let frame = [images.height as u64, images.width as u64, images.channels as u64];
    b.create_dataset("images")
        .with_u8_data(&images.pixels)
        .with_shape(&[n, frame[0], frame[1], frame[2]])
        .with_chunks(&[CHUNK.min(n), frame[0], frame[1], frame[2]])
        .with_shuffle()
        .with_deflate(DEFLATE);
}

/// The shape of the pictures and their number, where they are in the file itself.
fn shape(file: &File) -> Result<(Images, usize)> {
    let shape: Vec<usize> = values(file, "images", Dataset::shape)?.into_iter().map(|d| d as usize).collect();
    let &[rows, height, width, channels] = shape.as_slice() else {
        bail!("its images have {} dimensions; 4 (rows, height, width, channels) are expected", shape.len());
    };
    Ok((Images { pixels: Vec::new(), height, width, channels }, rows))
}

fn read_rows(file: &File, path: &Path) -> Result<FaceSet> {
    let (images, rows, shards) = match shards::are_used(file)? {
        true => {
            let (images, shards) = shards::read(file, path)?;
            (images, shards.len(), Some(Arc::new(shards)))
        }
        false => {
            let (images, rows) = shape(file)?;
            (images, rows, None)
        }
    };
    let splits = values(file, "split", Dataset::read_u8)?.into_iter().map(split).collect::<Result<_>>()?;
    let faces = FaceSet {
        images,
        shards,
        labels: values(file, "labels", Dataset::read_i16)?,
        classes: list(file, "classes")?,
        votes: read_votes(file)?,
        targets: targets::read(file)?,
        splits,
        subjects: if exists(file, "subject")? { Some(list(file, "subject")?) } else { None },
        groups: if exists(file, "group")? { Some(list(file, "group")?) } else { None },
        names: list(file, "name")?,
        source_rows: values(file, "source_row", Dataset::read_u32)?,
        segments: None,
        provenance: read_provenance(file)?,
    };
    ensure!(faces.labels.len() == rows, "it has {rows} images and {} labels", faces.labels.len());
    check_rows(&faces)?;
    Ok(faces)
}

fn split(value: u8) -> Result<Split> {
    [Split::Train, Split::Validation, Split::Test, Split::Unassigned]
        .into_iter()
        .find(|&s| s as u8 == value)
        .with_context(|| {
            format!("{value} is not a split; 0 (training), 1 (validation), 2 (test) or 3 (none) is expected")
        })
}

fn read_votes(file: &File) -> Result<Option<Votes>> {
    if !exists(file, "votes")? {
        return Ok(None);
    }
    Ok(Some(Votes { counts: values(file, "votes", Dataset::read_u8)?, columns: list(file, "vote_columns")? }))
}

/// That all columns have one length and every value stays in its range.
fn check(faces: &FaceSet) -> Result<()> {
    let images = &faces.images;
    ensure!(!faces.is_empty(), "there are no rows");
    ensure!(matches!(images.channels, 1 | 3), "images have {} channels; 1 or 3 are expected", images.channels);
    if let Some(shards) = &faces.shards {
        ensure!(shards.len() == faces.len(), "{} pictures in shards for {} rows", shards.len(), faces.len());
        return check_rows(faces);
    }
    ensure!(
        images.stride() > 0 && images.pixels.len() == images.stride() * faces.len(),
        "{} pixels do not make {} images of {} x {} x {}",
        images.pixels.len(),
        faces.len(),
        images.height,
        images.width,
        images.channels
    );
    check_rows(faces)
}

fn check_rows(faces: &FaceSet) -> Result<()> {
    let n = faces.len();
    let same = |what: &str, len: usize| {
        ensure!(len == n, "{n} labels and {len} {what}");
        Ok(())
    };
    same("splits", faces.splits.len())?;
    same("names", faces.names.len())?;
    same("source rows", faces.source_rows.len())?;
    same("subjects", faces.subjects.as_ref().map_or(n, Vec::len))?;
    same("groups", faces.groups.as_ref().map_or(n, Vec::len))?;
    if let Some(votes) = &faces.votes {
        same("rows of votes", votes.counts.len() / votes.columns.len().max(1))?;
        ensure!(votes.counts.len() == n * votes.columns.len(), "the votes do not fill their columns");
    }
    if let Some(targets) = &faces.targets {
        targets.check(n).context("its targets")?;
    }
    let k = faces.classes.len();
    match faces.labels.iter().find(|&&l| l != NO_LABEL && usize::try_from(l).map_or(true, |l| l >= k)) {
        Some(label) => bail!("label {label} is not one of the {k} classes"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
