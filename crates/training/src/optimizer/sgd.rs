//! Stochastic gradient descent.

use burn::tensor::Tensor;
use ferrotype_kernels::optim::{self, Gain, Momentum, WeightDecay};

use super::super::options::SgdOptions;
use super::{Rule, Update, decayed};
use ferrotype_ops as ops;

/// `b = mu b + g; w -= lr b`, with `g + mu b` for `b` in Nesterov's form, and `(1 - mu) g` for `g` in CNTK's
/// unit-gain form. PyTorch starts with `b = g`, which is `mu 0 + g`.
pub struct Sgd {
    momentum: f64,
    nesterov: bool,
    gain: f64,
}

impl Sgd {
    pub(super) fn new(o: &SgdOptions) -> Self {
        let gain = if o.unit_gain { 1.0 - o.momentum } else { 1.0 };
        Self { momentum: o.momentum, nesterov: o.nesterov, gain }
    }
}

impl Sgd {
    fn native(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        u: Update,
    ) -> Result<Tensor<1>, (Tensor<1>, Tensor<1>)> {
        let gain = if self.gain == 1.0 { Gain::Full } else { Gain::Unit };
        let momentum = Momentum { factor: self.momentum, gain, nesterov: self.nesterov };
        let step = optim::Sgd {
            lr: u.lr,
            momentum: (self.momentum != 0.0).then_some(momentum),
            decay: WeightDecay::Coupled(u.decay),
            grad_scale: u.scale,
        };
        ops::in_place(u.compute, weight, gradient, slots, |isa, w, g, m| {
            step.step(isa, w, g, m.first_mut().map(|v| &mut **v));
        })
    }
}

impl Rule for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum"] }
    }

    fn update(&self, weight: Tensor<1>, gradient: Tensor<1>, slots: &mut [Tensor<1>], update: Update) -> Tensor<1> {
        let (weight, gradient) = match self.native(weight, gradient, slots, update) {
            Ok(weight) => return weight,
            Err(untouched) => untouched,
        };
        let gradient = decayed(&weight, gradient, update, update.decay);
        let Some(buffer) = slots.first_mut() else {
            return weight - gradient.mul_scalar(update.lr as f32);
        };
        let gradient = if self.gain == 1.0 { gradient } else { gradient.mul_scalar(self.gain as f32) };
        let mu = self.momentum as f32;
        *buffer = buffer.clone().mul_scalar(mu) + gradient.clone();
        let direction = if self.nesterov { gradient + buffer.clone().mul_scalar(mu) } else { buffer.clone() };
        weight - direction.mul_scalar(update.lr as f32)
    }
}
