//! Test-time augmentation as ONNX nodes: the views of each picture stand behind one another along the batch axis, go through the
//! network together, and their outputs are averaged.

use ferrotype_data::options::Preprocess;
use ferrotype_data::preprocess::{Crop, Views};

use super::writer::{Writer, integer};

/// The name of the network's outputs for each view, before they are averaged.
const OUTPUTS: &str = "views.logits";

/// What the network's own outputs are called in the file.
pub fn outputs(views: Views) -> &'static str {
    if views.are_several() { OUTPUTS } else { "logits" }
}

/// Writes the views of `input [batch, channels, frame, frame]` and returns the name of all of them,
/// `[views * batch, channels, size, size]`: view after view, the mirror images last.
pub fn lower(writer: &mut Writer, views: Views, options: &Preprocess, input: &str) -> String {
    if !views.are_several() {
        return input.into();
    }
    let straight = match views {
        Views::Single | Views::Mirrored => input.into(),
        Views::TenCrop => squares(writer, views.crops(), options, input),
    };
    let constant = |writer: &mut Writer, what: &str, value: i64| writer.integers(&format!("views.{what}"), &[value]);
    let (last, before, axis) = (
        constant(writer, "last_column", -1),
        // Slices end before their end, and the first column has nothing before it.
        constant(writer, "before_all", i64::MIN + 1),
        constant(writer, "column_axis", 3),
    );
    let back = constant(writer, "back", -1);
    let mirrored = writer.node("Slice", "views.mirrored", &[&straight, &last, &before, &axis, &back], Vec::new());
    stacked(writer, "views.all", &[&straight, &mirrored])
}

/// Writes the mean over the views of outputs `[views * batch, outputs]` under the name of a file's logits, `[batch, outputs]`.
pub fn mean(writer: &mut Writer, views: Views, width: usize, outputs: String) -> String {
    if !views.are_several() {
        return outputs;
    }
    let shape = writer.integers("views.shape", &[views.count() as i64, -1, width as i64]);
    let each = writer.node("Reshape", "views.outputs", &[&outputs, &shape], Vec::new());
    let axis = writer.integers("views.axis", &[0]);
    writer.node("ReduceMean", "logits", &[&each, &axis], vec![integer("keepdims", 0)])
}

fn squares(writer: &mut Writer, crops: &[Crop], options: &Preprocess, input: &str) -> String {
    let axes = writer.integers("views.axes", &[2, 3]);
    let mut names = Vec::new();
    for (i, crop) in crops.iter().enumerate() {
        let first = crop.first(options.frame(), options.size).map(|at| at as i64);
        let from = writer.integers(&format!("views.{i}.from"), &first);
        let to = writer.integers(&format!("views.{i}.to"), &first.map(|at| at + options.size as i64));
        names.push(writer.node("Slice", &format!("views.{i}"), &[input, &from, &to, &axes], Vec::new()));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stacked(writer, "views.squares", &names)
}

fn stacked(writer: &mut Writer, name: &str, parts: &[&str]) -> String {
    writer.node("Concat", name, parts, vec![integer("axis", 0)])
}
