//! What a run says of a picture file is what it said of the same picture in its test set.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Place, json};
use ferrotype::data::store;
use image::{DynamicImage, GrayImage, RgbImage};

/// Sides above and below the stored 24.
const SHAPES: [(u32, u32); 5] = [(61, 45), (24, 24), (15, 13), (24, 90), (130, 128)];

/// A picture with edges and noise, so that resampling rules differ; two classes of different frequencies.
fn picture(number: usize, class: usize, grey: bool) -> DynamicImage {
    let (width, height) = SHAPES[number % SHAPES.len()];
    let value = |x: u32, y: u32, channel: u32| {
        let wave = (x * (3 + 4 * class as u32) + y * 5 + channel * 40 + 17 * number as u32) % 96;
        let noise = (x * 7919 + y * 104_729 + channel * 31 + number as u32) % 61;
        (40 + wave + 2 * noise) as u8
    };
    if grey {
        DynamicImage::ImageLuma8(GrayImage::from_fn(width, height, |x, y| image::Luma([value(x, y, 0)])))
    } else {
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| image::Rgb([0, 1, 2].map(|c| value(x, y, c)))))
    }
}

fn save(path: &Path, image: &DynamicImage) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.save(path).unwrap();
}

const EXPERIMENT: &str = "name: chain
seed: 3
threads: 2
data:
  path: chain.h5
  source: SOURCE
  split: SPLIT
  preprocess: {size: 32, scale: signed, colour: COLOUR}
model: tiny_xception
train: {epochs: 1, batch_size: 8, lr: 1e-3}
export: {onnx: false}
";

/// Trains on the source, predicts the test pictures' files and gives the largest difference of a probability; `file` says
/// where the picture of a name is.
fn largest_difference(place: &Place, source: &str, split: &str, colour: &str, file: impl Fn(&str) -> PathBuf) -> f64 {
    largest_of(place, &EXPERIMENT.replace("SOURCE", source).replace("SPLIT", split).replace("COLOUR", colour), file)
}

/// As [`largest_difference`], of a whole experiment.
fn largest_of(place: &Place, text: &str, file: impl Fn(&str) -> PathBuf) -> f64 {
    place.write("chain.yaml", text);
    place.ok("train --config chain.yaml --out runs -q");
    let run = place.only("runs");
    let faces = store::read(&place.at("chain.h5")).unwrap();
    let mut words =
        vec!["predict".into(), "--run".into(), run.clone().into_os_string(), "--csv".into(), "out.csv".into()];
    let tested = table(&run.join("predictions.csv"), 3);
    words.extend(tested.iter().map(|(row, _)| file(&faces.names[row.parse::<usize>().unwrap()]).into_os_string()));
    let ended = place.run_words(words);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let predicted = table(&place.at("out.csv"), 3);
    assert!(tested.len() >= 4 && tested.len() == predicted.len(), "{} {}", tested.len(), predicted.len());
    let pairs = tested.iter().zip(&predicted).flat_map(|((_, a), (_, b))| a.iter().zip(b));
    pairs.fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs()))
}

