//! Centre loss and island loss.

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_base::statistics::first_largest;

use super::CenterLossOptions;

/// A centre for each class among the features (Wen et al., "A Discriminative Feature Learning Approach for Deep Face Recognition",
/// ECCV 2016; Cai et al., "Island Loss for Learning Discriminative Features in Facial Expression Recognition", arXiv:1710.03144).
///
/// Each step draws features to their centres by the loss `weight / 2 |x - c_y|^2` of an example, and then moves the centres: with `n_k`
/// examples of class `k` by `-rate * (sum_i (c_k - x_i) / (1 + n_k) + island / (K - 1) * sum_j d cos(c_k, c_j) / d c_k)` over the
/// `K - 1` other classes. The island's part has no gradient for the network, and is in no loss that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct CenterLoss {
    options: CenterLossOptions,
    classes: usize,
    features: usize,
    /// `[classes, features]`.
    centers: Vec<f32>,
    /// What the step has seen: for each class the examples and the sum of their features.
    seen: Vec<(u32, Vec<f64>)>,
}

impl CenterLoss {
    /// Centres at zero.
    pub fn new(options: &CenterLossOptions, classes: usize, features: usize) -> Self {
        let mut new = Self { options: options.clone(), classes, features, centers: Vec::new(), seen: Vec::new() };
        new.centers = vec![0.0; classes * features];
        new.forget();
        new
    }

    /// The centres, `[classes, features]`, flat.
    pub fn centers(&self) -> &[f32] {
        &self.centers
    }

    /// Takes back the centres that a checkpoint kept.
    ///
    /// # Errors
    /// When they are of other classes or features.
    pub fn restore(&mut self, centers: Vec<f32>) -> Result<()> {
        ensure!(centers.len() == self.centers.len(), "the checkpoint's centres are of another network");
        self.centers = centers;
        Ok(())
    }

    /// What is added to the loss of each example, `[batch]`, of features `[batch, features]` and targets `[batch, classes]` in rows;
    /// remembers the features for [`CenterLoss::advance`].
    ///
    /// # Errors
    /// When the features cannot be read from their device, or are not as many as there were before.
    pub fn losses(&mut self, features: Tensor<2>, targets: &[f32]) -> Result<Tensor<1>> {
        let [rows, width] = features.dims();
        ensure!(width == self.features, "{width} features, and the centres have {}", self.features);
        let device: Device = features.device().inner();
        let values = crate::state::read(&features.clone().inner().reshape([rows * width]))?;
        let mut centers = Vec::with_capacity(rows * width);
        for (x, target) in values.chunks_exact(width).zip(targets.chunks_exact(self.classes)) {
            let class = first_largest(target);
            let (count, sum) = &mut self.seen[class];
            *count += 1;
            sum.iter_mut().zip(x).for_each(|(sum, &x)| *sum += f64::from(x));
            centers.extend_from_slice(&self.centers[class * width..(class + 1) * width]);
        }
        let centers = Tensor::<2>::from_data(TensorData::new(centers, [rows, width]), &device).autodiff();
        let squares = (features - centers).powi_scalar(2).sum_dim(1).reshape([rows]);
        Ok(squares.mul_scalar(self.options.weight / 2.0))
    }

    /// Moves the centres by what the step has seen.
    pub fn advance(&mut self) {
        let moved: Vec<f32> = (0..self.classes).flat_map(|class| self.moved(class)).collect();
        self.centers = moved;
        self.forget();
    }

    fn forget(&mut self) {
        self.seen = vec![(0, vec![0.0; self.features]); self.classes];
    }

    fn center(&self, class: usize) -> &[f32] {
        &self.centers[class * self.features..(class + 1) * self.features]
    }

    /// Where the centre of a class goes.
    fn moved(&self, class: usize) -> Vec<f32> {
        let (count, sum) = &self.seen[class];
        let (count, center) = (f64::from(*count), self.center(class));
        let push = self.island(class);
        let value = |i: usize| {
            let own = f64::from(center[i]);
            let pull = (count * own - sum[i]) / (1.0 + count);
            (own - f64::from(self.options.rate) * (pull + push[i])) as f32
        };
        (0..self.features).map(value).collect()
    }

