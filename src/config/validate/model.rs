//! Ranges of the `model:` section, by the names of the options: a dropout rate, a regulariser's coefficient and a
//! number of channels mean the same in every network of the zoo. What does not fit together is the model room's to say,
//! which knows the sizes.

use serde::Serialize;
use serde_json::Value as Json;

use super::Found;
use crate::data::options::SegmentOptions;
use crate::model::ModelOptions;

/// More channels than any network has; beyond it a slip of the keyboard asks for more memory than there is.
const MAX_CHANNELS: u64 = 16_384;

impl Found {
    pub fn model(&mut self, model: &impl Serialize) {
        // Options that cannot be JSON are not numbers out of range; writing them will say what is wrong.
        if let Ok(value) = serde_json::to_value(model) {
            self.option("model", "", &value);
        }
    }

    /// A network of clips has the streams that its data has, in their order.
    pub fn streams(&mut self, model: &ModelOptions, clips: Option<&SegmentOptions>) {
        let Some((parts, frames)) = model.streams() else { return };
        let Some(clips) = clips else {
            let message =
                format!("`{}` takes clips, and the data are single pictures; expected `data.clips`", model.name());
            return self.add("model", message);
        };
        let at = |key: &str| format!("model.{}.{key}", model.name());
        let of_data: Vec<String> = clips.parts.iter().map(ToString::to_string).collect();
        if let Some(parts) = parts.filter(|parts| *parts != of_data) {
            let (found, expected) = (parts.join(", "), of_data.join(", "));
            let message = format!(
                "[{found}] is not what data.clips.parts gives; expected [{expected}], or nothing, which means the same"
            );
            self.add(&at("parts"), message);
        }
        if let Some(frames) = frames.filter(|frames| *frames != clips.frames) {
            let message = format!(
                "{frames} is not what data.clips.frames gives; expected {}, or nothing, which means the same",
                clips.frames
            );
            self.add(&at("frames"), message);
        }
    }

    fn option(&mut self, path: &str, name: &str, value: &Json) {
        match value {
            Json::Object(map) => map.iter().for_each(|(key, value)| self.option(&format!("{path}.{key}"), key, value)),
            Json::Array(items) => {
                items.iter().enumerate().for_each(|(i, value)| self.option(&format!("{path}[{i}]"), name, value));
            }
            Json::Number(number) => self.number(path, name, number),
            _ => {}
        }
    }

    fn number(&mut self, path: &str, name: &str, number: &serde_json::Number) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        if name.ends_with("dropout") || name == "norm_momentum" {
            self.below_one(path, value);
        } else if name == "l2" {
            self.not_negative(path, value);
        } else if name == "norm_eps" {
            self.range(path, value, value > 0.0 && value < 1.0, "a number above 0, below 1");
        } else if name == "width_multiplier" {
            self.range(path, value, (0.05..=4.0).contains(&value), "0.05 to 4");
        } else if name.ends_with("width") || name.ends_with("widths") || name.ends_with("filters") {
            let count = number.as_u64().unwrap_or(0);
            self.check(path, count, (1..=MAX_CHANNELS).contains(&count), &format!("1 to {MAX_CHANNELS}"));
        }
    }
}
