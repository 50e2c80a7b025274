//! Several workers on one study: nothing is lost, nothing is done twice, whatever is killed when.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use ferrotype_base::random::Stream;
use ferrotype_sweep::curve::{Goal, Objective, Point};
use ferrotype_sweep::launch::{Job, Launched, Launcher, Run, RunState};
use ferrotype_sweep::space::Values;
use ferrotype_sweep::study::claims::Claim;
use ferrotype_sweep::study::journal::{self, Event};
use ferrotype_sweep::study::{Frozen, State, Study};
use ferrotype_sweep::table;
use ferrotype_sweep::worker::{Worker, WorkerExit};
use serde_json::{Value, json};

const POLL: Duration = Duration::from_millis(1);

/// A study of `x` in [0, 1]; more options by name.
fn study(folder: &Path, more: Value) -> Study {
    let mut sweep = json!({
        "name": "s", "experiment": "e", "space": {"x": {"float": [0.0, 1.0]}}, "trials": 12, "lease": 5.0,
    });
    for (key, value) in more.as_object().unwrap() {
        sweep[key] = value.clone();
    }
    let objective = Objective {
        metric: "accuracy".into(),
        goal: Goal::Maximise,
        select_by: "accuracy".into(),
        select_goal: Goal::Maximise,
    };
    let sweep = serde_json::from_value(sweep).unwrap();
    Study::open(folder, Frozen { digest: String::new(), objective, sweep, experiment: Value::Null }).unwrap()
}

/// Trains by writing a line per epoch, which is also its checkpoint. Fails where `x` is above `fails_above`.
struct Fake {
    epochs: u64,
    epoch: Duration,
    fails_above: f64,
}

impl Fake {
    fn new(epochs: u64, millis: u64) -> Self {
        Self { epochs, epoch: Duration::from_millis(millis), fails_above: 2.0 }
    }
}

struct FakeRun {
    x: f64,
    folder: PathBuf,
    fake: (u64, Duration, bool),
    last: Instant,
    asked: bool,
    _lock: File,
}

/// The epochs that a run's folder has seen, in order.
fn trained(folder: &Path) -> Vec<u64> {
    let text = fs::read_to_string(folder.join("epochs")).unwrap_or_default();
    text.lines().map(|l| l.parse().unwrap()).collect()
}

impl Launcher for Fake {
    fn epochs(&self, values: &Values) -> Result<u64> {
        if values["x"].as_f64().is_none() {
            bail!("no x");
        }
        Ok(self.epochs)
    }

    fn launch(&self, job: &Job) -> Result<Launched> {
        fs::create_dir_all(&job.folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(job.folder.join(".lock"))?;
        if lock.try_lock().is_err() {
            return Ok(Launched::Busy);
        }
        let x = job.values["x"].as_f64().unwrap();
        let fake = (self.epochs, self.epoch, x > self.fails_above);
        let last = Instant::now();
        Ok(Launched::Running(Box::new(FakeRun {
            x,
            folder: job.folder.clone(),
            fake,
            last,
            asked: false,
            _lock: lock,
        })))
    }
}

impl Run for FakeRun {
    fn poll(&mut self) -> Result<RunState> {
        let done = trained(&self.folder).len() as u64;
        let (epochs, pause, fails) = self.fake;
        if done == epochs {
            return Ok(RunState::Done);
        }
        if self.asked {
            return Ok(RunState::Interrupted);
        }
        if fails {
            return Ok(RunState::Failed { reason: "killed by signal 9".into(), log: vec!["out of memory".into()] });
        }
        if self.last.elapsed() >= pause {
            let mut file = OpenOptions::new().create(true).append(true).open(self.folder.join("epochs"))?;
            file.write_all(format!("{}\n", done + 1).as_bytes())?;
            self.last = Instant::now();
        }
        Ok(RunState::Running)
    }

    fn points(&mut self) -> Result<Vec<Point>> {
        let value = |epoch: u64| (1.0 - (self.x - 0.3).powi(2)) * (1.0 - 0.5f64.powi(epoch as i32));
        Ok(trained(&self.folder).into_iter().map(|e| Point { epoch: e, metric: value(e), select: value(e) }).collect())
    }

