//! What is impossible in a sweep file, apart from what the experiment says of its keys.

use serde_json::Value;

use crate::options::{Parameter, Pruner, Sampler, SweepOptions};
use crate::space::Space;

/// Keys that no trial may vary, and why.
const FIXED: [(&str, &str); 20] = [
    ("name", "each run's name is its trial"),
    ("description", "it changes nothing"),
    ("expect", "it changes nothing"),
    ("seed", "a better seed is luck; `seeds` makes a trial the mean over several"),
    ("threads", "results do not depend on it"),
    ("export", "it changes nothing that is measured"),
    ("evaluate", "trials scored in different ways cannot be compared"),
    ("data.path", "trials scored on different data cannot be compared"),
    ("data.source", "trials scored on different data cannot be compared"),
    ("data.split", "trials scored on different validation sets cannot be compared"),
    ("data.fold", "trials scored on different validation sets cannot be compared"),
    ("data.labels", "a label mode decides which rows the validation set has, so scores cannot be compared"),
    ("data.validation", "trials scored on different validation sets cannot be compared"),
    ("data.validation_set", "trials scored on different validation sets cannot be compared"),
    ("data.clips.segments", "it decides which examples the validation set has, so scores cannot be compared"),
    ("data.clips.max_segments", "it decides which examples the validation set has, so scores cannot be compared"),
    ("data.scaling", "errors of columns that are scaled in different ways cannot be compared"),
    ("data.emotions", "errors of different columns cannot be compared"),
    ("data.detectors", "errors of different columns cannot be compared"),
    ("data.limit", "trials scored on different validation sets cannot be compared"),
];

/// More trials or seeds than this could only be a slip.
const MOST: usize = 100_000;

/// Everything impossible in the options by themselves: paths of keys, with what is wrong.
pub fn problems(options: &SweepOptions) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut check = |path: &str, ok: bool, message: String| {
        if !ok {
            found.push((path.to_owned(), message));
        }
    };
    let o = options;
    check("name", is_name(&o.name), format!("{:?} is impossible; expected letters, digits, `-`, `_` and `.`", o.name));
    check("space", !o.space.is_empty(), "a space without keys has nothing to search".into());
    if let Some(trials) = o.trials {
        check("trials", (1..=MOST).contains(&trials), format!("{trials} is impossible; expected 1 to {MOST}"));
    }
    check("jobs", (1..=1024).contains(&o.jobs), format!("{} is impossible; expected 1 to 1024", o.jobs));
    let lease_ok = o.lease >= 5.0 && o.lease <= 86_400.0;
    check("lease", lease_ok, format!("{} is impossible; expected 5 to 86400 seconds", o.lease));
    for (i, seed) in o.seeds.iter().enumerate() {
        check(&format!("seeds[{i}]"), !o.seeds[..i].contains(seed), format!("the seed {seed} stands twice"));
    }
    match &o.sampler {
        Sampler::Grid(g) => {
            check("sampler.grid.points", (2..=1000).contains(&g.points), format!("{}: expected 2 to 1000", g.points));
        }
        Sampler::Tpe(t) => {
            check("sampler.tpe.startup", t.startup >= 2, format!("{}: expected at least 2", t.startup));
            let gamma_ok = t.gamma > 0.0 && t.gamma < 1.0;
            check("sampler.tpe.gamma", gamma_ok, format!("{}: expected a number above 0 and below 1", t.gamma));
            let candidates_ok = (1..=10_000).contains(&t.candidates);
            check("sampler.tpe.candidates", candidates_ok, format!("{}: expected 1 to 10000", t.candidates));
        }
        Sampler::Random | Sampler::Halton => {}
    }
    match &o.pruner {
        Pruner::None => {}
        Pruner::Median(m) => {
            check("pruner.median.warmup_epochs", m.warmup_epochs >= 1, "0: expected at least 1".into());
            check("pruner.median.min_trials", m.min_trials >= 1, "0: expected at least 1".into());
        }
        Pruner::Asha(a) => {
            check("pruner.asha.min_epochs", a.min_epochs >= 1, "0: expected at least 1".into());
            check("pruner.asha.eta", a.eta >= 2, format!("{}: expected at least 2", a.eta));
        }
    }
    check("slurm.workers", (1..=10_000).contains(&o.slurm.workers), "expected 1 to 10000".into());
    check("slurm.cpus", o.slurm.cpus != Some(0), "0: expected at least 1".into());
    check("slurm.jobs", (1..=256).contains(&o.slurm.jobs), "expected 1 to 256".into());
    check("slurm.notice", (10..=65_535).contains(&o.slurm.notice), "expected 10 to 65535 seconds".into());
    check("kubernetes.workers", (1..=10_000).contains(&o.kubernetes.workers), "expected 1 to 10000".into());
    check("kubernetes.jobs", (1..=256).contains(&o.kubernetes.jobs), "expected 1 to 256".into());
    check("kubernetes.notice", (10..=65_535).contains(&o.kubernetes.notice), "expected 10 to 65535 seconds".into());
    check("ssh.jobs", (1..=256).contains(&o.ssh.jobs), "expected 1 to 256".into());
    found.extend(fixed_keys(options));
    match Space::of(&o.space) {
        Err(problems) => found.extend(problems.into_iter().map(|(path, m)| (format!("space.{path}"), m))),
        Ok(space) => found.extend(crate::sampler::grid_problem(options, &space)),
    }
    found
}

