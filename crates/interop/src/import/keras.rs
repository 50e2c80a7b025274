//! Keras' HDF5 files: weights alone or whole models, of Keras 1, 2 and 3's `.h5` form. ([`archive`] reads `.keras` files.)
//!
//! A group per layer lists its tensors in the attribute `weight_names`, under names that repeat the layer's with some
//! counter behind it (`conv2d_1/conv2d_1_1/kernel:0`); a model within a model is one layer whose tensors carry the
//! names of their own layers. Here every tensor is `layer/weight`. A whole model describes itself in the attribute
//! `model_config`.

pub(super) mod archive;
mod config;

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdf5_pure::{AttrValue, DType, File, Group};

use super::{Declared, Foreign, ForeignTensor, count, most_bytes};
use ferrotype_data::store::is_cut_off;

/// Keras 1's names of layers and weights, and those of its successors.
const KERAS1_LAYERS: [(&str, &str); 3] = [
    ("separableconvolution2d", "separable_conv2d"),
    ("convolution2d", "conv2d"),
    ("batchnormalization", "batch_normalization"),
];
const KERAS1_WEIGHTS: [(&str, &str); 4] =
    [("W", "kernel"), ("b", "bias"), ("running_mean", "moving_mean"), ("running_std", "moving_variance")];

/// The tensors of a Keras file of so many bytes.
pub fn read(path: &Path, length: u64) -> Result<Foreign> {
    ensure!(!is_cut_off(path)?, "it is shorter than its header says, so it was cut off: fetch it again");
    let file = File::open(path).map_err(damaged)?;
    let root = file.root();
    let groups = root.groups().map_err(damaged)?;
    let has = |name: &str| groups.iter().any(|g| g == name);
    let attributes = root.attrs().map_err(damaged)?;
    let declared = match attributes.get("model_config").and_then(AttrValue::as_str) {
        Some(text) => config::declared(text.trim_end_matches('\0'))?,
        None => Declared::default(),
    };
    let model = if has("model_weights") { root.group("model_weights").map_err(damaged)? } else { root };
    let Some(layers) = names(&model, "layer_names")? else {
        if has("layers") || has("_layer_checkpoint_dependencies") {
            bail!(
                "it is a Keras 3 `.weights.h5` file, which does not name its tensors: load the model in Keras and save it \
                 as a whole (model.save(\"model.keras\"))"
            );
        }
        bail!("it is an HDF5 file, but none of Keras' (it has no attribute `layer_names`)");
    };
    let foreign = Foreign { format: "Keras HDF5", declared, ..Foreign::default() };
    let mut reader = Reader { budget: most_bytes(length), foreign };
    for layer in layers {
        let group = model.group(&layer).map_err(|e| damaged(e).context(format!("its layer {layer}")))?;
        reader.layer(&group, &layer)?;
    }
    if has("optimizer_weights") {
        let optimizer = file.root().group("optimizer_weights").map_err(damaged)?;
        let slots = names(&optimizer, "weight_names")?.unwrap_or_default();
        reader.foreign.ignored.extend(slots.iter().map(|name| format!("optimizer_weights/{name}")));
    }
    Ok(reader.foreign)
}

fn damaged(cause: hdf5_pure::Error) -> anyhow::Error {
    anyhow!("it is damaged ({cause}): fetch it again")
}

struct Reader {
    /// Bytes that may still be read.
    budget: u64,
    foreign: Foreign,
}

impl Reader {
    fn layer(&mut self, group: &Group, layer: &str) -> Result<()> {
        let weights = names(group, "weight_names")?.unwrap_or_default();
        // One scope is the layer's own, whatever counter it carries; several are the layers of a model within.
        let scopes: Vec<&str> = weights.iter().map(|w| scope(w)).collect();
        let is_model = scopes.windows(2).any(|pair| pair[0] != pair[1]);
        for (weight, scope) in weights.iter().zip(&scopes) {
            let owner = if is_model { scope } else { layer };
            let values = self.tensor(group, weight).with_context(|| format!("its tensor {layer}/{weight}"))?;
            let name = format!("{}/{}", modern_layer(owner), modern_weight(weight, layer));
            self.foreign.push(ForeignTensor { name, shape: values.0, values: values.1 });
        }
        Ok(())
    }

