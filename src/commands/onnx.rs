//! The export of a run's network: what goes into the file, and the check on the test set.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use ferrotype_kernels::recurrent::States;

use crate::config::Experiment;
use crate::data::task::{Facts, Subset};
use crate::evaluation::Scores;
use crate::export::{self, CheckBatch, ExportCheck, ModelCard};
use crate::model::{Graph, Layer, Network};
use crate::run::RunFolder;

/// Examples per batch of the check, at most.
const BATCH: usize = 64;

/// Bytes that the values of a batch of the check may have: what the second runtime holds at once is a few times that.
const BATCH_BYTES: usize = 1 << 30;

/// Exports to `out` and checks on `test`.
///
/// # Errors
/// When the network cannot be lowered, or the file fails its check: it is not left behind then.
pub fn export(
    network: &Network,
    experiment: &Experiment,
    facts: &Facts,
    test: &Subset,
    scores: &Scores,
    run: &RunFolder,
    out: &Path,
) -> Result<ExportCheck> {
    let card = ModelCard {
        clips: experiment.data.clips.clone(),
        preprocess: experiment.data.preprocess.clone(),
        classes: facts.classes.clone(),
        properties: properties(experiment, facts, scores, run),
    };
    let batches = test.indices.chunks(batch(network.graph())).map(|part| check_batch(test, part));
    let check = export::export(network, &card, out, experiment.export.tolerance, batches)?;
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

/// Examples per batch of the check: fewer of large networks.
fn batch(graph: &Graph) -> usize {
    let values = graph.nodes.iter().map(|node| match &node.layer {
        // Written step by step: the sums of all gates of all steps stand in memory.
        Layer::ConvLstm(layer) => {
            let steps = if layer.states == States::All { 1 } else { layer.steps };
            4 * steps * node.shape.len()
        }
        _ => node.shape.len(),
    });
    (BATCH_BYTES / (4 * values.sum::<usize>()).max(1)).clamp(1, BATCH)
}

/// What the file says of its origin.
fn properties(experiment: &Experiment, facts: &Facts, scores: &Scores, run: &RunFolder) -> BTreeMap<String, String> {
    let values: BTreeMap<&String, f64> = scores.metrics.iter().map(|(name, s)| (name, s.value)).collect();
    BTreeMap::from([
        ("experiment".to_owned(), experiment.name.clone()),
        ("run".to_owned(), run.title()),
        ("dataset".to_owned(), facts.source.clone()),
        ("dataset_synthetic".to_owned(), facts.synthetic.to_string()),
        ("dataset_sha256".to_owned(), facts.sha256.clone()),
        ("test_scores".to_owned(), serde_json::to_string(&values).unwrap_or_default()),
        ("commit".to_owned(), option_env!("FERROTYPE_COMMIT").unwrap_or("unknown").to_owned()),
    ])
}

/// The same pictures as the file takes them and as the network does.
fn check_batch(test: &Subset, part: &[usize]) -> Result<CheckBatch> {
    let mut batch = CheckBatch { rows: Vec::new(), pixels: Vec::new(), inputs: Vec::new(), labels: Vec::new() };
    for &i in part {
        let raw = test.raw(i)?;
        let mut scaled = raw.clone();
        test.pipeline().scale(&mut scaled);
        batch.rows.push(test.labelled.rows[i]);
        batch.labels.push(test.labelled.class(i));
        batch.pixels.extend(raw);
        batch.inputs.extend(scaled);
    }
    Ok(batch)
}

/// The check in a few lines.
pub fn text(check: &ExportCheck) -> String {
    format!(
        "checked  {} rows in {}: largest logit difference {:.2e} ({:.1e} of the range), arg-max agrees on {} of {} \
         decided rows, {} ties; accuracy {:.2} % (model) / {:.2} % (ONNX)",
        check.rows,
        check.runtime,
        check.largest_difference,
        check.relative_difference,
        check.agreeing,
        check.decided,
        check.ties.len(),
        100.0 * check.accuracy_network,
        100.0 * check.accuracy_onnx
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelOptions;

    #[test]
    fn batches_of_large_networks_are_small() {
        for (name, expected) in [("microx", 3..=6), ("mini_xception", BATCH..=BATCH)] {
            let options = ModelOptions::all().into_iter().find(|o| o.name() == name).unwrap();
            let batch = batch(&options.build(options.default_input(), 7).unwrap());
            assert!(expected.contains(&batch), "{name}: {batch}");
        }
    }
}
