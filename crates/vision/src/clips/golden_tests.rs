//! What the detectors and PFLD find: on real videos, where FERROTYPE_DATA names a folder with `onnx/` and `videos/`, and on
//! synthetic faces, whose landmarks are known.

use std::collections::BTreeSet;
use std::path::Path;

use super::drawn::{EXPRESSIONS, takes};
use super::frames::{VideoScan, watch};
use super::*;
use crate::faces::{Detector, Landmarker, bounds_of, normalised_error};
use crate::video::Decoder;
use ferrotype_data::options::{Component, SyntheticClipsOptions};
use ferrotype_data::preprocess::Picture;
use ferrotype_data::real_data::data_folder;
use ferrotype_needs::needs;

fn networks(data: &Path, detector: &str) -> VideoOptions {
    VideoOptions {
        detector: Some(data.join("onnx").join(detector)),
        landmarks: Some(data.join("onnx/pfld_68.onnx")),
        parts: vec![Component::Mouth],
        ..VideoOptions::default()
    }
}

fn faces_per_frame(scan: &VideoScan) -> Vec<usize> {
    scan.frames.iter().map(|f| f.faces.len()).collect()
}

#[needs(data, ffmpeg)]
#[test]
fn faces_of_real_videos_are_counted() {
    let data = data_folder();
    // Two frames per second: all of them take a minute.
    let tools = Tools::open(&VideoOptions { rate: Some(2.0), ..networks(&data, "yunet.onnx") }).unwrap();
    let counts = |name: &str| {
        let scan = watch(&tools, Decoder::open(&data.join("videos").join(name)).unwrap(), None).unwrap();
        let counts = faces_per_frame(&scan);
        println!("{name}: {} of {} frames, faces per frame {counts:?}", counts.len(), scan.log.frames);
        counts
    };
    assert!(counts("single_face.mp4").iter().all(|&n| n == 1));
    assert!(counts("no_face_wrong_header.mp4").iter().all(|&n| n == 0));
    let leaving = counts("face_noface.mov");
    assert!(leaving[0] == 1 && leaving.last() == Some(&0), "{leaving:?}");
    let several: BTreeSet<usize> = counts("several_faces.mp4").into_iter().collect();
    assert!([1, 2, 4].iter().all(|n| several.contains(n)), "{several:?}");
}

#[needs(data)]
#[test]
fn drawn_faces_are_found_and_their_landmarks_too() {
    let data = data_folder();
    let options = SyntheticClipsOptions { subjects: 3, clips: 1, ..SyntheticClipsOptions::default() };
    let shown: Vec<_> = EXPRESSIONS.into_iter().enumerate().collect();
    let takes = takes(&options, &shown);
    let landmarker = Landmarker::open(&data.join("onnx/pfld_68.onnx")).unwrap();
    for name in ["ultraface_rfb_320.onnx", "yunet.onnx"] {
        let detector = Detector::open(&data.join("onnx").join(name)).unwrap();
        let (mut all, mut hit, mut errors) = (0, 0, Vec::new());
        for take in &takes {
            let (pixels, truth) = take.frame(take.performance.frames / 2, options.size);
            let picture = Picture::new(&pixels, options.size, options.size, 1).unwrap();
            let found = detector.detect(&picture).unwrap();
            let best = found.iter().find(|d| d.bounds.overlap(&bounds_of(&truth)) >= 0.4);
            all += 1;
            if let Some(face) = best {
                hit += 1;
                errors.push(normalised_error(&landmarker.find(&picture, &face.bounds).unwrap(), &truth));
            }
        }
        errors.sort_by(f64::total_cmp);
        let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
        let median = errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "{name}: {hit} of {all} synthetic faces; PFLD's normalised error {:.1} % (mean), {:.1} % (median)",
            100.0 * mean,
            100.0 * median
        );
        // They are caricatures: what is asserted is that the path works on them at all.
        assert!(hit * 2 > all, "{name} finds {hit} of {all}");
        assert!(median < 0.25, "{median}");
    }
}

/// A person of DISFA with two frames, which are photographs of a face.
#[needs(data)]
#[test]
fn faces_of_labelled_frames_are_cut_out_as_predictions_see_them() {
    let (data, dir) = (data_folder(), tempfile::tempdir().unwrap());
    let put = |place: &str, bytes: &[u8]| {
        let path = dir.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let shown = ["001_neutral.jpg", "001_smiling.jpg"].map(|name| data.join("london").join(name));
    for (i, path) in shown.iter().enumerate() {
        put(&format!("frames/SN001/{:05}.jpg", i + 1), &std::fs::read(path).unwrap());
    }
    put("ActionUnit_Labels/SN001/SN001_au12.txt", b"1,0\n2,3\n");
    let detector = data.join("onnx/yunet.onnx");
    let options = serde_json::json!({"root": dir.path(), "units": [12], "detector": detector, "size": 64});
    let source: SourceOptions = serde_json::from_value(serde_json::json!({ "disfa": options })).unwrap();
    let out = dir.path().join("out.h5");
    assert!(sources::prepare(&source, &out, "test").unwrap_err().to_string().contains("by a detector"));
    let faces = prepare_pictures(&source, &out, "test", None).unwrap();
    assert_eq!(faces.targets.as_ref().unwrap().values, [0.0, 0.0, 1.0, 3.0]);
    let detector = Detector::open(&detector).unwrap();
    for (row, path) in shown.iter().enumerate() {
        let photo = Photo::open(path, ferrotype_data::picture::MAX_PIXELS).unwrap();
        let face = detector.largest(&photo.picture(), 0.0, 1).unwrap().remove(0).bounds.crop(&photo, 0.1).unwrap();
        let wanted = ferrotype_data::stored_form::StoredForm::of(&faces.images);
        assert_eq!(wanted.apply(&face.picture()).picture().pixels, faces.images.get(row));
    }
}
