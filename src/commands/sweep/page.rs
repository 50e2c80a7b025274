//! A study as the report shows it.

use anyhow::Result;
use ferrotype_sweep::importance;
use ferrotype_sweep::space::{Dimension, Domain};
use ferrotype_sweep::study::{Snapshot, State, Study, Trial};
use ferrotype_sweep::table;

use serde_json::{Value, json};

use super::show::best_yaml;
use ferrotype_report::{SweepAxis, SweepShare, SweepState, SweepTrial, SweepView, write_sweep};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;

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
        metric: study.objective().metric.clone(),
        axes: dimensions.iter().map(axis).collect(),
        trials: snapshot.trials.iter().map(trial).collect(),
        shares: shares.into_iter().map(|s| SweepShare { key: s.key, share: s.share, sd: s.sd }).collect(),
        summary: table::summary(study, snapshot),
        best,
        synthetic: is_synthetic(study, snapshot),
        seeds: study.seeds(),
    })
}

/// Whether the data are drawn: their source says so, or, where the file was prepared before, what a trial wrote of it. All trials
/// have the same data.
fn is_synthetic(study: &Study, snapshot: &Snapshot) -> bool {
    let source = &study.frozen().experiment["data"]["source"];
    if ["synthetic", "generated"].iter().any(|name| source.get(name).is_some()) {
        return true;
    }
    let numbers = snapshot.trials.iter().map(|t| t.number);
    let mut runs = numbers.flat_map(|trial| (0..study.seeds()).map(move |seed| study.run_folder(trial, seed)));
    let facts = runs.find_map(|path| {
        let run = RunFolder::open(&path).ok()?;
        run.read_json::<Value>(&run.facts()).ok()
    });
    facts.is_some_and(|facts| facts["synthetic"] == true)
}

/// Round places along a key's range, or all of its choices.
fn axis(d: &Dimension) -> SweepAxis {
    let place = |v: &serde_json::Value| Some((d.domain.unit(v)?, table::show(v)));
    let ticks = match &d.domain {
        Domain::Choice(values) => values.iter().filter_map(place).collect(),
        domain => spaced(domain.corners().iter().chain(&between(domain)).filter_map(place).collect()),
    };
    SweepAxis { key: d.key.clone(), ticks, is_choice: matches!(d.domain, Domain::Choice(_)) }
}

/// What may stand between the ends of a range: powers of ten where it is searched by its logarithm, else quarters.
fn between(domain: &Domain) -> Vec<serde_json::Value> {
    let powers = |low: f64, high: f64| {
        let exponents = low.log10().ceil() as i32..=high.log10().floor() as i32;
        exponents.map(|e| format!("1e{e}").parse::<f64>().unwrap_or(low)).collect::<Vec<f64>>()
    };
    match domain {
        Domain::Float { low, high, log: true, .. } => powers(*low, *high).into_iter().map(|v| json!(v)).collect(),
        Domain::Int { low, high, log: true, .. } => {
            powers(*low as f64, *high as f64).into_iter().map(|v| json!(v as i64)).collect()
        }
        _ => [0.25, 0.5, 0.75].map(|u| domain.value(u)).to_vec(),
    }
}

/// In order, without those that would be written over each other; those given first, the ends, stay.
fn spaced(places: Vec<(f64, String)>) -> Vec<(f64, String)> {
    let mut kept: Vec<(f64, String)> = Vec::new();
    for (u, text) in places {
        if kept.iter().all(|(k, _)| (k - u).abs() > 0.09) {
            kept.push((u, text));
        }
    }
    kept.sort_by(|a, b| a.0.total_cmp(&b.0));
    kept
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use ferrotype_sweep::curve::{Goal, Objective};
    use ferrotype_sweep::space::Values;
    use ferrotype_sweep::study::Frozen;
    use ferrotype_sweep::study::claims::Claim;

    #[test]
    fn a_sweep_over_a_prepared_file_of_drawn_faces_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let space = json!({"train.lr": {"float": [0.0, 1.0]}});
        let sweep = json!({"name": "s", "experiment": "e", "space": space, "trials": 1});
        let frozen = Frozen {
            digest: String::new(),
            objective: Objective {
                metric: "accuracy".into(),
                goal: Goal::Maximise,
                select_by: "accuracy".into(),
                select_goal: Goal::Maximise,
            },
            sweep: serde_json::from_value(sweep).unwrap(),
            experiment: json!({"data": {"path": "faces.h5"}}),
        };
        let study = Study::open(folder.path(), frozen).unwrap();
        let claim = Claim { trial: 0, generation: 1, worker: "w".into(), values: Values::new(), time: 0 };
        assert!(study.claims.take(&claim).unwrap());
        let is_marked = || is_synthetic(&study, &study.snapshot().unwrap());
        assert!(!is_marked());
        let run = study.run_folder(0, 0);
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("config.yaml"), "").unwrap();
        for synthetic in [false, true] {
            fs::write(run.join("dataset.json"), json!({"synthetic": synthetic}).to_string()).unwrap();
            assert_eq!(is_marked(), synthetic);
        }
    }
}
