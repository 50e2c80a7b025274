//! Support vector machines, one for each pair of classes, with their cost chosen within the training rows.

use anyhow::{Context, Result, ensure};
use ferrotype_base::problems::Problems;
use ferrotype_classic::svm;
use ferrotype_classic::svm::one_vs_one::{Gram, OneVsOne, balanced};
use ferrotype_data::split::groups_in_folds;
use ferrotype_evaluation::{Predictions, metrics, score};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Method, Outcome, Problem};

/// C-SVC as in libsvm and scikit-learn's `SVC`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SvmOptions {
    /// The kernel.
    pub kernel: KernelOptions,
    /// Costs of a margin violated. Of several the best by folds within the training rows is taken; of equal ones the first.
    pub c: Vec<f64>,
    /// Give each class the same total cost (scikit-learn's `class_weight="balanced"`).
    pub balanced: bool,
    /// Folds of whole people within the training rows that choose among several costs.
    pub inner_folds: usize,
    /// The metric that chooses, of all folds' predictions together.
    pub choose_by: String,
}

/// Products of two rows of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KernelOptions {
    /// The scalar product.
    #[default]
    Linear,
    /// `exp(-gamma |a - b|^2)`.
    Rbf(RbfOptions),
}

/// Settings of the RBF kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RbfOptions {
    /// Gamma; by default 1 / (features x variance of all training features), as scikit-learn's `scale`.
    pub gamma: Option<f64>,
}

impl Default for SvmOptions {
    fn default() -> Self {
        let c = vec![0.001, 0.01, 0.1, 1.0, 10.0];
        Self { kernel: KernelOptions::Linear, c, balanced: true, inner_folds: 8, choose_by: "uf1".into() }
    }
}

/// Rows of which all pairs' products are kept: half a GiB.
const MOST_ROWS: usize = 8192;

impl Method for SvmOptions {
    fn check(&self, p: &mut Problems) {
        p.check("method.svm.c", &self.c, !self.c.is_empty(), "at least one cost");
        self.c.iter().for_each(|&c| p.positive("method.svm.c", c));
        p.up_to("method.svm.inner_folds", self.inner_folds, 2, 100);
        metrics::check_of_heads(p, "method.svm.choose_by", &self.choose_by, &[]);
        if let KernelOptions::Rbf(RbfOptions { gamma: Some(gamma) }) = self.kernel {
            p.positive("method.svm.kernel.rbf.gamma", gamma);
        }
    }

    fn tell(&self, problem: &Problem, stop: &(dyn Fn() -> Result<()> + Sync)) -> Result<Outcome> {
        let rows = &problem.features;
        ensure!(
            rows.rows() <= MOST_ROWS,
            "support vector machines keep the products of all pairs of rows, and {} rows are too many for that (at most \
             {MOST_ROWS}): set data.limit, or take the method `nearest`",
            rows.rows()
        );
        let gram = self.gram(problem)?;
        stop()?;
        let c = self.choose(&gram, problem, stop)?;
        let training: Vec<usize> = (0..problem.labels.len()).collect();
        let machines = self.fit(&gram, &training, problem, c)?;
        let tests = problem.labels.len()..rows.rows();
        let support: usize = machines.machines.iter().map(|m| m.support.len()).sum();
        Ok(Outcome {
            scores: tests.flat_map(|row| scores(&machines, &gram, row)).collect(),
            details: vec![
                ("C".into(), if self.c.len() > 1 { format!("{c}, chosen of {:?}", self.c) } else { c.to_string() }),
                ("support vectors".into(), support.to_string()),
            ],
            parameters: (support + machines.machines.len()) as u64,
            fitted: serde_json::json!({ "c": c, "machines": machines.machines }),
        })
    }
}

impl SvmOptions {
    fn gram(&self, problem: &Problem) -> Result<Gram> {
        let rows = &problem.features;
        match self.kernel {
            KernelOptions::Linear => Ok(Gram::linear(rows)),
            KernelOptions::Rbf(options) => Gram::rbf(rows, options.gamma.unwrap_or_else(|| scale(problem))),
        }
    }

