//! The scale seen as a map of pixel values: its slopes, and its inverse where it has one.

use super::{MeanStd, Pipeline, Scale};

impl Pipeline {
    /// What one grey level more makes of the network's input, per channel. `None` for `ferplus`, whose histogram
    /// equalisation is no map of single pixels and has no useful derivative.
    pub fn slopes(&self) -> Option<Vec<f32>> {
        let n = self.channels();
        match &self.options.scale {
            Scale::Raw => Some(vec![1.0; n]),
            Scale::Unit => Some(vec![1.0 / 255.0; n]),
            Scale::Signed => Some(vec![2.0 / 255.0; n]),
            Scale::MeanStd(scale) => Some((0..n).map(|c| 1.0 / (255.0 * of(&scale.std, c))).collect()),
            Scale::Ferplus => None,
        }
    }

    /// Turns what the network takes, `[channels, size, size]`, back into values of 0..255, in place. False, with the
    /// image as it was, for `ferplus`, which cannot be undone.
    pub fn unscale(&self, image: &mut [f32]) -> bool {
        match &self.options.scale {
            Scale::Raw => {}
            Scale::Unit => image.iter_mut().for_each(|x| *x *= 255.0),
            Scale::Signed => image.iter_mut().for_each(|x| *x = (*x / 2.0 + 0.5) * 255.0),
            Scale::MeanStd(MeanStd { mean, std }) => {
                for (channel, plane) in image.chunks_exact_mut(self.size() * self.size()).enumerate() {
                    let (mean, std) = (of(mean, channel), of(std, channel));
                    plane.iter_mut().for_each(|x| *x = (*x * std + mean) * 255.0);
                }
            }
            Scale::Ferplus => return false,
        }
        true
    }
}

/// The value of a channel; one value serves all.
pub(super) fn of(values: &[f32], channel: usize) -> f32 {
    values[channel.min(values.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Colour, Preprocess, Resize};

    fn pipeline(scale: Scale, colour: Colour) -> Pipeline {
        Pipeline::new(&Preprocess::new(2, Resize::Bilinear, colour, scale)).unwrap()
    }

    #[test]
    fn scales_are_undone_and_their_slopes_are_differences() {
        let mean_std = Scale::MeanStd(MeanStd { mean: vec![0.5, 0.4, 0.3], std: vec![0.2, 0.3, 0.5] });
        for scale in [Scale::Raw, Scale::Unit, Scale::Signed, mean_std] {
            let p = pipeline(scale, Colour::Rgb);
            let image: Vec<f32> = (0..12).map(|i| 20.0 * i as f32).collect();
            let (mut there, mut more) = (image.clone(), image.iter().map(|v| v + 1.0).collect::<Vec<f32>>());
            p.scale(&mut there);
            p.scale(&mut more);
            let slopes = p.slopes().unwrap();
            for i in 0..12 {
                assert!((more[i] - there[i] - slopes[i / 4]).abs() < 1e-5 * slopes[i / 4].max(0.1), "{p:?} {i}");
            }
            assert!(p.unscale(&mut there));
            assert!(there.iter().zip(&image).all(|(a, b)| (a - b).abs() < 1e-3), "{p:?}");
        }
        let chain = pipeline(Scale::Ferplus, Colour::Grey);
        assert!(chain.slopes().is_none() && !chain.unscale(&mut [0.0; 4]));
    }
}
