//! Examples that Ferrotype's own writers make, and what stands beside the files that parsers are handed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Result, anyhow};
use ferrotype::anomaly::people::{self, People, Sequence};
use ferrotype::data::clips::{CHANNELS, Clip, ClipSet, Frames, Part, Skipped, join, store as clip_store};
use ferrotype::data::options::{Component, StorageOptions};
use ferrotype::data::{Images, sources, store};
use ferrotype::evaluation::score;
use ferrotype::model::StateTensor;
use ferrotype::report::{predictions, write_metrics};
use ferrotype::reproduction::{Mark, RecipeComparison};
use ferrotype::run::numpy::Array;
use ferrotype::training::checkpoint::Checkpoint;
use ferrotype_base::zip;
use hdf5_pure::{AttrValue, FileBuilder};
use image::{ImageFormat, Rgb, RgbImage};
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::json;

/// The experiment that the target `set` lays settings over.
pub const EXPERIMENT: &str = include_str!("../corpus/yaml/quickstart.yaml");
const AFFECTNET_LIST: &str = include_str!("../corpus/affectnet_list/two_rows.csv");
const FER2013: &str = include_str!("../corpus/fer2013/two_rows.csv");
const FRAMES: &str = include_str!("../corpus/frame_table/py_feat.csv");

fn picture(side: u32, format: ImageFormat) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_fn(side, side, |x, y| Rgb([(x * 13) as u8, (y * 29) as u8, (x * y) as u8]))
        .write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

/// Pictures and tables that the files of the corpus name.
///
/// # Errors
/// When a file cannot be written.
pub fn surroundings(root: &Path) -> Result<()> {
    let (png, jpeg) = (picture(8, ImageFormat::Png)?, picture(8, ImageFormat::Jpeg)?);
    for name in ["p/0.png", "p/1.png"] {
        put(root, name, &png)?;
    }
    for name in ["train_00001", "test_0001"] {
        put(root, &format!("Image/aligned/{name}_aligned.jpg"), &jpeg)?;
    }
    put(root, "val_set/images/0.jpg", &jpeg)?;
    for name in [
        "frames/SN001/1.png",
        "Sequences/F001/T1/1.png",
        "cohn-kanade-images/S005/001/S005_001_00000001.png",
        "001/00000.png",
        "cropped_aligned/v/00001.png",
        "lists/p/0.png",
        "lists/p/1.png",
    ] {
        put(root, name, &png)?;
    }
    put(root, "lists/validation.csv", AFFECTNET_LIST.as_bytes())?;
    put(root, "base.yaml", EXPERIMENT.as_bytes())?;
    for number in 46..50 {
        put(root, &format!("micro/Cropped/sub01/EP02_01f/reg_img{number}.jpg"), &jpeg)?;
    }
    put(root, "videos/S001_001.mp4", b"no video")?;
    put(root, "BAUM1a_MP4_all/S001_001.mp4", b"no video")?;
    for folder in ["train_set/images", "train_set/annotations"] {
        fs::create_dir_all(root.join(folder))?;
    }
    put(root, "fer2013.csv", FER2013.as_bytes())?;
    put(root, "tables/true/a.csv", FRAMES.as_bytes())?;
    put(root, "tables/fake/b.csv", FRAMES.as_bytes())
}

fn put(root: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap_or(root))?;
    Ok(fs::write(path, bytes)?)
}

/// Writes the examples of binary forms into the corpus.
///
/// # Errors
/// When one cannot be made.
pub fn write(corpus: &Path) -> Result<()> {
    for (name, format) in [("png/rgb.png", ImageFormat::Png), ("jpeg/rgb.jpg", ImageFormat::Jpeg)] {
        put(corpus, name, &picture(16, format)?)?;
        put(corpus, &name.replace("png/", "picture/").replace("jpeg/", "picture/"), &picture(9, format)?)?;
    }
    arrays(corpus)?;
    prepared(corpus)?;
    of_runs(corpus)?;
    weights(corpus)?;
    put(corpus, "annotations/baum1a.csv", BAUM1A.as_bytes())?;
    put(corpus, "detector/ultraface.onnx", &onnx(&["scores", "boxes"], 24, 20))?;
    let yunet: Vec<String> = ["cls", "obj", "bbox", "kps"]
        .iter()
        .flat_map(|kind| [8, 16, 32].map(|stride| format!("{kind}_{stride}")))
        .collect();
    put(corpus, "detector/yunet.onnx", &onnx(&yunet.iter().map(String::as_str).collect::<Vec<_>>(), 32, 32))
}

