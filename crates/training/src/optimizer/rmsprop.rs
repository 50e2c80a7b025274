//! RMSprop.

use burn::tensor::Tensor;
use ferrotype_kernels::optim::{self, RmsPropStyle, WeightDecay};

use super::super::options::{Form, RmspropOptions};
use super::{Rule, Update, decayed};
use ferrotype_ops as ops;

/// RMSprop (Hinton's lecture 6e), with momentum of the scaled gradient as in PyTorch and Keras (not centred).
/// Keras multiplies the rate into the momentum buffer, PyTorch into the step: with a constant rate they agree.
pub struct Rmsprop {
    options: RmspropOptions,
}

impl Rmsprop {
    pub(super) fn new(options: &RmspropOptions) -> Self {
        Self { options: options.clone() }
    }
}

impl Rmsprop {
    fn native(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        u: Update,
    ) -> Result<Tensor<1>, (Tensor<1>, Tensor<1>)> {
        let o = &self.options;
        let step = optim::RmsProp {
            lr: u.lr,
            rho: o.alpha,
            momentum: o.momentum,
            eps: o.eps,
            style: if o.form == Form::Keras { RmsPropStyle::Keras } else { RmsPropStyle::PyTorch },
            decay: WeightDecay::Coupled(u.decay),
            grad_scale: u.scale,
        };
        ops::in_place(u.compute, weight, gradient, slots, |isa, w, g, memory| {
            let (square, buffer) = memory.split_first_mut().expect("RMSprop has a mean square");
            step.step(isa, w, g, square, buffer.first_mut().map(|b| &mut **b));
        })
    }
}

impl Rule for Rmsprop {
    fn slots(&self) -> &'static [&'static str] {
        if self.options.momentum == 0.0 { &["mean_square"] } else { &["mean_square", "momentum"] }
    }

    fn update(&self, weight: Tensor<1>, gradient: Tensor<1>, slots: &mut [Tensor<1>], update: Update) -> Tensor<1> {
        let (weight, gradient) = match self.native(weight, gradient, slots, update) {
            Ok(weight) => return weight,
            Err(untouched) => untouched,
        };
        let o = &self.options;
        let (rate, eps) = (update.lr as f32, o.eps as f32);
        let gradient = decayed(&weight, gradient, update, update.decay);
        let squares = gradient.clone().mul_scalar((1.0 - o.alpha) as f32) * gradient.clone();
        slots[0] = slots[0].clone().mul_scalar(o.alpha as f32) + squares;
        let denominator = match o.form {
            Form::Pytorch => slots[0].clone().sqrt().add_scalar(eps),
            Form::Keras => slots[0].clone().add_scalar(eps).sqrt(),
        };
        let mut direction = gradient / denominator;
        if let Some(buffer) = slots.get_mut(1) {
            match o.form {
                Form::Pytorch => {
                    *buffer = buffer.clone().mul_scalar(o.momentum as f32) + direction;
                    direction = buffer.clone();
                }
                Form::Keras => {
                    *buffer = buffer.clone().mul_scalar(o.momentum as f32) + direction.mul_scalar(rate);
                    return weight - buffer.clone();
                }
            }
        }
        weight - direction.mul_scalar(rate)
    }
}
