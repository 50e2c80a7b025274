//! What the training loop is given: batches, and something that measures the weights. Faces with classes have
//! [`Loader`] and [`Scoring`](super::scoring::Scoring); other systems bring their own.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::progress::Progress;
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_data::Batch;
use ferrotype_data::loader::Loader;
use ferrotype_model::Network;

/// Where training batches come from. Batches of an epoch follow from its number alone, so that an epoch can be entered
/// at any batch.
pub trait Batches {
    /// Batches per epoch.
    fn batches(&self) -> usize;

    /// Examples per epoch.
    fn examples(&self) -> usize;

    /// The batches of an epoch from number `first` on.
    fn epoch(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = Result<Batch>> + '_>;
}

impl Batches for Loader {
    fn batches(&self) -> usize {
        Loader::batches(self)
    }

    fn examples(&self) -> usize {
        Loader::examples(self)
    }

    fn epoch(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = Result<Batch>> + '_> {
        Box::new(Loader::epoch(self, epoch, first))
    }
}

/// The places of an epoch's batches from number `first` on: all of `count` examples in an order that follows from seed and
/// epoch, `batch` at a time; the last batch may be smaller.
pub fn shuffled(count: usize, batch: usize, seed: u64, epoch: u64, first: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    Stream::of(seed, Purpose::Order, &[epoch]).shuffle(&mut order);
    (first..count.div_ceil(batch)).map(move |i| order[i * batch..count.min((i + 1) * batch)].to_vec())
}

/// Measures a network on the examples that select the weights.
pub trait Validation {
    /// Values by the metric's name.
    ///
    /// # Errors
    /// When the network gives values that are no numbers.
    fn measure(&self, network: &Network, progress: &mut dyn Progress) -> Result<BTreeMap<String, f64>>;

    /// The metric that selects, by the name under which [`Validation::measure`] gives it.
    fn selects_by(&self) -> Result<&str>;

    /// The name under which [`Validation::measure`] gives a metric, and whether higher is better.
    ///
    /// # Errors
    /// When there is no such metric.
    fn metric(&self, name: &str) -> Result<(&str, bool)>;

    /// The metric that the history keeps as the validation loss.
    fn loss(&self) -> &'static str;

    /// The metrics worth a place on an epoch's line, beside the selecting one.
    fn shown(&self) -> Vec<&str>;

    /// Whether targets are distributions over classes, of which training counts the right predictions.
    fn has_classes(&self) -> bool;
}

/// A validation by nothing but a mean squared error, under the name `mse`.
pub trait SquaredError {
    /// What is measured, for error messages: `the validation of ...`.
    fn subject(&self) -> &'static str;

    /// The mean squared error.
    ///
    /// # Errors
    /// When the network cannot be computed, or there is nothing to measure it on.
    fn error(&self, network: &Network) -> Result<f64>;
}

/// The one metric of a [`SquaredError`].
const ERROR: &str = "mse";

impl<T: SquaredError> Validation for T {
    fn measure(&self, network: &Network, _: &mut dyn Progress) -> Result<BTreeMap<String, f64>> {
        let error = self.error(network)?;
        ensure!(error.is_finite(), "the squared error of {} is {error}", self.subject());
        Ok(BTreeMap::from([(ERROR.to_owned(), error)]))
    }

    fn selects_by(&self) -> Result<&'static str> {
        Ok(ERROR)
    }

    fn metric(&self, name: &str) -> Result<(&'static str, bool)> {
        ensure!(
            matches!(name, "loss" | "mse"),
            "{} knows the metrics `loss` and `mse` (one and the same), not `{name}`",
            self.subject()
        );
        Ok((ERROR, false))
    }

    fn loss(&self) -> &'static str {
        ERROR
    }

    fn shown(&self) -> Vec<&str> {
        vec![ERROR]
    }

    fn has_classes(&self) -> bool {
        false
    }
}
