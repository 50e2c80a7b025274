use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::verify::run_network;
use super::*;
use ferrotype_base::random::Stream;
use ferrotype_data::options::{MeanStd, Resize, Scale};
use ferrotype_model::ModelOptions;

/// Networks of single pictures; `sequences::tests` has the others.
fn picture_networks() -> Vec<ModelOptions> {
    let grey = |options: &ModelOptions| options.small(32).1[0] == 1;
    ModelOptions::all().into_iter().filter(|options| options.default_input()[0] <= 3 && grey(options)).collect()
}

/// Pixels per side that a network can do with.
fn small_size(options: &ModelOptions) -> usize {
    if options.name() == "micro_exp_net" { 40 } else { 32 }
}

fn scales() -> Vec<Scale> {
    vec![
        Scale::Raw,
        Scale::Unit,
        Scale::Signed,
        Scale::MeanStd(MeanStd { mean: vec![0.507], std: vec![0.255] }),
        Scale::Ferplus,
    ]
}

pub(super) fn card(size: usize, classes: usize, scale: Scale) -> ModelCard {
    ModelCard {
        views: Views::Single,
        clips: None,
        heads: Vec::new(),
        preprocess: Preprocess::new(size, Resize::Bilinear, Colour::Grey, scale),
        classes: (0..classes).map(|i| format!("class {i}")).collect(),
        properties: BTreeMap::from([("dataset".into(), "drawn".into())]),
    }
}

/// What `docs/preprocessing.md` says of each scale, written anew, in f64.
fn prepare(scale: &Scale, size: usize, pixels: &[f32]) -> Vec<f32> {
    let x: Vec<f64> = pixels.iter().map(|&v| f64::from(v)).collect();
    let y: Vec<f64> = match scale {
        Scale::Raw => x,
        Scale::Unit => x.iter().map(|v| v / 255.0).collect(),
        Scale::Signed => x.iter().map(|v| (v / 255.0 - 0.5) * 2.0).collect(),
        Scale::MeanStd(m) => x.iter().map(|v| (v / 255.0 - f64::from(m.mean[0])) / f64::from(m.std[0])).collect(),
        Scale::Ferplus => x.chunks_exact(size * size).flat_map(|image| ferplus(image, size)).collect(),
    };
    y.into_iter().map(|v| v as f32).collect()
}

fn ferplus(image: &[f64], size: usize) -> Vec<f64> {
    let n = image.len() as f64;
    let bins: Vec<usize> = image.iter().map(|&v| (v.clamp(0.0, 255.0) + 0.5005).floor() as usize).collect();
    let not_above = |b: usize| bins.iter().filter(|&&other| other <= b).count() as f64;
    let e: Vec<f64> = bins.iter().map(|&b| 2.0 / n * not_above(b) - 1.0).collect();
    let middle = (size as f64 - 1.0) / 2.0;
    let columns: [Vec<f64>; 3] = [
        vec![1.0; image.len()],
        (0..image.len()).map(|i| (i % size) as f64 - middle).collect(),
        (0..image.len()).map(|i| (i / size) as f64 - middle).collect(),
    ];
    let mut d = e.clone();
    for column in &columns {
        let dot: f64 = column.iter().zip(&e).map(|(a, b)| a * b).sum();
        let norm: f64 = column.iter().map(|a| a * a).sum();
        d.iter_mut().zip(column).for_each(|(d, a)| *d -= a * dot / norm);
    }
    let std = (d.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
    if std > 1e-6 { d.iter().map(|v| v / std).collect() } else { d }
}

/// Pictures with gradients, flat areas and noise, some fractional, one black.
fn pictures(count: usize, size: usize) -> Vec<f32> {
    let mut s = Stream::new(11);
    let mut all = Vec::new();
    for k in 0..count {
        let (a, b, noise) = (s.uniform(-2.0, 2.0), s.uniform(-2.0, 2.0), s.uniform(0.0, 60.0));
        for i in 0..size * size {
            let (x, y) = ((i % size) as f32, (i / size) as f32);
            let value = (120.0 + a * x + b * y + noise * s.normal() as f32).clamp(0.0, 255.0);
            all.push(if k == 0 {
                0.0
            } else if k % 2 == 0 {
                value.round()
            } else {
                value
            });
        }
    }
    all
}

fn batches(network: &Network, scale: &Scale, count: usize) -> Vec<Result<CheckBatch>> {
    let size = network.graph().input[1];
    let pixels = pictures(count, size);
    let n = size * size;
    // Two batches of different sizes: the batch axis is free.
    [0..count / 3, count / 3..count]
        .into_iter()
        .map(|range| {
            let part = pixels[range.start * n..range.end * n].to_vec();
            Ok(CheckBatch {
                rows: range.clone().map(|r| r as u32).collect(),
                inputs: vec![prepare(scale, size, &part)],
                pixels: part,
                labels: range.map(|r| r % network.graph().classes).collect(),
            })
        })
        .collect()
}

/// A network whose running statistics are not those it began with.
fn seasoned(options: &ModelOptions, input: [usize; 3], classes: usize) -> Network {
    let mut network = Network::new(Arc::new(options.build(input, classes).unwrap()), 5, &Device::flex());
    let mut s = Stream::new(2);
    for b in &mut network.buffers {
        let len = b.shape[0];
        let values: Vec<f32> = (0..len)
            .map(|_| if b.name.ends_with("var") { s.uniform(0.3, 2.0) } else { s.uniform(-0.2, 0.2) })
            .collect();
        b.tensor = Tensor::from_data(TensorData::new(values, [len]), &Device::flex());
    }
    network
}

#[test]
fn every_network_exports_and_agrees_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    for (options, scale) in picture_networks().iter().zip(scales().into_iter().cycle()) {
        let size = small_size(options);
        let (options, input) = options.small(size);
        let network = seasoned(&options, input, 7);
        let target = folder.path().join(format!("{}.onnx", options.name()));
        let check =
            export(&network, &card(size, 7, scale.clone()), &target, 1e-4, batches(&network, &scale, 7)).unwrap();
        assert!(check.passed && target.exists(), "{} {scale:?}: {check:#?}", options.name());
        assert_eq!(check.rows, 7);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), picture_networks().len());
}

