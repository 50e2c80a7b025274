//! Adversarial examples: small changes of pictures that raise a network's loss.
//!
//! A perturbation lives in pixel space: values of 0..255 at the network's input size, after resizing and colour and
//! before the scale. [`Attack::perturb`] makes one, within `eps` of the picture and within 0..255; [`AttackTarget`] knows how
//! pixels become logits and gives gradients with respect to pixels.

mod options;
mod robustness;
mod target;
#[cfg(test)]
mod tests;

use anyhow::{Result, ensure};
use burn::tensor::Tensor;

use ferrotype_base::random::Stream;

pub use options::{FgsmOptions, Method, Norm, PgdOptions};
pub use robustness::{AttackResult, RobustnessTest, Strength};
pub use target::AttackTarget;

/// Lowest and highest value of a pixel.
const RANGE: (f32, f32) = (0.0, 255.0);

/// An attack of one strength: projected gradient ascent, of which FGSM is the case of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// How its size is measured.
    pub norm: Norm,
    /// Largest size of the perturbation, in pixel units of 0..255.
    pub eps: f32,
    /// Gradient steps.
    pub steps: usize,
    /// Length of a step, in pixel units.
    pub step_size: f32,
    /// Whether it begins at a random point of the ball.
    pub random_start: bool,
}

impl Attack {
    /// The attack of a method at one strength.
    ///
    /// # Errors
    /// When a number is impossible.
    pub fn new(method: &Method, norm: Norm, eps: f32) -> Result<Self> {
        ensure!(
            eps.is_finite() && eps >= 0.0,
            "eps is {eps}: it must be a number of at least 0, in pixel units of 0..255"
        );
        let (steps, step_size, random_start) = match method {
            Method::Fgsm(o) => (1, if o.random_start { 1.25 * eps } else { eps }, o.random_start),
            Method::Pgd(o) => {
                ensure!(o.steps > 0, "the number of steps is 0: an attack takes at least one");
                (o.steps, o.step_size.unwrap_or(2.5 * eps / o.steps as f32), o.random_start)
            }
        };
        ensure!(
            step_size.is_finite() && (step_size > 0.0 || eps == 0.0),
            "the step size is {step_size}: it must be a number above 0, in pixel units of 0..255"
        );
        Ok(Self { norm, eps, steps, step_size, random_start })
    }

    /// Pictures near `clean` with a higher loss: `[n, channels, size, size]` in 0..255, no further than `eps` from
    /// `clean`. Values are not rounded to whole grey levels. `losses` gives the loss of each row from logits `[n, classes]`
    /// and must not mix rows; `keys` (one per row) fix the random start.
    ///
    /// # Errors
    /// When the pictures do not fit the network, or a gradient is not finite.
    pub fn perturb(
        &self,
        target_network: &AttackTarget,
        clean: &[f32],
        keys: &[u64],
        losses: &dyn Fn(Tensor<2>) -> Tensor<1>,
    ) -> Result<Vec<f32>> {
        let mut pixels = clean.to_vec();
        if self.eps == 0.0 || clean.is_empty() {
            return Ok(pixels);
        }
        let size = clean.len() / keys.len().max(1);
        if self.random_start {
            for ((row, from), &key) in pixels.chunks_exact_mut(size).zip(clean.chunks_exact(size)).zip(keys) {
                self.shake(row, &mut Stream::new(key));
                self.project(row, from);
            }
        }
        for _ in 0..self.steps {
            let gradient = target_network.gradient(&pixels, losses)?;
            let rows = pixels.chunks_exact_mut(size).zip(clean.chunks_exact(size)).zip(gradient.chunks_exact(size));
            for ((row, from), slope) in rows {
                self.step(row, slope);
                self.project(row, from);
            }
        }
        Ok(pixels)
    }

    /// Moves a picture to a point drawn evenly from the ball around it.
    fn shake(&self, row: &mut [f32], stream: &mut Stream) {
        match self.norm {
            Norm::Linf => row.iter_mut().for_each(|x| *x += stream.uniform(-self.eps, self.eps)),
            Norm::L2 => {
                let direction: Vec<f64> = row.iter().map(|_| stream.normal()).collect();
                let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
                let radius = f64::from(self.eps) * stream.unit().powf(1.0 / row.len() as f64);
                row.iter_mut().zip(direction).for_each(|(x, d)| *x += (d * radius / length) as f32);
            }
        }
    }

    /// Moves a picture one step along the gradient; where that is 0, it stays.
    fn step(&self, row: &mut [f32], gradient: &[f32]) {
        match self.norm {
            Norm::Linf => row.iter_mut().zip(gradient).for_each(|(x, &g)| {
                if g != 0.0 {
                    *x += self.step_size * g.signum();
                }
            }),
            Norm::L2 => {
                let length = Norm::L2.size(gradient.iter().copied());
                if length > 0.0 {
                    let factor = f64::from(self.step_size) / length;
                    row.iter_mut().zip(gradient).for_each(|(x, &g)| *x += (f64::from(g) * factor) as f32);
                }
            }
        }
    }

    /// Brings a picture back into the ball around `from` and into 0..255. The latter only moves values towards those of
    /// `from`, which are within: the picture stays in the ball.
    fn project(&self, row: &mut [f32], from: &[f32]) {
        match self.norm {
            Norm::Linf => {
                row.iter_mut().zip(from).for_each(|(x, &f)| *x = x.clamp(f - self.eps, f + self.eps));
            }
            Norm::L2 => {
                let size = Norm::L2.size(row.iter().zip(from).map(|(x, f)| x - f));
                if size > f64::from(self.eps) {
                    let factor = f64::from(self.eps) / size;
                    row.iter_mut().zip(from).for_each(|(x, &f)| *x = f + (f64::from(*x - f) * factor) as f32);
                }
            }
        }
        row.iter_mut().for_each(|x| *x = x.clamp(RANGE.0, RANGE.1));
    }
}
