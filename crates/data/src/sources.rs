//! Datasets in their original forms, one file each. To add one: write its file, add its options to
//! [`SourceOptions`], and add one line to `load` and one to [`name`].

mod afew_va;
mod aff_wild2;
mod affectnet;
mod annotated;
mod bp4d;
mod ck_plus;
mod disfa;
mod facial;
mod fer2013;
mod ferplus;
mod folder;
mod joined;
mod label_files;
mod labels;
mod manifest;
mod megc2019;
pub mod micro;
mod names;
mod pictures;
mod posed;
mod rafdb;
mod table;
mod typed;
mod votes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};

use ferrotype_run::program::command_line;

use super::options::{SourceOptions, StorageOptions};
use super::shards::{Place, of_memory};
use super::source_record::SourceRecord;
use super::stored_form::StoredForm;
use super::{FaceSet, store, synthetic};

pub use pictures::FaceFinder;
use pictures::Reading;

/// Reads a dataset from its original form, to be written to `out`. `command` is kept in its provenance.
///
/// # Errors
/// Where a file is missing or is not what its format says; the message names file, row, column and what was expected. Where the
/// source asks for a face detector, which is above this crate: see [`prepare_with`].
pub fn prepare(source: &SourceOptions, out: &Path, command: &str) -> Result<FaceSet> {
    without_detector(source)?;
    prepare_with(source, out, command, None, None)
}

/// As [`prepare`], with what finds the faces of a source that asks for a [`detector`], and how the pictures are kept. Without
/// the latter all stay in memory; with it, those of large sets are in shards beside `out` afterwards, from where an earlier
/// call for the same was ended.
///
/// # Errors
/// As there, and when no face is found in a picture (with `skip_bad`, in none); when the disk has no room for the shards.
pub fn prepare_with(
    source: &SourceOptions,
    out: &Path,
    command: &str,
    finder: Option<&FaceFinder>,
    storage: Option<&StorageOptions>,
) -> Result<FaceSet> {
    let found_by = detector(source).map(|path| path.display().to_string()).unwrap_or_default();
    let place = storage.map(|options| Place { out, options, finder: &found_by });
    let mut faces = load(source, &Reading { finder, place })?;
    if let Some(place) = place.filter(|place| faces.shards.is_none() && is_large(&faces, place.options)) {
        faces.shards = Some(Arc::new(of_memory(&faces.images, place)?));
        faces.images.pixels = Vec::new();
    }
    let mut record = SourceRecord::take(source, out, &faces.provenance.files)?;
    if let SourceOptions::Manifest(o) = source {
        record.add_listed(o.csv.parent().unwrap_or(Path::new("")), &faces.names);
    }
    faces.provenance.record = Some(record);
    faces.provenance.stored = Some(StoredForm::of(&faces.images));
    ensure!(
        !faces.is_empty(),
        "there are no faces in the source {}: nothing to prepare",
        serde_json::to_string(source).unwrap_or_default()
    );
    faces.provenance.source = name(source).into();
    faces.provenance.command = command.into();
    Ok(faces)
}

/// As [`prepare`], written to the file and kept as `storage` says, with the command line of this process as the command.
///
/// # Errors
/// As [`prepare_with`], and when the file cannot be written.
pub fn write(source: &SourceOptions, out: &Path, storage: &StorageOptions) -> Result<()> {
    without_detector(source)?;
    store::write(&prepare_with(source, out, &command_line(), None, Some(storage))?, out)
}

fn without_detector(source: &SourceOptions) -> Result<()> {
    ensure!(
        detector(source).is_none(),
        "the source {} asks for faces to be cut out by a detector: this reader has none",
        name(source)
    );
    Ok(())
}

/// Whether pictures in memory belong in shards. Pictures of sequences and of motion stay where they are.
fn is_large(faces: &FaceSet, storage: &StorageOptions) -> bool {
    faces.segments.is_none()
        && faces.provenance.motion.is_none()
        && storage.uses_shards(faces.images.pixels.len() as u64)
}

/// The file of the face detector that a source asks for.
pub fn detector(source: &SourceOptions) -> Option<PathBuf> {
    detector_mut(&mut source.clone()).and_then(|file| file.take())
}

