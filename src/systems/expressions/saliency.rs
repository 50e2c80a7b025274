//! What a run's network looks at in a few of its test predictions: made once, when the run is scored, and kept with it.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::systems::loaded;
use ferrotype_data::FaceSet;
use ferrotype_data::preprocess::{Picture, pixels};
use ferrotype_data::task::load;
use ferrotype_evaluation::Predictions;
use ferrotype_expressions::{LoadedRun, Predictor};
use ferrotype_model::Network;
use ferrotype_model::saliency::{self, Map, Method};
use ferrotype_report::{Face, MapView, SaliencyTile, SaliencyView};
use ferrotype_run::RunFolder;

/// How many right predictions are explained, and how many wrong ones.
const EACH: usize = 4;

/// Explains the surest right predictions (one of a class) and the surest wrong ones, and keeps the pictures with the run.
/// A run needs no maps: why they are missing, where they are, is kept in their place.
///
/// # Errors
/// When a file cannot be written.
pub fn write(loaded: LoadedRun, faces: &FaceSet, test: &Predictions) -> Result<SaliencyView> {
    let folder = loaded.run.saliency();
    let view = explained(loaded, faces, test).unwrap_or_else(|e| without(format!("No maps: {e:#}.")));
    view.write(&folder)?;
    Ok(view)
}

/// What the run keeps. A run of a version that kept none gets them now, where its data file is still there.
///
/// # Errors
/// When a file is damaged or cannot be written.
pub fn of_run(run: &RunFolder, test: &Predictions) -> Result<SaliencyView> {
    if let Some(view) = SaliencyView::read(&run.saliency())? {
        return Ok(view);
    }
    let loaded = loaded::open(run.path(), None)?;
    let path = Path::new(&loaded.facts.path).to_path_buf();
    if !path.is_file() {
        return Ok(without(format!("No maps: the data file {} is not there.", path.display())));
    }
    let faces = load(&path, &loaded.experiment.data)?;
    write(loaded, &faces, test)
}

fn without(note: String) -> SaliencyView {
    SaliencyView { note, ..SaliencyView::default() }
}

fn explained(loaded: LoadedRun, faces: &FaceSet, test: &Predictions) -> Result<SaliencyView> {
    let chosen = [surest(test, true), surest(test, false)].concat();
    if chosen.is_empty() {
        return Ok(SaliencyView::default());
    }
    if loaded.experiment.data.clips.is_some() {
        return Ok(without("No maps: they are made for networks of single pictures, and this one takes clips.".into()));
    }
    // Stored pictures have the stored form already.
    let predictor = Predictor::of_any(loaded)?;
    let mut seen = Vec::new();
    for &i in &chosen {
        let row = test.rows[i] as usize;
        ensure!(row < faces.len(), "the data file has no row {row}: it is not the file the run was scored on");
        let images = &faces.images;
        let pixels = faces.picture(row)?;
        let picture = Picture::new(&pixels, images.height, images.width, images.channels)?;
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
    let mut tiles = Vec::new();
    for (k, &i) in chosen.iter().enumerate() {
        let class = |c: usize| test.classes[c].as_str();
        let row = test.rows[i];
        let name = |what: &str| format!("{row}_{what}.png");
        let mut maps = vec![MapView::new("seen".into(), name("seen"), &face(seen[k].middle(), shape))?];
        if let Some(cams) = &of_said {
            let title = format!("Grad-CAM, {}", class(said[k]));
            maps.push(MapView::new(title, name("grad_cam_predicted"), &heat(&cams[k], seen[k].middle()))?);
        }
        if let Some(cams) = of_truth.as_ref().filter(|_| truth[k] != said[k]) {
            let title = format!("Grad-CAM, {}", class(truth[k]));
            maps.push(MapView::new(title, name("grad_cam_true"), &heat(&cams[k], seen[k].middle()))?);
        }
        let title = format!("guided, {}", class(said[k]));
        maps.push(MapView::new(title, name("guided_predicted"), &signed(&guided[k]))?);
        tiles.push(SaliencyTile {
            row,
            truth: class(truth[k]).into(),
            prediction: class(said[k]).into(),
            confidence: test.probabilities(i)[said[k]],
            maps,
        });
    }
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

/// Grad-CAM over the picture.
fn heat(map: &Map, seen: &[f32]) -> Face {
    Face { width: map.width, height: map.height, channels: 3, pixels: saliency::overlay(map, seen) }
}

/// A map with signs around middle grey.
fn signed(map: &Map) -> Face {
    Face { width: map.width, height: map.height, channels: map.channels, pixels: saliency::signed(map) }
}
