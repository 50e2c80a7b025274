//! A network's values by name, for checkpoints.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_base::text::listed;

use super::network::Network;

/// So many names are listed in an error.
const LISTED: usize = 8;

/// One named tensor of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateTensor {
    /// Path name.
    pub name: String,
    /// Shape, in PyTorch's order.
    pub shape: Vec<usize>,
    /// Values, the last axis running fastest.
    pub values: Vec<f32>,
}

impl Network {
    /// All values by name: parameters, then buffers, each in the graph's order.
    pub fn state(&self) -> Result<Vec<StateTensor>> {
        let parameters = self.parameters.iter().map(|p| (&p.name, &p.shape, &p.tensor));
        let buffers = self.buffers.iter().map(|b| (&b.name, &b.shape, &b.tensor));
        parameters
            .chain(buffers)
            .map(|(name, shape, tensor)| {
                let values = read(tensor).with_context(|| format!("reading {name} from its device"))?;
                Ok(StateTensor { name: name.clone(), shape: shape.clone(), values })
            })
            .collect()
    }

    /// Takes over values by name. Nothing changes unless every tensor of the network is there, none is left over, and
    /// all shapes agree.
    pub fn load_state(&mut self, state: Vec<StateTensor>) -> Result<()> {
        let mut given = HashMap::new();
        for tensor in state {
            let product: usize = tensor.shape.iter().product();
            ensure!(
                tensor.values.len() == product,
                "{}: {} values for a shape of {:?}: the weights are damaged",
                tensor.name,
                tensor.values.len(),
                tensor.shape
            );
            if let Some(twice) = given.insert(tensor.name.clone(), tensor) {
                bail!("{} stands twice among the weights", twice.name);
            }
        }
        self.check_names(&given)?;
        let device = self.device().clone();
        for p in &mut self.parameters {
            p.tensor = place(given.remove(&p.name), &p.tensor, &device);
        }
        for b in &mut self.buffers {
            b.tensor = place(given.remove(&b.name), &b.tensor, &device);
        }
        Ok(())
    }

    fn check_names(&self, given: &HashMap<String, StateTensor>) -> Result<()> {
        let wanted: Vec<(&String, &Vec<usize>)> = self
            .parameters
            .iter()
            .map(|p| (&p.name, &p.shape))
            .chain(self.buffers.iter().map(|b| (&b.name, &b.shape)))
            .collect();
        let missing: Vec<_> = wanted.iter().filter(|(n, _)| !given.contains_key(*n)).map(|(n, _)| n.as_str()).collect();
        let known: HashMap<_, _> = wanted.iter().copied().collect();
        let mut extra: Vec<_> = given.keys().filter(|n| !known.contains_key(n)).map(String::as_str).collect();
        extra.sort_unstable();
        let shapes: Vec<String> = wanted
            .iter()
            .filter_map(|(name, shape)| {
                let other = &given.get(*name)?.shape;
                (other != *shape).then(|| format!("{name} is {other:?} instead of {shape:?}"))
            })
            .collect();
        let mut faults = Vec::new();
        if !missing.is_empty() {
            faults.push(format!("missing: {}", listed(&missing, LISTED)));
        }
        if !extra.is_empty() {
            faults.push(format!("not in the network: {}", listed(&extra, LISTED)));
        }
        if !shapes.is_empty() {
            faults.push(format!("misshapen: {}", listed(&shapes, LISTED)));
        }
        ensure!(
            faults.is_empty(),
            "the weights do not belong to this {} with {} classes and input {:?} ({})",
            self.graph().name,
            self.graph().classes,
            self.graph().input,
            faults.join("; ")
        );
        Ok(())
    }
}

/// The values of a flat tensor.
pub(crate) fn read(tensor: &Tensor<1>) -> Result<Vec<f32>> {
    let data = tensor.clone().without_autodiff().try_into_data()?;
    Ok(data.try_into_vec::<f32>()?)
}

fn place(tensor: Option<StateTensor>, old: &Tensor<1>, device: &Device) -> Tensor<1> {
    match tensor {
        Some(t) => {
            let len = t.values.len();
            Tensor::from_data(TensorData::new(t.values, [len]), device)
        }
        None => old.clone(),
    }
}