/// Tokens in all forms: a class token, squares within which tokens attend, places that repeat; and two streams of flow.
#[test]
fn networks_of_tokens_and_of_flow_export() {
    let folder = tempfile::tempdir().unwrap();
    for (i, json) in [
        r#"{"vit": {"patch": 8, "dim": 16, "depth": 2, "heads": 4, "pool": "class_token"}}"#,
        r#"{"htnet": {"patch": 8, "dims": [8, 12, 16], "heads": [3, 2, 1], "blocks": [1, 1, 1]}}"#,
        r#"{"htnet": {"patch": 4, "dims": [8, 12, 16], "heads": [3, 2, 1], "blocks": [1, 1, 1], "block_size": 4}}"#,
        r#"{"off_apexnet": {"hidden": 16, "planes": [2, 0]}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let options: ModelOptions = serde_json::from_str(json).unwrap();
        let network = seasoned(&options, [3, 32, 32], 3);
        let mut card = card(32, 3, Scale::Unit);
        card.preprocess.colour = Colour::Rgb;
        let pixels = pictures(9, 32);
        let batches = [0..1, 1..3].map(|range| {
            let part = pixels[range.start * 3072..range.end * 3072].to_vec();
            let inputs = vec![part.iter().map(|v| v / 255.0).collect()];
            let rows: Vec<u32> = range.map(|r| r as u32).collect();
            Ok(CheckBatch { labels: vec![0; rows.len()], rows, pixels: part, inputs })
        });
        let target = folder.path().join(format!("{i}.onnx"));
        let check = export(&network, &card, &target, 1e-4, batches).unwrap();
        assert!(check.passed && check.logit_range > 1e-3, "{json}: {check:#?}");
    }
}

#[test]
fn every_preprocessing_is_lowered() {
    let folder = tempfile::tempdir().unwrap();
    let network = seasoned(&ModelOptions::TinyXception(Default::default()), [1, 24, 24], 3);
    for scale in scales() {
        let target = folder.path().join("model.onnx");
        let check = export(&network, &card(24, 3, scale.clone()), &target, 1e-4, batches(&network, &scale, 9)).unwrap();
        assert!(check.passed, "{scale:?}: {check:#?}");
    }
}

