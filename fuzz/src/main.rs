//! Fuzzing on stable Rust: hands mutated files to the parsers of outside bytes (`targets.rs` lists them).
//!
//! `cargo run --release -p ferrotype-fuzz -- npy --inputs 1000000` mutates the files of `fuzz/corpus/npy`. Inputs follow
//! from the seed and their number alone. Each job is a process of its own, so that an abort or a killed process is a
//! finding, too. Whatever panics, takes longer than a second or more than half a GiB of memory is kept in `--found`, and
//! the exit code is 1.

mod corpus;
mod examples;
mod judge;
mod mutate;
mod repair;
mod targets;
mod worker;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use targets::TARGETS;

/// Hands mutated files to the parsers of outside bytes.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Targets by name; all by default.
    targets: Vec<String>,
    /// Mutated inputs per target, after the corpus itself.
    #[arg(long, default_value_t = 10_000)]
    inputs: u64,
    /// Stop each target after so many seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Another seed gives other inputs.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Processes side by side.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Folder of the corpus: one folder of files per target.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))]
    corpus: PathBuf,
    /// Folder for the inputs that fail.
    #[arg(long, default_value = "fuzz-found")]
    found: PathBuf,
    /// Hand over this file alone, unchanged.
    #[arg(long)]
    file: Option<PathBuf>,
    /// List the targets.
    #[arg(long)]
    list: bool,
    /// Write the examples that are made by Ferrotype's own writers into the corpus.
    #[arg(long)]
    write_examples: bool,
    /// The job of a process that another one started.
    #[arg(long, hide = true)]
    job: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing was found.
fn run(options: &Options) -> Result<bool> {
    if options.list {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        return Ok(true);
    }
    if options.write_examples {
        examples::write(&options.corpus)?;
        return Ok(true);
    }
    let mut chosen = Vec::new();
    for name in &options.targets {
        let target = TARGETS.iter().find(|target| target.name == *name);
        chosen.push(target.with_context(|| format!("there is no target {name}: --list names them"))?);
    }
    if chosen.is_empty() {
        chosen.extend(TARGETS);
    }
    if options.job.is_some() || options.file.is_some() {
        ensure!(chosen.len() == 1, "one target is expected here");
        return worker::run(chosen[0], options);
    }
    let mut clean = true;
    for target in chosen {
        clean &= side_by_side(target.name, options)?;
    }
    Ok(clean)
}

/// Runs a target in several processes; whether none of them found anything.
fn side_by_side(target: &str, options: &Options) -> Result<bool> {
    ensure!(options.jobs > 0, "--jobs must be at least 1");
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let scratch = tempfile::Builder::new().prefix("ferrotype-fuzz-").tempdir_in(base)?;
    let mut jobs = Vec::new();
    for job in 0..options.jobs {
        let folder = scratch.path().join(job.to_string());
        std::fs::create_dir(&folder)?;
        jobs.push((start(target, options, job, &folder)?, folder));
    }
    let mut clean = true;
    for (job, (mut process, folder)) in jobs.into_iter().enumerate() {
        let status = process.wait()?;
        clean &= status.success();
        if !matches!(status.code(), Some(0..=2)) {
            let bytes = std::fs::read(folder.join(worker::CURRENT)).unwrap_or_default();
            let path = judge::keep(&options.found, target, "died", &bytes)?;
            eprintln!("{target}: process {job} died ({status}) on {}", path.display());
        }
    }
    Ok(clean)
}

fn start(target: &str, options: &Options, job: u64, scratch: &Path) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(target).args(["--job", &job.to_string(), "--jobs", &options.jobs.to_string()]);
    command.args(["--inputs", &options.inputs.to_string(), "--seed", &options.seed.to_string()]);
    command.arg("--corpus").arg(&options.corpus).arg("--found").arg(&options.found);
    if let Some(seconds) = options.seconds {
        command.args(["--seconds", &seconds.to_string()]);
    }
    // Parsers that make files of their own put them there, too; more threads would only disturb the other jobs.
    command.env("TMPDIR", scratch).env("RAYON_NUM_THREADS", "1").env("RTEN_NUM_THREADS", "1");
    command.spawn().context("cannot start a job")
}
