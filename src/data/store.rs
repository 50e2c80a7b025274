//! The prepared file: one HDF5 layout for every source, described in `docs/data-format.md`.
//!
//! It appears whole or not at all, and says so: `complete` is 1, and the sha256 of the images is checked on reading.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};
use sha2::{Digest, Sha256};

use super::{FaceSet, Images, NO_LABEL, Provenance, Split, Votes};
use crate::run::files::write_atomic_with;

/// The value of the attribute `format`.
pub const FORMAT: &str = "ferrotype-faces";
/// The version of the layout that this program writes and reads.
pub const SCHEMA_VERSION: i64 = 1;
/// Images per chunk.
const CHUNK: u64 = 64;
/// Rows per chunk of everything else.
const ROWS: u64 = 4096;
/// FER2013 shrinks to 95 % at any level; drawn faces and flat backgrounds shrink further.
const DEFLATE: u32 = 4;

/// Writes the set to `path`, replacing what stands there once the new file is complete.
///
/// # Errors
/// When the set is not consistent or the file cannot be written (full disk, read-only folder); nothing is left behind.
pub fn write(faces: &FaceSet, path: &Path) -> Result<()> {
    check(faces).context("the dataset to be written is not consistent")?;
    let builder = build(faces).map_err(|e| anyhow!("cannot lay out {}: {e}", path.display()))?;
    write_atomic_with(path, |out| match builder.finish_to(out) {
        Err(hdf5_pure::Error::Io(cause)) => Err(cause.into()),
        other => Ok(other?),
    })
}

/// Reads a prepared file and checks that it is whole.
///
/// # Errors
/// When it is missing, cut off, damaged, or not a prepared file.
pub fn read(path: &Path) -> Result<FaceSet> {
    let file = open(path, false)?;
    let mut faces = read_rows(&file).map_err(|e| damaged(path, e))?;
    faces.images.pixels = values(&file, "images", Dataset::read_u8).map_err(|e| damaged(path, e))?;
    check(&faces).map_err(|e| damaged(path, e))?;
    let wanted = text(&attributes(&file)?, "images_sha256").map_err(|e| damaged(path, e))?;
    if digest(&faces.images.pixels) != wanted {
        return Err(damaged(path, anyhow!("the sha256 of its images is not the one it was written with")));
    }
    Ok(faces)
}

/// Reads everything but the pixels: `images` has its height, width and channels, and no pixels.
///
/// # Errors
/// As [`read`], but damage within the images is not seen.
pub fn summary(path: &Path) -> Result<FaceSet> {
    let file = open(path, true)?;
    read_rows(&file).map_err(|e| damaged(path, e))
}

fn damaged(path: &Path, cause: anyhow::Error) -> anyhow::Error {
    anyhow!("{} is damaged or incomplete: {cause:#}. Prepare it again with `ferrotype data prepare`", path.display())
}

/// The library's message without its chain of causes, which it contains already.
fn plain(error: hdf5_pure::Error) -> anyhow::Error {
    anyhow!("{error}")
}

fn build(faces: &FaceSet) -> Result<FileBuilder, hdf5_pure::FormatError> {
    let n = faces.len() as u64;
    let images = &faces.images;
    let frame = [images.height as u64, images.width as u64, images.channels as u64];
    let mut b = FileBuilder::new();
    b.create_dataset("images")
        .with_u8_data(&images.pixels)
        .with_shape(&[n, frame[0], frame[1], frame[2]])
        .with_chunks(&[CHUNK.min(n), frame[0], frame[1], frame[2]])
        .with_shuffle()
        .with_deflate(DEFLATE);
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
    if let Some(votes) = &faces.votes {
        let columns = votes.columns.len();
        b.create_dataset("votes")
            .with_u8_data(&votes.counts)
            .with_shape(&[n, columns as u64])
            .with_chunks(&[ROWS.min(n), columns as u64])
            .with_deflate(DEFLATE);
        strings(&mut b, "vote_columns", &votes.columns)?;
    }
    write_provenance(&mut b, &faces.provenance)?;
    b.set_attr("format", AttrValue::VarLenString(FORMAT.into()));
    b.set_attr("schema_version", AttrValue::I64(SCHEMA_VERSION));
    b.set_attr("images_sha256", AttrValue::VarLenString(digest(&images.pixels)));
    b.set_attr("complete", AttrValue::I64(1));
    Ok(b)
}

