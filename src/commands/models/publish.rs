//! `ferrotype models publish`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use ferrotype_base::digest::sha256_file;
use ferrotype_expressions::LoadedRun;
use ferrotype_hub::{Commercial, Entry, Kind};
use ferrotype_interop::export::ExportCheck;
use ferrotype_report::{CardView, card};
use ferrotype_run::PublicFolder;
use ferrotype_training::interrupt::Interrupt;

use super::hub::{Files, Network};
use crate::commands::export::ExportCommand;
use crate::commands::inputs::spare_runs;
use crate::commands::say;
use crate::published::bundle;
use crate::systems::expressions::{onnx, view};
use crate::systems::loaded;

/// Make of a finished run what others can use by a name: model card, ONNX file, weights, and the entries for the registry.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype models publish runs/vgg13-20260101-120000 --name my_vgg13 --licence MIT --commercial allowed
  ferrotype models publish runs/vgg13-20260101-120000 --name my_vgg13 --licence MIT --add     (and use it here as hub:my_vgg13)
  ferrotype models publish runs/vgg13-20260101-120000 --name my_vgg13 --licence MIT --url https://example.org/my_vgg13")]
pub struct PublishCommand {
    /// The run.
    run: PathBuf,
    /// The name that it gets: small letters, digits, `.`, `_` and `-`.
    #[arg(long)]
    name: String,
    /// The folder to make; `published/NAME` by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The licence of the weights: an SPDX identifier, or words.
    #[arg(long, value_name = "LICENCE")]
    licence: String,
    /// Where the licence stands, and the terms of the data behind the weights, in words.
    #[arg(long, default_value = "See the model card.")]
    terms: String,
    /// Whether the model may be used commercially. Data have terms of their own: say `allowed` only if theirs allow it, too.
    #[arg(long, value_enum, default_value_t)]
    commercial: CommercialUse,
    /// What to cite.
    #[arg(long, value_name = "TEXT", default_value = "")]
    citation: String,
    /// The address of the folder in which the files will stand.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Also put the weights and their entry into the cache of this machine.
    #[arg(long)]
    add: bool,
}

/// Whether a model may be used commercially.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum CommercialUse {
    /// The licence, and the terms of the data, allow it.
    Allowed,
    /// One of them forbids it.
    Forbidden,
    /// Nobody has said.
    #[default]
    Unclear,
}

impl PublishCommand {
    /// Publishes.
    ///
    /// # Errors
    /// When the run is not finished, of another system or has heads; when its export fails its check; or a file cannot be written.
    pub fn run(self) -> Result<()> {
        let loaded = loaded::open(&self.run, None)?;
        ensure!(
            loaded.run.is_finished() && loaded.run.predictions().is_file(),
            "{} is not finished: a model card needs its scores. `ferrotype train --resume {}` goes on with it",
            self.run.display(),
            self.run.display()
        );
        let target = self.out.clone().unwrap_or_else(|| Path::new("published").join(&self.name));
        spare_runs(&self.run, &target)?;
        // What is wrong with a name or an address is said before anything is written.
        self.entry(Kind::Expressions, "x", 1, &"0".repeat(64), &loaded).and_then(|e| checked(&e))?;
        let folder = PublicFolder::create(&target)?;
        let graph = folder.path().join(format!("{}.onnx", self.name));
        let (check, notes) = ExportCommand::new(&self.run, &graph, None).export(&Interrupt::listen()?)?;
        notes.iter().try_for_each(say)?;
        say(onnx::text(&check))?;
        let weights = bundle::pack(&loaded, &folder, &format!("{}.safetensors", self.name))?;
        let entry = self.of_file(&weights, &loaded, &folder, &self.name)?;
        self.of_file(&graph, &loaded, &folder, &format!("{}_onnx", self.name))?;
        self.write_card(&loaded, &check, &folder)?;
        say(format_args!("written  {}", target.display()))?;
        if self.add {
            let entry = folder.path().join(format!("{}.yaml", entry.name));
            let kept = Files::open(Network::of_author())?.add(&entry.to_string_lossy(), &weights)?;
            say(format_args!("here as  hub:{} ({})", self.name, kept.display()))?;
        }
        Ok(())
    }

