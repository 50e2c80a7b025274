//! ArcFace's additive angular margin.

use burn::tensor::Tensor;

use super::{CrossEntropy, Objective};
use ferrotype_ops::Compute;

/// Cross-entropy of cosines with a margin (Deng et al., ArcFace, arXiv:1801.07698): logits are `scale * cos(angle_k)`, and for the
/// class that the target names most `cos(angle + margin)` takes the place of the cosine. Beyond `pi - margin`, where that would
/// rise again, it goes on as `cos(angle) - margin * sin(margin)`, as in the authors' code. Where several classes share the largest
/// target, each has the margin. Scores and predictions are made of the cosines without it.
#[derive(Clone, Debug)]
pub struct ArcFace {
    /// The margin in radians.
    pub margin: f32,
    /// What the logits are cosines times.
    pub scale: f32,
    /// Fraction of the target spread evenly over all classes.
    pub label_smoothing: f32,
}

/// The sine is kept off zero, where the root's derivative does not exist.
const LEAST_SQUARE: f32 = 1e-10;

impl Objective for ArcFace {
    fn losses(&self, compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let (sin, cos) = self.margin.sin_cos();
        let cosine = logits.div_scalar(self.scale);
        let sine = cosine.clone().powi_scalar(2).neg().add_scalar(1.0).clamp_min(LEAST_SQUARE).sqrt();
        let turned = cosine.clone().mul_scalar(cos) - sine.mul_scalar(sin);
        let beyond = cosine.clone().lower_equal_elem(-cos);
        let turned = turned.mask_where(beyond, cosine.clone().sub_scalar(self.margin * sin));
        let named = targets.clone().equal(targets.clone().max_dim(1).expand(targets.dims()));
        let with_margin = cosine.mask_where(named, turned).mul_scalar(self.scale);
        CrossEntropy { label_smoothing: self.label_smoothing }.losses(compute, with_margin, targets)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_gradient};
    use super::*;

    fn margin(margin: f32, label_smoothing: f32) -> ArcFace {
        ArcFace { margin, scale: 4.0, label_smoothing }
    }

    // c = z / 4; s = torch.sqrt(1 - c ** 2); turned = c * math.cos(m) - s * math.sin(m)
    // turned = torch.where(c > math.cos(math.pi - m), turned, c - math.sin(math.pi - m) * m)
    // named = (t == t.max(1, keepdim=True).values).float()
    // F.cross_entropy(4 * (named * turned + (1 - named) * c), t, reduction="none", label_smoothing=e)
    #[test]
    fn agrees_with_pytorch() {
        check(&margin(0.5, 0.0), &EXPECTED[0]);
        check(&margin(2.2, 0.1), &EXPECTED[1]);
    }

    #[test]
    fn without_a_margin_it_is_cross_entropy() {
        check(&margin(0.0, 0.0), &[0.241_311_3, 1.154_985_2, 1.098_612_3]);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&margin(0.5, 0.1));
        check_gradient(&margin(2.2, 0.0));
    }

    const EXPECTED: [[f32; 3]; 2] = [[1.042_030_6, 0.864_045_7, 2.223_231_3], [5.494_838, 2.981_227, 6.879_234]];
}
