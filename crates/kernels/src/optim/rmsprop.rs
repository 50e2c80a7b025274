//! RMSprop.

use super::{Prepare, WeightDecay, update};
use crate::Isa;

/// Settings of one step of RMSprop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean square.
    pub rho: f64,
    /// Keeps the denominator from zero.
    pub eps: f64,
    /// Whose arithmetic to follow.
    pub style: RmsPropStyle,
    /// Momentum; 0 for none.
    pub momentum: f64,
    /// Weight decay.
    pub decay: WeightDecay,
    /// Multiplies the gradient first.
    pub grad_scale: f64,
}

/// Where `eps` and the learning rate go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RmsPropStyle {
    /// `b = momentum * b + g / (sqrt(s) + eps)`, then `p -= lr * b`.
    PyTorch,
    /// `b = momentum * b + lr * g / sqrt(s + eps)`, then `p -= b`.
    Keras,
}

impl RmsProp {
    /// Updates `param`, the mean square `square` and the momentum's `buffer`, which is there if and only if momentum
    /// is not 0. Both start at zero.
    ///
    /// # Panics
    /// When the lengths differ, or momentum and buffer do not go together.
    pub fn step(&self, isa: Isa, param: &mut [f32], grad: &[f32], square: &mut [f32], buffer: Option<&mut [f32]>) {
        assert_eq!(self.momentum != 0.0, buffer.is_some(), "the buffer goes with momentum");
        match self.style {
            RmsPropStyle::PyTorch => {
                let eps = self.eps as f32;
                self.run(isa, 1.0, self.lr, param, grad, square, buffer, move |s| s.sqrt() + eps);
            }
            RmsPropStyle::Keras => {
                let eps = self.eps as f32;
                self.run(isa, self.lr, 1.0, param, grad, square, buffer, move |s| (s + eps).sqrt());
            }
        }
    }

    /// `b = momentum * b + gain * g / root(s)`, then `p -= rate * b`.
    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    #[inline(always)]
    fn run(
        &self,
        isa: Isa,
        gain: f64,
        rate: f64,
        param: &mut [f32],
        grad: &[f32],
        square: &mut [f32],
        buffer: Option<&mut [f32]>,
        root: impl Fn(f32) -> f32 + Send + Sync,
    ) {
        let prepare = Prepare::new(self.decay, self.lr, self.grad_scale);
        let (rho, new) = (self.rho as f32, (1.0 - self.rho) as f32);
        let (gain, rate, momentum) = (gain as f32, rate as f32, self.momentum as f32);
        match buffer {
            None => update(
                isa,
                grad,
                [param, square],
                #[inline(always)]
                |g, [p, s]| {
                    let (p, g) = prepare.apply(p, g);
                    let s = rho * s + new * (g * g);
                    [p - rate * (gain * g / root(s)), s]
                },
            ),
            Some(buffer) => update(
                isa,
                grad,
                [param, square, buffer],
                #[inline(always)]
                |g, [p, s, b]| {
                    let (p, g) = prepare.apply(p, g);
                    let s = rho * s + new * (g * g);
                    let b = momentum * b + gain * g / root(s);
                    [p - rate * b, s, b]
                },
            ),
        }
    }
}
