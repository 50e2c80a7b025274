//! Makes a complete report from invented predictions, to look at: `cargo run --release --example report_demo -- OUT`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use ferrotype::evaluation::{Predictions, score, score_folds};
use ferrotype::random::{Purpose, Stream};
use ferrotype::report::{
    AggregateView, DatasetView, ExpectView, Face, LeakFigure, ModelView, OnnxView, RunRow, RunView, SelectionView,
    SetView, Warning, confusion_matrix, terminal, worst_mistakes, write_aggregate, write_run,
};
use ferrotype::run::history::{EpochRecord, Event, History, HistoryWriter, StepRecord};
use ferrotype::run::tensorboard::TensorBoard;

const CLASSES: [&str; 8] = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"];
const EPOCHS: u64 = 24;
const STEPS: u64 = 60;

fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "report_demo".into()));
    std::fs::create_dir_all(&out)?;
    let test = invented(1, 2400);
    let run = run_view(&out, &test)?;
    let report = write_run(&out, &run, Some(&test))?;
    print!("{}", terminal::summary_for_stdout(&run, &report.display().to_string()));
    for over in ["seed", "fold"] {
        println!("{}", write_aggregate(out.join(format!("{over}s")), &aggregate_view(over, &run)?)?.display());
    }
    Ok(())
}

/// Predictions that are often right, more so for frequent classes, and a little too sure.
fn invented(seed: u64, n: usize) -> Predictions {
    let frequency = [0.34, 0.26, 0.12, 0.11, 0.09, 0.02, 0.04, 0.02];
    let mut p = Predictions { classes: CLASSES.map(String::from).to_vec(), ..Default::default() };
    let mut votes = Vec::new();
    for i in 0..n {
        let mut random = Stream::of(seed, Purpose::Statistics, &[i as u64]);
        let mut rest = random.unit();
        let truth = frequency
            .iter()
            .position(|f| {
                rest -= f;
                rest < 0.0
            })
            .unwrap_or(0);
        let skill = 1.2 + 5.0 * frequency[truth] as f32;
        for (class, share) in frequency.iter().enumerate() {
            let noise = random.uniform(-1.0, 1.0) + random.uniform(-1.0, 1.0) + random.uniform(-1.0, 1.0);
            let pull = if class == truth { skill } else { 1.5 * *share as f32 };
            p.logits.push(1.8 * (noise + pull));
            p.targets.push(f32::from(class == truth));
            votes.push(if class == truth {
                0.8
            } else if class == 0 {
                0.2
            } else {
                0.0
            });
        }
        p.truth.push(truth);
        p.rows.push(32_298 + i as u32);
    }
    p.votes = Some(votes);
    p
}

fn run_view(out: &std::path::Path, test: &Predictions) -> Result<RunView> {
    let validation = score(&invented(2, 2400))?;
    let mut mistakes = worst_mistakes(test, 18);
    mistakes.iter_mut().for_each(|m| m.face = Some(face(m.row)));
    mistakes[4].face = None;
    Ok(RunView {
        calibration: None,
        attacks: Vec::new(),
        evaluations: Vec::new(),
        saliency: Default::default(),
        name: "demo-vgg13-crossentropy".into(),
        description: "Shows a report; every figure here is invented by a program.".into(),
        finished: "2026-01-31 12:00 UTC".into(),
        dataset: dataset(),
        model: ModelView {
            name: "vgg13".into(),
            input: "1 x 64 x 64".into(),
            parameters: 8_757_704,
            macs: 905_000_000,
            source: "Barsoum et al. 2016".into(),
            details: vec![],
        },
        history: history(out, test)?,
        selection: Some(SelectionView {
            set: "test".into(),
            metric: "accuracy".into(),
            value: validation.get("accuracy")?.value,
            epoch: 21,
        }),
        validation: Some(validation),
        test: Some(score(test)?),
        mistakes,
        onnx: Some(OnnxView {
            path: "model.onnx".into(),
            runtime: "rten 0.27".into(),
            rows: 2400,
            difference: 3.1e-5,
            range: 21.4,
            tolerance: 1e-4,
            agreeing: 2398,
            ties: vec![32_411, 33_098],
            checked_on: String::new(),
            accuracy: Some([0.8042, 0.8046]),
            passed: true,
            note: String::new(),
        }),
        expect: Some(ExpectView {
            metric: "accuracy".into(),
            value: 0.84986,
            tolerance: 0.01,
            source: "Barsoum et al. 2016, table 2 (cross-entropy, mean of five runs)".into(),
            note: "The published figure was selected on the test set.".into(),
        }),
        warnings: vec![Warning { serious: false, text: "Five black images were skipped.".into() }],
        config: "name: demo\nseed: 0\ndata:\n  path: datasets/demo.h5\ntrain:\n  epochs: 24\n  batch_size: 32\n".into(),
        provenance: [
            ("version", "0.1.0"),
            ("commit", "0123456789abcdef"),
            ("device", "flex (2 threads)"),
            ("time", "93 s"),
        ]
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .to_vec(),
    })
}