fn write_provenance(b: &mut FileBuilder, provenance: &Provenance) -> Result<(), hdf5_pure::FormatError> {
    b.set_attr("source", AttrValue::VarLenString(provenance.source.clone()));
    b.set_attr("synthetic", AttrValue::I64(i64::from(provenance.synthetic)));
    b.set_attr("command", AttrValue::VarLenString(provenance.command.clone()));
    b.set_attr("written_by", AttrValue::VarLenString(concat!("ferrotype ", env!("CARGO_PKG_VERSION")).into()));
    let (files, digests): (Vec<_>, Vec<_>) = provenance.files.iter().cloned().unzip();
    strings(b, "source_files", &files)?;
    strings(b, "source_sha256", &digests)?;
    strings(b, "notes", &provenance.notes)
}

/// Fixed-width UTF-8: h5py reads it as bytes or, with `asstr()`, as text. An empty list is left out.
fn strings(b: &mut FileBuilder, name: &str, values: &[String]) -> Result<(), hdf5_pure::FormatError> {
    if !values.is_empty() {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let chunk = (values.len() as u64).min(ROWS);
        b.create_dataset(name).with_strings(&values)?.with_chunks(&[chunk]).with_deflate(DEFLATE);
    }
    Ok(())
}

fn open(path: &Path, lazily: bool) -> Result<File> {
    let shown = path.display();
    if !path.exists() {
        bail!("{shown} does not exist: make it with `ferrotype data prepare`, or correct the path");
    }
    ensure!(!path.is_dir(), "{shown} is a folder; a file made by `ferrotype data prepare` is expected");
    let is_hdf5 = hdf5_pure::is_hdf5(path).with_context(|| format!("cannot read {shown}"))?;
    ensure!(is_hdf5, "{shown} is not an HDF5 file; a file made by `ferrotype data prepare` is expected");
    if is_cut_off(path).unwrap_or(false) {
        return Err(damaged(path, anyhow!("it is shorter than its header says, so it was cut off")));
    }
    let file = if lazily { File::open_streaming(path) } else { File::open(path) };
    let file = file.map_err(|e| damaged(path, plain(e)))?;
    check_format(path, &file)?;
    Ok(file)
}

/// Whether the file ends before the place that its superblock names as its end. The library reads such a file as far as
/// it goes, and what is missing then looks like something else.
pub(crate) fn is_cut_off(path: &Path) -> std::io::Result<bool> {
    let mut head = [0; 48];
    let mut file = std::fs::File::open(path)?;
    std::io::Read::read_exact(&mut file, &mut head)?;
    // Versions 0 and 1 put the address behind the sizes of the old symbol tables; all have 8-byte addresses here.
    let at = if head[8] < 2 { 40 } else { 28 };
    let end = head[at..at + 8].iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    Ok(file.metadata()?.len() < end)
}

fn attributes(file: &File) -> Result<HashMap<String, AttrValue>> {
    file.root().attrs().map_err(|e| plain(e).context("its attributes cannot be read"))
}

fn check_format(path: &Path, file: &File) -> Result<()> {
    let attributes = attributes(file).map_err(|e| damaged(path, e))?;
    let shown = path.display();
    if text(&attributes, "format").ok().as_deref() != Some(FORMAT) {
        bail!(
            "{shown} is an HDF5 file, but not one of prepared faces (its attribute `format` is not `{FORMAT}`): name a file \
             made by `ferrotype data prepare`"
        );
    }
    let version = number(&attributes, "schema_version").unwrap_or(0);
    ensure!(
        version == SCHEMA_VERSION,
        "{shown} has layout version {version}, and this program reads version {SCHEMA_VERSION}: prepare it again"
    );
    if number(&attributes, "complete").ok() != Some(1) {
        return Err(damaged(path, anyhow!("it was not written to its end")));
    }
    Ok(())
}