    fn ask_to_stop(&mut self) {
        self.asked = true;
    }

    fn kill(&mut self) {
        self.asked = true;
    }
}

/// Each trial ended exactly once, each of its epochs was trained exactly once, and the journals tell the same.
fn check(study: &Study, trials: usize, epochs: u64) {
    let snapshot = study.snapshot().unwrap();
    assert_eq!(snapshot.trials.len(), trials);
    assert_eq!(snapshot.damaged_lines, 0);
    let (lines, _) = journal::read_all(&study.journals()).unwrap();
    let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
    for line in &lines {
        if let Event::Ended { trial, .. } = line.event {
            *ends.entry(trial).or_default() += 1;
        }
    }
    assert!(ends.values().all(|&n| n == 1), "{ends:?}");
    for t in &snapshot.trials {
        assert_eq!(t.state, State::Finished, "trial {}", t.number);
        let folder = study.run_folder(t.number, 0);
        assert_eq!(trained(&folder), (1..=epochs).collect::<Vec<_>>(), "trial {}", t.number);
        assert_eq!(t.curve(0).epochs(), epochs);
    }
}

#[test]
fn threads_share_the_trials() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 40}));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let left = Worker::join(&study, POLL).unwrap().run(&Fake::new(3, 0), &|| false).unwrap();
                assert_eq!(left, WorkerExit::NothingToDo);
            });
        }
    });
    check(&study, 40, 3);
    let workers: std::collections::BTreeSet<String> =
        study.snapshot().unwrap().trials.iter().map(|t| t.worker.clone()).collect();
    assert!(workers.len() > 1, "one worker did everything");
    // What they did does not depend on how many they were.
    let alone = tempfile::tempdir().unwrap();
    let single = self::study(alone.path(), json!({"trials": 40}));
    Worker::join(&single, POLL).unwrap().run(&Fake::new(3, 0), &|| false).unwrap();
    let result = |s: &Study| -> Vec<(usize, Values, Option<f64>)> {
        s.snapshot().unwrap().trials.into_iter().map(|t| (t.number, t.values, t.value)).collect()
    };
    assert_eq!(result(&study), result(&single));
}

/// Set in the processes that the test of killed workers makes of itself: the folder of the study to work on.
const STUDY: &str = "FERROTYPE_TEST_STUDY";

fn spawn(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "workers_killed_at_random_moments_lose_and_repeat_nothing"]).env(STUDY, folder);
    command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Two workers, one of them killed again and again; gives how many times a trial was begun or taken over.
fn killed_at_random_moments(random: &mut Stream) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let mut workers = [spawn(folder.path()), spawn(folder.path())];
    for _ in 0..12 {
        std::thread::sleep(Duration::from_millis(5 + random.below(45) as u64));
        let target_network = random.below(2);
        workers[target_network].kill().unwrap();
        workers[target_network].wait().unwrap();
        workers[target_network] = spawn(folder.path());
    }
    workers.iter_mut().for_each(|w| assert!(w.wait().unwrap().success()));
    // What a killed worker left behind as the last one was already leaving.
    let study = study(folder.path(), json!({"trials": 14}));
    Worker::join(&study, POLL).unwrap().run(&Fake::new(4, 3), &|| false).unwrap();
    check(&study, 14, 4);
    study.snapshot().unwrap().trials.iter().map(|t| t.generation).sum()
}

#[test]
fn workers_killed_at_random_moments_lose_and_repeat_nothing() {
    if let Some(folder) = std::env::var_os(STUDY) {
        let study = study(Path::new(&folder), json!({"trials": 14}));
        Worker::join(&study, POLL).unwrap().run(&Fake::new(4, 3), &|| false).unwrap();
        return;
    }
    let mut random = Stream::new(11);
    // On a busy machine all kills may fall before a worker has begun, or behind its end.
    let taken_over = (0..10).any(|_| killed_at_random_moments(&mut random) > 14);
    assert!(taken_over, "no trial was ever taken over");
}

/// A run that takes no notice of being asked to stop.
struct Deaf;

struct DeafRun {
    killed: bool,
}

