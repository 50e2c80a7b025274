//! The classifier of directions as ONNX nodes. The weights stand in the file at length 1, times the scale.

use super::writer::{Writer, integer};
use ferrotype_model::StateTensor;
use ferrotype_model::layers::CosineLinear;

/// Cosines of the angles between features `[batch, features]` and each row of the weight, times the scale.
pub fn cosine_linear(writer: &mut Writer, name: &str, input: &str, weight: &StateTensor, scale: f32) -> String {
    let part = |end: &str| format!("{name}.{end}");
    let axis = writer.integers(&part("axis"), &[1]);
    let least = writer.floats(&part("least"), &[1], &[CosineLinear::EPS.powi(2)]);
    let square = writer.node("Mul", &part("square"), &[input, input], Vec::new());
    let sum = writer.node("ReduceSum", &part("sum"), &[&square, &axis], vec![integer("keepdims", 1)]);
    let sum = writer.node("Max", &part("above"), &[&sum, &least], Vec::new());
    let length = writer.node("Sqrt", &part("length"), &[&sum], Vec::new());
    let direction = writer.node("Div", &part("direction"), &[input, &length], Vec::new());
    let weight = writer.floats(&weight.name, &weight.shape, &directions(weight, scale));
    writer.node("Gemm", name, &[&direction, &weight], vec![integer("transB", 1)])
}

/// The rows of a weight at this length.
fn directions(weight: &StateTensor, scale: f32) -> Vec<f32> {
    let row = |row: &[f32]| {
        let length = row.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt().max(f64::from(CosineLinear::EPS));
        let factor = f64::from(scale) / length;
        row.iter().map(|&w| (f64::from(w) * factor) as f32).collect::<Vec<_>>()
    };
    weight.values.chunks_exact(weight.shape[1].max(1)).flat_map(row).collect()
}
