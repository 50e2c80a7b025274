//! Cross-entropy of softmax against a target distribution.

use burn::tensor::Tensor;

use super::Objective;
use ferrotype_ops::{self as ops, Compute};

/// `-sum_c t'_c log p_c`, where `t' = (1 - s) t + s / classes` for a label smoothing of `s`
/// (Szegedy et al., arXiv:1512.00567).
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// Fraction of the target spread evenly over all classes, in [0, 1).
    pub label_smoothing: f32,
}

impl Objective for CrossEntropy {
    fn losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let classes = logits.dims()[1];
        let targets = match self.label_smoothing {
            0.0 => targets,
            s => targets.mul_scalar(1.0 - s).add_scalar(s / classes as f32),
        };
        ops::cross_entropy(compute, logits, targets)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_gradient};
    use super::*;

    // import torch, torch.nn.functional as F
    // z = torch.tensor([[2., -1., .5], [0., 3., -2.], [1., 1., 1.]]); t = torch.tensor([[1., 0, 0], [.2, .7, .1], [0, .5, .5]])
    // F.cross_entropy(z, t, reduction="none"); F.cross_entropy(z, t, reduction="none", label_smoothing=.1)
    #[test]
    fn agrees_with_pytorch() {
        check(&CrossEntropy { label_smoothing: 0.0 }, &[0.241_311_3, 1.154_985_2, 1.098_612_3]);
        check(&CrossEntropy { label_smoothing: 0.1 }, &[0.391_311_3, 1.311_652, 1.098_612_3]);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&CrossEntropy { label_smoothing: 0.1 });
    }
}
