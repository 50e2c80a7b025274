//! The system `anomalies` through the binary: every shipped experiment, its files, its repetition, its resumption, and
//! what it says of bad input.

mod common;

use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Ended, Place, history, weights};

/// A short generated experiment: 12 seconds, three anomalies.
const SMALL: &str = "system: anomalies
name: face
seed: 3
threads: 2
data:
  source: {generated: {seconds: 12, rate: 20, anomalies: 3}}
model: {lstm_autoencoder: {form: {bottleneck: {code: 4}}, hidden: 8, layers: 1, window: {length: 8, stride: 2}}}
train: {epochs: 3, batch_size: 16, lr: 0.005}
";

fn place() -> Place {
    let place = Place::new();
    place.write("face.yaml", SMALL);
    place.write("features.csv", features(120, true));
    place
}

/// An embedding, emotions and an action unit of 10 frames per second.
fn features(frames: usize, varying: bool) -> String {
    let mut text = String::from("frame,timestamp,AU12");
    (0..6).for_each(|i| write!(text, ",Raw_Embedding_{i}").unwrap());
    text += ",happy,sad,neutral\n";
    let mut noise = 1u32;
    for frame in 0..frames {
        write!(text, "{},{}", 3 * frame, frame as f64 / 10.0).unwrap();
        for column in 0..10 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = (frame as f64 / (5.0 + f64::from(column))).sin() + f64::from(noise >> 24) / 2560.0;
            write!(text, ",{}", if varying { value } else { 0.5 }).unwrap();
        }
        text.push('\n');
    }
    text
}

fn train(place: &Place, out: &str, words: &str) -> PathBuf {
    place.ok(&format!("train --config face.yaml --out {out} -q {words}"));
    place.only(out)
}

fn result_table(run: &Path) -> String {
    fs::read_to_string(run.join("anomaly_detection_results_person_1.csv")).unwrap()
}

#[test]
fn every_shipped_experiment_trains_is_exported_and_reported() {
    let place = place();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/anomaly");
    let files: Vec<String> = common::entries(&folder).into_iter().filter(|f| !f.starts_with('_')).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let path = folder.join(&file).display().to_string();
        let source = match file.as_str() {
            "video.yaml" => "data.source={csv: {path: features.csv}}",
            _ => "data.source={generated: {seconds: 10, anomalies: 3}}",
        };
        let words = ["train", "--config", &path, "--out", &file, "-q", "--set", source, "--set", "train.epochs=1"];
        let ended = place.run_words(words);
        assert_eq!(ended.code, Some(0), "{file}\n{}", ended.err);
        assert!(ended.out.contains("Time of top"), "{file}\n{}", ended.out);
        let run = place.only(&file);
        let scores = common::json(&run.join("metrics.json"));
        for detector in scores["detectors"].as_array().unwrap() {
            assert_eq!(detector["onnx"]["passed"], true, "{file}: {detector}");
            let slug = detector["name"].as_str().unwrap().to_lowercase();
            for name in ["model.onnx", "errors.csv", "metrics.jsonl", "checkpoints/best.safetensors"] {
                assert!(run.join("detectors").join(&slug).join(name).is_file(), "{file}: no {name} of {slug}");
            }
        }
        let header = result_table(&run).lines().next().unwrap().to_owned();
        if file == "video.yaml" {
            assert_eq!(
                header,
                "Frame,Timecode,Time (Minutes),Embedding_Index,Comp 1,Comp 2,Comp 3,AU12,happy,sad,neutral,Anomaly_Score_All,\
                 LSTM_anomaly_All,Anomaly_Score_Comp,LSTM_anomaly_Comp,Anomaly_Score_Emb,LSTM_anomaly_Emb,\
                 Anomaly_Score_happy,LSTM_anomaly_happy,Anomaly_Score_sad,LSTM_anomaly_sad,Anomaly_Score_neutral,\
                 LSTM_anomaly_neutral"
            );
        } else {
            assert!(header.ends_with("Anomaly_Score_All,LSTM_anomaly_All,Truth"), "{header}");
            let methods = scores["detectors"][0]["detection"].as_object().unwrap();
            assert_eq!(methods.keys().collect::<Vec<_>>(), ["distance_to_mean", "lstm_autoencoder", "pca"]);
        }
        let report = fs::read_to_string(run.join("report.html")).unwrap();
        assert!(report.contains("Anomaly score: All"), "{file}");
        place.ok(&format!("report --run {} --publish published", run.display()));
    }
    assert!(place.ok("runs --in published").contains("anomalies"));
}

