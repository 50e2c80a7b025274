//! `ferrotype explain`

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::inputs::Inputs;
use super::predict::crops::CropFolder;
use super::predict::files::{self, find, refuse};
use super::predict::pictures::{CutArgs, Cutter, Face};
use super::say;
use crate::runner::bar::bar;
use crate::systems::loaded;
use ferrotype_data::preprocess::pixels;
use ferrotype_expressions::Predictor;
use ferrotype_model::saliency::{self, Map, Method};
use ferrotype_report as report;
use ferrotype_run::files::write_atomic;
use ferrotype_run::numpy::Array;
use ferrotype_vision::faces::Photo;

/// Show which pixels of a picture speak for a class: Grad-CAM, guided backpropagation, or both.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype explain --run runs/vgg13-20260101-120000 crop.jpg --out maps/
  ferrotype explain --run runs/vgg13-20260101-120000 crops/ --class happiness --method guided_grad_cam --out maps/
  ferrotype explain --run runs/vgg13-20260101-120000 --detector yunet.onnx photo.jpg --out maps/")]
pub struct ExplainCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// Pictures (PNG, JPEG, TIFF, BMP, GIF, WebP), or folders of them: face crops, unless a detector is given.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The folder for the pictures (PNG) and the maps (.npy).
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// The class to explain [default: the one predicted, for each face].
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// How.
    #[arg(long, value_name = "METHOD", default_value = "grad_cam")]
    method: Method,
    /// The layer whose feature maps Grad-CAM weighs [default: the last with maps of more than one pixel].
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    #[command(flatten)]
    cut: CutArgs,
    /// Compute on another device than the experiment's.
    #[arg(long)]
    device: Option<String>,
}

impl ExplainCommand {
    /// Explains, prints a line per face, writes pictures and maps.
    ///
    /// # Errors
    /// When the run or the detector cannot be loaded, class or layer do not exist, or a picture cannot be used; the others
    /// are still explained.
    pub fn run(mut self) -> Result<()> {
        self.cut.resolve()?;
        ensure!(
            self.layer.is_none() || self.method.needs_layer(),
            "--layer is for grad_cam and guided_grad_cam: guided_backprop goes back to the pixels through all layers"
        );
        let detector = self.cut.detector()?;
        let loaded = loaded::open(&self.run, self.device.as_deref())?;
        let class = self.class.as_deref().map(|name| class_of(name, &loaded.meta.classes)).transpose()?;
        let layer = match self.method.needs_layer() {
            true => Some(saliency::layer_for(&loaded.network, self.layer.as_deref())?),
            false => None,
        };
        let cutter = Cutter::new(detector, &loaded.run)?;
        let predictor = Predictor::of_any(loaded)?;
        let files::InputFiles { files, bad, note } = find(&self.paths);
        note.iter().for_each(|n| eprintln!("note: {n}"));
        let inputs = Inputs::new().run(&self.run).paths("a picture", &files).paths("--detector", self.cut.file());
        let out = CropFolder::make("--out", &self.out, &files, inputs)?;
        let mut work = Work { predictor, class, layer, method: self.method, out, bad, lines: Vec::new() };
        let bar = bar("pictures", files.len());
        for path in &files {
            match Photo::open(path, self.cut.max_pixels()).and_then(|photo| cutter.cut(path, photo)) {
                Ok(cut) => {
                    cut.warnings.iter().for_each(|w| bar.suspend(|| eprintln!("warning: {w}")));
                    for face in &cut.faces {
                        match work.predictor.check(&face.crop.picture()) {
                            Ok(()) => work.explain(face)?,
                            Err(e) => work.bad.push(format!("{}: {e:#}", path.display())),
                        }
                    }
                }
                Err(e) => work.bad.push(format!("{e:#}")),
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        work.lines.iter().try_for_each(say)?;
        refuse(&work.bad)
    }
}

/// A class by its name.
///
/// # Errors
/// When the run has none of that name; those it has are named.
pub fn class_of(name: &str, classes: &[String]) -> Result<usize> {
    let found = classes.iter().position(|c| c == name);
    found.with_context(|| format!("there is no class `{name}`: the run's classes are {}", classes.join(", ")))
}

/// Everything that explaining needs and gathers.
struct Work {
    predictor: Predictor,
    class: Option<usize>,
    layer: Option<String>,
    method: Method,
    out: CropFolder,
    bad: Vec<String>,
    lines: Vec<String>,
}

impl Work {
    fn explain(&mut self, face: &Face) -> Result<()> {
        let seen = [self.predictor.planes(&face.crop.picture())];
        let x = self.predictor.input(&seen)?;
        let [_, h, w] = self.predictor.shape();
        let classes = self.predictor.classes();
        let all = self.predictor.predict_planes(&seen)?;
        let one = all.first().context("nothing was predicted")?;
        let (said, probabilities) = (one.class, &one.probabilities);
        let class = self.class.unwrap_or(said);
        let maps = saliency::explain(self.predictor.network(), x, &[class], self.method, self.layer.as_deref())?;
        let map = maps.first().context("no map was made")?;

        let name = format!("{}-{}-{}", self.out.name(face), file_word(&classes[class]), self.method.as_str());
        let base = self.out.path().join(&name);
        let [array, picture] = [self.out.file(&format!("{name}.npy"))?, self.out.file(&format!("{name}.png"))?];
        let sides = [map.channels, map.height, map.width];
        let shape = if map.channels == 1 { &sides[1..] } else { &sides[..] };
        write_atomic(array, &Array::f32(shape, &map.values).npy())?;
        let prediction = format!("{} {:.1} %", classes[said], 100.0 * probabilities[said]);
        let explained = format!("{} ({:.1} %)", classes[class], 100.0 * probabilities[class]);
        let figure = self.figure(seen[0].middle(), map, &prediction, &explained)?;
        write_atomic(picture, &figure.png()?)?;
        let (row, column) = map.peak();
        let number = face.found.as_ref().map(|f| format!(" face {}", f.number)).unwrap_or_default();
        self.lines.push(format!(
            "{}{number}  predicted {prediction}, explained {explained}: strongest at row {row}, column {column} of {h} x {w}; {}.png",
            face.path.display(),
            base.display()
        ));
        Ok(())
    }

    /// The picture as the network saw it, and the map.
    fn figure(&self, seen: &[f32], map: &Map, prediction: &str, explained: &str) -> Result<report::Figure> {
        let [channels, height, width] = self.predictor.shape();
        let face = report::Face { width, height, channels, pixels: pixels(seen, channels) };
        let shown = match self.method {
            Method::GradCam => report::Face { width, height, channels: 3, pixels: saliency::overlay(map, seen) },
            _ => report::Face { width, height, channels, pixels: saliency::signed(map) },
        };
        let heading = format!("{explained}: {}", self.method.as_str());
        let at = self.layer.as_ref().map(|layer| format!(", layer {layer}")).unwrap_or_default();
        report::explanation(&heading, &format!("Predicted: {prediction}{at}"), &[("seen", &face), ("map", &shown)])
    }
}

/// A class name as part of a file name.
fn file_word(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' }).collect()
}
