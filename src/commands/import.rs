//! `ferrotype import`

mod folds;
mod openface;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use clap::{Args, Subcommand};
use ferrotype_base::digest;
use ferrotype_base::problems::first_repeat;
use serde::Serialize;

use super::models::hub::of_option;
use super::say;
use super::scored_set::label_mode;
use crate::config::{self, Experiment};
use ferrotype_interop::import::{self, Declared, ExpectedForm, Foreign, Head, Matched};
use ferrotype_model::published::Origin;
use ferrotype_model::{ModelOptions, Network};
use ferrotype_run::files::{write_atomic, write_json};
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::checkpoint::{Checkpoint, Meta};

/// Make a run of published weights: Keras (.keras, .h5, .hdf5), PyTorch (.pt, .pth) or safetensors.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  ferrotype import --model mini_xception --from fer2013_mini_XCEPTION.102-0.66.hdf5 --out runs/imported/mini_xception
  ferrotype import --model mini_xception --from w.hdf5 --out runs/imported/cv --set data.preprocess.resize=bilinear_opencv
  ferrotype import --model ststnet --from ststnet_68.safetensors --out runs/imported/ststnet --folds
  ferrotype import --model mobilenet_v2 --from mobilenet_v2_0.35_imagenet_notop.safetensors --out runs/imported/backbone \\
      --head new --classes anger,disgust,fear,happiness,neutral,sadness,surprise --set data.preprocess.size=96")]
pub struct ImportCommand {
    #[command(subcommand)]
    of: Option<ImportOf>,
    /// The network: a name of the zoo.
    #[arg(long, value_name = "NAME", required_unless_present = "origins")]
    model: Option<String>,
    /// The file with the weights, or a published model by its name: mini_xception.
    #[arg(long, value_name = "FILE", required_unless_present = "origins")]
    from: Option<PathBuf>,
    /// The run folder to make.
    #[arg(long, value_name = "FOLDER", required_unless_present = "origins")]
    out: Option<PathBuf>,
    /// The published form that the file is of; by default the one that fits. --origins lists them.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Class names in the order of the outputs: A,B,C, or a text file with a name per line.
    #[arg(long, value_name = "NAMES")]
    classes: Option<String>,
    /// The file's classifier, or a new one that is still to be trained.
    #[arg(long, value_name = "WHICH", default_value = "file")]
    head: Head,
    /// The prepared file that the run is scored on unless `eval` says otherwise.
    #[arg(long, value_name = "H5")]
    data: Option<PathBuf>,
    /// How that file's labels become classes.
    #[arg(long, value_name = "MODE")]
    labels: Option<String>,
    /// The file holds a network for each person of the data who was left out in training, their names before the tensors'
    /// (`s01.conv1.weight`): make a group of folds of them, and score each on the person it has not seen.
    #[arg(long, conflicts_with = "head")]
    folds: bool,
    /// Change a key of the run's experiment, such as data.preprocess.size; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// List the published forms that are known, with preprocessing and classes.
    #[arg(long)]
    origins: bool,
}

/// What is imported besides the weights of one network.
#[derive(Debug, Subcommand)]
enum ImportOf {
    Openface(openface::OpenfaceCommand),
}

/// What an imported run says of its weights: `import.json`.
#[derive(Debug, Serialize)]
struct Record<'a> {
    file: String,
    sha256: &'a str,
    format: &'a str,
    origin: &'a str,
    source: &'a str,
    tensors: usize,
    values: usize,
    ignored: &'a [String],
    reinit: &'a [String],
}

impl ImportCommand {
    /// The import of a file as the network is published.
    pub fn of(model: &str, from: &Path, out: &Path) -> Self {
        Self {
            of: None,
            model: Some(model.to_owned()),
            from: Some(from.to_path_buf()),
            out: Some(out.to_path_buf()),
            origin: None,
            classes: None,
            head: Head::File,
            data: None,
            labels: None,
            folds: false,
            sets: Vec::new(),
            origins: false,
        }
    }

    /// Imports.
    ///
    /// # Errors
    /// When the file cannot be read or is of another network, or the folder is taken.
    pub fn run(mut self) -> Result<()> {
        if let Some(ImportOf::Openface(command)) = self.of.take() {
            return command.run();
        }
        of_option("--from", &mut self.from)?;
        if self.origins {
            return list();
        }
        self.make()?.iter().try_for_each(say)
    }

