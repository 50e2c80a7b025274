//! The outputs of a model with heads: each by its own name, and how they are checked.

use anyhow::{Result, anyhow, ensure};
use ferrotype_base::statistics::first_largest;
use ferrotype_base::targets::{Head, TargetKind};

use super::verify::{Decision, margin, softmax_error, worse};
use super::writer::{Writer, integer};

/// `NAME_logits`, or of continuous values `NAME_values`.
fn raw_name(head: &Head) -> String {
    match head.kind {
        TargetKind::Continuous { .. } => format!("{}_values", head.name),
        _ => format!("{}_logits", head.name),
    }
}

/// `NAME_probabilities`; none of continuous values.
fn probability_name(head: &Head) -> Option<String> {
    (!matches!(head.kind, TargetKind::Continuous { .. })).then(|| format!("{}_probabilities", head.name))
}

/// Adds each head's part of the model's outputs, and what it means: softmax, sigmoid, or the value held in its range.
pub(super) fn lower(writer: &mut Writer, heads: &[Head], all: &str) {
    for head in heads {
        let range = head.range();
        let constant = |writer: &mut Writer, what: &str, value: usize| {
            writer.integers(&format!("{}.{what}", head.name), &[value as i64])
        };
        let from = constant(writer, "from", range.start);
        let to = constant(writer, "to", range.end);
        let axis = constant(writer, "axis", 1);
        let (name, width) = (raw_name(head), [head.columns.len()]);
        let slice = |writer: &mut Writer, name: &str| writer.node("Slice", name, &[all, &from, &to, &axis], Vec::new());
        match &head.kind {
            TargetKind::Continuous { range: [low, high], .. } => {
                let raw = slice(writer, &format!("{}.raw", head.name));
                let low = writer.floats(&format!("{}.low", head.name), &[], &[*low]);
                let high = writer.floats(&format!("{}.high", head.name), &[], &[*high]);
                writer.node("Clip", &name, &[&raw, &low, &high], Vec::new());
                writer.output(&name, &width, "Values, held in their range");
            }
            kind => {
                slice(writer, &name);
                let probabilities = format!("{}_probabilities", head.name);
                let (op, attributes, what) = match kind {
                    TargetKind::Labels => ("Sigmoid", Vec::new(), "Sigmoid of each logit"),
                    _ => ("Softmax", vec![integer("axis", 1)], "Softmax of the logits"),
                };
                writer.node(op, &probabilities, &[&name], attributes);
                writer.output(&name, &width, "Scores before softmax or sigmoid");
                writer.output(&probabilities, &width, what);
            }
        }
    }
}

/// What a file says of each head, as JSON: names of its outputs and columns, kind, units, range.
pub(super) fn property(heads: &[Head]) -> Result<String> {
    let all = heads.iter().map(|head| {
        let mut value = serde_json::to_value(head)?;
        if let Some(fields) = value.as_object_mut() {
            fields.remove("start");
            fields.insert("output".into(), probability_name(head).unwrap_or_else(|| raw_name(head)).into());
        }
        Ok(value)
    });
    Ok(serde_json::to_string(&all.collect::<Result<Vec<_>>>()?)?)
}

/// The outputs of a file, as [`run`] asks for them: of each head the raw ones, then the probabilities.
pub(super) fn output_names(heads: &[Head]) -> Vec<String> {
    heads.iter().flat_map(|head| std::iter::once(raw_name(head)).chain(probability_name(head))).collect()
}

/// Puts a file's outputs side by side as the model has them, `[rows, outputs]`; also the largest difference between the
/// file's probabilities and those of its logits.
pub(super) fn gather(heads: &[Head], rows: usize, outputs: Vec<Vec<f32>>) -> Result<(Vec<Vec<f32>>, f64)> {
    let mut all = vec![Vec::new(); rows];
    let mut error = 0.0;
    let mut outputs = outputs.into_iter();
    for head in heads {
        let k = head.columns.len();
        let raw = outputs.next().ok_or_else(|| anyhow!("the ONNX file lacks the outputs of {}", head.name))?;
        ensure!(raw.len() == rows * k, "the output {} of the ONNX file has {} values", raw_name(head), raw.len());
        all.iter_mut().zip(raw.chunks_exact(k)).for_each(|(row, values)| row.extend(values));
        if probability_name(head).is_none() {
            continue;
        }
        let probabilities = outputs.next().ok_or_else(|| anyhow!("the ONNX file lacks those of {}", head.name))?;
        for (z, p) in raw.chunks_exact(k).zip(probabilities.chunks_exact(k)) {
            error = worse(error, probability_error(head, z, p));
        }
    }
    Ok((all, error))
}

fn probability_error(head: &Head, logits: &[f32], probabilities: &[f32]) -> f64 {
    if head.kind.has_classes() {
        return softmax_error(logits, probabilities);
    }
    let own = head.kind.values(logits);
    own.iter().zip(probabilities).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, worse)
}

/// A network's outputs as the file gives them: values held in their range.
pub(super) fn as_exported(heads: &[Head], row: &mut [f32]) {
    for head in heads {
        if let TargetKind::Continuous { range: [low, high], .. } = head.kind {
            row[head.range()].iter_mut().for_each(|v| *v = v.max(low).min(high));
        }
    }
}

/// What both sides decide in one row: the class of heads of classes, and each label.
pub(super) fn decisions(heads: &[Head], network: &[f32], onnx: &[f32]) -> Vec<Decision> {
    let mut all = Vec::new();
    for head in heads {
        let (a, b) = (head.of(network), head.of(onnx));
        if head.kind.has_classes() {
            all.push(Decision { margin: margin(a), network: first_largest(a), onnx: first_largest(b) });
        } else if head.kind == TargetKind::Labels {
            let label = |(&a, &b): (&f32, &f32)| Decision {
                margin: 2.0 * f64::from(a).abs(),
                network: usize::from(a >= 0.0),
                onnx: usize::from(b >= 0.0),
            };
            all.extend(a.iter().zip(b).map(label));
        }
    }
    all
}
