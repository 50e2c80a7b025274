//! Optimizers over flat parameters.
//!
//! A new optimizer is one file with a [`Rule`], one variant of `OptimizerOptions` and one line in [`Optimizer::new`].

mod adam;
mod rmsprop;
mod sgd;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use burn::tensor::{Device, Tensor, TensorData};

use super::options::OptimizerOptions;
use ferrotype_ops::Compute;

/// What one update of one parameter is told.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Learning rate of this parameter at this step.
    pub lr: f64,
    /// Weight decay of this parameter: `decay * w` is added to the gradient, or taken off apart from it (AdamW).
    pub decay: f64,
    /// What the gradient is multiplied with first: one over the examples' weight, and clipping.
    pub scale: f64,
    /// Optimizer steps so far, this one included: 1, 2, ...
    pub step: u64,
    /// Whose code computes: the native kernels take one pass over everything, in place.
    pub compute: Compute,
}

/// The arithmetic of an optimizer for one parameter.
pub trait Rule: Send {
    /// Names of the tensors kept per parameter, each as long as the parameter and zero at first.
    fn slots(&self) -> &'static [&'static str];

    /// Whether the decay is apart from the gradient.
    fn is_decoupled(&self) -> bool {
        false
    }

    /// The parameter after one step; `slots` are updated.
    fn update(&self, weight: Tensor<1>, gradient: Tensor<1>, slots: &mut [Tensor<1>], update: Update) -> Tensor<1>;
}

/// An optimizer with what it remembers of each parameter.
pub struct Optimizer {
    rule: Box<dyn Rule>,
    names: Vec<String>,
    slots: Vec<Vec<Tensor<1>>>,
    step: u64,
    /// Per parameter: the steps it took no part in, being frozen.
    missed: Vec<u64>,
    compute: Compute,
}

impl Optimizer {
    /// A fresh optimizer for parameters of these names and lengths.
    pub fn new(options: &OptimizerOptions, parameters: &[(String, usize)], device: &Device) -> Self {
        let rule: Box<dyn Rule> = match options {
            OptimizerOptions::Sgd(o) => Box::new(sgd::Sgd::new(o)),
            OptimizerOptions::Adam(o) => Box::new(adam::Adam::new(o, false)),
            OptimizerOptions::Adamw(o) => Box::new(adam::Adam::new(o, true)),
            OptimizerOptions::Rmsprop(o) => Box::new(rmsprop::Rmsprop::new(o)),
        };
        let zeros = |&(_, n): &(String, usize)| rule.slots().iter().map(|_| Tensor::zeros([n], device)).collect();
        let slots = parameters.iter().map(zeros).collect();
        Self {
            rule,
            names: parameters.iter().map(|(n, _)| n.clone()).collect(),
            slots,
            step: 0,
            missed: vec![0; parameters.len()],
            compute: Compute::Burn,
        }
    }

    /// The optimizer, computed by the given code.
    pub fn with_compute(mut self, compute: Compute) -> Self {
        self.compute = compute;
        self
    }

    /// Optimizer steps so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Begins the next step: call once before the parameters' [`Optimizer::update`]s.
    pub fn advance(&mut self) {
        self.step += 1;
    }

    /// Gradient and decay with a regulariser whose gradient is `coefficient * weight`. It is part of the loss, so it goes with a
    /// decay that is added to the gradient, and into the gradient where the decay is apart from it. `scale` is what the gradient
    /// will be multiplied by.
    pub fn regularised(
        &self,
        weight: &Tensor<1>,
        gradient: Tensor<1>,
        decay: f64,
        coefficient: f64,
        scale: f64,
    ) -> (Tensor<1>, f64) {
        match coefficient != 0.0 && self.rule.is_decoupled() {
            true => (gradient + weight.clone().mul_scalar((coefficient / scale) as f32), decay),
            false => (gradient, decay + coefficient),
        }
    }

