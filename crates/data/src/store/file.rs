//! What all prepared files have in common: how they are opened and checked, their texts, their provenance.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_base::lfs;
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};

use super::{DEFLATE, ROWS};
use crate::Provenance;
use crate::source_record::SourceRecord;

/// A layout: the value of the attribute `format`, the newest version that this program reads (it reads all before it, too),
/// and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub format: &'static str,
    pub version: i64,
    pub holds: &'static str,
}

pub(crate) fn damaged(path: &Path, cause: anyhow::Error) -> anyhow::Error {
    anyhow!("{} is damaged or incomplete: {cause:#}. Prepare it again with `ferrotype data prepare`", path.display())
}

/// The library's message without its chain of causes, which it contains already.
fn plain(error: hdf5_pure::Error) -> anyhow::Error {
    anyhow!("{error}")
}

pub(crate) fn write_provenance(b: &mut FileBuilder, provenance: &Provenance) -> Result<(), hdf5_pure::FormatError> {
    b.set_attr("source", AttrValue::VarLenString(provenance.source.clone()));
    b.set_attr("synthetic", AttrValue::I64(i64::from(provenance.synthetic)));
    b.set_attr("command", AttrValue::VarLenString(provenance.command.clone()));
    b.set_attr("written_by", AttrValue::VarLenString(concat!("ferrotype ", env!("CARGO_PKG_VERSION")).into()));
    let (files, digests): (Vec<_>, Vec<_>) = provenance.files.iter().cloned().unzip();
    strings(b, "source_files", &files)?;
    strings(b, "source_sha256", &digests)?;
    strings(b, "notes", &provenance.notes)?;
    if let Some(machine) = &provenance.labelled_by {
        b.set_attr("labelled_by", AttrValue::VarLenString(machine.clone()));
    }
    if let Some(record) = &provenance.record {
        b.set_attr("source_options", AttrValue::VarLenString(record.options.clone()));
        strings(b, "source_listing", &record.files)?;
    }
    if let Some(stored) = &provenance.stored {
        let text = serde_json::to_string(stored).unwrap_or_default();
        b.set_attr("stored_form", AttrValue::VarLenString(text));
    }
    if let Some(motion) = &provenance.motion {
        b.set_attr("channels", AttrValue::VarLenString(motion.name().into()));
        let text = serde_json::to_string(motion).unwrap_or_default();
        b.set_attr("motion_form", AttrValue::VarLenString(text));
    }
    Ok(())
}

/// Fixed-width UTF-8: h5py reads it as bytes or, with `asstr()`, as text. An empty list is left out.
pub(crate) fn strings(b: &mut FileBuilder, name: &str, values: &[String]) -> Result<(), hdf5_pure::FormatError> {
    if !values.is_empty() {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let chunk = (values.len() as u64).min(ROWS);
        b.create_dataset(name).with_strings(&values)?.with_chunks(&[chunk]).with_deflate(DEFLATE);
    }
    Ok(())
}

pub(crate) fn open(path: &Path, lazily: bool, layout: Layout) -> Result<File> {
    let shown = path.display();
    if !path.exists() {
        bail!("{shown} does not exist: make it with `ferrotype data prepare`, or correct the path");
    }
    ensure!(!path.is_dir(), "{shown} is a folder; a file made by `ferrotype data prepare` is expected");
    lfs::refuse_file(path)?;
    let is_hdf5 = hdf5_pure::is_hdf5(path).with_context(|| format!("cannot read {shown}"))?;
    ensure!(is_hdf5, "{shown} is not an HDF5 file; a file made by `ferrotype data prepare` is expected");
    if is_cut_off(path).unwrap_or(false) {
        return Err(damaged(path, anyhow!("it is shorter than its header says, so it was cut off")));
    }
    let file = if lazily { File::open_streaming(path) } else { File::open(path) };
    let file = file.map_err(|e| damaged(path, plain(e)))?;
    check_format(path, &file, layout)?;
    Ok(file)
}

/// Whether the file ends before the place that its superblock names as its end. The library reads such a file as far as
/// it goes, and what is missing then looks like something else.
pub fn is_cut_off(path: &Path) -> std::io::Result<bool> {
    let mut head = [0; 48];
    let mut file = std::fs::File::open(path)?;
    std::io::Read::read_exact(&mut file, &mut head)?;
    // Versions 0 and 1 put the address behind the sizes of the old symbol tables; all have 8-byte addresses here.
    let at = if head[8] < 2 { 40 } else { 28 };
    let end = head[at..at + 8].iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    Ok(file.metadata()?.len() < end)
}

pub(crate) fn attributes(file: &File) -> Result<HashMap<String, AttrValue>> {
    file.root().attrs().map_err(|e| plain(e).context("its attributes cannot be read"))
}