#[test]
fn a_seed_fixes_the_scores_and_seeds_are_put_side_by_side() {
    let place = place();
    let (a, b) = (train(&place, "a", ""), train(&place, "b", "--set threads=1"));
    assert_eq!(result_table(&a), result_table(&b));
    assert_ne!(result_table(&a), result_table(&train(&place, "c", "--set seed=4")));
    let told = place.ok("train --config face.yaml --out group -q --seeds 0..2");
    assert!(told.contains("| All | lstm_autoencoder | 2 |") && told.contains("| All | pca | 2 |"), "{told}");
    let words = ["bench", "anomalies", "--config", "face.yaml", "--seeds", "0..2", "--out", "grid", "--grid"];
    let grid = place.run_words(words.iter().copied().chain(["model.lstm_autoencoder.hidden=4|8"]));
    assert_eq!(grid.code, Some(0), "{}", grid.err);
    assert_eq!(grid.out.lines().filter(|l| l.contains("lstm_autoencoder |")).count(), 2, "{}", grid.out);
    // The runs of the grid are the same as those of the group: seed and experiment are all that counts.
    assert_eq!(common::json(&place.at("grid/anomalies.json")).as_array().unwrap().len(), 2);
}

#[test]
fn an_interrupted_run_ends_as_one_that_was_not() {
    let place = place();
    let sets = "--set train.epochs=150 --set train.checkpoint.steps=3";
    let whole = train(&place, "whole", sets);
    let words = format!("train --config face.yaml --out parts --json {sets}");
    let mut command = place.command(words.split_whitespace());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().filter(|l| l.contains("\"event\":\"step\"")).nth(30).is_some());
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    drop(lines.collect::<Vec<_>>());
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(ended.err.contains("of the detector All") && ended.err.contains("train --resume"), "{}", ended.err);
    let parts = place.only("parts");
    place.ok(&format!("train -q --resume {}", parts.display()));
    let detector = |run: &Path| run.join("detectors/all");
    assert_eq!(weights(&detector(&whole)), weights(&detector(&parts)));
    assert_eq!(history(&detector(&whole)), history(&detector(&parts)));
    assert_eq!(result_table(&whole), result_table(&parts));
    let again = place.refused(&format!("train --resume {}", parts.display()));
    assert!(again.contains("is finished"), "{again}");
}