    /// Updates parameter `index`.
    pub fn update(
        &mut self,
        index: usize,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        lr: f64,
        decay: f64,
        scale: f64,
    ) -> Tensor<1> {
        // A parameter that was frozen begins with its first step, as in PyTorch: Adam's moments are corrected by it.
        let step = self.step - self.missed[index];
        let update = Update { lr, decay, scale, step, compute: self.compute };
        self.rule.update(weight, gradient, &mut self.slots[index], update)
    }

    /// Passes over parameter `index` in this step: it is frozen.
    pub fn skip(&mut self, index: usize) {
        self.missed[index] += 1;
    }

    /// The steps that parameters missed, by name; those that missed none are left out.
    pub fn missed(&self) -> BTreeMap<String, u64> {
        let late = self.names.iter().zip(&self.missed).filter(|(_, missed)| **missed > 0);
        late.map(|(name, missed)| (name.clone(), *missed)).collect()
    }

    /// Takes back what [`Optimizer::missed`] gave.
    pub fn restore_missed(&mut self, missed: &BTreeMap<String, u64>) {
        for (name, count) in self.names.iter().zip(&mut self.missed) {
            *count = missed.get(name).copied().unwrap_or(0);
        }
    }

    /// What is remembered, as `<slot>/<parameter>` and values.
    pub fn state(&self) -> Vec<(String, Vec<f32>)> {
        let mut all = Vec::new();
        for (name, slots) in self.names.iter().zip(&self.slots) {
            for (slot, tensor) in self.rule.slots().iter().zip(slots) {
                all.push((format!("{slot}/{name}"), values(tensor)));
            }
        }
        all
    }

    /// Takes back what [`Optimizer::state`] gave, after `step` steps.
    ///
    /// # Errors
    /// When a tensor is missing or has another length.
    pub fn load(&mut self, step: u64, device: &Device, mut get: impl FnMut(&str) -> Option<Vec<f32>>) -> Result<()> {
        for (name, slots) in self.names.iter().zip(&mut self.slots) {
            for (slot, tensor) in self.rule.slots().iter().zip(slots) {
                let key = format!("{slot}/{name}");
                let Some(data) = get(&key) else {
                    bail!("the checkpoint has no optimizer tensor `{key}`: it was written with another optimizer");
                };
                if data.len() != tensor.dims()[0] {
                    bail!("the optimizer tensor `{key}` has {} values instead of {}", data.len(), tensor.dims()[0]);
                }
                let length = data.len();
                *tensor = Tensor::from_data(TensorData::new(data, [length]), device);
            }
        }
        self.step = step;
        Ok(())
    }
}

/// The values of a flat tensor on the host.
pub(crate) fn values(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.to_data().convert::<f32>().try_into_vec().expect("a float tensor converts to f32")
}

/// The gradient that the rules work with: scaled, with the decay added.
fn decayed(weight: &Tensor<1>, gradient: Tensor<1>, update: Update, decay: f64) -> Tensor<1> {
    let gradient = if update.scale == 1.0 { gradient } else { gradient.mul_scalar(update.scale as f32) };
    if decay == 0.0 { gradient } else { gradient + weight.clone().mul_scalar(decay as f32) }
}

#[cfg(test)]
mod tests {
    use super::super::options::*;
    use super::*;
    use ferrotype_kernels::Isa;

    /// The result of native kernels and Burn's operations, which must agree.
    fn run(options: OptimizerOptions, decay: f64) -> Vec<f32> {
        let burn = run_by(Compute::Burn, options.clone(), decay);
        for isa in Isa::available() {
            close(&run_by(Compute::Native(isa), options.clone(), decay), &burn);
        }
        burn
    }

