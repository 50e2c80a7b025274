//! `ferrotype bench`

mod anomalies;
mod parity;
mod time_to_accuracy;

use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::say;
use crate::bench::{self, Optimizer, Order, Times, Worker};
use crate::config::{KernelBackend, Kernels, KernelsIsa};
use crate::publication::experiments::RUNS;
use crate::reproduction::queue::Queue;
use crate::systems::pool::in_pool;
use anomalies::AnomaliesCommand;
use ferrotype_expressions::compute::compute;
use ferrotype_model::device::DeviceName;
use parity::ParityCommand;
use time_to_accuracy::TimeToAccuracyCommand;

/// Measure training steps, inference, ONNX files, the loader, reading and memory, on fixed random data.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  ferrotype bench
  ferrotype bench --models vgg13,mini_xception --kernels burn --mode train
  ferrotype bench --models vgg13 --mode onnx,loader,hdf5 --data datasets/fer2013.h5
  ferrotype bench --mode loader --data datasets/affectnet.h5 --size 224 --batch 64 --plain
  ferrotype bench --profile vgg13
  python scripts/bench.py --out bench      (beside PyTorch, in turns: see docs/benchmarks.md)")]
pub struct BenchCommand {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Networks of the zoo; without, the six of docs/benchmarks.md.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    models: Vec<String>,
    /// Pictures per training batch; without, each network's own.
    #[arg(long, value_parser = at_least_one())]
    batch: Option<usize>,
    /// What is measured.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Mode::Train, Mode::Infer])]
    mode: Vec<Mode>,
    /// Rounds; all their steps together give a row's median.
    #[arg(long, default_value_t = 5, value_parser = at_least_one())]
    rounds: usize,
    /// Steps or passes per round; ten times as many batches of the loader.
    #[arg(long, default_value_t = 5, value_parser = at_least_one())]
    steps: usize,
    /// CPU threads; 0 means all cores.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// The optimizer of training steps.
    #[arg(long, value_enum, default_value_t = Optimizer::Sgd)]
    optimizer: Optimizer,
    /// Whose operations compute on the CPU.
    #[arg(long, value_enum, default_value_t = KernelBackend::Native)]
    kernels: KernelBackend,
    /// The instruction set of the native kernels.
    #[arg(long, value_enum, default_value_t = KernelsIsa::Auto)]
    isa: KernelsIsa,
    /// Where to compute, as in the experiment file.
    #[arg(long, default_value = "flex")]
    device: String,
    /// The prepared file that `--mode hdf5` and `--mode loader` read; without, random pictures.
    #[arg(long, value_name = "H5")]
    data: Option<std::path::PathBuf>,
    /// Pixels per side of the loader's pictures; without, what each network takes.
    #[arg(long, value_parser = at_least_one())]
    size: Option<usize>,
    /// The loader's pictures as they are, without random changes.
    #[arg(long)]
    plain: bool,
    /// Show where the time of this network's training step goes.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["models", "mode", "json", "serve"])]
    profile: Option<String>,
    /// Print one JSON object per line.
    #[arg(long, conflicts_with = "serve")]
    json: bool,
    /// Take orders from standard input, one per line, and answer each with a JSON object (see docs/benchmarks.md).
    #[arg(long, conflicts_with_all = ["models", "mode"])]
    serve: bool,
}

/// What is compared besides speed.
#[derive(Debug, Subcommand)]
enum Verb {
    #[command(after_help = "Example: ferrotype bench anomalies --config configs/anomaly/generated_bottleneck.yaml \
                            --grid 'model.lstm_autoencoder.hidden=32|64' --seeds 0..5")]
    Anomalies(AnomaliesCommand),
    #[command(after_help = "Examples:
  ferrotype bench parity --device cuda:0
  ferrotype bench parity --device flex --kernels burn --models vgg13 --steps 10")]
    Parity(ParityCommand),
    #[command(
        after_help = "Example: ferrotype bench time-to-accuracy --config configs/ferplus/ferronet.yaml --target 0.8472"
    )]
    TimeToAccuracy(TimeToAccuracyCommand),
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// Batches from the loader per step asked for: workers begin with an empty store.
const LOADED: usize = 10;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Training steps: forward, backward, optimizer.
    Train,
    /// Forward passes at batch 1 and 64.
    Infer,
    /// Passes of the network's ONNX file in rten, at batch 1 and 64.
    Onnx,
    /// Batches from the loader, augmented without --plain: see --data and --size.
    Loader,
    /// Reading a prepared file: see --data.
    Hdf5,
}

impl BenchCommand {
    /// Measures.
    ///
    /// # Errors
    /// For an unknown network or device, or a loss that diverges.
    pub fn run(self) -> Result<()> {
        match &self.verb {
            Some(Verb::Anomalies(command)) => return command.run(),
            Some(Verb::Parity(command)) => return command.run(),
            Some(Verb::TimeToAccuracy(command)) => return command.run(),
            None => {}
        }
        let aside = Queue::of(Path::new(RUNS)).step_aside();
        if aside.is_some() {
            eprintln!("the queue of reproductions waits meanwhile");
        }
        in_pool(self.threads, |threads| self.run_in_pool(threads))
    }

