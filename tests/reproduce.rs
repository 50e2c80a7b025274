//! Published results repeated through the binary: marked runs, verdicts, a budget, the table.

mod common;

use std::fs;
use std::path::Path;

use common::{FELT_OR_POSED, Place, entries, files, json};
use serde_json::Value;

/// An entry over [`common::SMALL`], whose faces are drawn.
const TINY: &str = "name: tiny
title: a tiny one
system: a system
paper: a paper
dataset: synthetic faces
protocol: as it comes
published:
  - {metric: accuracy, value: 0.5, source: nowhere, selected_on: test, confirmed: false}
recipe: {config: small.yaml, set: [export.onnx=false], seeds: '0..2', seconds: 2}
tolerance: 0.01
";

fn place() -> Place {
    let place = Place::new();
    place.write("reproductions/tiny.yaml", TINY);
    let needs = "needs:\n  - {what: 'SECRET (videos)', files: [secret.h5], how: a signed request, licensed: true}\n";
    place.write("reproductions/secret.yaml", TINY.replace("name: tiny", "name: secret") + needs);
    let people = TINY.replace("name: tiny", "name: people");
    let people = people.lines().map(|l| if l.starts_with("recipe") { "no_run: 'people, not a model'" } else { l });
    place.write("reproductions/people.yaml", people.collect::<Vec<_>>().join("\n") + "\n");
    place
}

fn readme(place: &Place) -> String {
    place.ok("reproduce table");
    fs::read_to_string(place.at("experiments/README.md")).unwrap()
}

/// The columns of a line of results.csv by the entry's name.
fn record(place: &Place, entry: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(place.at("experiments/results.csv")).unwrap();
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let head: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    let found = csv.records().map(Result::unwrap).find(|r| &r[0] == entry).unwrap();
    head.into_iter().zip(found.iter().map(str::to_owned)).collect()
}

fn column(record: &[(String, String)], name: &str) -> String {
    record.iter().find(|(n, _)| n == name).unwrap().1.clone()
}

