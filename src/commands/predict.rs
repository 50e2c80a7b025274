//! `ferrotype predict`

mod clip;
pub(super) mod crops;
pub(super) mod files;
#[cfg(test)]
mod golden_tests;
mod heads;
pub(crate) mod pictures;
mod table;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::clip::ClipArgs;
use self::crops::CropFolder;
use self::files::{find, refuse};
use self::pictures::{CutArgs, Cutter, Face, FaceBox};
use self::table::{Row, line, table};
use super::inputs::{CSV, Inputs};
use super::say;
use crate::published;
use crate::runner::bar::bar;
use crate::systems::loaded::{self, any_experiment_of};
use crate::systems::{self, real_fake};
use ferrotype_data::motion::MotionChain;
use ferrotype_expressions::{BATCH, LoadedRun, Planes, Predictor};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_vision::faces::Photo;

/// Predict the expression in pictures: face crops, or any pictures with a face detector.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype predict crop.jpg
  ferrotype predict --run runs/vgg13-20260101-120000 crop.jpg
  ferrotype predict --run runs/vgg13-20260101-120000 crops/ --csv out.csv
  ferrotype predict --run runs/vgg13-20260101-120000 --detector yunet.onnx photos/ --csv out.csv --save-crops seen/
  ferrotype predict --run runs/ststnet-20260101-120000 --detector yunet.onnx clip.mp4 --onset 12 --apex 20")]
pub struct PredictCommand {
    /// The run; by default the model that is part of the program (docs/shipped_model.md).
    #[arg(long, value_name = "RUN", default_value = "hub:ferronet")]
    run: PathBuf,
    /// Pictures (PNG, JPEG, TIFF, BMP, GIF, WebP), or folders of them: face crops, unless a detector is given. Of the system real_fake: tables of
    /// action units, or folders of them. With --onset: one clip, a video file or a folder of frames.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    cut: CutArgs,
    #[command(flatten)]
    clip: ClipArgs,
    /// One view of each picture, where the run is scored by the mean over its mirror image or ten squares (evaluate.flip_average,
    /// evaluate.ten_crop): a half or a tenth of the work, and not what the run's scores say.
    #[arg(long)]
    single_view: bool,
    /// Write all probabilities to this file.
    #[arg(long, value_name = "CSV")]
    csv: Option<PathBuf>,
    /// Write what the network saw, as PNG files, to this folder.
    #[arg(long, value_name = "FOLDER")]
    save_crops: Option<PathBuf>,
    /// Of the system real_fake: the emotion that the clips show, for methods that are fitted emotion by emotion.
    #[arg(long, value_name = "NAME")]
    emotion: Option<String>,
    /// Compute on another device than the experiment's.
    #[arg(long)]
    device: Option<String>,
}

impl PredictCommand {
    /// Predicts, prints a line per face, writes the table.
    ///
    /// # Errors
    /// When the run or the detector cannot be loaded, or a picture cannot be used; the others are still predicted.
    pub fn run(mut self) -> Result<()> {
        self.cut.resolve()?;
        self.run = published::run_of(&self.run)?;
        let run = RunFolder::open(&self.run)?;
        systems::of(&any_experiment_of(&run)?).predict(&run, &self)
    }

