//! `ferrotype models list --hub`, `pull`, `verify`, `remove`, `add`; and files of weights by name for all commands.

use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use ferrotype_analysis::{AnalysisOptions, mesh};
use ferrotype_hub::{Accept, Entry, Event, Hub, Listed, Options, Registry, State};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::say;

/// What is done with published models.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Load published models into the cache; prints their paths.
    #[command(after_help = "Examples:\n  ferrotype models pull yunet\n  ferrotype models pull pfld68 --accept-licence")]
    Pull {
        /// Their names; `ferrotype models list --hub` has them.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        network: Network,
    },
    /// Read the files in the cache and hold them against their sha256.
    Verify {
        /// Their names; all that are in the cache by default.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Remove models from the cache.
    Remove {
        /// Their names.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Put a file that came in another way into the cache, if it is the model's.
    Add {
        /// The model's name; or the file of an entry (NAME.yaml), which is kept in the cache, too.
        name: String,
        /// The file; it stays where it is.
        file: PathBuf,
        #[command(flatten)]
        network: Network,
    },
}

/// Settings of commands that may load a model.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Network {
    /// Accept licences that restrict the use of a model, or that nobody has stated.
    #[arg(long)]
    accept_licence: bool,
    /// Ask no network: what is not in the cache is an error (as FERROTYPE_OFFLINE=1).
    #[arg(long)]
    offline: bool,
}

impl Network {
    /// Of somebody who made the model, and has no licence to accept.
    pub fn of_author() -> Self {
        Self { accept_licence: true, offline: true }
    }
}

impl HubCommand {
    /// Does it.
    ///
    /// # Errors
    /// When a model is not known, cannot be had, or is damaged.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Pull { names, network } => {
                let files = Files::open(network)?;
                for name in names {
                    let path = files.hub.pull(&name, &files.accept(), &mut files.terminal())?;
                    say(path.display())?;
                }
                Ok(())
            }
            Self::Verify { names } => verify(&Hub::open()?, &names),
            Self::Remove { names } => {
                let hub = Hub::open()?;
                for name in names {
                    say(format_args!("{name}: {} bytes freed", hub.remove(&name)?))?;
                }
                Ok(())
            }
            Self::Add { name, file, network } => {
                let mut files = Files::open(network)?;
                say(files.add(&name, &file)?.display())
            }
        }
    }
}

/// Prints the list of `ferrotype models list --hub`.
///
/// # Errors
/// When the cache cannot be looked at.
pub fn list(json: bool) -> Result<()> {
    let hub = Hub::open()?;
    let models = hub.list()?;
    if json {
        for Listed { entry, state, path, accepted } in &models {
            let line = serde_json::json!({
                "entry": entry, "state": word(state), "path": path, "accepted": accepted,
            });
            say(line)?;
        }
        return Ok(());
    }
    say(format_args!(
        "{:<26} {:<12} {:>11} {:<12} {:<10} {:<10} what",
        "model", "kind", "bytes", "licence", "commercial", "here"
    ))?;
    for Listed { entry, state, .. } in &models {
        let Entry { name, kind, size, licence, commercial, what, .. } = entry;
        let (kind, commercial, here) = (kind.name(), commercial.name(), word(state));
        say(format_args!("{name:<26} {kind:<12} {size:>11} {licence:<12} {commercial:<10} {here:<10} {what}"))?;
    }
    say(format_args!("\nThe cache is {}", hub.options().home.display()))
}

fn word(state: &State) -> &'static str {
    match state {
        State::Absent => "-",
        State::Shipped => "shipped",
        State::Partial(_) => "in part",
        State::Present => "yes",
        State::Damaged(_) => "damaged",
    }
}

fn verify(hub: &Hub, names: &[String]) -> Result<()> {
    let all: Vec<String> = match names {
        [] => hub
            .list()?
            .iter()
            .filter(|l| !matches!(l.state, State::Absent | State::Shipped))
            .map(|l| l.entry.name.clone())
            .collect(),
        names => names.to_vec(),
    };
    let mut damaged = Vec::new();
    for name in all {
        let line = match hub.verify(&name)? {
            State::Present => "right".to_owned(),
            State::Absent => "not here".to_owned(),
            State::Shipped => "not here; its file is part of the program".to_owned(),
            State::Partial(bytes) => format!("{bytes} bytes so far; `ferrotype models pull {name}` goes on"),
            State::Damaged(why) => {
                damaged.push(name.clone());
                format!("damaged: {why}")
            }
        };
        say(format_args!("{name:<26} {line}"))?;
    }
    if damaged.is_empty() {
        return Ok(());
    }
    bail!("damaged: {0}; `ferrotype models pull {1}` loads them anew", damaged.join(", "), damaged.join(" "))
}

/// The path that a flag's value means: a file or folder that is there, or the file of the published model of that name, which
/// is loaded where it is not in the cache. Anything else stays as it is, for its reader to say what is wrong with it.
///
/// # Errors
/// With the flag, when a model is not known by a name that can only be one, or cannot be had.
pub fn of_flag(flag: &str, path: &Path) -> Result<PathBuf> {
    let text = path.to_string_lossy();
    let is_word = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if path.exists() || !(text.starts_with("hub:") || is_word || Registry::shipped()?.get(&text).is_some()) {
        return Ok(path.to_path_buf());
    }
    Files::open(Network::default())?.of(flag, &text)
}

