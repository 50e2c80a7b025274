//! What is asked of a Slurm cluster, besides what its template does: to put a task back into the queue, and how tasks stand.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// A word as a shell takes it for one.
pub fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Whether this process is one of a Slurm job.
pub fn is_job() -> bool {
    std::env::var("SLURM_JOB_ID").is_ok_and(|id| !id.is_empty())
}

/// Puts this job back into the queue; it ends as soon as Slurm comes to it.
///
/// # Errors
/// When there is no job, or Slurm refuses.
pub fn requeue() -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    // The id of an array's last task is that of the whole array, all of which it would requeue.
    let task =
        variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID")).map(|(job, task)| format!("{job}_{task}"));
    let Some(job) = task.or_else(|| variable("SLURM_JOB_ID")) else {
        bail!("only what runs within a Slurm job can be put back into the queue")
    };
    let output = Command::new("scontrol").args(["requeue", job.as_str()]).output().context("cannot run scontrol")?;
    if !output.status.success() {
        bail!("Slurm did not requeue job {job}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// One worker's job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobState {
    /// `<array job>_<task>`.
    pub job: String,
    /// Slurm's word: `PENDING`, `RUNNING`, `FAILED`, ...
    pub state: String,
    /// The node, or why it waits.
    pub place: String,
}

/// How the jobs of these arrays stand: from the accounting where the cluster keeps one, and from the queue. None where
/// Slurm's commands are not at hand.
pub fn jobs(ids: &[String]) -> Option<Vec<JobState>> {
    if ids.is_empty() {
        return Some(Vec::new());
    }
    let list = ids.join(",");
    // The queue knows best; the accounting alone knows those that have left it.
    let ended = run("sacct", &["-n", "-P", "-X", "-o", "JobID,State,NodeList", "-j", &list]);
    let queued = run("squeue", &["-h", "-r", "-t", "all", "-o", "%F_%K|%T|%R", "-j", &list]);
    if ended.is_none() && queued.is_none() {
        return None;
    }
    let mut all = BTreeMap::new();
    for text in [ended, queued].into_iter().flatten() {
        parse(&text).into_iter().for_each(|j| drop(all.insert(j.job.clone(), j)));
    }
    Some(all.into_values().collect())
}

fn run(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn parse(text: &str) -> Vec<JobState> {
    let line = |l: &str| {
        let mut parts = l.trim().splitn(3, '|');
        let (job, state) = (parts.next()?, parts.next()?);
        let place = parts.next().unwrap_or_default().trim_matches(['(', ')']).to_owned();
        let state = state.split_whitespace().next()?.to_owned();
        Some(JobState { job: job.to_owned(), state, place })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_states_are_read() {
        let queue = "12_0|RUNNING|node3\n12_1|PENDING|(Resources)\n";
        let jobs = parse(queue);
        assert_eq!(jobs[0], JobState { job: "12_0".into(), state: "RUNNING".into(), place: "node3".into() });
        assert_eq!(jobs[1].place, "Resources");
        assert_eq!(parse("12_3|CANCELLED by 0|node1")[0].state, "CANCELLED");
        assert!(parse("garbage\n\n").is_empty());
    }
}
