//! Ranges of the `model:` section, by the names of the options: a dropout rate, a regulariser's coefficient and a
//! number of channels mean the same in every network of the zoo. What does not fit together is the model crate's to say,
//! which knows the sizes.

use serde::Serialize;
use serde_json::Value as Json;

use crate::ModelOptions;
use crate::objective::{ClassWeights, DistillationOptions, ObjectiveOptions, Signal};
use ferrotype_base::problems::Problems;
use ferrotype_data::options::SegmentOptions;

/// More views of one picture than any training sees.
const MAX_VIEWS: usize = 1000;
/// More channels than any network has; beyond it a slip of the keyboard asks for more memory than there is.
const MAX_CHANNELS: u64 = 16_384;

/// Impossible options of a network. Names of options mean the same in all models.
pub fn model(p: &mut Problems, model: &impl Serialize) {
    // Options that cannot be JSON are not numbers out of range; writing them will say what is wrong.
    if let Ok(value) = serde_json::to_value(model) {
        check_option(p, "model", "", &value);
    }
}

/// A network of clips has the streams that its data has, in their order.
pub fn streams(p: &mut Problems, model: &ModelOptions, clips: Option<&SegmentOptions>) {
    let Some((parts, frames)) = model.streams() else { return };
    let Some(clips) = clips else {
        let message =
            format!("`{}` takes clips, and the data are single pictures; expected `data.clips`", model.name());
        return p.add("model", message);
    };
    let at = |key: &str| format!("model.{}.{key}", model.name());
    let of_data: Vec<String> = clips.parts.iter().map(ToString::to_string).collect();
    if let Some(parts) = parts.filter(|parts| *parts != of_data) {
        let (found, expected) = (parts.join(", "), of_data.join(", "));
        let message = format!(
            "[{found}] is not what data.clips.parts gives; expected [{expected}], or nothing, which means the same"
        );
        p.add(&at("parts"), message);
    }
    if let Some(frames) = frames.filter(|frames| *frames != clips.frames) {
        let message = format!(
            "{frames} is not what data.clips.frames gives; expected {}, or nothing, which means the same",
            clips.frames
        );
        p.add(&at("frames"), message);
    }
}

fn check_option(p: &mut Problems, path: &str, name: &str, value: &Json) {
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| check_option(p, &format!("{path}.{key}"), key, value)),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| check_option(p, &format!("{path}[{i}]"), name, value));
        }
        Json::Number(number) => check_number(p, path, name, number),
        _ => {}
    }
}

fn check_number(p: &mut Problems, path: &str, name: &str, number: &serde_json::Number) {
    let value = number.as_f64().unwrap_or(f64::NAN);
    if name.ends_with("dropout") || ["drop_path", "norm_momentum"].contains(&name) {
        p.below_one(path, value);
    } else if name == "l2" {
        p.not_negative(path, value);
    } else if name == "norm_eps" {
        p.range(path, value, value > 0.0 && value < 1.0, "a number above 0, below 1");
    } else if name == "stem_stride" {
        p.range(path, value, [1.0, 2.0].contains(&value), "1 or 2");
    } else if name == "width_multiplier" {
        p.range(path, value, (0.05..=4.0).contains(&value), "0.05 to 4");
    } else if name.ends_with("width") || name.ends_with("widths") || name.ends_with("filters") {
        let count = number.as_u64().unwrap_or(0);
        p.check(path, count, (1..=MAX_CHANNELS).contains(&count), &format!("1 to {MAX_CHANNELS}"));
    }
}

/// Impossible values of the section `objective`.
pub fn objective(p: &mut Problems, objective: &ObjectiveOptions) {
    match objective {
        ObjectiveOptions::CrossEntropy(options) => {
            p.below_one("objective.cross_entropy.label_smoothing", options.label_smoothing);
            check_class_weights(p, "objective.cross_entropy.class_weights", &options.class_weights);
        }
        ObjectiveOptions::Focal(options) => {
            p.not_negative_f32("objective.focal.gamma", options.gamma);
            check_class_weights(p, "objective.focal.class_weights", &options.class_weights);
        }
        ObjectiveOptions::MultiTarget(_) => {}
        ObjectiveOptions::BinaryCrossEntropy(options) => {
            check_class_weights(p, "objective.binary_cross_entropy.class_weights", &options.class_weights);
        }
        ObjectiveOptions::ArcFace(options) => {
            let at = |name: &str| format!("objective.arc_face.{name}");
            p.range(&at("margin"), options.margin, (0.0..=3.0).contains(&options.margin), "0 to 3 radians");
            p.range(&at("scale"), options.scale, options.scale > 0.0, "a number above 0");
            p.below_one(&at("label_smoothing"), options.label_smoothing);
            check_class_weights(p, &at("class_weights"), &options.class_weights);
        }
        ObjectiveOptions::CenterLoss(options) => {
            let at = |name: &str| format!("objective.center_loss.{name}");
            p.not_negative_f32(&at("weight"), options.weight);
            p.fraction(&at("rate"), options.rate);
            p.not_negative_f32(&at("island"), options.island);
            p.below_one(&at("hard.label_smoothing"), options.hard.label_smoothing);
            check_class_weights(p, &at("hard.class_weights"), &options.hard.class_weights);
        }
        ObjectiveOptions::Distillation(options) => check_distillation(p, options),
    }
}

fn check_class_weights(p: &mut Problems, at: &str, weights: &ClassWeights) {
    let ClassWeights::Given(weights) = weights else { return };
    let some = weights.iter().any(|&weight| weight > 0.0);
    p.check(&format!("{at}.given"), weights, some, "one weight per class, at least one above 0");
    for (i, &weight) in weights.iter().enumerate() {
        p.not_negative_f32(&format!("{at}.given[{i}]"), weight);
    }
}

fn check_distillation(p: &mut Problems, options: &DistillationOptions) {
    let at = |name: &str| format!("objective.distillation.{name}");
    let named = !options.teachers.is_empty() && options.teachers.iter().all(|t| !t.as_os_str().is_empty());
    p.check(&at("teachers"), &options.teachers, named, "one run folder or more");
    p.range(&at("temperature"), options.temperature, options.temperature > 0.0, "a number above 0");
    p.fraction(&at("lambda"), options.lambda);
    p.below_one(&at("hard.label_smoothing"), options.hard.label_smoothing);
    check_class_weights(p, &at("hard.class_weights"), &options.hard.class_weights);
    if let Signal::Views(views) = options.signal {
        p.up_to(&at("signal.views"), views, 1, MAX_VIEWS);
    }
}