/// The first column, and the numbers from a column on.
fn table(path: &Path, first: usize) -> Vec<(String, Vec<f64>)> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let row = |record: csv::StringRecord| {
        (record[0].to_owned(), record.iter().skip(first).map(|cell| cell.parse().unwrap()).collect())
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn of_a_folder() {
    for (grey, colour, ending) in [(true, "grey", "png"), (false, "rgb", "png"), (false, "grey", "jpg")] {
        let place = Place::new();
        for (part, count) in [("train", 20), ("val", 10), ("test", 10)] {
            for i in 0..count {
                let class = ["calm", "lively"][i % 2];
                save(&place.at(format!("photos/{part}/{class}/{i}.{ending}")), &picture(i / 2, i % 2, grey));
            }
        }
        let file = |name: &str| PathBuf::from("photos").join(name);
        let largest = largest_difference(&place, "{folder: {root: photos, size: 24}}", "own", colour, file);
        assert!(largest < 1e-5, "{colour} {ending}: {largest}");
    }
}

/// Where a run is scored by the mean over views, predictions and the ONNX file are that mean, too; one view is another answer.
#[test]
fn of_the_views_that_scores_average() {
    for (size, evaluate, input) in [("32", "flip_average", 32), ("32, crop_from: 37", "ten_crop", 37)] {
        let place = Place::new();
        for (part, count) in [("train", 20), ("val", 10), ("test", 10)] {
            for i in 0..count {
                let name = format!("photos/{part}/{}/{i}.png", ["calm", "lively"][i % 2]);
                save(&place.at(name), &picture(i / 2, i % 2, true));
            }
        }
        let text = EXPERIMENT.replace("SOURCE", "{folder: {root: photos, size: 24}}").replace("SPLIT", "own");
        let text = text.replace("COLOUR", "grey").replace("size: 32", &format!("size: {size}"));
        let text = text.replace("export: {onnx: false}", &format!("evaluate: {{{evaluate}: true}}"));
        let largest = largest_of(&place, &text, |name| PathBuf::from("photos").join(name));
        assert!(largest < 1e-5, "{evaluate}: {largest}");

        let run = place.only("runs");
        let (scores, check) = (json(&run.join("metrics.json")), json(&run.join("onnx_check.json")));
        assert_eq!(scores["test"]["metrics"]["accuracy"]["value"], check["accuracy_onnx"], "{evaluate}");
        let says = |file: &Path, what: &str| String::from_utf8_lossy(&fs::read(file).unwrap()).contains(what);
        // As protocol buffers hold a text of two letters.
        assert!(says(&run.join("model.onnx"), &format!("input_size\u{12}\u{2}{input}")), "{evaluate}");
        assert!(says(&run.join("model.onnx"), "test_scores"), "{evaluate}");

        let run = run.display();
        place.ok(&format!("predict --run {run} photos/test --csv all.csv"));
        place.ok(&format!("predict --run {run} photos/test --csv one.csv --single-view"));
        assert_ne!(table(&place.at("one.csv"), 3), table(&place.at("all.csv"), 3), "{evaluate}");
        place.ok(&format!("export --run {run} --out one.onnx --single-view"));
        assert!(says(&place.at("one.onnx"), "input_size\u{12}\u{2}32"), "{evaluate}");
        assert!(!says(&place.at("one.onnx"), "test_scores"), "{evaluate}");
    }
}

#[test]
fn of_a_manifest() {
    let place = Place::new();
    let mut text = String::from("path,label,split\n");
    for i in 0..40 {
        let part = if i < 20 {
            "train"
        } else if i < 30 {
            "val"
        } else {
            "test"
        };
        save(&place.at(format!("photos/{i}.png")), &picture(i / 2, i % 2, false));
        text += &format!("photos/{i}.png,{},{part}\n", ["calm", "lively"][i % 2]);
    }
    place.write("list.csv", text);
    let source = "{manifest: {csv: list.csv, size: 24}}";
    let largest = largest_difference(&place, source, "own", "rgb", |name: &str| PathBuf::from(name));
    assert!(largest < 1e-5, "{largest}");
}

#[test]
fn of_rafdb() {
    let place = Place::new();
    let mut list = String::new();
    for i in 0..56 {
        let name = if i < 42 { format!("train_{i:05}") } else { format!("test_{i:04}") };
        save(&place.at(format!("basic/Image/aligned/{name}_aligned.jpg")), &picture(i, i % 7, false));
        list += &format!("{name}.jpg {}\n", i % 7 + 1);
    }
    place.write("basic/EmoLabel/list_patition_label.txt", list);
    let file = |name: &str| PathBuf::from(format!("basic/Image/aligned/{}_aligned.jpg", name.trim_end_matches(".jpg")));
    let largest = largest_difference(&place, "{rafdb: {root: basic, size: 24}}", "test_as_validation", "rgb", file);
    assert!(largest < 1e-5, "{largest}");
}

#[test]
fn of_affectnet() {
    let place = Place::new();
    for i in 0..48 {
        let set = if i < 32 { "train_set" } else { "val_set" };
        save(&place.at(format!("AffectNet/{set}/images/{i}.jpg")), &picture(i, i % 8, false));
        let mut label = b"\x93NUMPY\x01\0\x46\0{'descr': '<i8', 'fortran_order': False, 'shape': (), }".to_vec();
        label.resize(79, b' ');
        label.push(b'\n');
        label.extend((i as i64 % 8).to_le_bytes());
        place.write(format!("AffectNet/{set}/annotations/{i}_exp.npy"), label);
    }
    let file = |name: &str| PathBuf::from("AffectNet").join(name);
    let source = "{affectnet: {root: AffectNet, size: 24}}";
    let largest = largest_difference(&place, source, "test_as_validation", "rgb", file);
    assert!(largest < 1e-5, "{largest}");
}

#[test]
fn a_data_file_of_another_source_is_refused_and_rebuilt_on_request() {
    let place = Place::new();
    place.train("first", "");
    let changed = |set: &str, key: &str| {
        let problem =
            place.refused(&format!("train --config small.yaml --out other -q --set data.source.synthetic.{set}"));
        assert!(problem.contains(key) && problem.contains("--rebuild") && problem.contains("small.h5"), "{problem}");
        assert!(!place.at("other").exists() || common::entries(&place.at("other")).is_empty());
    };
    changed("intensity=0.5", "intensity is 0.5");
    changed("seed=9", "seed is 9");
    changed("count=200", "count is 200");
    let before = fs::read(place.at("small.h5")).unwrap();
    place.ok("train --config small.yaml --out other -q --rebuild --set data.source.synthetic.seed=9");
    assert_ne!(fs::read(place.at("small.h5")).unwrap(), before);
}