    fn tensor(&mut self, group: &Group, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let dataset = group.dataset(name).map_err(damaged)?;
        let shape: Vec<usize> = dataset.shape().map_err(damaged)?.into_iter().map(|d| d as usize).collect();
        let kind = dataset.dtype().map_err(damaged)?;
        let numbers =
            matches!(kind, DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::U64);
        ensure!(numbers, "it holds {kind}, not numbers");
        let bytes = (count(&shape)? as u64).saturating_mul(dataset.element_size().map_err(damaged)?);
        self.budget = self
            .budget
            .checked_sub(bytes)
            .with_context(|| format!("a shape of {shape:?} is far larger than the file: it is damaged or hostile"))?;
        let values = dataset.read_f32().map_err(damaged)?;
        ensure!(values.len() == count(&shape)?, "{} values for a shape of {shape:?}", values.len());
        Ok((shape, values))
    }
}

/// A list of names in an attribute; long ones are split over `name0`, `name1`, and so on.
fn names(group: &Group, attribute: &str) -> Result<Option<Vec<String>>> {
    let attributes = group.attrs().map_err(damaged)?;
    let list = |name: &str| attributes.get(name).map(strings);
    if let Some(names) = list(attribute) {
        return Ok(Some(names));
    }
    let parts: Vec<Vec<String>> = (0..).map_while(|i| list(&format!("{attribute}{i}"))).collect();
    Ok(if parts.is_empty() { None } else { Some(parts.concat()) })
}

/// Texts of an attribute. An empty list is an array of numbers to h5py.
fn strings(value: &AttrValue) -> Vec<String> {
    let texts = value.as_strings().map(<[String]>::to_vec).unwrap_or_default();
    texts.into_iter().map(|t| t.trim_end_matches('\0').to_owned()).collect()
}

/// The name before a weight's own: the layer's, as TensorFlow knew it.
fn scope(weight: &str) -> &str {
    let mut parts = weight.rsplit('/');
    parts.next();
    parts.next().unwrap_or("")
}

/// A layer's name, Keras 1's words replaced by later ones.
fn modern_layer(name: &str) -> String {
    for (old, new) in KERAS1_LAYERS {
        if let Some(rest) = name.strip_prefix(old) {
            return format!("{new}{rest}");
        }
    }
    name.to_owned()
}

/// The weight's own name: without layer, TensorFlow's output number, and Keras 1's word for it.
fn modern_weight(name: &str, layer: &str) -> String {
    let own = name.rsplit('/').next().unwrap_or(name);
    let own = own.split(':').next().unwrap_or(own);
    let own = own.strip_prefix(layer).and_then(|rest| rest.strip_prefix('_')).unwrap_or(own);
    KERAS1_WEIGHTS.iter().find(|(old, _)| *old == own).map_or(own, |(_, new)| *new).to_owned()
}

/// The kind of a layer that Keras named itself, and its number: `conv2d_17` is a `conv2d`.
pub fn kind_and_number(layer: &str) -> (&str, u64) {
    match layer.rsplit_once('_') {
        Some((kind, digits)) if !digits.is_empty() => match digits.parse() {
            Ok(number) => (kind, number),
            Err(_) => (layer, 0),
        },
        _ => (layer, 0),
    }
}

/// For each layer of a file its kind with its place among the layers of that kind, counted from 1: the order in which
/// Keras made them, whatever number the first had. (The file's own list of layers is sorted by depth in the network.)
pub fn places<'a>(layers: impl Iterator<Item = &'a str>) -> HashMap<&'a str, String> {
    let mut kinds: HashMap<&str, Vec<(u64, &str)>> = HashMap::new();
    for layer in layers {
        let (kind, number) = kind_and_number(layer);
        let known = kinds.entry(kind).or_default();
        if !known.contains(&(number, layer)) {
            known.push((number, layer));
        }
    }
    let mut places = HashMap::new();
    for (kind, mut layers) in kinds {
        layers.sort_unstable();
        for (i, (_, layer)) in (1..).zip(layers) {
            places.insert(layer, format!("{kind}#{i}"));
        }
    }
    places
}
