//! One experiment gives the same bits: twice, and with any number of threads and loader workers.

mod common;

use common::{Place, result, weights};

/// Everything random at once.
const ALL_RANDOM: &str = "--set data.augment.mixup=0.4 --set data.augment.cutmix=1 --set data.augment.erase=0.5 \
                          --set data.labels=probability --set data.sampler=balanced --set model=emopy_cnn";

#[test]
fn the_same_command_twice_gives_the_same_files() {
    let place = Place::new();
    for (i, words) in ["", ALL_RANDOM, "--set kernels.backend=burn"].into_iter().enumerate() {
        let a = place.train(&format!("a{i}"), words);
        let b = place.train(&format!("b{i}"), words);
        assert_eq!(result(&a), result(&b), "{words}");
    }
}

#[test]
fn another_seed_gives_other_weights() {
    let place = Place::new();
    let a = place.train("a", "");
    let b = place.train("b", "--set seed=4");
    assert_ne!(weights(&a), weights(&b));
}

#[test]
fn threads_and_workers_change_nothing() {
    let place = Place::new();
    let with = |name: &str, threads: usize, workers: usize| {
        let words = format!("--set threads={threads} --set data.workers={workers} --set model=mini_xception");
        result(&place.train(name, &words))
    };
    let one = with("one", 1, 1);
    assert!(one == with("two", 2, 2), "2 threads");
    assert!(one == with("three", 3, 5), "3 threads");
}

/// Bits may differ between instruction sets, so only the scores' presence is compared, and each with itself.
#[test]
fn every_instruction_set_of_this_machine_trains() {
    let place = Place::new();
    let doctor = place.ok("doctor");
    let line = doctor.lines().find_map(|l| l.strip_prefix("kernels")).unwrap();
    let names = line.trim().split(" (").next().unwrap();
    for isa in names.split(", ") {
        let once = place.train(&format!("{isa}1"), &format!("--set kernels.isa={isa} --set threads=1"));
        let again = place.train(&format!("{isa}2"), &format!("--set kernels.isa={isa} --set threads=3"));
        assert_eq!(weights(&once), weights(&again), "{isa}");
    }
}
