//! The system `real_fake` through the binary: every shipped experiment, its files, folds and seeds, other clips, and what it
//! says of bad input.

mod common;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use common::{FELT_OR_POSED, Place};
use ferrotype::run::numpy::Array;

/// A table as py-feat writes it: 20 action units and 68 landmarks, a last row without values; real smiles have more AU06.
fn py_feat(frames: usize, real: bool, key: u32) -> String {
    let units = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43];
    let mut text = String::from("frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore");
    for axis in ["x", "y"] {
        (0..68).for_each(|i| write!(text, ",{axis}_{i}").unwrap());
    }
    units.iter().for_each(|u| write!(text, ",AU{u:02}").unwrap());
    text += ",happiness,input\n";
    let mut noise = key.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(noise >> 8) / f64::from(1 << 24)
    };
    for frame in 0..frames {
        write!(text, "{frame},10,10,80,80,0.99").unwrap();
        for i in 0..136 {
            write!(text, ",{}", 20.0 + f64::from((i * 37) % 100) + next()).unwrap();
        }
        for unit in units {
            let more = if real && unit == 6 { 0.3 } else { 0.0 };
            write!(text, ",{}", 0.2 + more + 0.3 * next()).unwrap();
        }
        text += ",0.9,a.mp4\n";
    }
    writeln!(text, "{frames}{}a.mp4", ",".repeat(5 + 136 + 20 + 2)).unwrap();
    text
}

/// A folder in the form of the smile tables.
fn smiles(place: &Place, root: &str) {
    for (part, count) in [("training", 12), ("validation", 6)] {
        for i in 0..count {
            let real = i % 2 == 0;
            let truth = if real { "true" } else { "fake" };
            let name = format!("{root}/{part}/csv/{truth}/pleasure/clip ({i}).csv");
            place.write(name, py_feat(20 + i, real, i as u32 + count as u32));
        }
    }
}

fn place() -> Place {
    let place = Place::new();
    place.write("small.yaml", FELT_OR_POSED);
    place
}

/// One row of means per clip, as the smile set's summaries.
fn means(place: &Place) {
    let mut text = String::from("mean_AU06,mean_AU12,mean_duration,truthfulness\n");
    for i in 0..12 {
        writeln!(
            text,
            "{},{},{},{}",
            0.1 * f64::from(i % 3) + 0.3 * f64::from(i % 2),
            0.05 * f64::from(i),
            2 + i,
            i % 2
        )
        .unwrap();
    }
    place.write("means.csv", text);
}

/// Descriptors of two emotions, in the form of those that were published.
fn descriptors(place: &Place) {
    let mut files = Vec::new();
    for emotion in ["anger", "contentment"] {
        for (part, count) in [("train", 8), ("val", 4), ("test", 2)] {
            for i in 0..count {
                let values: Vec<f32> = (0..4).map(|k| ((i * 7 + k * 3) % 5) as f32 + (i % 2 * k) as f32).collect();
                let label = if part == "test" { String::new() } else { format!(".{}", i % 2) };
                let name = format!("features/{emotion}/{part}/{part}{i}{label}.npy.tf.npy");
                files.push((name, Array::f32(&[1, 4], &values).npy()));
            }
        }
    }
    place.write("features.zip", ferrotype_base::zip::archive(files).unwrap());
}

fn train(place: &Place, out: &str, words: &str) -> PathBuf {
    place.ok(&format!("train --config small.yaml --out {out} -q {words}"));
    place.only(out)
}

/// What makes a shipped experiment small, by its file's name.
fn small(file: &str, resolved: &str) -> Vec<String> {
    let mut sets = Vec::new();
    if resolved.contains("generated:") {
        sets.extend(["subjects=10", "seconds=2", "rate=10"].map(|s| format!("data.source.generated.{s}")));
    } else if resolved.contains("au_tables:") {
        sets.push("data.source.au_tables.root=smiles".to_owned());
    } else if resolved.contains("summary_table:") {
        sets.extend(["training", "validation"].map(|part| format!("data.source.summary_table.{part}=means.csv")));
    } else if resolved.contains("descriptors:") {
        sets.push("data.source.descriptors.path=features.zip".to_owned());
    } else if resolved.contains("sase_fe:") {
        let root = if resolved.contains("relaxed:") { "drawn_videos" } else { "drawn" };
        sets.push(format!("data.source.sase_fe.root={root}"));
        sets.push(format!("data.source.sase_fe.tables={root}/openface"));
        if resolved.contains("subject_modulo:") {
            // Of five subjects, 1 to 3 are training subjects.
            sets.push("data.fold=1".to_owned());
        }
        if resolved.contains("relaxed:") {
            sets.push(format!("data.source.sase_fe.labels={root}/validation_labels.csv"));
            sets.push("method.relaxed.features=eyes".to_owned());
        }
    } else {
        panic!("this test has no small data for {file}");
    }
    if resolved.contains("rank_svm:") {
        sets.push("method.rank_svm.machines=5".to_owned());
    }
    // Files that say nothing of training have no rate of their own to keep.
    sets.extend(["train.epochs=1", "train.lr=0.001"].map(str::to_owned));
    sets
}

