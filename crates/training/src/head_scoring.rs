//! A model with heads on a set: predictions, scores, and what selects its weights.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::targets::{Head, TargetKind};

use super::features::Features;
use super::parts::Validation;
use super::progress::Progress;
use super::scoring::outputs;
use crate::options::Evaluate;
use ferrotype_data::task::Subset;
use ferrotype_evaluation::metrics::{self, About};
use ferrotype_evaluation::{HeadPredictions, score_heads, split_outputs};
use ferrotype_model::Network;
use ferrotype_model::objective::Objective;
use ferrotype_ops as ops;

/// The name of the weighted sum of the heads' losses, as training minimises it, over a whole set.
const LOSS: &str = "loss";

/// A set that selects the weights of a model with heads.
pub struct HeadScoring<'a> {
    subset: &'a Subset,
    features: Option<&'a Features>,
    options: &'a Evaluate,
    objective: Box<dyn Objective>,
    select_by: (String, bool),
    /// All metrics by `HEAD.METRIC`.
    metrics: Vec<(String, About)>,
}

impl<'a> HeadScoring<'a> {
    /// Scoring of `subset`, from stored features of its pictures where there are some.
    ///
    /// # Errors
    /// When `select_by` is no metric of these heads.
    pub fn new(
        subset: &'a Subset,
        features: Option<&'a Features>,
        options: &'a Evaluate,
        select_by: &str,
        objective: Box<dyn Objective>,
    ) -> Result<Self> {
        let heads = &subset.labelled.heads;
        let of = |head: &Head| {
            let name = head.name.clone();
            metrics::of_kind(&head.kind).into_iter().map(move |about| (format!("{name}.{}", about.name), about))
        };
        let metrics = heads.iter().flat_map(of).collect();
        let select_by = chosen(select_by, heads).context("evaluate.select_by")?;
        Ok(Self { subset, features, options, objective, select_by, metrics })
    }

    /// The loss of these outputs over the whole set.
    fn loss_of(&self, network: &Network, outputs: &[f32]) -> Result<f64> {
        let l = &self.subset.labelled;
        let (rows, width) = (self.subset.len(), l.width());
        let tensor =
            |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, width]), network.device());
        let targets: Vec<f32> = self.subset.indices.iter().flat_map(|&i| l.target(i)).copied().collect();
        let (outputs, targets) = (tensor(outputs.to_vec()), tensor(targets));
        let known = known(self.subset);
        let known =
            if known.is_empty() { vec![1.0; rows * width] } else { known.iter().map(|&k| f32::from(k)).collect() };
        let losses = self.objective.masked_losses(network.compute(), outputs, targets, tensor(known));
        let losses = ops::host(losses)?;
        Ok(losses.iter().map(|&v| f64::from(v)).sum::<f64>() / rows as f64)
    }
}

impl Validation for HeadScoring<'_> {
    fn measure(&self, network: &Network, progress: &mut dyn Progress) -> Result<BTreeMap<String, f64>> {
        let outputs = outputs(network, self.subset, self.features, self.options, progress)?;
        let scores = score_heads(&split(self.subset, &outputs)?)?;
        let mut values: BTreeMap<String, f64> =
            scores.metrics.into_iter().map(|(name, score)| (name, score.value)).collect();
        values.insert(LOSS.into(), self.loss_of(network, &outputs)?);
        Ok(values)
    }

    fn selects_by(&self) -> Result<&str> {
        Ok(&self.select_by.0)
    }

    fn metric(&self, name: &str) -> Result<(&str, bool)> {
        let (name, _) = chosen(name, &self.subset.labelled.heads)?;
        if name == LOSS {
            return Ok((LOSS, false));
        }
        let found = self.metrics.iter().find(|(known, _)| *known == name);
        let (name, about) = found.with_context(|| format!("there is no metric `{name}`"))?;
        Ok((name, about.higher_is_better))
    }

    fn loss(&self) -> &'static str {
        LOSS
    }

    fn shown(&self) -> Vec<&str> {
        let main =
            self.subset.labelled.heads.iter().map(|head| format!("{}.{}", head.name, metrics::main_of(&head.kind)));
        let main: Vec<String> = main.collect();
        let names = self.metrics.iter().map(|(name, _)| name.as_str());
        std::iter::once(LOSS).chain(names.filter(|name| main.iter().any(|m| m == name))).collect()
    }

    fn has_classes(&self) -> bool {
        false
    }
}

/// The metric that a name means for these heads, with its direction; `loss` is the weighted sum of the heads' losses.
fn chosen(name: &str, heads: &[Head]) -> Result<(String, bool)> {
    if name == LOSS {
        return Ok((LOSS.into(), false));
    }
    let (name, about) = metrics::choose(name, heads.iter().map(|h| (h.name.as_str(), &h.kind)))?;
    Ok((name, about.higher_is_better))
}

fn known(subset: &Subset) -> Vec<bool> {
    subset.indices.iter().flat_map(|&i| subset.labelled.known_of(i)).copied().collect()
}

fn split(subset: &Subset, outputs: &[f32]) -> Result<Vec<HeadPredictions>> {
    let l = &subset.labelled;
    let targets: Vec<f32> = subset.indices.iter().flat_map(|&i| l.target(i)).copied().collect();
    split_outputs(&l.heads, &subset.rows(), &targets, &known(subset), outputs)
}

/// What a model with heads says of every row of a set, in order.
///
/// # Errors
/// When the set cannot be loaded or does not fit the network.
pub fn predict(
    network: &Network,
    subset: &Subset,
    options: &Evaluate,
    progress: &mut dyn Progress,
) -> Result<Vec<HeadPredictions>> {
    if subset.labelled.heads.is_empty() {
        bail!("the rows have classes alone, and the model has heads");
    }
    split(subset, &outputs(network, subset, None, options, progress)?)
}

/// Whether the metrics that training will ask for can be computed on the set that selects: better now than after an epoch.
///
/// # Errors
/// When a head has no such metric, or it is not defined there.
pub fn check_metrics(subset: &Subset, names: &[&str]) -> Result<()> {
    let heads = &subset.labelled.heads;
    let totals = subset.column_totals();
    for name in names {
        let (name, _) = chosen(name, heads)
            .with_context(|| format!("training cannot go by {name} (evaluate.select_by, or watch)"))?;
        let Some((head, metric)) = name.split_once('.') else { continue };
        let Some(head) = heads.iter().find(|h| h.name == head) else { continue };
        let (sums, known) = (head.of(&totals.0), head.of(&totals.1));
        let some = match head.kind {
            TargetKind::Labels if metric == "f1" => sums.iter().any(|&sum| sum > 0.0),
            _ => known.iter().any(|&n| n > 0.0),
        };
        if !some {
            bail!(
                "training cannot go by {name}: no row of the set that selects the weights has a target of `{}` that it is \
                 defined for; choose another metric or split",
                head.name
            );
        }
    }
    Ok(())
}
