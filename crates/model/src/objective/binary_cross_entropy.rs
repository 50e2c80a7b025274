//! Binary cross-entropy of each class's probability, as Keras computes it for a softmax layer.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::Objective;
use ferrotype_ops::Compute;

/// How far Keras keeps probabilities from 0 and 1 (`K.epsilon()`).
const EPSILON: f32 = 1e-7;

/// `-mean_c(t_c log p_c + (1 - t_c) log(1 - p_c))` with the softmax probabilities `p`, held in [1e-7, 1 - 1e-7]: Keras'
/// `binary_crossentropy` on a softmax output, which Emotion-Detection-use-case trains with. Each class is asked by itself although the
/// probabilities sum to 1, so it is a weaker teacher than cross-entropy: with k classes, a right answer of no confidence
/// already costs little.
#[derive(Clone, Debug)]
pub struct BinaryCrossEntropy;

impl Objective for BinaryCrossEntropy {
    fn losses(&self, _compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let rows = logits.dims()[0];
        let p = log_softmax(logits, 1).exp().clamp(EPSILON, 1.0 - EPSILON);
        let yes = targets.clone() * p.clone().log();
        let no = targets.neg().add_scalar(1.0) * p.neg().add_scalar(1.0).log();
        (yes + no).mean_dim(1).neg().reshape([rows])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_gradient};
    use super::*;

    // p = torch.softmax(z, 1).clamp(1e-7, 1 - 1e-7)   (z, t as in cross_entropy.rs)
    // F.binary_cross_entropy(p, t, reduction="none").mean(1)
    #[test]
    fn agrees_with_pytorch() {
        check(&BinaryCrossEntropy, &EXPECTED);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&BinaryCrossEntropy);
    }

    const EXPECTED: [f32; 3] = [0.157_977_76, 0.692_592_2, 0.636_514_2];
}
