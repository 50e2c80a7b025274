//! Runs an ONNX file in a second runtime (rten) and compares it with the network it came from.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::statistics::first_largest;
use serde::{Deserialize, Serialize};

use super::ModelCard;
use super::heads::{as_exported, decisions, gather, output_names};
use ferrotype_base::targets::Head;
use ferrotype_data::preprocess::Views;
use ferrotype_model::{Network, averaged};

/// The second runtime.
pub(super) const RUNTIME: &str = "rten 0.27";

/// Pictures, both as the file takes them and as the network does.
#[derive(Clone, Debug)]
pub struct CheckBatch {
    /// Row in the dataset per picture.
    pub rows: Vec<u32>,
    /// `[pictures, channels, size, size]`, raw 0..255: the file's input, [`ModelCard::input`].
    pub pixels: Vec<f32>,
    /// The same pictures as the network takes them, preprocessed: for each square that is seen of them
    /// ([`Views::squares`](ferrotype_data::preprocess::Views::squares)) `[pictures, channels, size, size]`.
    pub inputs: Vec<Vec<f32>>,
    /// True class per picture; empty of pictures without labels.
    pub labels: Vec<usize>,
}

/// A row whose two largest logits lie so close that rounding may decide between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tie {
    /// Row in the dataset.
    pub row: u32,
    /// Difference of the network's two largest logits.
    pub margin: f64,
    /// The network's class.
    pub network: usize,
    /// The file's class.
    pub onnx: usize,
}

/// How an ONNX file and the network it came from compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportCheck {
    /// Whether the file may be kept: every row's difference within tolerance, every decided row's class the same.
    pub passed: bool,
    /// What ran the file.
    pub runtime: String,
    /// Rows compared.
    pub rows: usize,
    /// Largest difference of a logit.
    pub largest_difference: f64,
    /// The network's largest logit minus its smallest, over all rows.
    pub logit_range: f64,
    /// Largest difference divided by the range.
    pub relative_difference: f64,
    /// Largest relative difference allowed.
    pub tolerance: f64,
    /// Largest difference between the file's probabilities and the softmax of its logits.
    pub probability_error: f64,
    /// Rows whose two largest logits differ by more than twice the largest difference.
    pub decided: usize,
    /// Decided rows with the same class on both sides.
    pub agreeing: usize,
    /// The other rows.
    pub ties: Vec<Tie>,
    /// What the two were compared on, where it was not labelled rows of a dataset.
    #[serde(default)]
    pub checked_on: String,
    /// The network's accuracy; none on pictures without labels.
    pub accuracy_network: Option<f64>,
    /// The file's accuracy.
    pub accuracy_onnx: Option<f64>,
}

/// Logits of both sides, row by row.
#[derive(Default)]
struct Seen {
    rows: Vec<u32>,
    labels: Vec<usize>,
    network: Vec<Vec<f32>>,
    onnx: Vec<Vec<f32>>,
    probability_error: f64,
}

/// Runs the file at `path` on the raw pixels and the network on the preprocessed ones, and compares the logits; of a model
/// with heads, the outputs of each.
pub fn verify(
    path: &Path,
    network: &Network,
    card: &ModelCard,
    tolerance: f64,
    batches: impl IntoIterator<Item = Result<CheckBatch>>,
) -> Result<ExportCheck> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let model = rten::Model::load(bytes).map_err(|e| anyhow!("{RUNTIME} cannot load {}: {e}", path.display()))?;
    let mut seen = Seen::default();
    for batch in batches {
        let batch = batch?;
        check_batch(network, card, &batch)?;
        if batch.rows.is_empty() {
            continue;
        }
        let (logits, error) = run_onnx(&model, card, &batch)?;
        let mut own = run_network(network, card.views, &batch)?;
        ensure!(
            own.iter().all(|v| v.is_finite()),
            "{} gives logits that are not finite numbers: its weights cannot be exported",
            network.graph().name
        );
        let classes = network.graph().classes;
        seen.probability_error = worse(seen.probability_error, error);
        own.chunks_exact_mut(classes).for_each(|row| as_exported(&card.heads, row));
        seen.network.extend(own.chunks_exact(classes).map(<[f32]>::to_vec));
        seen.onnx.extend(logits);
        seen.rows.extend(batch.rows);
        seen.labels.extend(batch.labels);
    }
    ensure!(!seen.rows.is_empty(), "an export is checked on pictures, but there are none");
    Ok(compare(&seen, &card.heads, tolerance))
}