/// As [`of_flag`], of a flag that may be absent.
///
/// # Errors
/// As [`of_flag`].
pub fn of_option(flag: &str, path: &mut Option<PathBuf>) -> Result<()> {
    if let Some(given) = path {
        *given = of_flag(flag, given)?;
    }
    Ok(())
}

/// As [`of_option`], of the networks of an analysis.
///
/// # Errors
/// As [`of_flag`].
pub fn of_parts(options: &mut AnalysisOptions) -> Result<()> {
    // The landmarks of the mesh are no file.
    let takes_mesh = mesh::gives_landmarks(options);
    let parts = &mut options.parts;
    of_option("--detector", &mut parts.detector)?;
    if !takes_mesh {
        of_option("--landmarks", &mut parts.landmarks)?;
    }
    of_option("--embedder", &mut parts.embedder)?;
    if let Some(mesh) = &mut parts.mesh {
        of_option("parts.mesh.detector", &mut mesh.detector)?;
        of_option("parts.mesh.landmarks", &mut mesh.landmarks)?;
        of_option("parts.mesh.blendshapes", &mut mesh.blendshapes)?;
    }
    Ok(())
}

/// Files of weights for commands: paths and names of published models.
#[derive(Debug)]
pub struct Files {
    hub: Hub,
    network: Network,
}

impl Files {
    /// Files with the settings of the environment and the command line. Ctrl-C ends a download, which the next one goes on with.
    ///
    /// # Errors
    /// When a variable is not understood.
    pub fn open(network: Network) -> Result<Self> {
        let mut options = Options::from_env()?;
        options.offline |= network.offline;
        Ok(Self { hub: Hub::with_options(options)?, network })
    }

    /// The entry of a published model.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn entry(&self, name: &str) -> Result<&Entry> {
        Ok(self.hub.registry().find(name)?)
    }

    /// The folder of the cache.
    pub fn home(&self) -> &Path {
        &self.hub.options().home
    }

    /// The path that a flag's value means: the value itself, or the file of the model of that name.
    ///
    /// # Errors
    /// With the flag, when it is neither or the model cannot be had.
    pub fn of(&self, flag: &str, text: &str) -> Result<PathBuf> {
        let path = self.hub.resolve_with(text, &self.accept(), &mut self.terminal());
        path.map_err(|e| anyhow::Error::new(e).context(format!("{flag} {text}")))
    }

    /// Puts a file into the cache; `name` is that of its entry, or the entry's own file.
    pub(super) fn add(&mut self, name: &str, file: &Path) -> Result<PathBuf> {
        let accept = self.accept();
        if !name.ends_with(".yaml") {
            return Ok(self.hub.add_file(name, file, &accept)?);
        }
        let text = std::fs::read_to_string(name).with_context(|| format!("cannot read {name}"))?;
        Ok(self.hub.add_entry(Entry::from_yaml(name, &text)?, file, &accept)?)
    }

    fn accept(&self) -> Accept<'static> {
        match (self.network.accept_licence, io::stdin().is_terminal() && io::stderr().is_terminal()) {
            (true, _) => Accept::Yes,
            (false, true) => Accept::Ask(&asked),
            (false, false) => Accept::Remembered,
        }
    }

    fn terminal(&self) -> impl FnMut(&Event<'_>) -> ControlFlow<()> + use<> {
        let bar = ProgressBar::hidden();
        move |event| {
            show(event, &bar);
            ControlFlow::Continue(())
        }
    }
}

/// Asks at the terminal. Anything but `yes` is no.
fn asked(entry: &Entry) -> bool {
    eprintln!(
        "{}: licence {}, commercial use {}\n  {}\n  cite: {}",
        entry.name,
        entry.licence,
        entry.commercial.name(),
        entry.terms,
        entry.citation
    );
    eprint!("Do you accept that? (yes/no) ");
    let mut answer = String::new();
    let is_read = io::stderr().flush().is_ok() && io::stdin().lock().read_line(&mut answer).is_ok();
    is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y")
}

/// Shows an event on standard error.
fn show(event: &Event<'_>, bar: &ProgressBar) {
    match event {
        Event::Begin { entry } => {
            eprintln!("{}: {} bytes, licence {} ({})", entry.name, entry.size, entry.licence, entry.terms);
        }
        Event::Waiting if bar.message() != "waiting" => {
            eprintln!("another process loads it; waiting");
            bar.set_message("waiting");
        }
        Event::Damaged { path } => eprintln!("{} is damaged and is loaded anew", path.display()),
        Event::Source { url, from: 0 } => eprintln!("from {url}"),
        Event::Source { url, from } => eprintln!("from {url}, from byte {from} on"),
        Event::Bytes { done, total } => {
            if bar.is_hidden() && io::stderr().is_terminal() {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                let style = ProgressStyle::with_template("  {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            }
            bar.set_length(*total);
            bar.set_position(*done);
        }
        // The same pause is told of again and again.
        Event::Retry { reason, .. } if bar.message() != *reason => {
            eprintln!("{reason}; tried again");
            bar.set_message((*reason).to_owned());
        }
        Event::NextSource { reason } => eprintln!("{reason}; the next address"),
        Event::Done { .. } => bar.finish_and_clear(),
        _ => {}
    }
}
