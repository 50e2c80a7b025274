//! The export of a run's network: what goes into the file, and the check on labelled rows or on other pictures.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use ferrotype_base::targets::{Head, output_names};
use ferrotype_kernels::recurrent::States;

use crate::config::Experiment;
use ferrotype_data::options::SyntheticOptions;
use ferrotype_data::preprocess::{Picture, Pipeline, Views};
use ferrotype_data::synthetic;
use ferrotype_data::task::{DatasetSummary, Subset};
use ferrotype_evaluation::Scores;
use ferrotype_expressions::LoadedRun;
use ferrotype_interop::export::{self, CheckBatch, ExportCheck, ModelCard, Reduced, ReducedCheck};
use ferrotype_model::{Graph, Layer, Network};
use ferrotype_run::RunFolder;
use ferrotype_training::interrupt::{Interrupt, Interrupted};

/// Examples per batch of the check, at most.
const BATCH: usize = 64;

/// Bytes that the values of a batch of the check may have: what the second runtime holds at once is a few times that.
const BATCH_BYTES: usize = 1 << 30;

/// What the file is checked on.
pub enum Examples<'a> {
    /// Labelled rows of a dataset.
    Rows(&'a Subset),
    /// Pictures without labels.
    Pictures(&'a Pictures),
}

/// Pictures without labels, as the network takes them.
pub struct Pictures {
    /// Of each example the planes that the file's views are taken from, in the model's channels, 0..255.
    pub planes: Vec<Vec<f32>>,
    /// The network's preprocessing.
    pub pipeline: Pipeline,
    /// What they are, for the record.
    pub what: String,
}

impl Examples<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Rows(subset) => subset.len(),
            Self::Pictures(pictures) => pictures.planes.len(),
        }
    }

    fn what(&self) -> &str {
        match self {
            Self::Rows(_) => "",
            Self::Pictures(pictures) => &pictures.what,
        }
    }

    fn pipeline(&self) -> &Pipeline {
        match self {
            Self::Rows(subset) => subset.pipeline(),
            Self::Pictures(pictures) => &pictures.pipeline,
        }
    }

    /// The same pictures as the file takes them and as the network does.
    fn batch(&self, views: Views, part: impl Iterator<Item = usize>) -> Result<CheckBatch> {
        let (pipeline, source) = (self.pipeline(), self.pipeline().for_views(views));
        let inputs = vec![Vec::new(); views.crops().len()];
        let mut batch = CheckBatch { rows: Vec::new(), pixels: Vec::new(), inputs, labels: Vec::new() };
        for n in part {
            let (row, raw) = match self {
                Self::Rows(subset) => {
                    let i = subset.indices[n];
                    if subset.labelled.heads.is_empty() {
                        batch.labels.push(subset.labelled.class(i));
                    }
                    (subset.labelled.rows[i], subset.raw_by(i, &source)?)
                }
                Self::Pictures(pictures) => (n as u32, pictures.planes[n].clone()),
            };
            batch.rows.push(row);
            batch.pixels.extend(&raw);
            for (inputs, mut square) in batch.inputs.iter_mut().zip(views.squares(pipeline, raw)) {
                pipeline.scale(&mut square);
                inputs.extend(square);
            }
        }
        Ok(batch)
    }
}

/// Synthetic faces, for a network whose data are not at hand, as these views of them take them. Of a network of sequences each
/// example takes the faces that follow its first.
///
/// # Errors
/// When the experiment's preprocessing is none.
pub fn drawn_pictures(loaded: &LoadedRun, views: Views, count: usize) -> Result<Pictures> {
    let data = &loaded.experiment.data;
    let pictures = data.clips.as_ref().map_or(1, |clips| clips.pictures());
    let pipeline = Pipeline::new(&data.preprocess)?;
    let size = data.preprocess.frame().clamp(16, 1024);
    let images =
        synthetic::generate(&SyntheticOptions { count: count + pictures - 1, size, ..SyntheticOptions::default() })?
            .images;
    let source = pipeline.for_views(views);
    let one = |n: usize| Ok(source.resize_colour(&Picture::new(images.get(n), size, size, images.channels)?));
    let faces: Vec<Vec<f32>> = (0..images.len()).map(one).collect::<Result<_>>()?;
    let planes = (0..count).map(|n| faces[n..n + pictures].concat()).collect();
    let what = format!("synthetic faces: {} is not at hand", data.path.display());
    Ok(Pictures { planes, pipeline: pipeline.with_pictures(pictures), what })
}

