//! Runs and sweeps in folders; what is not said of files.

use std::fs;
use std::path::Path;

use ferrotype_run::RunFolder;
use ferrotype_serve::Runs;

use super::ServedRuns;

/// A run as training leaves it after an epoch, of the shipped experiment.
fn make(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let experiment = crate::config::load_any(Path::new("configs/quickstart.yaml"), &[]).unwrap().experiment;
    fs::write(folder.join("config.yaml"), experiment.to_yaml()).unwrap();
    fs::write(folder.join("metrics.jsonl"), "{\"event\":\"epoch\",\"epoch\":1,\"step\":4}\n").unwrap();
}

#[test]
fn runs_are_listed_with_those_of_groups() {
    let place = tempfile::tempdir().unwrap();
    let runs = place.path().join("runs");
    let served = ServedRuns::new(runs.clone(), place.path().join("sweeps"));
    assert!(served.list().unwrap().is_empty() && served.sweeps().unwrap().is_empty());
    make(&runs.join("a"));
    make(&runs.join("group"));
    fs::write(runs.join("group/group.json"), "{\"axis\":\"seed\",\"values\":[0]}").unwrap();
    make(&runs.join("group/seed-0"));
    fs::create_dir(runs.join("no-run")).unwrap();
    fs::create_dir(runs.join("broken")).unwrap();
    fs::write(runs.join("broken/config.yaml"), "system: none\n").unwrap();
    let names = |entries: &[ferrotype_serve::RunEntry]| entries.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
    let entries = served.list().unwrap();
    assert_eq!(names(&entries), ["a", "broken", "group/seed-0"]);
    let [a, broken] = [&entries[0], &entries[1]];
    assert_eq!((a.system.as_str(), a.state.as_str(), a.finished), ("expressions", "stopped after epoch 1", true));
    assert_eq!((broken.model.as_str(), broken.report), ("?", false));
    let detail = served.detail(a).unwrap();
    assert!(detail.config.contains("quickstart") && detail.scores.is_empty());
    // While somebody trains it, it goes on.
    let lock = RunFolder::open(&runs.join("a")).unwrap().lock().unwrap();
    let held = served.list().unwrap();
    assert_eq!((held[0].state.as_str(), held[0].finished, served.is_finished(&held[0])), ("training", false, false));
    drop(lock);
    assert!(served.is_finished(&held[0]));
}

#[test]
fn a_sweep_that_cannot_be_read_has_its_line() {
    let place = tempfile::tempdir().unwrap();
    let study = place.path().join("broken");
    fs::create_dir(&study).unwrap();
    fs::write(study.join("study.yaml"), "nonsense").unwrap();
    let served = ServedRuns::new(place.path().join("runs"), place.path().into());
    let sweeps = served.sweeps().unwrap();
    assert_eq!((sweeps[0].name.as_str(), sweeps[0].best), ("broken", None));
    assert!(sweeps[0].summary.contains("cannot be read") && !sweeps[0].summary.contains("tmp"));
    assert!(served.sweep(&sweeps[0]).is_err());
}
