//! Stochastic gradient descent.

use super::{Prepare, WeightDecay, update};
use crate::Isa;

/// Settings of one step of stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// Momentum, if any.
    pub momentum: Option<Momentum>,
    /// Weight decay.
    pub decay: WeightDecay,
    /// Multiplies the gradient first.
    pub grad_scale: f64,
}

/// `v = factor * v + gain * g`, then `p -= rate * v`, or with Nesterov's look-ahead
/// `p -= rate * (factor * v + gain * g)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// How much of the velocity is kept.
    pub factor: f64,
    /// What the gradient counts in the velocity.
    pub gain: Gain,
    /// Whether to look ahead.
    pub nesterov: bool,
}

/// What a gradient counts in the velocity. The three agree, up to the scale of the velocity, as long as neither the
/// learning rate nor the momentum changes; [`Gain::Unit`] steps `1 - factor` times as far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gain {
    /// 1; the rate is the learning rate (PyTorch).
    Full,
    /// `1 - factor`; the rate is the learning rate (CNTK's unit-gain momentum).
    Unit,
    /// The learning rate; the rate is 1 (Keras).
    LearningRate,
}

impl Sgd {
    /// Updates `param` and `velocity`, which is there if and only if there is momentum and starts at zero.
    ///
    /// # Panics
    /// When the lengths differ, or momentum and velocity do not go together.
    pub fn step(&self, isa: Isa, param: &mut [f32], grad: &[f32], velocity: Option<&mut [f32]>) {
        let prepare = Prepare::new(self.decay, self.lr, self.grad_scale);
        match (self.momentum, velocity) {
            (None, None) => self.plain(isa, prepare, param, grad),
            (Some(m), Some(v)) => self.with_momentum(isa, prepare, m, param, grad, v),
            _ => panic!("velocity goes with momentum"),
        }
    }

    fn plain(&self, isa: Isa, prepare: Prepare, param: &mut [f32], grad: &[f32]) {
        let rate = self.lr as f32;
        update(
            isa,
            grad,
            [param],
            #[inline(always)]
            |g, [p]| {
                let (p, g) = prepare.apply(p, g);
                [p - rate * g]
            },
        );
    }

    fn with_momentum(&self, isa: Isa, prepare: Prepare, m: Momentum, param: &mut [f32], grad: &[f32], v: &mut [f32]) {
        let (gain, rate) = match m.gain {
            Gain::Full => (1.0, self.lr),
            Gain::Unit => (1.0 - m.factor, self.lr),
            Gain::LearningRate => (self.lr, 1.0),
        };
        let (factor, gain, rate) = (m.factor as f32, gain as f32, rate as f32);
        if m.nesterov {
            update(
                isa,
                grad,
                [param, v],
                #[inline(always)]
                |g, [p, v]| {
                    let (p, g) = prepare.apply(p, g);
                    let v = factor * v + gain * g;
                    [p - rate * (factor * v + gain * g), v]
                },
            );
        } else {
            update(
                isa,
                grad,
                [param, v],
                #[inline(always)]
                |g, [p, v]| {
                    let (p, g) = prepare.apply(p, g);
                    let v = factor * v + gain * g;
                    [p - rate * v, v]
                },
            );
        }
    }
}
