//! `ferrotype export`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::inputs::{Inputs, ONNX};
use super::predict::files::{self, find, refuse};
use super::say;
use super::scored_set::{Chosen, ScoredSet, SetName};
use crate::systems::expressions::exposure::Exposure;
use crate::systems::expressions::onnx::{self, Examples, Exported, Pictures};
use crate::systems::loaded;
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::preprocess::Views;
use ferrotype_data::task::DatasetSummary;
use ferrotype_evaluation::Scores;
use ferrotype_expressions::LoadedRun;
use ferrotype_interop::export::{ExportCheck, Precision, Reduced};
use ferrotype_report as report;
use ferrotype_run::Provenance;
use ferrotype_run::files::write_json;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_vision::faces::Photo;

/// Examples of synthetic faces that an export without data is checked on.
const DRAWN: usize = 64;

/// Points of accuracy that a file of fewer bits may lose.
const MAX_LOSS: f64 = 1.0;

/// Rows on which 8-bit values see their ranges.
const CALIBRATION_ROWS: u32 = 256;

/// Export a run's selected weights as ONNX, preprocessing inside, checked against the model on labelled pictures (by
/// default the run's test set) or, where there are none, on drawn or given ones.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ferrotype export --run runs/vgg13-20260101-120000 --out model.onnx\n  ferrotype export --run runs/imported/mini_xception --data datasets/fer2013.h5 --out model.onnx\n  ferrotype export --run runs/imported/mini_xception --pictures crops/ --out model.onnx\n  ferrotype export --run runs/vgg13-20260101-120000 --precision int8 --max-loss 0.5 --out model_int8.onnx"
)]
pub struct ExportCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "ONNX")]
    out: PathBuf,
    #[command(flatten)]
    set: ScoredSet,
    /// Check on these pictures, or folders of them, which need no labels.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["data", "set_name", "labels", "common_classes"])]
    pictures: Vec<PathBuf>,
    /// The most pixels that a picture of --pictures may have by its header.
    #[arg(long, default_value_t = MAX_PIXELS)]
    max_pixels: u64,
    /// The format of the file's numbers. fp16 is half the size, int8 a quarter; both compute something else than the model, and are
    /// written only where they lose no more accuracy on the labelled rows than --max-loss.
    #[arg(long, value_name = "FORMAT", default_value = "fp32", conflicts_with = "pictures")]
    precision: Precision,
    /// One view of each picture, where the run is scored by the mean over its mirror image or ten squares (evaluate.flip_average,
    /// evaluate.ten_crop): a half or a tenth of the work, and not what the run's scores say. Without it the mean is in the file.
    #[arg(long)]
    single_view: bool,
    /// Points of accuracy that a file in fp16 or int8 may lose; 1 by default.
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    max_loss: Option<f64>,
    /// Rows of the training set, evenly spaced, on which int8 sees the ranges of its values; 256 by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    calibration_rows: Option<u32>,
}

impl ExportCommand {
    /// The export of a run to a file, checked on a prepared file or on the run's own data.
    pub fn new(run: &Path, out: &Path, data: Option<PathBuf>) -> Self {
        let set = ScoredSet { data, set_name: None, labels: None, common_classes: false };
        Self {
            run: run.into(),
            out: out.into(),
            set,
            pictures: Vec::new(),
            max_pixels: MAX_PIXELS,
            precision: Precision::Fp32,
            single_view: false,
            max_loss: None,
            calibration_rows: None,
        }
    }

    /// Exports, checks, prints the check.
    ///
    /// # Errors
    /// When the run or its data cannot be read, the check fails, or Ctrl-C stops it: then no file is left.
    pub fn run(self) -> Result<()> {
        self.check_precision()?;
        if self.precision != Precision::Fp32 {
            return self.export_reduced(&Interrupt::listen()?);
        }
        let (check, notes) = self.export(&Interrupt::listen()?)?;
        notes.iter().try_for_each(say)?;
        say(onnx::text(&check))?;
        say(format_args!("written  {}", self.out.display()))
    }

    /// Refuses options of formats that the file is not written in.
    fn check_precision(&self) -> Result<()> {
        ensure!(
            self.max_loss.is_none() || self.precision != Precision::Fp32,
            "--max-loss is for --precision fp16 and int8: a file in fp32 computes what the model computes; leave it out"
        );
        ensure!(
            self.calibration_rows.is_none() || self.precision == Precision::Int8,
            "--calibration-rows is for --precision int8, which sees the ranges of its values on them; leave it out"
        );
        Ok(())
    }

