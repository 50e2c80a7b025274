//! What happens to a training that is killed, interrupted, or started twice; through the binary.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use common::{Ended, FELT_OR_POSED, Place, history, result, weights};

/// A run that checkpoints often, with a moving average.
const OFTEN: &str = "--set train.epochs=3 --set train.checkpoint.steps=2 --set train.ema=0.9";
/// A run that does not end by itself.
const ENDLESS: &str = "--set train.epochs=100000 --set train.checkpoint.minutes=0";

/// A trainer whose events are read.
struct Trainer {
    child: Child,
    events: std::io::Lines<BufReader<ChildStdout>>,
}

impl Trainer {
    fn start(place: &Place, words: &str) -> Self {
        let mut command = place.command(words.split_whitespace().chain(["--json"]));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, events }
    }

    /// Waits for an event of this kind; gives its line.
    fn wait_for(&mut self, event: &str) -> String {
        let wanted = format!("\"event\":\"{event}\"");
        let found = self.events.by_ref().map(Result::unwrap).find(|line| line.contains(&wanted));
        found.unwrap_or_else(|| panic!("the trainer ended without the event {event}"))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn end(self) -> Ended {
        // Its output is read on, so that it never waits for a reader.
        drop(self.events.map(Result::unwrap).collect::<Vec<_>>());
        Ended::of(self.child.wait_with_output().unwrap())
    }
}

/// Kills a new run after so many events and some microseconds, resumes it to its end, and gives its folder.
fn killed_and_resumed(place: &Place, out: &str, events: usize, micros: u64) -> PathBuf {
    let mut trainer = Trainer::start(place, &format!("train --config small.yaml --out {out} {OFTEN}"));
    drop(trainer.events.by_ref().take(events).collect::<Vec<_>>());
    std::thread::sleep(Duration::from_micros(micros));
    trainer.child.kill().unwrap();
    trainer.child.wait().unwrap();
    // Killed before it began: there is nothing to resume.
    if !common::files(&place.at(out)).iter().any(|f| f.ends_with("config.yaml")) {
        fs::remove_dir_all(place.at(out)).ok();
        return place.train(out, OFTEN);
    }
    let run = place.only(out);
    // Killed while it wrote its report, it is finished but for that.
    let verb = if run.join("metrics.json").exists() { "report --run" } else { "train -q --resume" };
    place.ok(&format!("{verb} {}", run.display()));
    run
}

fn kill(times: usize) {
    let place = Place::new();
    let whole = place.train("whole", OFTEN);
    let lines = place.ok(&format!("train --config small.yaml --out count {OFTEN} --json")).lines().count() as u64;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for i in 0..times {
        let (events, micros) = (next(lines) as usize, next(20_000));
        let run = killed_and_resumed(&place, &format!("killed{i}"), events, micros);
        assert!(result(&run) == result(&whole), "killed after {events} events and {micros} microseconds");
        let left = common::files(&run);
        assert!(!left.iter().any(|f| f.contains(".tmp-")), "{left:?}");
    }
}

#[test]
fn kill_a_few_times() {
    kill(3);
}

#[ferrotype_needs::needs(slow)]
#[test]
fn kill_twenty_times() {
    kill(20);
}

