//! Keras 3's `.keras` files: a zip archive of the model's description (`config.json`) and its weights
//! (`model.weights.h5`).
//!
//! The weights have no names there: those of a layer are `vars/0`, `vars/1`, ... in a group that is called by the layer's
//! class and its place among the layers of that class (`layers/conv2d_1/vars/0`), a model's within a model below that
//! one's group (keras/src/saving/saving_lib.py, `_save_container_state`). The description gives the names.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::zip::Member;
use hdf5_pure::{File, Group};
use serde_json::Value;

use super::super::{Foreign, ForeignTensor, most_bytes};
use super::{Reader, config, damaged};

/// The archive's members.
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";
/// A description takes some kilobytes.
const LONGEST_CONFIG: usize = 64 << 20;
/// Weights of networks for pictures take some megabytes.
const LONGEST_WEIGHTS: usize = 2 << 30;

/// Whether these are the members of a `.keras` file.
pub fn is_archive(members: &[Member]) -> bool {
    members.iter().any(|m| m.name == CONFIG) && members.iter().any(|m| m.name.starts_with("model.weights."))
}

/// The tensors of a `.keras` file.
///
/// # Errors
/// When it is damaged, or has layers whose weights are not known here.
pub fn read(members: &[Member]) -> Result<Foreign> {
    let content = |name: &str, most: usize| {
        let member = members.iter().find(|m| m.name == name);
        member
            .with_context(|| format!("it has no {name}: save the model again (model.save(\"model.keras\"))"))?
            .content(most)
    };
    let text = content(CONFIG, LONGEST_CONFIG)?;
    let text = std::str::from_utf8(&text).context("its config.json is not text: fetch it again")?;
    let declared = config::declared(text)?;
    let model: Value = serde_json::from_str(text).context("its config.json is damaged: fetch it again")?;
    let weights = content(WEIGHTS, LONGEST_WEIGHTS)?.into_owned();
    let budget = most_bytes(weights.len() as u64);
    let root = File::from_bytes(weights).map_err(damaged)?.root();
    let foreign = Foreign { format: "Keras archive", declared, ..Foreign::default() };
    let mut reader = Reader { budget, foreign };
    layers(&mut reader, &model, &root).context("its model.weights.h5")?;
    if let Some(optimizer) = group(&root, "optimizer")? {
        let slots = group(&optimizer, "vars")?.map_or(Ok(Vec::new()), |vars| vars.datasets()).map_err(damaged)?;
        reader.foreign.ignored.extend(slots.iter().map(|slot| format!("optimizer/vars/{slot}")));
    }
    Ok(reader.foreign)
}

/// The layers of a model that stands in this group.
fn layers(reader: &mut Reader, model: &Value, at: &Group) -> Result<()> {
    let mut groups: HashMap<String, &Value> = HashMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for layer in config::layers(model) {
        let kind = snake_case(layer["class_name"].as_str().unwrap_or_default());
        let count = counts.entry(kind.clone()).or_default();
        groups.insert(if *count == 0 { kind } else { format!("{kind}_{count}") }, layer);
        *count += 1;
    }
    let Some(stored) = group(at, "layers")? else { return Ok(()) };
    for name in stored.groups().map_err(damaged)? {
        let inner = stored.group(&name).map_err(damaged)?;
        match groups.get(&name) {
            Some(layer) => one_layer(reader, layer, &inner)?,
            None => ensure!(!has_weights(&inner, 0)?, "its group layers/{name} belongs to no layer of the description"),
        }
    }
    Ok(())
}