/// Pictures of `frame` pixels per side as a file with these views takes them, and the squares of `size` that are seen of them,
/// cut by hand.
fn batch_of_views(views: Views, scale: &Scale, [frame, size]: [usize; 2]) -> CheckBatch {
    let (count, pixels, far) = (5, pictures(5, frame), frame - size);
    let middle = (far as f64 / 2.0).round_ties_even() as usize;
    let firsts: &[[usize; 2]] = match views {
        Views::TenCrop => &[[0, 0], [0, far], [far, 0], [far, far], [middle, middle]],
        _ => &[[0, 0]],
    };
    let cut = |&[row, column]: &[usize; 2]| -> Vec<f32> {
        let all = (0..count * size * size).map(|i| {
            let (picture, y, x) = (i / size / size, i / size % size, i % size);
            pixels[picture * frame * frame + (row + y) * frame + column + x]
        });
        prepare(scale, size, &all.collect::<Vec<_>>())
    };
    CheckBatch {
        rows: (0..count as u32).collect(),
        inputs: firsts.iter().map(cut).collect(),
        pixels,
        labels: Vec::new(),
    }
}

fn card_of_views(views: Views, scale: &Scale, [frame, size]: [usize; 2]) -> ModelCard {
    let mut card = ModelCard { views, ..card(size, 3, scale.clone()) };
    card.preprocess.crop_from = (frame != size).then_some(frame);
    card
}

/// The mean over views is inside the file, with every scale; a file of one view takes other pictures.
#[test]
fn averaged_views_are_lowered() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.onnx");
    let network = seasoned(&ModelOptions::TinyXception(Default::default()), [1, 24, 24], 3);
    let single = batch_of_views(Views::Single, &Scale::Unit, [24, 24]);
    let single = run_network(&network, Views::Single, &single).unwrap();
    for (views, sides) in [(Views::Mirrored, [24, 24]), (Views::TenCrop, [29, 24]), (Views::TenCrop, [28, 24])] {
        for scale in scales() {
            let (card, batch) = (card_of_views(views, &scale, sides), batch_of_views(views, &scale, sides));
            let check = export(&network, &card, &target, 1e-4, [Ok(batch.clone())]).unwrap();
            assert!(check.passed && check.logit_range > 1e-3, "{views:?} {scale:?}: {check:#?}");
            assert_eq!(card.input(), [1, sides[0], sides[0]]);
            if views == Views::TenCrop {
                let other = ModelCard { views: Views::Single, ..card };
                let refused = export(&network, &other, &target, 1e-4, [Ok(batch)]).unwrap_err().to_string();
                assert!(refused.contains("needs 2880 pixels"), "{refused}");
            }
        }
    }
    let mirrored = batch_of_views(Views::Mirrored, &Scale::Unit, [24, 24]);
    assert_ne!(run_network(&network, Views::Mirrored, &mirrored).unwrap(), single);
}

/// Three channels, each with its own mean and deviation.
#[test]
fn colour_pictures_are_standardised_per_channel() {
    let folder = tempfile::tempdir().unwrap();
    let network = seasoned(&ModelOptions::TinyXception(Default::default()), [3, 24, 24], 3);
    let (mean, std) = (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]);
    let mut card = card(24, 3, Scale::MeanStd(MeanStd { mean: mean.clone(), std: std.clone() }));
    let wrong = to_onnx(&network, &card).unwrap_err().to_string();
    assert!(wrong.contains("[1, 24, 24]") && wrong.contains("[3, 24, 24]"), "{wrong}");
    card.preprocess.colour = Colour::Rgb;
    let pixels = pictures(6, 24);
    let channel = |i: usize| i / (24 * 24) % 3;
    let inputs = pixels.iter().enumerate().map(|(i, x)| (x / 255.0 - mean[channel(i)]) / std[channel(i)]).collect();
    let batch = CheckBatch { rows: vec![0, 1], pixels, inputs: vec![inputs], labels: vec![0, 1] };
    let check = export(&network, &card, &folder.path().join("rgb.onnx"), 1e-4, [Ok(batch)]).unwrap();
    assert!(check.passed, "{check:#?}");
}