    /// Exports and checks; gives the check, and what is to be said of the rows that it was made on.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn export(&self, interrupt: &Interrupt) -> Result<(ExportCheck, Vec<String>)> {
        let files::InputFiles { files: given, bad, note } = find(&self.pictures);
        note.iter().for_each(|n| eprintln!("note: {n}"));
        refuse(&bad)?;
        let inputs = Inputs::new().run(&self.run).paths("--data", &self.set.data).paths("--pictures", &given);
        inputs.spare(&[("--out", Some(&self.out), ONNX)])?;
        let mut notes = Vec::new();
        let loaded = loaded::open_with_heads(&self.run, None)?;
        let (facts, scores) = facts_and_scores(&loaded)?;
        let what = self.exported(&loaded, &facts, &scores);
        let check = if !given.is_empty() {
            let pictures = given_pictures(&loaded, what.views, &given, self.max_pixels)?;
            onnx::export(&what, &Examples::Pictures(&pictures), &self.out, interrupt)?
        } else if self.set.is_missing(&loaded) {
            let pictures = onnx::drawn_pictures(&loaded, what.views, DRAWN)?;
            onnx::export(&what, &Examples::Pictures(&pictures), &self.out, interrupt)?
        } else {
            let chosen = self.set.load(&loaded)?;
            let check = onnx::export(&what, &Examples::Rows(&chosen.subset), &self.out, interrupt)?;
            notes = said_of(chosen, &loaded);
            check
        };
        if self.is_of_run(&loaded) {
            // The run's record is of the file that stands in it.
            write_json(loaded.run.onnx_check(), &check)?;
        }
        Ok((check, notes))
    }

    fn exported<'a>(&self, loaded: &'a LoadedRun, facts: &'a DatasetSummary, scores: &'a Scores) -> Exported<'a> {
        let what = Exported::of(loaded, facts, scores);
        if self.single_view { Exported { views: Views::Single, ..what } } else { what }
    }

    /// Whether `out` is the file that stands in the run.
    fn is_of_run(&self, loaded: &LoadedRun) -> bool {
        let out = self.out.canonicalize().ok();
        out.is_some() && out == loaded.run.onnx().canonicalize().ok()
    }

    /// Exports in fewer bits, checks what that loses, prints it.
    fn export_reduced(&self, interrupt: &Interrupt) -> Result<()> {
        Inputs::new().run(&self.run).paths("--data", &self.set.data).spare(&[("--out", Some(&self.out), ONNX)])?;
        let loaded = loaded::open_with_heads(&self.run, None)?;
        ensure!(
            !self.is_of_run(&loaded),
            "{} is the run's own file, which computes what the model computes: name another with --out",
            self.out.display()
        );
        let (facts, scores) = facts_and_scores(&loaded)?;
        let what = self.exported(&loaded, &facts, &scores);
        let calibration = match self.precision {
            Precision::Int8 => {
                let set = ScoredSet { set_name: Some(SetName::Train), ..self.set.clone() };
                let chosen = set.load(&loaded).context("int8 sees the ranges of its values on the training set")?;
                let rows = self.calibration_rows.unwrap_or(CALIBRATION_ROWS);
                onnx::evenly_spaced(&chosen.subset, what.views, rows as usize)?
            }
            _ => Vec::new(),
        };
        let allowed = self.max_loss.unwrap_or(MAX_LOSS);
        let wanted = Reduced { precision: self.precision, calibration: &calibration, allowed };
        let chosen = self.set.load(&loaded)?;
        let check = onnx::export_reduced(&what, &chosen.subset, &self.out, &wanted, interrupt)?;
        said_of(chosen, &loaded).iter().try_for_each(say)?;
        say(onnx::reduced_text(&check))?;
        say(format_args!("written  {}", self.out.display()))
    }
}

/// What is to be said of the rows that a check was made on.
fn said_of(chosen: Chosen, loaded: &LoadedRun) -> Vec<String> {
    let exposure = chosen.exposure(&loaded.run);
    let mut said = chosen.notes;
    said.extend(exposure.iter().flat_map(Exposure::warnings));
    said.push(format!("data     {}", chosen.title));
    said
}

/// What is known of the data and of the scores on the test set.
fn facts_and_scores(loaded: &LoadedRun) -> Result<(DatasetSummary, Scores)> {
    let sets = if loaded.run.is_finished() { report::read_metrics(loaded.run.scores())? } else { Default::default() };
    let mut facts = loaded.facts.clone();
    if loaded.meta.heads.is_empty() {
        facts.classes.clone_from(&loaded.meta.classes);
    }
    if loaded.run.is_imported() {
        let files: Vec<String> = Provenance::load(&loaded.run).weights.into_keys().collect();
        facts.source = format!("published weights: {}", files.join(", "));
    }
    Ok((facts, sets.get("test").cloned().unwrap_or_default()))
}

/// Pictures that the user names, each a face crop.
fn given_pictures(loaded: &LoadedRun, views: Views, files: &[PathBuf], max_pixels: u64) -> Result<Pictures> {
    ensure!(
        loaded.experiment.data.clips.is_none(),
        "--pictures are single pictures, and {} takes sequences of them: name a prepared file of clips with --data",
        loaded.run.path().display()
    );
    let chain = loaded.picture_chain()?;
    let source = chain.for_views(views);
    let planes =
        files.iter().map(|path| Ok(source.planes(&Photo::open(path, max_pixels)?.picture()))).collect::<Result<_>>()?;
    Ok(Pictures { planes, pipeline: chain.pipeline().clone(), what: "given files".to_owned() })
}
