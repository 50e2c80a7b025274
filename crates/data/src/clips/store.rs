//! The file of prepared clips: HDF5, described in `docs/clips.md`. Whole or not at all, like every prepared file. The pictures
//! of large sets lie in shards beside it.

mod pieces;

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::digest;
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder, FormatError};

use super::{CHANNELS, Clip, ClipSet, Features, Frames, Part, Skipped};
use crate::options::Component;
use crate::shards::tidy;
use crate::store::file::{
    Layout, attributes, damaged, exists, list, number, open, read_provenance, strings, values, write_provenance,
};
use crate::store::{DEFLATE, ROWS};
use ferrotype_run::files::write_atomic_with;

/// The value of the attribute `format`.
pub const FORMAT: &str = "ferrotype-clips";
const LAYOUT: Layout = Layout { format: FORMAT, version: WITH_PIECES, holds: "clips" };
/// The layout of files whose pictures lie in shards; others have version 1, which older programs read, too.
const WITH_PIECES: i64 = 2;
/// Pictures per chunk.
const CHUNK: u64 = 16;

/// Writes the clips to `path`, replacing what stands there once the new file is complete. Shards that do not belong to it are
/// removed then.
///
/// # Errors
/// When the set is not consistent or the file cannot be written; nothing is left behind.
pub fn write(set: &ClipSet, path: &Path) -> Result<()> {
    set.check().context("the clips to be written are not consistent")?;
    let builder = build(set).map_err(|e| anyhow!("cannot lay out {}: {e}", path.display()))?;
    write_atomic_with(path, |out| match builder.finish_to(out) {
        Err(hdf5_pure::Error::Io(cause)) => Err(cause.into()),
        other => Ok(other?),
    })?;
    tidy(path, set.pieces.as_ref().map_or(&[], |pieces| &pieces.shards.list().shards))
}

/// Reads prepared clips with these parts, in this order, or with all; all in memory.
///
/// # Errors
/// When the file is missing, cut off, damaged, not one of clips, or lacks a part; when one of its shards is missing, cut off or
/// damaged, or its pictures take more than 16 GiB.
pub fn read(path: &Path, parts: Option<&[Component]>) -> Result<ClipSet> {
    pieces::into_memory(open_parts(path, parts)?).map_err(|e| damaged(path, e))
}

/// As [`read`], but pictures in shards stay where they are, and are checked one by one when they are read.
///
/// # Errors
/// As there; of shards only that one is missing or cut off.
pub fn open_parts(path: &Path, parts: Option<&[Component]>) -> Result<ClipSet> {
    let file = open(path, true, LAYOUT)?;
    let stored = stored_parts(&file).map_err(|e| damaged(path, e))?;
    let chosen = chosen(&stored, parts, path)?;
    let fill = || -> Result<ClipSet> {
        let mut set = read_rows(&file)?;
        set.pieces = pieces::read(&file, path, &set, &stored, &chosen)?;
        for &number in &chosen {
            let (component, sha256) = &stored[number];
            set.parts.push(match set.pieces {
                Some(_) => Part { component: *component, pixels: Vec::new() },
                None => read_part(&file, *component, sha256)?,
            });
        }
        set.check()?;
        Ok(set)
    };
    fill().map_err(|e| damaged(path, e))
}

/// The numbers of these parts among the stored ones, or of all.
fn chosen(stored: &[(Component, String)], parts: Option<&[Component]>, path: &Path) -> Result<Vec<usize>> {
    let Some(parts) = parts else { return Ok((0..stored.len()).collect()) };
    let number = |wanted: &Component| {
        stored.iter().position(|(component, _)| component == wanted).with_context(|| {
            let names: Vec<&str> = stored.iter().map(|(p, _)| p.name()).collect();
            format!(
                "{} has no part `{wanted}`: it has {}; prepare it again with --parts, or choose among these in data.clips.parts",
                path.display(),
                names.join(", ")
            )
        })
    };
    parts.iter().map(number).collect()
}

/// Reads everything but the pictures; the parts are there without pixels.
///
/// # Errors
/// As [`open_parts`], but damage within the pictures is not seen.
pub fn summary(path: &Path) -> Result<ClipSet> {
    let file = open(path, true, LAYOUT)?;
    let rows = || -> Result<ClipSet> {
        let mut set = read_rows(&file)?;
        let stored = stored_parts(&file)?;
        set.pieces = pieces::read(&file, path, &set, &stored, &(0..stored.len()).collect::<Vec<_>>())?;
        set.parts = stored.into_iter().map(|(component, _)| Part { component, pixels: Vec::new() }).collect();
        set.check_clips()?;
        Ok(set)
    };
    rows().map_err(|e| damaged(path, e))
}

/// The pixels of one part, `[frames, size, size, 3]`, of a file that has them in itself.
///
/// # Errors
/// When the file or its part is missing or damaged.
pub(super) fn part(path: &Path, component: Component) -> Result<Vec<u8>> {
    Ok(read(path, Some(&[component]))?.parts.swap_remove(0).pixels)
}

