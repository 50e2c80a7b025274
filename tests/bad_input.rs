//! Bad input gives one paragraph that says what, where and how to mend it; no panic, and nothing half-written.

mod common;

use std::fmt::Write;
use std::fs;

use common::{Place, files};

/// A place with its data made, and what a refusal must leave as it was.
struct Bench {
    place: Place,
}

impl Bench {
    fn new() -> Self {
        let place = Place::new();
        place.ok("data prepare synthetic --count 240 --size 24 --identities 12 --out small.h5");
        Self { place }
    }

    /// With a finished run in `run`.
    fn with_run() -> Self {
        let bench = Self::new();
        bench.place.train("runs", "--set train.epochs=1");
        fs::rename(bench.place.only("runs"), bench.place.at("run")).unwrap();
        bench
    }

    /// Runs what must be refused, leaving every file as it was; gives the message, which must hold all of `parts`.
    fn refused(&self, words: &str, parts: &[&str]) -> String {
        let before = snapshot(&self.place);
        let message = self.place.refused(words);
        assert!(parts.iter().all(|p| message.contains(p)), "ferrotype {words}\n{message}\nlacks one of {parts:?}");
        let after = snapshot(&self.place);
        assert!(before == after, "ferrotype {words}\nfiles before and after: {:?}", (names(&before), names(&after)));
        message
    }
}

type Snapshot = Vec<(String, Vec<u8>)>;

/// All files with their content. A lock file may appear: it is empty, and marks nothing.
fn snapshot(place: &Place) -> Snapshot {
    let all = files(place.path()).into_iter().filter(|f| !f.ends_with(".lock"));
    all.map(|f| (f.clone(), fs::read(place.at(f)).unwrap())).collect()
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.iter().map(|(name, _)| name.as_str()).collect()
}

fn fer2013(rows: usize) -> String {
    let mut text = String::from("emotion,pixels,Usage\n");
    for row in 0..rows {
        let pixels: Vec<String> = (0..48 * 48).map(|p| ((p * (row + 1)) % 256).to_string()).collect();
        let usage = ["Training", "PublicTest", "PrivateTest"][row % 3];
        writeln!(text, "{},{},{usage}", row % 7, pixels.join(" ")).unwrap();
    }
    text
}

#[test]
fn tables() {
    let bench = Bench::new();
    let good = fer2013(6);
    let broken = [
        // A pixel that is no number, in the third row.
        (good.replacen("\n2,0 3 ", "\n2,0 x ", 1), &["row 3", "column pixels", "\"x\""][..]),
        (good.replacen("\n2,0 3 ", "\n9,0 3 ", 1), &["row 3", "column emotion", "\"9\""]),
        (good.replacen(",PrivateTest", ",Elsewhere", 1), &["row 3", "Elsewhere"]),
        (good[..good.len() - 3000].to_owned(), &["row 6", "cut off"]),
        (good.replacen("emotion,pixels,Usage", "emotion,Usage", 1), &["no column \"pixels\""]),
        (good.replacen("emotion,pixels,Usage", "emotion,pixels,Use", 1), &["\"Use\""]),
        ("emotion,pixels,Usage\n".to_owned(), &["bad.csv"]),
        (String::new(), &["bad.csv"]),
    ];
    for (text, parts) in broken {
        bench.place.write("bad.csv", text);
        let parts = [parts, &["bad.csv"]].concat();
        bench.refused("data prepare fer2013 --csv bad.csv --out out.h5", &parts);
        // The same in an experiment that makes its data.
        let sets = "--set data.path=out.h5 --set data.source.fer2013.csv=bad.csv";
        bench.refused(&format!("train --config small.yaml {sets}"), &parts);
    }
    bench.refused("data prepare fer2013 --csv no.csv --out out.h5", &["no.csv"]);
}

#[test]
fn pictures() {
    let bench = Bench::new();
    bench.place.write("faces/happy/1.png", "no picture");
    bench.refused("data prepare folder --root faces --out out.h5", &["faces/happy/1.png", "--skip-bad"]);
    bench.refused("data prepare folder --root nowhere --out out.h5", &["nowhere"]);
    bench.place.write("list.csv", "path,label\nnot-there.png,happy\n");
    bench.refused("data prepare manifest --csv list.csv --out out.h5", &["not-there.png"]);
}

