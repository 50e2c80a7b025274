//! Variants of one experiment side by side: a table in Markdown, and one in CSV with every member.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::RunRow;
use ferrotype_evaluation::metrics::{self, format_value};
use ferrotype_evaluation::{Aggregate, Score, Scores, aggregate};

/// The metrics that the tables show.
const SHOWN: [&str; 3] = ["accuracy", "uar", "uf1"];

/// One variant with its test scores.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// Its values of the axis keys.
    pub label: String,
    /// Trained values of its network.
    pub parameters: usize,
    /// Seconds of training, all members together.
    pub seconds: f64,
    /// Scores of the only run, or of all folds' predictions pooled; none for seeds, which score the same rows again.
    pub pooled: Option<Scores>,
    /// The folds or seeds; empty for a single run.
    pub members: Vec<RunRow>,
}

impl Variant {
    /// Means over the members with Student's intervals; none for a single run.
    fn spread(&self) -> Option<Aggregate> {
        let scores: Vec<Scores> = self.members.iter().map(|m| m.scores.clone()).collect();
        aggregate(&scores).ok()
    }
}

/// The variants of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Ablation {
    /// The experiment's name.
    pub name: String,
    /// The axis keys: the head of the first column.
    pub keys: String,
    /// What members differ by: `fold` or `seed`; none for single runs.
    pub over: Option<&'static str>,
    /// Whether the faces are drawn.
    pub synthetic: bool,
    /// The variants, in the order asked for.
    pub variants: Vec<Variant>,
}

/// The tables in Markdown: pooled scores and means over members, then every member.
pub fn markdown(ablation: &Ablation) -> String {
    let mut text = format!("# {}: variants\n\n", ablation.name);
    if ablation.synthetic {
        text += "The faces are synthetic: the figures say nothing of real ones.\n\n";
    }
    text += &whole(ablation);
    if let Some(over) = ablation.over {
        text += &each(ablation, over);
    }
    text
}

/// One row per variant.
fn whole(ablation: &Ablation) -> String {
    let mut text = format!("| {} | parameters | training |", ablation.keys);
    let mut rule = String::from("\n|---|---:|---:|");
    let pooled = ablation.variants.iter().any(|v| v.pooled.is_some());
    let column = |title: String, text: &mut String, rule: &mut String| {
        *text += &format!(" {title} |");
        *rule += "---|";
    };
    if pooled {
        column("test rows".into(), &mut text, &mut rule);
        SHOWN.iter().for_each(|name| column(title(name).into(), &mut text, &mut rule));
    }
    if let Some(over) = ablation.over {
        SHOWN.iter().for_each(|name| column(format!("{}, mean over {over}s", title(name)), &mut text, &mut rule));
    }
    text += &rule;
    text.push('\n');
    for variant in &ablation.variants {
        let mut cells =
            vec![variant.label.clone(), variant.parameters.to_string(), format!("{:.0} s", variant.seconds)];
        if let Some(scores) = &variant.pooled {
            cells.push(scores.n.to_string());
            cells.extend(SHOWN.iter().map(|name| scores.metrics.get(*name).map_or("-".into(), |s| cell(name, s))));
        }
        if let Some(sum) = variant.spread().filter(|_| ablation.over.is_some()) {
            cells.extend(SHOWN.iter().map(|name| {
                let Some(spread) = sum.metrics.get(*name) else { return "-".into() };
                cell(name, &Score { value: spread.mean, interval: spread.interval, n: sum.runs as u64 })
            }));
        }
        let escaped: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|")).collect();
        text += &format!("| {} |\n", escaped.join(" | "));
    }
    text += match ablation.over {
        Some(_) if pooled => {
            "\nIn brackets 95 % intervals: of the pooled accuracy Wilson's, over rows (which are not independent where a clip or \
             person gives several); of means Student's.\n"
        }
        Some(_) => "\nIn brackets Student's 95 % intervals of the means.\n",
        None => "\nIn brackets Wilson's 95 % interval, over rows.\n",
    };
    text
}

/// One column per member: accuracy, UAR and UF1.
fn each(ablation: &Ablation, over: &str) -> String {
    let Some(first) = ablation.variants.first() else { return String::new() };
    let mut text = format!("\nEach {over}: {}, in percent.\n\n| {} |", SHOWN.map(title).join(" / "), ablation.keys);
    first.members.iter().for_each(|m| text += &format!(" {over} {} |", m.label));
    text += &format!("\n|---|{}\n", "---:|".repeat(first.members.len()));
    for variant in &ablation.variants {
        text += &format!("| {} |", variant.label.replace('|', "\\|"));
        for member in &variant.members {
            let value = |name: &&str| {
                member.scores.metrics.get(*name).map_or_else(|| "-".to_owned(), |s| format!("{:.1}", 100.0 * s.value))
            };
            text += &format!(" {} |", SHOWN.iter().map(value).collect::<Vec<_>>().join(" / "));
        }
        text.push('\n');
    }
    text
}