    /// Predicts for a run that classifies expressions.
    ///
    /// # Errors
    /// When the run or the detector cannot be loaded, or a picture cannot be used; the others are still predicted.
    pub fn expressions(&self) -> Result<()> {
        ensure!(self.emotion.is_none(), "--emotion is for runs that tell real from fake");
        let made = self.clip.made(&RunFolder::open(&self.run)?)?;
        if let Some(made) = made {
            return self.of_clip(&made);
        }
        let files::InputFiles { files, bad, note } = find(&self.paths);
        note.iter().for_each(|n| eprintln!("note: {n}"));
        let inputs = Inputs::new().run(&self.run).paths("a picture", &files).paths("--detector", self.cut.file());
        inputs.spare(&[("--csv", self.csv.as_deref(), CSV)])?;
        let detector = self.cut.detector()?;
        let loaded = loaded::open_with_heads(&self.run, self.device.as_deref())?;
        ensure!(
            loaded.experiment.data.clips.is_none(),
            "{} takes sequences of pictures out of clips, not single pictures: prepare the videos with `ferrotype data \
             prepare clips`, and score them with `ferrotype eval --data`",
            self.run.display()
        );
        let max_pixels = self.cut.max_pixels();
        let cutter = Cutter::new(detector, &loaded.run)?;
        let predictor = self.predictor(loaded)?;
        let crops = self
            .save_crops
            .as_deref()
            .map(|path| CropFolder::make("--save-crops", path, &files, inputs))
            .transpose()?;
        let mut work = Work { predictor, cutter, max_pixels, crops, rows: Vec::new(), bad, faceless: 0, odd: 0 };
        work.all(&files)?;
        work.show(self.csv.as_deref())?;
        work.conclude(files.len())
    }

    fn predictor(&self, loaded: LoadedRun) -> Result<Predictor> {
        let predictor = Predictor::of_any(loaded)?.folded()?;
        Ok(if self.single_view { predictor.single_view() } else { predictor })
    }

    /// Predicts the expression in a clip, for a run whose data are pictures of motion made in this way.
    fn of_clip(&self, made: &MotionChain) -> Result<()> {
        let path = clip::one(&self.paths)?;
        let files = [path.to_path_buf()];
        let inputs = Inputs::new().run(&self.run).paths("the clip", &files).paths("--detector", self.cut.file());
        inputs.spare(&[("--csv", self.csv.as_deref(), CSV)])?;
        let face = self.clip.picture(path, made, &self.cut)?;
        let predictor = self.predictor(loaded::open_with_heads(&self.run, self.device.as_deref())?)?;
        let crops = self.save_crops.as_deref();
        let crops = crops.map(|path| CropFolder::make("--save-crops", path, &files, inputs)).transpose()?;
        let (cutter, max_pixels) = (Cutter::Whole { template: None }, self.cut.max_pixels());
        let (rows, bad) = (Vec::new(), Vec::new());
        let mut work = Work { predictor, cutter, max_pixels, crops, rows, bad, faceless: 0, odd: 0 };
        let ready = work.prepare(face)?;
        work.predict(vec![ready])?;
        work.show(self.csv.as_deref())
    }

    /// Predicts for a run of the system that tells genuine from posed expressions.
    ///
    /// # Errors
    /// When the run or a table cannot be used, and for options that it does not have.
    pub fn real_fake(&self, run: &RunFolder) -> Result<()> {
        ensure!(
            self.cut.is_plain() && self.save_crops.is_none() && self.clip.is_plain() && !self.single_view,
            "{} takes tables of action units, no pictures: --detector, --min-score, --margin, --max-pixels, --save-crops, --single-view \
             and --onset do not apply",
            self.run.display()
        );
        let inputs = Inputs::new().run(&self.run).paths("a table", &self.paths);
        inputs.spare(&[("--csv", self.csv.as_deref(), CSV)])?;
        let request = real_fake::PredictRequest {
            paths: &self.paths,
            emotion: self.emotion.as_deref(),
            csv: self.csv.as_deref(),
            device: self.device.as_deref(),
        };
        say(real_fake::predict(run, &request)?)
    }
}

/// A face as the network takes it.
struct Ready {
    path: PathBuf,
    found: Option<FaceBox>,
    planes: Planes,
}

/// Everything that predicting needs and gathers.
struct Work {
    predictor: Predictor,
    cutter: Cutter,
    max_pixels: u64,
    crops: Option<CropFolder>,
    rows: Vec<Row>,
    /// What is wrong with files that cannot be used.
    bad: Vec<String>,
    /// Pictures without a face.
    faceless: usize,
    /// Pictures that do not look like face crops.
    odd: usize,
}

