//! Stochastic weight averaging (Izmailov et al., arXiv:1803.05407): the plain mean of the weights that several epochs ended with.

use burn::tensor::Tensor;

/// The mean of the weights after each epoch from some epoch on. It holds running statistics, too, but what batch normalisation
/// needs are those of the averaged weights: see [`Learner::refresh_statistics`](super::learner::Learner::refresh_statistics).
pub struct Swa {
    after: usize,
    taken: usize,
    tensors: Vec<Tensor<1>>,
}

impl Swa {
    /// A mean that begins with the weights after epoch `after`, counted from 0.
    pub fn new(after: usize) -> Self {
        Self { after, taken: 0, tensors: Vec::new() }
    }

    /// Takes in the weights that `epoch`, counted from 0, ended with.
    pub fn update<'a>(&mut self, epoch: usize, weights: impl Iterator<Item = &'a Tensor<1>>) {
        if epoch < self.after {
            return;
        }
        self.taken += 1;
        if self.taken == 1 {
            self.tensors = weights.cloned().collect();
            return;
        }
        // As torch.optim.swa_utils.AveragedModel: weights that stay the same keep their bits.
        let share = 1.0 / self.taken as f32;
        for (mean, weight) in self.tensors.iter_mut().zip(weights) {
            *mean = mean.clone() + (weight.clone() - mean.clone()).mul_scalar(share);
        }
    }

    /// The means, in the order the weights were given; none before the first epoch that counts.
    pub fn tensors(&self) -> &[Tensor<1>] {
        &self.tensors
    }

    /// How many epochs' weights are in the mean once so many epochs are done.
    pub fn taken_after(&self, epochs_done: usize) -> usize {
        epochs_done.saturating_sub(self.after)
    }

    /// Replaces the means by those after so many epochs (resume).
    pub fn restore(&mut self, epochs_done: usize, tensors: Vec<Tensor<1>>) {
        self.taken = self.taken_after(epochs_done);
        self.tensors = tensors;
    }
}

#[cfg(test)]
mod tests {
    use super::super::optimizer::values;
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn is_the_mean_of_the_epochs_from_the_first_that_counts() {
        let device = Device::flex();
        let w = |v: f32| Tensor::<1>::from_floats([v, 0.1], &device);
        let mut swa = Swa::new(2);
        for (epoch, v) in [9.0, 8.0, 1.0, 2.0, 6.0].into_iter().enumerate() {
            swa.update(epoch, [w(v)].iter());
            assert_eq!(swa.tensors().is_empty(), epoch < 2);
        }
        assert_eq!(values(&swa.tensors()[0]), [3.0, 0.1]);
        let mut resumed = Swa::new(2);
        resumed.restore(4, vec![w(1.5)]);
        resumed.update(4, [w(6.0)].iter());
        assert_eq!(values(&resumed.tensors()[0]), [3.0, 0.1]);
    }
}
