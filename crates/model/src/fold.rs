//! A network for evaluation alone: batch normalisation that directly follows a convolution becomes part of it, and the
//! feature maps are walked over once less.

use std::sync::Arc;

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};

use super::graph::{Graph, Node, NodeId};
use super::init::Initialiser;
use super::layers::{BatchNorm, Conv2d, Layer, ParameterSpec, Role};
use super::network::{Buffer, Network, Parameter};
use super::plan::plan;
use ferrotype_ops as ops;

/// A convolution whose output only a normalisation layer takes.
struct Pair<'a> {
    conv: &'a Conv2d,
    norm: &'a BatchNorm,
    norm_at: NodeId,
}

/// The graph that is put together, with its values.
struct Folded {
    nodes: Vec<Node>,
    specs: Vec<ParameterSpec>,
    parameters: Vec<Parameter>,
    buffers: Vec<Buffer>,
    buffer_specs: Vec<super::layers::BufferSpec>,
}

impl Network {
    /// The same function in evaluation mode, with fewer layers. Its logits differ from the network's own by rounding
    /// only (of the order of 1e-6 of their range); it is of no use for training.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn folded(&self) -> Result<Self> {
        let graph = self.graph();
        let mut folded = Folded {
            nodes: Vec::new(),
            specs: Vec::new(),
            parameters: Vec::new(),
            buffers: Vec::new(),
            buffer_specs: Vec::new(),
        };
        // Where each node's value stands in the new graph.
        let mut places: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
        for (id, node) in graph.nodes.iter().enumerate() {
            let is_folded = node.inputs.first().is_some_and(|&i| pair(graph, i).is_some_and(|p| p.norm_at == id));
            if is_folded {
                places.push(places[node.inputs[0]]);
                continue;
            }
            let inputs = node.inputs.iter().map(|&i| places[i]).collect();
            match pair(graph, id) {
                Some(pair) => self.join(&mut folded, node, &pair, inputs)?,
                None => self.keep(&mut folded, node, inputs),
            }
            places.push(folded.nodes.len() - 1);
        }
        Ok(self.with_graph(folded))
    }

    fn with_graph(&self, folded: Folded) -> Self {
        let graph = Graph {
            plan: plan(&folded.nodes),
            nodes: folded.nodes,
            parameters: folded.specs,
            buffers: folded.buffer_specs,
            ..(**self.graph()).clone()
        };
        self.replaced(Arc::new(graph), folded.parameters, folded.buffers)
    }

    /// Takes a node over as it is.
    fn keep(&self, folded: &mut Folded, node: &Node, inputs: Vec<NodeId>) {
        let (p, b) = (folded.specs.len(), folded.buffers.len());
        folded.specs.extend_from_slice(&self.graph().parameters[node.parameters.clone()]);
        folded.parameters.extend_from_slice(&self.parameters[node.parameters.clone()]);
        folded.buffer_specs.extend_from_slice(&self.graph().buffers[node.buffers.clone()]);
        folded.buffers.extend_from_slice(&self.buffers[node.buffers.clone()]);
        let (parameters, buffers) = (p..folded.specs.len(), b..folded.buffers.len());
        folded.nodes.push(Node { inputs, parameters, buffers, ..node.clone() });
    }

    /// Takes a convolution and its normalisation over as one convolution with a bias.
    fn join(&self, folded: &mut Folded, node: &Node, pair: &Pair<'_>, inputs: Vec<NodeId>) -> Result<()> {
        let norm = &self.graph().nodes[pair.norm_at];
        let parameter = |i: usize| ops::host(self.parameters[i].tensor.clone());
        let buffer = |i: usize| ops::host(self.buffers[i].tensor.clone());
        let mut weight = parameter(node.parameters.start)?;
        let bias = pair.conv.bias.map(|_| parameter(node.parameters.start + 1)).transpose()?;
        let (scale, shift) = (parameter(norm.parameters.start)?, parameter(norm.parameters.start + 1)?);
        let (mean, variance) = (buffer(norm.buffers.start)?, buffer(norm.buffers.start + 1)?);
        let per_channel = weight.len() / scale.len();
        let mut shifts = Vec::with_capacity(scale.len());
        for (c, kernel) in weight.chunks_exact_mut(per_channel).enumerate() {
            let factor = f64::from(scale[c]) / (f64::from(variance[c]) + pair.norm.eps).sqrt();
            kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
            let before = f64::from(bias.as_ref().map_or(0.0, |b| b[c])) - f64::from(mean[c]);
            shifts.push((before * factor + f64::from(shift[c])) as f32);
        }
        let start = folded.specs.len();
        let shape = self.graph().parameters[node.parameters.start].shape.clone();
        for (name, role, shape, values) in
            [("weight", Role::Weight, shape, weight), ("bias", Role::Bias, vec![shifts.len()], shifts)]
        {
            let (name, length) = (format!("{}.{name}", node.name), values.len());
            let init = Initialiser::Constant(0.0);
            folded.specs.push(ParameterSpec { name: name.clone(), shape: shape.clone(), role, init, l2: 0.0 });
            let tensor = Tensor::from_data(TensorData::new(values, [length]), self.device());
            folded.parameters.push(Parameter { name, shape, role, l2: 0.0, tensor });
        }
        let layer = Layer::Conv2d(Conv2d { bias: Some(Initialiser::Constant(0.0)), ..pair.conv.clone() });
        let (parameters, buffers) = (start..start + 2, folded.buffers.len()..folded.buffers.len());
        folded.nodes.push(Node { layer, inputs, parameters, buffers, ..node.clone() });
        Ok(())
    }
}

