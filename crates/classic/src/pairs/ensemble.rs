//! Linear machines that vote, each fitted on a random share of the samples (fsaxen/NIT-ICCV17Challenge, `+libML/train.m`:
//! 75 machines, half of the samples, the share of each class kept).

use anyhow::{Result, ensure};
use ferrotype_base::random::{Purpose, Stream, name_index};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, check_labels, check_width, dot};
use crate::standardise::Standardiser;
use crate::svm::smo::{self, Kernel};
use crate::svm::{Plane, SvmOptions};

/// Settings of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsembleOptions {
    /// Number of machines.
    pub machines: usize,
    /// Share of the samples that each is fitted on, above 0, at most 1.
    pub share: f64,
    /// How each is fitted.
    pub svm: SvmOptions,
    /// What the random choices follow from.
    pub seed: u64,
}

impl EnsembleOptions {
    /// The published settings.
    pub fn published(seed: u64) -> Self {
        Self { machines: 75, share: 0.5, svm: SvmOptions::default(), seed }
    }

    fn check(&self) -> Result<()> {
        ensure!(
            (1..=10_000).contains(&self.machines),
            "an ensemble of {} machines: 1 to 10000 are possible",
            self.machines
        );
        ensure!(self.share > 0.0 && self.share <= 1.0, "a share of {} of the samples: above 0, at most 1", self.share);
        self.svm.check()
    }
}

/// Standardised samples with labels.
pub(super) trait Samples: Kernel {
    fn label(&self, sample: usize) -> bool;
    /// The sum of samples times coefficients.
    fn weights(&self, coefficients: &[(usize, f64)]) -> Vec<f64>;
}

/// Fitted machines, and how samples are standardised before they vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    pub(super) standardiser: Standardiser,
    pub(super) members: Vec<Plane>,
}

impl Ensemble {
    /// Standardises the rows and fits all machines.
    ///
    /// # Errors
    /// When the labels are not one per row or all the same, or an option is out of range.
    pub fn fit(rows: &Matrix, labels: &[bool], options: &EnsembleOptions) -> Result<Self> {
        check_labels(rows, labels)?;
        let standardiser = Standardiser::fit(rows);
        let rows = standardiser.apply_all(rows)?;
        let gram = rows.gram();
        Self::fit_kernel(&Plain { rows: &rows, labels, gram }, standardiser, options)
    }

    pub(super) fn fit_kernel(
        samples: &dyn Samples,
        standardiser: Standardiser,
        options: &EnsembleOptions,
    ) -> Result<Self> {
        options.check()?;
        let fit = |machine: usize| fit_machine(samples, machine, options);
        let members = (0..options.machines).into_par_iter().map(fit).collect::<Result<_>>()?;
        Ok(Self { standardiser, members })
    }

    /// The share of machines that say positive, less 0.5.
    ///
    /// # Errors
    /// When the row does not have the features that the machines were fitted on.
    pub fn vote(&self, row: &[f64]) -> Result<f64> {
        let row = self.standardiser.apply(row)?;
        let positive = self.members.iter().filter(|plane| dot(&plane.weights, &row) + plane.bias > 0.0).count();
        Ok(positive as f64 / self.members.len() as f64 - 0.5)
    }

    /// Checks values that were read from a file.
    pub(super) fn check(&self, width: usize) -> Result<()> {
        self.standardiser.check()?;
        check_width(&self.standardiser.mean, width)?;
        ensure!(!self.members.is_empty(), "one of its ensembles has no machines");
        self.members.iter().try_for_each(|plane| check_width(&plane.weights, width))
    }
}

/// Fits one machine on its own share of the samples.
fn fit_machine(samples: &dyn Samples, machine: usize, options: &EnsembleOptions) -> Result<Plane> {
    let chosen = chosen(samples, machine, options);
    let labels: Vec<bool> = chosen.iter().map(|&sample| samples.label(sample)).collect();
    let solution = smo::solve(&Chosen { samples, chosen: &chosen }, &labels, &options.svm)?;
    let held = chosen.iter().copied().zip(solution.coefficients).filter(|(_, coefficient)| *coefficient != 0.0);
    Ok(Plane { weights: samples.weights(&held.collect::<Vec<_>>()), bias: solution.bias })
}

