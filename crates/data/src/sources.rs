//! Datasets in their original forms, one file each. To add one: write its file, add its options to
//! [`SourceOptions`], and add one line to `load` and one to [`name`].

mod affectnet;
mod fer2013;
mod ferplus;
mod folder;
mod joined;
mod labels;
mod manifest;
mod megc2019;
pub mod micro;
mod names;
mod pictures;
mod rafdb;
mod table;
mod typed;
mod votes;

use std::path::Path;

use anyhow::{Result, ensure};

use ferrotype_run::provenance::command_line;

use super::options::SourceOptions;
use super::source_record::SourceRecord;
use super::stored_form::StoredForm;
use super::{FaceSet, store, synthetic};

/// Reads a dataset from its original form, to be written to `out`. `command` is kept in its provenance.
///
/// # Errors
/// Where a file is missing or is not what its format says; the message names file, row, column and what was expected.
pub fn prepare(source: &SourceOptions, out: &Path, command: &str) -> Result<FaceSet> {
    let mut faces = load(source)?;
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

/// As [`prepare`], written to the file, with the command line of this process as the command.
///
/// # Errors
/// As [`prepare`], and when the file cannot be written.
pub fn write(source: &SourceOptions, out: &Path) -> Result<()> {
    store::write(&prepare(source, out, &command_line())?, out)
}

fn load(source: &SourceOptions) -> Result<FaceSet> {
    match source {
        SourceOptions::Synthetic(o) => synthetic::generate(o),
        SourceOptions::Fer2013(o) => fer2013::load(o),
        SourceOptions::Ferplus(o) => ferplus::load(o),
        SourceOptions::Folder(o) => folder::load(o),
        SourceOptions::Manifest(o) => manifest::load(o),
        SourceOptions::Rafdb(o) => rafdb::load(o),
        SourceOptions::Affectnet(o) => affectnet::load(o),
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
