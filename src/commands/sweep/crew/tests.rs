//! What fake trainers see.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use ferrotype_sweep::study::State;

/// Four GPUs, of which some may be chosen already.
struct FourGpus(Option<&'static str>);

impl Machine for FourGpus {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.filter(|_| name == "CUDA_VISIBLE_DEVICES").map(str::to_owned)
    }

    fn list(&self) -> Option<String> {
        None
    }

    fn driven(&self) -> usize {
        4
    }
}

const EXPERIMENT: &str = "name: e
data: {path: none.h5, source: {synthetic: {count: 100, seed: 1, size: 24}}, split: own, preprocess: {size: 24}}
model: tiny_xception
train: {epochs: 2, batch_size: 32, lr: 4e-3}
";

const SWEEP: &str = "name: s
experiment: e.yaml
space: {train.lr: {log: [1e-3, 1e-2]}}
sampler: random
trials: 4
";

/// Four trials on a device, each tried by a fake trainer that writes down what it sees, waits until there are as many as
/// are expected to run at a time, and fails. What they saw, and with how many threads.
fn seen(device: &str, jobs: usize, named: Option<&[&str]>, machine: &FourGpus) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("e.yaml"), format!("{EXPERIMENT}device: {device}\n")).unwrap();
    fs::write(at("s.yaml"), SWEEP).unwrap();
    fs::create_dir(at("seen")).unwrap();
    let script = format!(
        "#!/bin/sh
for run; do :; done
echo \"${{CUDA_VISIBLE_DEVICES-all}} $(grep threads \"$run/config.yaml\")\" > {0}/$$
for i in $(seq 400); do [ $(ls {0} | wc -l) -ge {jobs} ] && break; sleep 0.05; done
echo 'error: a fake' >&2
exit 1
",
        at("seen").display()
    );
    fs::write(at("trainer"), script).unwrap();
    fs::set_permissions(at("trainer"), fs::Permissions::from_mode(0o755)).unwrap();
    let frozen = config::freeze(&config::load_sweep(&at("s.yaml")).unwrap());
    let study = Study::open(&at("study"), frozen).unwrap();
    let named: Option<Vec<String>> = named.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
    let crew = Crew::new(&study, jobs, 10, named.as_deref(), machine).unwrap();
    let crew = Crew { program: Some(at("trainer")), ..crew };
    crew.work(&|| false, || {}).unwrap();
    assert_eq!(study.snapshot().unwrap().count(State::Failed), 4);
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read_to_string(entry.unwrap().path()).unwrap();
    let mut all: Vec<String> = fs::read_dir(at("seen")).unwrap().map(|e| read(e).trim().to_owned()).collect();
    all.sort();
    all
}

#[test]
fn four_workers_see_a_gpu_and_a_share_of_the_cores_each() {
    let seen = seen("cuda", 4, None, &FourGpus(None));
    assert_eq!(seen, ["0 threads: 3", "1 threads: 3", "2 threads: 2", "3 threads: 2"]);
}

#[test]
fn workers_share_what_the_user_or_slurm_left_visible() {
    let seen_by = |jobs, named| seen("cuda:0", jobs, named, &FourGpus(Some("2,GPU-77b2")));
    assert_eq!(seen_by(4, None), ["2 threads: 2", "2 threads: 3", "GPU-77b2 threads: 2", "GPU-77b2 threads: 3"]);
    assert_eq!(seen_by(1, Some(&["3"])), ["3 threads: 10"; 4]);
    // Alone it sees what this process sees.
    assert!(seen_by(1, None).iter().all(|s| s.starts_with("all ")));
}

#[test]
fn nothing_is_set_where_no_gpu_is_given_away() {
    for device in ["flex", "cuda:1"] {
        assert!(seen(device, 4, None, &FourGpus(None)).iter().all(|s| s.starts_with("all ")), "{device}");
    }
}