    /// Writes the entry of a file beside it.
    fn of_file(&self, file: &Path, loaded: &LoadedRun, folder: &PublicFolder, name: &str) -> Result<Entry> {
        let sha256 = sha256_file(file).with_context(|| format!("cannot read {}", file.display()))?;
        let size = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
        let file_name = file.file_name().unwrap_or_default().to_string_lossy();
        let entry =
            Entry { name: name.to_owned(), ..self.entry(Kind::Expressions, &file_name, size, &sha256, loaded)? };
        folder.write(format!("{name}.yaml"), &entry.to_yaml())?;
        Ok(entry)
    }

    fn entry(&self, kind: Kind, file: &str, size: u64, sha256: &str, loaded: &LoadedRun) -> Result<Entry> {
        let (facts, model) = (&loaded.facts, loaded.experiment.model.name());
        let [channels, height, width] = loaded.network.graph().input;
        let drawn = if facts.synthetic { " (drawn faces)" } else { "" };
        let sources = self.url.iter().map(|url| format!("{}/{file}", url.trim_end_matches('/'))).collect();
        Ok(Entry {
            name: self.name.clone(),
            kind,
            what: format!("{model} trained on {}{drawn}, {} classes", facts.source, facts.classes.len()),
            file: file.to_owned(),
            size,
            sha256: sha256.to_owned(),
            sources,
            tried: false,
            origin: format!(
                "Written by `ferrotype models publish` of a run of the experiment {}.",
                loaded.experiment.name
            ),
            licence: self.licence.clone(),
            terms: self.terms.clone(),
            commercial: match self.commercial {
                CommercialUse::Allowed => Commercial::Allowed,
                CommercialUse::Forbidden => Commercial::Forbidden,
                CommercialUse::Unclear => Commercial::Unclear,
            },
            citation: if self.citation.is_empty() { "unknown".to_owned() } else { self.citation.clone() },
            input: format!("[n, {channels}, {height}, {width}], values 0 to 255; scaling is inside"),
            output: format!("[n, {}]: {}", facts.classes.len(), facts.classes.join(", ")),
            known_answer:
                "Four drawn pictures and the outputs for them stand in the file of weights; they are computed again \
                           wherever a run is made of it."
                    .to_owned(),
            network: String::new(),
            notes: String::new(),
        })
    }

    fn write_card(&self, loaded: &LoadedRun, check: &ExportCheck, folder: &PublicFolder) -> Result<()> {
        let mut run = view::of_run(&loaded.run)?;
        run.onnx = Some(view::onnx(check, format!("{}.onnx", self.name)));
        let preprocess = &loaded.experiment.data.preprocess;
        let (size, frame) = (preprocess.size, preprocess.frame());
        let middle = if frame == size { String::new() } else { format!(", of which the middle {size}x{size}") };
        let about = CardView {
            name: self.name.clone(),
            licence: self.licence.clone(),
            terms: self.terms.clone(),
            commercial: format!("{:?}", self.commercial).to_lowercase(),
            citation: self.citation.clone(),
            inside: format!("scaling ({})", serde_json::to_string(&preprocess.scale)?.replace('"', "")),
            outside: format!(
                "finding the face, {} pixels, bringing it to {frame}x{frame} ({}){middle}, values 0 to 255",
                serde_json::to_string(&preprocess.colour)?.replace('"', ""),
                serde_json::to_string(&preprocess.resize)?.replace('"', "")
            ),
            has_weights: true,
        };
        folder.write("README.md", &card(&run, &about)?)
    }
}

/// An entry as its own file would be read.
fn checked(entry: &Entry) -> Result<()> {
    Entry::from_yaml("the entry", &entry.to_yaml())?;
    Ok(())
}
