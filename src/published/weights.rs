//! Weights to begin a training with, whoever wrote them.

use std::path::Path;

use anyhow::{Context, Result};
use ferrotype_data::options::Preprocess;
use ferrotype_interop::import::{self, ExpectedForm, Head, Matched};
use ferrotype_model::ModelOptions;
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_training::initial::Source;

use super::file_of;

/// Weights for a network from a run, a file of Ferrotype's or another program's, or a published model (`hub:NAME`); of another
/// program's, what was done to pictures there.
///
/// # Errors
/// When there are none, they are damaged, or they are those of another network.
pub fn initial(
    path: &Path,
    model: &ModelOptions,
    preprocess: &Preprocess,
    classes: &[String],
) -> Result<(Source, Option<Preprocess>)> {
    let file = file_of("train.init", path)?;
    if !file.is_file() || Checkpoint::is_one(&file) {
        return Ok((Source::read(&file)?, None));
    }
    let foreign = import::read(&file)?;
    let forms: Vec<ExpectedForm> = origins(model, preprocess)
        .into_iter()
        .map(|origin| {
            let theirs = Preprocess { size: preprocess.size, colour: preprocess.colour, ..origin.preprocess.clone() };
            ExpectedForm { preprocess: theirs, model: model.clone(), origin }
        })
        .collect();
    let matched = match import::match_form(&foreign, forms.clone(), Head::File, None) {
        Ok(matched) => matched,
        // A file without a classifier, or with one of other classes.
        Err(first) => import::match_form(&foreign, forms, Head::New, Some(classes)).map_err(|_| first)?,
    };
    let theirs = matched.expected.preprocess.clone();
    Ok((source(&file, matched).with_context(|| format!("cannot begin with {}", path.display()))?, Some(theirs)))
}

/// The forms in which the network was published, and our own names.
fn origins(model: &ModelOptions, preprocess: &Preprocess) -> Vec<ferrotype_model::published::Origin> {
    let mut origins = model.architecture().origins();
    origins.push(import::own_form(model.clone(), preprocess.clone()));
    origins
}

fn source(file: &Path, matched: Matched) -> Result<Source> {
    let meta = Meta { model: matched.expected.model.name().into(), classes: matched.classes, ..Meta::default() };
    Source::of_tensors(file.to_path_buf(), meta, matched.state)
}