/// The sha256 of the pixels of each part of a file.
///
/// # Errors
/// When it is missing, damaged, or not one of clips.
pub(super) fn digests(path: &Path) -> Result<Vec<(Component, String)>> {
    stored_parts(&open(path, true, LAYOUT)?).map_err(|e| damaged(path, e))
}

fn build(set: &ClipSet) -> Result<FileBuilder, FormatError> {
    let mut b = FileBuilder::new();
    let n = set.frames.len() as u64;
    let size = set.size as u64;
    for part in set.parts.iter().filter(|_| n > 0 && set.pieces.is_none()) {
        b.create_dataset(&format!("part_{}", part.component))
            .with_u8_data(&part.pixels)
            .with_shape(&[n, size, size, CHANNELS as u64])
            .with_chunks(&[CHUNK.min(n), size, size, CHANNELS as u64])
            .with_shuffle()
            .with_deflate(DEFLATE);
    }
    let parts: Vec<String> = set.parts.iter().map(|p| p.component.name().to_owned()).collect();
    let digests = match &set.pieces {
        Some(pieces) => {
            pieces::write(&mut b, set, pieces)?;
            pieces.digests.clone()
        }
        None => set.parts.iter().map(|p| digest::sha256(&p.pixels)).collect(),
    };
    strings(&mut b, "parts", &parts)?;
    strings(&mut b, "part_sha256", &digests)?;
    build_frames(&mut b, &set.frames);
    build_clips(&mut b, &set.clips)?;
    for table in &set.features {
        let columns = table.columns.len() as u64;
        matrix(&mut b, &format!("feature_{}", table.name), &table.values, &[n, columns]);
        strings(&mut b, &format!("feature_{}_columns", table.name), &table.columns)?;
    }
    let names: Vec<String> = set.features.iter().map(|f| f.name.clone()).collect();
    strings(&mut b, "features", &names)?;
    strings(&mut b, "classes", &set.classes)?;
    let (skipped, reasons): (Vec<_>, Vec<_>) = set.skipped.iter().map(|s| (s.clip.clone(), s.reason.clone())).unzip();
    strings(&mut b, "skipped", &skipped)?;
    strings(&mut b, "skipped_reason", &reasons)?;
    write_provenance(&mut b, &set.provenance)?;
    b.set_attr("format", AttrValue::VarLenString(FORMAT.into()));
    b.set_attr("schema_version", AttrValue::I64(if set.pieces.is_some() { WITH_PIECES } else { 1 }));
    b.set_attr("size", AttrValue::I64(set.size as i64));
    b.set_attr("complete", AttrValue::I64(1));
    Ok(b)
}

fn matrix(b: &mut FileBuilder, name: &str, values: &[f32], shape: &[u64]) {
    if shape.iter().all(|&s| s > 0) {
        let mut chunks = shape.to_vec();
        chunks[0] = chunks[0].min(ROWS);
        b.create_dataset(name).with_f32_data(values).with_shape(shape).with_chunks(&chunks).with_deflate(DEFLATE);
    }
}

fn build_frames(b: &mut FileBuilder, frames: &Frames) {
    if frames.is_empty() {
        return;
    }
    let n = frames.len() as u64;
    let chunk = [n.min(ROWS)];
    let copied: Vec<u8> = frames.copied.iter().map(|&c| u8::from(c)).collect();
    b.create_dataset("frame_number").with_u32_data(&frames.numbers).with_chunks(&chunk).with_deflate(DEFLATE);
    b.create_dataset("frame_time").with_f64_data(&frames.times).with_chunks(&chunk).with_deflate(DEFLATE);
    b.create_dataset("frame_track").with_u32_data(&frames.tracks).with_chunks(&chunk).with_deflate(DEFLATE);
    b.create_dataset("frame_copied").with_u8_data(&copied).with_chunks(&chunk).with_deflate(DEFLATE);
    b.create_dataset("landmark_score").with_f32_data(&frames.scores).with_chunks(&chunk).with_deflate(DEFLATE);
    matrix(b, "landmarks", &frames.landmarks, &[n, 68, 2]);
}

