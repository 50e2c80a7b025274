//! From a graph to steps: an activation runs together with the layer before it, and values are let go after their last
//! use. The graph itself stays as it was built.

use ferrotype_kernels::Activation;

use super::graph::{Node, NodeId};
use super::layers::Layer;

/// One operation of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The layer that computes.
    pub node: NodeId,
    /// The activation that is applied as its output is stored.
    pub activation: Activation,
    /// The node whose value comes out: the layer itself, or the activation that follows it.
    pub output: NodeId,
    /// Per input: whether nothing takes this value afterwards.
    pub last_use: Vec<bool>,
}

/// The steps that compute these nodes (the first is the input, the last the output).
pub fn plan(nodes: &[Node]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (id, node) in nodes.iter().enumerate().skip(1) {
        if let Some(activation) = fusible(nodes, node)
            && let Some(step) = steps.iter_mut().find(|s| s.output == node.inputs[0])
        {
            step.activation = activation;
            step.output = id;
            continue;
        }
        steps.push(Step { node: id, activation: Activation::None, output: id, last_use: Vec::new() });
    }
    mark_last_uses(nodes, &mut steps);
    steps
}

/// The activation, where `node` is one that only it can see the input of, and that input comes from a layer that can
/// apply it.
fn fusible(nodes: &[Node], node: &Node) -> Option<Activation> {
    let Layer::Activate(activate) = node.layer else { return None };
    let source = node.inputs[0];
    let alone = nodes.iter().flat_map(|n| &n.inputs).filter(|&&i| i == source).count() == 1;
    let applies =
        matches!(nodes[source].layer, Layer::Conv2d(_) | Layer::BatchNorm(_) | Layer::Add(_) | Layer::Linear(_));
    (alone && applies).then_some(activate.0)
}

fn mark_last_uses(nodes: &[Node], steps: &mut [Step]) {
    let mut used_later = vec![false; nodes.len()];
    if let Some(last) = used_later.last_mut() {
        *last = true;
    }
    for step in steps.iter_mut().rev() {
        let inputs = &nodes[step.node].inputs;
        step.last_use = vec![false; inputs.len()];
        for (slot, &input) in inputs.iter().enumerate().rev() {
            step.last_use[slot] = !std::mem::replace(&mut used_later[input], true);
        }
    }
}
