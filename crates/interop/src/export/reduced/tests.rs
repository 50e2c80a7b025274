use std::sync::Arc;

use burn::tensor::Device;
use ferrotype_base::random::Stream;
use ferrotype_data::options::Scale;
use ferrotype_data::preprocess::Views;
use ferrotype_model::ModelOptions;

use super::*;
use crate::export::tests::card;

const SIZE: usize = 32;

fn network(name: &str) -> Network {
    let options: ModelOptions = match name {
        "vit" => serde_json::from_value(serde_json::json!({ "vit": { "patch": 8 } })).unwrap(),
        name => ModelOptions::all().into_iter().find(|o| o.name() == name).unwrap(),
    };
    let graph = options.build([1, SIZE, SIZE], 3).unwrap();
    let mut network = Network::new(Arc::new(graph), 7, &Device::flex());
    // Running statistics as after training: normalisation does something.
    let mut stream = Stream::new(5);
    let device = network.device().clone();
    for buffer in &mut network.buffers {
        let count = buffer.shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| stream.uniform(0.2, 1.0)).collect();
        buffer.tensor = burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(values, [count]), &device);
    }
    network
}

/// Smooth pictures with some noise; the label is the network's own class, so that its accuracy is 1.
fn batch(network: &Network, count: usize, seed: u64) -> CheckBatch {
    let mut stream = Stream::new(seed);
    let mut batch =
        CheckBatch { rows: (0..count as u32).collect(), pixels: Vec::new(), inputs: Vec::new(), labels: Vec::new() };
    for _ in 0..count {
        let (a, b) = (stream.uniform(-4.0, 4.0), stream.uniform(-4.0, 4.0));
        for i in 0..SIZE * SIZE {
            let value = 128.0 + a * (i % SIZE) as f32 + b * (i / SIZE) as f32 + stream.uniform(-30.0, 30.0);
            batch.pixels.push(value.clamp(0.0, 255.0));
        }
    }
    batch.inputs = vec![batch.pixels.iter().map(|v| v / 255.0).collect()];
    let logits = run_network(network, Views::Single, &batch).unwrap();
    batch.labels = logits.chunks_exact(3).map(first_largest).collect();
    batch
}

fn reduced(network: &Network, precision: Precision, allowed: f64) -> (ReducedCheck, Option<Vec<u8>>) {
    reduced_views(network, Views::Single, precision, allowed)
}

fn reduced_views(
    network: &Network,
    views: Views,
    precision: Precision,
    allowed: f64,
) -> (ReducedCheck, Option<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.onnx");
    let wanted = Reduced { precision, calibration: &[batch(network, 32, 1)], allowed };
    let batches = [Ok(batch(network, 64, 2))];
    let check =
        export_reduced(network, &ModelCard { views, ..card(SIZE, 3, Scale::Unit) }, &target, &wanted, batches).unwrap();
    (check, std::fs::read(&target).ok())
}

#[test]
fn half_precision_halves_the_file_and_changes_little() {
    for name in ["mini_xception", "resnet18", "vit"] {
        let network = network(name);
        let (check, file) = reduced(&network, Precision::Fp16, 5.0);
        assert!(
            check.passed && check.relative_difference > 0.0 && check.relative_difference < 5e-3,
            "{name}: {check:?}"
        );
        assert_eq!(file.map(|f| f.len()), Some(check.bytes));
        assert!(check.bytes as f64 <= 0.5 * check.bytes_fp32 as f64 + 12e3, "{name}: {check:?}");
    }
}

#[test]
fn eight_bits_quarter_the_file_and_change_some() {
    for name in ["mini_xception", "resnet18", "mobilenet_v2"] {
        let network = network(name);
        let (check, file) = reduced(&network, Precision::Int8, 100.0);
        assert!(check.passed && check.calibration_rows == 32, "{name}: {check:?}");
        assert!(check.relative_difference > 1e-5 && check.relative_difference < 0.3, "{name}: {check:?}");
        assert!(check.bytes < check.bytes_fp32, "{name}: {check:?}");
        if name == "resnet18" {
            assert!((check.bytes as f64) < 0.27 * check.bytes_fp32 as f64, "{check:?}");
        }
        // The same file from the same weights and pictures.
        assert_eq!(file, reduced(&network, Precision::Int8, 100.0).1, "{name}");
    }
}

/// The mean over views stays in the file, and is not rounded.
#[test]
fn files_of_fewer_bits_average_views() {
    let network = network("mini_xception");
    for (precision, largest) in [(Precision::Fp16, 5e-3), (Precision::Int8, 0.3)] {
        let (check, _) = reduced_views(&network, Views::Mirrored, precision, 100.0);
        assert!(check.relative_difference > 0.0 && check.relative_difference < largest, "{check:?}");
    }
}

#[test]
fn a_file_that_loses_too_much_is_not_kept() {
    let network = network("mini_xception");
    let (check, file) = reduced(&network, Precision::Int8, -1.0);
    assert!(!check.passed && file.is_none(), "{check:?}");
}

#[test]
fn what_cannot_be_written_is_said() {
    let mut network = network("mini_xception");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.onnx");
    let labelled = batch(&network, 4, 2);
    let card = card(SIZE, 3, Scale::Unit);
    let refused = |network: &Network, wanted: &Reduced, batch: CheckBatch| {
        format!("{:#}", export_reduced(network, &card, &target, wanted, [Ok(batch)]).unwrap_err())
    };
    let none = Reduced { precision: Precision::Int8, calibration: &[], allowed: 1.0 };
    assert!(refused(&network, &none, labelled.clone()).contains("need pictures to see their ranges on"));
    let half = Reduced { precision: Precision::Fp16, calibration: &[], allowed: 1.0 };
    let unlabelled = CheckBatch { labels: Vec::new(), ..labelled.clone() };
    assert!(refused(&network, &half, unlabelled).contains("takes labelled rows"));
    let first = &mut network.parameters[0];
    first.tensor = first.tensor.clone() * 1e9;
    let message = refused(&network, &half, labelled);
    assert!(message.contains("16-bit floats end at 65504") && !target.exists(), "{message}");
}