impl Work {
    /// Predicts all files; the faces of several go through the network together.
    fn all(&mut self, files: &[PathBuf]) -> Result<()> {
        let bar = bar("pictures", files.len());
        let mut waiting = Vec::new();
        for path in files {
            match Photo::open(path, self.max_pixels).and_then(|photo| self.cutter.cut(path, photo)) {
                Ok(cut) => {
                    self.faceless += usize::from(cut.faces.is_empty());
                    self.odd += usize::from(cut.odd);
                    cut.warnings.iter().for_each(|w| bar.suspend(|| eprintln!("warning: {w}")));
                    for face in cut.faces {
                        match self.predictor.check(&face.crop.picture()) {
                            Ok(()) => waiting.push(self.prepare(face)?),
                            Err(e) => self.bad.push(format!("{}: {e:#}", path.display())),
                        }
                    }
                }
                Err(e) => self.bad.push(format!("{e:#}")),
            }
            while waiting.len() >= BATCH {
                let rest = waiting.split_off(BATCH);
                self.predict(std::mem::replace(&mut waiting, rest))?;
            }
            bar.inc(1);
        }
        self.predict(waiting)?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Brings a face to the network's size at once: crops of large photographs would fill the memory.
    fn prepare(&mut self, face: Face) -> Result<Ready> {
        let planes = self.predictor.planes(&face.crop.picture());
        if let Some(folder) = &mut self.crops {
            folder.save(&face, planes.middle(), self.predictor.shape())?;
        }
        Ok(Ready { path: face.path, found: face.found, planes })
    }

    fn predict(&mut self, faces: Vec<Ready>) -> Result<()> {
        let (places, planes): (Vec<_>, Vec<_>) = faces.into_iter().map(|f| ((f.path, f.found), f.planes)).unzip();
        if !self.predictor.heads().is_empty() {
            let values = self.predictor.predict_heads(&planes)?;
            let row = |((path, found), values)| Row { path, found, values, class: 0 };
            self.rows.extend(places.into_iter().zip(values).map(row));
            return Ok(());
        }
        let predictions = self.predictor.predict_planes(&planes)?;
        self.rows.extend(places.into_iter().zip(predictions).map(|((path, found), said)| Row {
            path,
            found,
            values: said.probabilities,
            class: said.class,
        }));
        Ok(())
    }

    /// The lines on the terminal, and the table.
    fn show(&self, csv: Option<&Path>) -> Result<()> {
        let (classes, all) = (self.predictor.classes(), self.predictor.heads());
        let of = |row: &Row| if all.is_empty() { line(row, classes) } else { heads::line(row, all) };
        let text: String = self.rows.iter().map(|row| of(row) + "\n").collect();
        match std::io::stdout().write_all(text.as_bytes()) {
            Err(e) if e.kind() != ErrorKind::BrokenPipe => return Err(e).context("cannot write to the terminal"),
            _ => {}
        }
        if let Some(path) = csv {
            let finds = self.cutter.finds();
            let content = match all.is_empty() {
                true => table(&self.rows, classes, finds)?,
                false => heads::table(&self.rows, all, finds)?,
            };
            write_atomic(path, &content)?;
            eprintln!("{} rows written to {}", self.rows.len(), path.display());
        }
        if let Some(folder) = &self.crops {
            eprintln!("{} pictures written to {}", folder.len(), folder.path().display());
        }
        Ok(())
    }

    /// What deserves a word at the end, and whether all went well.
    fn conclude(&self, files: usize) -> Result<()> {
        if self.faceless > 0 {
            eprintln!("warning: no face was found in {} of {files} pictures", self.faceless);
        }
        if self.odd > 0 {
            eprintln!(
                "warning: {} of {files} pictures do not look like face crops, so their predictions mean nothing; give \
                 whole photographs with --detector (see docs/prediction.md)",
                self.odd
            );
        }
        refuse(&self.bad)
    }
}
