//! Knowledge distillation (Hinton et al., arXiv:1503.02531; MicroExpNet: Cugu et al., arXiv:1711.07011).

use anyhow::{Result, ensure};
use burn::tensor::{Tensor, TensorData};

use super::DistillationOptions;
use ferrotype_ops::{self as ops, Compute};

/// `(1 - lambda) hard + lambda [T^2] CE(q, softmax(z / T))`, where `hard` is the loss against the labels, `z` are the
/// student's logits and `q` is what the teachers say at temperature T.
///
/// The soft term is a cross-entropy, not a divergence: they differ by the teachers' entropy, which has no gradient. Its
/// gradient shrinks with `1 / T^2`; the factor `T^2` makes up for that (Hinton), and MicroExpNet's recipe has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distillation {
    temperature: f32,
    lambda: f32,
    factor: f32,
}

impl Distillation {
    /// The blend of these options.
    pub fn new(options: &DistillationOptions) -> Self {
        let temperature = options.temperature;
        let factor = if options.t_squared { temperature * temperature } else { 1.0 };
        Self { temperature, lambda: options.lambda, factor }
    }

    /// The loss of each example, `[batch]`, from that against the labels, the logits and what the teachers say, both
    /// `[batch, classes]`.
    ///
    /// # Errors
    /// When the teachers do not speak of every example and class.
    pub fn blend(&self, compute: Compute, hard: Tensor<1>, logits: Tensor<2>, soft: &[f32]) -> Result<Tensor<1>> {
        let [rows, classes] = logits.dims();
        ensure!(
            soft.len() == rows * classes,
            "{} teacher's values for {rows} examples of {classes} classes",
            soft.len()
        );
        let device = logits.device().inner();
        let soft = Tensor::<2>::from_data(TensorData::new(soft.to_vec(), [rows, classes]), &device);
        let soft = if logits.is_autodiff() { soft.autodiff() } else { soft };
        let taught = ops::cross_entropy(compute, logits.div_scalar(self.temperature), soft);
        Ok(hard.mul_scalar(1.0 - self.lambda) + taught.mul_scalar(self.lambda * self.factor))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_gradient};
    use super::super::{CrossEntropy, Objective};
    use super::*;

    /// A distillation with fixed teachers, so that it can be checked as any objective.
    #[derive(Debug)]
    struct Fixed(Distillation);

    impl Objective for Fixed {
        fn losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
            let hard = CrossEntropy { label_smoothing: 0.0 }.losses(compute, logits.clone(), targets);
            self.0.blend(compute, hard, logits, &[0.6, 0.3, 0.1, 0.1, 0.8, 0.1, 0.2, 0.3, 0.5]).unwrap()
        }
    }

    fn fixed(temperature: f32, lambda: f32, t_squared: bool) -> Fixed {
        Fixed(Distillation::new(&DistillationOptions { temperature, lambda, t_squared, ..Default::default() }))
    }

    // q = torch.tensor([[.6, .3, .1], [.1, .8, .1], [.2, .3, .5]])   (z, t as in cross_entropy.rs)
    // hard = F.cross_entropy(z, t, reduction="none"); soft = F.cross_entropy(z / 4, q, reduction="none")
    // .5 * hard + .5 * soft; .3 * hard + .7 * 16 * soft
    #[test]
    fn agrees_with_pytorch() {
        check(&fixed(4.0, 0.5, false), &EXPECTED[0]);
        check(&fixed(4.0, 0.7, true), &EXPECTED[1]);
    }

    #[test]
    fn with_a_lambda_of_0_it_is_cross_entropy() {
        check(&fixed(8.0, 0.0, true), &[0.241_311_3, 1.154_985_2, 1.098_612_3]);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&fixed(4.0, 0.7, true));
        check_gradient(&fixed(8.0, 0.5, false));
    }

    const EXPECTED: [[f32; 3]; 2] = [[0.636_880_1, 0.959_828_73, 1.098_612_3], [11.635_82, 8.910_826, 12.634_042]];
}