/// The video and the networks lie in the folder that FERROTYPE_DATA names. No network for action units is at hand: their
/// table is made here, with the times of the video's 30 frames per second, and lacks the last ten frames.
#[ferrotype_needs::needs(data, ffmpeg)]
#[test]
fn faces_of_a_real_video_are_prepared_and_learned() {
    let data = ferrotype_data::real_data::data_folder();
    let place = place();
    let mut units = String::from("frame,timestamp,AU06,AU12\n");
    for frame in 0..62 {
        let smile = (f64::from(frame) / 8.0).sin();
        writeln!(units, "{frame},{},{},{smile}", f64::from(frame) / 30.0, smile * 0.5).unwrap();
    }
    place.write("units.csv", units);
    let file = |name: &str| data.join(name).display().to_string();
    let out = place.ok(&format!(
        "data prepare faces --video {} --detector {} --embedder {} --units units.csv --rate 0 --out faces/faces.h5",
        file("videos/single_face.mp4"),
        file("onnx/yunet.onnx"),
        file("onnx/mobilefacenet_128.onnx")
    ));
    for told in
        ["72 faces in 72 frames (72 decoded)", "person 1: 62 frames", "10 faces have no row in the table of units"]
    {
        assert!(out.contains(told), "{out}");
    }
    assert_eq!(common::entries(&place.at("faces/organized_faces/person_1")).len(), 62);
    let sets = "--set data={source: {faces: {path: faces/faces.h5}}, reduction: {pca: {components: 2}}}";
    let mut words: Vec<&str> = "train --config face.yaml --out real -q".split(' ').collect();
    words.extend(sets.splitn(2, ' '));
    let ended = Ended::of(place.command(words).output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let table = result_table(&place.only("real"));
    let header = table.lines().next().unwrap();
    assert!(["Comp 1", "Comp 2", "AU06", "AU12", "Anomaly_Score_Emb"].iter().all(|c| header.contains(c)), "{header}");
    assert_eq!(table.lines().count(), 63);
}

#[test]
fn a_sweep_ranks_by_the_validation_error_of_all_detectors() {
    let place = place();
    place.write(
        "sweep.yaml",
        "name: s\nexperiment: face.yaml\nsampler: grid\nset: {data.source: {csv: {path: features.csv}}, rules.pick: {deviation: \
         {k: 2}}}\nspace:\n  data.reduction.pca.components: {choice: [2, 3]}\n  model.lstm_autoencoder.hidden: {choice: [4, \
         8]}\n",
    );
    let out = place.ok("sweep --config sweep.yaml --out study -q");
    assert!(out.contains("4 of 4 trials (4 finished)"), "{out}");
    let json: serde_json::Value = serde_json::from_str(&place.ok("sweep status study --json")).unwrap();
    let error = |trial: usize| {
        let text = fs::read_to_string(place.at("study").join(format!("trials/{trial:05}/run/metrics.json"))).unwrap();
        let scores: serde_json::Value = serde_json::from_str(&text).unwrap();
        let detectors = scores["detectors"].as_array().unwrap();
        assert_eq!(detectors.len(), 3);
        detectors.iter().map(|d| d["validation_error"].as_f64().unwrap()).sum::<f64>() / 3.0
    };
    let errors: Vec<f64> = (0..4).map(error).collect();
    for (trial, error) in json["trials"].as_array().unwrap().iter().zip(&errors) {
        assert!((trial["value"].as_f64().unwrap() - error).abs() < 1e-12, "{trial} {error}");
    }
    let smallest = (0..4).min_by(|&a, &b| errors[a].total_cmp(&errors[b])).unwrap();
    let best = fs::read_to_string(place.at("study/best.yaml")).unwrap();
    assert!(best.starts_with(&format!("# Trial {smallest} ")) && best.contains("validation mse"), "{best}");
    place.ok("train --config study/best.yaml --out best -q");
    assert!(place.only("best").join("detectors/all/model.onnx").is_file());
}

#[test]
fn bad_input_is_one_clear_paragraph() {
    let place = place();
    place.write("one.csv", features(1, true));
    place.write("few.csv", features(12, true));
    place.write("constant.csv", features(100, false));
    place.write("empty.csv", features(0, true));
    let csv = |name: &str| format!("--set data.source.csv.path={name}");
    for (words, told) in [
        (csv("one.csv"), "1 frames are too few"),
        (csv("few.csv") + " --set data.validation=0.5", "6 frames for windows of 8"),
        (csv("constant.csv"), "do not vary"),
        (csv("empty.csv"), "no frames"),
        (csv("none.csv"), "cannot read the table none.csv"),
        ("--set data.source.faces.path=faces.h5".into(), "data prepare faces"),
        ("--set data.source.generated.rate=0".into(), "1 to 240 frames per second"),
        ("--set model.lstm_autoencoder.window=null".into(), "one code per window"),
        ("--set model.lstm_autoencoder.form=bottle_neck".into(), "did you mean"),
        ("--set rules.pick.quantile.q=1.5".into(), "between 0 and 1"),
        ("--set data.detectors=[embedding]".into(), "no such columns"),
        ("--set system=emotions".into(), "expected `expressions`"),
        ("--folds".into(), "has no folds"),
    ] {
        let message = place.refused(&format!("train --config face.yaml --out bad {words}"));
        assert!(message.contains(told), "{words}: {message}");
    }
    assert!(common::entries(&place.at("bad")).is_empty(), "refused starts leave no folders");
    place.write("other.yaml", SMALL.replace("system: anomalies", "system: moods"));
    let unknown = place.refused("train --config other.yaml");
    assert!(
        unknown.contains("other.yaml:1:9")
            && unknown.contains("expected `expressions`, `anomalies`, `real_fake` or `baselines`"),
        "{unknown}"
    );
    let run = train(&place, "runs", "");
    for verb in ["eval", "predict"] {
        let extra = if verb == "predict" { " x.png" } else { "" };
        let message = place.refused(&format!("{verb} --run {}{extra}", run.display()));
        assert!(message.contains(&format!("the system anomalies, which `{verb}` cannot")), "{verb}: {message}");
    }
    let missing = place.refused("data prepare faces --video no.mp4 --detector no.onnx --out f.h5");
    assert!(missing.contains("no.onnx") || missing.contains("ffmpeg"), "{missing}");
    for (options, says) in [
        ("--eps 0.2", "--eps tells persons apart by their embeddings, and there are none: add --embedder"),
        ("--cluster kmeans", "add --embedder"),
        ("--embedder no.onnx --most-persons 3", "--most-persons is for --cluster kmeans"),
    ] {
        let told = place.refused(&format!("data prepare faces --video no.mp4 --detector no.onnx --out f.h5 {options}"));
        assert!(told.contains(says), "{options}: {told}");
    }
}
