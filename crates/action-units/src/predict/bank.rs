//! The 35 predictors of a list, ready for use.

use anyhow::{Context, Result, ensure};

use crate::dot::dot;
use crate::features::ALL;
use crate::formats::{Entry, Linear, Svm, Svr};
use crate::{INTENSITIES, PRESENCES};

/// Predictors of a list: 17 intensities, then 18 presences.
pub(super) const PREDICTORS: usize = INTENSITIES.len() + PRESENCES.len();

/// One value per predictor of a list, intensities first.
pub(super) type Scores = [f64; PREDICTORS];

/// A predictor of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// An intensity.
    Intensity(Svr),
    /// Whether the action unit is present.
    Presence(Svm),
}

impl Model {
    /// Its weights and means.
    pub fn linear(&self) -> &Linear {
        match self {
            Self::Intensity(svr) => &svr.linear,
            Self::Presence(svm) => &svm.linear,
        }
    }

    /// Whether it subtracts the running median.
    pub fn is_dynamic(&self) -> bool {
        match self {
            Self::Intensity(svr) => svr.cutoff.is_some(),
            Self::Presence(svm) => svm.dynamic,
        }
    }
}

/// The predictors of a list.
#[derive(Clone, Debug)]
pub struct Bank {
    predictors: Vec<Ready>,
}

#[derive(Clone, Debug)]
struct Ready {
    weights: Vec<f64>,
    /// `b - means . w`.
    offset: f64,
    is_dynamic: bool,
    /// Which share of the sorted values of a video is the person's zero.
    cutoff: Option<f64>,
    /// Whether values above 0 mean that the action unit is present.
    positive_is_present: bool,
}

impl Bank {
    /// The predictors of a list's entries, which must name all 17 intensities and 18 presences.
    ///
    /// # Errors
    /// When one is missing or has more or fewer than 4,702 weights.
    pub fn new(models: &[(Entry, Model)]) -> Result<Self> {
        let wanted = INTENSITIES.map(|unit| (unit, true)).into_iter().chain(PRESENCES.map(|unit| (unit, false)));
        let of = |(unit, is_intensity): (u8, bool)| {
            let found = models.iter().find(|(e, _)| (e.unit, e.is_intensity) == (unit, is_intensity));
            let what = if is_intensity { "the intensity" } else { "the presence" };
            let (entry, model) = found.with_context(|| format!("no predictor of {what} of AU{unit:02} is listed"))?;
            Ready::new(model).with_context(|| entry.file.clone())
        };
        Ok(Self { predictors: wanted.map(of).collect::<Result<_>>()? })
    }

    /// `x . w` of every predictor; `x` has 4,702 numbers.
    pub(super) fn products(&self, x: &[f64]) -> Scores {
        std::array::from_fn(|k| dot(x, &self.predictors[k].weights))
    }

    /// `x . w` of the dynamic predictors, 0 of the others.
    pub(super) fn dynamic_products(&self, x: &[f64]) -> Scores {
        std::array::from_fn(|k| if self.predictors[k].is_dynamic { dot(x, &self.predictors[k].weights) } else { 0.0 })
    }

    /// What the predictors say of products, less what the median takes away.
    pub(super) fn scores(&self, products: &Scores, of_median: &Scores) -> Scores {
        std::array::from_fn(|k| products[k] - of_median[k] + self.predictors[k].offset)
    }

    /// The intensities of scores, before they are held to 0..5.
    pub(super) fn intensities(scores: &Scores) -> [f32; 17] {
        std::array::from_fn(|i| scores[i] as f32)
    }

    /// The classes of scores.
    pub(super) fn presences(&self, scores: &Scores) -> [bool; 18] {
        let first = INTENSITIES.len();
        std::array::from_fn(|i| (scores[first + i] > 0.0) == self.predictors[first + i].positive_is_present)
    }

    /// The share of sorted values that is taken as zero, for each intensity that has one.
    pub(super) fn cutoffs(&self) -> [Option<f64>; 17] {
        std::array::from_fn(|i| self.predictors[i].cutoff)
    }
}

impl Ready {
    fn new(model: &Model) -> Result<Self> {
        let linear = model.linear();
        ensure!(
            linear.weights.len() == ALL && linear.means.len() == ALL,
            "it has {} weights where OpenFace 2.2.0's predictors have {ALL}: a predictor of another version",
            linear.weights.len()
        );
        let (cutoff, positive_is_present) = match model {
            Model::Intensity(svr) => (svr.cutoff.filter(|&c| c >= 0.0), true),
            Model::Presence(svm) => (None, svm.positive > svm.negative),
        };
        Ok(Self {
            offset: linear.bias - dot(&linear.means, &linear.weights),
            weights: linear.weights.clone(),
            is_dynamic: model.is_dynamic(),
            cutoff,
            positive_is_present,
        })
    }
}
