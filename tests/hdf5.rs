//! Every kind of HDF5 file that is written, read by the HDF Group's library (h5py).

mod common;

use std::process::Command;

use common::Place;
use ferrotype_anomaly::people::{self, People, Sequence};
use ferrotype_data::Images;
use ferrotype_data::clips::{example, store};
use ferrotype_needs::needs;
use ferrotype_training::progress::Style;
use ferrotype_training::stored_file::{self, Array};
use serde_json::{Value, json};

/// One person in three frames.
fn person() -> People {
    let faces = Images { pixels: (0..3 * 4 * 4 * 3).map(|i| i as u8).collect(), height: 4, width: 4, channels: 3 };
    let person = Sequence {
        frames: vec![0, 1, 5],
        times: vec![0.0, 0.5, 2.5],
        boxes: (0..12).map(|v| v as f32).collect(),
        embeddings: vec![0.25; 6],
        faces,
        ..Sequence::default()
    };
    People { video: "talk.mp4".into(), persons: vec![person], ..People::default() }
}

#[needs(h5py)]
#[test]
fn h5py_reads_what_was_written() {
    let place = Place::new();
    place.ok("data prepare synthetic --count 60 --size 24 --out faces.h5");
    place.ok("data prepare synthetic --count 60 --size 24 --shard-mb 1 --out shards.h5");
    let clips = example::set(&[3, 2, 4]);
    store::write(&clips, &place.at("clips.h5")).unwrap();
    people::write(&person(), &place.at("people.h5")).unwrap();
    let arrays = [Array { name: "train", shape: [2, 1, 3] }, Array { name: "selection", shape: [1, 1, 3] }];
    let values = vec![vec![0.5, -1.0, 2.0, 4.0, 8.0, 16.0], vec![1.0, 2.0, 3.0]];
    let make = |_: &mut dyn ferrotype_training::progress::Progress| Ok(values);
    let mut quiet = Style::Quiet.start();
    let (_, stored) = stored_file::obtain(place.path(), "features", &json!({}), &arrays, quiet.as_mut(), make).unwrap();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/check_hdf5.py");
    let files =
        ["faces.h5", "clips.h5", "people.h5", "shards.h5"].map(|name| place.at(name)).into_iter().chain([stored]);
    let files: Vec<_> = files.collect();
    let output = Command::new("python3").arg(script).args(&files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |file: usize, name: &str| found[files[file].to_str().unwrap()]["datasets"][name].clone();
    assert_eq!(of(0, "images")["shape"], json!([60, 24, 24, 1]));
    assert_eq!(of(0, "classes")["texts"].as_array().unwrap().len(), 8);
    let subjects: Vec<&str> = clips.clips.iter().map(|c| c.subject.as_str()).collect();
    assert_eq!(of(1, "clip_subject")["texts"], json!(subjects));
    assert_eq!(of(2, "person_1_time"), json!({"shape": [3], "type": "float64", "sum": 3.0}));
    assert_eq!(of(2, "person_1_face")["sum"], json!(f64::from((0..144).sum::<i32>())));
    assert_eq!(of(2, "person_1_embedding"), json!({"shape": [3, 2], "type": "float32", "sum": 1.5}));
    assert_eq!((&of(3, "picture_bytes")["sum"], &of(3, "shard_rows")["shape"]), (&json!(34560.0), &json!([1])));
    assert_eq!(of(4, "train"), json!({"shape": [2, 1, 3], "type": "float32", "sum": 29.5}));
}
