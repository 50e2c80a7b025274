//! What is minimised: losses of logits against target distributions.
//!
//! A new objective is one file with an [`Objective`], one variant of [`ObjectiveOptions`] and one line in
//! [`ObjectiveOptions::build`].

mod arc_face;
mod binary_cross_entropy;
mod center_loss;
mod cross_entropy;
mod distillation;
mod focal;
mod heads;
mod multi_target;
mod options;
mod reconstruction;

use anyhow::Result;
use burn::tensor::Tensor;

use ferrotype_ops::Compute;

pub use arc_face::ArcFace;
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use center_loss::CenterLoss;
pub use cross_entropy::CrossEntropy;
pub use distillation::Distillation;
pub use focal::Focal;
pub use heads::{
    BinaryLoss, CccLoss, ClassLoss, ColumnTotals, DensityLoss, HeadLoss, HeadOptions, HeadsObjective, HuberOptions,
    LabelLossOptions, LdsOptions, MaskedLoss, Penalty, PositiveWeights, Reweight, ValueLoss,
};
pub use multi_target::MultiTarget;
pub use options::{
    ArcFaceOptions, Average, BinaryCrossEntropyOptions, CenterLossOptions, ClassWeights, CrossEntropyOptions,
    DistillationOptions, FocalOptions, MultiTargetOptions, ObjectiveOptions, Signal,
};
pub use reconstruction::Reconstruction;

/// A loss of logits against target distributions.
pub trait Objective: Send + Sync + std::fmt::Debug {
    /// The loss of each example, `[batch]`, from logits and targets, both `[batch, classes]`.
    fn losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1>;

    /// As [`losses`](Self::losses), where some targets are missing: `known`, of the same shape, is 1 where a target is known
    /// and 0 where it is not. An objective of one distribution leaves out the examples whose distribution is not known.
    fn masked_losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        let rows = logits.dims()[0];
        self.losses(compute, logits, targets) * known.min_dim(1).reshape([rows])
    }
}

impl ObjectiveOptions {
    /// The objective with these options; of distillation and centre loss, its part against the labels.
    pub fn build(&self) -> Box<dyn Objective> {
        match self {
            Self::CrossEntropy(o) => Box::new(CrossEntropy { label_smoothing: o.label_smoothing }),
            Self::Focal(o) => Box::new(Focal { gamma: o.gamma }),
            Self::MultiTarget(_) => Box::new(MultiTarget),
            Self::BinaryCrossEntropy(_) => Box::new(BinaryCrossEntropy),
            Self::ArcFace(o) => {
                Box::new(ArcFace { margin: o.margin, scale: o.scale, label_smoothing: o.label_smoothing })
            }
            Self::CenterLoss(o) => Box::new(CrossEntropy { label_smoothing: o.hard.label_smoothing }),
            Self::Distillation(o) => Box::new(CrossEntropy { label_smoothing: o.hard.label_smoothing }),
        }
    }

    /// What the network's cosines are multiplied by, where its classifier is one of directions.
    pub fn cosine_scale(&self) -> Option<f32> {
        match self {
            Self::ArcFace(o) => Some(o.scale),
            _ => None,
        }
    }

    /// The options of centre loss, where features are drawn to centres beside the objective of [`ObjectiveOptions::build`].
    pub fn center_loss(&self) -> Option<&CenterLossOptions> {
        match self {
            Self::CenterLoss(o) => Some(o),
            _ => None,
        }
    }

    /// The options of distillation, where teachers are listened to beside the objective of [`ObjectiveOptions::build`].
    pub fn distillation(&self) -> Option<&DistillationOptions> {
        match self {
            Self::Distillation(o) => Some(o),
            _ => None,
        }
    }

    /// How examples are weighted by class.
    fn class_weights(&self) -> &ClassWeights {
        match self {
            Self::CrossEntropy(o) => &o.class_weights,
            Self::Focal(o) => &o.class_weights,
            Self::MultiTarget(_) => &ClassWeights::None,
            Self::BinaryCrossEntropy(o) => &o.class_weights,
            Self::ArcFace(o) => &o.class_weights,
            Self::CenterLoss(o) => &o.hard.class_weights,
            Self::Distillation(o) => &o.hard.class_weights,
        }
    }

    /// The weight of each class, from the mass of each class in the training targets.
    ///
    /// # Errors
    /// When the experiment gives another number of weights than there are classes, or a negative one.
    pub fn weights(&self, class_mass: &[f64]) -> Result<Vec<f32>> {
        self.class_weights().resolve("objective.class_weights", class_mass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    const LOGITS: [f32; 9] = [2.0, -1.0, 0.5, 0.0, 3.0, -2.0, 1.0, 1.0, 1.0];
    const TARGETS: [f32; 9] = [1.0, 0.0, 0.0, 0.2, 0.7, 0.1, 0.0, 0.5, 0.5];

    fn tensor(values: &[f32], device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [3, 3]), device)
    }

    fn losses(objective: &dyn Objective, logits: &[f32]) -> Vec<f32> {
        let device = crate::device::tested();
        objective
            .losses(Compute::Burn, tensor(logits, &device), tensor(&TARGETS, &device))
            .into_data()
            .try_to_vec()
            .unwrap()
    }

    /// Compares the losses of three fixed examples with known numbers.
    pub(super) fn check(objective: &dyn Objective, expected: &[f32]) {
        for (got, want) in losses(objective, &LOGITS).iter().zip(expected) {
            assert!((got - want).abs() < 1e-5, "{objective:?}: {got} instead of {want}");
        }
    }

    /// Compares the gradient of the summed losses with central differences.
    pub(super) fn check_gradient(objective: &dyn Objective) {
        let device = crate::device::tested().autodiff();
        let logits = tensor(&LOGITS, &device).require_grad();
        let grads = objective.losses(Compute::Burn, logits.clone(), tensor(&TARGETS, &device)).sum().backward();
        let gradient: Vec<f32> = logits.grad(&grads).unwrap().into_data().try_to_vec().unwrap();
        // Row 2 has three equal logits, where the multi-target maximum has a corner: it is left out.
        for i in 0..6 {
            let at = |d: f32| {
                let mut z = LOGITS;
                z[i] += d;
                losses(objective, &z).iter().map(|&v| f64::from(v)).sum::<f64>()
            };
            let difference = (at(5e-3) - at(-5e-3)) / 1e-2;
            assert!(
                (f64::from(gradient[i]) - difference).abs() < 1e-3,
                "{objective:?} {i}: {} {difference}",
                gradient[i]
            );
        }
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", classes=[0,1,2], y=[0]*6+[1]*3+[2])
        let options = ObjectiveOptions::CrossEntropy(CrossEntropyOptions {
            class_weights: ClassWeights::Balanced,
            ..Default::default()
        });
        let weights = options.weights(&[6.0, 3.0, 1.0]).unwrap();
        for (w, e) in weights.iter().zip([0.555_555_6, 1.111_111, 3.333_333]) {
            assert!((w - e).abs() < 1e-6);
        }
    }

    #[test]
    fn a_wrong_number_of_weights_is_refused() {
        let options = ObjectiveOptions::Focal(FocalOptions {
            class_weights: ClassWeights::Given(vec![1.0]),
            ..Default::default()
        });
        assert!(options.weights(&[1.0, 1.0]).unwrap_err().to_string().contains("1 weights"));
    }
}
