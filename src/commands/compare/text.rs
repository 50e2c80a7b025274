//! A comparison for a terminal.

use super::{Comparison, Summary};
use ferrotype_evaluation::compare::Difference;
use ferrotype_evaluation::statistics::Welch;

/// The lines.
pub fn of(c: &Comparison) -> String {
    let mut lines = vec![side('A', &c.first), side('B', &c.second)];
    lines.push(format!(
        "{} test rows in common ({} more in A, {} more in B)\n",
        c.common_rows,
        c.first.rows.saturating_sub(c.common_rows),
        c.second.rows.saturating_sub(c.common_rows)
    ));
    lines.push("McNemar's exact test".into());
    for pair in &c.mcnemar {
        let name = match (pair.first.as_str(), pair.second.as_str()) {
            ("", "") => String::new(),
            (a, b) if a == b => format!("{a}: "),
            ("", b) => format!("A, {b} of B: "),
            (a, "") => format!("{a} of A, B: "),
            (a, b) => format!("{a} of A, {b} of B: "),
        };
        let t = &pair.test;
        lines.push(format!(
            "  {name}{} rows right in A only, {} in B only, p = {}",
            t.only_first,
            t.only_second,
            probability(t.p)
        ));
    }
    lines.push(format!("Paired bootstrap over rows, {} drawings: A - B with its 95 % interval", c.bootstrap.resamples));
    lines.push(format!("  accuracy  {}", drawn(&c.bootstrap.accuracy)));
    lines.push(format!("  UAR       {}", drawn(&c.bootstrap.uar)));
    if let Some(welch) = &c.welch {
        lines.push("Welch's t-test over seeds: A - B with its 95 % interval".into());
        for (name, test) in [("accuracy", &welch.accuracy), ("UAR     ", &welch.uar)] {
            lines.extend(test.as_ref().map(|w| format!("  {name}  {}", tested(w))));
        }
    }
    lines.extend(c.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}

fn side(letter: char, s: &Summary) -> String {
    let what = match s.over {
        Some(axis) if s.scores.len() > 1 => format!(", mean of {} {}s", s.scores.len(), axis.as_str()),
        _ => s.members.first().filter(|m| !m.is_empty()).map_or_else(String::new, |m| format!(", {m}")),
    };
    format!("{letter}  {}{what}: accuracy {:.2} %, UAR {:.2} %", s.name, 100.0 * s.mean.accuracy, 100.0 * s.mean.uar)
}

fn points(v: f64) -> String {
    format!("{:+.2}", 100.0 * v)
}

fn interval([low, high]: [f64; 2]) -> String {
    format!("({} to {})", points(low), points(high))
}

fn drawn(d: &Difference) -> String {
    format!("{} points {}", points(d.difference), interval(d.interval))
}

fn tested(w: &Welch) -> String {
    format!(
        "{} points {}, t = {:.2}, {:.1} degrees of freedom, p = {}",
        points(w.difference),
        interval(w.interval),
        w.t,
        w.freedom,
        probability(w.p)
    )
}

/// Three significant digits at least; a small one by its bound.
fn probability(p: f64) -> String {
    if p < 1e-4 { "less than 0.0001".into() } else { format!("{p:.4}") }
}
