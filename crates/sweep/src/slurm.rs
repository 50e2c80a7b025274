//! Workers as a job array on a Slurm cluster.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::options::Slurm;

/// What the batch script needs to know.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    /// The job's name.
    pub name: &'a str,
    /// The folder of the logs.
    pub folder: &'a Path,
    /// Tasks of the array, from 0.
    pub tasks: usize,
    /// The words that start the program.
    pub program: &'a [String],
    /// Its arguments: the same for every task.
    pub arguments: &'a [String],
    /// Options of the cluster.
    pub options: &'a Slurm,
}

/// The batch script of an array.
///
/// The program replaces the shell (`exec`), so that the signal `B:TERM`, which Slurm sends to the batch shell alone, is
/// the program's. Asked to end, it saves and ends with 130; then, and on pre-emption, the job goes back into the
/// queue by itself.
pub fn script(submission: &Submission<'_>) -> String {
    let o = submission.options;
    let mut lines = vec!["#!/bin/bash".to_owned()];
    let mut directive = |text: String| lines.push(format!("#SBATCH {text}"));
    directive(format!("--job-name={}", submission.name));
    directive(format!("--array=0-{}", submission.tasks.max(1) - 1));
    directive(format!("--output={}/slurm-%A_%a.log", submission.folder.display()));
    directive("--open-mode=append".into());
    directive("--requeue".into());
    directive(format!("--signal=B:TERM@{}", o.notice));
    directive("--ntasks=1".into());
    let optional = [
        ("partition", o.partition.clone()),
        ("account", o.account.clone()),
        ("time", o.time.clone()),
        ("gres", o.gres.clone()),
        ("cpus-per-task", o.cpus.map(|n| n.to_string())),
        ("mem", o.memory.clone()),
    ];
    optional.into_iter().filter_map(|(k, v)| Some(format!("--{k}={}", v?))).for_each(&mut directive);
    o.sbatch.iter().cloned().for_each(&mut directive);
    lines.extend(o.setup.iter().cloned());
    let words: Vec<String> = submission.program.iter().chain(submission.arguments).map(|w| quote(w)).collect();
    lines.push(format!("exec {}", words.join(" ")));
    lines.join("\n") + "\n"
}

/// A word for bash.
fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Submits a script; gives the job's id.
///
/// # Errors
/// When there is no `sbatch`, or it refuses.
pub fn submit(script: &Path) -> Result<String> {
    let output = Command::new("sbatch").arg("--parsable").arg(script).output().context(
        "cannot run sbatch: submit from a machine of the cluster on which Slurm's commands are installed, or use \
         `--launcher local`",
    )?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("Slurm refused {}: {}", script.display(), said.trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let id = text.trim().split(';').next().unwrap_or_default().to_owned();
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        bail!("sbatch did not say which job it made: {}", text.trim());
    }
    Ok(id)
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
    fn the_script_asks_for_what_is_given_only() {
        let options = Slurm {
            workers: 4,
            partition: Some("gpu".into()),
            time: Some("02:00:00".into()),
            gres: Some("gpu:1".into()),
            cpus: Some(8),
            sbatch: vec!["--qos=low".into()],
            setup: vec!["module load gcc".into()],
            ..Slurm::default()
        };
        let submission = Submission {
            name: "lr",
            folder: Path::new("/data/my sweeps/lr"),
            tasks: 4,
            program: &["/opt/ferrotype".to_owned()],
            arguments: &["sweep", "worker", "/data/my sweeps/lr", "--requeue"].map(String::from),
            options: &options,
        };
        let expected = "#!/bin/bash
#SBATCH --job-name=lr
#SBATCH --array=0-3
#SBATCH --output=/data/my sweeps/lr/slurm-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
#SBATCH --ntasks=1
#SBATCH --partition=gpu
#SBATCH --time=02:00:00
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --qos=low
module load gcc
exec /opt/ferrotype sweep worker '/data/my sweeps/lr' --requeue
";
        assert_eq!(script(&submission), expected);
    }

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
