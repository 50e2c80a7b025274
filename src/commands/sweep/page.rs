//! A study as the report shows it.

use anyhow::Result;
use ferrotype_sweep::importance;
use ferrotype_sweep::space::{Dimension, Domain};
use ferrotype_sweep::study::{Snapshot, State, Study, Trial};
use ferrotype_sweep::table;

use super::show::best_yaml;
use crate::evaluation::metrics;
use crate::report::{SweepAxis, SweepShare, SweepState, SweepTrial, SweepView, write_sweep};
use crate::run::files::write_atomic;

/// Writes `report.html`, `trials.csv`, the plots and, once a trial is finished, `best.yaml`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(study: &Study, snapshot: &Snapshot) -> Result<()> {
    let folder = study.folder();
    write_atomic(folder.join("trials.csv"), &table::csv(study, snapshot)?)?;
    let best = best_yaml(study, snapshot)?;
    if let Some(best) = &best {
        write_atomic(folder.join("best.yaml"), best.as_bytes())?;
    }
    write_sweep(folder, &view(study, snapshot, best)?)
}

fn view(study: &Study, snapshot: &Snapshot, best: Option<String>) -> Result<SweepView> {
    let metric = metrics::find(&study.objective().metric)?;
    let dimensions = study.space().dimensions();
    let rank = snapshot.ranking(study.objective().goal);
    let trial = |t: &Trial| SweepTrial {
        number: t.number,
        rank: rank.iter().position(|r| r.number == t.number),
        state: match t.state {
            State::Finished => SweepState::Finished,
            State::Pruned => SweepState::Pruned,
            State::Failed => SweepState::Failed,
            State::Running | State::Waiting => SweepState::Open,
        },
        value: t.value,
        units: dimensions.iter().map(|d| t.values.get(&d.key).and_then(|v| d.domain.unit(v))).collect(),
        settings: dimensions.iter().map(|d| t.values.get(&d.key).map_or_else(String::new, table::show)).collect(),
        curve: t.curve(0).points.iter().map(|p| (p.epoch as f64, p.metric)).collect(),
        epochs: t.trained(),
        reason: t.reason.clone().unwrap_or_default(),
    };
    let shares = importance::shares(study.space(), snapshot, study.objective().goal);
    Ok(SweepView {
        name: study.options().name.clone(),
        description: study.options().description.clone(),
        metric: metric.name().into(),
        axes: dimensions.iter().map(axis).collect(),
        trials: snapshot.trials.iter().map(trial).collect(),
        shares: shares.into_iter().map(|s| SweepShare { key: s.key, share: s.share, sd: s.sd }).collect(),
        summary: table::summary(study, snapshot),
        best,
        synthetic: study.frozen().experiment["data"]["source"].get("synthetic").is_some(),
        seeds: study.seeds(),
    })
}

/// Round places along a key's range, or all of its choices.
fn axis(d: &Dimension) -> SweepAxis {
    let place = |v: &serde_json::Value| Some((d.domain.unit(v)?, table::show(v)));
    let ticks = match &d.domain {
        Domain::Choice(values) => values.iter().filter_map(place).collect(),
        domain => {
            let ends = domain.corners();
            let between = [0.25, 0.5, 0.75].map(|u| domain.value(u));
            let mut all: Vec<(f64, String)> = ends.iter().chain(&between).filter_map(place).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            all.dedup_by(|a, b| a.1 == b.1);
            all
        }
    };
    SweepAxis { key: d.key.clone(), ticks, is_choice: matches!(d.domain, Domain::Choice(_)) }
}