fn arrays(corpus: &Path) -> Result<()> {
    let floats = Array::f32(&[1, 3], &[1.0, -2.5, 0.25]).npy();
    put(corpus, "npy/floats.npy", &floats)?;
    put(corpus, "npy/integers.npy", &Array::i64(&[2, 2], [1, -1, 3, 7]).npy())?;
    put(corpus, "affectnet/six.npy", &Array::i64(&[], [6]).npy())?;
    put(corpus, "affectnet/text.npy", &Array::text(&["5".into()]).npy())?;
    let named = |name: &str| (name.to_owned(), floats.clone());
    let archive =
        zip::archive([named("features/anger/train/7.N2A.1.npy.tf.npy"), named("features/anger/val/8.H2N2A.0.npy")])?;
    put(corpus, "npz/descriptors.zip", &archive)?;
    put(corpus, "zip/stored.zip", &zip::archive([("a.txt", b"some text".to_vec()), ("b/", Vec::new())])?)
}

fn prepared(corpus: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("made.h5");
    let drawn = serde_json::from_value(json!({"synthetic": {"count": 4, "size": 16}}))?;
    let faces = sources::prepare(&drawn, &path, "fuzz")?;
    let take = |name: &str| -> Result<()> { put(corpus, name, &fs::read(&path)?) };
    store::write(&faces, &path)?;
    take("faces_h5/drawn.h5")?;
    clip_store::write(&clip(), &path)?;
    take("clips_h5/one.h5")?;
    let kept = folder.path().join("kept.h5");
    fs::rename(&path, &kept)?;
    let pieces = StorageOptions { shard_mb: Some(1), ..StorageOptions::default() };
    join(clip_store::summary(&kept)?, std::slice::from_ref(&kept), &path, &pieces)?;
    take("clips_h5/pieces.h5")?;
    let person = Sequence {
        frames: vec![0, 1],
        times: vec![0.0, 0.04],
        boxes: vec![1.0; 8],
        embeddings: vec![0.5; 8],
        emotions: vec![0.5; 4],
        units: vec![0.25; 2],
        truth: vec![0, 0],
        faces: Images { pixels: vec![9; 2 * 4 * 4 * 3], height: 4, width: 4, channels: 3 },
    };
    let people = People {
        video: "a.mp4".into(),
        emotion_names: vec!["happy".into(), "sad".into()],
        unit_names: vec!["AU01".into()],
        truth_names: vec![String::new()],
        persons: vec![person],
        ..People::default()
    };
    people::write(&people, &path)?;
    take("people_h5/one.h5")
}

/// A clip of two frames.
fn clip() -> ClipSet {
    let part = Part { component: Component::Mouth, pixels: vec![7; 2 * 4 * 4 * CHANNELS] };
    let frames = Frames {
        numbers: vec![0, 1],
        times: vec![0.0, 0.04],
        tracks: vec![0, 0],
        copied: vec![false, true],
        landmarks: vec![1.0; 2 * 136],
        scores: vec![0.9, 0.8],
    };
    let clip = Clip {
        name: "S001_001".into(),
        subject: "S001".into(),
        label: 1,
        first: 0,
        count: 2,
        decoded: 2,
        with_face: 1,
        errors: 0,
        file: "S001_001.mp4".into(),
        note: String::new(),
    };
    ClipSet {
        size: 4,
        parts: vec![part],
        frames,
        clips: vec![clip],
        classes: vec!["neutral".into(), "anger".into()],
        skipped: vec![Skipped { clip: "S001_002".into(), reason: "no face".into() }],
        ..ClipSet::default()
    }
}

/// Files that runs write as JSON.
fn of_runs(corpus: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    fs::write(&path, include_str!("../corpus/predictions/two.csv"))?;
    let scores = score(&predictions::read(&path)?)?;
    write_metrics(&path, &BTreeMap::from([("test".to_owned(), scores)]))?;
    put(corpus, "run_json/metrics.json", &fs::read(&path)?)?;
    let mark = Mark { id: "0123456789abcdef".into(), ..Mark::new("vgg13", folder.path(), RecipeComparison::default()) };
    put(corpus, "run_json/mark.json", &serde_json::to_vec_pretty(&mark)?)
}

fn weights(corpus: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("weights");
    let tensor = StateTensor { name: "conv.weight".into(), shape: vec![2, 1], values: vec![0.5, -1.0] };
    Checkpoint { tensors: vec![tensor], ..Checkpoint::default() }.save(&path)?;
    put(corpus, "checkpoint/two.safetensors", &fs::read(&path)?)?;
    let data = [0u8; 8];
    let view = TensorView::new(Dtype::F32, vec![2], &data)?;
    put(corpus, "safetensors/two.safetensors", &serialize([("fc.bias", view)], None)?)?;
    put(corpus, "torch/two.pt", &torch()?)?;
    put(corpus, "keras/dense.h5", &keras()?)
}

/// A layer of Keras' form.
fn keras() -> Result<Vec<u8>> {
    let names = |names: &[&str]| AttrValue::StringArray(names.iter().map(|n| (*n).to_owned()).collect());
    let mut builder = FileBuilder::new();
    builder.set_attr("layer_names", names(&["dense"]));
    builder.set_attr("keras_version", AttrValue::String("2.15.0".into()));
    let mut layer = builder.create_group("dense");
    layer.set_attr("weight_names", names(&["kernel:0", "bias:0"]));
    layer.create_dataset("kernel:0").with_f32_data(&[0.5; 6]).with_shape(&[3, 2]);
    layer.create_dataset("bias:0").with_f32_data(&[0.0; 2]).with_shape(&[2]);
    builder.add_group(layer.finish());
    builder.finish().map_err(|e| anyhow!("{e}"))
}

