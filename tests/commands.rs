//! The commands around a finished run, and the forms of output.

mod common;

use std::fs;

use common::{Place, entries, files, json};
use serde_json::Value;

#[test]
fn a_finished_run_is_scored_exported_reported_and_listed() {
    let place = Place::new();
    let run = place.train("runs", "");
    let shown = run.display().to_string();

    // The same scores and predictions again, to the last digit.
    for set in ["test", "validation"] {
        place.ok(&format!("eval --run {shown} --set-name {set} --json {set}.json --csv {set}.csv"));
        assert_eq!(json(&place.at(format!("{set}.json"))), json(&run.join("metrics.json"))[set], "{set}");
    }
    assert_eq!(fs::read(place.at("test.csv")).unwrap(), fs::read(run.join("predictions.csv")).unwrap());
    // Another file with the same rows gives the same.
    fs::copy(place.at("small.h5"), place.at("copy.h5")).unwrap();
    place.ok(&format!("eval --run {shown} --data copy.h5 --json copy.json"));
    assert_eq!(json(&place.at("copy.json")), json(&place.at("test.json")));

    let text = place.ok(&format!("export --run {shown} --out again.onnx"));
    assert!(text.contains("checked") && text.contains("again.onnx"), "{text}");
    assert_eq!(fs::read(place.at("again.onnx")).unwrap(), fs::read(run.join("model.onnx")).unwrap());

    for precision in ["fp16", "int8"] {
        let rows = if precision == "int8" { "--calibration-rows 20" } else { "" };
        let words = format!("export --run {shown} --precision {precision} {rows}");
        let text = place.ok(&format!("{words} --max-loss 100 --out less.onnx"));
        assert!(text.contains(&format!("({precision})")) && text.contains("rows (at most 100 may be lost)"), "{text}");
        let size = |name: &str| fs::metadata(place.at(name)).unwrap().len();
        assert!(size("less.onnx") < size("again.onnx"), "{precision}");
        fs::remove_file(place.at("less.onnx")).unwrap();
        let refused = place.refused(&format!("{words} --max-loss=-101 --out less.onnx"));
        assert!(refused.contains("less.onnx was not written: accuracy"), "{refused}");
        assert!(!place.at("less.onnx").exists());
        let refused = place.refused(&format!("{words} --out {shown}/model.onnx"));
        assert!(refused.contains("is the run's own file"), "{refused}");
    }
    for (options, says) in [
        ("--max-loss 2", "--max-loss is for --precision fp16 and int8"),
        ("--calibration-rows 20", "--calibration-rows is for --precision int8"),
        ("--precision fp16 --calibration-rows 20", "--calibration-rows is for --precision int8"),
    ] {
        let refused = place.refused(&format!("export --run {shown} {options} --out less.onnx"));
        assert!(refused.contains(says) && !place.at("less.onnx").exists(), "{refused}");
    }

    let before = files(&run);
    fs::remove_file(run.join("report.html")).unwrap();
    fs::remove_dir_all(run.join("plots")).unwrap();
    let text = place.ok(&format!("report --run {shown}"));
    assert!(text.contains("report.html") && text.contains("test accuracy"), "{text}");
    assert_eq!(files(&run), before);
    // Its data may be gone: the report then has no faces.
    fs::rename(place.at("small.h5"), place.at("gone.h5")).unwrap();
    place.ok(&format!("report --run {shown}"));

    let listed = place.ok("runs");
    assert!(listed.contains("tiny_xception") && listed.contains("finished"), "{listed}");
    let row: Value = serde_json::from_str(place.ok("runs --json").trim()).unwrap();
    let accuracy = &json(&run.join("metrics.json"))["test"]["metrics"]["accuracy"]["value"];
    assert_eq!(&row["accuracy"], accuracy);
}