/// The network that is exported, and what is known of it.
pub struct Exported<'a> {
    /// With the selected weights.
    pub network: &'a Network,
    /// Its run's experiment.
    pub experiment: &'a Experiment,
    /// What is known of the data.
    pub facts: &'a DatasetSummary,
    /// Its heads, where it has some.
    pub heads: &'a [Head],
    /// Its scores on the test set, where there are any.
    pub scores: &'a Scores,
    /// Its run.
    pub run: &'a RunFolder,
    /// The views of a picture that the file averages.
    pub views: Views,
}

impl<'a> Exported<'a> {
    /// The network of a run, with the views by which it is scored.
    pub fn of(loaded: &'a LoadedRun, facts: &'a DatasetSummary, scores: &'a Scores) -> Self {
        Self {
            network: &loaded.network,
            experiment: &loaded.experiment,
            facts,
            heads: &loaded.meta.heads,
            scores,
            run: &loaded.run,
            views: loaded.experiment.evaluate.views(),
        }
    }
}

/// Exports to `out` and checks on `examples`.
///
/// # Errors
/// When the network cannot be lowered, the file fails its check, or a stop is asked for: no file is left behind then.
pub fn export(what: &Exported, examples: &Examples, out: &Path, interrupt: &Interrupt) -> Result<ExportCheck> {
    let Exported { network, experiment, .. } = what;
    let card = card(what, examples.what());
    let batches = batches(examples, what, out, interrupt);
    let mut check = export::export(network, &card, out, experiment.export.tolerance, batches)?;
    check.checked_on = examples.what().to_owned();
    if !check.passed {
        bail!(
            "the exported ONNX graph does not compute what the model computes, so {} was not written: the largest \
             difference of a logit is {:.2e} of the logits' range (allowed {:.0e}), and {} of {} decided rows agree. \
             Please report this; export.onnx: false trains without an export",
            out.display(),
            check.relative_difference,
            check.tolerance,
            check.agreeing,
            check.decided
        );
    }
    Ok(check)
}

/// Exports to `out` in fewer bits and checks on labelled rows what that loses.
///
/// # Errors
/// When the network cannot be written so, loses more than allowed, or a stop is asked for: no file is left behind then.
pub fn export_reduced(
    what: &Exported,
    rows: &Subset,
    out: &Path,
    wanted: &Reduced,
    interrupt: &Interrupt,
) -> Result<ReducedCheck> {
    let examples = Examples::Rows(rows);
    let batches = batches(&examples, what, out, interrupt);
    let check = export::export_reduced(what.network, &card(what, ""), out, wanted, batches)?;
    if !check.passed {
        let less = match wanted.precision {
            export::Precision::Int8 => "more --calibration-rows, or fp16, may lose less",
            _ => "fp32 loses nothing",
        };
        bail!("{} was not written: {}. --max-loss allows more; {less}", out.display(), reduced_text(&check));
    }
    Ok(check)
}

/// So many rows of a set, evenly spaced, in batches.
///
/// # Errors
/// When a row cannot be read.
pub fn evenly_spaced(subset: &Subset, views: Views, count: usize) -> Result<Vec<CheckBatch>> {
    let (all, examples) = (subset.len(), Examples::Rows(subset));
    let count = count.min(all);
    let place = |i: usize| i * all / count;
    (0..count).step_by(BATCH).map(|from| examples.batch(views, (from..count.min(from + BATCH)).map(place))).collect()
}

