//! What a run's network looks at in a few of its test predictions.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::commands::loaded;
use crate::commands::predict::crops::pixels;
use ferrotype_data::preprocess::Picture;
use ferrotype_data::store;
use ferrotype_data::task::DatasetSummary;
use ferrotype_evaluation::Predictions;
use ferrotype_expressions::Predictor;
use ferrotype_model::Network;
use ferrotype_model::saliency::{self, Map, Method};
use ferrotype_report::{Face, MapView, SaliencyTile, SaliencyView};
use ferrotype_run::RunFolder;

/// How many right predictions are explained, and how many wrong ones.
const EACH: usize = 4;

/// Explains the surest right predictions (one of a class) and the surest wrong ones. A report needs no maps: why they are
/// missing, where they are, stands in the note.
pub(super) fn of_run(run: &RunFolder, test: &Predictions, facts: &DatasetSummary) -> SaliencyView {
    if !Path::new(&facts.path).is_file() {
        let note = format!("No maps: the data file {} is not there.", facts.path);
        return SaliencyView { note, ..Default::default() };
    }
    explained(run, test, facts)
        .unwrap_or_else(|e| SaliencyView { note: format!("No maps: {e:#}."), ..Default::default() })
}

fn explained(run: &RunFolder, test: &Predictions, facts: &DatasetSummary) -> Result<SaliencyView> {
    let chosen = [surest(test, true), surest(test, false)].concat();
    if chosen.is_empty() {
        return Ok(SaliencyView::default());
    }
    let loaded = loaded::open(run.path(), None)?;
    if loaded.experiment.data.clips.is_some() {
        let note = "No maps: they are made for networks of single pictures, and this one takes clips.".into();
        return Ok(SaliencyView { note, ..Default::default() });
    }
    let faces = store::read(Path::new(&facts.path))?;
    // Stored pictures have the stored form already.
    let predictor = Predictor::new(loaded)?;
    let mut seen = Vec::new();
    for &i in &chosen {
        let row = test.rows[i] as usize;
        ensure!(row < faces.len(), "{} has no row {row}: it is not the file the run was scored on", facts.path);
        let images = &faces.images;
        let picture = Picture::new(images.get(row), images.height, images.width, images.channels)?;
        seen.push(predictor.planes(&picture));
    }
    let said: Vec<usize> = chosen.iter().map(|&i| test.predicted(i)).collect();
    let truth: Vec<usize> = chosen.iter().map(|&i| test.truth[i]).collect();
    let (network, shape, x) = (predictor.network(), predictor.shape(), predictor.input(&seen)?);
    let guided = saliency::explain(network, x.clone(), &said, Method::GuidedBackprop, None)?;
    let (layer, note) = match saliency::layer_for(network, None) {
        Ok(layer) => (Some(layer), String::new()),
        Err(e) => (None, format!("{e:#}.")),
    };
    let cam = |classes: &[usize]| -> Result<Option<Vec<Map>>> {
        let Some(layer) = &layer else { return Ok(None) };
        saliency::explain(network, x.clone(), classes, Method::GradCam, Some(layer)).map(Some)
    };
    let (of_said, of_truth) = (cam(&said)?, cam(&truth)?);
    let tile = |(k, &i): (usize, &usize)| {
        let class = |c: usize| test.classes[c].clone();
        let mut maps = vec![MapView { title: "seen".into(), with_face: Some(face(&seen[k].0, shape)), alone: None }];
        maps.extend(of_said.as_ref().map(|m| heat(&class(said[k]), &m[k], &seen[k].0)));
        if truth[k] != said[k] {
            maps.extend(of_truth.as_ref().map(|m| heat(&class(truth[k]), &m[k], &seen[k].0)));
        }
        maps.push(fine(&class(said[k]), &guided[k]));
        let confidence = test.probabilities(i)[said[k]];
        SaliencyTile { row: test.rows[i], truth: class(truth[k]), prediction: class(said[k]), confidence, maps }
    };
    let tiles = chosen.iter().enumerate().map(tile).collect();
    let layer = layer.map(|name| described(network, &name)).transpose()?.unwrap_or_default();
    Ok(SaliencyView { layer, note, tiles })
}

/// A layer with the size of its maps.
fn described(network: &Network, name: &str) -> Result<String> {
    let node = network.graph().nodes.iter().find(|n| n.name == name).context("the layer is gone")?;
    Ok(format!("the layer {name} ({})", node.shape))
}

/// The surest right predictions, each of another class, or the surest wrong ones.
fn surest(test: &Predictions, right: bool) -> Vec<usize> {
    let sure = |i: usize| test.probabilities(i)[test.predicted(i)];
    let mut all: Vec<(f64, usize)> =
        (0..test.len()).filter(|&i| (test.predicted(i) == test.truth[i]) == right).map(|i| (sure(i), i)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut classes = Vec::new();
    let new = |i: &usize| {
        let is_new = !right || !classes.contains(&test.truth[*i]);
        classes.push(test.truth[*i]);
        is_new
    };
    all.into_iter().map(|(_, i)| i).filter(new).take(EACH).collect()
}

fn face(planes: &[f32], [channels, height, width]: [usize; 3]) -> Face {
    Face { width, height, channels, pixels: pixels(planes, channels) }
}

fn heat(class: &str, map: &Map, seen: &[f32]) -> MapView {
    let picture = |pixels| Some(Face { width: map.width, height: map.height, channels: 3, pixels });
    MapView {
        title: format!("Grad-CAM, {class}"),
        with_face: picture(saliency::overlay(map, seen)),
        alone: picture(saliency::heat(map)),
    }
}

/// A guided gradient shows the face's outlines: it is not shown where faces are not.
fn fine(class: &str, map: &Map) -> MapView {
    let (width, height, channels) = (map.width, map.height, map.channels);
    let picture = Face { width, height, channels, pixels: saliency::signed(map) };
    MapView { title: format!("guided, {class}"), with_face: Some(picture), alone: None }
}
