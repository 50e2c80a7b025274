//! A prepared file, read, or made where there is none.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::options::{DataOptions, PictureStorage, SourceOptions, StorageOptions};
use crate::{FaceSet, clips, source_record, store};

/// Prepares a source into a file. Sources of pictures are prepared by [`sources::write`](crate::sources::write); those of
/// video files need a decoder and a detector, which are above this crate.
pub type Prepare = fn(&SourceOptions, &Path, &StorageOptions) -> Result<()>;

/// A prepared file as these options take it: its pictures, or its clips cut into segments.
///
/// # Errors
/// When it cannot be read, or holds clips where pictures are wanted or the other way round.
pub fn load(path: &Path, options: &DataOptions) -> Result<FaceSet> {
    let holds_clips = store::format_of(path).is_some_and(|format| format == clips::store::FORMAT);
    match &options.clips {
        Some(segments) => clips::face_set(path, segments),
        None if holds_clips => bail!(
            "{} holds clips: say in the experiment how they become examples, for instance\n  data: {{clips: {{parts: [mouth, \
             full_face], frames: 10}}}}",
            path.display()
        ),
        None => store::read(path),
    }
}

/// The prepared file, made first where it does not exist and the experiment says how.
///
/// # Errors
/// When it can be neither read nor made.
pub fn obtain(options: &DataOptions, prepare: Prepare) -> Result<FaceSet> {
    if !options.path.is_file() {
        make(options, prepare)?;
    }
    // A file that was just made is read back, so that training sees exactly what a later run will see; another process may
    // have made it meanwhile, from something else.
    let faces = load(&options.path, options)?;
    if let Some(source) = &options.source {
        source_record::check_options(faces.provenance.record.as_ref(), source, &options.path)?;
        check_storage(&faces, options)?;
    }
    Ok(faces)
}

/// Refuses a file with the pixels of pictures where the experiment asks for JPEG files, which may have others.
fn check_storage(faces: &FaceSet, options: &DataOptions) -> Result<()> {
    let is_jpeg = faces.shards.as_ref().is_some_and(|shards| shards.list().storage == PictureStorage::Jpeg);
    if options.storage.pictures == PictureStorage::Jpeg && !is_jpeg {
        bail!(
            "{} holds pixels, and data.storage.pictures is jpeg: make it again with `ferrotype train --rebuild` (it is replaced), \
             or leave data.storage out",
            options.path.display()
        );
    }
    Ok(())
}

/// What a new run should know of the prepared file that it is about to use: that it is still what its source gives.
///
/// # Errors
/// When the source's files are not those that it was made from.
pub fn check_source(options: &DataOptions, faces: &FaceSet) -> Result<Vec<String>> {
    let Some(source) = &options.source else { return Ok(Vec::new()) };
    let record = faces.provenance.record.as_ref();
    let notes = [
        source_record::check_options(record, source, &options.path)?,
        source_record::check_files(record, source, &options.path)?,
    ];
    Ok(notes.into_iter().flatten().collect())
}

/// Makes the prepared file as the experiment says, replacing the one that is there.
///
/// # Errors
/// When the experiment does not say how, or it cannot be made.
pub fn make(options: &DataOptions, prepare: Prepare) -> Result<()> {
    let Some(source) = &options.source else {
        bail!(
            "there is no data file {}: make it with `ferrotype data prepare` (see datasets/README.md), or say in the \
             experiment how (data.source)",
            options.path.display()
        );
    };
    if let Some(folder) = options.path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    prepare(source, &options.path, &options.storage).with_context(|| format!("cannot make {}", options.path.display()))
}