/// `62.10 % (55.00 to 68.90)`.
fn cell(name: &str, score: &Score) -> String {
    let Ok(metric) = metrics::find(name) else { return format!("{:.4}", score.value) };
    let show = |v: f64| format_value(metric, v);
    let mut text = show(score.value);
    if let Some([low, high]) = score.interval {
        let bare = |v: f64| show(v).trim_end_matches(" %").to_owned();
        // Writing into a string cannot fail.
        let _ = write!(text, " ({} to {})", bare(low), bare(high));
    }
    text
}

fn title(name: &str) -> &str {
    metrics::find(name).map_or(name, |m| m.title())
}

/// One line per variant and member, and one for each variant as a whole: value, and lower and upper end of the 95 %
/// interval of each metric, shares from 0 to 1. What is not defined is empty.
///
/// # Errors
/// When the table cannot be written.
pub fn csv(ablation: &Ablation) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = SHOWN.iter().flat_map(|name| [name.to_string(), format!("{name}_low"), format!("{name}_high")]);
    let head = ["variant", "scored", "rows", "parameters"].map(String::from).into_iter().chain(columns);
    csv.write_record(head)?;
    for variant in &ablation.variants {
        let mut line = |scored: String, rows: u64, score: &dyn Fn(&str) -> Option<Score>| -> Result<()> {
            let mut record = vec![variant.label.clone(), scored, rows.to_string(), variant.parameters.to_string()];
            for score in SHOWN.map(score) {
                let interval = score.as_ref().and_then(|s| s.interval).map(|i| i.map(Some)).unwrap_or([None; 2]);
                let values = [score.map(|s| s.value), interval[0], interval[1]];
                record.extend(values.map(|v| v.map_or_else(String::new, |v| v.to_string())));
            }
            Ok(csv.write_record(record)?)
        };
        for member in &variant.members {
            let scored = format!("{} {}", ablation.over.unwrap_or("member"), member.label);
            line(scored, member.scores.n, &|name| member.scores.metrics.get(name).cloned())?;
        }
        if let Some(scores) = &variant.pooled {
            let scored = if variant.members.is_empty() { "test" } else { "pooled" };
            line(scored.into(), scores.n, &|name| scores.metrics.get(name).cloned())?;
        }
        if let Some(sum) = variant.spread() {
            let mean = |name: &str| {
                let spread = sum.metrics.get(name)?;
                Some(Score { value: spread.mean, interval: spread.interval, n: sum.runs as u64 })
            };
            line("mean".into(), variant.members.iter().map(|m| m.scores.n).sum(), &mean)?;
        }
    }
    csv.into_inner().context("the variants cannot be written as CSV")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_evaluation::mocks::twelve;
    use ferrotype_evaluation::{score, score_folds};

    fn folds() -> Ablation {
        let scores = score(&twelve()).unwrap();
        let members =
            ["0", "1"].map(|label| RunRow { label: label.into(), scores: scores.clone(), ..Default::default() });
        let pooled = score_folds(&[twelve(), twelve()]).unwrap();
        let variant = Variant {
            label: "[mouth]".into(),
            parameters: 7,
            members: members.into(),
            pooled: Some(pooled),
            ..Default::default()
        };
        Ablation {
            name: "x".into(),
            keys: "parts".into(),
            over: Some("fold"),
            synthetic: true,
            variants: vec![variant],
        }
    }

    #[test]
    fn tables_have_pooled_scores_means_and_every_fold() {
        let ablation = folds();
        let accuracy = score(&twelve()).unwrap().metrics["accuracy"].value;
        let text = markdown(&ablation);
        let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("| [mouth]")).collect();
        assert_eq!(lines.len(), 2, "{text}");
        let columns = |line: &str| line.matches('|').count();
        let head = text.lines().find(|l| l.starts_with("| parts")).unwrap();
        assert_eq!(columns(lines[0]), columns(head), "{text}");
        assert!(lines[0].contains("| 24 |") && lines[0].contains(&format!("{:.2} %", 100.0 * accuracy)), "{text}");
        assert!(text.contains("fold 1") && text.contains("synthetic"), "{text}");
        let table = String::from_utf8(csv(&ablation).unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let scored: Vec<&str> = records.iter().map(|r| &r[1]).collect();
        assert_eq!(scored, ["fold 0", "fold 1", "pooled", "mean"]);
        assert_eq!(records[2][2], *"24");
        // Two folds that are the same: pooled, mean and each agree, and the mean's interval has no width.
        for record in &records {
            assert!((record[4].parse::<f64>().unwrap() - accuracy).abs() < 1e-12, "{record:?}");
        }
        assert_eq!(records[3][5], records[3][6]);
    }

    #[test]
    fn single_runs_have_one_line_each() {
        let mut ablation = folds();
        ablation.over = None;
        ablation.variants[0].members.clear();
        ablation.variants[0].pooled = Some(score(&twelve()).unwrap());
        let text = markdown(&ablation);
        assert!(!text.contains("mean over") && text.matches("| [mouth]").count() == 1, "{text}");
        assert_eq!(String::from_utf8(csv(&ablation).unwrap()).unwrap().lines().count(), 2);
    }
}