/// The pair that begins with this node, if one does.
fn pair(graph: &Graph, id: NodeId) -> Option<Pair<'_>> {
    let Layer::Conv2d(conv) = &graph.nodes[id].layer else { return None };
    let mut users = (id + 1..graph.nodes.len()).filter(|&n| graph.nodes[n].inputs.contains(&id));
    let (first, second) = (users.next()?, users.next());
    match &graph.nodes[first].layer {
        Layer::BatchNorm(norm) if second.is_none() => Some(Pair { conv, norm, norm_at: first }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::ModelOptions;
    use ferrotype_base::random::Stream;

    fn trained(options: &ModelOptions, input: [usize; 3]) -> Network {
        let graph = Arc::new(options.build(input, 7).unwrap());
        let mut network = Network::new(graph, 3, &crate::device::tested());
        let device = network.device().clone();
        let mut s = Stream::new(5);
        let mut drawn = |n: usize, low: f32, high: f32| {
            let values: Vec<f32> = (0..n).map(|_| s.uniform(low, high)).collect();
            Tensor::<1>::from_data(TensorData::new(values, [n]), &device)
        };
        for b in &mut network.buffers {
            let [low, high] = if b.name.ends_with("running_var") { [0.2, 3.0] } else { [-0.5, 0.5] };
            b.tensor = drawn(b.tensor.dims()[0], low, high);
        }
        for p in network.parameters.iter_mut().filter(|p| matches!(p.role, Role::NormScale | Role::NormShift)) {
            p.tensor = drawn(p.tensor.dims()[0], 0.4, 1.6);
        }
        network
    }

    #[test]
    fn a_folded_network_computes_the_same_with_fewer_layers() {
        for (name, input, pairs) in [
            ("mini_xception", [1, 64, 64], 14),
            ("resnet18", [1, 48, 48], 20),
            ("depthwise_separable", [1, 32, 32], 15),
            ("mobilenet_v3", [1, 64, 64], 34),
            ("efficientnet_b0", [3, 64, 64], 49),
        ] {
            let options = ModelOptions::all().into_iter().find(|o| o.build(input, 7).is_ok_and(|g| g.name == name));
            let network = trained(&options.unwrap(), input);
            let folded = network.folded().unwrap();
            assert_eq!(network.graph().nodes.len() - folded.graph().nodes.len(), pairs, "{name}");
            let mut s = Stream::new(1);
            let [c, h, w] = input;
            let x: Vec<f32> = (0..3 * c * h * w).map(|_| s.uniform(-1.0, 1.0)).collect();
            let x = Tensor::<4>::from_data(TensorData::new(x, [3, c, h, w]), network.device());
            let before = ops::host(network.forward(x.clone()).unwrap().flatten(0, 1)).unwrap();
            let after = ops::host(folded.forward(x).unwrap().flatten(0, 1)).unwrap();
            let range = before.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            for (a, b) in before.iter().zip(&after) {
                assert!((a - b).abs() <= 2e-5 * range, "{name}: {a} {b}, range {range}");
            }
        }
    }

    #[test]
    fn a_network_without_such_pairs_stays_as_it_is() {
        // EmoPy's normalisation stands behind the activation.
        let network = trained(&ModelOptions::EmopyCnn(Default::default()), [1, 64, 64]);
        let folded = network.folded().unwrap();
        assert_eq!(folded.graph().nodes, network.graph().nodes);
    }
}