/// Synthetic videos in SASE-FE's form, and a run that looks at faces.
fn videos(place: &Place) {
    place.ok("data synthesise sase_fe --out drawn_videos --subjects 4 --seconds 2 --rate 15 --size 64");
    place.write("eyes.yaml", common::SMALL);
    place.ok("train --config eyes.yaml --out eyes_runs -q --set train.epochs=1 --set export.onnx=false");
    fs::rename(place.only("eyes_runs"), place.at("eyes")).unwrap();
}

/// Fits each shipped experiment that is on videos or, if not `on_videos`, is not; gives the runs.
fn fit_shipped(place: &Place, on_videos: bool) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/real_fake");
    let files: Vec<String> = common::entries(&folder).into_iter().filter(|f| !f.starts_with('_')).collect();
    assert!(files.len() >= 9, "{files:?}");
    let mut runs = Vec::new();
    for file in files {
        let path = folder.join(&file).display().to_string();
        let resolved = place.ok(&format!("config show {path}"));
        if resolved.contains("relaxed:") != on_videos {
            continue;
        }
        let mut words = vec!["train".to_owned(), "--config".into(), path, "--out".into(), file.clone(), "-q".into()];
        small(&file, &resolved).into_iter().for_each(|set| words.extend(["--set".to_owned(), set]));
        let ended = place.run_words(&words);
        assert_eq!(ended.code, Some(0), "{file}\n{}", ended.err);
        let known = !resolved.contains("descriptors:");
        assert_eq!(ended.out.contains("clip length alone"), known, "{file}\n{}", ended.out);
        let run = place.only(&file);
        for name in ["clips.csv", "predictions.csv", "real_fake.json", "metrics.json", "dataset.json", "report.html"] {
            assert!(run.join(name).is_file(), "{file}: no {name}");
        }
        let outcome = common::json(&run.join("real_fake.json"));
        for (name, check) in outcome["onnx"].as_array().unwrap().iter().map(|pair| (&pair[0], &pair[1])) {
            assert_eq!(check["passed"], true, "{file}: {name} {check}");
        }
        let told = place.ok(&format!("eval --run {} --csv again.csv", run.display()));
        assert!(told.contains("tested clips: the accuracy is known to about"), "{told}");
        // The saved method says what the fitted one said.
        let test =
            |text: String| text.lines().filter(|l| l.starts_with("test,")).map(str::to_owned).collect::<Vec<_>>();
        let [before, after] = [run.join("clips.csv"), place.at("again.csv")].map(|p| fs::read_to_string(p).unwrap());
        assert_eq!(test(before), test(after), "{file}");
        place.ok(&format!("report --run {} --publish published", run.display()));
        runs.push(run.display().to_string());
    }
    runs
}

#[ferrotype_needs::needs(ffmpeg)]
#[test]
fn shipped_experiments_on_videos_are_fitted_and_reported() {
    let place = place();
    videos(&place);
    assert!(!fit_shipped(&place, true).is_empty());
}

#[test]
fn shipped_experiments_on_tables_are_fitted_and_reported() {
    let place = place();
    smiles(&place, "smiles");
    means(&place);
    descriptors(&place);
    let drawn = "data synthesise sase_fe --subjects 5 --seconds 0.6 --rate 20";
    place.ok(&format!("{drawn} --tables-only --out drawn"));
    let runs = fit_shipped(&place, false);
    let told = place.ok(&format!("compare {} --out table", runs.join(" ")));
    assert!(told.contains("a confound, no method") && told.contains("no action units to compare with"), "{told}");
    let table = fs::read_to_string(place.at("table/methods.md")).unwrap();
    assert!(table.contains("| smiles-rank-svm | rank_svm | 1 | 6 |"), "{table}");
    assert!(table.contains("McNemar's exact test between the methods"), "{table}");
    assert!(fs::read_to_string(place.at("table/methods.csv")).unwrap().starts_with("run,method,seeds (± sd),clips,"));
    assert!(place.ok("runs --in published").contains("length"));
}

#[test]
fn folds_are_pooled_and_seeds_put_side_by_side() {
    let place = place();
    let told = place.ok("train --config small.yaml --out folds -q --folds --set data.split.subject_modulo.by=5");
    assert!(told.contains("small") && told.contains("pooled"), "{told}");
    let group = place.only("folds");
    let clips = fs::read_to_string(group.join("clips.csv")).unwrap();
    assert_eq!(clips.lines().count(), 121, "every clip is tested once");
    assert_eq!(common::json(&group.join("real_fake.json"))["sets"]["test"]["n"], 120);
    place.ok(&format!("report --run {} --publish published", group.display()));
    let told = place.ok("train --config small.yaml --out seeds -q --seeds 0..2");
    assert!(told.contains("2 seeds") && told.contains("Beside it, clip length alone"), "{told}");
    let seeds = place.only("seeds");
    let told = place.ok(&format!("compare --table {} {}", seeds.display(), group.display()));
    assert!(told.contains("± 0.00"), "{told}");
    let refused = place.refused(&format!("compare --table {}", place.at("small.yaml").display()));
    assert!(refused.contains("no run folder"), "{refused}");
    let refused = place.refused("train --config small.yaml --out no --folds");
    assert!(refused.contains("subject_modulo"), "{refused}");
}