    /// Five steps on one parameter of three values with gradients g_t = w_t * (t + 1) / 2 - 0.3.
    fn run_by(compute: Compute, options: OptimizerOptions, decay: f64) -> Vec<f32> {
        let device = Device::flex();
        let mut w = Tensor::<1>::from_floats([0.5, -1.0, 2.0], &device);
        let mut optimizer = Optimizer::new(&options, &[("w".into(), 3)], &device).with_compute(compute);
        for t in 0..5 {
            let g = w.clone().mul_scalar((t + 1) as f32 / 2.0).add_scalar(-0.3);
            optimizer.advance();
            // The gradient comes twice too large and the scale halves it.
            w = optimizer.update(0, w, g.mul_scalar(2.0), 0.1, decay, 0.5);
        }
        values(&w)
    }

    fn close(got: &[f32], want: &[f32]) {
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < 2e-6, "{got:?} instead of {want:?}");
        }
    }

    // import numpy as np   (the formulas are those of torch.optim 2.9 and of Keras 2.4)
    // def run(step):
    //     w = np.array([.5, -1, 2]); s = {}
    //     for t in range(5): g = w * (t + 1) / 2 - .3; w = step(w, g, s, t + 1)
    //     print(w)
    // def sgd(w, g, s, t, mu=.9, nesterov=False, gain=1., wd=0.):
    //     g = (g + wd * w) * gain; b = s["b"] = mu * s.get("b", 0) + g
    //     return w - .1 * (g + mu * b if nesterov else b)
    // def adam(w, g, s, t, keras=False, eps=1e-8, wd=0., decoupled=False, b1=.9, b2=.999):
    //     if decoupled: w = w * (1 - .1 * wd)
    //     else: g = g + wd * w
    //     m = s["m"] = b1 * s.get("m", 0) + (1 - b1) * g; v = s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    //     if keras: return w - .1 * np.sqrt(1 - b2 ** t) / (1 - b1 ** t) * m / (np.sqrt(v) + eps)
    //     return w - .1 / (1 - b1 ** t) * m / (np.sqrt(v / (1 - b2 ** t)) + eps)
    // def rmsprop(w, g, s, t, keras=False, eps=1e-8, mu=0.):
    //     v = s["v"] = .9 * s.get("v", 0) + .1 * g * g
    //     if not keras: return w - .1 * g / (np.sqrt(v) + eps)
    //     b = s["b"] = mu * s.get("b", 0) + .1 * g / np.sqrt(v + eps); return w - b
    /// A regulariser is part of the loss: AdamW without a decay of its own is then Adam with one in the gradient.
    #[test]
    fn a_regulariser_goes_through_the_moments_of_adamw() {
        let device = Device::flex();
        let steps = |options: OptimizerOptions, compute: Compute| {
            let mut w = Tensor::<1>::from_floats([0.5, -1.0, 2.0], &device);
            let mut optimizer = Optimizer::new(&options, &[("w".into(), 3)], &device).with_compute(compute);
            for t in 0..5 {
                let g = w.clone().mul_scalar((t + 1) as f32 / 2.0).add_scalar(-0.3);
                optimizer.advance();
                let (g, decay) = optimizer.regularised(&w, g.mul_scalar(2.0), 0.0, 0.2, 0.5);
                w = optimizer.update(0, w, g, 0.1, decay, 0.5);
            }
            values(&w)
        };
        let isa = Isa::available().into_iter().next().unwrap();
        for compute in [Compute::Burn, Compute::Native(isa)] {
            let apart = steps(OptimizerOptions::Adamw(AdamOptions::default()), compute);
            close(&apart, &steps(OptimizerOptions::Adam(AdamOptions::default()), compute));
            close(&apart, &run_by(compute, OptimizerOptions::Adam(AdamOptions::default()), 0.2));
        }
    }

    #[test]
    fn sgd_agrees_with_pytorch() {
        let sgd = |momentum, nesterov| OptimizerOptions::Sgd(SgdOptions { momentum, nesterov, unit_gain: false });
        close(&run(sgd(0.0, false), 0.0), &EXPECTED[0]);
        close(&run(sgd(0.9, false), 0.01), &EXPECTED[1]);
        close(&run(sgd(0.9, true), 0.0), &EXPECTED[2]);
    }

    #[test]
    fn unit_gain_momentum_is_classical_momentum_with_a_tenth_of_the_gradient() {
        let unit = OptimizerOptions::Sgd(SgdOptions { momentum: 0.9, nesterov: false, unit_gain: true });
        close(&run(unit, 0.0), &EXPECTED[3]);
    }

    #[test]
    fn adam_agrees_with_pytorch_and_keras() {
        let adam = |form, eps| AdamOptions { eps, form, ..Default::default() };
        close(&run(OptimizerOptions::Adam(adam(Form::Pytorch, 1e-8)), 0.01), &EXPECTED[4]);
        close(&run(OptimizerOptions::Adam(adam(Form::Keras, 1e-2)), 0.0), &EXPECTED[5]);
        close(&run(OptimizerOptions::Adamw(adam(Form::Pytorch, 1e-8)), 0.05), &EXPECTED[6]);
    }

    #[test]
    fn rmsprop_agrees_with_pytorch_and_keras() {
        let rms = |form, eps, momentum| RmspropOptions { alpha: 0.9, eps, form, momentum };
        close(&run(OptimizerOptions::Rmsprop(rms(Form::Pytorch, 1e-8, 0.0)), 0.0), &EXPECTED[7]);
        close(&run(OptimizerOptions::Rmsprop(rms(Form::Keras, 1e-2, 0.5)), 0.0), &EXPECTED[8]);
    }

    const EXPECTED: [[f32; 3]; 9] = [
        [0.317_595, -0.336_48, 0.971_67],
        [0.171_171, 0.377_173, -0.034_831],
        [0.109_264, 0.405_741, -0.187_213],
        [0.460_941, -0.808_836, 1.730_719],
        [0.276_568, -0.501_701, 1.517_084],
        [0.314_977, -0.579_821, 1.584_14],
        [0.267_214, -0.481_839, 1.472_539],
        [0.112_031, 0.014_198, 0.753_754],
        [0.125_841, 0.300_914, 0.147_79],
    ];

    /// A parameter unfrozen after three steps moves as it would from the first step on.
    #[test]
    fn a_frozen_parameter_begins_with_its_own_first_step() {
        let device = Device::flex();
        let options = OptimizerOptions::Adam(AdamOptions::default());
        let gradient = || Tensor::<1>::from_floats([0.5, -2.0], &device);
        let moved = |frozen: usize| {
            let mut optimizer = Optimizer::new(&options, &[("w".into(), 2)], &device);
            for _ in 0..frozen {
                optimizer.advance();
                optimizer.skip(0);
            }
            let late = optimizer.missed();
            optimizer.restore_missed(&late);
            assert_eq!(late.get("w").copied().unwrap_or(0), frozen as u64);
            optimizer.advance();
            values(&optimizer.update(0, Tensor::zeros([2], &device), gradient(), 0.1, 0.0, 1.0))
        };
        assert_eq!(moved(3), moved(0));
    }

    #[test]
    fn state_survives_saving() {
        let device = Device::flex();
        let options = OptimizerOptions::Adam(AdamOptions::default());
        let mut first = Optimizer::new(&options, &[("w".into(), 2)], &device);
        let mut w = Tensor::<1>::from_floats([1.0, -2.0], &device);
        first.advance();
        w = first.update(0, w.clone(), w, 0.1, 0.0, 1.0);
        let mut second = Optimizer::new(&options, &[("w".into(), 2)], &device);
        let saved: std::collections::HashMap<_, _> = first.state().into_iter().collect();
        second.load(first.steps(), &device, |k| saved.get(k).cloned()).unwrap();
        first.advance();
        second.advance();
        let a = values(&first.update(0, w.clone(), w.clone(), 0.1, 0.0, 1.0));
        let b = values(&second.update(0, w.clone(), w.clone(), 0.1, 0.0, 1.0));
        assert_eq!(a, b);
        assert!(second.load(1, &device, |_| None).unwrap_err().to_string().contains("another optimizer"));
    }
}
