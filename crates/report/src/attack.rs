//! What a report shows of an attack on a run's network. `attack.json` holds it, too.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::evaluation::SeenShare;

/// An attack at several strengths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttackView {
    /// `fgsm` or `pgd`.
    pub method: String,
    /// `linf` or `l2`.
    pub norm: String,
    /// The rows attacked, the numbers of the attack, and how gradients were had: name and value, in order.
    pub settings: Vec<(String, String)>,
    /// How many of the rows attacked the run has seen, where it has seen any: shown in red.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenShare>,
    /// What came out, by strength.
    pub points: Vec<AttackPoint>,
    /// A picture of some examples (PNG), where it may be shown.
    #[serde(skip)]
    pub examples: Option<Vec<u8>>,
}

/// What an attack of one strength did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttackPoint {
    /// Strength in pixel units of 0..255.
    pub eps: f32,
    /// Rows attacked.
    pub n: u64,
    /// Share of rows that are still predicted right.
    pub accuracy: f64,
    /// The same of the rows that the run has not seen, where it has seen some of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_unseen: Option<f64>,
    /// Its 95 % interval (Wilson).
    pub interval: [f64; 2],
    /// Unweighted mean of the classes' recalls.
    pub uar: f64,
    /// Share of rows that are predicted as the class they were pushed to, where there was one.
    pub reached: Option<f64>,
    /// Mean over rows of the largest change of a value.
    pub mean_linf: f64,
    /// Mean over rows of the root of the sum of squared changes.
    pub mean_l2: f64,
}

impl AttackView {
    /// Reads `attack.json` of a folder, with the picture of examples beside it.
    ///
    /// # Errors
    /// When it cannot be read or is of another form.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("attack.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut view: Self = serde_json::from_str(&text).with_context(|| {
            format!("{} is not what `ferrotype attack` writes: attack again, or remove the folder", path.display())
        })?;
        view.examples = std::fs::read(folder.join("examples.png")).ok();
        Ok(view)
    }

    /// Its name for readers.
    pub fn title(&self) -> String {
        let norm = if self.norm == "linf" { "l-infinity" } else { "l2" };
        format!("{}, {norm}", self.method.to_uppercase())
    }

    /// The points as a table.
    ///
    /// # Errors
    /// None but those of memory.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["eps", "n", "accuracy", "low", "high", "uar", "reached", "mean_linf", "mean_l2"])?;
        for p in &self.points {
            let [low, high] = p.interval;
            let reached = p.reached.map(|r| format!("{r:.6}")).unwrap_or_default();
            let share = |v: f64| format!("{v:.6}");
            csv.write_record([
                p.eps.to_string(),
                p.n.to_string(),
                share(p.accuracy),
                share(low),
                share(high),
                share(p.uar),
                reached,
                format!("{:.4}", p.mean_linf),
                format!("{:.4}", p.mean_l2),
            ])?;
        }
        csv.into_inner().context("the table of an attack cannot be written")
    }
}
