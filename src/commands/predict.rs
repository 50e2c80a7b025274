//! `ferrotype predict`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::{Tensor, TensorData};
use clap::Args;

use super::loaded::LoadedRun;
use crate::data::preprocess::{Picture, Pipeline};
use crate::evaluation::Predictions;
use crate::ops;
use crate::run::files::write_atomic;

/// Pictures per step.
const BATCH: usize = 64;

/// File name extensions of pictures that folders are searched for.
const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

/// Predict the expression in pictures: face crops, files or folders.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype predict --run runs/vgg13-20260101-120000 photo.jpg
  ferrotype predict --run runs/vgg13-20260101-120000 crops/ --csv out.csv")]
pub struct PredictCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// Pictures (png, jpg), or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write all probabilities to this file.
    #[arg(long, value_name = "CSV")]
    csv: Option<PathBuf>,
    /// Compute on another device than the experiment's.
    #[arg(long)]
    device: Option<String>,
}

/// A picture with what the network said of it.
struct Row {
    path: PathBuf,
    probabilities: Vec<f64>,
    class: usize,
}

impl PredictCommand {
    /// Predicts, prints a line per picture, writes the table.
    ///
    /// # Errors
    /// When the run cannot be loaded, nothing is found, or a file is not a picture; the others are still predicted.
    pub fn run(self) -> Result<()> {
        let loaded = LoadedRun::open(&self.run, self.device.as_deref())?;
        let pipeline = Pipeline::new(&loaded.experiment.data.preprocess)?;
        let files = find(&self.paths)?;
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        for part in files.chunks(BATCH) {
            let mut pictures = Vec::new();
            for path in part {
                match read(path, &pipeline) {
                    Ok(values) => pictures.push((path.clone(), values)),
                    Err(e) => bad.push(format!("{e:#}")),
                }
            }
            rows.extend(forward(&loaded, &pipeline, pictures)?);
        }
        for row in &rows {
            println!("{}", line(row, &loaded.meta.classes));
        }
        if let Some(path) = &self.csv {
            write_atomic(path, &table(&rows, &loaded.meta.classes)?)?;
            eprintln!("{} rows written to {}", rows.len(), path.display());
        }
        if !bad.is_empty() {
            bail!("{} of {} files could not be read:\n  {}", bad.len(), files.len(), bad.join("\n  "));
        }
        Ok(())
    }
}

/// The pictures among files and folders, folders searched to the bottom, in order of name.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            search(path, &mut files)?;
            if files.len() == before {
                bail!("the folder {} holds no pictures ({})", path.display(), EXTENSIONS.join(", "));
            }
        } else if path.exists() {
            files.push(path.clone());
        } else {
            bail!("there is no file or folder {}", path.display());
        }
    }
    Ok(files)
}

fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        if path.is_dir() {
            search(&path, files)?;
        } else if EXTENSIONS.contains(&extension.as_str()) {
            files.push(path);
        }
    }
    Ok(())
}

/// A picture as the network takes it, `[channels, size, size]`.
fn read(path: &Path, pipeline: &Pipeline) -> Result<Vec<f32>> {
    let image = image::open(path).with_context(|| format!("{} is not a picture", path.display()))?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (pixels, channels) = match image.color().has_color() {
        true => (image.into_rgb8().into_raw(), 3),
        false => (image.into_luma8().into_raw(), 1),
    };
    if !(2 * height >= width && 2 * width >= height) {
        eprintln!("warning: {} is {width} x {height}: a face crop is about square", path.display());
    }
    let picture = Picture::new(&pixels, height, width, channels)
        .with_context(|| format!("cannot use the picture {}", path.display()))?;
    Ok(pipeline.apply(&picture))
}

fn forward(loaded: &LoadedRun, pipeline: &Pipeline, pictures: Vec<(PathBuf, Vec<f32>)>) -> Result<Vec<Row>> {
    if pictures.is_empty() {
        return Ok(Vec::new());
    }
    let [c, h, w] = pipeline.shape();
    let n = pictures.len();
    let values: Vec<f32> = pictures.iter().flat_map(|(_, v)| v).copied().collect();
    let x = Tensor::<4>::from_data(TensorData::new(values, [n, c, h, w]), loaded.network.device());
    let classes = &loaded.meta.classes;
    let logits = ops::host(loaded.network.forward(x)?.reshape([n * classes.len()]))?;
    let predictions =
        Predictions { classes: classes.clone(), rows: (0..n as u32).collect(), logits, ..Predictions::default() };
    let rows = pictures.into_iter().enumerate().map(|(i, (path, _))| Row {
        path,
        probabilities: predictions.probabilities(i),
        class: predictions.predicted(i),
    });
    Ok(rows.collect())
}

fn line(row: &Row, classes: &[String]) -> String {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| row.probabilities[b].total_cmp(&row.probabilities[a]));
    let shown: Vec<String> =
        order.iter().take(3).map(|&c| format!("{} {:.1} %", classes[c], 100.0 * row.probabilities[c])).collect();
    format!("{}  {}", row.path.display(), shown.join("  "))
}

fn table(rows: &[Row], classes: &[String]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let fixed = ["path", "prediction", "confidence"].map(str::to_owned);
    csv.write_record(fixed.iter().chain(classes))?;
    for row in rows {
        let confidence = row.probabilities[row.class];
        let mut record = vec![row.path.display().to_string(), classes[row.class].clone(), confidence.to_string()];
        record.extend(row.probabilities.iter().map(ToString::to_string));
        csv.write_record(record)?;
    }
    csv.into_inner().context("cannot write the table")
}