#[test]
fn prepared_files() {
    let bench = Bench::new();
    let whole = fs::read(bench.place.at("small.h5")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    let cut = [20, 48, 100, 3000, whole.len() / 2, whole.len() - 1].map(|n| whole[..n].to_vec());
    for content in cut.into_iter().chain([flipped]) {
        bench.place.write("bad.h5", content);
        for words in ["train --config small.yaml --set data.path=bad.h5", "data audit bad.h5"] {
            bench.refused(words, &["bad.h5", "damaged or incomplete", "data prepare"]);
        }
    }
    let words = "train --config small.yaml --set data.source.synthetic.count=300";
    bench.refused(words, &["count is 300", "made with 240", "data.path"]);
    bench.refused("train --config small.yaml --set data.path=small.yaml", &["small.yaml is not an HDF5 file"]);
    let sets = "--set data.path=no.h5 --set data.source=null";
    bench.refused(&format!("train --config small.yaml {sets}"), &["no data file no.h5", "data prepare"]);
}

#[test]
fn experiment_files() {
    let bench = Bench::new();
    bench.place.write("typo.yaml", common::SMALL.replace("batch_size", "batchsize"));
    bench.refused("train --config typo.yaml", &["typo.yaml:14:3", "train.batchsize", "batch_size"]);
    bench.refused("train --config small.yaml --set train.lr=fast", &["train.lr", "fast"]);
    bench.refused("train --config small.yaml --set train.lr=-1", &["train.lr"]);
    bench.refused("train --config small.yaml --set model=vgg31", &["vgg31", "vgg13"]);
    bench.refused("train --config no.yaml", &["no.yaml"]);
    bench.refused("train --config small.yaml --set kernels.isa=avx9", &["avx9", "portable"]);
    bench.refused("train --config small.yaml --set device=gpu", &["device", "flex"]);
    // A key that needs what the data do not have.
    bench.place.write("fer.csv", fer2013(30));
    bench.place.ok("data prepare fer2013 --csv fer.csv --out fer.h5");
    for mode in ["majority", "probability", "crossentropy", "multi_target", "argmax_eight"] {
        let sets = format!("--set data.path=fer.h5 --set data.source=null --set data.labels={mode}");
        bench.refused(&format!("train --config small.yaml {sets}"), &["votes"]);
    }
    bench.refused(
        "train --config small.yaml --set data.path=fer.h5 --set data.source=null --set data.split.subject_k_fold.k=3",
        &["subject"],
    );
    let select = "--set data.path=fer.h5 --set data.source=null --set evaluate.select_by=kl_votes";
    bench.refused(&format!("train --config small.yaml {select}"), &["cannot go by kl_votes", "accuracy"]);
    let watch = "--set data.path=fer.h5 --set data.source=null --set train.schedule.reduce_on_plateau.watch=kl_votes";
    bench.refused(&format!("train --config small.yaml {watch}"), &["cannot go by kl_votes"]);
}

#[test]
fn devices_and_instruction_sets() {
    let bench = Bench::new();
    let devices = [
        ("cuda:0", "cuda"),
        ("rocm:1", "rocm"),
        ("tch", "tch"),
        ("tch-cuda:1", "tch"),
        ("metal", "metal"),
        ("vulkan", "vulkan"),
        ("wgpu", "wgpu"),
    ];
    for (device, feature) in devices {
        if bench.place.ok("doctor").contains(&format!("--features {feature}")) {
            let words = format!("train --config small.yaml --set device={device}");
            bench.refused(&words, &["not compiled in", "this binary has flex", &format!("--features {feature}")]);
        }
    }
    let kernels = bench.place.ok("doctor");
    let kernels = kernels.lines().find(|l| l.starts_with("kernels")).unwrap();
    for isa in ["avx512", "avx2"].into_iter().filter(|isa| !kernels.contains(isa)) {
        bench.refused(&format!("train --config small.yaml --set kernels.isa={isa}"), &["this processor has"]);
    }
}

#[test]
fn checkpoints() {
    let bench = Bench::with_run();
    let place = &bench.place;
    let other = place.train("other", "--set train.epochs=1 --set model=micro_exp_net");
    let [last, best] = ["last", "best"].map(|n| format!("checkpoints/{n}.safetensors"));
    // As if it had been stopped before its scores.
    fs::remove_file(place.at("run/metrics.json")).unwrap();
    let (own_last, own_best) =
        (fs::read(place.at("run").join(&last)).unwrap(), fs::read(place.at("run").join(&best)).unwrap());

    place.write(format!("run/{last}"), fs::read(other.join(&last)).unwrap());
    bench.refused("train --resume run", &["last.safetensors", "micro_exp_net", "tiny_xception"]);
    place.write(format!("run/{best}"), fs::read(other.join(&best)).unwrap());
    for words in ["eval --run run", "export --run run --out a.onnx", "predict --run run small.yaml"] {
        bench.refused(words, &["best.safetensors", "do not belong to this tiny_xception"]);
    }
    for length in [0, 7, 100, own_last.len() / 2, own_last.len() - 1] {
        place.write(format!("run/{last}"), &own_last[..length]);
        bench.refused("train --resume run", &["last.safetensors", "truncated"]);
        place.write(format!("run/{best}"), &own_best[..length.min(own_best.len() - 1)]);
        bench.refused("eval --run run", &["best.safetensors", "truncated"]);
    }
    fs::remove_file(place.at("run").join(&best)).unwrap();
    bench.refused("eval --run run", &["no selected weights", "train --resume run"]);

    place.write(format!("run/{best}"), &own_best);
    place.write(format!("run/{last}"), &own_last);
    let config = fs::read_to_string(place.at("run/config.yaml")).unwrap();
    place.write("run/config.yaml", config.replace("lr: 0.004", "lr: 0.005"));
    bench.refused("train --resume run", &["another experiment", "config.yaml"]);
    place.write("run/config.yaml", config.replace("isa: auto", "isa: portable"));
    bench.refused("train --resume run", &["native portable", "--other-kernels"]);
    // Data that changed under a run.
    let data = fs::read(place.at("small.h5")).unwrap();
    fs::remove_file(place.at("small.h5")).unwrap();
    place.ok("data prepare synthetic --count 240 --size 24 --identities 12 --seed 2 --out small.h5");
    bench.refused("train --resume run --other-kernels", &["small.h5 was not made from", "seed is 1"]);
    place.write("small.h5", data);
    place.ok("train --resume run --other-kernels -q");
}

#[test]
fn runs_and_their_outputs() {
    let bench = Bench::with_run();
    for words in [
        "train --resume no",
        "eval --run no",
        "report --run no",
        "export --run no --out a.onnx",
        "predict --run no a.png",
    ] {
        bench.refused(words, &["there is no run folder no", "ferrotype runs"]);
    }
    bench.refused("eval --run .", &["not a run folder", "config.yaml"]);
    bench.refused("train --resume run", &["is finished", "report --run run"]);
    bench.refused("export --run run --out missing/a.onnx", &["missing/a.onnx", "the folder missing does not exist"]);
    bench.refused("eval --run run --json missing/a.json", &["missing/a.json", "the folder missing does not exist"]);
    bench.refused("eval --run run --csv missing/a.csv", &["missing/a.csv", "the folder missing does not exist"]);
    bench.refused("eval --run run --data no.h5", &["no.h5 does not exist"]);
    bench.refused("eval --run run --labels most", &["most", "majority"]);
    bench.place.write("fer.csv", fer2013(30));
    bench.place.ok("data prepare fer2013 --csv fer.csv --out fer.h5");
    bench.refused("eval --run run --data fer.h5", &["classes", "contempt"]);
    bench.place.write("run/dataset.json", "{");
    bench.refused("report --run run", &["dataset.json"]);
    bench.place.write("run/config.yaml", "name: [");
    bench.refused("report --run run", &["config.yaml"]);
    // The list is where one looks for what is wrong.
    assert!(bench.place.ok("runs --in .").contains("run "));
}