#[test]
fn a_run_scores_other_clips_and_tables_without_truth() {
    let place = place();
    smiles(&place, "smiles");
    smiles(&place, "others");
    let source = "--set data.source.au_tables.root=smiles";
    let run = train(&place, "runs", source);
    let told =
        place.ok(&format!("eval --run {} --data others --set-name validation --json scores.json", run.display()));
    assert!(told.contains("6 clips"), "{told}");
    assert_eq!(common::json(&place.at("scores.json"))["outcome"]["sets"]["test"]["n"], 6);
    let told = place.ok(&format!("eval --run {} --data others --set-name train --json known.json", run.display()));
    let known = common::json(&place.at("known.json"));
    assert!(told.contains("SEEN     The run has seen"), "{told}");
    assert_eq!(known["seen"]["trained"], known["seen"]["rows"], "the same clips in another folder: {known}");
    assert!(known["unseen"].is_null() && told.contains("no clip is left"), "{told}");
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("Scores on other data") && report.contains("The run has seen 12 of these 12 rows"), "seen");
    let twice =
        place.refused(&format!("predict --run {} others/validation --csv {}/clips.csv", run.display(), run.display()));
    assert!(twice.contains("would replace a file"), "{twice}");
    let told = place.ok(&format!("predict --run {} others/validation --csv out.csv", run.display()));
    assert_eq!(told.lines().filter(|l| l.contains("(score ")).count(), 6, "{told}");
    assert_eq!(fs::read_to_string(place.at("out.csv")).unwrap().lines().count(), 7);
    let again = place.refused(&format!("train --resume {}", run.display()));
    assert!(again.contains("is finished"), "{again}");
    place.write("other.csv", "frame,FaceScore,AU01\n0,1,0.1\n");
    let missing = place.refused(&format!("predict --run {} other.csv", run.display()));
    assert!(missing.contains("the action unit AU02 is missing"), "{missing}");
    let pictures = place.refused(&format!("predict --run {} other.csv --detector a.onnx", run.display()));
    assert!(pictures.contains("no pictures"), "{pictures}");
}

#[test]
fn bad_input_is_one_clear_paragraph() {
    let place = place();
    let good = py_feat(5, true, 1);
    place.write("words/true/a.csv", good.replace("0.99", "smile"));
    place.write("words/fake/b.csv", &good);
    let blank = good.lines().enumerate().map(|(i, l)| if i == 0 { l.to_owned() } else { blank_unit(l) });
    place.write("nan/true/a.csv", blank.collect::<Vec<_>>().join("\n"));
    place.write("nan/fake/b.csv", &good);
    place.write("genuine/true/a.csv", &good);
    place.write("genuine/validation/true/b.csv", &good);
    fs::create_dir(place.at("empty")).unwrap();
    let tables = |root: &str| format!("--set data.source.au_tables.root={root}");
    for (words, told) in [
        (tables("words"), "line 2: column FaceScore is `smile`"),
        (tables("nan"), "no row has a number in the column AU01"),
        (tables("genuine"), "are all real"),
        (tables("empty"), "no .csv files"),
        (tables("none"), "there is no folder none"),
        ("--set data.source.generated.subjects=1".into(), "no labelled training clips"),
        ("--set data.source.generated.subjects=1 --set data.split.subject_k_fold.k=2".into(), "the clips show 1"),
        ("--set data.source.generated.strength=3".into(), "expected a number from 0 to 2"),
        ("--set data.fold=2".into(), "the official division has no folds"),
        ("--set data.split.subject_modulo.by=10 --set data.fold=10".into(), "a fold of 0 to 9"),
        ("--set data.validation=0".into(), "at most 0.5"),
        ("--set data.rate=-1".into(), "data.rate"),
        ("--set train.freeze=[a]".into(), "the system real_fake does not have it"),
        ("--set method=lenght".into(), "did you mean"),
        ("--set system=moods".into(), "expected `expressions`"),
    ] {
        let message = place.refused(&format!("train --config small.yaml --out bad {words}"));
        assert!(message.contains(told), "{words}: {message}");
    }
    assert!(common::entries(&place.at("bad")).is_empty(), "refused starts leave no folders");
}

/// A row without its first action unit.
fn blank_unit(line: &str) -> String {
    let mut cells: Vec<&str> = line.split(',').collect();
    cells[6 + 136] = "nan";
    cells.join(",")
}
