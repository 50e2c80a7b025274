//! Losses of a model with heads: each head's own, over the targets that are known, and their weighted sum.

mod density;
mod options;
mod single;

use anyhow::{Result, anyhow, bail, ensure};
use burn::tensor::Tensor;
use ferrotype_base::targets::{Head, TargetKind};

use super::{CrossEntropyOptions, Objective};
use ferrotype_ops::Compute;

pub use density::{DensityLoss, LdsOptions, Reweight};
pub use options::{HeadLoss, HeadOptions, HuberOptions, LabelLossOptions, PositiveWeights};
pub use single::{BinaryLoss, CccLoss, ClassLoss, Penalty, ValueLoss};

/// A loss of one head.
pub trait MaskedLoss: Send + Sync + std::fmt::Debug {
    /// The loss of each example, `[batch]`, from outputs, targets and `known` (1 where a target is known, 0 where it is
    /// missing), all `[batch, columns]`. Their mean is the mean over the known targets of the batch; 0 where there are none.
    fn losses(&self, compute: Compute, outputs: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1>;
}

/// How much a column's targets weigh in training, counted over the training set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnTotals {
    /// Sum of the known targets of each of the model's outputs.
    pub sums: Vec<f64>,
    /// How many are known.
    pub known: Vec<f64>,
}

/// The weighted sum of the losses of a model's heads, side by side in its outputs.
#[derive(Debug)]
pub struct HeadsObjective {
    parts: Vec<(Head, f32, Box<dyn MaskedLoss>)>,
}

impl HeadsObjective {
    /// The losses that the heads' options ask for, in the order of the heads. `totals` are those of the training set; `values` gives
    /// the known targets of one of its columns, and is asked where a loss depends on how often they occur.
    ///
    /// # Errors
    /// When a loss does not fit the kind of the head's targets, or weights are not one per column.
    pub fn new(
        heads: &[Head],
        options: &[&HeadOptions],
        totals: &ColumnTotals,
        values: impl Fn(usize) -> Vec<f32>,
    ) -> Result<Self> {
        ensure!(heads.len() == options.len(), "{} heads and {} options", heads.len(), options.len());
        let mut parts = Vec::new();
        for (head, options) in heads.iter().zip(options) {
            parts.push((head.clone(), options.weight, build(head, options, totals, &values)?));
        }
        Ok(Self { parts })
    }
}

impl Objective for HeadsObjective {
    fn losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let known = targets.ones_like();
        self.masked_losses(compute, logits, targets, known)
    }

    fn masked_losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        let mut sum: Option<Tensor<1>> = None;
        for (head, weight, loss) in &self.parts {
            let part = |t: &Tensor<2>| t.clone().narrow(1, head.start, head.columns.len());
            let own = loss.losses(compute, part(&logits), part(&targets), part(&known)).mul_scalar(*weight);
            sum = Some(match sum {
                Some(sum) => sum + own,
                None => own,
            });
        }
        sum.unwrap_or_else(|| logits.sum_dim(1).mul_scalar(0.0).squeeze_dim(1))
    }
}

fn build(
    head: &Head,
    options: &HeadOptions,
    totals: &ColumnTotals,
    values: &impl Fn(usize) -> Vec<f32>,
) -> Result<Box<dyn MaskedLoss>> {
    let (name, kind) = (&head.name, &head.kind);
    let loss = options.loss.clone().unwrap_or_else(|| HeadLoss::usual(kind));
    let sums = head.of(&totals.sums);
    let known = head.of(&totals.known);
    if let (Some(lds), TargetKind::Continuous { range, .. }) = (&options.lds, kind) {
        let columns: Vec<Vec<f32>> = head.range().map(values).collect();
        let penalty = loss.penalty().ok_or_else(|| {
            anyhow!("heads.{name}.lds weighs single values; its loss is {}: expected mse, mae or huber", loss.as_str())
        })?;
        return Ok(Box::new(DensityLoss::new(penalty, lds, *range, &columns)));
    }
    ensure!(
        options.lds.is_none(),
        "heads.{name}.lds is for continuous values, and its targets are {}",
        kind.describe()
    );
    Ok(match (&loss, kind) {
        (HeadLoss::CrossEntropy(o), kind) if kind.has_classes() => Box::new(class_loss(name, o, sums)?),
        (HeadLoss::BinaryCrossEntropy(o), TargetKind::Labels) => {
            Box::new(BinaryLoss { positive_weights: positive_weights(name, o, sums, known)? })
        }
        (HeadLoss::Mse, TargetKind::Continuous { .. }) => Box::new(ValueLoss(Penalty::Squared)),
        (HeadLoss::Mae, TargetKind::Continuous { .. }) => Box::new(ValueLoss(Penalty::Absolute)),
        (HeadLoss::Huber(o), TargetKind::Continuous { .. }) => Box::new(ValueLoss(Penalty::Huber(o.delta))),
        (HeadLoss::Ccc, TargetKind::Continuous { .. }) => Box::new(CccLoss),
        (loss, kind) => bail!(
            "heads.{name}.loss is {}, which is not for {}; {} would be",
            loss.as_str(),
            kind.describe(),
            HeadLoss::fitting(kind)
        ),
    })
}

fn class_loss(head: &str, options: &CrossEntropyOptions, mass: &[f64]) -> Result<ClassLoss> {
    let at = format!("heads.{head}.loss.cross_entropy.class_weights");
    let weights = options.class_weights.resolve(&at, mass)?;
    Ok(ClassLoss { label_smoothing: options.label_smoothing, class_weights: weights })
}

fn positive_weights(head: &str, options: &LabelLossOptions, sums: &[f64], known: &[f64]) -> Result<Vec<f32>> {
    Ok(match &options.positive_weights {
        PositiveWeights::None => vec![1.0; sums.len()],
        // A label that nobody has cannot be weighted up.
        PositiveWeights::Balanced => {
            let weight = |(&there, &all): (&f64, &f64)| if there > 0.0 { ((all - there) / there) as f32 } else { 1.0 };
            sums.iter().zip(known).map(weight).map(|w| if w > 0.0 { w } else { 1.0 }).collect()
        }
        PositiveWeights::Given(weights) => {
            let at = format!("heads.{head}.loss.binary_cross_entropy.positive_weights");
            ensure!(weights.len() == sums.len(), "{at} gives {} weights for {} labels", weights.len(), sums.len());
            let bad = weights.iter().find(|w| !w.is_finite() || **w <= 0.0);
            ensure!(bad.is_none(), "{at} has the weight {}; weights are above 0", bad.copied().unwrap_or_default());
            weights.clone()
        }
    })
}

#[cfg(test)]
mod tests;
