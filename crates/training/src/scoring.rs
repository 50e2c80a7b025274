//! A network's predictions for a set.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use burn::tensor::Tensor;

use super::features::Features;
use super::learner::images;
use super::parts::Validation;
use super::progress::Progress;
use crate::options::Evaluate;
use ferrotype_data::loader::Stored;
use ferrotype_data::options::Component;
use ferrotype_data::preprocess::Views;
use ferrotype_data::task::Subset;
use ferrotype_data::{classes, labels};
use ferrotype_evaluation::{Predictions, metrics, score};
use ferrotype_model::{Graph, Network, NodeId};
use ferrotype_ops as ops;

/// A set of labelled faces that selects the weights.
pub struct Scoring<'a> {
    /// The faces.
    pub subset: &'a Subset,
    /// Stored features that stand for their pictures, if any.
    pub features: Option<&'a Features>,
    /// How they are scored, and by what the weights are selected.
    pub options: &'a Evaluate,
}

impl Validation for Scoring<'_> {
    fn measure(&self, network: &Network, progress: &mut dyn Progress) -> Result<BTreeMap<String, f64>> {
        let scores = score(&predict_from(network, self.subset, self.features, self.options, progress)?)?;
        Ok(scores.metrics.into_iter().map(|(name, score)| (name, score.value)).collect())
    }

    fn selects_by(&self) -> Result<&'static str> {
        Ok(metrics::find(&self.options.select_by)?.name())
    }

    fn metric(&self, name: &str) -> Result<(&'static str, bool)> {
        let metric = metrics::find(name)?;
        Ok((metric.name(), metric.higher_is_better()))
    }

    fn loss(&self) -> &'static str {
        "log_loss"
    }

    fn shown(&self) -> Vec<&str> {
        vec!["accuracy", "uar", "log_loss"]
    }

    fn has_classes(&self) -> bool {
        true
    }
}

/// Whether a network can take a set's examples where shorter ones are padded.
///
/// # Errors
/// When some are shorter than others, and the network would take padding for frames.
pub fn check_lengths(graph: &Graph, subset: &Subset) -> Result<()> {
    let Some(segments) = &subset.faces.segments else { return Ok(()) };
    let lengths = || subset.rows().into_iter().map(|row| segments.valid[row as usize] as usize);
    let (shortest, frames) = (lengths().min().unwrap_or(segments.frames), segments.frames);
    ensure!(
        shortest == frames || graph.takes_sequences(),
        "the clips differ in length ({shortest} to {} frames, padded to {frames}: data.clips.segments is `whole`), but {} \
         takes padding for frames: choose data.clips.segments `spread`, which gives every clip {frames} frames, or at most \
         {shortest} for data.clips.frames",
        lengths().max().unwrap_or(frames),
        graph.name
    );
    if shortest < frames { graph.padding().map(|_| ()) } else { Ok(()) }
}

/// Whether the views that are averaged mean what they should. A mirror image is made of the values that the network takes: in
/// pictures of motion it would leave the motion to the right as it was, and streams of a left and a right part would not change
/// places.
///
/// # Errors
/// When mirror images are averaged of such pictures.
pub fn check_views(options: &Evaluate, subset: &Subset) -> Result<()> {
    if !options.views().are_mirrored() {
        return Ok(());
    }
    let key = if options.ten_crop { "evaluate.ten_crop" } else { "evaluate.flip_average" };
    let motion = subset.faces.motion().is_some_and(|form| ferrotype_data::motion::horizontal(form.channels).is_some());
    ensure!(
        !motion,
        "{key} averages over mirror images, but these pictures hold motion, whose direction a mirrored picture would not turn: leave \
         it out. augment.flip mirrors them rightly, in training"
    );
    let has_sides = |parts: &[Component]| parts.iter().any(|part| part.mirrored() != *part);
    ensure!(
        !subset.faces.segments.as_ref().is_some_and(|segments| has_sides(&segments.parts)),
        "{key} averages over mirror images, but the clips have streams of left and right parts, which would not change places: leave \
         it out. augment.flip mirrors them rightly, in training"
    );
    Ok(())
}

/// Predicts every row of a set, in order.
///
/// # Errors
/// When the set cannot be loaded or does not fit the network.
pub fn predict(
    network: &Network,
    subset: &Subset,
    options: &Evaluate,
    progress: &mut dyn Progress,
) -> Result<Predictions> {
    predict_from(network, subset, None, options, progress)
}

/// As [`predict`]; where there are features of the set's pictures, from them.
fn predict_from(
    network: &Network,
    subset: &Subset,
    features: Option<&Features>,
    options: &Evaluate,
    progress: &mut dyn Progress,
) -> Result<Predictions> {
    let mut predictions = without_logits(subset);
    predictions.logits = outputs(network, subset, features, options, progress)?;
    Ok(predictions)
}

