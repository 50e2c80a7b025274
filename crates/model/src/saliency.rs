//! Which pixels speak for a class: Grad-CAM, guided backpropagation, and their product.
//!
//! All three explain a logit (the score before softmax, as the papers do) of a network in evaluation mode.

mod paint;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::statistics::first_largest;
use serde::{Deserialize, Serialize};

use crate::{Network, ReluRule};
use ferrotype_ops as ops;

pub use paint::{heat, overlay, signed};

/// How a prediction is explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Method {
    /// Selvaraju et al., arXiv:1610.02391: feature maps weighted by their mean gradients.
    #[default]
    GradCam,
    /// Springenberg et al., arXiv:1412.6806: the gradient of the pixels where ReLUs hand down only what is positive.
    GuidedBackprop,
    /// The product of both (arXiv:1610.02391, section 3.2).
    GuidedGradCam,
}

impl Method {
    /// As options and files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GradCam => "grad_cam",
            Self::GuidedBackprop => "guided_backprop",
            Self::GuidedGradCam => "guided_grad_cam",
        }
    }

    /// Whether it looks at a layer's feature maps.
    pub fn needs_layer(self) -> bool {
        self != Self::GuidedBackprop
    }
}

/// A map over one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// 1, or one per channel of the picture.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `[channels, height, width]`.
    pub values: Vec<f32>,
}

impl Map {
    /// Row and column of the largest sum of absolute values over channels; the first of several.
    pub fn peak(&self) -> (usize, usize) {
        let best = first_largest(&self.plane());
        (best / self.width, best % self.width)
    }

    /// Sums of absolute values over channels, `[height, width]`.
    fn plane(&self) -> Vec<f32> {
        let n = self.height * self.width;
        (0..n).map(|i| (0..self.channels).map(|c| self.values[c * n + i].abs()).sum()).collect()
    }
}

/// Explains the logit of class `classes[i]` for each picture `i` of `x [n, channels, height, width]`, as the network
/// takes it. Maps have the size of the pictures; `layer` is for the methods that need one (see [`layer_for`]).
///
/// # Errors
/// When the pictures do not fit the network, a class does not exist, or the layer has no feature maps.
pub fn explain(
    network: &Network,
    x: Tensor<4>,
    classes: &[usize],
    method: Method,
    layer: Option<&str>,
) -> Result<Vec<Map>> {
    let [n, channels, height, width] = x.dims();
    let known = network.graph().classes;
    ensure!(classes.len() == n, "{} classes for {n} pictures", classes.len());
    if let Some(class) = classes.iter().find(|&&c| c >= known) {
        anyhow::bail!("class number {class} does not exist: the network has {known}");
    }
    let guided = |x| -> Result<Vec<Map>> {
        let found = network.input_gradient(x, ReluRule::Guided, |z| chosen(z, classes))?;
        Ok(maps(ops::host(found.gradient.reshape([n * channels * height * width]))?, [channels, height, width]))
    };
    let cam = |x| -> Result<Vec<Map>> {
        let layer = layer.context("Grad-CAM needs a layer")?;
        let coarse = grad_cam(network, x, classes, layer)?;
        Ok(coarse.iter().map(|map| enlarged(map, height, width)).collect())
    };
    match method {
        Method::GradCam => cam(x),
        Method::GuidedBackprop => guided(x),
        Method::GuidedGradCam => {
            let (fine, coarse) = (guided(x.clone())?, cam(x)?);
            Ok(fine.into_iter().zip(&coarse).map(|(fine, coarse)| product(fine, coarse)).collect())
        }
    }
}

/// The layer that explains: the one named, or the last with feature maps of more than one pixel.
///
/// # Errors
/// When there is no such layer, or the network has no feature maps.
pub fn layer_for(network: &Network, name: Option<&str>) -> Result<String> {
    let graph = network.graph();
    let node = match name {
        Some(name) => graph.maps_of(name)?,
        None => graph.last_maps().with_context(|| {
            format!(
                "no layer of {} has feature maps of more than one pixel, so Grad-CAM has nothing to show; guided_backprop \
                 works for it",
                graph.name
            )
        })?,
    };
    Ok(graph.nodes[node].name.clone())
}

/// Grad-CAM at the layer's own resolution: `max(0, sum_k a_k A_k)`, where `a_k` is the mean over the pixels of map `A_k` of
/// the logit's gradient.
///
/// # Errors
/// As [`explain`].
pub fn grad_cam(network: &Network, x: Tensor<4>, classes: &[usize], layer: &str) -> Result<Vec<Map>> {
    let found = network.layer_gradient(x, layer, |z| chosen(z, classes))?;
    let [n, _, height, width] = found.output.dims();
    let weights = found.gradient.mean_dim(3).mean_dim(2);
    let cam = (found.output * weights).sum_dim(1).clamp_min(0.0);
    Ok(maps(ops::host(cam.reshape([n * height * width]))?, [1, height, width]))
}

/// Each row's logit of its class.
fn chosen(logits: Tensor<2>, classes: &[usize]) -> Tensor<1> {
    let [rows, all] = logits.dims();
    let one_hot = classes.iter().flat_map(|&class| (0..all).map(move |c| f32::from(c == class))).collect::<Vec<f32>>();
    let mask = Tensor::<2>::from_data(TensorData::new(one_hot, [rows, all]), &logits.device());
    (logits * mask).sum_dim(1).reshape([rows])
}

fn maps(values: Vec<f32>, [channels, height, width]: [usize; 3]) -> Vec<Map> {
    let one = |v: &[f32]| Map { channels, height, width, values: v.to_vec() };
    values.chunks_exact(channels * height * width).map(one).collect()
}

/// The guided gradient where Grad-CAM points (whose largest value counts as 1).
fn product(mut fine: Map, coarse: &Map) -> Map {
    let largest = coarse.values.iter().fold(0f32, |m, v| m.max(*v));
    let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    for plane in fine.values.chunks_exact_mut(coarse.values.len()) {
        plane.iter_mut().zip(&coarse.values).for_each(|(v, c)| *v *= c * scale);
    }
    fine
}

/// A map brought to another size by bilinear interpolation with half-pixel centres.
pub fn enlarged(map: &Map, height: usize, width: usize) -> Map {
    let axis = |from: usize, to: usize| -> Vec<(usize, usize, f32)> {
        let at = |i: usize| ((i as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        (0..to).map(|i| (at(i) as usize, (at(i) as usize + 1).min(from - 1), at(i).fract())).collect()
    };
    let (rows, columns) = (axis(map.height, height), axis(map.width, width));
    let mut values = Vec::with_capacity(map.channels * height * width);
    for plane in map.values.chunks_exact(map.height * map.width) {
        let value = |r: usize, c: usize| plane[r * map.width + c];
        for &(r0, r1, fr) in &rows {
            for &(c0, c1, fc) in &columns {
                let top = value(r0, c0) * (1.0 - fc) + value(r0, c1) * fc;
                let bottom = value(r1, c0) * (1.0 - fc) + value(r1, c1) * fc;
                values.push(top * (1.0 - fr) + bottom * fr);
            }
        }
    }
    Map { channels: map.channels, height, width, values }
}
