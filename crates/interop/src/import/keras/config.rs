//! The description of a Keras model (`model_config` of an HDF5 file, `config.json` of a `.keras` archive): what it says
//! of its input.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::super::Declared;

/// Models within models, at most.
const DEEPEST: usize = 8;
/// Layers that change a picture before the network sees it, in ways that no preprocessing here has.
const CHANGING: [&str; 4] = ["Normalization", "Resizing", "CenterCrop", "Permute"];

/// What the description says of the model's input.
///
/// # Errors
/// When it cannot be read, or the model takes what no network here does.
pub fn declared(text: &str) -> Result<Declared> {
    let model: Value = serde_json::from_str(text).context("its description of the model is damaged: fetch it again")?;
    let mut all = Vec::new();
    collect(&model, 0, &mut all)?;
    let channels_first = channels_first(&all)?;
    let mut found = Declared { scaling: scaling(&all)?, ..Declared::default() };
    let Some(sides) = input(&model, &all)? else { return Ok(found) };
    let [a, b, c] = sides;
    let (size, channels) = if channels_first { ([b, c], a) } else { ([a, b], c) };
    found.channels = channels;
    if let [Some(height), Some(width)] = size {
        found.size = Some([height, width]);
    }
    Ok(found)
}

/// A model's layers: of Keras 1's and early 2's sequential ones the configuration is the list itself.
pub fn layers(model: &Value) -> &[Value] {
    let config = &model["config"];
    config.as_array().or_else(|| config["layers"].as_array()).map_or(&[], Vec::as_slice)
}

/// All layers, those of models within too, in their order.
fn collect<'a>(model: &'a Value, depth: usize, all: &mut Vec<&'a Value>) -> Result<()> {
    ensure!(depth < DEEPEST, "its description has models {depth} deep within each other: it is damaged or hostile");
    for layer in layers(model) {
        all.push(layer);
        collect(layer, depth + 1, all)?;
    }
    Ok(())
}

/// The three sides of the input after the batch; `None` for those that are open. The model says so itself or its first
/// layers do.
fn input(model: &Value, all: &[&Value]) -> Result<Option<[Option<usize>; 3]>> {
    let stated = |value: &Value| {
        let sides: Vec<Option<usize>> =
            value.as_array()?.iter().map(|side| side.as_u64().and_then(|n| usize::try_from(n).ok())).collect();
        <[Option<usize>; 4]>::try_from(sides).ok().map(|[_, a, b, c]| [a, b, c])
    };
    let of_layer = |layer: &Value| {
        let config = &layer["config"];
        ["batch_shape", "batch_input_shape"].iter().find_map(|key| stated(&config[key]))
    };
    let inputs: Vec<_> =
        layers(model).iter().filter(|layer| layer["class_name"] == "InputLayer").filter_map(of_layer).collect();
    ensure!(inputs.len() < 2, "its model takes {} pictures at once; networks of one can be imported", inputs.len());
    let of_model = || {
        let places = [&model["config"]["build_input_shape"], &model["build_config"]["input_shape"]];
        places.into_iter().find_map(stated)
    };
    let found = inputs.first().copied().or_else(of_model).or_else(|| all.iter().find_map(|layer| of_layer(layer)));
    if let Some(sides) = found {
        ensure!(!sides.contains(&Some(0)), "its description names an input of {sides:?}: it is damaged");
    }
    Ok(found)
}

/// The order of a picture's axes. With channels first, kernels are stored as ever, and `Flatten` puts values in the same
/// order; Keras 1 stored kernels for Theano otherwise.
fn channels_first(all: &[&Value]) -> Result<bool> {
    let mut orders = Vec::new();
    for layer in all {
        let config = &layer["config"];
        if config["dim_ordering"] == "th" {
            bail!("its convolutions are Theano's of Keras 1: load the model in Keras 2 or later and save it again");
        }
        orders.extend(config["data_format"].as_str().map(|order| (order == "channels_first", &config["name"])));
    }
    let Some(&(first, one)) = orders.first() else { return Ok(false) };
    if let Some((_, other)) = orders.iter().find(|(order, _)| *order != first) {
        bail!(
            "its layers {one} and {other} have the axes of pictures in different orders (data_format), which no network here has"
        );
    }
    Ok(first)
}

