//! The last lines of a training run.

use std::io::IsTerminal;

use super::verdict::verdict;
use super::view::{LeakFigure, RunView};
use ferrotype_evaluation::metrics::{find, format_value};
use ferrotype_evaluation::{Score, Scores};

/// Scores, checks and the path of the report, aligned, as lines without colour.
pub fn summary(run: &RunView, report: &str) -> String {
    paint(&lines(run, report), false)
}

/// As [`summary`]; coloured where the standard output is a terminal that wants it.
pub fn summary_for_stdout(run: &RunView, report: &str) -> String {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    paint(&lines(run, report), colour)
}

/// A line in red where the standard output is a terminal that wants it.
pub fn red_for_stdout(text: &str) -> String {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if colour { format!("\x1b[31m{text}\x1b[0m") } else { text.to_owned() }
}

/// `61.80 % (95 % interval 60.18 to 63.40 %, 3589 rows)`.
pub fn format_score(name: &str, score: &Score) -> String {
    let Ok(metric) = find(name) else { return format!("{:.4}", score.value) };
    let value = format_value(metric, score.value);
    match score.interval {
        Some([low, high]) => {
            let (low, high) = (format_value(metric, low), format_value(metric, high));
            format!("{value} (95 % interval {} to {high}, {} rows)", low.trim_end_matches(" %"), score.n)
        }
        None => value,
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

struct Line {
    name: String,
    text: String,
    tone: Tone,
}

fn lines(run: &RunView, report: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |name: &str, text: String, tone| lines.push(Line { name: name.into(), text, tone });
    if run.dataset.synthetic {
        add("data", format!("{}: synthetic faces; the scores say nothing of real ones", run.dataset.name), Tone::Plain);
    }
    match &run.test {
        Some(test) => scores(test, &mut add),
        None => add("test", "not scored".into(), Tone::Bad),
    }
    if let Some((expect, score)) = run.expect.as_ref().and_then(|e| Some((e, run.test.as_ref()?.get(&e.metric).ok()?)))
        && let Ok(verdict) = verdict(expect, score.value, score.interval)
    {
        add("expected", verdict.text, if verdict.kind == "worse" { Tone::Bad } else { Tone::Good });
    }
    if let Some(onnx) = &run.onnx {
        let (text, tone) = onnx_line(onnx);
        add("ONNX", text, tone);
    }
    for (name, text, tone) in leak_lines(&run.dataset.leaks) {
        add(name, text, tone);
    }
    for warning in all_warnings(run) {
        add("warning", warning.text, if warning.serious { Tone::Bad } else { Tone::Plain });
    }
    add("report", report.into(), Tone::Plain);
    lines
}

fn scores(test: &Scores, add: &mut impl FnMut(&str, String, Tone)) {
    for (name, title) in [("accuracy", "test accuracy"), ("uar", "test UAR"), ("macro_f1", "test macro-F1")] {
        if let Some(score) = test.metrics.get(name) {
            add(title, format_score(name, score), Tone::Plain);
        }
    }
}

fn onnx_line(onnx: &super::OnnxView) -> (String, Tone) {
    let relative = if onnx.range > 0.0 { onnx.difference / onnx.range } else { onnx.difference };
    let compared = onnx.rows.saturating_sub(onnx.ties.len() as u64);
    let figures = format!(
        "largest logit difference {relative:.1e} of the range, same class for {} of {compared} rows, {} ties",
        onnx.agreeing,
        onnx.ties.len()
    );
    if onnx.passed { (format!("checked: {figures}"), Tone::Good) } else { (format!("FAILED: {figures}"), Tone::Bad) }
}

/// The run's warnings, and those that follow from its data: selection on the test set.
pub(super) fn all_warnings(run: &RunView) -> Vec<super::Warning> {
    let mut all = run.warnings.clone();
    if run.selection.as_ref().is_some_and(|s| s.set == "test") {
        // The caller may have said it already in its own words.
        if !all.iter().any(|w| w.text.contains("selected on the test set")) {
            all.insert(0, super::Warning::selected_on_test());
        }
    }
    all
}

/// The leaks that were found, a line each; one that says so where there are none.
pub(super) fn leak_lines(leaks: &[LeakFigure]) -> Vec<(&'static str, String, Tone)> {
    if !leaks.is_empty() && leaks.iter().all(|l| l.count == 0) {
        return vec![("leaks", "none found".into(), Tone::Good)];
    }
    let tone = |l: &LeakFigure| if l.kept { Tone::Bad } else { Tone::Plain };
    leaks.iter().filter(|l| l.count > 0).map(|l| ("leak", l.text(), tone(l))).collect()
}

/// Rows that one set shares with another and that were left in: a reader must know it before the scores.
pub(super) fn leak_warnings(leaks: &[LeakFigure]) -> Vec<super::Warning> {
    let left_in = leaks.iter().filter(|l| l.kept && l.count > 0);
    let text = |l: &LeakFigure| format!("Leak: {} of {} {} were left in.", l.count, l.of, l.what);
    left_in.map(|l| super::Warning { serious: true, text: text(l) }).collect()
}

fn paint(lines: &[Line], colour: bool) -> String {
    let width = lines.iter().map(|l| l.name.chars().count()).max().unwrap_or(0);
    let code = |tone| match tone {
        Tone::Good if colour => ("\x1b[32m", "\x1b[0m"),
        Tone::Bad if colour => ("\x1b[31m", "\x1b[0m"),
        _ => ("", ""),
    };
    lines
        .iter()
        .map(|l| {
            let (on, off) = code(l.tone);
            format!("{:width$}  {on}{}{off}\n", l.name, l.text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExpectView, LeakFigure, OnnxView, SelectionView};
    use ferrotype_evaluation::{mocks::twelve, score};

    fn run() -> RunView {
        let mut run = RunView { test: Some(score(&twelve()).unwrap()), ..Default::default() };
        run.dataset.leaks.push(LeakFigure { what: "test rows in training".into(), count: 2, of: 12, kept: true });
        run.onnx = Some(OnnxView {
            rows: 12,
            ties: vec![2],
            agreeing: 11,
            range: 10.0,
            difference: 1e-5,
            passed: true,
            ..Default::default()
        });
        run.expect = Some(ExpectView { metric: "accuracy".into(), value: 0.3, tolerance: 0.05, ..Default::default() });
        run.selection = Some(SelectionView { set: "test".into(), ..Default::default() });
        run
    }

    #[test]
    fn lines_are_aligned_and_complete() {
        let text = summary(&run(), "runs/x/report.html");
        assert!(text.contains("test accuracy  33.33 % (95 % interval 13.81 to 60.94 %, 12 rows)\n"), "{text}");
        assert!(text.contains(
            "ONNX           checked: largest logit difference 1.0e-6 of the range, same class for 11 of 11 rows, 1 ties"
        ));
        assert!(text.contains("leak           2 of 12 test rows in training (left in)"));
        assert!(text.contains("selected on the test set"));
        assert!(text.ends_with("report         runs/x/report.html\n"));
        assert!(!text.contains('\x1b') && paint(&lines(&run(), "r"), true).contains("\x1b[31m"));
    }

    #[test]
    fn a_run_without_scores_says_so() {
        assert!(summary(&RunView::default(), "r").contains("not scored"));
    }
}
