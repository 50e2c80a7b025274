use std::sync::Arc;

use ferrotype_kernels::Isa;

use super::*;
use crate::methods::sequence::tests::{clips, fitted, options, with_work};
use crate::methods::sequence::{Pieces, SeriesOptions};
use ferrotype_config as config;
use ferrotype_expressions::Experiment;
use ferrotype_model::Network;
use ferrotype_run::RunFolder;
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_vision::video::Encoder;

fn small(features: &Path) -> RelaxedOptions {
    RelaxedOptions {
        features: features.to_path_buf(),
        detector: None,
        rate: None,
        frames: 3,
        memory: MemoryOptions { sketch: 8, hidden: 8, dropout: [0.0, 0.0], ..MemoryOptions::default() },
        descriptor: 64,
        c: 1.0,
    }
}

/// From steps on: windows, states, descriptors, machines.
#[test]
fn speeds_are_told_apart_by_pooled_states() {
    let set = clips(112, 2.0, 0, 4);
    let all: Vec<usize> = (0..112).collect();
    let series = SeriesOptions { pieces: Some(Pieces { length: 10, stride: 5 }), emotion: false };
    let memory = MemoryOptions { sketch: 3, hidden: 12, series, dropout: [0.0, 0.0] };
    let content =
        Content::new(&RelaxedOptions { memory, ..small(Path::new("no")) }, &set, 4, String::new(), 1).unwrap();
    let steps = all.iter().map(|&i| (i, set.clips[i].units.clone().unwrap())).collect();
    let seen = content.with_steps(&set, steps);
    let folder = tempfile::tempdir().unwrap();
    let (training, test) = all.split_at(80);
    let (training, validation) = training.split_at(64);
    let fit = |name: &str| {
        let folder = folder.path().join(name);
        with_work(&options(15, 0.01), &folder, |work| content.fit(&seen, training, validation, work)).unwrap()
    };
    let groups = fit("a");
    let scores = content.scores(&seen, test, &groups).unwrap();
    let right = scores.iter().zip(test).filter(|(s, i)| (**s > 0.0) == set.clips[**i].real.unwrap()).count();
    println!("{right} of {}", test.len());
    assert!(right * 4 >= test.len() * 3, "{right}: {scores:?}");
    assert_eq!(content.scores(&seen, test, &fit("b")).unwrap(), scores);
    assert_eq!(content.scores(&seen, &test[3..4], &groups).unwrap(), scores[3..4]);
    // ReLU in the memory: written step by step.
    let checks = content.export(&seen, test, &groups, folder.path(), 1e-4).unwrap();
    assert!(checks.len() == 1 && checks[0].1.passed && folder.path().join("relaxed-all.onnx").is_file(), "{checks:?}");
    let mut short = seen.clone();
    short.clips[5].units.as_mut().unwrap().values.truncate(9 * 3);
    short.clips[5].units.as_mut().unwrap().times.truncate(9);
    let error = content.scores(&short, &[5], &groups).unwrap_err().to_string();
    assert!(error.contains("clip005 has 9 steps of 3 frames, fewer than a window of 10"), "{error}");
}

/// A run as training leaves it, its weights as they began.
fn run(folder: &Path, seed: u64) -> RunFolder {
    let run = RunFolder::create_at(folder).unwrap();
    let text = "name: encoder\ndata: {path: none.h5, preprocess: {size: 48}}\nmodel: tiny_xception\ntrain: {epochs: 1, lr: 0.1}\n";
    let experiment: Experiment = config::from_text("encoder", text).unwrap();
    std::fs::write(run.config(), config::to_yaml(&experiment)).unwrap();
    std::fs::create_dir_all(run.checkpoints()).unwrap();
    let graph = Arc::new(experiment.model.build(experiment.data.input(), 7).unwrap());
    let network = Network::new(graph, seed, &Device::flex());
    let meta = Meta { classes: (0..7).map(|i| i.to_string()).collect(), ..Meta::default() };
    Checkpoint { tensors: network.state().unwrap(), meta }.save(&run.best_weights()).unwrap();
    run
}

/// A square that grows, in a file of so many frames.
fn film(path: &Path, frames: usize, speed: f64) {
    let mut encoder = Encoder::start(path, [48, 48], 25.0).unwrap();
    for t in 0..frames {
        let half = (4.0 + speed * t as f64).min(20.0) as usize;
        let inside = |i: usize| (24 - half..24 + half).contains(&i);
        let pixels: Vec<u8> = (0..48 * 48).map(|i| if inside(i / 48) && inside(i % 48) { 210 } else { 60 }).collect();
        encoder.push(&pixels).unwrap();
    }
    encoder.finish().unwrap();
}

#[ferrotype_needs::needs(ffmpeg)]
#[test]
fn videos_are_looked_at_by_a_run_and_files_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = run(&folder.path().join("encoder"), 1);
    let mut set = clips(12, 1.0, 2, 6);
    for (i, clip) in set.clips.iter_mut().enumerate() {
        let path = folder.path().join(format!("{i}.mp4"));
        film(&path, 36, if i % 2 == 0 { 0.3 } else { 1.0 });
        (clip.units, clip.video) = (None, Some(path));
    }
    set.units.clear();
    let all: Vec<usize> = (0..12).collect();
    let method = small(encoder.path());
    let fit = |set: &ClipSet, name: &str| {
        fitted(&method, set, [&all[..8], &all[8..]], &options(2, 0.01), &folder.path().join(name))
    };
    let first = fit(&set, "a").unwrap();
    let scores = first.scores(&set, &all).unwrap();
    assert_eq!(fit(&set, "b").unwrap().scores(&set, &all[2..5]).unwrap(), scores[2..5]);
    first.save(folder.path()).unwrap();
    let load =
        |method: &RelaxedOptions| method.load(&set, folder.path(), &Device::flex(), Compute::Native(Isa::detect()));
    let again = load(&method).unwrap();
    assert_eq!((again.scores(&set, &all).unwrap(), again.parameters()), (scores, first.parameters()));
    assert_eq!(first.export(&set, &all, folder.path(), 1e-4).unwrap().len(), 2);
    let other = run(&folder.path().join("other"), 2);
    assert!(load(&small(other.path())).err().unwrap().to_string().contains("its weights differ"));
    let mut bad = set.clone();
    bad.clips[3].video = None;
    let error = format!("{:#}", fit(&bad, "c").err().unwrap());
    assert!(error.contains("clip003 cannot be used: it has no video"), "{error}");
    let missing = fitted(&small(Path::new("no/run")), &set, [&all[..8], &all[8..]], &options(1, 0.01), folder.path());
    assert!(format!("{:#}", missing.err().unwrap()).contains("no/run"));
}

#[test]
fn impossible_options_are_named() {
    let odd = RelaxedOptions {
        frames: 0,
        rate: Some(-1.0),
        c: 0.0,
        memory: MemoryOptions { sketch: 0, dropout: [1.0, 0.0], ..MemoryOptions::default() },
        ..small(Path::new("run"))
    };
    let keys: Vec<String> = odd.problems().into_iter().map(|p| p.0).collect();
    assert_eq!(keys, ["memory.sketch", "memory.dropout", "frames", "c", "rate"]);
    assert!(small(Path::new("run")).problems().is_empty());
}