    fn run_in_pool(&self, threads: usize) -> Result<()> {
        let device = self.device.parse::<DeviceName>()?.open()?;
        let compute = compute(&Kernels { backend: self.kernels, isa: self.isa }, &device)?;
        let mut worker = Worker::new(self.optimizer, compute, device.device, threads);
        let about = json!({ "side": "ferrotype", "version": env!("CARGO_PKG_VERSION"), "device": device.name.to_string(),
                            "kernels": compute.to_string(), "threads": threads, "optimizer": self.optimizer });
        if self.serve {
            return serve(&mut worker, &about);
        }
        if let Some(name) = &self.profile {
            let batch = self.batch.unwrap_or_else(|| bench::default_batch(name));
            say(format_args!("{name}, batch {batch}, {compute} kernels, {threads} threads\n"))?;
            return say(bench::breakdown(worker.subject(name, batch, true)?.0, self.steps)?.trim_end());
        }
        self.measure(&mut worker, &about)
    }

    fn measure(&self, worker: &mut Worker, about: &Value) -> Result<()> {
        let orders = self.orders()?;
        if !self.json {
            let word = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
            say(format_args!(
                "{}, {} kernels, {} threads, {}",
                word("device"),
                word("kernels"),
                about["threads"],
                word("optimizer")
            ))?;
            say(format_args!(
                "{:<7} {:<20} {:>5} {:>10} {:>10} {:>11} {:>10} {:>9}",
                "mode", "model", "batch", "median ms", "min ms", "images/s", "first ms", "peak MiB"
            ))?;
        }
        for order in orders {
            worker.answer(&Order::Drop)?;
            let mut row = Row::default();
            for _ in 0..self.rounds {
                row.add(&worker.answer(&order)?)?;
            }
            row.say(about, self.json)?;
        }
        Ok(())
    }

    /// One order per row of the table.
    fn orders(&self) -> Result<Vec<Order>> {
        let default: Vec<String> = bench::CASES.iter().map(|(name, _)| (*name).to_owned()).collect();
        let models = if self.models.is_empty() { &default } else { &self.models };
        let mut orders = Vec::new();
        for name in models {
            let size = bench::model(name)?.default_input()[1];
            let batch = self.batch.unwrap_or_else(|| bench::default_batch(name));
            for mode in &self.mode {
                match mode {
                    Mode::Train => orders.push(Order::Train(name.clone(), batch, self.steps)),
                    Mode::Infer => {
                        orders.extend(bench::INFERENCE.map(|b| Order::Infer(name.clone(), b, self.steps)));
                    }
                    Mode::Onnx => {
                        orders.extend(bench::INFERENCE.map(|b| Order::Onnx(name.clone(), b, self.steps)));
                    }
                    // The same for every network.
                    Mode::Hdf5 => {}
                    Mode::Loader => {
                        let what = [self.size.unwrap_or(size), batch, self.steps * LOADED];
                        let order = Order::Loader(what, !self.plain, self.data.clone());
                        // Networks that take the same have it in common.
                        if !orders.contains(&order) {
                            orders.push(order);
                        }
                    }
                }
            }
        }
        if self.mode.contains(&Mode::Hdf5) {
            orders.push(Order::Hdf5(self.steps, self.data.clone()));
        }
        Ok(orders)
    }
}

/// The answers to one order, given several times.
#[derive(Default)]
struct Row {
    ms: Vec<f64>,
    last: Value,
    first: Value,
}

impl Row {
    fn add(&mut self, answer: &Value) -> Result<()> {
        let times = answer["ms"].as_array().context("an answer without times")?;
        self.ms.extend(times.iter().filter_map(Value::as_f64));
        if answer["first_ms"].is_number() {
            self.first = answer["first_ms"].clone();
        }
        self.last = answer.clone();
        Ok(())
    }

    fn say(self, about: &Value, json: bool) -> Result<()> {
        let times = Times::of(&self.ms);
        let batch = self.last["batch"].as_u64().unwrap_or(0) as usize;
        let images = times.images_per_second(batch);
        let a = &self.last;
        if json {
            let mut line = about.clone();
            for key in ["mode", "model", "size", "batch", "mib", "parameters", "peak_mib"] {
                if !a[key].is_null() {
                    line[key] = a[key].clone();
                }
            }
            line["first_ms"] = self.first;
            line["times"] = json!(times);
            line["images_per_second"] = images.into();
            return say(line);
        }
        let name = match (a["model"].as_str(), a["mib"].as_f64()) {
            (Some(name), _) => name.to_owned(),
            (None, Some(mib)) => format!("{:.0} MiB/s", mib * 1e3 / times.median_ms),
            (None, None) => format!("to {0}x{0}", a["size"]),
        };
        let number = |v: &Value| v.as_f64().map_or("-".into(), |v| format!("{v:.1}"));
        say(format_args!(
            "{:<7} {name:<20} {batch:>5} {:>10.3} {:>10.3} {images:>11.1} {:>10} {:>9}",
            a["mode"].as_str().unwrap_or_default(),
            times.median_ms,
            times.min_ms,
            number(&self.first),
            number(&a["peak_mib"])
        ))
    }
}

/// Answers orders until the input ends or says `quit`.
fn serve(worker: &mut Worker, about: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{about}")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim() == "quit" {
            break;
        }
        let answer = line.parse::<Order>().and_then(|order| worker.answer(&order));
        let answer = answer.unwrap_or_else(|e| json!({ "error": format!("{e:#}") }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
