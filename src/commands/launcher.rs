//! Workers of a sweep, or the members of a group, begun elsewhere: on a cluster, in pods, on other machines.

mod member;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use ferrotype_sweep::options::{Kubernetes, Slurm, Ssh, SweepOptions};
use ferrotype_sweep::slurm::quote;
use ferrotype_sweep::study::probe::{Shared, check};
use ferrotype_sweep::template::{Plan, Template};
use serde_json::Value;

use super::say;
use crate::config;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::group::Group;
use ferrotype_run::program;

pub use member::{member, requeue, threads};

/// Where runs are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// In this process's own children, shown as they go.
    Local,
    /// On this machine, going on when the terminal is closed.
    Background,
    /// As an array of jobs on a Slurm cluster.
    Slurm,
    /// As an Indexed Job of Kubernetes.
    Kubernetes,
    /// On a list of machines by SSH.
    Ssh,
}

impl Place {
    /// Its template and section; none where none is needed.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Local => None,
            Self::Background => Some("background"),
            Self::Slurm => Some("slurm"),
            Self::Kubernetes => Some("kubernetes"),
            Self::Ssh => Some("ssh"),
        }
    }
}

/// Where runs are trained, as the command line says.
#[derive(Clone, Debug, Args)]
pub struct LauncherOptions {
    /// Where runs are trained.
    #[arg(long, value_enum, default_value_t = Place::Local)]
    launcher: Place,
    /// The launcher's template in a file of your own (`ferrotype sweep template` prints those that are built in).
    #[arg(long, value_name = "FILE")]
    launcher_template: Option<PathBuf>,
    /// Print what the launcher would hand over, and hand over nothing.
    #[arg(long)]
    dry_run: bool,
}

impl LauncherOptions {
    /// Who begins the runs; none where this process does.
    ///
    /// # Errors
    /// When the template cannot be read, or nothing could be handed over.
    pub fn elsewhere(&self) -> Result<Option<Elsewhere>> {
        let name = self.launcher.name();
        let template = match (&self.launcher_template, name) {
            (Some(path), _) => Template::read(path)?,
            (None, Some(name)) => Template::built_in(name)?,
            (None, None) => {
                ensure!(!self.dry_run, "--dry-run shows what a launcher would hand over: name one with --launcher");
                return Ok(None);
            }
        };
        Ok(Some(Elsewhere { template, section: name.unwrap_or(OWN), dry_run: self.dry_run }))
    }

    /// As [`elsewhere`](Self::elsewhere), for the members of a group, whose launcher takes its `options` from a file.
    ///
    /// # Errors
    /// As there; also where there are options and no launcher that reads them.
    pub fn elsewhere_with(&self, options: Option<&Path>) -> Result<Option<Elsewhere>> {
        let elsewhere = self.elsewhere()?;
        if let (None, Some(path)) = (&elsewhere, options) {
            bail!(
                "--launcher-options {} says how a launcher submits, and `--launcher local` submits nothing: name a \
                 launcher (--launcher slurm, say), or leave it out",
                path.display()
            );
        }
        Ok(elsewhere)
    }
}

/// The section of options for templates of one's own.
const OWN: &str = "launcher";

/// Begins runs elsewhere.
#[derive(Debug)]
pub struct Elsewhere {
    template: Template,
    section: &'static str,
    dry_run: bool,
}

/// What is begun.
#[derive(Debug)]
pub struct Work<'a> {
    /// The sweep's or experiment's name.
    pub name: &'a str,
    /// The folder of the study or group.
    pub folder: &'a Path,
    /// Whether it is a group's.
    pub is_group: bool,
    /// How many tasks.
    pub tasks: usize,
    /// Trials or runs at a time on this machine.
    pub jobs: usize,
    /// What each task is called with.
    pub arguments: &'a [String],
}

impl Elsewhere {
    /// The launcher's section of a sweep file, and how many workers it asks for.
    ///
    /// # Errors
    /// When it is no section.
    pub fn of_sweep(&self, sweep: &SweepOptions) -> Result<(Value, usize)> {
        Ok(match self.section {
            "slurm" => (serde_json::to_value(&sweep.slurm)?, sweep.slurm.workers),
            "kubernetes" => (serde_json::to_value(&sweep.kubernetes)?, sweep.kubernetes.workers),
            "ssh" => (serde_json::to_value(&sweep.ssh)?, sweep.ssh.hosts.len().max(1)),
            _ => {
                let workers = sweep.launcher.get("workers").map_or(Some(1), Value::as_u64);
                let workers = workers.filter(|n| (1..=10_000).contains(n));
                let workers = workers.context("launcher.workers: expected a number from 1 to 10000")?;
                (serde_json::to_value(&sweep.launcher)?, usize::try_from(workers)?)
            }
        })
    }