    /// Makes the run; gives what is to be said of it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn make(&self) -> Result<Vec<String>> {
        let (Some(model), Some(from), Some(out)) = (&self.model, &self.from, &self.out) else {
            bail!("--model, --from and --out are needed")
        };
        let origins = self.origins_of(model)?;
        if out.exists() && std::fs::read_dir(out).map_or(true, |mut entries| entries.next().is_some()) {
            bail!("{} is there already: choose another --out, or remove it", out.display());
        }
        let classes = self.classes.as_deref().map(class_names).transpose()?;
        let foreign = import::read(from)?;
        if self.folds {
            folds::import(self, from, &foreign, origins, classes.as_deref(), out)?;
            return Ok(Vec::new());
        }
        let forms = origins.into_iter().map(|origin| self.form(origin, &foreign.declared, out));
        let forms = forms.collect::<Result<Vec<_>>>().with_context(|| format!("cannot import {}", from.display()))?;
        let (expected, experiments): (Vec<ExpectedForm>, Vec<Experiment>) = forms.into_iter().unzip();
        let matched = import::match_form(&foreign, expected, self.head, classes.as_deref())
            .with_context(|| format!("cannot import {}", from.display()))?;
        let experiment = experiments
            .into_iter()
            .find(|e| e.model == matched.expected.model && e.data.preprocess == matched.expected.preprocess)
            .context("the form has no experiment")?;
        let written = self.write(out, from, &foreign, &matched, &experiment);
        if written.is_err() {
            // What stands there now was made here.
            let _ = std::fs::remove_dir_all(out);
        }
        written
    }

    /// The forms to be tried.
    fn origins_of(&self, model: &str) -> Result<Vec<Origin>> {
        let all = ModelOptions::all();
        let Some(options) = all.iter().find(|m| m.name() == model) else {
            let names: Vec<&str> = all.iter().map(ModelOptions::name).collect();
            bail!("there is no network `{model}`: {}", names.join(", "));
        };
        let mut origins = options.architecture().origins();
        ensure!(!origins.is_empty(), "no published weights of {model} are known");
        let first = &origins[0];
        let own = import::own_form(first.model.clone(), first.preprocess.clone());
        // Of a network with one published form, files by our own names are fed in the same way.
        origins.push(Origin { classes: first.classes, labels: first.labels, data: first.data, ..own });
        if let Some(name) = &self.origin {
            let names: Vec<&str> = unique(origins.iter().map(|o| o.name));
            ensure!(names.contains(&name.as_str()), "{model} has no form `{name}`: {}", names.join(", "));
            origins.retain(|o| o.name == name);
        }
        Ok(origins)
    }

    /// A form with the experiment that it makes; pictures are those that the file declares, unless --set says otherwise.
    fn form(&self, origin: Origin, declared: &Declared, out: &Path) -> Result<(ExpectedForm, Experiment)> {
        let preprocess = declared.apply_to(&origin.preprocess)?;
        let labels = self.labels.as_deref().map(label_mode).transpose()?.unwrap_or(origin.labels);
        let data = match (&self.data, origin.data) {
            (Some(path), _) => path.clone(),
            (None, "") => PathBuf::from("datasets/none.h5"),
            (None, path) => PathBuf::from(path),
        };
        let name: String = format!("imported-{}", out.file_name().unwrap_or_default().to_string_lossy())
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
            .take(100)
            .collect();
        // Nothing was trained here, but an experiment file has these sections; `train` may be given others.
        let plain = serde_json::json!({
            "name": name,
            "description": format!("Published weights: {}. Imported, not trained; `train` is a placeholder.", origin.source),
            "data": { "path": data, "labels": labels, "preprocess": preprocess },
            "model": origin.model,
            "train": { "epochs": 1, "lr": 1e-3 },
        });
        let plain: Experiment = serde_json::from_value(plain).context("a published form makes no experiment")?;
        let experiment =
            config::with_sets(&format!("the form {} of {}", origin.name, origin.model.name()), &plain, &self.sets)?;
        ensure!(
            experiment.model.name() == origin.model.name(),
            "--set model replaces the network: choose it with --model, and set its options with --set model.{}.KEY=VALUE",
            origin.model.name()
        );
        let (model, preprocess) = (experiment.model.clone(), experiment.data.preprocess.clone());
        Ok((ExpectedForm { origin, model, preprocess }, experiment))
    }

    fn write(
        &self,
        out: &Path,
        from: &Path,
        foreign: &Foreign,
        matched: &Matched,
        experiment: &Experiment,
    ) -> Result<Vec<String>> {
        let origin = &matched.expected.origin;
        let network = filled(matched, experiment.seed)?;
        let run = RunFolder::create_at(out)?;
        std::fs::create_dir_all(run.checkpoints())
            .with_context(|| format!("cannot make the folder {}", run.checkpoints().display()))?;
        let meta = Meta {
            model: experiment.model.name().into(),
            classes: matched.classes.clone(),
            experiment_sha256: config::digest(experiment),
            kernels: "imported".into(),
            ..Meta::default()
        };
        Checkpoint { tensors: network.state()?, meta }.save(&run.best_weights())?;
        let sha256 = digest::sha256_file(from).with_context(|| format!("cannot read {}", from.display()))?;
        let file = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let record = Record {
            file: file.clone(),
            sha256: &sha256,
            format: foreign.format,
            origin: origin.name,
            source: origin.source,
            tensors: foreign.tensors.len(),
            values: matched.state.iter().map(|t| t.values.len()).sum(),
            ignored: &foreign.ignored,
            reinit: &matched.reinit,
        };
        write_json(run.imported(), &record)?;
        let mut provenance = Provenance::begin(crate::COMMIT, "none", "none", 0);
        provenance.weights.insert(file, sha256.clone());
        provenance.experiment_sha256 = config::digest(experiment);
        provenance.finish(0.0);
        provenance.save(&run)?;
        // Last: its presence makes the folder a run.
        write_atomic(run.config(), config::to_yaml(experiment).as_bytes())?;
        Ok(summary(&record, &foreign.declared, matched, experiment, &run))
    }
}