pub(super) fn check_batch(network: &Network, card: &ModelCard, batch: &CheckBatch) -> Result<()> {
    let n = batch.rows.len();
    let pixels = n * card.input().iter().product::<usize>();
    let (squares, values) = (card.views.crops().len(), n * network.graph().input.iter().product::<usize>());
    ensure!(
        batch.pixels.len() == pixels
            && batch.inputs.len() == squares
            && batch.inputs.iter().all(|square| square.len() == values)
            && [0, n].contains(&batch.labels.len()),
        "a batch of {n} pictures for {} needs {pixels} pixels, {squares} times {values} inputs and {n} labels or none, but has {} \
         pixels, {:?} inputs and {} labels",
        network.graph().name,
        batch.pixels.len(),
        batch.inputs.iter().map(Vec::len).collect::<Vec<_>>(),
        batch.labels.len()
    );
    Ok(())
}

/// The file's outputs row by row, and how far its probabilities are from those of its logits.
pub(super) fn run_onnx(model: &rten::Model, card: &ModelCard, batch: &CheckBatch) -> Result<(Vec<Vec<f32>>, f64)> {
    let ([channels, height, width], classes) = (card.input(), card.classes.len());
    let heads = card.heads.as_slice();
    let id = |name: &str| model.node_id(name).map_err(|e| anyhow!("the ONNX file has no value `{name}`: {e}"));
    let shape = [batch.rows.len(), channels, height, width];
    let pixels = rten::Value::from_shape(&shape, batch.pixels.clone()).map_err(|e| anyhow!("{e}"))?;
    let names = match heads {
        [] => vec!["logits".to_owned(), "probabilities".into()],
        heads => output_names(heads),
    };
    let ids = names.iter().map(|name| id(name)).collect::<Result<Vec<_>>>()?;
    let outputs = model
        .run(vec![(id("pixels")?, pixels.into())], &ids, None)
        .map_err(|e| anyhow!("{RUNTIME} cannot run the ONNX file: {e}"))?;
    let mut values = Vec::new();
    for output in outputs {
        let (shape, v) = output.into_shape_vec::<f32, 2>().map_err(|e| anyhow!("an output of the ONNX file: {e}"))?;
        let fits = shape[0] == batch.rows.len() && (!heads.is_empty() || shape[1] == classes);
        ensure!(fits, "an output of the ONNX file has shape {shape:?}");
        values.push(v);
    }
    if !heads.is_empty() {
        return gather(heads, batch.rows.len(), values);
    }
    let (probabilities, logits) = (values.pop().unwrap_or_default(), values.pop().unwrap_or_default());
    let rows = logits.chunks_exact(classes).map(<[f32]>::to_vec).collect::<Vec<_>>();
    let errors = rows.iter().zip(probabilities.chunks_exact(classes)).map(|(row, p)| softmax_error(row, p));
    let error = errors.fold(0.0, worse);
    Ok((rows, error))
}

pub(super) fn run_network(network: &Network, views: Views, batch: &CheckBatch) -> Result<Vec<f32>> {
    let [channels, height, width] = network.graph().input;
    let shape = [batch.rows.len(), channels, height, width];
    let tensor = |square: &Vec<f32>| Tensor::from_data(TensorData::new(square.clone(), shape), network.device());
    let logits = averaged(views.are_mirrored(), batch.inputs.iter().map(tensor), |x| network.forward(x))?;
    Ok(logits.try_into_data()?.try_into_vec::<f32>()?)
}

/// What both sides decide, and by how much the network does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Decision {
    /// Difference between the outputs that decide.
    pub margin: f64,
    /// The network's choice.
    pub network: usize,
    /// The file's choice.
    pub onnx: usize,
}

/// Largest difference of these columns of both sides, and the range of the network's.
fn difference_and_range(seen: &Seen, columns: &Range<usize>) -> (f64, f64) {
    let pairs = || seen.network.iter().zip(&seen.onnx);
    let both = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let pairs = a[columns.clone()].iter().zip(&b[columns.clone()]);
        pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs()).fold(0.0, worse)
    };
    let all = || seen.network.iter().flat_map(|row| &row[columns.clone()]).map(|&v| f64::from(v));
    let range = all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min);
    (pairs().map(both).fold(0.0, worse), range)
}

