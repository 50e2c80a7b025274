//! Adam and AdamW.

use super::{Prepare, WeightDecay, update};
use crate::Isa;

/// Settings of one step of Adam; with [`WeightDecay::Decoupled`], of AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Keeps the denominator from zero.
    pub eps: f64,
    /// Where `eps` goes.
    pub epsilon: AdamEpsilon,
    /// Weight decay.
    pub decay: WeightDecay,
    /// Multiplies the gradient first.
    pub grad_scale: f64,
}

/// Whether `eps` is added before or after the bias correction of the second moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdamEpsilon {
    /// After: `lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)`, as in the paper's algorithm and PyTorch.
    Corrected,
    /// Before: `lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)`, the paper's "epsilon hat" and Keras.
    Hat,
}

impl Adam {
    /// Updates `param` and the moments, which start at zero. `t` counts the steps from 1.
    ///
    /// # Panics
    /// When the lengths differ or `t` is 0.
    pub fn step(&self, isa: Isa, t: u64, param: &mut [f32], grad: &[f32], first: &mut [f32], second: &mut [f32]) {
        assert!(t > 0, "steps count from 1");
        let prepare = Prepare::new(self.decay, self.lr, self.grad_scale);
        let correction1 = 1.0 - self.beta1.powf(t as f64);
        let correction2 = (1.0 - self.beta2.powf(t as f64)).sqrt();
        let (rate, root_scale) = match self.epsilon {
            AdamEpsilon::Corrected => (self.lr / correction1, 1.0 / correction2),
            AdamEpsilon::Hat => (self.lr * correction2 / correction1, 1.0),
        };
        let (rate, root_scale, eps) = (rate as f32, root_scale as f32, self.eps as f32);
        let (new1, beta2, new2) = ((1.0 - self.beta1) as f32, self.beta2 as f32, (1.0 - self.beta2) as f32);
        update(
            isa,
            grad,
            [param, first, second],
            #[inline(always)]
            |g, [p, m, v]| {
                let (p, g) = prepare.apply(p, g);
                let m = m + new1 * (g - m);
                let v = beta2 * v + new2 * (g * g);
                [p - rate * (m / (v.sqrt() * root_scale + eps)), m, v]
            },
        );
    }
}
