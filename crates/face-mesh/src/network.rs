//! A network of an ONNX file whose inputs and outputs are what is expected.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_onnx::OnnxNetwork;
use rten::{Dimension, Model, NodeId, Value};

/// What a file is expected to hold.
pub struct Form {
    /// Such as `face detector`.
    pub what: &'static str,
    /// Whose it is.
    pub whose: &'static str,
    /// Shape of the input.
    pub input: &'static [usize],
    /// Shapes of the outputs that are used.
    pub outputs: &'static [&'static [usize]],
}

/// A network of that form.
pub struct Network {
    network: OnnxNetwork,
    form: &'static Form,
    input: NodeId,
    outputs: Vec<NodeId>,
}

impl Network {
    /// Loads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not ONNX, is damaged, computes without bound, or is of another form.
    pub fn open(path: &Path, form: &'static Form) -> Result<Self> {
        let network = OnnxNetwork::open(path, form.what)?;
        let model = network.model();
        let input = model.input_ids().iter().copied().find(|id| has_shape(model, *id, form.input));
        let mut outputs: Vec<NodeId> = Vec::new();
        for shape in form.outputs {
            let mut ids = model.output_ids().iter().copied();
            outputs.extend(ids.find(|id| !outputs.contains(id) && has_shape(model, *id, shape)));
        }
        let (Some(input), true) = (input, outputs.len() == form.outputs.len()) else {
            bail!(
                "{} is not the {} that is known here: {} takes {:?} and gives {:?}; this file takes {} and gives {}",
                path.display(),
                form.what,
                form.whose,
                form.input,
                form.outputs,
                shapes(model, model.input_ids()),
                shapes(model, model.output_ids())
            );
        };
        network.try_once(input, form.input, &outputs)?;
        Ok(Self { network, form, input, outputs })
    }

    /// The values of each output, flat.
    ///
    /// # Errors
    /// When the network cannot be run, or gives values that are no numbers.
    pub fn run(&self, values: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        self.outputs_of(values).with_context(|| self.network.failed())
    }

    fn outputs_of(&self, values: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        let found = self.network.run(self.input, self.form.input, values, &self.outputs)?;
        let shapes = self.form.outputs.iter();
        found.into_iter().zip(shapes).map(|(value, shape)| flat(value, shape)).collect()
    }
}

fn flat(value: Value, shape: &[usize]) -> Result<Vec<f32>> {
    let values = match shape.len() {
        1 => value.into_shape_vec::<f32, 1>().map(|(_, values)| values),
        2 => value.into_shape_vec::<f32, 2>().map(|(_, values)| values),
        3 => value.into_shape_vec::<f32, 3>().map(|(_, values)| values),
        _ => value.into_shape_vec::<f32, 4>().map(|(_, values)| values),
    };
    let values = values.map_err(|e| anyhow!("its output: {e}"))?;
    ensure!(
        values.len() == shape.iter().product::<usize>(),
        "its output has {} values where {shape:?} are expected",
        values.len()
    );
    ensure!(values.iter().all(|v| v.is_finite()), "its output has values that are no numbers");
    Ok(values)
}

/// Whether a value has a shape; sides of any length fit.
fn has_shape(model: &Model, id: NodeId, expected: &[usize]) -> bool {
    let shape = model.node_info(id).and_then(|n| n.shape()).unwrap_or_default();
    let fits = |(side, expected): (&Dimension, &usize)| match side {
        Dimension::Fixed(n) => n == expected,
        Dimension::Symbolic(_) => true,
    };
    shape.len() == expected.len() && shape.iter().zip(expected).all(fits)
}

fn shapes(model: &Model, ids: &[NodeId]) -> String {
    let side = |d: &Dimension| match d {
        Dimension::Fixed(n) => n.to_string(),
        Dimension::Symbolic(name) => name.clone(),
    };
    let shape = |id: &NodeId| {
        let sides = model.node_info(*id).and_then(|n| n.shape()).unwrap_or_default();
        format!("[{}]", sides.iter().map(side).collect::<Vec<_>>().join(", "))
    };
    ids.iter().map(shape).collect::<Vec<_>>().join(" and ")
}
