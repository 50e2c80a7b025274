//! Runs that nobody trained.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use ferrotype_serve::{RunDetail, RunEntry, Runs, Score, SweepDetail, SweepEntry, SweepTrial};
use serde_json::json;

pub struct MockRuns {
    folder: tempfile::TempDir,
    pub live_is_over: AtomicBool,
}

fn epoch(i: u64, pace: f64) -> String {
    let t = i as f64 / pace;
    let (loss, held) = (1.8 * (-t / 4.0).exp() + 0.25, 1.7 * (-t / 5.0).exp() + 0.5 + 0.004 * t * t);
    json!({ "event": "epoch", "epoch": i, "step": i * 10, "train_loss": loss, "train_accuracy": 1.0 - loss / 2.2, "validation_loss": held,
        "validation": { "accuracy": 0.86 - held / 3.5, "uar": 0.82 - held / 3.3 }, "lr": 0.01, "seconds": 3.0 })
    .to_string()
        + "\n"
}

fn steps(i: u64, pace: f64) -> String {
    let step = |k: u64| {
        let t = (i as f64 + k as f64 / 10.0) / pace;
        let noise = ((i * 10 + k) as f64 * 12.9898).sin() * 0.12;
        let lr = 0.005 * (1.0 + (t / 12.0 * std::f64::consts::PI).cos());
        json!({ "event": "step", "step": i * 10 + k, "epoch": i as f64 + k as f64 / 10.0, "loss": 1.8 * (-t / 4.0).exp() + 0.25 + noise, "lr": lr,
            "images_per_second": 900.0 })
        .to_string()
            + "\n"
    };
    (0..10).map(step).collect()
}

impl MockRuns {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, epochs, pace) in
            [("fer-vgg13", 12, 1.0), ("fer-mini_xception", 12, 1.6), ("group/seed-0", 8, 1.2), ("live", 3, 1.0)]
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            let text: String = (0..epochs).map(|i| steps(i, pace) + &epoch(i + 1, pace)).collect();
            std::fs::write(path.join("metrics.jsonl"), text).unwrap();
            std::fs::write(path.join("report.html"), format!("<h1>{name}</h1>")).unwrap();
        }
        std::fs::write(folder.path().join("secret.txt"), "nobody's business").unwrap();
        Self { folder, live_is_over: AtomicBool::new(false) }
    }

    /// Another epoch of the run that is being trained.
    pub fn go_on(&self, epoch_number: u64) {
        let path = self.folder.path().join("live/metrics.jsonl");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all((steps(epoch_number - 1, 1.0) + &epoch(epoch_number, 1.0)).as_bytes()).unwrap();
    }

    pub fn begin_anew(&self) {
        std::fs::write(self.folder.path().join("live/metrics.jsonl"), epoch(1, 1.0)).unwrap();
    }
}

impl Runs for MockRuns {
    fn list(&self) -> anyhow::Result<Vec<RunEntry>> {
        let entry = |(name, model, accuracy): (&str, &str, Option<f64>)| {
            let folder = self.folder.path().join(name);
            let scores = accuracy.map(|a| BTreeMap::from([("accuracy".to_owned(), a), ("uar".to_owned(), a - 0.04)]));
            RunEntry {
                name: name.into(),
                system: "expressions".into(),
                model: model.into(),
                state: if accuracy.is_some() { "finished" } else { "training, epoch 4" }.into(),
                finished: accuracy.is_some(),
                scores: scores.unwrap_or_default(),
                report: accuracy.is_some(),
                report_file: folder.join("report.html"),
                history: folder.join("metrics.jsonl"),
                folder,
            }
        };
        let all = [
            ("fer-mini_xception", "mini_xception", Some(0.6634)),
            ("fer-vgg13", "vgg13", Some(0.7271)),
            ("group/seed-0", "micro_exp_net", Some(0.5912)),
            ("live", "mobilenet_v2", None),
        ];
        Ok(all.into_iter().map(entry).collect())
    }

    fn detail(&self, run: &RunEntry) -> anyhow::Result<RunDetail> {
        let score = |(name, value): (&String, &f64)| {
            (name.clone(), Score { value: *value, low: Some(value - 0.015), high: Some(value + 0.014) })
        };
        let scores: BTreeMap<String, Score> = run.scores.iter().map(score).collect();
        let scores = if scores.is_empty() { BTreeMap::new() } else { BTreeMap::from([("test".to_owned(), scores)]) };
        let config = format!("name: {}\nmodel:\n  {}:\n    classes: 7\ntrain:\n  epochs: 12\n", run.name, run.model);
        Ok(RunDetail { scores, config })
    }

    fn is_finished(&self, run: &RunEntry) -> bool {
        run.name != "live" || self.live_is_over.load(Ordering::SeqCst)
    }

    fn sweeps(&self) -> anyhow::Result<Vec<SweepEntry>> {
        let summary =
            "12 of 12 trials (9 finished, 2 pruned, 1 failed), 94 epochs trained; best uar 0.6712 (trial 8)".into();
        Ok(vec![SweepEntry {
            name: "rates".into(),
            summary,
            metric: "uar".into(),
            best: Some(0.6712),
            ..SweepEntry::default()
        }])
    }

    fn sweep(&self, _: &SweepEntry) -> anyhow::Result<SweepDetail> {
        let value = |i: usize| 0.55 + 0.12 * ((i * 7 % 9) as f64 / 8.0);
        let mut ranked: Vec<usize> = (0..9).collect();
        ranked.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
        let trial = |i: usize| {
            let state = ["finished", "pruned", "failed"][usize::from(i >= 9) + usize::from(i >= 11)];
            let curve = (1..=8).map(|e| [e as f64, value(i) * (1.0 - (-(e as f64) / 2.5).exp())]).collect();
            let settings =
                [("train.optimizer.lr", json!(0.001 * (i + 1) as f64)), ("model.dropout", json!(0.1 * (i % 5) as f64))];
            SweepTrial {
                number: i,
                state: state.into(),
                rank: ranked.iter().position(|&r| r == i).map(|r| r + 1),
                value: (i < 9).then(|| value(i)),
                epochs: 8,
                settings: settings.map(|(k, v)| (k.to_owned(), v)).into(),
                reason: (i == 11).then(|| "the loss is not a number".into()),
                curve,
            }
        };
        Ok(SweepDetail {
            keys: vec!["train.optimizer.lr".into(), "model.dropout".into()],
            trials: (0..12).map(trial).collect(),
        })
    }
}