fn check_format(path: &Path, file: &File, layout: Layout) -> Result<()> {
    let attributes = attributes(file).map_err(|e| damaged(path, e))?;
    let shown = path.display();
    let Layout { format, version: newest, holds } = layout;
    if text(&attributes, "format").ok().as_deref() != Some(format) {
        bail!(
            "{shown} is an HDF5 file, but not one of prepared {holds} (its attribute `format` is not `{format}`): name a file \
             made by `ferrotype data prepare`"
        );
    }
    let version = number(&attributes, "schema_version").unwrap_or(0);
    ensure!(
        (1..=newest).contains(&version),
        "{shown} has layout version {version}, and this program reads {}: prepare it again, or use a newer program",
        if newest == 1 { "version 1".to_owned() } else { format!("versions 1 to {newest}") }
    );
    if number(&attributes, "complete").ok() != Some(1) {
        return Err(damaged(path, anyhow!("it was not written to its end")));
    }
    Ok(())
}

pub(crate) fn text(attributes: &HashMap<String, AttrValue>, name: &str) -> Result<String> {
    let value = attributes.get(name).and_then(AttrValue::as_str);
    Ok(value.with_context(|| format!("it has no text attribute `{name}`"))?.into())
}

pub(crate) fn number(attributes: &HashMap<String, AttrValue>, name: &str) -> Result<i64> {
    attributes.get(name).and_then(AttrValue::as_i64).with_context(|| format!("it has no number attribute `{name}`"))
}

pub(crate) fn read_provenance(file: &File) -> Result<Provenance> {
    let attributes = attributes(file)?;
    let (files, digests) = (list(file, "source_files")?, list(file, "source_sha256")?);
    ensure!(files.len() == digests.len(), "its lists of source files and their sha256 differ in length");
    let record = match attributes.contains_key("source_options") {
        true => {
            Some(SourceRecord { options: text(&attributes, "source_options")?, files: list(file, "source_listing")? })
        }
        false => None,
    };
    let stored = match attributes.contains_key("stored_form") {
        true => Some(serde_json::from_str(&text(&attributes, "stored_form")?).context("its `stored_form` is unknown")?),
        false => None,
    };
    let motion = match attributes.contains_key("motion_form") {
        true => Some(serde_json::from_str(&text(&attributes, "motion_form")?).context("its `motion_form` is unknown")?),
        false => None,
    };
    Ok(Provenance {
        source: text(&attributes, "source")?,
        synthetic: number(&attributes, "synthetic")? != 0,
        labelled_by: attributes.contains_key("labelled_by").then(|| text(&attributes, "labelled_by")).transpose()?,
        files: files.into_iter().zip(digests).collect(),
        command: text(&attributes, "command")?,
        notes: list(file, "notes")?,
        record,
        stored,
        motion,
    })
}

/// Whether the file has a dataset of this name. One that is there and damaged is an error, not absent.
pub(crate) fn exists(file: &File, name: &str) -> Result<bool> {
    let names = file.root().datasets().map_err(|e| plain(e).context("its datasets cannot be listed"))?;
    Ok(names.iter().any(|n| n == name))
}

fn dataset(file: &File, name: &str) -> Result<Dataset> {
    file.dataset(name).map_err(|e| plain(e).context(format!("its dataset `{name}` cannot be read")))
}

/// The values of a dataset.
pub(crate) fn values<T>(file: &File, name: &str, read: fn(&Dataset) -> Result<T, hdf5_pure::Error>) -> Result<T> {
    let cannot = || format!("its dataset `{name}` cannot be read");
    read_within(&dataset(file, name)?, file.file_size(), read).with_context(cannot)
}

/// Deflate makes nothing smaller than by 1 : 1032.
const LARGEST_RATIO: u64 = 1032;
/// More than what surrounds the values of a short file.
const SMALL: u64 = 1 << 20;

/// The values of a dataset in a file of so many bytes. The library takes the memory for a damaged size before it reads,
/// which ends the process: what a file of that length cannot hold is refused.
pub fn read_within<T>(dataset: &Dataset, length: u64, read: fn(&Dataset) -> Result<T, hdf5_pure::Error>) -> Result<T> {
    let size = dataset.element_size().map_err(plain)?;
    let bytes = |sides: &[u64]| sides.iter().try_fold(size, |n, &side| n.checked_mul(side));
    let most = length.saturating_mul(LARGEST_RATIO).saturating_add(SMALL);
    let shape = dataset.shape().map_err(plain)?;
    let chunk = dataset.chunk_shape().map_err(plain)?.unwrap_or_default();
    for sides in [shape, chunk] {
        ensure!(
            bytes(&sides).is_some_and(|n| n <= most),
            "a shape of {sides:?} with {size} bytes per element is more than a file of {length} bytes can hold: it is damaged"
        );
    }
    read(dataset).map_err(plain)
}

pub(crate) fn list(file: &File, name: &str) -> Result<Vec<String>> {
    if !exists(file, name)? {
        return Ok(Vec::new());
    }
    values(file, name, Dataset::read_string)
}