#[test]
fn an_export_that_differs_is_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.onnx");
    let network = seasoned(&ModelOptions::TinyXception(Default::default()), [1, 24, 24], 3);
    let wrong = batches(&network, &Scale::Signed, 6);
    let check = export(&network, &card(24, 3, Scale::Unit), &target, 1e-4, wrong).unwrap();
    assert!(!check.passed);
    let none = export(&network, &card(24, 3, Scale::Unit), &target, 1e-4, Vec::new()).unwrap_err();
    assert!(none.to_string().contains("there are none"), "{none}");
    assert!(export(&network, &card(32, 3, Scale::Unit), &target, 1e-4, Vec::new()).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// `scripts/check_onnx.py` on a folder of NAME.onnx with NAME.safetensors: ONNX's own checker, and ONNX Runtime's values.
pub(super) fn check_with_onnxruntime(folder: &Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/check_onnx.py");
    let output = std::process::Command::new("python3").arg(script).arg(folder).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

/// Each network, with statistics as training leaves them; and each scale.
#[ferrotype_needs::needs(onnxruntime)]
#[test]
fn onnxruntime_computes_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    for (options, scale) in picture_networks().iter().zip(scales().into_iter().cycle()) {
        write_example(folder, &options.small(small_size(options)).0, &scale, options.name());
    }
    for (name, json) in [
        ("vit_class_token", r#"{"vit": {"patch": 8, "dim": 32, "pool": "class_token"}}"#),
        ("htnet_reduced", r#"{"htnet": {"patch": 8, "dims": [32, 64, 128], "blocks": [2, 2, 2]}}"#),
        ("htnet_block_4", r#"{"htnet": {"patch": 8, "dims": [32, 64, 128], "blocks": [2, 2, 2], "block_size": 4}}"#),
    ] {
        write_example(folder, &serde_json::from_str(json).unwrap(), &Scale::Unit, name);
    }
    for scale in scales() {
        let options = ModelOptions::MiniXception(Default::default());
        let name = serde_json::to_value(&scale).unwrap();
        let name = name.as_str().unwrap_or("mean_std").to_string();
        write_example(folder, &options, &scale, &format!("scale_{name}"));
    }
    for (views, sides) in [(Views::Mirrored, [24, 24]), (Views::TenCrop, [29, 24])] {
        write_views(folder, views, sides);
    }
    check_with_onnxruntime(folder);
}

fn write_views(folder: &Path, views: Views, sides: [usize; 2]) {
    let network = seasoned(&ModelOptions::TinyXception(Default::default()), [1, 24, 24], 3);
    let (card, batch) = (card_of_views(views, &Scale::Signed, sides), batch_of_views(views, &Scale::Signed, sides));
    let name = format!("views_{}", views.count());
    let check = export(&network, &card, &folder.join(format!("{name}.onnx")), 1e-4, [Ok(batch.clone())]).unwrap();
    assert!(check.passed, "{check:?}");
    write_values(folder, &name, card.input(), &batch.pixels, &run_network(&network, views, &batch).unwrap());
}

fn write_example(folder: &Path, options: &ModelOptions, scale: &Scale, name: &str) {
    let (input, classes) = ([1, small_size(options), small_size(options)], 7);
    let network = seasoned(options, input, classes);
    let target = folder.join(format!("{name}.onnx"));
    let card = card(input[1], classes, scale.clone());
    let check = export(&network, &card, &target, 1e-4, batches(&network, scale, 7)).unwrap();
    println!("{name} {scale:?}: {check:?}");
    assert!(check.passed);
    let pixels = pictures(7, input[1]);
    let data = TensorData::new(prepare(scale, input[1], &pixels), [7, 1, input[1], input[2]]);
    let logits = network.forward(Tensor::<4>::from_data(data, &Device::flex())).unwrap();
    let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
    write_values(folder, name, input, &pixels, &logits);
}

/// Pictures and what the network says of them, beside the file of this name.
fn write_values(folder: &Path, name: &str, input: [usize; 3], pixels: &[f32], logits: &[f32]) {
    use safetensors::tensor::{Dtype, TensorView};
    let bytes = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let count = pixels.len() / input.iter().product::<usize>();
    let shape = [count, input[0], input[1], input[2]].to_vec();
    let (pixels, values) = (bytes(pixels), bytes(logits));
    let tensors = [
        ("pixels", TensorView::new(Dtype::F32, shape, &pixels).unwrap()),
        ("logits", TensorView::new(Dtype::F32, vec![count, logits.len() / count], &values).unwrap()),
    ];
    let path = folder.join(format!("{name}.safetensors"));
    fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}