impl Launcher for Deaf {
    fn epochs(&self, _: &Values) -> Result<u64> {
        Ok(9)
    }

    fn launch(&self, _: &Job) -> Result<Launched> {
        Ok(Launched::Running(Box::new(DeafRun { killed: false })))
    }
}

impl Run for DeafRun {
    fn poll(&mut self) -> Result<RunState> {
        let failed = RunState::Failed { reason: "killed".into(), log: Vec::new() };
        Ok(if self.killed { failed } else { RunState::Running })
    }

    fn points(&mut self) -> Result<Vec<Point>> {
        Ok(Vec::new())
    }

    fn ask_to_stop(&mut self) {}

    fn kill(&mut self) {
        self.killed = true;
    }
}

#[test]
fn a_worker_gives_back_in_time_what_does_not_save_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 1}));
    let notice = Duration::from_millis(800);
    let mut worker = Worker::join(&study, POLL).unwrap().with_notice(notice);
    let claimed = || !study.claims.list().unwrap().is_empty();
    let began = Instant::now();
    assert_eq!(worker.run(&Deaf, &claimed).unwrap(), WorkerExit::Stopped);
    let took = began.elapsed();
    assert!(took >= notice / 2 && took < notice * 3 / 2, "{took:?}");
    // It has not failed: the next worker has it at once.
    assert_eq!(study.snapshot().unwrap().trials[0].state, State::Waiting);
}

#[test]
fn clocks_that_disagree_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 6}));
    let third = study.run_folder(2, 0);
    // Two workers, the second of which goes on with what the first gave back.
    Worker::join(&study, POLL).unwrap().run(&Fake::new(5, 2), &|| trained(&third).len() >= 2).unwrap();
    Worker::join(&study, POLL).unwrap().run(&Fake::new(5, 0), &|| false).unwrap();
    let seen = || {
        let mut trials = study.snapshot().unwrap().trials;
        trials.iter_mut().for_each(|t| (t.started, t.ended) = (0, None));
        serde_json::to_value(trials).unwrap()
    };
    let before = seen();
    assert_eq!(before[2]["generation"], 2);
    let mut journals: Vec<PathBuf> = fs::read_dir(study.journals()).unwrap().map(|e| e.unwrap().path()).collect();
    journals.sort();
    assert_eq!(journals.len(), 2);
    for days in [[-400i64, 3], [3, -400]] {
        for (path, days) in journals.iter().zip(days) {
            let text = fs::read_to_string(path).unwrap();
            let skewed = text.lines().map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                line["time"] = json!(line["time"].as_i64().unwrap() + days * 86_400_000);
                format!("{line}\n")
            });
            fs::write(path, skewed.collect::<String>()).unwrap();
        }
        assert_eq!(seen(), before);
    }
    check(&study, 6, 5);
}

#[test]
fn the_seconds_of_a_trial_are_those_of_all_who_had_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 1}));
    let run = study.run_folder(0, 0);
    Worker::join(&study, POLL).unwrap().run(&Fake::new(5, 2), &|| trained(&run).len() >= 2).unwrap();
    // As if the first worker had had it for a minute.
    let journal = fs::read_dir(study.journals()).unwrap().next().unwrap().unwrap().path();
    let changed = |change: &dyn Fn(&mut Value)| {
        let text = fs::read_to_string(&journal).unwrap();
        let lines = text.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            change(&mut line);
            format!("{line}\n")
        });
        fs::write(&journal, lines.collect::<String>()).unwrap();
    };
    changed(&|line: &mut Value| {
        if line["event"] == "started" {
            line["time"] = json!(line["time"].as_u64().unwrap() - 60_000);
        }
    });
    Worker::join(&study, POLL).unwrap().run(&Fake::new(5, 0), &|| false).unwrap();
    check(&study, 1, 5);
    let seconds = || -> f64 {
        let table = String::from_utf8(table::csv(&study, &study.snapshot().unwrap()).unwrap()).unwrap();
        table.lines().nth(1).unwrap().split(',').nth(4).unwrap().parse().unwrap()
    };
    assert!((60.0..90.0).contains(&seconds()), "{}", seconds());
    // One that was killed gives nothing back: its last evaluation is the last that is known of it.
    changed(&|line: &mut Value| {
        if line["event"] == "released" {
            line["event"] = json!("lost");
        }
    });
    assert!((60.0..90.0).contains(&seconds()), "{}", seconds());
}

