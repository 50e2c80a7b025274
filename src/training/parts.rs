//! What the training loop is given: batches, and something that measures the weights. Faces with classes have
//! [`Loader`] and [`Scoring`](super::scoring::Scoring); other systems bring their own.

use std::collections::BTreeMap;

use anyhow::Result;

use super::progress::Progress;
use crate::data::Batch;
use crate::data::loader::Loader;
use crate::model::Network;

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

/// Measures a network on the examples that select the weights.
pub trait Validation {
    /// Values by the metric's name.
    ///
    /// # Errors
    /// When the network gives values that are no numbers.
    fn measure(&self, network: &Network, progress: &mut dyn Progress) -> Result<BTreeMap<String, f64>>;

    /// The metric that selects, by the name under which [`Validation::measure`] gives it.
    fn selects_by(&self) -> Result<&'static str>;

    /// The name under which [`Validation::measure`] gives a metric, and whether higher is better.
    ///
    /// # Errors
    /// When there is no such metric.
    fn metric(&self, name: &str) -> Result<(&'static str, bool)>;

    /// The metric that the history keeps as the validation loss.
    fn loss(&self) -> &'static str;

    /// The metrics worth a place on an epoch's line, beside the selecting one.
    fn shown(&self) -> &'static [&'static str];

    /// Whether targets are distributions over classes, of which training counts the right predictions.
    fn has_classes(&self) -> bool;
}