fn build_clips(b: &mut FileBuilder, clips: &[Clip]) -> Result<(), FormatError> {
    if clips.is_empty() {
        return Ok(());
    }
    let chunk = [(clips.len() as u64).min(ROWS)];
    let labels: Vec<i16> = clips.iter().map(|c| c.label).collect();
    b.create_dataset("clip_label").with_i16_data(&labels).with_chunks(&chunk).with_deflate(DEFLATE);
    let mut numbers = |name: &str, of: fn(&Clip) -> u32| {
        let column: Vec<u32> = clips.iter().map(of).collect();
        b.create_dataset(name).with_u32_data(&column).with_chunks(&chunk).with_deflate(DEFLATE);
    };
    numbers("clip_first", |c| c.first as u32);
    numbers("clip_frames", |c| c.count as u32);
    numbers("clip_decoded", |c| c.decoded);
    numbers("clip_with_face", |c| c.with_face);
    numbers("clip_errors", |c| c.errors);
    let mut texts = |name: &str, of: fn(&Clip) -> &String| {
        strings(b, name, &clips.iter().map(|c| of(c).clone()).collect::<Vec<_>>())
    };
    texts("clip", |c| &c.name)?;
    texts("clip_subject", |c| &c.subject)?;
    texts("clip_file", |c| &c.file)?;
    texts("clip_note", |c| &c.note)?;
    Ok(())
}

/// The parts that are there, with their sha256.
fn stored_parts(file: &File) -> Result<Vec<(Component, String)>> {
    let (names, digests) = (list(file, "parts")?, list(file, "part_sha256")?);
    ensure!(names.len() == digests.len(), "its lists of parts and their sha256 differ in length");
    let component = |name: &String| {
        Component::ALL.into_iter().find(|c| c.name() == name).with_context(|| format!("`{name}` is no part"))
    };
    names.iter().zip(digests).map(|(name, sha256)| Ok((component(name)?, sha256))).collect()
}

fn read_part(file: &File, component: Component, sha256: &str) -> Result<Part> {
    let name = format!("part_{component}");
    // A file of skipped clips alone has no pictures.
    let pixels = if exists(file, &name)? { values(file, &name, Dataset::read_u8)? } else { Vec::new() };
    ensure!(
        digest::sha256(&pixels) == sha256,
        "the sha256 of its part `{component}` is not the one it was written with"
    );
    Ok(Part { component, pixels })
}

fn read_rows(file: &File) -> Result<ClipSet> {
    let size = number(&attributes(file)?, "size")?;
    let names = list(file, "features")?;
    let table = |name: String| {
        let columns = list(file, &format!("feature_{name}_columns"))?;
        let values = column(file, &format!("feature_{name}"), Dataset::read_f32)?;
        Ok(Features { name, columns, values })
    };
    let (skipped, reasons) = (list(file, "skipped")?, list(file, "skipped_reason")?);
    ensure!(skipped.len() == reasons.len(), "its lists of skipped clips and reasons differ in length");
    Ok(ClipSet {
        size: usize::try_from(size).context("its size is negative")?,
        parts: Vec::new(),
        pieces: None,
        frames: Frames {
            numbers: column(file, "frame_number", Dataset::read_u32)?,
            times: column(file, "frame_time", Dataset::read_f64)?,
            tracks: column(file, "frame_track", Dataset::read_u32)?,
            copied: column(file, "frame_copied", Dataset::read_u8)?.into_iter().map(|c| c != 0).collect(),
            landmarks: column(file, "landmarks", Dataset::read_f32)?,
            scores: column(file, "landmark_score", Dataset::read_f32)?,
        },
        clips: read_clips(file)?,
        classes: list(file, "classes")?,
        features: names.into_iter().map(table).collect::<Result<_>>()?,
        skipped: skipped.into_iter().zip(reasons).map(|(clip, reason)| Skipped { clip, reason }).collect(),
        provenance: read_provenance(file)?,
    })
}

/// A column, or nothing where it is left out for being empty.
fn column<T>(file: &File, name: &str, read: fn(&Dataset) -> Result<Vec<T>, hdf5_pure::Error>) -> Result<Vec<T>> {
    if exists(file, name)? { values(file, name, read) } else { Ok(Vec::new()) }
}

fn read_clips(file: &File) -> Result<Vec<Clip>> {
    let labels = column(file, "clip_label", Dataset::read_i16)?;
    let numbers = |name: &str| column(file, name, Dataset::read_u32);
    let (first, count) = (numbers("clip_first")?, numbers("clip_frames")?);
    let (decoded, with_face, errors) = (numbers("clip_decoded")?, numbers("clip_with_face")?, numbers("clip_errors")?);
    let [names, subjects, files, notes] =
        ["clip", "clip_subject", "clip_file", "clip_note"].map(|name| list(file, name));
    let (names, subjects, files, notes) = (names?, subjects?, files?, notes?);
    for len in [first.len(), count.len(), decoded.len(), with_face.len(), errors.len(), names.len(), subjects.len()] {
        ensure!(len == labels.len(), "its columns of clips differ in length");
    }
    ensure!(files.len() == labels.len() && notes.len() == labels.len(), "its columns of clips differ in length");
    Ok((0..labels.len())
        .map(|i| Clip {
            name: names[i].clone(),
            subject: subjects[i].clone(),
            label: labels[i],
            first: first[i] as usize,
            count: count[i] as usize,
            decoded: decoded[i],
            with_face: with_face[i],
            errors: errors[i],
            file: files[i].clone(),
            note: notes[i].clone(),
        })
        .collect())
}