/// Set in the processes that the next test makes of itself: the folder to work in.
const SHARED: &str = "FERROTYPE_TEST_SHARED";

#[test]
fn processes_try_a_folder_out_at_once_and_get_each_claim_once() {
    use ferrotype_sweep::study::claims::Claims;
    use ferrotype_sweep::study::probe::{Shared, check};
    const CLAIMS: usize = 60;
    if let Some(folder) = std::env::var_os(SHARED) {
        let folder = Path::new(&folder);
        check(folder, Shared::Study).unwrap();
        let claims = Claims::at(folder.join("claims"));
        let worker = std::process::id().to_string();
        let claim = |trial| Claim { trial, generation: 1, worker: worker.clone(), values: Values::new(), time: 0 };
        let won: Vec<String> =
            (0..CLAIMS).filter(|&t| claims.take(&claim(t)).unwrap()).map(|t| t.to_string()).collect();
        fs::write(folder.join(format!("{worker}.won")), won.join(" ")).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("claims")).unwrap();
    let start = |_| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "processes_try_a_folder_out_at_once_and_get_each_claim_once"])
            .env(SHARED, folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
    };
    let processes: Vec<Child> = (0..4).map(start).collect();
    processes.into_iter().for_each(|mut p| assert!(p.wait().unwrap().success()));
    let mut won: Vec<usize> = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "claims" || name.ends_with(".won"), "{name} is left");
        if name.ends_with(".won") {
            won.extend(fs::read_to_string(entry).unwrap().split_whitespace().map(|t| t.parse::<usize>().unwrap()));
        }
    }
    won.sort_unstable();
    assert_eq!(won, (0..CLAIMS).collect::<Vec<_>>());
}

#[test]
fn a_stopped_worker_gives_its_trial_back_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 2}));
    let first = study.run_folder(0, 0);
    let mut worker = Worker::join(&study, POLL).unwrap();
    let left = worker.run(&Fake::new(6, 2), &|| trained(&first).len() >= 3).unwrap();
    assert_eq!(left, WorkerExit::Stopped);
    let trial = study.snapshot().unwrap().trials[0].clone();
    assert_eq!((trial.state, trial.trained() < 6), (State::Waiting, true));
    Worker::join(&study, POLL).unwrap().run(&Fake::new(6, 0), &|| false).unwrap();
    check(&study, 2, 6);
    assert_eq!(study.snapshot().unwrap().trials[0].generation, 2);
}

#[test]
fn a_worker_that_was_taken_for_dead_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 1}));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let mut worker = Worker::join(&study, POLL).unwrap();
            worker.run(&Fake::new(1000, 20), &|| false).unwrap()
        });
        while study.claims.list().unwrap().is_empty() {
            std::thread::sleep(POLL);
        }
        // Another, which lives, takes the trial over.
        let identity = ferrotype_sweep::study::identity::Identity { id: "other".into(), ..Default::default() };
        let lease = Duration::from_secs(60);
        let _beat = ferrotype_sweep::study::identity::Beat::begin(&study.workers(), &identity, lease).unwrap();
        let first = study.claims.read(0, 1).unwrap();
        assert!(study.claims.take(&Claim { generation: 2, worker: "other".into(), ..first }).unwrap());
        assert_eq!(slow.join().unwrap(), WorkerExit::NothingToDo);
    });
    assert!(!study.snapshot().unwrap().trials[0].is_over());
}

