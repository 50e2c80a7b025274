//! Focal loss.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::Objective;
use ferrotype_ops::Compute;

/// `-sum_c t_c (1 - p_c)^gamma log p_c` (Lin et al., arXiv:1708.02002, with soft targets).
#[derive(Clone, Debug)]
pub struct Focal {
    /// How strongly well-classified examples are discounted.
    pub gamma: f32,
}

impl Objective for Focal {
    fn losses(&self, _compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let rows = logits.dims()[0];
        let log_p = log_softmax(logits, 1);
        // 1 - p is kept off zero, where the power's derivative does not exist for gamma < 1.
        let rest = log_p.clone().exp().neg().add_scalar(1.0).clamp_min(1e-7);
        (log_p * targets * rest.powf_scalar(self.gamma)).sum_dim(1).neg().reshape([rows])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_gradient};
    use super::*;

    // p = torch.softmax(z, 1); (-(t * (1 - p) ** 2 * torch.log(p))).sum(1)   (z, t as in cross_entropy.rs)
    #[test]
    fn agrees_with_pytorch() {
        check(&Focal { gamma: 2.0 }, &[0.011_092_75, 1.053_951, 0.488_272_13]);
    }

    #[test]
    fn without_discount_it_is_cross_entropy() {
        check(&Focal { gamma: 0.0 }, &[0.241_311_3, 1.154_985_2, 1.098_612_3]);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&Focal { gamma: 2.0 });
    }
}