/// Where a source that finds faces keeps the detector's file, so that a command may put a file in the place of a name.
pub fn detector_mut(source: &mut SourceOptions) -> Option<&mut Option<PathBuf>> {
    match source {
        SourceOptions::Disfa(o) => Some(&mut o.detector),
        SourceOptions::Bp4d(o) => Some(&mut o.detector),
        SourceOptions::Jaffe(o) => Some(&mut o.detector),
        SourceOptions::Kdef(o) => Some(&mut o.detector),
        SourceOptions::Casme2(o) | SourceOptions::Smic(o) | SourceOptions::Samm(o) | SourceOptions::Casme3(o) => {
            Some(&mut o.detector)
        }
        _ => None,
    }
}

fn load(source: &SourceOptions, reading: &Reading) -> Result<FaceSet> {
    match source {
        SourceOptions::Synthetic(o) => synthetic::generate(o),
        SourceOptions::Fer2013(o) => fer2013::load(o),
        SourceOptions::Ferplus(o) => ferplus::load(o, reading),
        SourceOptions::Folder(o) => folder::load(o, reading),
        SourceOptions::Manifest(o) => manifest::load(o, reading),
        SourceOptions::Rafdb(o) => rafdb::load(o, reading),
        SourceOptions::Affectnet(o) => affectnet::load(o, reading),
        SourceOptions::Disfa(o) => disfa::load(o, reading),
        SourceOptions::Bp4d(o) => bp4d::load(o, reading),
        SourceOptions::CkPlus(o) => ck_plus::load(o, reading),
        SourceOptions::Jaffe(o) => posed::jaffe(o, reading),
        SourceOptions::Kdef(o) => posed::kdef(o, reading),
        SourceOptions::AfewVa(o) => afew_va::load(o, reading),
        SourceOptions::AffWild2(o) => aff_wild2::load(o, reading),
        SourceOptions::Megc2019(o) => megc2019::load(o),
        SourceOptions::Joined(o) => joined::load(o),
        SourceOptions::Casme2(_)
        | SourceOptions::Smic(_)
        | SourceOptions::Samm(_)
        | SourceOptions::Casme3(_)
        | SourceOptions::SyntheticMicro(_) => {
            anyhow::bail!("the source {} is made of frames, not of pictures: this reader has no detector", name(source))
        }
        SourceOptions::Clips(_)
        | SourceOptions::Baum1a(_)
        | SourceOptions::Baum1s(_)
        | SourceOptions::Baum2(_)
        | SourceOptions::SyntheticClips(_) => {
            anyhow::bail!("the source {} is one of clips, not of pictures: set data.clips", name(source))
        }
    }
}

/// The source's name, as in the experiment file and on the command line.
pub fn name(source: &SourceOptions) -> &'static str {
    match source {
        SourceOptions::Synthetic(_) => "synthetic",
        SourceOptions::Fer2013(_) => "fer2013",
        SourceOptions::Ferplus(_) => "ferplus",
        SourceOptions::Folder(_) => "folder",
        SourceOptions::Manifest(_) => "manifest",
        SourceOptions::Rafdb(_) => "rafdb",
        SourceOptions::Affectnet(_) => "affectnet",
        SourceOptions::Disfa(_) => "disfa",
        SourceOptions::Bp4d(_) => "bp4d",
        SourceOptions::CkPlus(_) => "ck_plus",
        SourceOptions::Jaffe(_) => "jaffe",
        SourceOptions::Kdef(_) => "kdef",
        SourceOptions::AfewVa(_) => "afew_va",
        SourceOptions::AffWild2(_) => "aff_wild2",
        SourceOptions::Megc2019(_) => "megc2019",
        SourceOptions::Casme2(_) => "casme2",
        SourceOptions::Smic(_) => "smic",
        SourceOptions::Samm(_) => "samm",
        SourceOptions::Casme3(_) => "casme3",
        SourceOptions::Joined(_) => "joined",
        SourceOptions::SyntheticMicro(_) => "synthetic_micro",
        SourceOptions::Clips(_) => "clips",
        SourceOptions::Baum1a(_) => "baum1a",
        SourceOptions::Baum1s(_) => "baum1s",
        SourceOptions::Baum2(_) => "baum2",
        SourceOptions::SyntheticClips(_) => "synthetic_clips",
    }
}