fn fixed_keys(options: &SweepOptions) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, parameter) in &options.space {
        if let Some((fixed, why)) = FIXED.iter().find(|(fixed, _)| changes(key, parameter, fixed)) {
            let how = if is_of(key, fixed) { String::new() } else { format!("its choices hold `{fixed}`, and ") };
            found.push((format!("space.{key}"), format!("this key cannot be searched: {how}{why}")));
        }
        if options.set.contains_key(key) {
            found.push((format!("set.{key}"), "this key is searched too: it can only be set or searched".into()));
        }
    }
    found
}

/// Whether a searched key changes `other`, a key or section of the experiment: it is that or stands below it, or stands
/// above it and has a choice that holds it.
pub fn changes(key: &str, parameter: &Parameter, other: &str) -> bool {
    let rest = other.strip_prefix(key).and_then(|rest| rest.strip_prefix('.'));
    let holds = |choice: &Value, rest: &str| rest.split('.').try_fold(choice, |value, name| value.get(name)).is_some();
    is_of(key, other) || rest.is_some_and(|rest| parameter.choice.iter().flatten().any(|choice| holds(choice, rest)))
}

/// Whether a key is a section, or stands below it.
fn is_of(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Why a metric's name is refused before it is looked up: a sweep that went by the test set would choose settings that
/// happen to suit it, and leave no data for an honest score.
pub fn refuse_test_metric(name: &str) -> Option<String> {
    let words: Vec<String> = name.to_lowercase().split(['.', '/', '_', '-', ' ', ':']).map(str::to_owned).collect();
    words.iter().any(|w| w == "test").then(|| {
        let rest: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "test").collect();
        format!(
            "{name:?} asks for the test set. Trials are ranked by the validation set only: settings chosen by the test \
             score would suit the test pictures, and its score would say nothing of others; say `metric: {}`",
            if rest.is_empty() { "accuracy".into() } else { rest.join("_") }
        )
    })
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 80 && !name.starts_with(['.', '-']) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(change: serde_json::Value) -> Vec<String> {
        let mut value = json!({ "name": "a", "experiment": "e.yaml", "space": {"train.lr": {"log": [0.001, 0.1]}} });
        for (key, new) in change.as_object().unwrap() {
            value[key] = new.clone();
        }
        problems(&serde_json::from_value(value).unwrap()).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn what_is_impossible_is_named() {
        assert!(found(json!({})).is_empty());
        for (change, path) in [
            (json!({"name": "a/b"}), "name"),
            (json!({"space": {}}), "space"),
            (json!({"space": {"seed": {"int": [0, 3]}}}), "space.seed"),
            (json!({"space": {"data.split.k_fold.k": {"int": [2, 3]}}}), "space.data.split.k_fold.k"),
            (json!({"space": {"data.clips.max_segments": {"int": [1, 4]}}}), "space.data.clips.max_segments"),
            (
                json!({"space": {"data.clips.segments.windows.stride": {"int": [1, 4]}}}),
                "space.data.clips.segments.windows.stride",
            ),
            (json!({"space": {"data.clips": {"choice": [{"segments": "blocks"}, {"frames": 9}]}}}), "space.data.clips"),
            (json!({"space": {"data": {"choice": [{"limit": 10}, {"limit": 20}]}}}), "space.data"),
            (json!({"set": {"train.lr": 0.1}}), "set.train.lr"),
            (json!({"trials": 0}), "trials"),
            (json!({"seeds": [1, 1]}), "seeds[1]"),
            (json!({"pruner": {"asha": {"eta": 1}}}), "pruner.asha.eta"),
            (json!({"sampler": {"tpe": {"gamma": 0.0}}}), "sampler.tpe.gamma"),
            (json!({"space": {"train.lr": {"int": [3, 1]}}}), "space.train.lr"),
        ] {
            assert_eq!(found(change.clone()), [path], "{change}");
        }
        // The streams of clips are the network's input, and leave the examples as they are.
        let streams = json!({"space": {"data.clips": {"choice": [{"parts": ["mouth"]}, {"parts": ["nose"]}]}}});
        assert!(found(streams).is_empty());
    }

    #[test]
    fn a_test_metric_is_refused_with_the_reason() {
        for name in ["test_accuracy", "test.uar", "Test/accuracy", "accuracy_test", "test"] {
            assert!(refuse_test_metric(name).unwrap().contains("validation"), "{name}");
        }
        assert!(refuse_test_metric("test_macro_f1").unwrap().contains("`metric: macro_f1`"));
        assert!(refuse_test_metric("accuracy").is_none());
    }
}
