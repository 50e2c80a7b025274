//! Trains a small network on synthetic faces: `cargo run --release --example train`

use ferrotype::{Experiment, Progress, Result, TrainOptions};
use serde_json::json;

fn main() -> Result<()> {
    let experiment = Experiment::builder("example")
        .set("data.path", "datasets/example.h5")
        .set("data.source", json!({"synthetic": {"count": 1000, "seed": 1, "size": 48}}))
        .set("data.split", "own")
        .set("data.preprocess", json!({"size": 48, "scale": "signed"}))
        .set("model", "tiny_xception")
        .set("train.epochs", 2)
        .set("train.lr", 4e-3)
        .build()?;
    let mut options = TrainOptions::default();
    options.progress = Progress::Quiet;
    let run = experiment.train(&options)?;
    println!("{}: accuracy {:.2} %", run.path().display(), 100.0 * run.scores()?["accuracy"]);
    Ok(())
}
