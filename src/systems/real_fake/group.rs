//! Several runs of one experiment: seeds, or folds whose tested clips are pooled.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files::{self, DatasetSummary, Outcome, measures_by_set, of_set};
use super::view::{area, experiment_of, sharpness, uneven, verdicts};
use crate::config;
use crate::systems::expressions::view::expected;
use crate::systems::{Summary, mixture};
use ferrotype_evaluation::compare::McNemar;
use ferrotype_evaluation::statistics::{deviation, mean};
use ferrotype_evaluation::{aggregate, score_folds};
use ferrotype_real_fake::baselines::title;
use ferrotype_real_fake::results::{self, ScoredClip, beside};
use ferrotype_report::{self as report, AggregateView, RunRow, Warning};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;
use ferrotype_run::group::{Group, GroupAxis};

/// The finished members of a group.
pub(super) struct Members {
    pub(super) runs: Vec<(u64, RunFolder)>,
    missing: usize,
}

impl Members {
    pub(super) fn of(folder: &Path, group: &Group) -> Self {
        let open = |&value: &u64| Some((value, RunFolder::open(&group.member(folder, value)).ok()?));
        let runs: Vec<_> =
            group.values.iter().filter(|&&v| group.is_member_finished(folder, v)).filter_map(open).collect();
        Self { missing: group.values.len() - runs.len(), runs }
    }

    pub(super) fn outcomes(&self) -> Result<Vec<Outcome>> {
        self.runs.iter().map(|(_, run)| Outcome::load(run)).collect()
    }

    /// The tested clips of all members, each once, with the names of the baselines. Only for folds.
    pub(super) fn pooled(&self) -> Result<(Vec<ScoredClip>, Vec<String>)> {
        let (mut all, mut names) = (Vec::new(), Vec::new());
        for (_, run) in &self.runs {
            let (clips, own) = results::read(&files::clips(run))?;
            all.extend(clips.into_iter().filter(|c| c.set == "test"));
            names = own;
        }
        all.sort_by_key(|c| c.row);
        Ok((all, names))
    }
}

/// Builds the report of a group of runs; gives the result as one JSON object, and as its last lines.
///
/// # Errors
/// When no run of the group is finished, or a file is broken.
pub fn report_group(folder: &RunFolder, group: &Group) -> Result<Summary> {
    let (path, view) = write(folder, group)?;
    let scores: Vec<_> = view.runs.iter().map(|r| r.scores.clone()).collect();
    let sum = aggregate(&scores)?;
    let mut lines = vec![format!("{}: {} {}s", view.name, sum.runs, view.over)];
    if let (Some(spread), None) = (sum.metrics.get("accuracy"), &view.pooled) {
        let sd = spread.sd.map_or_else(String::new, |sd| format!(" ± {:.2}", 100.0 * sd));
        lines.push(format!("accuracy  mean {:.2}{sd} %", 100.0 * spread.mean));
    }
    if let Some(score) = view.pooled.as_ref().and_then(|p| p.metrics.get("accuracy")) {
        lines.push(format!("accuracy  pooled {}", super::view::share(score)));
    }
    lines.extend(view.warnings.iter().map(|w| w.text.clone()));
    lines.push(format!("report  {}", path.display()));
    let json = serde_json::json!({
        "event": "group_result", "run": folder.path(), "over": view.over, "runs": sum.runs, "scores": sum.metrics,
        "pooled": view.pooled.as_ref().map(|p| &p.metrics),
    });
    Ok(Summary { text: lines.join("\n"), json })
}

/// Writes the group's report; of folds also `clips.csv` and `real_fake.json` of all tested clips together.
fn write(folder: &RunFolder, group: &Group) -> Result<(PathBuf, AggregateView)> {
    let members = Members::of(folder.path(), group);
    let view = view(folder, group, &members)?;
    if group.axis == GroupAxis::Fold {
        let (clips, names) = members.pooled()?;
        let pooled = pooled_outcome(&members, &clips, &names)?;
        results::write(&files::clips(folder), &clips, &names)?;
        write_json(files::outcome(folder), &pooled)?;
    }
    Ok((report::write_aggregate(folder.path(), &view)?, view))
}