fn one_layer(reader: &mut Reader, layer: &Value, at: &Group) -> Result<()> {
    let class = layer["class_name"].as_str().unwrap_or_default();
    let name = layer["config"]["name"].as_str().unwrap_or(class);
    for part in at.groups().map_err(damaged)? {
        let inner = at.group(&part).map_err(damaged)?;
        match part.as_str() {
            "vars" => {}
            "layers" => layers(reader, layer, at).with_context(|| format!("its model {name}"))?,
            _ => ensure!(
                !has_weights(&inner, 0)?,
                "its layer {name} ({class}) has weights in a part `{part}`, which no network here has"
            ),
        }
    }
    let Some(vars) = group(at, "vars")? else { return Ok(()) };
    let stored = vars.datasets().map_err(damaged)?.len();
    if stored == 0 {
        return Ok(());
    }
    let Some(weights) = weights(class, &layer["config"]) else {
        bail!("its layer {name} is a {class}, whose weights no network here has")
    };
    ensure!(
        weights.len() == stored,
        "its layer {name} ({class}) has {stored} tensors where {} are expected ({}): the file is damaged, or quantised",
        weights.len(),
        weights.join(", ")
    );
    for (i, weight) in weights.iter().enumerate() {
        let (shape, values) =
            reader.tensor(&vars, &i.to_string()).with_context(|| format!("its tensor {name}/{weight}"))?;
        reader.foreign.push(ForeignTensor { name: format!("{name}/{weight}"), shape, values });
    }
    Ok(())
}

/// The names of a layer's weights in the order in which Keras stores them.
fn weights(class: &str, config: &Value) -> Option<Vec<&'static str>> {
    let has = |key: &str| config[key].as_bool().unwrap_or(true);
    let (mut names, optional): (Vec<&str>, _) = match class {
        "Conv2D" | "Dense" => (vec!["kernel"], [("use_bias", "bias")].as_slice()),
        "DepthwiseConv2D" => (vec!["depthwise_kernel"], &[("use_bias", "bias")]),
        "SeparableConv2D" => (vec!["depthwise_kernel", "pointwise_kernel"], &[("use_bias", "bias")]),
        "BatchNormalization" => (vec![], &[("scale", "gamma"), ("center", "beta")]),
        _ => return None,
    };
    names.extend(optional.iter().filter(|(key, _)| has(key)).map(|(_, name)| *name));
    if class == "BatchNormalization" {
        names.extend(["moving_mean", "moving_variance"]);
    }
    Some(names)
}

/// The name of a class as Keras writes it in groups (keras/src/utils/naming.py, `to_snake_case`): `Conv2D` is `conv2d`,
/// `BatchNormalization` is `batch_normalization`.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::new();
    for (i, c) in letters.iter().enumerate() {
        let begins_word = letters.get(i + 1).is_some_and(char::is_ascii_lowercase);
        let ends_word = i > 0 && letters[i - 1].is_ascii_lowercase();
        if i > 0 && c.is_ascii_uppercase() && (begins_word || ends_word) {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Whether there are tensors in a group or below.
fn has_weights(at: &Group, depth: usize) -> Result<bool> {
    ensure!(depth < 16, "its groups lie {depth} deep: it is damaged or hostile");
    if !at.datasets().map_err(damaged)?.is_empty() {
        return Ok(true);
    }
    for name in at.groups().map_err(damaged)? {
        if has_weights(&at.group(&name).map_err(damaged)?, depth + 1)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn group(at: &Group, name: &str) -> Result<Option<Group>> {
    if at.groups().map_err(damaged)?.iter().any(|g| g == name) {
        at.group(name).map(Some).map_err(damaged)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `[keras.src.utils.naming.to_snake_case(c) for c in ...]`
    #[test]
    fn groups_are_called_as_keras_calls_them() {
        let names =
            ["Conv2D", "BatchNormalization", "SeparableConv2D", "ReLU", "Dense", "DepthwiseConv2D", "MaxPooling2D"];
        let expected = [
            "conv2d",
            "batch_normalization",
            "separable_conv2d",
            "re_lu",
            "dense",
            "depthwise_conv2d",
            "max_pooling2d",
        ];
        assert_eq!(names.map(snake_case), expected);
    }
}