fn compare(seen: &Seen, heads: &[Head], tolerance: f64) -> ExportCheck {
    let pairs = || seen.network.iter().zip(&seen.onnx);
    let width = seen.network.first().map_or(0, Vec::len);
    let (largest_difference, logit_range) = difference_and_range(seen, &(0..width));
    // Each head by its own range: logits may be ten times as large as values.
    let whole = std::iter::once(0..width).filter(|_| heads.is_empty());
    let parts: Vec<Range<usize>> = whole.chain(heads.iter().map(Head::range)).collect();
    let relative = |part: &Range<usize>| match difference_and_range(seen, part) {
        (0.0, _) => 0.0,
        (difference, range) => worse(0.0, difference / range),
    };
    let relative_difference = parts.iter().map(relative).fold(0.0, worse);

    let (mut decided, mut agreeing, mut ties) = (0, 0, Vec::new());
    for (&row, (a, b)) in seen.rows.iter().zip(pairs()) {
        let decisions = match heads {
            [] => vec![Decision { margin: margin(a), network: first_largest(a), onnx: first_largest(b) }],
            heads => decisions(heads, a, b),
        };
        for Decision { margin, network, onnx } in decisions {
            if margin > 2.0 * largest_difference {
                decided += 1;
                agreeing += usize::from(network == onnx);
            } else {
                ties.push(Tie { row, margin, network, onnx });
            }
        }
    }
    let accuracy = |side: &[Vec<f32>]| {
        let right = side.iter().zip(&seen.labels).filter(|(z, label)| first_largest(z) == **label).count();
        let all = seen.labels.len();
        (all > 0 && all == seen.rows.len()).then(|| right as f64 / all as f64)
    };
    ExportCheck {
        passed: relative_difference <= tolerance && seen.probability_error <= 1e-5 && agreeing == decided,
        runtime: RUNTIME.into(),
        rows: seen.rows.len(),
        largest_difference,
        logit_range,
        relative_difference,
        tolerance,
        probability_error: seen.probability_error,
        decided,
        agreeing,
        ties,
        checked_on: String::new(),
        accuracy_network: accuracy(&seen.network),
        accuracy_onnx: accuracy(&seen.onnx),
    }
}

/// The larger of two differences. What is not a number, or infinite, counts as the largest number: JSON knows neither.
pub(super) fn worse(a: f64, b: f64) -> f64 {
    if b.is_finite() { a.max(b) } else { f64::MAX }
}

/// The difference of the two largest logits; infinite for a single class.
pub(super) fn margin(z: &[f32]) -> f64 {
    let best = first_largest(z);
    let second = (0..z.len()).filter(|&j| j != best).map(|j| z[j]).fold(f32::NEG_INFINITY, f32::max);
    f64::from(z[best]) - f64::from(second)
}

pub(super) fn softmax_error(logits: &[f32], probabilities: &[f32]) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let e: Vec<f64> = logits.iter().map(|&v| f64::from(v - max).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().zip(probabilities).map(|(e, &p)| (e / sum - f64::from(p)).abs()).fold(0.0, worse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(network: &[[f32; 3]], onnx: &[[f32; 3]]) -> Seen {
        Seen {
            rows: (0..network.len() as u32).collect(),
            labels: vec![0; network.len()],
            network: network.iter().map(|z| z.to_vec()).collect(),
            onnx: onnx.iter().map(|z| z.to_vec()).collect(),
            probability_error: 0.0,
        }
    }

    #[test]
    fn ties_are_listed_and_do_not_fail() {
        let a = [[3.0, 0.0, -7.0], [1.0, 1.000_01, 0.0]];
        let b = [[3.000_01, 0.0, -7.0], [1.000_01, 1.0, 0.0]];
        let check = compare(&seen(&a, &b), &[], 1e-4);
        assert!(check.passed, "{check:?}");
        assert_eq!((check.decided, check.agreeing, check.ties.len()), (1, 1, 1));
        assert_eq!((check.ties[0].row, check.ties[0].network, check.ties[0].onnx), (1, 1, 0));
        assert_eq!((check.accuracy_network, check.accuracy_onnx), (Some(0.5), Some(1.0)));
        assert!((check.logit_range - 10.0).abs() < 1e-6 && (check.relative_difference - 1e-6).abs() < 1e-7);
    }

    #[test]
    fn pictures_without_labels_have_no_accuracy() {
        let seen = Seen { labels: Vec::new(), ..seen(&[[3.0, 0.0, -7.0]], &[[3.0, 0.0, -7.0]]) };
        let check = compare(&seen, &[], 1e-4);
        assert!(check.passed && check.accuracy_network.is_none() && check.accuracy_onnx.is_none(), "{check:?}");
    }

    #[test]
    fn differences_and_nan_fail() {
        assert!(!compare(&seen(&[[1.0, 0.0, 0.0]], &[[1.001, 0.0, 0.0]]), &[], 1e-4).passed);
        assert!(!compare(&seen(&[[1.0, 0.0, 0.0]], &[[f32::NAN, 0.0, 0.0]]), &[], 1e-4).passed);
        let flat = compare(&seen(&[[1.0; 3]], &[[1.0, 1.001, 1.0]]), &[], 1e-4);
        assert!(!flat.passed && flat.relative_difference.is_finite(), "{flat:?}");
    }
}