    /// The gradient of the mean cosine of a centre with the others, times lambda_1. A centre at zero has no direction.
    fn island(&self, class: usize) -> Vec<f64> {
        let mut push = vec![0.0; self.features];
        let strength = f64::from(self.options.island) / (self.classes.max(2) - 1) as f64;
        let (own, length) = (self.center(class), length(self.center(class)));
        if strength == 0.0 || length == 0.0 {
            return push;
        }
        for other in (0..self.classes).filter(|&other| other != class) {
            let (other, far) = (self.center(other), self::length(self.center(other)));
            if far == 0.0 {
                continue;
            }
            let dot: f64 = own.iter().zip(other).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            for ((push, &own), &other) in push.iter_mut().zip(own).zip(other) {
                let along = dot / (length.powi(3) * far) * f64::from(own);
                *push += strength * (f64::from(other) / (length * far) - along);
            }
        }
        push
    }
}

fn length(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEATURES: [f32; 12] = [1.0, -2.0, 0.5, 3.0, 0.2, -0.7, 1.5, 0.1, -1.0, 2.0, 2.0, 0.3];
    /// Classes 0, 2, 0, 1 of four.
    const TARGETS: [f32; 16] = [1.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.7, 0.0, 0.6, 0.4, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];

    fn step(loss: &mut CenterLoss) -> (Vec<f32>, Vec<f32>) {
        let device = crate::device::tested().autodiff();
        let features = Tensor::<2>::from_data(TensorData::new(FEATURES.to_vec(), [4, 3]), &device).require_grad();
        let losses = loss.losses(features.clone(), &TARGETS).unwrap();
        let grads = losses.clone().sum().backward();
        loss.advance();
        let read = |t: Tensor<1>| t.into_data().try_to_vec().unwrap();
        (read(losses.inner()), read(features.grad(&grads).unwrap().reshape([12])))
    }

    fn close(got: &[f32], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((f64::from(*got) - want).abs() < 1e-5, "{got} instead of {want}");
        }
    }

    // scripts/center_loss.py
    #[test]
    fn three_steps_are_those_of_the_papers() {
        for (island, known) in [(0.0, &KNOWN[0]), (10.0, &KNOWN[1])] {
            let options = CenterLossOptions { weight: 0.1, rate: 0.5, island, ..Default::default() };
            let mut loss = CenterLoss::new(&options, 4, 3);
            step(&mut loss);
            step(&mut loss);
            let (losses, gradient) = step(&mut loss);
            close(&losses, &known.0);
            close(&gradient, &known.1);
            close(loss.centers(), &known.2);
        }
    }

    #[test]
    fn centers_come_back_from_a_checkpoint() {
        let mut loss = CenterLoss::new(&CenterLossOptions::default(), 4, 3);
        step(&mut loss);
        let mut other = CenterLoss::new(&CenterLossOptions::default(), 4, 3);
        other.restore(loss.centers().to_vec()).unwrap();
        assert_eq!(step(&mut other), step(&mut loss));
        assert_eq!(other, loss);
        assert!(other.restore(vec![0.0; 5]).is_err());
    }

    /// With the island's strength 0 and 10: losses and gradient of the third step, centres after it.
    const KNOWN: [([f64; 4], [f64; 12], [f64; 12]); 2] = [
        (
            [0.133449, 0.150768, 0.089227, 0.127986],
            [
                0.030556, -0.147222, 0.063889, 0.16875, 0.01125, -0.039375, 0.080556, 0.062778, -0.086111, 0.1125,
                0.1125, 0.016875,
            ],
            [0.87963, -0.668519, -0.175926, 1.15625, 1.15625, 0.173437, 1.734375, 0.115625, -0.404687, 0.0, 0.0, 0.0],
        ),
        (
            [0.939153, 0.170137, 1.895379, 0.910267],
            [
                0.340439, 0.259141, 0.069126, 0.182738, 0.013546, 0.021231, 0.390439, 0.469141, -0.080874, 0.389243,
                -0.147697, -0.093429,
            ],
            [
                -1.155473, -3.398408, -0.098413, -0.857713, 3.092967, 1.136757, 1.876267, 0.10765, -0.54135, 0.0, 0.0,
                0.0,
            ],
        ),
    ];
}