#[test]
fn commands_that_need_no_run() {
    let place = Place::new();
    assert!(place.ok("models").contains("8757704"));
    for line in place.ok("models --json").lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap()["name"].is_string());
    }
    assert!(place.ok("doctor").contains("flex         works"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.ok(&format!("completions {shell}")).contains("ferrotype"), "{shell}");
    }
    assert!(place.ok("runs").contains("no runs in"));
    let shown = place.ok("config show small.yaml --set train.lr=0.5");
    assert!(shown.contains("lr: 0.5") && shown.contains("early_stopping: null"), "{shown}");
    // What is shown can be used, and means the same.
    place.write("shown.yaml", &shown);
    assert_eq!(
        place.ok("config show shown.yaml").lines().skip(1).collect::<Vec<_>>(),
        shown.lines().skip(1).collect::<Vec<_>>()
    );
    assert!(place.ok("config check small.yaml shown.yaml").contains("shown.yaml: ok"));
    serde_json::from_str::<Value>(&place.ok("config schema")).unwrap();
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    let verbs = [
        "train",
        "sweep",
        "eval",
        "predict",
        "attack",
        "explain",
        "export",
        "report",
        "runs",
        "models",
        "doctor",
        "completions",
    ];
    let more = ["config check", "config show", "config schema", "data prepare synthetic", "data info", "data audit"];
    for verb in verbs.into_iter().chain(more) {
        let help = place.ok(&format!("{verb} --help"));
        assert!(help.contains("Example"), "{verb}\n{help}");
    }
}

#[test]
fn json_is_one_object_per_line_and_nothing_else() {
    let place = Place::new();
    let mut last = Vec::new();
    for words in ["", "--seeds 0..2", "--set data.limit=16 --set evaluate.select_on=test"] {
        let ended = place.run(&format!("train --config small.yaml --json {words}"));
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert_eq!(ended.err, "", "{words}");
        let events: Vec<Value> = ended.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(events.iter().all(|e| e["event"].is_string()), "{}", ended.out);
        let left = events.iter().filter(|e| e["event"] == "epoch").map(|e| e["seconds_left"].as_f64().unwrap());
        let left: Vec<f64> = left.collect();
        // Time left is an estimate, but nothing is left after the last epoch, and something before it.
        assert!(left.chunks(2).all(|pair| pair[0] > 0.0 && pair[1] == 0.0), "{left:?}");
        last.push(events.last().unwrap().clone());
    }
    assert_eq!(last[0]["event"], "result");
    assert!(last[0]["scores"]["accuracy"].is_number() && last[0]["onnx"]["passed"] == true, "{}", last[0]);
    assert_eq!(last[1]["event"], "group_result");
    assert!(last[1]["scores"]["accuracy"]["mean"].is_number(), "{}", last[1]);
    assert_eq!(place.refused_json(), "");
}

impl Place {
    /// Standard output of a refused training with `--json`: the error stands on standard error alone.
    fn refused_json(&self) -> String {
        let ended = self.run("train --config small.yaml --json --set device=cuda:0");
        ended.check_refusal("train --json");
        ended.out
    }
}