#[test]
fn a_failed_trial_is_recorded_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({}));
    let fake = Fake { fails_above: 0.7, ..Fake::new(2, 0) };
    Worker::join(&study, POLL).unwrap().run(&fake, &|| false).unwrap();
    let snapshot = study.snapshot().unwrap();
    let failed: Vec<_> = snapshot.trials.iter().filter(|t| t.state == State::Failed).collect();
    assert!(!failed.is_empty() && failed.iter().all(|t| t.values["x"].as_f64().unwrap() > 0.7));
    assert_eq!(failed[0].log, ["out of memory"]);
    assert_eq!(snapshot.count(State::Finished) + failed.len(), 12);
    assert!(table::text(&study, &snapshot).contains("killed by signal 9"));
    // Once what made them fail is mended, they can be tried again.
    assert_eq!(study.reopen_failed().unwrap(), failed.len());
    assert_eq!(study.snapshot().unwrap().count(State::Waiting), failed.len());
    Worker::join(&study, POLL).unwrap().run(&Fake::new(2, 0), &|| false).unwrap();
    let snapshot = study.snapshot().unwrap();
    assert_eq!(snapshot.count(State::Finished), 12);
    assert!(snapshot.trials.iter().all(|t| t.reason.is_none()));
}

#[test]
fn a_sweep_in_which_everything_fails_stops() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 50}));
    let fake = Fake { fails_above: -1.0, ..Fake::new(2, 0) };
    let message = Worker::join(&study, POLL).unwrap().run(&fake, &|| false).unwrap_err().to_string();
    assert!(message.contains("5 trials in a row") && message.contains("signal 9"), "{message}");
    assert_eq!(study.snapshot().unwrap().trials.len(), 5);
}

#[test]
fn asha_spends_less_and_finds_the_same() {
    let (all, some) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let full = study(all.path(), json!({"trials": 30}));
    let asha = study(some.path(), json!({"trials": 30, "pruner": {"asha": {"min_epochs": 1, "eta": 3}}}));
    for study in [&full, &asha] {
        Worker::join(study, POLL).unwrap().run(&Fake::new(9, 0), &|| false).unwrap();
    }
    let (full, pruned) = (full.snapshot().unwrap(), asha.snapshot().unwrap());
    assert!(pruned.count(State::Pruned) > 10 && pruned.trained() < full.trained() / 2, "{}", pruned.trained());
    let best = |s: &ferrotype_sweep::study::Snapshot| s.ranking(Goal::Maximise)[0].value.unwrap();
    assert!(best(&full) - best(&pruned) < 0.01);
    let reason = pruned.trials.iter().find_map(|t| t.reason.clone()).unwrap();
    assert!(reason.contains("at epoch 1"), "{reason}");
    // Neither CSV nor JSON loses a trial.
    let csv = String::from_utf8(table::csv(&asha, &pruned).unwrap()).unwrap();
    assert_eq!(csv.lines().count(), 31);
    assert_eq!(table::json(&asha, &pruned)["trials"].as_array().unwrap().len(), 30);
}

#[test]
fn a_trial_is_the_mean_over_its_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({"trials": 2, "seeds": [4, 7]}));
    Worker::join(&study, POLL).unwrap().run(&Fake::new(2, 0), &|| false).unwrap();
    let trial = study.snapshot().unwrap().trials[1].clone();
    let values: Vec<f64> = (0..2).map(|s| trial.curve(s).value(study.objective()).unwrap()).collect();
    assert_eq!(trial.value, Some((values[0] + values[1]) / 2.0));
    assert_eq!(trial.trained(), 4);
    assert!(study.run_folder(1, 1).ends_with("trials/00001/seed-7"));
}

#[test]
fn a_study_tells_how_another_configuration_differs() {
    let folder = tempfile::tempdir().unwrap();
    let here = study(folder.path(), json!({})).frozen().clone();
    let mut there = here.clone();
    assert!(here.differences(&there).is_empty());
    // These may change between two parts of a sweep.
    (there.sweep.trials, there.sweep.jobs, there.sweep.lease) = (Some(99), 8, 10.0);
    assert!(here.differences(&there).is_empty());
    there.sweep.seed = 5;
    there.sweep.space.get_mut("x").unwrap().float = Some([0.0, 2.0]);
    assert_eq!(here.differences(&there), ["sweep.seed: 0 -> 5", "sweep.space.x.float: [0.0,1.0] -> [0.0,2.0]"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), json!({}));
    fs::remove_dir(study.journals()).unwrap();
    let message = Worker::join(&study, POLL).unwrap_err().to_string();
    assert!(message.contains("journal") && message.contains("does not exist"), "{message}");
}
