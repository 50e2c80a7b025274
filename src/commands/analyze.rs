//! `ferrotype analyze`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::models::hub::of_parts;
use super::say;
use crate::config;
use crate::runner::bar::bar_of;
use crate::systems::loaded;
use ferrotype_analysis::mesh::MeshOptions;
use ferrotype_analysis::options::{ColumnNames, HeadOptions, Sampling};
use ferrotype_analysis::output::Written;
use ferrotype_analysis::video::{self, Progress, Watch};
use ferrotype_analysis::{AnalysisOptions, Head, PartFacts, Parts};
use ferrotype_expressions::Predictor;
use ferrotype_training::interrupt::Interrupt;

/// Describe the faces of videos or pictures one by one: boxes, landmarks, persons, expressions, action units, valence and arousal.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  ferrotype analyze interview.mp4 --detector yunet.onnx --out results/
  ferrotype analyze clips/*.mp4 --config configs/analyze/default.yaml --set sampling.every=10
  ferrotype analyze interview.mp4 --detector yunet.onnx --landmarks pfld_68.onnx --action-units openface-au.safetensors \\
      --run expression=runs/ferplus-vgg13-20260101-120000 --every 1")]
pub struct AnalyzeCommand {
    /// Videos, folders of pictures, or pictures.
    #[arg(required_unless_present_any = ["schema", "results_schema"], value_name = "VIDEO")]
    videos: Vec<PathBuf>,
    /// What is looked at, by what, and what is written; the options below change it.
    #[arg(long, value_name = "YAML")]
    config: Option<PathBuf>,
    /// Change a key of it, such as sampling.every=10; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The folder in which each video gets a folder of its name.
    #[arg(long, value_name = "FOLDER", default_value = "results")]
    out: PathBuf,
    /// The ONNX file of a face detector, YuNet or UltraFace, or a published model by its name: yunet.
    #[arg(long, value_name = "ONNX")]
    detector: Option<PathBuf>,
    /// The ONNX file of a landmark network (PFLD, 68 points), or a name: pfld68; or `mesh`: those of --mesh.
    #[arg(long, value_name = "ONNX")]
    landmarks: Option<PathBuf>,
    /// The ONNX file of an identity embedding, or a name: mobilefacenet. A face that leaves and returns keeps its number.
    #[arg(long, value_name = "ONNX")]
    embedder: Option<PathBuf>,
    /// MediaPipe's face mesh and blendshapes: the folder of their ONNX files, or `mediapipe` for the published models.
    #[arg(long, value_name = "FOLDER")]
    mesh: Option<PathBuf>,
    /// Predictors of action units, made by `ferrotype import openface`.
    #[arg(long, value_name = "FILE")]
    action_units: Option<PathBuf>,
    /// A finished run that is shown each face, with a name of your choice: expression=runs/...; may be given several times.
    #[arg(long = "run", value_name = "NAME=RUN")]
    runs: Vec<String>,
    /// Look at every n-th frame.
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    every: Option<usize>,
    /// Look at about so many frames per second, chosen by time.
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// The pictures of a folder are the frames of a video at so many per second, in the order of their names; without it they are
    /// stills, which have no times and persons.
    #[arg(long, value_name = "RATE")]
    frame_rate: Option<f64>,
    /// Names of the columns of frames.csv.
    #[arg(long, value_name = "NAMES", value_enum)]
    columns: Option<ColumnNames>,
    /// Also write the faces as pictures, and crops.csv: a manifest of them all for `ferrotype data prepare manifest`.
    #[arg(long)]
    crops: bool,
    /// Also write annotated.mp4: the video with boxes, landmarks, and what is said of each face as bars.
    #[arg(long)]
    annotated: bool,
    /// One JSON object per event on standard output.
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of the file that --config takes.
    #[arg(long)]
    schema: bool,
    /// Print the JSON Schema of results.json.
    #[arg(long, conflicts_with = "schema")]
    results_schema: bool,
}

impl AnalyzeCommand {
    /// An analysis of these videos by a file of options, or the defaults, with changes `KEY=VALUE`.
    pub fn new(videos: Vec<PathBuf>, out: PathBuf, config: Option<PathBuf>, sets: Vec<String>) -> Self {
        Self { videos, out, config, sets, ..Self::default() }
    }

    /// Looks at each video; one that cannot be used is told, and the others are still looked at.
    ///
    /// # Errors
    /// When an option is impossible, a part cannot be opened, or a video could not be used.
    pub fn run(self) -> Result<()> {
        if self.schema {
            return say(serde_json::to_string_pretty(&config::schema_of::<AnalysisOptions>())?);
        }
        if self.results_schema {
            return say(ferrotype_analysis::RESULTS_SCHEMA.trim_end());
        }
        let (options, parts) = self.open()?;
        let mut watching = Watching { interrupt: Interrupt::listen()?, json: self.json, bar: ProgressBar::hidden() };
        let (mut bad, mut done) = (Vec::new(), Vec::new());
        for (path, folder) in self.places() {
            match self.one(&parts, &options, path, &folder, &mut watching) {
                Ok(()) => done.push(folder),
                Err(error) if watching.is_asked_to_stop() => return Err(error),
                Err(error) => {
                    watching.bar.finish_and_clear();
                    eprintln!("error: {error:#}");
                    bad.push(path.display().to_string());
                }
            }
        }
        if let Some(path) = self.join(&options, &done)?.filter(|_| !self.json) {
            say(format_args!("written {}", path.display()))?;
        }
        ensure!(bad.is_empty(), "{} of {} videos could not be used: {}", bad.len(), self.videos.len(), bad.join(", "));
        Ok(())
    }

    /// The options, and the parts that they name, opened.
    ///
    /// # Errors
    /// When an option is impossible, ffmpeg is not there, or a part cannot be opened.
    pub fn open(&self) -> Result<(AnalysisOptions, Parts)> {
        let mut options = self.options()?;
        of_parts(&mut options)?;
        ferrotype_vision::video::available()?;
        let parts = Parts::open(&options, heads(&options)?)?;
        Ok((options, parts))
    }

    /// Each video with the folder of its results.
    pub fn places(&self) -> impl Iterator<Item = (&Path, PathBuf)> {
        self.videos.iter().map(PathBuf::as_path).zip(video::folders(&self.out, &self.videos))
    }

    /// Looks at one video and writes what is said of it into a folder.
    ///
    /// # Errors
    /// When it cannot be read, somebody asked to stop, or the folder holds other files.
    pub fn look(
        parts: &Parts,
        options: &AnalysisOptions,
        path: &Path,
        folder: &Path,
        watch: &mut dyn Watch,
    ) -> Result<Written> {
        spare(path, folder)?;
        video::analyse(parts, options, path, folder, watch)
            .with_context(|| format!("cannot analyse {}", path.display()))
    }

    /// Makes one manifest of the crops of several videos, where crops are written; gives its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn join(&self, options: &AnalysisOptions, done: &[PathBuf]) -> Result<Option<PathBuf>> {
        let is_wanted = options.output.crops && done.len() > 1;
        is_wanted.then(|| ferrotype_analysis::join_crops(&self.out, done)).transpose()
    }

    fn one(
        &self,
        parts: &Parts,
        options: &AnalysisOptions,
        path: &Path,
        folder: &Path,
        watching: &mut Watching,
    ) -> Result<()> {
        watching.begin(path);
        let written = Self::look(parts, options, path, folder, watching)?;
        watching.bar.finish_and_clear();
        if self.json {
            return say(json!({
                "event": "result", "video": path, "folder": written.folder, "frames": written.summary.frames,
                "tracks": written.summary.tracks().len(),
            }));
        }
        say(written.text.trim_end())?;
        say(format_args!("written {}", folder.display()))
    }

    /// The file's options with those of the command line.
    fn options(&self) -> Result<AnalysisOptions> {
        let mut options = match &self.config {
            Some(path) => {
                let loaded = ferrotype_config::load_as::<AnalysisOptions>(path, &self.sets)?;
                super::say_warnings(&loaded.warnings);
                loaded.experiment
            }
            None => config::with_sets("the defaults", &AnalysisOptions::default(), &self.sets)?,
        };
        let parts = &mut options.parts;
        for (given, part) in [
            (&self.detector, &mut parts.detector),
            (&self.landmarks, &mut parts.landmarks),
            (&self.embedder, &mut parts.embedder),
            (&self.action_units, &mut parts.action_units),
        ] {
            if let Some(path) = given {
                *part = Some(path.clone());
            }
        }
        if let Some(folder) = &self.mesh {
            parts.mesh = Some(mesh_of(folder));
        }
        for named in &self.runs {
            let Some((name, run)) = named.split_once('=') else {
                bail!("--run is `{named}`: give the run a name, as in --run expression={named}");
            };
            options.heads.insert(name.to_owned(), HeadOptions { run: run.into() });
        }
        options.sampling = match (self.every, self.rate) {
            (Some(n), _) => Sampling::Every(n),
            (_, Some(rate)) => Sampling::Rate(rate),
            _ => options.sampling,
        };
        options.frame_rate = self.frame_rate.or(options.frame_rate);
        options.output.columns = self.columns.unwrap_or(options.output.columns);
        options.output.annotated |= self.annotated;
        options.output.crops |= self.crops;
        // What the command line says has the same ranges.
        Ok(config::with_sets("the options", &options, &[])?)
    }
}

/// The folder of a face mesh; `mediapipe`, where there is no such folder, are the published models.
pub(super) fn mesh_of(folder: &Path) -> MeshOptions {
    if folder != Path::new("mediapipe") || folder.exists() {
        return MeshOptions::of_folder(folder);
    }
    let named = |name: &str| Some(PathBuf::from(format!("mediapipe_{name}")));
    let (detector, landmarks, blendshapes) = (named("face_detector"), named("face_mesh"), named("blendshapes"));
    MeshOptions { folder: None, detector, landmarks, blendshapes }
}

/// Opens the runs.
fn heads(options: &AnalysisOptions) -> Result<Vec<(Head, PartFacts)>> {
    let open = |(name, head): (&String, &HeadOptions)| {
        let run = loaded::open_with_heads(&head.run, None).with_context(|| format!("the head {name}"))?;
        let mut facts = PartFacts::of(&format!("head {name}"), run.experiment.model.name(), &run.run.best_weights())?;
        facts.path = head.run.display().to_string();
        Ok((Head { name: name.clone(), predictor: Predictor::new(run)?.folded()? }, facts))
    };
    options.heads.iter().map(open).collect()
}

/// Refuses a folder with files that are no analysis's: nothing of somebody else's is replaced.
fn spare(video: &Path, folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(_) => return Ok(()),
    };
    let own = ["results.json", ".frames.jsonl", "analysis.yaml"];
    let names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    ensure!(
        names.is_empty() || names.iter().any(|name| own.contains(&name.as_str())),
        "{} is there already and holds no analysis: choose another --out for {}, or move it",
        folder.display(),
        video.display()
    );
    Ok(())
}

/// Shows how far an analysis is.
struct Watching {
    interrupt: Interrupt,
    json: bool,
    bar: ProgressBar,
}

impl Watching {
    fn begin(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.bar = if self.json { ProgressBar::hidden() } else { bar_of(name, 0) };
    }
}

impl Watch for Watching {
    fn progress(&mut self, p: &Progress) {
        if self.json {
            // A reader that has gone away is noticed with the result.
            let _ = say(json!({
                "event": "progress", "frame": p.frame, "of": p.of, "looked_at": p.looked, "faces": p.faces,
                "frames_per_second": p.looked as f64 / p.seconds.max(1e-9),
            }));
            return;
        }
        if let Some(of) = p.of {
            self.bar.set_length(of);
        }
        self.bar.set_position(p.frame + 1);
    }

    fn note(&mut self, text: &str) {
        eprintln!("note: {text}");
    }

    fn is_asked_to_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}
