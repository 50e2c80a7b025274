//! The command line: one file per command.

pub mod ablate;
pub mod analyze;
pub mod attack;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod config;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod explain;
pub mod export;
pub mod faces;
pub mod failure;
mod grid;
pub mod import;
pub mod init;
pub(crate) mod inputs;
mod launcher;
pub mod models;
pub mod predict;
#[cfg(test)]
mod reference;
pub mod renamed;
pub mod report;
pub mod reproduce;
pub mod runs;
pub mod scored_set;
pub mod serve;
pub mod sweep;
pub mod train;
mod verdict;

use std::fmt::Display;
use std::io::Write;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, Subcommand};

use ferrotype_config::expand_words;

/// Prints a line on standard output. Where its reader has gone away (`ferrotype runs | head`), `println!` would panic;
/// this gives an error that [`failure::report`] knows to be none.
pub(crate) fn say(line: impl Display) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Says on standard error what its reader should know.
pub(crate) fn say_warnings(warnings: &[String]) {
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
}

/// Does what the words of a command line say, the program's name first; gives the exit code.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    match Cli::of_words(expand_words(words).into_iter().collect()).run() {
        Ok(()) => 0,
        Err(error) => failure::report(&error),
    }
}

/// Trains and benchmarks facial-expression models: one YAML file in, a checkpoint, a verified ONNX model and a report
/// out.
#[derive(Debug, Parser)]
#[command(name = "ferrotype", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Start here:\n  ferrotype init my-experiments\n  cd my-experiments\n  ferrotype train --config configs/quickstart.yaml"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitCommand),
    Train(train::TrainCommand),
    Sweep(sweep::SweepCommand),
    Ablate(ablate::AblateCommand),
    Reproduce(reproduce::ReproduceCommand),
    Eval(eval::EvalCommand),
    Compare(compare::CompareCommand),
    Predict(predict::PredictCommand),
    Analyze(analyze::AnalyzeCommand),
    Serve(serve::ServeCommand),
    Import(import::ImportCommand),
    Attack(attack::AttackCommand),
    Explain(explain::ExplainCommand),
    Export(export::ExportCommand),
    Report(report::ReportCommand),
    Runs(runs::RunsCommand),
    Bench(bench::BenchCommand),
    Data(data::DataCommand),
    Models(models::ModelsCommand),
    Config(config::ConfigCommand),
    Doctor(doctor::DoctorCommand),
    Completions(completions::CompletionsCommand),
}

impl Cli {
    /// Reads the words of a command line, the program's name first; ends the program where they are wrong, or help is wanted.
    pub fn of_words(words: Vec<OsString>) -> Self {
        let (words, warnings) = renamed::of_today(words);
        say_warnings(&warnings);
        Self::parse_from(words)
    }

    /// Does what the command line says.
    ///
    /// # Errors
    /// Whatever goes wrong, as one paragraph for the user.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Init(c) => c.run(),
            Command::Train(c) => c.run(),
            Command::Sweep(c) => c.run(),
            Command::Ablate(c) => c.run(),
            Command::Reproduce(c) => c.run(),
            Command::Eval(c) => c.run(),
            Command::Compare(c) => c.run(),
            Command::Predict(c) => c.run(),
            Command::Analyze(c) => c.run(),
            Command::Serve(c) => c.run(),
            Command::Import(c) => c.run(),
            Command::Attack(c) => c.run(),
            Command::Explain(c) => c.run(),
            Command::Export(c) => c.run(),
            Command::Report(c) => c.run(),
            Command::Runs(c) => c.run(),
            Command::Bench(c) => c.run(),
            Command::Data(c) => c.run(),
            Command::Models(c) => c.run(),
            Command::Config(c) => c.run(),
            Command::Doctor(c) => c.run(),
            Command::Completions(c) => c.run(),
        }
    }
}