/// What a network puts out for every row of a set, in order: `[rows, outputs]`; where there are features of the set's
/// pictures, from them.
pub(crate) fn outputs(
    network: &Network,
    subset: &Subset,
    features: Option<&Features>,
    options: &Evaluate,
    progress: &mut dyn Progress,
) -> Result<Vec<f32>> {
    if options.views() != Views::TenCrop {
        return outputs_of_one(network, subset, features, options, progress);
    }
    let options = Evaluate { ten_crop: false, flip_average: true, ..options.clone() };
    let mut sums: Vec<f32> = Vec::new();
    let crops = Views::TenCrop.crops();
    for &crop in crops {
        let outputs = outputs_of_one(network, &subset.with_crop(crop), None, &options, progress)?;
        sums.resize(outputs.len(), 0.0);
        sums.iter_mut().zip(outputs).for_each(|(sum, output)| *sum += output / crops.len() as f32);
    }
    Ok(sums)
}

/// Of one square of each picture.
fn outputs_of_one(
    network: &Network,
    subset: &Subset,
    features: Option<&Features>,
    options: &Evaluate,
    progress: &mut dyn Progress,
) -> Result<Vec<f32>> {
    check_lengths(network.graph(), subset)?;
    let loader = |stored: &Arc<Stored>| subset.evaluation_loader(options.batch_size)?.with_stored(stored.clone());
    let straight = features.map_or_else(|| subset.evaluation_loader(options.batch_size), |f| loader(&f.selection))?;
    let mut mirrored = match features.and_then(|f| f.mirrored.as_ref()) {
        Some(stored) => Some(loader(stored)?.epoch(0, 0)),
        None => None,
    };
    let entry = features.map_or(0, |f| f.entry);
    let (mut all, width) = (Vec::new(), network.graph().classes);
    for batch in straight.epoch(0, 0) {
        let batch = batch?;
        let x = images(&batch, network.device());
        let other = match &mut mirrored {
            Some(batches) => {
                let batch = batches.next().context("the stored mirror images ended early")??;
                Some(images(&batch, network.device()))
            }
            None => (options.flip_average && entry == 0).then(|| x.clone().flip([3])),
        };
        all.extend(logits(network, x, other, entry, &batch.valid)?);
        progress.work("scoring", all.len() / width.max(1), straight.examples());
    }
    Ok(all)
}

/// What is known of each example before it is predicted.
pub fn without_logits(subset: &Subset) -> Predictions {
    let l = &subset.labelled;
    let rows = subset.rows();
    let votes: Option<Vec<Vec<f32>>> = vote_columns(subset).and_then(|columns| {
        let row = |&row: &u32| Some(pick(&labels::crowd_distribution(&subset.faces, row as usize)?, &columns));
        rows.iter().map(row).collect()
    });
    Predictions {
        classes: l.classes.clone(),
        rows,
        truth: subset.indices.iter().map(|&i| l.class(i)).collect(),
        targets: subset.indices.iter().flat_map(|&i| l.target(i)).copied().collect(),
        votes: votes.map(|v| v.concat()),
        logits: Vec::new(),
    }
}

/// For each class the place of its votes, where the votes are over just these classes. The crowd's distribution is over
/// FER+'s emotions: it says nothing of others.
fn vote_columns(subset: &Subset) -> Option<Vec<usize>> {
    let columns = labels::crowd_columns(&subset.faces)?;
    let classes = &subset.labelled.classes;
    (classes.len() == columns.len()).then(|| classes::places(classes, columns).ok()?.into_iter().collect())?
}

fn pick(values: &[f32], places: &[usize]) -> Vec<f32> {
    places.iter().map(|&place| values[place]).collect()
}