fn pooled_outcome(members: &Members, clips: &[ScoredClip], names: &[String]) -> Result<Outcome> {
    let first = members.outcomes()?.into_iter().next().context("none of the runs is finished")?;
    Ok(Outcome {
        method: first.method,
        parameters: first.parameters,
        sets: measures_by_set(clips)?,
        baselines: beside(&of_set(clips, "test"), names)?,
        unlabelled: None,
        onnx: Vec::new(),
    })
}

fn view(folder: &RunFolder, group: &Group, members: &Members) -> Result<AggregateView> {
    let experiment = experiment_of(folder)?;
    let (mut runs, mut folds, mut synthetic) = (Vec::new(), Vec::new(), false);
    for (value, run) in &members.runs {
        let scores = report::read_test_scores(run.scores())?.unwrap_or_default();
        runs.push(RunRow { label: value.to_string(), path: run.name(), scores });
        synthetic |= DatasetSummary::load(run)?.synthetic;
        if group.axis == GroupAxis::Fold {
            folds.push(report::predictions::read(run.predictions())?);
        }
    }
    let mut warnings = mixture::warnings(group.axis, &members.runs);
    if members.missing > 0 {
        let text =
            format!("{} of {} runs are not finished and not in these figures.", members.missing, group.values.len());
        warnings.push(Warning { serious: true, text });
    }
    let texts = match group.axis {
        GroupAxis::Fold => {
            let (clips, names) = members.pooled()?;
            let outcome = pooled_outcome(members, &clips, &names)?;
            outcome.sets.get("test").map(|m| verdicts(m, &outcome.method, &outcome.baselines)).unwrap_or_default()
        }
        GroupAxis::Seed => over_seeds(&members.outcomes()?),
    };
    warnings.extend(texts.into_iter().map(|text| Warning { serious: false, text }));
    Ok(AggregateView {
        name: folder.name(),
        description: experiment.description.clone(),
        synthetic,
        over: group.axis.as_str().into(),
        pooled: if folds.is_empty() { None } else { Some(score_folds(&folds)?) },
        expect: expected(experiment.expect.as_ref()),
        warnings,
        config: config::to_yaml(&experiment),
        provenance: Vec::new(),
        runs,
    })
}

/// What several seeds say beside the metrics of any run.
fn over_seeds(outcomes: &[Outcome]) -> Vec<String> {
    // All seeds are tested on the same clips: that they agree does not make those more.
    let tested = outcomes.first().and_then(|o| sharpness(o.sets.get("test")?));
    let mut texts: Vec<String> =
        tested.into_iter().map(|text| format!("Each seed is tested on the same clips. {text}")).collect();
    let aurocs: Vec<f64> = outcomes.iter().filter_map(|o| o.sets.get("test")?.auroc).collect();
    if let Some(m) = mean(&aurocs) {
        let sd = deviation(&aurocs).map_or_else(String::new, |sd| format!(" ± {sd:.3}"));
        texts.push(format!("AUROC on the tested clips: mean {m:.3}{sd} over {} seeds.", aurocs.len()));
    }
    for (i, b) in outcomes.first().map(|o| o.baselines.as_slice()).unwrap_or_default().iter().enumerate() {
        let tests: Vec<&McNemar> = outcomes.iter().filter_map(|o| Some(&o.baselines.get(i)?.mcnemar)).collect();
        let all: Vec<String> = tests.iter().map(|m| uneven(m)).collect();
        let accuracy = b.test.accuracy.as_ref().map_or_else(|| "-".into(), super::view::share);
        texts.push(format!(
            "Beside it, {}: accuracy {accuracy}, AUROC {}; clips that only the method and only it has right, seed by seed: {}.",
            title(&b.name),
            area(b.test.auroc),
            all.join("; ")
        ));
    }
    texts
}