#[test]
fn quiet_says_warnings_and_the_result_only() {
    let place = Place::new();
    let ended = place.run("train --config small.yaml -q");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.contains("test accuracy") && ended.out.contains("report.html"), "{}", ended.out);
    let ended = place.run("train --config small.yaml -q --set data.limit=16 --set evaluate.select_on=test");
    let warnings: Vec<&str> = ended.err.lines().collect();
    assert_eq!(warnings.len(), 2, "{}", ended.err);
    assert!(warnings[0].contains("data.limit") && warnings[1].contains("selected on the test set"), "{warnings:?}");
    assert!(ended.out.contains("selected on the test set"), "{}", ended.out);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.train("runs", "");
    let bench = "bench --models micro_exp_net --batch 2 --rounds 1 --steps 1";
    let parity = "bench parity --device flex --models none";
    let train = "train --config small.yaml --json";
    for words in ["runs", "models", "doctor", "config schema", "completions bash", bench, parity, train] {
        let mut command = place.command(words.split_whitespace());
        let mut child =
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = common::Ended::of(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{words}");
    }
    // The training whose events nobody read was finished all the same.
    let finished =
        entries(&place.at("runs")).into_iter().filter(|r| place.at("runs").join(r).join("metrics.json").exists());
    assert_eq!(finished.count(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn bars_on_terminals_of_any_width() {
    let place = Place::new();
    let ferrotype = env!("CARGO_BIN_EXE_ferrotype");
    for columns in [0, 1, 200] {
        let line = format!("stty cols {columns}; {ferrotype} train --config small.yaml --out t{columns}");
        let mut command = std::process::Command::new("script");
        command.current_dir(place.path()).args(["-qec", &line, "/dev/null"]).stdin(std::process::Stdio::null());
        let Ok(output) = command.output() else {
            eprintln!("skipped: there is no `script` to make a terminal");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !text.contains("panicked"), "{columns} columns\n{text}");
        assert!(text.contains("accuracy"), "{columns} columns\n{text}");
    }
}

/// Row, true class and predicted class of a table of predictions.
fn predicted(path: &std::path::Path) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (row, truth, said) = (at("row"), at("truth"), at("prediction"));
    lines.map(|l| (l[row].to_owned(), l[truth].to_owned(), l[said].to_owned())).collect()
}

#[test]
fn rows_that_a_run_has_seen_are_known_by_their_pixels() {
    let place = Place::new();
    let holdout = "--set data.split.holdout.validation=0.2 --set data.split.holdout.test=0.2 --set train.epochs=1 --set export.onnx=false";
    let run = place.train("runs", holdout);
    let shown = run.display().to_string();
    let before = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(!before.contains("Scores on other data"));

    // The file's own test rows under another name: some of them were trained on.
    fs::copy(place.at("small.h5"), place.at("copy.h5")).unwrap();
    let text = place.ok(&format!("eval --run {shown} --data copy.h5 --json e.json --csv e.csv"));
    let scores = json(&place.at("e.json"));
    let held_out: Vec<String> = predicted(&run.join("predictions.csv")).into_iter().map(|r| r.0).collect();
    let unseen: Vec<_> = predicted(&place.at("e.csv")).into_iter().filter(|r| held_out.contains(&r.0)).collect();
    let count = |key: &str| scores["seen"][key].as_u64().unwrap() as usize;
    assert!(!unseen.is_empty() && unseen.len() < count("rows"), "{scores}");
    assert_eq!(count("trained") + count("selected") + unseen.len(), count("rows"));
    assert_eq!(scores["unseen"]["n"], unseen.len());
    let right = unseen.iter().filter(|(_, truth, said)| truth == said).count() as f64 / unseen.len() as f64;
    assert!((scores["unseen"]["metrics"]["accuracy"]["value"].as_f64().unwrap() - right).abs() < 1e-12);
    assert!(text.contains("The run has seen") && text.contains("without the rows that were seen"), "{text}");
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("Scores on other data") && report.contains("<p class=\"notice serious\">The run has seen"));
    let pictures = json(&run.join("dataset.json"))["sha256"].as_str().unwrap().to_owned();
    assert!(report.contains(&format!("<p class=\"small\">sha256 {pictures}</p>")), "which pictures were scored");

    // Nothing is left of what was trained on, and a run without its record finds it out from its data.
    fs::remove_file(run.join("seen_pictures.json")).unwrap();
    let text = place.ok(&format!("eval --run {shown} --data small.h5 --json again.json"));
    assert_eq!(json(&place.at("again.json"))["seen"], scores["seen"], "{text}");
    place.ok(&format!("attack --run {shown} --data copy.h5 --method fgsm --eps 0 --examples 1"));
    let attack = json(&run.join("attack-fgsm/attack.json"));
    assert_eq!((&attack["seen"], attack["points"][0]["accuracy_unseen"].as_f64()), (&scores["seen"], Some(right)));

    // A run that is fine-tuned from it has seen those rows as well.
    let words = format!("--init {shown} --set train.epochs=1 --set export.onnx=false");
    let tuned = place.train("tuned", &words);
    let inherited = json(&tuned.join("dataset.json"))["test_seen_before"].as_u64().unwrap() as usize;
    assert_eq!(inherited, count("trained") + count("selected"));
    let report = fs::read_to_string(tuned.join("report.html")).unwrap();
    assert!(report.contains(&format!("Leak: {inherited} of {} test pictures that the weights", count("rows"))));

    // The score of a file that was prepared anew takes the place of the one before, and says how classes were matched.
    for rows in [10, 20] {
        let line = |row: usize| {
            let pixels: Vec<String> = (0..48 * 48).map(|p| ((p * (row + 1)) % 256).to_string()).collect();
            format!("{},{},PrivateTest\n", row % 7, pixels.join(" "))
        };
        let table: String = (0..rows).map(line).collect();
        place.write("fer.csv", format!("emotion,pixels,Usage\n{table}"));
        fs::remove_file(place.at("fer.h5")).ok();
        place.ok("data prepare fer2013 --csv fer.csv --out fer.h5");
        place.ok(&format!("eval --run {} --data fer.h5 --common-classes", tuned.display()));
    }
    assert_eq!(entries(&tuned.join("evaluations")).len(), 1);
    let report = fs::read_to_string(tuned.join("report.html")).unwrap();
    assert!(report.contains(", 20 images") && !report.contains(", 10 images"), "an old score stayed");
    assert!(report.contains("matched by name"), "how the classes were matched");
}

#[test]
fn outputs_never_replace_what_is_read() {
    let place = Place::new();
    let run = place.train("runs", "--set train.epochs=1");
    let shown = run.display().to_string();
    fs::create_dir(place.at("film")).unwrap();
    fs::copy(place.at("small.h5"), place.at("film/examples.npz")).unwrap();
    fs::create_dir(place.at("crops")).unwrap();
    image::GrayImage::from_fn(24, 24, |x, y| image::Luma([(x * 7 + y * 3) as u8]))
        .save(place.at("crops/a.png"))
        .unwrap();
    fs::copy(place.at("small.h5"), place.at("copy.h5")).unwrap();
    fs::hard_link(place.at("copy.h5"), place.at("linked")).unwrap();
    place.write("weights.h5", "of Keras");
    place.write("README.md", "# Mine");
    place.write("list.csv", "path,label\ncrops/a.png,sad\n");
    let contents = || -> Vec<(String, Vec<u8>)> {
        files(place.path()).into_iter().map(|f| (f.clone(), fs::read(place.at(f)).unwrap())).collect()
    };
    let before = contents();
    for words in [
        format!("eval --run {shown} --csv {shown}/predictions.csv"),
        format!("eval --run {shown} --json {shown}/metrics.json"),
        format!("eval --run {shown} --data copy.h5 --json linked"),
        format!("eval --run {shown} --json both --csv ./both"),
        format!("eval --run {shown} --csv small.yaml"),
        format!("compare {shown} {shown}/../{} --json small.h5", run.file_name().unwrap().display()),
        format!("predict --run {shown} crops --csv crops/a.png"),
        format!("predict --run {shown} crops --save-crops crops"),
        format!("predict --run {shown} crops --csv {shown}/dataset.json"),
        format!("export --run {shown} --out small.yaml"),
        format!("export --run {shown} --out small.h5"),
        format!("export --run {shown} --out {shown}/checkpoints/best.safetensors"),
        format!("attack --run {shown} --method fgsm --data film/examples.npz --out film --eps 0"),
        "data prepare manifest --csv list.csv --out list.csv".to_owned(),
        "data prepare synthetic --count 10 --out weights.h5".to_owned(),
        "data audit small.h5 --json small.h5".to_owned(),
        format!("report --run {shown} --publish ."),
    ] {
        let message = place.refused(&words);
        assert!(!message.is_empty(), "{words}");
        assert_eq!(contents().len(), before.len(), "{words}: {message}");
        assert!(contents() == before, "{words} changed a file: {message}");
    }
}