/// Factor and offset of a `Rescaling` layer.
fn scaling(all: &[&Value]) -> Result<Option<[f64; 2]>> {
    let mut found = None;
    for layer in all {
        let (class, config) = (layer["class_name"].as_str().unwrap_or_default(), &layer["config"]);
        if CHANGING.contains(&class) {
            bail!(
                "its layer {} ({class}) changes pictures within the network, which cannot be imported: save the model without \
                 it",
                config["name"]
            );
        }
        if class == "Rescaling" {
            let numbers = [config["scale"].as_f64(), config["offset"].as_f64()];
            let ([Some(factor), Some(offset)], None) = (numbers, found) else {
                bail!("its layer {} (Rescaling) scales otherwise than by one factor and offset", config["name"]);
            };
            ensure!(factor.is_finite() && factor != 0.0, "its layer {} scales by {factor}", config["name"]);
            found = Some([factor, offset]);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(layers: &str) -> Result<Declared> {
        declared(&format!(r#"{{"class_name": "Sequential", "config": {layers}}}"#))
    }

    fn size(layers: &str) -> (Option<[usize; 2]>, Option<usize>) {
        let found = of(layers).unwrap();
        (found.size, found.channels)
    }

    #[test]
    fn every_version_says_its_input_in_its_own_words() {
        // Keras 1: the list of layers is the configuration.
        let first = r#"[{"class_name": "Convolution2D", "config": {"batch_input_shape": [null, 48, 40, 1], "dim_ordering": "tf"}}]"#;
        assert_eq!(size(first), (Some([48, 40]), Some(1)));
        let second =
            r#"{"layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 48, 48, 3]}}]}"#;
        assert_eq!(size(second), (Some([48, 48]), Some(3)));
        let third = r#"{"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, null, null, 1]}}]}"#;
        assert_eq!(size(third), (None, Some(1)));
        let built = r#"{"layers": [{"class_name": "Dense", "config": {}}], "build_input_shape": [null, 20, 20, 1]}"#;
        assert_eq!(size(built), (Some([20, 20]), Some(1)));
        let first = r#"{"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 3, 48, 48]}},
            {"class_name": "Conv2D", "config": {"name": "c", "data_format": "channels_first"}}]}"#;
        assert_eq!(size(first), (Some([48, 48]), Some(3)));
        // Vectors are no pictures, and nothing is said of them.
        assert_eq!(
            size(r#"{"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 7]}}]}"#),
            (None, None)
        );
        // The outer model's input is the network's.
        let inner = r#"{"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 32, 32, 1]}},
            {"class_name": "Sequential", "config": {"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 224, 224, 3]}}]}}]}"#;
        assert_eq!(size(inner), (Some([32, 32]), Some(1)));
    }

    #[test]
    fn what_no_network_here_does_is_refused() {
        let said = |layers: &str| format!("{:#}", of(layers).unwrap_err());
        assert!(said(r#"[{"class_name": "Convolution2D", "config": {"dim_ordering": "th"}}]"#).contains("Theano"));
        let mixed = r#"[{"config": {"name": "a", "data_format": "channels_first"}}, {"config": {"name": "b", "data_format": "channels_last"}}]"#;
        assert!(said(mixed).contains("different orders"));
        assert!(said(r#"[{"class_name": "Normalization", "config": {"name": "n"}}]"#).contains("Normalization"));
        let two = r#"[{"class_name": "InputLayer", "config": {"batch_shape": [null, 8, 8, 1]}}, {"class_name": "InputLayer", "config": {"batch_shape": [null, 8, 8, 3]}}]"#;
        assert!(said(two).contains("2 pictures"));
        assert!(declared("{").is_err());
        let scaled = of(r#"[{"class_name": "Rescaling", "config": {"scale": 0.5, "offset": -1}}]"#).unwrap();
        assert_eq!(scaled.scaling, Some([0.5, -1.0]));
    }
}
