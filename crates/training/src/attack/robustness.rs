//! An attack on a whole set of rows, at several strengths.

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::statistics::first_largest;

use super::{Attack, AttackTarget, Method, Norm};
use ferrotype_base::random::{Purpose, key};
use ferrotype_data::task::Subset;
use ferrotype_evaluation::Predictions;
use ferrotype_ops as ops;

/// What is to be done to each row.
#[derive(Clone, Debug)]
pub struct RobustnessTest {
    /// The attack.
    pub method: Method,
    /// How strengths are measured.
    pub norm: Norm,
    /// The strengths, in pixel units of 0..255.
    pub eps: Vec<f32>,
    /// How often each attack is begun anew; of its examples the worst counts.
    pub restarts: usize,
    /// The class that every row is pushed to; without, rows are pushed away from their own.
    pub target: Option<usize>,
    /// Fixes the random starts.
    pub seed: u64,
    /// Of so many rows (the first) the pictures are kept.
    pub keep: usize,
}

/// What an attack of one strength did.
#[derive(Clone, Debug)]
pub struct Strength {
    /// The strength.
    pub eps: f32,
    /// What the network says of the adversarial pictures.
    pub predictions: Predictions,
    /// Mean over rows of the largest change of a value.
    pub mean_linf: f64,
    /// Mean over rows of the root of the sum of squared changes.
    pub mean_l2: f64,
    /// The first adversarial pictures, `[kept, channels, size, size]` in 0..255.
    pub kept: Vec<f32>,
}

/// What a test found.
#[derive(Clone, Debug)]
pub struct AttackResult {
    /// What the network says of the untouched pictures.
    pub clean: Predictions,
    /// The first untouched pictures, `[kept, channels, size, size]` in 0..255.
    pub kept: Vec<f32>,
    /// One per strength, in the order asked for.
    pub strengths: Vec<Strength>,
}

/// Pictures with what the attacker knows of them.
struct Rows<'a> {
    pixels: Vec<f32>,
    truth: &'a [usize],
    rows: &'a [u32],
}

impl RobustnessTest {
    /// Attacks every row of a set, `batch` at a time; `base` is what is known of the rows (without logits). After each
    /// attack on a batch `done` is told how many of `rows * strengths` are behind it.
    ///
    /// # Errors
    /// When a strength is impossible, or the pictures do not fit the network.
    pub fn run(
        &self,
        target_network: &AttackTarget,
        subset: &Subset,
        base: &Predictions,
        batch: usize,
        mut done: impl FnMut(usize),
    ) -> Result<AttackResult> {
        let attacks: Vec<Attack> =
            self.eps.iter().map(|&eps| Attack::new(&self.method, self.norm, eps)).collect::<Result<_>>()?;
        let empty =
            |&eps: &f32| Strength { eps, predictions: base.clone(), mean_linf: 0.0, mean_l2: 0.0, kept: vec![] };
        let mut found =
            AttackResult { clean: base.clone(), kept: vec![], strengths: self.eps.iter().map(empty).collect() };
        let size: usize = target_network.pipeline.shape().iter().product();
        let mut first = 0;
        for indices in subset.indices.chunks(batch.max(1)) {
            let mut pixels = Vec::with_capacity(indices.len() * size);
            for &i in indices {
                pixels.extend(subset.raw(i)?);
            }
            let until = first + indices.len();
            let rows = Rows { pixels, truth: &base.truth[first..until], rows: &base.rows[first..until] };
            found.clean.logits.extend(target_network.logits(&rows.pixels)?);
            let kept = self.keep.saturating_sub(first).min(indices.len()) * size;
            found.kept.extend(&rows.pixels[..kept]);
            for (attack, strength) in attacks.iter().zip(&mut found.strengths) {
                let (pixels, logits) = self.worst(attack, target_network, &rows)?;
                strength.predictions.logits.extend(logits);
                for (a, b) in pixels.chunks_exact(size).zip(rows.pixels.chunks_exact(size)) {
                    let change = || a.iter().zip(b).map(|(x, y)| x - y);
                    strength.mean_linf += Norm::Linf.size(change()) / base.len() as f64;
                    strength.mean_l2 += Norm::L2.size(change()) / base.len() as f64;
                }
                strength.kept.extend(&pixels[..kept]);
                done(indices.len());
            }
            first = until;
        }
        Ok(found)
    }

    /// The worst examples of all restarts with their logits: one that reaches its goal before one that does not, then the
    /// one of higher loss, then the earlier.
    fn worst(&self, attack: &Attack, target_network: &AttackTarget, rows: &Rows) -> Result<(Vec<f32>, Vec<f32>)> {
        let (n, size) = (rows.truth.len(), rows.pixels.len() / rows.truth.len().max(1));
        let aims: Vec<usize> = rows.truth.iter().map(|&t| self.target.unwrap_or(t)).collect();
        let sign = if self.target.is_some() { -1.0 } else { 1.0 };
        let mut worst: Option<(Vec<f32>, Vec<f32>)> = None;
        for restart in 0..self.restarts.max(1) {
            let keys: Vec<u64> = rows
                .rows
                .iter()
                .map(|&row| key(self.seed, Purpose::Attack, &[u64::from(row), restart as u64]))
                .collect();
            let pixels =
                attack.perturb(target_network, &rows.pixels, &keys, &|z| losses(target_network, z, &aims, sign))?;
            let logits = target_network.logits(&pixels)?;
            let Some((best_pixels, best_logits)) = &mut worst else {
                worst = Some((pixels, logits));
                continue;
            };
            let classes = logits.len() / n;
            for (i, (&aim, &truth)) in aims.iter().zip(rows.truth).enumerate() {
                let at = i * classes..(i + 1) * classes;
                let rank = |z: &[f32]| (self.is_reached(z, truth), sign * loss(z, aim));
                if rank(&logits[at.clone()]) > rank(&best_logits[at.clone()]) {
                    best_logits[at.clone()].copy_from_slice(&logits[at]);
                    let at = i * size..(i + 1) * size;
                    best_pixels[at.clone()].copy_from_slice(&pixels[at]);
                }
            }
        }
        Ok(worst.unwrap_or_default())
    }

    /// Whether logits are what the attacker wants.
    fn is_reached(&self, z: &[f32], truth: usize) -> bool {
        let said = first_largest(z);
        match self.target {
            Some(target) => said == target,
            None => said != truth,
        }
    }
}

/// The loss that is raised: the cross-entropy of the true class, or minus that of the class wanted.
fn losses(target_network: &AttackTarget, z: Tensor<2>, aims: &[usize], sign: f32) -> Tensor<1> {
    let [rows, classes] = z.dims();
    let one_hot = aims.iter().flat_map(|&aim| (0..classes).map(move |c| f32::from(c == aim))).collect::<Vec<f32>>();
    let targets = Tensor::<2>::from_data(TensorData::new(one_hot, [rows, classes]), target_network.network.device());
    ops::cross_entropy(target_network.network.compute(), z, targets.autodiff()).mul_scalar(sign)
}

/// The cross-entropy of one row against one class.
fn loss(z: &[f32], class: usize) -> f32 {
    let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    z.iter().map(|&v| (v - max).exp()).sum::<f32>().ln() + max - z[class]
}
