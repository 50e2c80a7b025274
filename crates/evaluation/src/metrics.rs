//! The metrics, one file each. A new metric is a new file and a line in the registry of the kind of target that it is for:
//! [`all`] for classes, [`for_labels`] or [`for_values`]. What a metric computes from says which kind that is: classes a
//! [`Sample`], labels [`LabelCounts`], continuous values [`Pairs`].

mod about;
mod accuracy;
mod ccc;
mod ece;
mod icc;
mod kappa;
mod kl_votes;
mod label_accuracy;
mod label_counts;
mod label_f1;
mod log_loss;
mod macro_f1;
mod mae;
mod names;
mod pairs;
mod pcc;
mod rmse;
mod top2;
mod uar;
mod uf1;

use anyhow::{Result, anyhow};

use super::sample::Sample;
use super::scores::Score;

pub use about::{About, about, about_of, choose, main_of, of_kind};
pub use ece::{BINS, calibration_bins};
pub use label_counts::LabelCounts;
pub use names::{check, check_of_heads, names, unknown};
pub use pairs::Pairs;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of 1, written in percent.
    Share,
    /// A plain number.
    Number,
}

/// A number that says how good predictions are. `S` is what it is computed from.
pub trait Metric<S = Sample>: Sync {
    /// The name in `metrics.json` and in the experiment file.
    fn name(&self) -> &'static str;
    /// The name in a report.
    fn title(&self) -> &'static str;
    /// One sentence: what is measured, and by which convention.
    fn meaning(&self) -> &'static str;
    /// Whether more is better.
    fn higher_is_better(&self) -> bool {
        true
    }
    /// How a value is written.
    fn unit(&self) -> Unit {
        Unit::Share
    }
    /// When it is not defined, in a few words.
    fn undefined(&self) -> &'static str {
        "no row has what it needs"
    }
    /// The score; `None` where it is not defined for the sample.
    fn score(&self, sample: &S) -> Option<Score>;
}

/// All metrics of classes, in the order of a report.
pub fn all() -> &'static [&'static dyn Metric] {
    &[
        &accuracy::Accuracy,
        &uar::Uar,
        &macro_f1::MacroF1,
        &uf1::Uf1,
        &kappa::Kappa,
        &top2::Top2,
        &log_loss::LogLoss,
        &ece::Ece,
        &kl_votes::KlVotes,
    ]
}

/// All metrics of a label that is there or not, in the order of a report.
pub fn for_labels() -> &'static [&'static dyn Metric<LabelCounts>] {
    &[&label_f1::LabelF1, &label_accuracy::LabelAccuracy]
}

/// All metrics of continuous values, in the order of a report.
pub fn for_values() -> &'static [&'static dyn Metric<Pairs>] {
    &[&ccc::Ccc, &pcc::Pcc, &icc::Icc, &rmse::Rmse, &mae::Mae]
}

/// Other names that are understood: `loss` is what training calls the mean log loss of a set.
const ALIASES: [(&str, &str); 3] = [("loss", "log_loss"), ("balanced_accuracy", "uar"), ("f1", "macro_f1")];

/// The metric of that name.
///
/// # Errors
/// When there is none: the message has the nearest name and all of them.
pub fn find(name: &str) -> Result<&'static dyn Metric> {
    let wanted = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |&(_, real)| real);
    let named = |wanted: &str| all().iter().copied().find(|m| m.name() == wanted);
    named(wanted).ok_or_else(|| {
        let names: Vec<&str> = all().iter().map(|m| m.name()).collect();
        let near = names.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        anyhow!("there is no metric `{name}`{hint} The metrics are {}", names.join(", "))
    })
}

/// Whether `new` is better than `old` by this metric. A value that is not a number is never better.
pub fn better(metric: &dyn Metric, new: f64, old: f64) -> bool {
    if metric.higher_is_better() { new > old } else { new < old }
}

/// A value as people write it: percent with two decimals, or a number with four.
pub fn format_value(metric: &dyn Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Share => format!("{:.2} %", 100.0 * value),
        Unit::Number => format!("{value:.4}"),
    }
}

/// A score without interval over the whole sample.
fn plain(value: f64, sample: &Sample) -> Score {
    Score { value, interval: None, n: sample.rows.len() as u64 }
}

/// A score without interval of so many rows.
fn plain_of(value: f64, rows: usize) -> Score {
    Score { value, interval: None, n: rows as u64 }
}

/// A share of the sample's rows with its Wilson interval; `None` of an empty sample.
fn proportion(hits: u64, sample: &Sample) -> Option<Score> {
    let n = sample.rows.len() as u64;
    (n > 0).then(|| Score { value: hits as f64 / n as f64, interval: Some(super::statistics::wilson(hits, n)), n })
}

/// Mean of some rows' values; `None` where no row has one.
fn mean_of(values: &[f64]) -> Option<Score> {
    super::statistics::mean(values).map(|value| Score { value, interval: None, n: values.len() as u64 })
}
