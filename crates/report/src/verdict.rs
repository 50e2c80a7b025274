//! The result against the figure that was expected.

use anyhow::Result;
use serde::Serialize;

use super::view::ExpectView;
use ferrotype_evaluation::metrics::{Unit, find, format_value};

/// How a result stands to the expected figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// `reproduced`, `better` or `worse`: by the tolerance alone.
    pub kind: &'static str,
    /// One sentence.
    pub text: String,
}

/// Compares `value` (with its 95 % interval, if it has one) with the expected figure.
///
/// # Errors
/// When the expected metric does not exist.
pub fn verdict(expect: &ExpectView, value: f64, interval: Option<[f64; 2]>) -> Result<Verdict> {
    let metric = find(&expect.metric)?;
    let gain = if metric.higher_is_better() { value - expect.value } else { expect.value - value };
    // A difference that prints as the tolerance counts as within it.
    let kind = if gain.abs() <= expect.tolerance + 1e-9 {
        "reproduced"
    } else if gain > 0.0 {
        "better"
    } else {
        "worse"
    };
    let points = |v: f64| match metric.unit() {
        Unit::Share => format!("{:.2} points", 100.0 * v),
        Unit::Number => format!("{v:.4}"),
    };
    let relation = match kind {
        "reproduced" => format!("Reproduced: within {} of the expected figure", points(expect.tolerance)),
        "better" => format!("{} better than expected", points(gain)),
        _ => format!("{} worse than expected", points(-gain)),
    };
    let inside = match interval {
        Some([low, high]) if (low..=high).contains(&expect.value) => "; that figure lies within the 95 % interval",
        Some(_) => "; that figure lies outside the 95 % interval",
        None => "",
    };
    let text = format!("{relation} ({} {}){inside}.", metric.title(), format_value(metric, expect.value));
    Ok(Verdict { kind, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(metric: &str, value: f64, tolerance: f64) -> ExpectView {
        ExpectView { metric: metric.into(), value, tolerance, ..Default::default() }
    }

    #[test]
    fn tolerance_decides_and_direction_counts() {
        let kind = |e: &ExpectView, v| verdict(e, v, None).unwrap().kind;
        let accuracy = expect("accuracy", 0.61, 0.01);
        assert_eq!(kind(&accuracy, 0.62), "reproduced");
        assert_eq!(kind(&accuracy, 0.63), "better");
        assert_eq!(kind(&accuracy, 0.59), "worse");
        assert_eq!(kind(&expect("log_loss", 1.0, 0.0), 0.9), "better");
        assert!(verdict(&expect("acc", 1.0, 0.0), 0.9, None).is_err());
    }

    #[test]
    fn says_whether_the_interval_holds_the_figure() {
        let text = verdict(&expect("accuracy", 0.61, 0.0), 0.60, Some([0.58, 0.62])).unwrap().text;
        assert_eq!(
            text,
            "1.00 points worse than expected (Accuracy 61.00 %); that figure lies within the 95 % interval."
        );
    }
}