    /// The launcher's section in a file of its own; without one the section's defaults.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_file(&self, path: Option<&Path>) -> Result<Value> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => "{}".to_owned(),
        };
        let name = path.map_or_else(String::new, |path| path.display().to_string());
        Ok(match self.section {
            "slurm" => serde_json::to_value(config::document::<Slurm>(&name, &text)?)?,
            "kubernetes" => serde_json::to_value(config::document::<Kubernetes>(&name, &text)?)?,
            "ssh" => serde_json::to_value(config::document::<Ssh>(&name, &text)?)?,
            _ => serde_json::to_value(config::document::<BTreeMap<String, Value>>(&name, &text)?)?,
        })
    }

    /// Refuses options of the command line that are for this machine.
    ///
    /// # Errors
    /// Says what to say in their place.
    pub fn check(&self, jobs: Option<usize>, devices: Option<&[String]>, threads: Option<usize>) -> Result<()> {
        ensure!(devices.is_none(), "--devices names GPUs of this machine: workers elsewhere take those that they see");
        ensure!(
            threads.is_none(),
            "--threads is for runs of this process: members of a group elsewhere take the experiment's `threads` (--set \
             threads=N), and where that is 0 all cores, on Slurm as many as `cpus` of --launcher-options says"
        );
        let takes_jobs = ["background", OWN].contains(&self.section);
        ensure!(
            takes_jobs || jobs.is_none(),
            "--jobs is for this machine: for workers of a sweep elsewhere say {}.jobs in its file; members of a group are \
             a task each",
            self.section
        );
        Ok(())
    }

    /// Whether nothing is handed over.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Writes the launcher's file into the folder and hands it over; a dry run prints it.
    ///
    /// # Errors
    /// When the template refuses, the file cannot be written, or it is not taken.
    pub fn begin(&self, work: &Work<'_>, options: &Value) -> Result<()> {
        let program = program::words()?;
        let directory = std::env::current_dir().context("the working directory is gone")?;
        let rendered = self.template.render(&Plan {
            name: work.name,
            is_group: work.is_group,
            tasks: work.tasks,
            jobs: work.jobs,
            folder: &absolute(work.folder)?,
            directory: &directory,
            program: &program,
            arguments: work.arguments,
            options,
        })?;
        let words: Vec<String> = rendered.submit.iter().map(|word| quote(word)).collect();
        let file = work.folder.join(&rendered.file);
        if self.dry_run {
            say(rendered.text.trim_end())?;
            eprintln!("dry run: {} would be handed over by `{}`", file.display(), words.join(" "));
            return Ok(());
        }
        write_atomic(&file, rendered.text.as_bytes())?;
        let Some((first, rest)) = rendered.submit.split_first() else {
            return say(format_args!("written to {}: hand it over yourself", file.display()));
        };
        let output = Command::new(first).args(rest).output().with_context(|| {
            format!(
                "cannot run {first}: do so where it is installed, with `{}`, or use `--launcher local`",
                words.join(" ")
            )
        })?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("{first} refused {}: {} {}", file.display(), said.trim(), error.trim());
        }
        let said = said.trim();
        if let (Some(keep), Some(line)) = (&rendered.keep, said.lines().next()) {
            let path = work.folder.join(keep);
            let before = if path.exists() {
                std::fs::read_to_string(&path).map_err(|e| explain(&path, &e))?
            } else {
                String::new()
            };
            write_atomic(&path, format!("{before}{}\n", line.trim()).as_bytes())?;
        }
        say(format_args!("{first} took {}: {said}", file.display()))?;
        rendered.then.map_or(Ok(()), say)
    }
}

/// A path that holds in whatever folder a job begins.
///
/// # Errors
/// When the working directory is gone.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// The ids of the Slurm arrays that were submitted from a folder.
///
/// # Errors
/// When the list cannot be read.
pub fn slurm_jobs(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join("slurm_jobs.txt");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path).map_err(|e| explain(&path, &e))?;
    let is_id = |l: &&str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit());
    // Of several clusters sbatch names the one behind a semicolon.
    let ids = text.lines().filter_map(|line| line.split(';').next()).map(str::trim);
    Ok(ids.filter(is_id).map(str::to_owned).collect())
}

/// Begins a task for each member of a group.
///
/// # Errors
/// When the folder cannot be shared, or as [`Elsewhere::begin`].
pub fn begin_tasks(
    elsewhere: &Elsewhere,
    folder: &RunFolder,
    name: &str,
    group: &Group,
    jobs: usize,
    options: &Value,
) -> Result<()> {
    check(folder.path(), Shared::Runs)?;
    let path = absolute(folder.path())?;
    let arguments = ["train", "--member-of", &path.display().to_string()].map(str::to_owned);
    let tasks = group.runs();
    let work = Work { name, folder: folder.path(), is_group: true, tasks, jobs, arguments: &arguments };
    elsewhere.begin(&work, options)?;
    if elsewhere.dry_run {
        return Ok(());
    }
    let (word, shown) = (if group.folds.is_some() { "fold" } else { group.axis.as_str() }, folder.path().display());
    say(format_args!(
        "{tasks} {word}s of {shown}\nthe last one writes the report; `ferrotype train --resume {shown}` goes on by hand"
    ))
}
