//! Sequences of different lengths: a second input says how many steps of each example are there, and layers keep to them.
//! No ONNX operator is asked to know lengths itself, since runtimes need not support that.

use anyhow::Result;

use super::writer::{Writer, integer};
use ferrotype_model::{Graph, Node, Shape};

/// The values by which layers know what is padding.
pub struct Lengths {
    /// Per node: whether its value has steps that are padding.
    padded: Vec<bool>,
    /// `[batch, steps]`: 1 where a step is there.
    mask: String,
    /// `[batch, 1, steps]`: 1 at the last step that is there.
    last: String,
    /// `[batch, 1]`: how many are there.
    counts: String,
}

impl Lengths {
    /// Declares the input `lengths [batch]` beside the sequences `input [batch, 1, steps, features]`.
    ///
    /// # Errors
    /// When a layer would mix padding with what is there.
    pub fn lower(writer: &mut Writer, graph: &Graph, input: &str) -> Result<Self> {
        let padded = graph.padding()?;
        writer
            .input_of_integers("lengths", "Steps of each example that are there, from the first; the rest is padding");
        let float = || vec![integer("to", 1)];
        let axis = writer.integers("lengths.axis", &[1]);
        let lengths = writer.node("Unsqueeze", "lengths.column", &["lengths", &axis], Vec::new());
        let shape = writer.node("Shape", "lengths.shape", &[input], Vec::new());
        let (zero, one, two) =
            (writer.scalar("lengths.0", 0), writer.scalar("lengths.1", 1), writer.scalar("lengths.2", 2));
        let steps = writer.node("Gather", "lengths.steps", &[&shape, &two], vec![integer("axis", 0)]);
        let numbers = writer.node("Range", "lengths.numbers", &[&zero, &steps, &one], Vec::new());
        let there = writer.node("Less", "lengths.there", &[&numbers, &lengths], Vec::new());
        let mask = writer.node("Cast", "lengths.mask", &[&there], float());
        let before = writer.node("Sub", "lengths.before", &[&lengths, &one], Vec::new());
        let is_last = writer.node("Equal", "lengths.is_last", &[&numbers, &before], Vec::new());
        let last = writer.node("Cast", "lengths.last_step", &[&is_last], float());
        let last = writer.node("Unsqueeze", "lengths.last", &[&last, &axis], Vec::new());
        let counts = writer.node("Cast", "lengths.counts", &[&lengths], float());
        Ok(Self { padded, mask, last, counts })
    }

    /// Whether what the node takes has steps that are padding.
    pub fn concern(&self, node: &Node) -> bool {
        node.inputs.first().is_some_and(|&input| self.padded[input])
    }

    /// The last step that is there of `input [batch, steps, features]`.
    pub fn last(&self, writer: &mut Writer, name: &str, input: &str) -> String {
        let step = writer.node("MatMul", &format!("{name}.step"), &[&self.last, input], Vec::new());
        let axis = writer.integers(&format!("{name}.step.axis"), &[1]);
        writer.node("Squeeze", name, &[&step, &axis], Vec::new())
    }

    /// Zeros in place of padding.
    pub fn masked(&self, writer: &mut Writer, name: &str, input: &str, shape: &Shape) -> String {
        let axes: &[i64] = if let Shape::Map { .. } = shape { &[1, 3] } else { &[2] };
        let axes = writer.integers(&format!("{name}.axes"), axes);
        let mask = writer.node("Unsqueeze", &format!("{name}.mask"), &[&self.mask, &axes], Vec::new());
        writer.node("Mul", name, &[input, &mask], Vec::new())
    }

    /// The mean of maps of one column, or of a sequence, over the steps that are there.
    pub fn mean(&self, writer: &mut Writer, name: &str, input: &str, shape: &Shape) -> String {
        let masked = self.masked(writer, &format!("{name}.there"), input, shape);
        let axes: &[i64] = if let Shape::Map { .. } = shape { &[2, 3] } else { &[1] };
        let axes = writer.integers(&format!("{name}.sum.axes"), axes);
        let sum = writer.node("ReduceSum", &format!("{name}.sum"), &[&masked, &axes], vec![integer("keepdims", 0)]);
        writer.node("Div", name, &[&sum, &self.counts], Vec::new())
    }
}
