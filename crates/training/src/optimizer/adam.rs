//! Adam and AdamW.

use burn::tensor::Tensor;
use ferrotype_kernels::optim::{self, AdamEpsilon, WeightDecay};

use super::super::options::{AdamOptions, Form};
use super::{Rule, Update, decayed};
use ferrotype_ops as ops;

/// Adam (Kingma and Ba, arXiv:1412.6980), and AdamW (arXiv:1711.05101) when `decoupled`.
pub struct Adam {
    options: AdamOptions,
    decoupled: bool,
}

impl Adam {
    pub(super) fn new(options: &AdamOptions, decoupled: bool) -> Self {
        Self { options: options.clone(), decoupled }
    }
}

impl Adam {
    fn native(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        u: Update,
    ) -> Result<Tensor<1>, (Tensor<1>, Tensor<1>)> {
        let o = &self.options;
        let step = optim::Adam {
            lr: u.lr,
            beta1: o.beta1,
            beta2: o.beta2,
            eps: o.eps,
            epsilon: if o.form == Form::Keras { AdamEpsilon::Hat } else { AdamEpsilon::Corrected },
            decay: if self.decoupled { WeightDecay::Decoupled(u.decay) } else { WeightDecay::Coupled(u.decay) },
            grad_scale: u.scale,
        };
        ops::in_place(u.compute, weight, gradient, slots, |isa, w, g, memory| {
            let [m, v] = memory else { unreachable!("Adam has two slots") };
            step.step(isa, u.step, w, g, m, v);
        })
    }
}

impl Rule for Adam {
    fn slots(&self) -> &'static [&'static str] {
        &["first_moment", "second_moment"]
    }

    fn is_decoupled(&self) -> bool {
        self.decoupled
    }

    fn update(&self, weight: Tensor<1>, gradient: Tensor<1>, slots: &mut [Tensor<1>], update: Update) -> Tensor<1> {
        let (weight, gradient) = match self.native(weight, gradient, slots, update) {
            Ok(weight) => return weight,
            Err(untouched) => untouched,
        };
        let o = &self.options;
        let gradient = decayed(&weight, gradient, update, if self.decoupled { 0.0 } else { update.decay });
        let weight = match self.decoupled && update.decay != 0.0 {
            true => weight.mul_scalar((1.0 - update.lr * update.decay) as f32),
            false => weight,
        };
        let [m, v] = slots else { unreachable!("Adam has two slots") };
        *m = m.clone().mul_scalar(o.beta1 as f32) + gradient.clone().mul_scalar((1.0 - o.beta1) as f32);
        *v = v.clone().mul_scalar(o.beta2 as f32) + gradient.clone().mul_scalar((1.0 - o.beta2) as f32) * gradient;
        let t = update.step as f64;
        let (c1, c2) = (1.0 - o.beta1.powf(t), 1.0 - o.beta2.powf(t));
        let (rate, denominator) = match o.form {
            Form::Pytorch => (update.lr / c1, v.clone().sqrt().div_scalar(c2.sqrt() as f32)),
            Form::Keras => (update.lr * c2.sqrt() / c1, v.clone().sqrt()),
        };
        weight - m.clone().mul_scalar(rate as f32) / denominator.add_scalar(o.eps as f32)
    }
}
