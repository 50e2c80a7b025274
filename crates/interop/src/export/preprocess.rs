//! Preprocessing as ONNX nodes: what `data::preprocess` does to the 0..255 values of an image, by comparisons, sums
//! and products.

use anyhow::{Result, ensure};

use super::writer::{Writer, integer, integers};
use ferrotype_data::options::{Colour, MeanStd, Preprocess, Scale};

/// Writes the scaling of `input [batch, channels, size, size]` and returns the name of the result, of the same shape. For
/// clips the channels are those of all pictures of an example, one picture after another, and each is scaled by itself.
pub fn lower(writer: &mut Writer, options: &Preprocess, channels: usize, input: &str) -> Result<String> {
    Ok(match &options.scale {
        Scale::Raw => input.into(),
        Scale::Unit => unit(writer, input),
        Scale::Signed => {
            let x = unit(writer, input);
            let half = writer.floats("preprocess.half", &[], &[0.5]);
            let x = writer.node("Sub", "preprocess.centred", &[&x, &half], Vec::new());
            let two = writer.floats("preprocess.two", &[], &[2.0]);
            writer.node("Mul", "preprocess.signed", &[&x, &two], Vec::new())
        }
        Scale::MeanStd(scale) => mean_std(writer, scale, [options.colour.channels(), channels], input)?,
        Scale::Ferplus => {
            ensure!(
                options.colour == Colour::Grey,
                "preprocess.scale is ferplus, whose histogram is of grey values, but the model takes colours: set colour: \
                 grey, or another scale"
            );
            let (n, size) = (options.size * options.size, options.size);
            let flat = reshape(writer, "ferplus.flat", input, &[-1, n as i64]);
            let equalised = equalise(writer, &flat, n);
            let levelled = subtract_plane(writer, &equalised, size);
            let scaled = divide_by_deviation(writer, &levelled);
            reshape(writer, "ferplus.picture", &scaled, &[-1, channels as i64, size as i64, size as i64])
        }
    })
}

fn unit(writer: &mut Writer, input: &str) -> String {
    let full = writer.floats("preprocess.full", &[], &[255.0]);
    writer.node("Div", "preprocess.unit", &[input, &full], Vec::new())
}

/// `channels` are those of a picture, and of all pictures of an example.
fn mean_std(writer: &mut Writer, scale: &MeanStd, [channels, all]: [usize; 2], input: &str) -> Result<String> {
    for (name, values) in [("mean", &scale.mean), ("std", &scale.std)] {
        ensure!(
            values.len() == 1 || values.len() == channels,
            "preprocess.scale.mean_std.{name} has {} values for {channels} channels: give one, or one per channel",
            values.len()
        );
    }
    let x = unit(writer, input);
    let [mean, std] =
        [&scale.mean, &scale.std].map(|v| if v.len() == 1 { v.clone() } else { v.repeat(all / channels) });
    let mean = writer.floats("preprocess.mean", &[1, mean.len(), 1, 1], &mean);
    let x = writer.node("Sub", "preprocess.centred", &[&x, &mean], Vec::new());
    let std = writer.floats("preprocess.std", &[1, std.len(), 1, 1], &std);
    Ok(writer.node("Div", "preprocess.standardised", &[&x, &std], Vec::new()))
}

/// Histogram equalisation of `x [batch, n]`: each pixel becomes `2 / n * (pixels whose bin is not above its own) - 1`.
///
/// A bin 0..255 is written as two digits of base 16, each as a row of 16 zeros and ones (`high`, `low`). Then
/// `high^T low` is the histogram as a 16x16 table, a triangular matrix sums it up, and `sum((high table) * low)` looks
/// each pixel up. All counts are whole numbers below 2^24, so f32 holds them exactly. (Comparing each pixel with all
/// 256 levels would need eight times the memory.)
fn equalise(writer: &mut Writer, x: &str, n: usize) -> String {
    let zero = writer.floats("ferplus.zero", &[], &[0.0]);
    let full = writer.floats("ferplus.full", &[], &[255.0]);
    let x = writer.node("Clip", "ferplus.clipped", &[x, &zero, &full], Vec::new());
    let round = writer.floats("ferplus.round", &[], &[0.5005]);
    let x = writer.node("Add", "ferplus.raised", &[&x, &round], Vec::new());
    let bin = writer.node("Floor", "ferplus.bin", &[&x], Vec::new());

    let sixteenth = writer.floats("ferplus.sixteenth", &[], &[1.0 / 16.0]);
    let high = writer.node("Mul", "ferplus.scaled_bin", &[&bin, &sixteenth], Vec::new());
    let high = writer.node("Floor", "ferplus.high_digit", &[&high], Vec::new());
    let sixteen = writer.floats("ferplus.sixteen", &[], &[16.0]);
    let base = writer.node("Mul", "ferplus.base", &[&high, &sixteen], Vec::new());
    let low = writer.node("Sub", "ferplus.low_digit", &[&bin, &base], Vec::new());
    let digits: Vec<f32> = (0..16).map(|d| d as f32).collect();
    let digits = writer.floats("ferplus.digits", &[16], &digits);
    let high = one_hot(writer, "ferplus.high", &high, &digits);
    let low = one_hot(writer, "ferplus.low", &low, &digits);

    let columns = writer.node("Transpose", "ferplus.high_columns", &[&high], vec![integers("perm", &[0, 2, 1])]);
    let histogram = writer.node("MatMul", "ferplus.histogram", &[&columns, &low], Vec::new());
    let histogram = reshape(writer, "ferplus.histogram_row", &histogram, &[-1, 256]);
    let triangle: Vec<f32> = (0..256 * 256).map(|i| f32::from(u8::from(i / 256 <= i % 256))).collect();
    let triangle = writer.floats("ferplus.triangle", &[256, 256], &triangle);
    let cumulative = writer.node("MatMul", "ferplus.cumulative", &[&histogram, &triangle], Vec::new());
    let table = reshape(writer, "ferplus.table", &cumulative, &[-1, 16, 16]);

    let row = writer.node("MatMul", "ferplus.row", &[&high, &table], Vec::new());
    let chosen = writer.node("Mul", "ferplus.chosen", &[&row, &low], Vec::new());
    let last = writer.integers("ferplus.last_axis", &[-1]);
    let count = writer.node("ReduceSum", "ferplus.count", &[&chosen, &last], vec![integer("keepdims", 0)]);
    let share = writer.floats("ferplus.share", &[], &[(2.0 / n as f64) as f32]);
    let share = writer.node("Mul", "ferplus.fraction", &[&count, &share], Vec::new());
    let one = writer.floats("ferplus.one", &[], &[1.0]);
    writer.node("Sub", "ferplus.equalised", &[&share, &one], Vec::new())
}

