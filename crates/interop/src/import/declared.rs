//! What a file of weights says beside them: the pictures that the network takes, and its classes. A network without
//! dense layers over maps runs at any size, so that a wrong one shows in nothing but worse answers.

use anyhow::{Context, Result, bail, ensure};

use super::Head;
use ferrotype_data::options::{Colour, MeanStd, Preprocess, Scale};

/// What a file says of a network's input and outputs; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// Height and width of the input.
    pub size: Option<[usize; 2]>,
    /// Channels of the input.
    pub channels: Option<usize>,
    /// Factor and offset by which the network itself scales pixels of 0 to 255.
    pub scaling: Option<[f64; 2]>,
    /// Class names in the order of the outputs.
    pub classes: Option<Vec<String>>,
}

impl Declared {
    /// The preprocessing of a form, changed to what the file says.
    ///
    /// # Errors
    /// When the file's network takes what is no square picture, grey or of three colours.
    pub fn apply_to(&self, preprocess: &Preprocess) -> Result<Preprocess> {
        let mut changed = preprocess.clone();
        if let Some([height, width]) = self.size {
            ensure!(
                height == width && height > 0,
                "the file's network takes pictures of {width} x {height} pixels; only square ones can be imported"
            );
            changed.size = height;
        }
        changed.colour = match (self.channels, preprocess.colour) {
            (Some(1), _) => Colour::Grey,
            (Some(3), Colour::Grey) => Colour::Rgb,
            (None | Some(3), colour) => colour,
            (Some(other), _) => {
                bail!("the file's network takes pictures of {other} channels; grey and RGB ones can be imported")
            }
        };
        if let Some([factor, offset]) = self.scaling {
            changed.scale = scale(factor, offset);
        }
        Ok(changed)
    }

    /// Refuses preprocessing that contradicts the file; a new classifier may be trained at another size. (Channels are
    /// the first layer's shape, which the matching compares.)
    ///
    /// # Errors
    /// When it does.
    pub fn check(&self, preprocess: &Preprocess, head: Head) -> Result<()> {
        if let (Some([height, width]), Head::File) = (self.size, head) {
            ensure!(
                [height, width] == [preprocess.size; 2],
                "the file says that its network takes pictures of {width} x {height} pixels, and data.preprocess.size is {}: at \
                 another size its classifier does not give what it gave; leave the size to the file, or have a new classifier \
                 (--head new)",
                preprocess.size
            );
        }
        if let Some([factor, offset]) = self.scaling {
            ensure!(
                preprocess.scale == scale(factor, offset),
                "the file's network scales pixels itself (x * {factor} + {offset}), and data.preprocess.scale says otherwise: \
                 leave it to the file"
            );
        }
        Ok(())
    }

    /// The file's class names for a classifier of so many outputs, if it has any; `given` are the user's.
    ///
    /// # Errors
    /// When their number is another, or `given` has the same names in another order.
    pub fn classes(&self, outputs: usize, given: Option<&[String]>) -> Result<Option<&[String]>> {
        let Some(classes) = &self.classes else { return Ok(None) };
        let sorted = |names: &[String]| {
            let mut names: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
            names.sort();
            names
        };
        if let Some(given) = given {
            let same_order = given.iter().zip(classes).all(|(a, b)| a.to_lowercase() == b.to_lowercase());
            ensure!(
                same_order || sorted(given) != sorted(classes),
                "--classes has the file's classes in another order, which is {}: leave --classes out",
                classes.join(",")
            );
            return Ok(None);
        }
        ensure!(
            classes.len() == outputs,
            "the file names {} classes, but its classifier has {outputs} outputs: name all of them in their order with \
             --classes",
            classes.len()
        );
        Ok(Some(classes))
    }

    /// Takes up a note of somebody's file, by the names that are usual for such: `classes`, `class_names`, `labels`,
    /// `class_to_idx`, `idx_to_class`, `id2label`; `input_size`, `image_size`, `img_size`.
    ///
    /// # Errors
    /// When it has such a name, and class numbers that are not 0, 1, 2, ...
    pub fn note(&mut self, name: &str, value: &serde_json::Value) -> Result<()> {
        match name {
            "classes" | "class_names" | "labels" | "class_to_idx" | "idx_to_class" | "id2label" => {
                if let Some(classes) = class_names(value).with_context(|| format!("its `{name}`"))? {
                    self.classes = Some(classes);
                }
            }
            "input_size" | "image_size" | "img_size" => self.note_size(value),
            _ => {}
        }
        Ok(())
    }

    /// A side, height and width, or `[channels, height, width]`.
    fn note_size(&mut self, value: &serde_json::Value) {
        let side = |v: &serde_json::Value| v.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let sides: Option<Vec<usize>> = value.as_array().map(|a| a.iter().filter_map(side).collect());
        match (side(value), sides.as_deref()) {
            (Some(n), _) => self.size = Some([n, n]),
            (None, Some(&[height, width])) => self.size = Some([height, width]),
            (None, Some(&[channels @ (1 | 3), height, width])) => {
                (self.channels, self.size) = (Some(channels), Some([height, width]));
            }
            _ => {}
        }
    }
}

/// `x * factor + offset` of pixels, as an option.
fn scale(factor: f64, offset: f64) -> Scale {
    let is = |f: f64, o: f64| (factor / f - 1.0).abs() < 1e-6 && (offset - o).abs() < 1e-6;
    if is(1.0, 0.0) {
        Scale::Raw
    } else if is(1.0 / 255.0, 0.0) {
        Scale::Unit
    } else if is(1.0 / 127.5, -1.0) {
        Scale::Signed
    } else {
        let std = 1.0 / (255.0 * factor);
        Scale::MeanStd(MeanStd { mean: vec![(-offset * std) as f32], std: vec![std as f32] })
    }
}

/// Names in a list, or by their numbers in either direction; `None` if it is neither.
fn class_names(value: &serde_json::Value) -> Result<Option<Vec<String>>> {
    let text = |v: &serde_json::Value| v.as_str().map(str::to_owned);
    let pairs: Vec<(u64, String)> = match value {
        serde_json::Value::Array(names) => {
            let texts: Vec<String> = names.iter().filter_map(text).collect();
            return Ok((!texts.is_empty() && texts.len() == names.len()).then_some(texts));
        }
        serde_json::Value::Object(map) => {
            let pair = |(key, value): (&String, &serde_json::Value)| match (value.as_u64(), text(value)) {
                (Some(number), _) => Some((number, key.clone())),
                (None, Some(name)) => Some((key.parse().ok()?, name)),
                _ => None,
            };
            let pairs: Vec<_> = map.iter().filter_map(pair).collect();
            if pairs.is_empty() || pairs.len() != map.len() {
                return Ok(None);
            }
            pairs
        }
        _ => return Ok(None),
    };
    let mut pairs = pairs;
    pairs.sort();
    ensure!(
        (0..).zip(&pairs).all(|(i, (number, _))| i == *number),
        "gives its {} classes other numbers than 0, 1, 2, ...: name them in their order with --classes",
        pairs.len()
    );
    Ok(Some(pairs.into_iter().map(|(_, name)| name).collect()))
}