#[test]
fn a_shortened_run_says_so_everywhere_and_is_published_once() {
    let place = place();
    let out = place.ok("reproduce tiny --set train.epochs=1 -q");
    for part in [
        "verdict on tiny",
        "not comparable: 1 of 2 epochs; synthetic data.",
        "The published figure is unconfirmed. The published figure was selected on the test set.",
        "n = 2",
        "processor time",
        "data      sha256",
    ] {
        assert!(out.contains(part), "{out}\nlacks {part}");
    }
    let folder = place.only("runs");
    let mark = json(&folder.join("reproduction.json"));
    assert_eq!((mark["entry"].as_str(), mark["epochs"].as_u64()), (Some("tiny"), Some(1)), "{mark}");
    // What is expected stands in the run's own report, with what speaks against it.
    let config = fs::read_to_string(folder.join("config.yaml")).unwrap();
    assert!(config.contains("Unconfirmed.") && config.contains("Selected on the test set"), "{config}");
    let page = readme(&place);
    for part in ["**1 of 2 epochs**", "| **test** |", "accuracy 50.00 % (unconfirmed)", "needs SECRET (videos)"] {
        assert!(page.contains(part), "{page}\nlacks {part}");
    }
    assert!(page.contains("not run: people, not a model"), "{page}");
    let line = record(&place, "tiny");
    let aggregate = json(&folder.join("aggregate.json"));
    let mean = aggregate["metrics"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((column(&line, "ours").parse::<f64>().unwrap() - mean).abs() < 1e-12, "{line:?}");
    assert_eq!(column(&line, "status"), "finished");
    assert_eq!(column(&line, "published_confirmed"), "false");
    assert_eq!(column(&record(&place, "secret"), "ours"), "", "what was not run has no number");
    assert_eq!(column(&record(&place, "secret"), "status"), "not run");
    // The published copy stands for the run.
    place.ok(&format!("report --run {} --publish experiments", folder.display()));
    assert!(place.at("experiments/tiny-1-epochs-seeds/reproduction.json").is_file());
    let page = readme(&place);
    assert!(page.contains("[tiny-1-epochs-seeds](tiny-1-epochs-seeds/)"), "{page}");
    assert_eq!(page.matches("not comparable").count(), 1 + usize::from(page.contains("are not comparable")), "{page}");
    let before = fs::read(place.at("experiments/results.csv")).unwrap();
    fs::remove_dir_all(place.at("runs")).unwrap();
    place.ok("reproduce table");
    assert_eq!(fs::read(place.at("experiments/results.csv")).unwrap(), before, "from the published copy alone");
}

/// What a group says of its seeds: their scores, and those over them.
fn figures(folder: &Path, seeds: u64) -> Vec<Value> {
    let of_seeds = (0..seeds).map(|seed| json(&folder.join(format!("seed-{seed}/metrics.json"))));
    of_seeds.chain([json(&folder.join("aggregate.json"))["metrics"].clone()]).collect()
}

/// All that a command prints which must succeed.
fn said(place: &Place, words: &str) -> String {
    let ended = place.run(words);
    assert_eq!(ended.code, Some(0), "ferrotype {words}\n{}", ended.err);
    ended.out + &ended.err
}

#[test]
fn seeds_that_were_published_elsewhere_are_taken_over_and_not_trained_again() {
    let place = place();
    let folds = TINY.replace("name: tiny", "name: folds").replace("seconds: 2", "seconds: 4, folds: true");
    let folds = folds.replace("export.onnx=false", "export.onnx=false, data.split.k_fold.k=3");
    place.write("reproductions/folds.yaml", folds);
    for entry in ["tiny", "folds"] {
        let words =
            |seeds: &str, out: &str| format!("reproduce {entry} --set train.epochs=1 --seeds {seeds} --out {out} -q");
        let copy = place.at(format!("experiments/{entry}-1-epochs-seeds"));
        place.ok(&words("0..3", &format!("{entry}-at-once")));
        let at_once = figures(&place.only(&format!("{entry}-at-once")), 3);
        // One machine leaves a seed, the next one trains the others and has nothing of the first but what it published.
        place.ok(&(words("0", "first") + " --publish experiments"));
        let first = json(&copy.join("seed-0/provenance.json"));
        fs::remove_dir_all(place.at("first")).unwrap();
        let out = said(&place, &(words("0..3", "second") + " --publish experiments --jobs 2"));
        assert!(out.contains("seed 0 is taken from experiments") && out.contains("n = 3"), "{out}");
        assert_eq!(figures(&copy, 3), at_once, "{entry}");
        assert_eq!(json(&copy.join("seed-0/provenance.json")), first);
        let run = place.only("second");
        assert!(!run.join("seed-0/checkpoints").exists() && !run.join("seed-0/fold-0").exists(), "seed 0 was trained");
        let report = fs::read_to_string(run.join("report.html")).unwrap();
        assert!(report.contains("seeds 0: trained elsewhere"), "{entry}");
        // There is nothing to be done then, here or elsewhere.
        let out = place.ok(&(words("0..3", "third") + " --publish experiments"));
        assert!(out.contains("published before, in experiments") && !place.at("third").exists(), "{out}");
        place.ok(&format!("train --resume {} -q", run.display()));
        assert!(!run.join("seed-0/checkpoints").exists() && !run.join("seed-0/fold-0").exists(), "seed 0 was trained");
        // Another group is not put in its place.
        place.ok(&words("1", "fourth"));
        let told = place.refused(&format!("report --run {} --publish experiments", place.only("fourth").display()));
        assert!(told.contains("holds the seeds 0,2, which") && told.contains("--seeds 0,2"), "{told}");
        assert_eq!(figures(&copy, 3), at_once, "{entry}");
        // Neither what another recipe made nor other data count.
        let other = place.ok(&(words("0", "fifth") + " --set train.lr=1e-3 --publish experiments"));
        assert!(other.contains("n = 1") && place.only("fifth").join("seed-0").is_dir(), "{other}");
        for folder in ["second", "fourth", "fifth"] {
            fs::remove_dir_all(place.at(folder)).unwrap();
        }
    }
    // Seeds that were not asked for stay with those that are.
    let out = said(&place, "reproduce tiny --set train.epochs=1 --seeds 7 --out seventh -q --publish experiments");
    assert!(out.contains("seed 2 is taken from") && out.contains("n = 4"), "{out}");
    // A single run is a seed, too.
    let single = place.train("single", "--set train.epochs=1 --set export.onnx=false --set seed=9");
    place.ok(&format!("reproduce mark tiny {}", single.display()));
    place.ok(&format!("report --run {} --publish singles", single.display()));
    let said_of =
        said(&place, "reproduce tiny --set train.epochs=1 --seeds 9,10 --out with-single -q --publish singles");
    assert!(said_of.contains("seed 9 is taken from singles/tiny-1-epochs\n") && said_of.contains("n = 2"), "{said_of}");
    let [taken, own] =
        [place.only("with-single").join("seed-9/metrics.json"), single.join("metrics.json")].map(|f| json(&f));
    assert_eq!(taken["test"], own["test"]);
    // The same seed of other pictures, under a name that the comparison does not look at.
    let path = "experiments/tiny-1-epochs-seeds/seed-0/dataset.json";
    let mut facts = json(&place.at(path));
    facts["sha256"] = "0".repeat(64).into();
    place.write(path, facts.to_string());
    let said = said(&place, "reproduce tiny --set train.epochs=1 --seeds 0..4 --out sixth -q --publish experiments");
    assert!(said.contains("note: seed 0 is trained anew"), "{said}");
    let was_trained = |seed: u64| place.only("sixth").join(format!("seed-{seed}/checkpoints")).exists();
    assert_eq!([0, 1, 2, 3, 7].map(was_trained), [true, false, false, true, false]);
}

#[test]
fn a_run_of_another_system_keeps_its_mark_and_its_line_when_it_is_published() {
    let place = Place::new();
    place.write("genuine.yaml", FELT_OR_POSED);
    let recipe = TINY.replace("config: small.yaml, set: [export.onnx=false]", "config: genuine.yaml");
    place.write("reproductions/genuine.yaml", recipe.replace("name: tiny", "name: genuine"));
    place.ok("reproduce genuine -q");
    let run = place.only("runs");
    assert_eq!(json(&run.join("reproduction.json"))["entry"], "genuine");
    place.ok(&format!("report --run {} --publish experiments", run.display()));
    let folders = entries(&place.at("experiments"));
    let name = folders.iter().find(|name| name.starts_with("genuine")).unwrap();
    let folder = place.at("experiments").join(name);
    assert_eq!(json(&folder.join("reproduction.json"))["entry"], "genuine");
    let published = files(&folder);
    assert_eq!(published.iter().filter(|f| f.ends_with("real_fake.json")).count(), 2, "of each seed: {published:?}");
    assert!(!published.iter().any(|f| f.starts_with("plots/")), "the report holds the plots");
    let page = fs::read_to_string(place.at("experiments/README.md")).unwrap();
    assert!(page.contains(&format!("[{name}]({name}/)")), "{page}");
}

#[test]
fn all_runs_what_can_be_run_and_goes_on_after_its_budget() {
    let place = place();
    let out = place.ok("reproduce all --budget 1h -q --seeds 0");
    for part in [
        "verdict on tiny",
        "secret: not run: needs SECRET (videos) (a signed request)",
        "people: not run: people, not a model",
    ] {
        assert!(out.contains(part), "{out}\nlacks {part}");
    }
    let long = TINY.replace("name: tiny", "name: long").replace("export.onnx=false", "train.epochs=100000");
    place.write("reproductions/long.yaml", long.replace("seconds: 2", "seconds: 9000"));
    // A busy machine may not come to the first step in so short a time.
    let all = |seconds: &u32| place.ok(&format!("reproduce all --budget {seconds}s -q --seeds 0"));
    let budgets = [2, 4, 8, 16, 32, 64];
    let first = budgets.iter().map(all).find(|out| out.contains("long: unfinished and saved")).unwrap();
    assert!(first.contains("ferrotype train --resume runs/"), "{first}");
    assert!(first.contains("tiny: done before, in runs/") && !first.contains("verdict on tiny"), "{first}");
    assert_eq!(entries(&place.at("runs")).len(), 2);
    let page = readme(&place);
    assert!(page.contains("**unfinished**: 0 of 1 runs are finished") && page.contains("of 100000 epochs"), "{page}");
    assert_eq!(column(&record(&place, "long"), "ours"), "");
    let folder = entries(&place.at("runs")).into_iter().find(|name| is_long(&place, name)).unwrap();
    let history = place.at("runs").join(folder).join("seed-0/metrics.jsonl");
    let length = || fs::metadata(&history).map_or(0, |m| m.len());
    let before = length();
    assert!(budgets.iter().any(|s| all(s).contains("long: unfinished") && length() > before), "it does not go on");
    assert_eq!(entries(&place.at("runs")).len(), 2, "gone on with, not begun anew");
}

fn is_long(place: &Place, name: &str) -> bool {
    json(&place.at("runs").join(name).join("reproduction.json"))["entry"] == "long"
}

#[test]
fn runs_are_marked_and_bad_input_is_refused() {
    let place = place();
    let run = place.train("runs", "--set train.epochs=1 --set export.onnx=false").display().to_string();
    let said = place.ok(&format!("reproduce mark tiny {run}"));
    assert!(said.contains("repeats tiny: 1 of 2 epochs"), "{said}");
    assert!(readme(&place).contains("One run only"));
    let other = place.train("other", "--set train.epochs=1 --set model=mini_xception").display().to_string();
    let message = place.refused(&format!("reproduce mark tiny {other}"));
    assert!(message.contains("no run of tiny") && message.contains("model"), "{message}");
    for (words, expected) in [
        ("reproduce tine", "did you mean `tiny`?"),
        ("reproduce secret", "secret is not run: it needs SECRET (videos) (a signed request)"),
        ("reproduce people", "people is not run: people, not a model"),
        ("reproduce tiny --set train.epoch=3", "did you mean `epochs`?"),
        ("reproduce tiny --seeds 3..3", "names no seed"),
        ("reproduce all --budget soon", "--budget `soon` is no time"),
        ("reproduce list --registry none", "cannot list the registry none"),
        ("reproduce mark tiny none", "no run folder none"),
        ("reproduce tiny --launcher-options gpu.yaml", "`--launcher local` submits nothing"),
        ("train --config small.yaml --launcher slurm", "add --seeds or --folds"),
        ("train --member-of runs", "not a run folder"),
    ] {
        let message = place.refused(words);
        assert!(message.contains(expected), "{words}\n{message}\nlacks {expected}");
    }
    assert_eq!(entries(&place.at("runs")).len(), 1);
    place.write("reproductions/broken.yaml", TINY.replace("name: tiny", "name: other"));
    assert!(place.refused("reproduce list").contains("its name is `other`, not the file's"));
}

#[test]
fn the_program_knows_the_registry_without_its_source() {
    let place = Place::new();
    let list = place.ok("reproduce list");
    assert!(list.contains("fer2013-human") && list.contains("accuracy 83.85 % +- 0.63 (unconfirmed)"), "{list}");
    let message = place.refused("reproduce fer2013-mini_xception");
    assert!(message.contains("it needs FER2013 (Kaggle) (datasets/fer2013.md)"), "{message}");
    place.write("datasets/fer2013.csv", "");
    let message = place.refused("reproduce fer2013-mini_xception");
    assert!(message.contains("--registry"), "{message}");
    place.ok("reproduce table");
    let page = fs::read_to_string(place.at("experiments/README.md")).unwrap();
    assert!(page.contains("needs SASE-FE") && !page.contains("Other experiments"), "{page}");
}

#[test]
fn seeds_go_to_slurm_as_one_array() {
    let place = place();
    place.write("cluster.yaml", "partition: gpu\ntime: '01:00:00'\n");
    let words = "reproduce tiny --launcher slurm --launcher-options cluster.yaml";
    let ended = common::Ended::of(place.command(words.split(' ')).env("PATH", "").output().unwrap());
    ended.check_refusal(words);
    assert!(ended.err.contains("sbatch"), "{}", ended.err);
    let folder = place.only("runs");
    let script = fs::read_to_string(folder.join("slurm.sh")).unwrap();
    for part in ["#SBATCH --array=0-1", "#SBATCH --partition=gpu", "train --member-of /", "--job-name=tiny"] {
        assert!(script.contains(part), "{script}\nlacks {part}");
    }
    // A task trains its own member; the last one writes the report.
    for (task, reported) in [("1", false), ("0", true)] {
        let words = ["train", "-q", "--member-of", folder.to_str().unwrap()];
        let ended = common::Ended::of(place.command(words).env("SLURM_ARRAY_TASK_ID", task).output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(folder.join(format!("seed-{task}/metrics.json")).is_file());
        assert_eq!(folder.join("report.html").is_file(), reported);
        assert_eq!(ended.out.contains("verdict on tiny"), reported, "{}", ended.out);
    }
    let alone = place.refused(&format!("train --member-of {}", folder.display()));
    assert!(alone.contains("none of FERROTYPE_TASK, SLURM_ARRAY_TASK_ID"), "{alone}");
}

/// Waits until the queue says a word; gives what it says.
#[cfg(target_os = "linux")]
fn queue_is(place: &Place, word: &str) -> serde_json::Value {
    let begun = std::time::Instant::now();
    loop {
        let said: serde_json::Value = serde_json::from_str(&place.ok("reproduce status --json")).unwrap();
        if said["queue"].as_str().unwrap().contains(word) {
            return said;
        }
        // It has what everything else on the machine leaves.
        assert!(begun.elapsed().as_secs() < 900, "{said}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_queue_works_in_the_background_waits_and_goes_on() {
    let place = place();
    let told = place.refused("reproduce pause");
    assert!(told.contains("--background"), "{told}");
    // Long enough to be frozen, ended and gone on with.
    let words = "reproduce all --background --publish published --set train.epochs=400 --seeds 0..1";
    let out = place.ok(words);
    assert!(out.contains("reproduce status"), "{out}");
    let working = queue_is(&place, "working");
    assert_eq!(working["entries"][0]["epochs"], 400, "not what the queue was asked for: {working}");
    let pid = working["ticket"]["pid"].as_u64().unwrap();
    // Stopped before its first step a run leaves nothing.
    while queue_is(&place, "working")["entries"][0]["epochs_done"] == 0 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // It leads a session of its own, and is as nice as can be.
    assert_eq!((fields[3].parse::<u64>().unwrap(), fields[16]), (pid, "19"), "{stat}");
    let told = place.refused(words);
    assert!(told.contains("works on these runs already"), "{told}");
    place.ok("reproduce pause");
    queue_is(&place, "frozen");
    let before = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let time = |stat: &str| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(11).unwrap().to_owned();
    assert_eq!(time(&before), time(&fs::read_to_string(format!("/proc/{pid}/stat")).unwrap()), "it works on");
    // What is measured does not let a queue go on that somebody froze.
    place.ok("bench --models tiny_xception --mode infer --rounds 1 --steps 1");
    queue_is(&place, "frozen");
    place.ok("reproduce resume");
    queue_is(&place, "working");
    place.ok("reproduce stop");
    queue_is(&place, "nobody");
    let ended = place.ok("reproduce status --json --set train.epochs=400 --seeds 0..1");
    let ended: serde_json::Value = serde_json::from_str(&ended).unwrap();
    let entry = &ended["entries"][0];
    assert_eq!((entry["entry"].as_str(), entry["state"].as_str()), (Some("tiny"), Some("unfinished")), "{ended}");
    assert!(entry["epochs_done"].as_u64().unwrap() < 400, "{ended}");
    // Shorter, it comes to its end and is published.
    place.ok("reproduce all --background --publish published --set train.epochs=1 --seeds 0..1");
    queue_is(&place, "nobody");
    let log = fs::read_to_string(place.at("runs/.queue/queue.log")).unwrap();
    assert!(
        log.contains("verdict on tiny") && place.at("published/tiny-1-epochs-seeds/aggregate.json").is_file(),
        "{log}"
    );
    let said: serde_json::Value =
        serde_json::from_str(&place.ok("reproduce status --json --set train.epochs=1 --seeds 0..1")).unwrap();
    assert_eq!(said["entries"][0]["state"], "done", "{said}");
    assert!(said["entries"][0]["seconds_per_epoch"].as_f64().unwrap() > 0.0, "{said}");
}