/// `digit [batch, n]` as `[batch, n, 16]` of zeros and ones.
fn one_hot(writer: &mut Writer, name: &str, digit: &str, digits: &str) -> String {
    let axis = writer.integers(&format!("{name}.axis"), &[-1]);
    let digit = writer.node("Unsqueeze", &format!("{name}.column"), &[digit, &axis], Vec::new());
    let equal = writer.node("Equal", &format!("{name}.equal"), &[&digit, digits], Vec::new());
    writer.node("Cast", name, &[&equal], vec![integer("to", 1)])
}

/// `e - Q (Q^T e)` for `e [batch, size * size]`, with the orthonormal columns Q of 1, column index and row index.
fn subtract_plane(writer: &mut Writer, e: &str, size: usize) -> String {
    let n = size * size;
    let middle = (size as f64 - 1.0) / 2.0;
    let spread = ((0..size).map(|i| (i as f64 - middle).powi(2)).sum::<f64>() * size as f64).sqrt();
    let slope = |i: usize| if spread > 0.0 { (i as f64 - middle) / spread } else { 0.0 };
    let rows: [Vec<f64>; 3] = [
        vec![1.0 / size as f64; n],
        (0..n).map(|i| slope(i % size)).collect(),
        (0..n).map(|i| slope(i / size)).collect(),
    ];
    let across: Vec<f32> = rows.iter().flatten().map(|&v| v as f32).collect();
    let along: Vec<f32> = (0..n).flat_map(|i| [rows[0][i] as f32, rows[1][i] as f32, rows[2][i] as f32]).collect();
    let along = writer.floats("ferplus.plane_columns", &[n, 3], &along);
    let across = writer.floats("ferplus.plane_rows", &[3, n], &across);
    let fit = writer.node("MatMul", "ferplus.coefficients", &[e, &along], Vec::new());
    let plane = writer.node("MatMul", "ferplus.plane", &[&fit, &across], Vec::new());
    writer.node("Sub", "ferplus.levelled", &[e, &plane], Vec::new())
}

/// `d / sqrt(mean(d^2))` for `d [batch, n]`, or `d` where that is not above 1e-6.
fn divide_by_deviation(writer: &mut Writer, d: &str) -> String {
    let square = writer.node("Mul", "ferplus.square", &[d, d], Vec::new());
    let axes = writer.integers("ferplus.pixel_axis", &[1]);
    let power = writer.node("ReduceMean", "ferplus.power", &[&square, &axes], vec![integer("keepdims", 1)]);
    let deviation = writer.node("Sqrt", "ferplus.deviation", &[&power], Vec::new());
    let least = writer.floats("ferplus.least", &[], &[1e-6]);
    let enough = writer.node("Greater", "ferplus.enough", &[&deviation, &least], Vec::new());
    let one = writer.floats("ferplus.no_deviation", &[], &[1.0]);
    let divisor = writer.node("Where", "ferplus.divisor", &[&enough, &deviation, &one], Vec::new());
    writer.node("Div", "ferplus.scaled", &[d, &divisor], Vec::new())
}

fn reshape(writer: &mut Writer, name: &str, input: &str, shape: &[i64]) -> String {
    let shape = writer.integers(&format!("{name}.shape"), shape);
    writer.node("Reshape", name, &[input, &shape], Vec::new())
}