/// The network with the file's values; what is reinitialised begins as the seed says.
fn filled(matched: &Matched, seed: u64) -> Result<Network> {
    let mut network = Network::new(Arc::new(matched.graph.clone()), seed, &Device::flex());
    let mut state = matched.state.clone();
    state.extend(network.state()?.into_iter().filter(|t| matched.reinit.contains(&t.name)));
    if let Some(t) = state.iter().find(|t| t.values.iter().any(|v| !v.is_finite())) {
        bail!("{} holds values that are not finite numbers: the file is damaged", t.name);
    }
    network.load_state(state)?;
    Ok(network)
}

fn summary(
    record: &Record,
    declared: &Declared,
    matched: &Matched,
    experiment: &Experiment,
    run: &RunFolder,
) -> Vec<String> {
    let p = &experiment.data.preprocess;
    let yaml = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let show = |value: Result<serde_json::Value, _>| value.map(yaml).unwrap_or_else(|_: serde_json::Error| "?".into());
    let mut lines = vec![
        format!("file     {} ({}), sha256 {}", record.file, record.format, record.sha256),
        format!("form     {}: {}", record.origin, record.source),
        format!("weights  {} tensors, {} values, every one in its place", record.tensors, record.values),
    ];
    if !record.ignored.is_empty() {
        let first = record.ignored[..record.ignored.len().min(3)].join(", ");
        lines.push(format!("ignored  {} that are no weights ({first}, ...)", record.ignored.len()));
    }
    if !record.reinit.is_empty() {
        lines.push(format!("new      {}: initial values, to be trained", record.reinit.join(", ")));
    }
    let listed = matched.classes[..matched.classes.len().min(10)].join(", ");
    let more = if matched.classes.len() > 10 { ", ..." } else { "" };
    lines.push(format!("classes  {}: {listed}{more}", matched.classes.len()));
    lines.push(format!(
        "pictures {0}x{0}, {1}, resize {2}, scale {3}",
        p.size,
        show(serde_json::to_value(p.colour)),
        show(serde_json::to_value(p.resize)),
        show(serde_json::to_value(&p.scale))
    ));
    lines.push(match declared.size {
        Some([height, width]) if [height, width] == [p.size; 2] => format!("size     {}: the file says so", p.size),
        Some([height, width]) => format!("size     {}: the file's network took {width}x{height}", p.size),
        None => format!(
            "size     {}: the file does not say its own; where it was trained at another, set data.preprocess.size",
            p.size
        ),
    });
    lines.push(format!("run      {}", run.path().display()));
    lines
}

/// Prints the published forms of every network.
fn list() -> Result<()> {
    for model in ModelOptions::all() {
        let mut seen = Vec::new();
        for origin in model.architecture().origins() {
            if seen.contains(&origin.name) {
                continue;
            }
            seen.push(origin.name);
            let p = &origin.preprocess;
            let classes = if origin.classes.is_empty() { "the file's".into() } else { origin.classes.join(", ") };
            say(format_args!("{:<16} {:<20} {}", model.name(), origin.name, origin.source))?;
            say(format_args!("    {}; classes: {classes}", serde_json::to_string(p)?))?;
        }
    }
    say("\nEvery network also takes files by its own parameter names (form `ferrotype`).")
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    names.for_each(|name| {
        if !all.contains(&name) {
            all.push(name)
        }
    });
    all
}

/// Names between commas, or the lines of a file.
fn class_names(text: &str) -> Result<Vec<String>> {
    let path = Path::new(text);
    let names: Vec<String> = if path.is_file() {
        let lines = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        lines.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
    } else {
        text.split(',').map(|name| name.trim().to_owned()).collect()
    };
    ensure!(
        !names.is_empty() && names.iter().all(|n| !n.is_empty()),
        "--classes is `{text}`: give names between commas, or a text file with a name per line"
    );
    if let Some(i) = first_repeat(&names) {
        bail!("--classes names `{}` twice", names[i]);
    }
    Ok(names)
}
