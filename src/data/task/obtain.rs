//! A prepared file, read, or made where there is none.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::data::options::{DataOptions, DrawnClipsOptions, SourceOptions};
use crate::data::{FaceSet, clips, sources, store};
use crate::run::provenance::command_line;

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
pub fn obtain(options: &DataOptions) -> Result<FaceSet> {
    if options.path.is_file() {
        let faces = load(&options.path, options)?;
        check_drawn(&faces, options)?;
        return Ok(faces);
    }
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
    let made = || -> Result<()> {
        if crate::clips::is_clips(source) {
            return crate::clips::prepare(source, &options.path, &command_line()).map(drop);
        }
        store::write(&sources::prepare(source, &command_line())?, &options.path)
    };
    made().with_context(|| format!("cannot make {}", options.path.display()))?;
    // Read back, so that training sees exactly what a later run will see.
    load(&options.path, options)
}

/// Refuses drawn faces that are there already, but are not those that the experiment says how to draw: a trial with
/// another number of them would otherwise silently be one with the old.
fn check_drawn(faces: &FaceSet, options: &DataOptions) -> Result<()> {
    if let Some(SourceOptions::DrawnClips(wanted)) = &options.source {
        let note = wanted.note()?;
        let notes = &faces.provenance.notes;
        let other = notes.iter().find(|n| n.starts_with(DrawnClipsOptions::NOTE) && **n != note);
        ensure!(
            other.is_none(),
            "{} holds other clips than data.source.drawn_clips asks for ({}): remove the file, or name another with \
             data.path",
            options.path.display(),
            other.map_or("", String::as_str)
        );
        return Ok(());
    }
    let Some(SourceOptions::Synthetic(wanted)) = &options.source else { return Ok(()) };
    let (count, size) = (faces.len(), faces.images.width);
    if faces.provenance.synthetic && (count, size) != (wanted.count, wanted.size) {
        bail!(
            "{} holds {count} drawn faces of {size} pixels, but data.source.synthetic asks for {} of {}: remove the file, or \
             name another with data.path",
            options.path.display(),
            wanted.count,
            wanted.size
        );
    }
    Ok(())
}