/// What a file of fewer bits loses and gains, in a few lines.
pub fn reduced_text(check: &ReducedCheck) -> String {
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    format!(
        "accuracy {:.2} % (model) / {:.2} % ({}): {:+.2} points on {} rows (at most {} may be lost); the same class in {:.1} %; {:.2} MB in \
         place of {:.2}; {:.2} ms a picture in place of {:.2} in {}",
        100.0 * check.accuracy_network,
        100.0 * check.accuracy_onnx,
        check.precision.as_str(),
        -check.loss,
        check.rows,
        check.allowed,
        100.0 * check.same_class as f64 / check.rows as f64,
        megabytes(check.bytes),
        megabytes(check.bytes_fp32),
        check.milliseconds,
        check.milliseconds_fp32,
        check.runtime,
    )
}

/// What the file says of its network.
fn card(what: &Exported, checked_on: &str) -> ModelCard {
    let Exported { experiment, facts, heads, .. } = what;
    let mut properties = properties(what);
    if !checked_on.is_empty() {
        properties.insert("checked_on".to_owned(), checked_on.to_owned());
    }
    ModelCard {
        views: what.views,
        clips: experiment.data.clips.clone(),
        preprocess: experiment.data.preprocess.clone(),
        classes: if heads.is_empty() { facts.classes.clone() } else { output_names(heads) },
        heads: heads.to_vec(),
        properties,
    }
}

/// The examples in batches that the second runtime has room for, until a stop is asked for.
fn batches<'a>(
    examples: &'a Examples,
    what: &Exported,
    out: &'a Path,
    interrupt: &'a Interrupt,
) -> impl Iterator<Item = Result<CheckBatch>> + 'a {
    let views = what.views;
    let (all, size) = (examples.len(), batch(what.network.graph(), views));
    // The last part is empty: whoever asks for a stop during the one before is obeyed, too.
    let parts = (0..all).step_by(size).chain([all]).map(move |from| from..all.min(from + size));
    parts.map(move |part| {
        if interrupt.is_asked() {
            return Err(Interrupted(format!("the export was interrupted: {} was not written", out.display())).into());
        }
        examples.batch(views, part)
    })
}

/// Examples per batch of the check: fewer of large networks.
fn batch(graph: &Graph, views: Views) -> usize {
    let values = graph.nodes.iter().map(|node| match &node.layer {
        // Written step by step: the sums of all gates of all steps stand in memory.
        Layer::ConvLstm(layer) => {
            let steps = if layer.states == States::All { 1 } else { layer.steps };
            4 * steps * node.shape.len()
        }
        _ => node.shape.len(),
    });
    (BATCH_BYTES / (4 * views.count() * values.sum::<usize>()).max(1)).clamp(1, BATCH)
}

/// What the file says of its origin.
fn properties(what: &Exported) -> BTreeMap<String, String> {
    let Exported { experiment, facts, scores, run, .. } = what;
    let values: BTreeMap<&String, f64> = scores.metrics.iter().map(|(name, s)| (name, s.value)).collect();
    let stored = facts.stored.and_then(|form| serde_json::to_string(&form).ok());
    let stored = stored.map(|form| ("stored_form".to_owned(), form));
    let mut properties = BTreeMap::from([
        ("experiment".to_owned(), experiment.name.clone()),
        ("run".to_owned(), run.title()),
        ("dataset".to_owned(), facts.source.clone()),
        ("dataset_synthetic".to_owned(), facts.synthetic.to_string()),
        ("dataset_sha256".to_owned(), facts.sha256.clone()),
        ("commit".to_owned(), crate::COMMIT.to_owned()),
    ]);
    properties.extend(stored);
    // They are scores of the file only where it sees what scoring saw.
    if what.views == experiment.evaluate.views() {
        properties.insert("test_scores".to_owned(), serde_json::to_string(&values).unwrap_or_default());
    }
    properties
}

