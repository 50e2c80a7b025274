//! Collects the nodes and constants of an ONNX graph.

use super::proto::{
    AttributeProto, Dimension, DimensionProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

const F32: i32 = 1;
const I64: i32 = 7;

/// An ONNX graph in the making. Values are known by name; a node's output bears the node's name.
#[derive(Debug, Default)]
pub struct Writer {
    graph: GraphProto,
}

impl Writer {
    /// Nodes so far.
    pub fn len(&self) -> usize {
        self.graph.node.len()
    }

    /// Adds a node and returns the name of its output.
    pub fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.nodes(op, name, inputs, &[name], attributes);
        name.into()
    }

    /// Adds a node with several outputs. An output without a name is one that nobody wants.
    pub fn nodes(&mut self, op: &str, name: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&s| s.into()).collect(),
            output: outputs.iter().map(|&s| s.into()).collect(),
            name: name.into(),
            op_type: op.into(),
            attribute: attributes,
        });
    }

    /// Adds a constant and returns its name.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, shape, F32, raw)
    }

    /// Adds a constant list of integers and returns its name.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, &[values.len()], I64, raw)
    }

    /// Adds a constant integer without axes and returns its name.
    pub fn scalar(&mut self, name: &str, value: i64) -> String {
        self.constant(name, &[], I64, value.to_le_bytes().to_vec())
    }

    fn constant(&mut self, name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let dims = shape.iter().map(|&d| d as i64).collect();
        self.graph.initializer.push(TensorProto { dims, data_type: Some(data_type), name: name.into(), raw_data });
        name.into()
    }

    /// Declares an input `[batch, shape...]` of floats.
    pub fn input(&mut self, name: &str, shape: &[usize], doc: &str) {
        self.graph.input.push(batched(name, F32, &fixed(shape), doc));
    }

    /// Declares an input of floats with a batch axis, and an axis of any number of steps where there is no size.
    pub fn input_of(&mut self, name: &str, shape: &[Option<usize>], doc: &str) {
        self.graph.input.push(batched(name, F32, shape, doc));
    }

    /// Declares an input of one integer per example.
    pub fn input_of_integers(&mut self, name: &str, doc: &str) {
        self.graph.input.push(batched(name, I64, &[], doc));
    }

    /// Declares an output `[batch, shape...]` of floats.
    pub fn output(&mut self, name: &str, shape: &[usize], doc: &str) {
        self.graph.output.push(batched(name, F32, &fixed(shape), doc));
    }

    /// Declares an output as [`input_of`](Self::input_of) does an input.
    pub fn output_of(&mut self, name: &str, shape: &[Option<usize>], doc: &str) {
        self.graph.output.push(batched(name, F32, shape, doc));
    }

    /// The finished graph.
    pub fn finish(mut self, name: &str) -> GraphProto {
        self.graph.name = name.into();
        self.graph
    }
}

/// A float attribute.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f: Some(value), kind: Some(1), ..Default::default() }
}

/// An integer attribute.
pub fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), kind: Some(2), ..Default::default() }
}

/// An attribute that is a list of integers.
pub fn integers(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&v| v as i64).collect();
    AttributeProto { name: name.into(), ints, kind: Some(7), ..Default::default() }
}

fn fixed(shape: &[usize]) -> Vec<Option<usize>> {
    shape.iter().map(|&d| Some(d)).collect()
}

fn batched(name: &str, elem_type: i32, shape: &[Option<usize>], doc: &str) -> ValueInfoProto {
    let free = |name: &str| Dimension::Param(name.into());
    let sizes = shape.iter().map(|d| d.map_or_else(|| free("steps"), |d| Dimension::Value(d as i64)));
    let dim = std::iter::once(free("batch")).chain(sizes).map(|d| DimensionProto { value: Some(d) }).collect();
    let shape = TensorShapeProto { dim };
    let tensor = TensorTypeProto { elem_type: Some(elem_type), shape: Some(shape) };
    ValueInfoProto { name: name.into(), kind: Some(TypeProto { tensor_type: Some(tensor) }), doc_string: doc.into() }
}