    fn fit(&self, gram: &Gram, rows: &[usize], problem: &Problem, c: f64) -> Result<OneVsOne> {
        let labels: Vec<usize> = rows.iter().map(|&row| problem.labels[row]).collect();
        let classes = problem.classes.len();
        let weights = if self.balanced { balanced(&labels, classes) } else { vec![1.0; classes] };
        OneVsOne::fit(gram, rows, &labels, &weights, &svm::SvmOptions { c, ..svm::SvmOptions::default() })
    }

    /// The cost that does best when people are left out of the training rows in turn.
    fn choose(&self, gram: &Gram, problem: &Problem, stop: &(dyn Fn() -> Result<()> + Sync)) -> Result<f64> {
        let &[first, .., _] = self.c.as_slice() else { return self.c.first().copied().context("no cost") };
        let folds = self.folds(problem)?;
        let metric = metrics::find(&self.choose_by)?;
        let score_of = |&c: &f64| -> Result<f64> {
            let said = (0..self.inner_folds).into_par_iter().map(|fold| {
                stop()?;
                let (training, left): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&row| folds[row] != fold);
                let machines = self.fit(gram, &training, problem, c)?;
                Ok(left.into_iter().map(|row| (row, scores(&machines, gram, row))).collect::<Vec<_>>())
            });
            let mut said: Vec<(usize, Vec<f32>)> = said.collect::<Result<Vec<_>>>()?.concat();
            said.sort_by_key(|(row, _)| *row);
            let predictions = predictions(problem, said);
            Ok(score(&predictions)?.get(metric.name())?.value)
        };
        let scores: Vec<f64> = self.c.par_iter().map(score_of).collect::<Result<_>>()?;
        let better = |best: (f64, f64), (&c, &value): (&f64, &f64)| {
            if metrics::better(metric, value, best.1) { (c, value) } else { best }
        };
        Ok(self.c.iter().zip(&scores).fold((first, scores[0]), better).0)
    }

    /// The fold of each training row: whole people, of like size.
    fn folds(&self, problem: &Problem) -> Result<Vec<usize>> {
        let mut people: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
        problem.people.iter().enumerate().for_each(|(row, &person)| people.entry(person).or_default().push(row));
        ensure!(
            people.len() >= self.inner_folds,
            "method.svm.inner_folds is {}, and only {} people are in the training rows",
            self.inner_folds,
            people.len()
        );
        let mut folds = vec![0; problem.labels.len()];
        for (row, fold) in groups_in_folds(people.into_values().collect(), self.inner_folds, problem.seed) {
            folds[row] = fold;
        }
        Ok(folds)
    }
}

/// `1 / (features x variance)`, of all values of the training rows.
fn scale(problem: &Problem) -> f64 {
    let rows = || (0..problem.labels.len()).map(|i| problem.features.row(i));
    let n = (problem.labels.len() * problem.features.columns()) as f64;
    let mean = rows().flatten().sum::<f64>() / n;
    let variance = rows().flatten().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let scale = problem.features.columns() as f64 * variance;
    if scale > 0.0 { 1.0 / scale } else { 1.0 }
}

/// The scores of a row. Where classes have as many votes, libsvm's choice comes out on top.
fn scores(machines: &OneVsOne, gram: &Gram, row: usize) -> Vec<f32> {
    let (said, decisions) = machines.tell(gram, row);
    let mut scores: Vec<f32> = decisions.into_iter().map(|v| v as f32).collect();
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let first = scores.iter().position(|&v| v == most);
    if first != Some(said) {
        scores[said] = most + 1e-3;
    }
    scores
}

fn predictions(problem: &Problem, said: Vec<(usize, Vec<f32>)>) -> Predictions {
    let classes = problem.classes.len();
    let truth: Vec<usize> = said.iter().map(|(row, _)| problem.labels[*row]).collect();
    Predictions {
        classes: problem.classes.clone(),
        rows: said.iter().map(|(row, _)| *row as u32).collect(),
        targets: truth.iter().flat_map(|&t| (0..classes).map(move |c| f32::from(u8::from(c == t)))).collect(),
        truth,
        votes: None,
        logits: said.into_iter().flat_map(|(_, scores)| scores).collect(),
    }
}