fn text(attributes: &HashMap<String, AttrValue>, name: &str) -> Result<String> {
    let value = attributes.get(name).and_then(AttrValue::as_str);
    Ok(value.with_context(|| format!("it has no text attribute `{name}`"))?.into())
}

fn number(attributes: &HashMap<String, AttrValue>, name: &str) -> Result<i64> {
    attributes.get(name).and_then(AttrValue::as_i64).with_context(|| format!("it has no number attribute `{name}`"))
}

fn read_rows(file: &File) -> Result<FaceSet> {
    let shape: Vec<usize> = values(file, "images", Dataset::shape)?.into_iter().map(|d| d as usize).collect();
    let &[rows, height, width, channels] = shape.as_slice() else {
        bail!("its images have {} dimensions; 4 (rows, height, width, channels) are expected", shape.len());
    };
    let splits = values(file, "split", Dataset::read_u8)?.into_iter().map(split).collect::<Result<_>>()?;
    let faces = FaceSet {
        images: Images { pixels: Vec::new(), height, width, channels },
        labels: values(file, "labels", Dataset::read_i16)?,
        classes: list(file, "classes")?,
        votes: read_votes(file)?,
        splits,
        subjects: if exists(file, "subject")? { Some(list(file, "subject")?) } else { None },
        names: list(file, "name")?,
        source_rows: values(file, "source_row", Dataset::read_u32)?,
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

fn read_provenance(file: &File) -> Result<Provenance> {
    let attributes = attributes(file)?;
    let (files, digests) = (list(file, "source_files")?, list(file, "source_sha256")?);
    ensure!(files.len() == digests.len(), "its lists of source files and their sha256 differ in length");
    Ok(Provenance {
        source: text(&attributes, "source")?,
        synthetic: number(&attributes, "synthetic")? != 0,
        files: files.into_iter().zip(digests).collect(),
        command: text(&attributes, "command")?,
        notes: list(file, "notes")?,
    })
}

/// Whether the file has a dataset of this name. One that is there and damaged is an error, not absent.
fn exists(file: &File, name: &str) -> Result<bool> {
    let names = file.root().datasets().map_err(|e| plain(e).context("its datasets cannot be listed"))?;
    Ok(names.iter().any(|n| n == name))
}

fn dataset(file: &File, name: &str) -> Result<Dataset> {
    file.dataset(name).map_err(|e| plain(e).context(format!("its dataset `{name}` cannot be read")))
}

/// The values of a dataset.
fn values<T>(file: &File, name: &str, read: fn(&Dataset) -> Result<T, hdf5_pure::Error>) -> Result<T> {
    read(&dataset(file, name)?).map_err(|e| plain(e).context(format!("its dataset `{name}` cannot be read")))
}

fn list(file: &File, name: &str) -> Result<Vec<String>> {
    if !exists(file, name)? {
        return Ok(Vec::new());
    }
    values(file, name, Dataset::read_string)
}

/// The sha256 of all pixels, in hexadecimal.
fn digest(pixels: &[u8]) -> String {
    Sha256::digest(pixels).iter().map(|b| format!("{b:02x}")).collect()
}

/// That all columns have one length and every value stays in its range.
fn check(faces: &FaceSet) -> Result<()> {
    let images = &faces.images;
    ensure!(!faces.is_empty(), "there are no rows");
    ensure!(matches!(images.channels, 1 | 3), "images have {} channels; 1 or 3 are expected", images.channels);
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
    if let Some(votes) = &faces.votes {
        same("rows of votes", votes.counts.len() / votes.columns.len().max(1))?;
        ensure!(votes.counts.len() == n * votes.columns.len(), "the votes do not fill their columns");
    }
    let k = faces.classes.len();
    match faces.labels.iter().find(|&&l| l != NO_LABEL && usize::try_from(l).map_or(true, |l| l >= k)) {
        Some(label) => bail!("label {label} is not one of the {k} classes"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