/// What the check found, of any model.
pub fn figures(check: &ExportCheck) -> String {
    format!(
        "{} rows, largest difference of an output {:.1e} ({:.1e} of its head's range, allowed {:.0e}), {} of {} decided \
         answers agree, {} ties",
        check.rows,
        check.largest_difference,
        check.relative_difference,
        check.tolerance,
        check.agreeing,
        check.decided,
        check.ties.len()
    )
}

/// The check in a few lines.
pub fn text(check: &ExportCheck) -> String {
    let what = match check.checked_on.as_str() {
        "" => format!("{} rows", check.rows),
        pictures => format!("{} pictures without labels ({pictures})", check.rows),
    };
    let accuracy = match (check.accuracy_network, check.accuracy_onnx) {
        (Some(a), Some(b)) => format!("; accuracy {:.2} % (model) / {:.2} % (ONNX)", 100.0 * a, 100.0 * b),
        _ => "; no accuracy: that takes labelled rows (--data)".to_owned(),
    };
    format!(
        "checked  {what} in {}: largest logit difference {:.2e} ({:.1e} of the range), arg-max agrees on {} of {} \
         decided rows, {} ties{accuracy}",
        check.runtime,
        check.largest_difference,
        check.relative_difference,
        check.agreeing,
        check.decided,
        check.ties.len(),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;

    use super::*;
    use ferrotype_data::options::{Preprocess, Scale};
    use ferrotype_model::ModelOptions;

    #[test]
    fn batches_of_large_networks_are_small() {
        for (name, expected) in [("microx", 3..=6), ("mini_xception", BATCH..=BATCH)] {
            let options = ModelOptions::all().into_iter().find(|o| o.name() == name).unwrap();
            let graph = options.build(options.default_input(), 7).unwrap();
            let size = batch(&graph, Views::Single);
            assert!(expected.contains(&size), "{name}: {size}");
            assert!(batch(&graph, Views::TenCrop) <= size, "{name}");
        }
    }

    #[test]
    fn a_stop_is_obeyed_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let experiment: Experiment = serde_json::from_value(serde_json::json!({
            "name": "x",
            "data": { "path": "none.h5", "preprocess": { "size": 24, "scale": "signed" } },
            "model": { "tiny_xception": {} },
            "train": { "epochs": 1, "lr": 1e-3 },
        }))
        .unwrap();
        let preprocess: &Preprocess = &experiment.data.preprocess;
        assert_eq!(preprocess.scale, Scale::Signed);
        let graph = Arc::new(experiment.model.build(experiment.data.input(), 2).unwrap());
        let network = Network::new(graph, 1, &Device::flex());
        let facts = DatasetSummary { classes: vec!["a".into(), "b".into()], ..DatasetSummary::default() };
        let run = RunFolder::create_at(folder.path()).unwrap();
        let scores = Scores::default();
        let what = Exported {
            network: &network,
            experiment: &experiment,
            facts: &facts,
            heads: &[],
            scores: &scores,
            run: &run,
            views: Views::Single,
        };
        let planes = (0..3).map(|k| (0..24 * 24).map(|i| ((i * (k + 1)) % 256) as f32).collect()).collect();
        let pictures = Pictures { planes, pipeline: Pipeline::new(preprocess).unwrap(), what: "drawn".into() };
        let (out, interrupt) = (folder.path().join("model.onnx"), Interrupt::default());
        let check = export(&what, &Examples::Pictures(&pictures), &out, &interrupt).unwrap();
        assert_eq!((check.rows, check.accuracy_onnx, check.checked_on.as_str()), (3, None, "drawn"));
        std::fs::remove_file(&out).unwrap();
        interrupt.ask();
        let error = export(&what, &Examples::Pictures(&pictures), &out, &interrupt).unwrap_err();
        assert!(error.downcast_ref::<Interrupted>().is_some(), "{error:#}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
