//! One process' share of a target's inputs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::judge::Judge;
use crate::mutate::Mutator;
use crate::targets::{Place, Target};
use crate::{Options, corpus};

/// The file, in the process' temporary folder, of the input at hand: all that is left when the process dies.
pub const CURRENT: &str = "current";
/// An input that takes longer ends the process.
const HANGING: Duration = Duration::from_secs(60);
/// The exit code then.
const HUNG: i32 = 3;

/// Hands this job's inputs to the target; whether nothing was found.
pub fn run(target: &Target, options: &Options) -> Result<bool> {
    let scratch = tempfile::tempdir()?;
    let place = Place::new(scratch.path(), target.file)?;
    let mut judge = Judge::new(target, &place, &options.found);
    if let Some(file) = &options.file {
        judge.hand(&std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?)?;
        println!("{}: {}", target.name, judge.summary());
        return Ok(judge.is_clean());
    }
    let examples = corpus::read(&options.corpus, target.name)?;
    let (job, jobs) = (options.job.unwrap_or(0), options.jobs);
    let count = Arc::new(AtomicU64::new(0));
    watch(Arc::clone(&count));
    let start = Instant::now();
    let mut handed = 0;
    for example in &examples {
        if job == 0 {
            begin(&count, example)?;
            judge.hand(example)?;
            handed += 1;
        }
    }
    // Mutations of files that are refused at the door would try nothing behind it.
    ensure!(job > 0 || judge.has_accepted(), "{}: no file of the corpus is taken in", target.name);
    let mut mutator = Mutator::new(&examples, target.repair);
    for number in (job..options.inputs).step_by(jobs as usize) {
        if options.seconds.is_some_and(|most| start.elapsed().as_secs_f64() > most) {
            break;
        }
        let input = mutator.input(options.seed, number);
        begin(&count, &input)?;
        judge.hand(&input)?;
        handed += 1;
    }
    println!(
        "{}: job {job}: {handed} inputs in {:.1} s; {}",
        target.name,
        start.elapsed().as_secs_f64(),
        judge.summary()
    );
    Ok(judge.is_clean())
}

/// Notes the input that is about to be handed over.
fn begin(count: &AtomicU64, input: &[u8]) -> Result<()> {
    std::fs::write(std::env::temp_dir().join(CURRENT), input).context("cannot note the input")?;
    count.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Ends the process when one input takes too long: no thread can be stopped from outside.
fn watch(count: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        loop {
            let before = count.load(Ordering::Relaxed);
            std::thread::sleep(HANGING);
            if before > 0 && count.load(Ordering::Relaxed) == before {
                eprintln!("an input took longer than {} s", HANGING.as_secs());
                std::process::exit(HUNG);
            }
        }
    });
}