/// A random share of each class: half of an odd number is rounded up for the first class and down for the other
/// (`split_stratified.m`), and at least one of each.
fn chosen(samples: &dyn Samples, machine: usize, options: &EnsembleOptions) -> Vec<usize> {
    let n = samples.count();
    let wanted = ((options.share * n as f64).round() as usize).max(2);
    let mut stream =
        Stream::of(options.seed, Purpose::Division, &[name_index("machines of an ensemble"), machine as u64]);
    let mut classes = [false, true].map(|class| (0..n).filter(|&s| samples.label(s) == class).collect::<Vec<_>>());
    classes.iter_mut().for_each(|class| stream.shuffle(class));
    let first = (classes[0].len() as f64 * wanted as f64 / n as f64).ceil() as usize;
    let first = first.clamp(1, (wanted - 1).min(classes[0].len()));
    let second = (wanted - first).clamp(1, classes[1].len());
    let mut chosen: Vec<usize> = classes[0][..first].iter().chain(&classes[1][..second]).copied().collect();
    chosen.sort_unstable();
    chosen
}

/// The chosen samples.
struct Chosen<'a> {
    samples: &'a dyn Samples,
    chosen: &'a [usize],
}

impl Kernel for Chosen<'_> {
    fn count(&self) -> usize {
        self.chosen.len()
    }

    fn value(&self, a: usize, b: usize) -> f64 {
        self.samples.value(self.chosen[a], self.chosen[b])
    }
}

/// Rows as they are.
struct Plain<'a> {
    rows: &'a Matrix,
    labels: &'a [bool],
    gram: Vec<f64>,
}

impl Kernel for Plain<'_> {
    fn count(&self) -> usize {
        self.rows.rows()
    }

    fn value(&self, a: usize, b: usize) -> f64 {
        self.gram[a * self.rows.rows() + b]
    }
}

impl Samples for Plain<'_> {
    fn label(&self, sample: usize) -> bool {
        self.labels[sample]
    }

    fn weights(&self, coefficients: &[(usize, f64)]) -> Vec<f64> {
        let mut weights = vec![0.0; self.rows.columns()];
        for &(sample, coefficient) in coefficients {
            weights.iter_mut().zip(self.rows.row(sample)).for_each(|(w, v)| *w += coefficient * v);
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tests::drawn;

    #[test]
    fn each_machine_sees_its_own_half_of_each_class() {
        let rows = drawn(31, 2, 1.0);
        let labels: Vec<bool> = (0..31).map(|i| i % 3 == 0).collect();
        let samples = Plain { rows: &rows, labels: &labels, gram: rows.gram() };
        let options = EnsembleOptions::published(4);
        let all: Vec<Vec<usize>> = (0..20).map(|machine| chosen(&samples, machine, &options)).collect();
        for chosen in &all {
            let positive = chosen.iter().filter(|&&s| labels[s]).count();
            assert_eq!((chosen.len(), positive), (16, 5));
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
        }
        assert!(all.iter().any(|chosen| *chosen != all[0]));
        let everything = EnsembleOptions { share: 1.0, ..options };
        assert_eq!(chosen(&samples, 0, &everything), (0..31).collect::<Vec<_>>());
    }

    #[test]
    fn a_single_machine_on_all_samples_is_the_machine() {
        let rows = drawn(40, 3, 1.1);
        let labels: Vec<bool> = rows.iter().map(|row| row[0] > 0.2).collect();
        let options = EnsembleOptions { machines: 1, share: 1.0, ..EnsembleOptions::published(0) };
        let ensemble = Ensemble::fit(&rows, &labels, &options).unwrap();
        let scores = Standardiser::fit(&rows).apply_all(&rows).unwrap();
        let svm = crate::svm::Svm::fit(&scores, &labels, &options.svm).unwrap();
        for (a, b) in ensemble.members[0].weights.iter().zip(&svm.plane.weights) {
            assert!((a - b).abs() < 1e-12);
        }
        assert_eq!(ensemble.vote(rows.row(0)).unwrap().abs(), 0.5);
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let rows = drawn(4, 2, 1.0);
        let published = EnsembleOptions::published(0);
        let said = |options| Ensemble::fit(&rows, &[true, false, true, false], &options).unwrap_err().to_string();
        assert!(said(EnsembleOptions { machines: 0, ..published }).contains("0 machines"));
        assert!(said(EnsembleOptions { share: 1.5, ..published }).contains("share of 1.5"));
    }
}
