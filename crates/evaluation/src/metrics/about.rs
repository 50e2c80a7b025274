//! What is known of a metric of any kind by its name.

use anyhow::{Result, anyhow, bail};
use ferrotype_base::targets::TargetKind;

use super::{ALIASES, Metric, Unit, all, for_labels, for_values};

/// What a metric says of itself, whatever it is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct About {
    /// The name in `metrics.json` and in the experiment file.
    pub name: &'static str,
    /// The name in a report.
    pub title: &'static str,
    /// One sentence: what is measured, and by which convention.
    pub meaning: &'static str,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// How a value is written.
    pub unit: Unit,
}

impl About {
    fn of<S>(metric: &dyn Metric<S>) -> Self {
        Self {
            name: metric.name(),
            title: metric.title(),
            meaning: metric.meaning(),
            higher_is_better: metric.higher_is_better(),
            unit: metric.unit(),
        }
    }

    /// A value as people write it: percent with two decimals, or a number with four.
    pub fn format(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => format!("{:.2} %", 100.0 * value),
            Unit::Number => format!("{value:.4}"),
        }
    }
}

/// The metrics that are for this kind of target, in the order of a report.
pub fn of_kind(kind: &TargetKind) -> Vec<About> {
    match kind {
        TargetKind::Classes | TargetKind::Distribution => all().iter().map(|m| About::of(*m)).collect(),
        TargetKind::Labels => for_labels().iter().map(|m| About::of(*m)).collect(),
        TargetKind::Continuous { .. } => for_values().iter().map(|m| About::of(*m)).collect(),
    }
}

/// The name of the metric that speaks for a kind of target where there is room for one.
pub fn main_of(kind: &TargetKind) -> &'static str {
    match kind {
        TargetKind::Classes | TargetKind::Distribution => "accuracy",
        TargetKind::Labels => "f1",
        TargetKind::Continuous { .. } => "ccc",
    }
}

/// The metric of a kind of target by its name or another one that is understood.
pub fn about_of(kind: &TargetKind, name: &str) -> Option<About> {
    let name = match kind {
        TargetKind::Classes | TargetKind::Distribution => {
            ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |&(_, real)| real)
        }
        TargetKind::Labels if name == "macro_f1" => "f1",
        _ => name,
    };
    of_kind(kind).into_iter().find(|about| about.name == name)
}

/// Any metric by its name, with or without a head's name and a point before it: `ccc`, `va.ccc`. Where kinds of target
/// share a name, the metric of classes comes first.
pub fn about(name: &str) -> Option<About> {
    let bare = name.rsplit_once('.').map_or(name, |(_, metric)| metric);
    let continuous = TargetKind::Continuous { units: String::new(), range: [0.0, 1.0] };
    [TargetKind::Classes, TargetKind::Labels, continuous].iter().find_map(|kind| about_of(kind, bare))
}

/// The metric that an experiment with these heads means by a name, as `HEAD.METRIC`: the head may be left out where only
/// one of them has such a metric.
///
/// # Errors
/// When no head is called so, or none has such a metric, or several have.
pub fn choose<'a>(name: &str, heads: impl Iterator<Item = (&'a str, &'a TargetKind)>) -> Result<(String, About)> {
    let heads: Vec<_> = heads.collect();
    let known = || {
        let of = |(head, kind): &(&str, &TargetKind)| {
            let names: Vec<String> = of_kind(kind).iter().map(|about| format!("{head}.{}", about.name)).collect();
            format!("{head} ({}): {}", kind.describe(), names.join(", "))
        };
        heads.iter().map(of).collect::<Vec<_>>().join("; ")
    };
    if let Some((head, metric)) = name.split_once('.') {
        let Some((_, kind)) = heads.iter().find(|(name, _)| *name == head) else {
            bail!("`{name}` names the head `{head}`, which there is not; the metrics are {}", known());
        };
        let about = about_of(kind, metric).ok_or_else(|| {
            anyhow!(
                "the head `{head}` has {}, of which there is no metric `{metric}`; there are {}",
                kind.describe(),
                known()
            )
        })?;
        return Ok((format!("{head}.{}", about.name), about));
    }
    let fitting: Vec<_> = heads.iter().filter_map(|(head, kind)| Some((head, about_of(kind, name)?))).collect();
    match fitting.as_slice() {
        [(head, about)] => Ok((format!("{head}.{}", about.name), *about)),
        [] => bail!("no head has a metric `{name}`; there are {}", known()),
        several => {
            let names: Vec<String> = several.iter().map(|(head, about)| format!("{head}.{}", about.name)).collect();
            bail!("`{name}` is a metric of several heads: say which, {}", names.join(" or "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_metric_of_the_head_that_has_it() {
        let va = TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] };
        let heads = [("au", &TargetKind::Labels), ("va", &va), ("emotion", &TargetKind::Classes)];
        let chosen = |name: &str| choose(name, heads.iter().copied());
        assert_eq!(chosen("ccc").unwrap().0, "va.ccc");
        assert_eq!(chosen("va.rmse").unwrap(), ("va.rmse".to_owned(), about("va.rmse").unwrap()));
        assert!(!about("rmse").unwrap().higher_is_better && about("x.ccc").unwrap().higher_is_better);
        assert_eq!(chosen("au.macro_f1").unwrap().0, "au.f1");
        assert_eq!(chosen("emotion.loss").unwrap().0, "emotion.log_loss");
        let says = |name: &str| format!("{:#}", chosen(name).unwrap_err());
        assert!(says("accuracy").contains("au.accuracy or emotion.accuracy"), "{}", says("accuracy"));
        assert!(says("vb.ccc").contains("head `vb`"));
        assert!(says("au.ccc").contains("labels (0 or 1 each)") && says("au.ccc").contains("au.f1"));
        assert!(says("sharpness").contains("va.ccc"));
    }
}