/// `torch.save({"fc.bias": tensor of two floats})`: protocol 2, as PyTorch writes it.
fn torch() -> Result<Vec<u8>> {
    let text =
        |text: &str| [b"X".to_vec(), (text.len() as u32).to_le_bytes().to_vec(), text.as_bytes().to_vec()].concat();
    let pickle = [
        b"\x80\x02}(".to_vec(),
        text("fc.bias"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x02tQK\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRu.".to_vec(),
    ]
    .concat();
    let files =
        [("m/data.pkl", pickle), ("m/byteorder", b"little".to_vec()), ("m/data/0", vec![0, 0, 0, 63, 0, 0, 0, 64])];
    zip::archive(files)
}

/// A table of BAUM-1a's annotations.
const BAUM1A: &str = ",Subject,,Clip Name,Emotion,Emotion Code\n1,1,,S001_001,Anger,1\n";

/// An ONNX file with these outputs: each is one convolution of the picture, in `[1, cells, values]`.
fn onnx(outputs: &[&str], height: u64, width: u64) -> Vec<u8> {
    let mut graph = Vec::new();
    for name in outputs {
        let values: u64 = match name.split('_').next() {
            Some("boxes" | "bbox") => 4,
            Some("scores") => 2,
            Some("kps") => 10,
            _ => 1,
        };
        let stride: u64 = name.split('_').nth(1).and_then(|s| s.parse().ok()).unwrap_or(8);
        let (weight, planes, shape) = (format!("{name}_w"), format!("{name}_p"), format!("{name}_s"));
        let flat = format!("{name}_f");
        let strides = attribute("strides", &[stride, stride]);
        let kernel = attribute("kernel_shape", &[1, 1]);
        bytes(&mut graph, 1, &node("Conv", &["input", &weight], &planes, &[kernel, strides]));
        bytes(&mut graph, 1, &node("Reshape", &[&planes, &shape], &flat, &[]));
        bytes(&mut graph, 1, &node("Transpose", &[&flat], name, &[attribute("perm", &[0, 2, 1])]));
        let filter: Vec<u8> = (0..values * 3).flat_map(|i| (0.01 * i as f32).to_le_bytes()).collect();
        bytes(&mut graph, 5, &initialiser(&weight, &[values, 3, 1, 1], 1, &filter));
        let sides: Vec<u8> = [1i64, values as i64, -1].iter().flat_map(|v| v.to_le_bytes()).collect();
        bytes(&mut graph, 5, &initialiser(&shape, &[3], 7, &sides));
    }
    text(&mut graph, 2, "detector");
    bytes(&mut graph, 11, &value("input", &[1, 3, height, width]));
    outputs.iter().for_each(|name| bytes(&mut graph, 12, &value(name, &[])));
    let mut opset = Vec::new();
    number(&mut opset, 2, 13);
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    bytes(&mut model, 7, &graph);
    bytes(&mut model, 8, &opset);
    model
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node = Vec::new();
    inputs.iter().for_each(|name| text(&mut node, 1, name));
    text(&mut node, 2, output);
    text(&mut node, 4, kind);
    attributes.iter().for_each(|a| bytes(&mut node, 5, a));
    node
}

fn attribute(name: &str, values: &[u64]) -> Vec<u8> {
    let mut attribute = Vec::new();
    text(&mut attribute, 1, name);
    values.iter().for_each(|&v| number(&mut attribute, 8, v));
    number(&mut attribute, 20, 7);
    attribute
}

fn initialiser(name: &str, shape: &[u64], kind: u64, raw: &[u8]) -> Vec<u8> {
    let mut tensor = Vec::new();
    shape.iter().for_each(|&side| number(&mut tensor, 1, side));
    number(&mut tensor, 2, kind);
    text(&mut tensor, 8, name);
    bytes(&mut tensor, 9, raw);
    tensor
}

/// A tensor of floats among inputs or outputs.
fn value(name: &str, shape: &[u64]) -> Vec<u8> {
    let (mut sides, mut tensor, mut kind, mut value) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &side in shape {
        let mut dimension = Vec::new();
        number(&mut dimension, 1, side);
        bytes(&mut sides, 1, &dimension);
    }
    number(&mut tensor, 1, 1);
    if !shape.is_empty() {
        bytes(&mut tensor, 2, &sides);
    }
    bytes(&mut kind, 1, &tensor);
    text(&mut value, 1, name);
    bytes(&mut value, 2, &kind);
    value
}

/// A number of 7 bits a byte, as protocol buffers have it.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn text(out: &mut Vec<u8>, field: u64, content: &str) {
    bytes(out, field, content.as_bytes());
}
