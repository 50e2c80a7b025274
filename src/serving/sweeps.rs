//! Sweeps with their trials.

use std::path::Path;

use anyhow::Result;
use ferrotype_run::folder::folders;
use ferrotype_serve::{SweepDetail, SweepEntry, SweepTrial};
use ferrotype_sweep::study::{Study, Trial};
use ferrotype_sweep::table;

use crate::commands::sweep::folder;

/// The sweeps below a folder; one that cannot be read has a line that says so.
pub(super) fn list(parent: &Path) -> Result<Vec<SweepEntry>> {
    let studies = folders(parent)?.into_iter().filter(|path| Study::file(path).is_file());
    Ok(studies.map(|path| entry(&path)).collect())
}

fn entry(path: &Path) -> SweepEntry {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let report_file = path.join("report.html");
    let bare =
        SweepEntry { name, report: report_file.is_file(), report_file, folder: path.into(), ..SweepEntry::default() };
    match summary(path) {
        Ok((summary, metric, best)) => SweepEntry { summary, metric, best, ..bare },
        // Its words may have paths in them.
        Err(_) => SweepEntry { summary: "cannot be read: `ferrotype sweep status` says why".into(), ..bare },
    }
}

fn summary(path: &Path) -> Result<(String, String, Option<f64>)> {
    let study = folder::open(path)?;
    let snapshot = study.snapshot()?;
    let best = snapshot.ranking(study.objective().goal).first().and_then(|trial| trial.value);
    Ok((table::summary(&study, &snapshot), study.objective().metric.clone(), best))
}

/// The trials of a sweep.
pub(super) fn detail(entry: &SweepEntry) -> Result<SweepDetail> {
    let study = folder::open(&entry.folder)?;
    let snapshot = study.snapshot()?;
    let ranking = snapshot.ranking(study.objective().goal);
    let trial = |t: &Trial| SweepTrial {
        number: t.number,
        state: t.state.as_str().into(),
        rank: ranking.iter().position(|ranked| ranked.number == t.number).map(|at| at + 1),
        value: t.value,
        epochs: t.trained(),
        settings: t.values.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        reason: t.reason.as_ref().and_then(|reason| reason.lines().next()).map(str::to_owned),
        curve: t.curve(0).points.iter().map(|point| [point.epoch as f64, point.metric]).collect(),
    };
    let keys = study.options().space.keys().cloned().collect();
    Ok(SweepDetail { keys, trials: snapshot.trials.iter().map(trial).collect() })
}
