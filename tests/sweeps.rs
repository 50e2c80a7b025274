//! Sweeps through the binary: trials in processes, killed and resumed, one study for many workers.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Ended, Place, entries, history, json, weights};
use serde_json::Value;

/// Four trials of two epochs over [`common::SMALL`].
const SWEEP: &str = "name: small
experiment: small.yaml
set: {data.limit: 100}
space:
  train.lr: {log: [1e-3, 1e-2]}
  train.optimizer: {choice: [adam, sgd]}
  train.optimizer.sgd.momentum: {float: [0.5, 0.9], when: {train.optimizer: sgd}}
sampler: random
trials: 4
";

fn place() -> Place {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place
}

fn status(place: &Place, study: &str) -> Value {
    serde_json::from_str(&place.ok(&format!("sweep status {study} --json"))).unwrap()
}

/// What must not depend on how a study came about: numbers, settings, states, scores of each epoch.
fn outcome(status: &Value) -> Vec<Value> {
    let kept = |t: &Value| {
        serde_json::json!([t["number"], t["values"], t["state"], t["value"], t["curves"], t["reason"], t["epochs"]])
    };
    status["trials"].as_array().unwrap().iter().map(kept).collect()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(240);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether some journal of a study says this.
fn journals_say(study: &Path, text: &str) -> bool {
    let read = |n: &String| fs::read_to_string(study.join("journal").join(n)).unwrap_or_default();
    entries(&study.join("journal")).iter().any(|n| read(n).contains(text))
}

/// Kills a sweep, from its beginning, within its first trial and, gone on with, within its third; whether the last kill
/// left a trial open.
fn killed_in_two_trials(place: &Place, name: &str) -> bool {
    let study = place.at(name);
    fs::remove_dir_all(&study).ok();
    for trial in ["\"trial\":0", "\"trial\":2"] {
        let words = format!("sweep --config sweep.yaml --out {name} -q");
        let mut sweep = place.command(words.split(' ')).stdout(Stdio::null()).spawn().unwrap();
        wait_for("an epoch", || journals_say(&study, &format!("\"event\":\"epoch\",{trial}")));
        sweep.kill().unwrap();
        sweep.wait().unwrap();
    }
    let open = |t: &Value| t["state"] == "waiting" || (t["state"] == "running" && !cfg!(target_os = "linux"));
    status(place, name)["trials"].as_array().unwrap().iter().any(open)
}

#[test]
fn a_killed_sweep_goes_on_and_ends_as_if_it_had_not_been() {
    let place = place();
    place.ok("sweep --config sweep.yaml --out whole -q");
    let whole = status(&place, "whole");
    assert_eq!(whole["trials"].as_array().unwrap().len(), 4);
    // Two jobs in the last part. A trial is short: on a busy machine it may end before the kill arrives.
    assert!((0..10).any(|_| killed_in_two_trials(&place, "killed")), "no kill fell into a trial");
    let out = place.ok("sweep resume killed --jobs 2");
    assert!(out.contains("4 of 4 trials (4 finished)"), "{out}");
    assert_eq!(outcome(&status(&place, "killed")), outcome(&whole));
    for trial in 0..4 {
        let run = |study: &str| {
            let run = place.at(study).join(format!("trials/{trial:05}/run"));
            (history(&run), weights(&run), fs::read_to_string(run.join("metrics.json")).unwrap())
        };
        assert!(run("killed") == run("whole"), "trial {trial}");
        // Nothing but the validation set was scored.
        let folder = place.at("whole").join(format!("trials/{trial:05}/run"));
        let scores = json(&folder.join("metrics.json"));
        assert!(scores["validation"]["n"] == 20 && scores["test"].is_null(), "{scores}");
        assert!(!folder.join("predictions.csv").exists() && !folder.join("report.html").exists());
    }
    assert!(place.refused("report --run whole/trials/00000/run").contains("sweep's trial"));
    // Its report, table and best experiment.
    let study = place.at("killed");
    for name in ["report.html", "trials.csv", "best.yaml", "plots/parallel.png", "plots/learning_curves.svg"] {
        assert!(study.join(name).metadata().is_ok_and(|m| m.len() > 0), "no {name}");
    }
    assert_eq!(place.ok("sweep export killed").lines().count(), 5);
    place.ok("sweep best killed --out best.yaml");
    place.ok("config check best.yaml");
    let best = whole["best"].as_u64().unwrap();
    let lr = &whole["trials"][best as usize]["values"]["train.lr"];
    assert!(fs::read_to_string(place.at("best.yaml")).unwrap().contains(&format!("lr: {lr}\n")));
    // Done is done; more trials may be added.
    assert!(place.ok("sweep resume killed -q").contains("4 of 4"));
    assert!(place.ok("sweep resume killed -q --trials 5").contains("5 of 5 trials (5 finished)"));
}

#[test]
fn processes_share_a_study() {
    let place = place();
    // Long enough for the second process to find trials to take.
    let five = SWEEP.replace("trials: 4", "trials: 5").replace("data.limit: 100", "data.limit: 100, train.epochs: 8");
    place.write("five.yaml", five);
    let sweep = |words: &str| {
        let command = &mut place.command(words.split(' '));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first = sweep("sweep --config five.yaml --out shared -q");
    wait_for("the study", || place.at("shared/study.yaml").exists() && place.at("shared/claims").exists());
    let second = sweep("sweep worker shared");
    for child in [first, second] {
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    }
    let status = status(&place, "shared");
    let trials = status["trials"].as_array().unwrap();
    assert!(trials.len() == 5 && trials.iter().all(|t| t["state"] == "finished" && t["generation"] == 1), "{status}");
    let workers: std::collections::BTreeSet<&str> = trials.iter().filter_map(|t| t["worker"].as_str()).collect();
    assert_eq!(workers.len(), 2, "{workers:?}");
}

#[cfg(unix)]
#[test]
fn a_sweep_that_is_told_to_end_saves_and_gives_back() {
    let place = place();
    place.write("long.yaml", SWEEP.replace("data.limit: 100", "train.epochs: 100000"));
    let words = "sweep --config long.yaml --out asked -q";
    let sweep = place.command(words.split(' ')).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_for("an epoch", || journals_say(&place.at("asked"), "\"event\":\"epoch\""));
    let pid = sweep.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ended = Ended::of(sweep.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(ended.err.contains("ferrotype sweep resume asked"), "{}", ended.err);
    assert_eq!(status(&place, "asked")["trials"][0]["state"], "waiting");
    assert!(place.at("asked/trials/00000/run/checkpoints/last.safetensors").is_file());
    let best = place.refused("sweep best asked");
    assert!(best.contains("no trial") && best.contains("1 waiting"), "{best}");
}

#[cfg(unix)]
#[test]
fn a_worker_that_is_told_to_end_gives_back_and_asks_to_be_begun_again() {
    let place = place();
    place.write("long.yaml", SWEEP.replace("data.limit: 100", "train.epochs: 100000"));
    place.ok("sweep --config long.yaml --out told --launcher background --dry-run");
    let worker = place.command("sweep worker told --jobs 2 --notice 40".split(' '));
    let worker = { worker }.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_for("two trials' epochs", || {
        let both = |trial: &str| journals_say(&place.at("told"), &format!("\"event\":\"epoch\",\"trial\":{trial}"));
        both("0") && both("1")
    });
    let pid = worker.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ended = Ended::of(worker.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(75), "{}", ended.err);
    let status = status(&place, "told");
    for trial in 0..2 {
        assert_eq!(status["trials"][trial]["state"], "waiting");
        assert!(place.at(format!("told/trials/0000{trial}/run/checkpoints/last.safetensors")).is_file());
    }
}

/// A program in the place of ssh, which does here what it is to do there.
#[cfg(unix)]
fn with_ssh(place: &Place, words: &str) -> std::process::Command {
    use std::os::unix::fs::PermissionsExt;
    place.write("bin/ssh", "#!/bin/sh\nexec bash -s\n");
    fs::set_permissions(place.at("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.command(words.split(' '));
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", place.at("bin").display()));
    command
}

#[cfg(unix)]
#[test]
fn workers_on_other_machines_share_the_study() {
    let place = place();
    place.write("far.yaml", format!("{SWEEP}ssh: {{hosts: [one, two]}}\n"));
    let ended = Ended::of(with_ssh(&place, "sweep --config far.yaml --out far --launcher ssh").output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("begun on one") && ended.out.contains("begun on two"), "{}", ended.out);
    wait_for("the report", || place.at("far/report.html").is_file());
    let status = status(&place, "far");
    let trials = status["trials"].as_array().unwrap();
    assert!(trials.len() == 4 && trials.iter().all(|t| t["state"] == "finished"), "{status}");
    // The seeds of an experiment, too.
    place.write("machines.yaml", "hosts: [one, two]\n");
    let words =
        "train --config small.yaml --set data.limit=100 --seeds 0..3 --launcher ssh --launcher-options machines.yaml";
    let ended = Ended::of(with_ssh(&place, words).output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    wait_for("the group's report", || place.only("runs").join("report.html").is_file());
    assert!((0..3).all(|seed| place.only("runs").join(format!("seed-{seed}/metrics.json")).is_file()));
}

#[test]
fn a_launcher_shows_what_it_would_hand_over() {
    let place = place();
    let mount = place.at("").display().to_string();
    let mount = mount.trim_end_matches('/');
    place.write("pods.yaml", format!("{SWEEP}kubernetes: {{image: i, claim: c, mount: '{mount}', workers: 3}}\n"));
    let text = place.ok("sweep --config pods.yaml --out pods --launcher kubernetes --dry-run");
    assert!(text.contains("completionMode: Indexed") && text.contains("completions: 3"), "{text}");
    assert!(!place.at("pods/kubernetes.yaml").exists());
    // The template is a file that can be changed.
    let template = place.ok("sweep template slurm").replace("#SBATCH --ntasks=1", "#SBATCH --exclusive");
    place.write("own.j2", template);
    let text = place.ok("sweep resume pods --launcher slurm --launcher-template own.j2 --dry-run");
    assert!(text.contains("#SBATCH --exclusive") && text.contains("sweep worker"), "{text}");
    let text = place.ok("train --config small.yaml --seeds 0..3 --launcher slurm --dry-run");
    assert!(text.contains("--array=0-2") && text.contains("train --member-of"), "{text}");
    assert!(!place.at("runs").exists() || entries(&place.at("runs")).is_empty());
    for (words, said) in [
        ("sweep resume pods --launcher slurm --jobs 2", "slurm.jobs"),
        ("sweep resume pods --launcher slurm --devices 0,1", "GPUs of this machine"),
        ("sweep resume pods --launcher ssh", "ssh.hosts is not given"),
        ("sweep resume pods --dry-run", "--launcher"),
        ("sweep resume pods --devices 0,1", "not trained on one"),
        ("sweep template pbs", "background, slurm, kubernetes, ssh"),
        ("train --config small.yaml --devices 1", "--set device=cuda:2"),
        ("train --config small.yaml --jobs 2", "add --seeds or --folds"),
        ("train --config small.yaml --seeds 0..3 --launcher slurm --dry-run --threads 4", "--set threads=N"),
        ("train --config small.yaml --seeds 0..3 --launcher-options gpu.yaml", "`--launcher local` submits nothing"),
        ("train --config small.yaml --slurm gpu.yaml", "`--launcher local` submits nothing"),
    ] {
        let message = place.refused(words);
        assert!(message.contains(said), "{words}\n{message}\nlacks {said}");
    }
    // What is gone on with stays where it is.
    let ended = place.run("train --resume runs/any --out elsewhere");
    assert!(ended.code == Some(2) && ended.err.contains("cannot be used with"), "{}", ended.err);
}

#[test]
fn a_trial_whose_process_fails_is_recorded_with_its_log() {
    let place = place();
    // Diverges at once.
    let high = SWEEP.replace("[1e-3, 1e-2]", "[1e30, 1e31]").replace("trials: 4", "trials: 1");
    place.write("high.yaml", high.replace("[adam, sgd]", "[sgd, rmsprop]"));
    let out = place.ok("sweep --config high.yaml --out high -q");
    assert!(out.contains("1 trials failed"), "{out}");
    let trial = &status(&place, "high")["trials"][0];
    assert_eq!(trial["state"], "failed", "{trial}");
    assert!(trial["reason"].as_str().unwrap().contains("loss"), "{trial}");
    assert!(!trial["log"].as_array().unwrap().is_empty(), "{trial}");
    assert!(fs::read_to_string(place.at("high/report.html")).unwrap().contains("Failed trials"));
    // Tried again it fails again, and is one trial still.
    assert!(place.ok("sweep resume high --failed -q").contains("1 trials failed"));
    assert_eq!(status(&place, "high")["trials"][0]["generation"], 2);
}

#[test]
fn another_sweep_in_the_same_folder_is_refused_with_the_difference() {
    let place = place();
    place.ok("sweep --config sweep.yaml --out study -q --trials 1");
    place.write("other.yaml", SWEEP.replace("1e-2]", "2e-2]").replace("limit: 100", "limit: 90"));
    let message = place.refused("sweep --config other.yaml --out study");
    for text in ["another sweep", "experiment.data.limit: 100 -> 90", "sweep.space.train.lr.log", "sweep resume study"]
    {
        assert!(message.contains(text), "{message}\nlacks {text}");
    }
    // More trials of the same sweep are no other sweep.
    assert!(place.ok("sweep --config sweep.yaml --out study -q --trials 2").contains("2 of 2"));
    assert_eq!(json(&place.at("study/trials/00000/run/metrics.json"))["validation"]["n"], 20);
    place.write("taken/file.txt", "");
    for (words, text) in [
        ("sweep --config sweep.yaml --out taken", "other files"),
        ("sweep status taken", "not a study"),
        ("sweep --config sweep.yaml --out new --trials 0", "--trials 0"),
        ("sweep --config sweep.yaml --out new --jobs 0", "--jobs 0"),
        ("sweep --config no.yaml", "cannot read"),
    ] {
        let message = place.refused(words);
        assert!(message.contains(text), "{words}\n{message}");
    }
    let bare = place.run("sweep");
    assert!(bare.code == Some(2) && bare.err.contains("--config"), "{}", bare.err);
}

/// On a small disk of its own, where this may mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_clear_error_and_the_study_goes_on_elsewhere() {
    let place = place();
    fs::create_dir(place.at("disk")).unwrap();
    let mount = |words: &[&str]| {
        std::process::Command::new(words[0]).args(&words[1..]).output().is_ok_and(|o| o.status.success())
    };
    let disk = place.at("disk").display().to_string();
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", &disk]) {
        println!("skipped: mounting a small disk is not allowed here");
        return;
    }
    let ended = place.run("sweep --config sweep.yaml --out disk/study -q");
    let freed = mount(&["mount", "-o", "remount,size=60m", &disk]);
    let resumed = place.run("sweep resume disk/study -q --failed");
    assert!(mount(&["umount", "-l", &disk]) && freed);
    ended.check_refusal("a sweep on a full disk");
    assert!(ended.err.contains("full"), "{}", ended.err);
    assert!(resumed.out.contains("4 of 4 trials (4 finished)"), "{}{}", resumed.out, resumed.err);
}

#[test]
fn without_slurm_submitting_says_so() {
    let place = place();
    let mut command = place.command("sweep --config sweep.yaml --out study --launcher slurm".split(' '));
    let ended = Ended::of(command.env("PATH", "").output().unwrap());
    ended.check_refusal("--launcher slurm");
    assert!(ended.err.contains("sbatch") && ended.err.contains("--launcher local"), "{}", ended.err);
    let script = fs::read_to_string(place.at("study/slurm.sh")).unwrap();
    assert!(script.contains("sweep worker") && script.contains("#SBATCH --array=0-0"), "{script}");
}