/// The step that a run's checkpoint stands at, by what `--resume` says of it.
fn number_after(text: &str, word: &str) -> u64 {
    let tail = text.split(word).nth(1).unwrap_or_else(|| panic!("no `{word}` in {text}"));
    tail.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

fn interrupted(mut trainer: Trainer, signal: &str, run: &Path) -> u64 {
    trainer.wait_for("step");
    trainer.signal(signal);
    let ended = trainer.end();
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(ended.err.contains(&format!("ferrotype train --resume {}", run.display())), "{}", ended.err);
    assert!(!ended.err.contains("error"), "{}", ended.err);
    number_after(&ended.err, "after step")
}

#[test]
fn signals_save_and_say_how_to_go_on() {
    let place = Place::new();
    let mut trainer = Trainer::start(&place, &format!("train --config small.yaml --out runs {ENDLESS}"));
    trainer.wait_for("step");
    let run = Path::new("runs").join(common::entries(&place.at("runs")).remove(0));
    let mut done = interrupted(trainer, "INT", &run);
    for signal in ["TERM", "HUP"] {
        let mut trainer = Trainer::start(&place, &format!("train --resume {}", run.display()));
        let note = loop {
            let note = trainer.wait_for("note");
            if note.contains("resumed") {
                break note;
            }
        };
        assert_eq!(number_after(&note, "at step"), done, "{note}");
        let now = interrupted(trainer, signal, &run);
        assert!(now > done, "{now} steps after {done}");
        done = now;
    }
    assert!(place.ok("runs").contains("stopped "));
}

#[test]
fn a_second_trainer_is_refused_and_a_killed_one_leaves_nothing_to_clear() {
    let place = Place::new();
    let mut first = Trainer::start(&place, &format!("train --config small.yaml --out runs {ENDLESS}"));
    first.wait_for("epoch");
    let run = place.only("runs");
    let resume = format!("train --resume {}", run.display());
    let refusal = place.refused(&resume);
    assert!(refusal.contains("another process works in"), "{refusal}");
    first.child.kill().unwrap();
    first.end();
    interrupted(Trainer::start(&place, &resume), "INT", &run);
}

#[test]
fn threads_and_workers_may_change_between_the_parts_of_a_run() {
    let place = Place::new();
    let whole = place.train("whole", OFTEN);
    let mut trainer = Trainer::start(&place, &format!("train --config small.yaml --out parts {OFTEN}"));
    trainer.wait_for("epoch");
    trainer.child.kill().unwrap();
    trainer.end();
    let run = place.only("parts");
    if !run.join("metrics.json").exists() {
        let config = fs::read_to_string(run.join("config.yaml")).unwrap();
        let changed = config.replace("threads: 2", "threads: 1").replace("workers: 2", "workers: 3");
        assert_ne!(config, changed);
        fs::write(run.join("config.yaml"), changed).unwrap();
        place.ok(&format!("train --resume {} -q", run.display()));
    }
    assert_eq!(weights(&run), weights(&whole));
    assert_eq!(history(&run), history(&whole));
}

/// Twelve networks in turn by `parametric_bias`, one by `lstm`, with checkpoints in between.
const NETWORKS: &str = "--set train.epochs=8 --set train.batch_size=4 --set train.checkpoint.steps=5";

/// A method's networks and all that is said of the clips: what no interruption may change.
fn told(run: &Path) -> Vec<(String, Vec<u8>)> {
    let fitted = |f: &str| f.starts_with("method/") && (f.ends_with(".json") || f.ends_with(".safetensors"));
    let kept = |f: &String| f.ends_with(".csv") || fitted(f) && !f.ends_with("last.safetensors");
    let files = common::files(run).into_iter().filter(kept);
    files.map(|f| (f.clone(), fs::read(run.join(f)).unwrap())).collect()
}

/// A run of such an experiment that was stopped by a signal after so many steps; on a busy machine a run may end before
/// the signal arrives, and is begun again.
fn stopped_after(place: &Place, steps: usize, signal: &str, sets: &str) -> PathBuf {
    for attempt in 0..10 {
        let out = format!("{signal}-{attempt}");
        fs::remove_dir_all(place.at(&out)).ok();
        let mut trainer = Trainer::start(place, &format!("train --config genuine.yaml --out {out} {sets}"));
        (0..steps).for_each(|_| drop(trainer.wait_for("step")));
        trainer.signal(signal);
        let ended = trainer.end();
        let run = place.only(&out);
        if run.join("metrics.json").exists() {
            continue;
        }
        if signal == "TERM" {
            assert_eq!(ended.code, Some(130), "{}", ended.err);
            assert!(ended.err.contains("ferrotype train --resume"), "{}", ended.err);
        }
        return run;
    }
    panic!("every run ended before it was stopped")
}

#[test]
fn methods_with_networks_go_on_where_they_were_stopped() {
    let place = Place::new();
    place.write("genuine.yaml", FELT_OR_POSED);
    for (method, places) in [("lstm", [1, 40]), ("parametric_bias", [8, 60])] {
        let sets = format!("{NETWORKS} --set method={method}");
        place.ok(&format!("train --config genuine.yaml --out {method} -q {sets}"));
        let whole = place.only(method);
        for (steps, signal) in places.into_iter().zip(["TERM", "KILL"]) {
            let run = stopped_after(&place, steps, signal, &sets);
            let provenance = |run: &Path| common::json(&run.join("provenance.json"));
            let first = provenance(&run)["training_seconds"].as_f64().unwrap();
            place.ok(&format!("train -q --resume {}", run.display()));
            let all = provenance(&run);
            let seconds = all["training_seconds"].as_f64().unwrap();
            assert!(all["resumed"] == 1 && seconds > first, "{all}");
            if signal == "TERM" {
                assert!(first > 0.0, "what the interrupted part took is not forgotten");
            }
            assert!(told(&run) == told(&whole), "{method}, stopped after {steps} steps, ends as another run");
        }
    }
}