fn dataset() -> DatasetView {
    let set = |name: &str, n: u64| SetView {
        name: name.into(),
        per_class: [34, 26, 12, 11, 9, 2, 4, 2].map(|share| n * share / 100).to_vec(),
    };
    DatasetView {
        name: "invented".into(),
        synthetic: true,
        path: "datasets/demo.h5".into(),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        labels: "crossentropy".into(),
        split: "official".into(),
        classes: CLASSES.map(String::from).to_vec(),
        sets: vec![set("training", 24_000), set("validation", 2400), set("test", 2400)],
        leaks: vec![
            LeakFigure { what: "test rows with a copy in training".into(), count: 288, of: 2400, kept: true },
            LeakFigure { what: "validation rows with a copy in training".into(), count: 0, of: 2400, kept: true },
        ],
        notes: vec![],
    }
}

/// A history written and read as a run does it, and the same in TensorBoard's form.
fn history(out: &std::path::Path, test: &Predictions) -> Result<History> {
    let path = out.join("metrics.jsonl");
    let mut file = HistoryWriter::open(&path, 0)?;
    let mut board = TensorBoard::open(out.join("tensorboard"), 0)?;
    for step in 1..=EPOCHS * STEPS {
        // As if the run had been interrupted and resumed.
        if step == 5 * STEPS + 7 {
            board = TensorBoard::open(out.join("tensorboard"), step - 1)?;
        }
        let epoch = step as f64 / STEPS as f64;
        let noise = Stream::of(3, Purpose::Statistics, &[step]).uniform(-0.25, 0.25);
        let part = epoch / EPOCHS as f64;
        let lr = 0.01 * (part * 5.0).min(1.0) * (0.5 + 0.5 * (std::f64::consts::PI * part).cos());
        let loss = 0.45 + 1.5 * (-epoch / 4.0).exp() + f64::from(noise) * (1.2 - part);
        board.scalar("train/loss", step, loss)?;
        file.write(&Event::Step(StepRecord { step, epoch, loss, lr, images_per_second: 900.0, ..Default::default() }))?;
        if step % STEPS == 0 {
            file.write(&Event::Epoch(epoch_record(step / STEPS, lr)))?;
        }
    }
    board.image("test/confusion_matrix", EPOCHS * STEPS, &confusion_matrix(&score(test)?).png()?)?;
    board.text("config", 0, "    name: demo")?;
    History::read(path)
}

fn epoch_record(epoch: u64, lr: f64) -> EpochRecord {
    let e = epoch as f64;
    let accuracy = 0.81 - 0.5 * (-e / 4.0).exp() + 0.01 * (e * 2.3).sin();
    EpochRecord {
        epoch,
        step: epoch * STEPS,
        train_loss: 0.45 + 1.5 * (-(e - 0.5) / 4.0).exp(),
        train_accuracy: Some(0.9 - 0.55 * (-e / 5.0).exp()),
        validation_loss: Some(0.62 + 1.3 * (-e / 4.0).exp() + 0.008 * (e - 12.0).max(0.0)),
        validation: BTreeMap::from([("accuracy".into(), accuracy), ("uar".into(), accuracy - 0.12)]),
        lr,
        seconds: 4.0,
    }
}

/// A face of sorts: a disc with eyes and a mouth.
fn face(row: u32) -> Face {
    let mut random = Stream::of(u64::from(row), Purpose::Synthesis, &[]);
    let (skin, smile) = (random.uniform(120.0, 220.0), random.uniform(-0.02, 0.02));
    let pixels = (0..48 * 48).map(|i| {
        let (x, y) = ((i % 48) as f32 - 23.5, (i / 48) as f32 - 23.5);
        let eye = (x.abs() - 8.0).hypot(y + 6.0) < 2.5;
        let mouth = x.abs() < 10.0 && (y - 11.0 + smile * (x * x - 50.0)).abs() < 1.3;
        if eye || mouth {
            30
        } else if x.hypot(y * 0.85) < 19.0 {
            skin as u8
        } else {
            60
        }
    });
    Face { width: 48, height: 48, channels: 1, pixels: pixels.collect() }
}

fn aggregate_view(over: &str, run: &RunView) -> Result<AggregateView> {
    let all: Vec<Predictions> = (10..15).map(|seed| invented(seed, 1200)).collect();
    let row = |(i, p): (usize, &Predictions)| {
        Ok(RunRow { label: i.to_string(), path: format!("runs/demo-{over}{i}"), scores: score(p)? })
    };
    Ok(AggregateView {
        name: format!("{}, five {over}s", run.name),
        description: run.description.clone(),
        synthetic: true,
        over: over.into(),
        runs: all.iter().enumerate().map(row).collect::<Result<_>>()?,
        pooled: if over == "fold" { Some(score_folds(&all)?) } else { None },
        expect: run.expect.clone(),
        warnings: vec![],
        config: run.config.clone(),
        provenance: run.provenance.clone(),
    })
}