/// The logits of a batch on the host, row-major; where there are mirror images, the mean over both.
fn logits(
    network: &Network,
    x: Tensor<4>,
    mirrored: Option<Tensor<4>>,
    entry: NodeId,
    valid: &[u32],
) -> Result<Vec<f32>> {
    let straight = network.forward_from(x, entry, valid)?;
    let z = match mirrored {
        Some(x) => (straight + network.forward_from(x, entry, valid)?).div_scalar(2.0),
        None => straight,
    };
    let [rows, classes] = z.dims();
    ops::host(z.reshape([rows * classes])).context("cannot read the logits from the device")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_data::FaceSet;
    use ferrotype_data::clips::{example::set, store};
    use ferrotype_data::motion::MotionForm;
    use ferrotype_data::options::{DataOptions, MotionInput};
    use ferrotype_data::preprocess::Crop;
    use ferrotype_data::task::Task;
    use ferrotype_model::GraphBuilder;

    /// Networks that cannot tell padding from frames refuse whole clips of different lengths.
    #[test]
    fn whole_clips_of_different_lengths_need_a_network_of_sequences() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clips.h5");
        let lengths = [7, 12, 9, 8, 10, 11, 9, 7];
        store::write(&set(&lengths), &path).unwrap();
        let subset = |segments: &str, frames: usize| {
            let options: DataOptions = serde_json::from_value(serde_json::json!({
                "path": path,
                "clips": {"parts": ["full_face"], "frames": frames, "segments": segments},
                "split": {"clip_holdout": {"validation": 0.25, "test": 0.25}},
                "preprocess": {"size": 4, "colour": "grey", "scale": "raw"},
            }))
            .unwrap();
            Task::prepare(&options, 1, ferrotype_data::sources::write).unwrap().train
        };
        let graph = |input: [usize; 3], sequences: bool| {
            let mut g = GraphBuilder::new("net", input);
            match sequences {
                true => g.to_sequence("steps").last_step("last"),
                false => g.global_avg_pool("mean"),
            };
            let outputs = g.shape().len();
            g.build(outputs).unwrap()
        };
        let pictures = graph([12, 4, 4], false);
        let error = check_lengths(&pictures, &subset("whole", 12)).unwrap_err().to_string();
        assert!(error.contains("differ in length") && error.contains("spread"), "{error}");
        check_lengths(&pictures, &subset("spread", 12)).unwrap();
        check_lengths(&pictures, &subset("whole", 7)).unwrap();
        check_lengths(&graph([1, 12, 4], true), &subset("whole", 12)).unwrap();
    }

    /// The mean over corners, middle and their mirror images: of the mean of each plane, which mirroring does not change.
    #[test]
    fn ten_squares_of_each_picture_are_averaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clips.h5");
        store::write(&set(&[7, 12, 9, 8, 10, 11, 9, 7]), &path).unwrap();
        let options: DataOptions = serde_json::from_value(serde_json::json!({
            "path": path,
            "clips": {"parts": ["full_face"], "frames": 2, "segments": "spread"},
            "split": {"clip_holdout": {"validation": 0.25, "test": 0.25}},
            "preprocess": {"size": 4, "crop_from": 7, "colour": "grey", "scale": "raw"},
        }))
        .unwrap();
        let subset = Task::prepare(&options, 1, ferrotype_data::sources::write).unwrap().train;
        let mut g = GraphBuilder::new("mean", [2, 4, 4]);
        g.global_avg_pool("mean");
        let device = ferrotype_model::device::DeviceName::Flex.open().unwrap().device;
        let network = Network::new(Arc::new(g.build(2).unwrap()), 1, &device);
        let evaluate = Evaluate { ten_crop: true, ..Evaluate::default() };
        let found = outputs(&network, &subset, None, &evaluate, &mut *crate::progress::Style::Quiet.start()).unwrap();
        for (example, logits) in found.chunks_exact(2).enumerate() {
            let mean = |plane: usize, crop: Crop| -> f32 {
                let planes = subset.with_crop(crop).raw(subset.indices[example]).unwrap();
                planes[plane * 16..][..16].iter().sum::<f32>() / 16.0
            };
            for (plane, logit) in logits.iter().enumerate() {
                let expected = Crop::FIVE.map(|crop| mean(plane, crop)).iter().sum::<f32>() / 5.0;
                assert!((logit - expected).abs() < 1e-3, "{logit} {expected}");
            }
        }
    }

    /// Not of motion, whose direction would stay, nor of left and right parts, which would not change places.
    #[test]
    fn mirror_images_are_averaged_where_they_mean_something() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clips.h5");
        store::write(&set(&[7, 12, 9, 8, 10, 11, 9, 7]), &path).unwrap();
        let options: DataOptions = serde_json::from_value(serde_json::json!({
            "path": path,
            "clips": {"parts": ["mouth", "full_face"], "frames": 2, "segments": "spread"},
            "split": {"clip_holdout": {"validation": 0.25, "test": 0.25}},
            "preprocess": {"size": 4, "crop_from": 7, "colour": "grey", "scale": "raw"},
        }))
        .unwrap();
        let subset = Task::prepare(&options, 1, ferrotype_data::sources::write).unwrap().train;
        let checked = |evaluate: &Evaluate, change: &dyn Fn(&mut FaceSet)| {
            let mut faces = FaceSet::clone(&subset.faces);
            change(&mut faces);
            let mut changed = subset.clone();
            changed.faces = Arc::new(faces);
            check_views(evaluate, &changed).map_err(|e| e.to_string())
        };
        let signed = |faces: &mut FaceSet| faces.provenance.motion = Some(MotionForm::published(MotionInput::Signed));
        let apexes =
            |faces: &mut FaceSet| faces.provenance.motion = Some(MotionForm::published(MotionInput::OnsetApex));
        let eyes = |faces: &mut FaceSet| faces.segments.as_mut().unwrap().parts[0] = Component::LeftEye;
        for (evaluate, key) in [
            (Evaluate { flip_average: true, ..Evaluate::default() }, "evaluate.flip_average"),
            (Evaluate { ten_crop: true, ..Evaluate::default() }, "evaluate.ten_crop"),
        ] {
            assert_eq!(checked(&evaluate, &|_| ()), Ok(()));
            assert_eq!(checked(&evaluate, &apexes), Ok(()));
            let refused = checked(&evaluate, &signed).unwrap_err();
            assert!(refused.contains(key) && refused.contains("motion"), "{refused}");
            let refused = checked(&evaluate, &eyes).unwrap_err();
            assert!(refused.contains(key) && refused.contains("left and right"), "{refused}");
        }
        assert_eq!(checked(&Evaluate::default(), &signed), Ok(()));
    }
}
