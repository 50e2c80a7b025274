//! Known answers of real detectors on real photographs. They run where FERROTYPE_DATA names a folder with `onnx/` and
//! `stills/`. The numbers are those of onnxruntime 1.31 in Python, the picture resized by OpenCV in floats
//! (INTER_AREA), with the same frame, smallest score 0.6 and overlap 0.3.

use std::path::Path;

use super::*;
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::real_data::data_folder;
use ferrotype_needs::needs;

fn detector(data: &Path, name: &str) -> Detector {
    Detector::open(&data.join("onnx").join(name)).unwrap()
}

fn found(data: &Path, detector: &Detector, picture: &str) -> Vec<Detection> {
    detector.detect(&Photo::open(&data.join("stills").join(picture), MAX_PIXELS).unwrap().picture()).unwrap()
}

/// Edges in pixels, and the score.
type Box = ([f32; 4], f32);

/// Every expected box is found within a pixel (of pictures whose sides are 1920), its score within a hundredth: another
/// JPEG decoder rounds otherwise.
fn assert_near(found: &[Detection], expected: &[Box]) {
    for (edges, score) in expected {
        let near = found.iter().any(|d| {
            let b = &d.bounds;
            let ours = [b.left, b.top, b.right, b.bottom];
            ours.iter().zip(edges).all(|(a, e)| (a - e).abs() <= 1.0) && (d.score - score).abs() < 0.01
        });
        assert!(near, "{edges:?} {score} is not among {found:?}");
    }
}

#[needs(data)]
#[test]
fn ultraface_agrees_with_onnxruntime() {
    let data = data_folder();
    let detector = detector(&data, "ultraface_rfb_320.onnx");
    assert_eq!(detector.name(), "UltraFace");
    let four = found(&data, &detector, "test.jpg");
    assert_eq!(four.len(), 4);
    assert_near(
        &four,
        &[
            ([963.50, 284.97, 1107.14, 462.41], 0.9999),
            ([726.13, 463.43, 847.73, 623.32], 0.9996),
            ([585.82, 259.22, 714.44, 434.80], 0.9993),
            ([1278.17, 388.46, 1414.89, 537.86], 0.9960),
        ],
    );
    let many = found(&data, &detector, "test3.jpg");
    assert_eq!(many.len(), 25);
    assert_near(
        &many,
        &[
            ([517.05, 828.88, 655.89, 1027.41], 0.9997),
            ([1654.46, 451.65, 1794.04, 655.54], 0.9996),
            ([144.50, 92.90, 270.48, 273.87], 0.9994),
        ],
    );
}

#[needs(data)]
#[test]
fn yunet_agrees_with_onnxruntime() {
    let data = data_folder();
    let detector = detector(&data, "yunet.onnx");
    assert_eq!(detector.name(), "YuNet");
    let four = found(&data, &detector, "test.jpg");
    assert_eq!(four.len(), 4);
    // The fourth is left out: two candidates for it differ by 0.0003 in score, and the decoder of the JPEG decides.
    assert_near(
        &four,
        &[
            ([965.55, 292.03, 1109.48, 466.78], 0.9239),
            ([1277.55, 384.55, 1413.29, 539.94], 0.9175),
            ([579.53, 269.48, 714.64, 445.34], 0.9138),
        ],
    );
    let expected = [[993.36, 357.01], [1057.3, 357.74], [1017.69, 391.69], [998.7, 421.18], [1050.85, 418.13]];
    let first = four.iter().find(|d| (d.bounds.left - 965.55).abs() <= 1.0).unwrap();
    for (a, e) in first.points.unwrap().as_flattened().iter().zip(expected.as_flattened()) {
        assert!((a - e).abs() <= 1.0, "{:?}", first.points);
    }
    let many = found(&data, &detector, "test3.jpg");
    assert_eq!(many.len(), 25);
    assert_near(
        &many,
        &[
            ([508.65, 1214.18, 653.77, 1405.17], 0.9422),
            ([504.07, 1564.77, 656.76, 1773.10], 0.9373),
            ([1645.94, 463.03, 1790.68, 664.22], 0.9354),
        ],
    );
}

/// The boxes of one of dlib's annotation files, per picture.
fn annotated(text: &str) -> Vec<(String, Vec<Bounds>)> {
    let value = |line: &str, key: &str| {
        let (_, rest) = line.split_once(&format!("{key}='")).unwrap();
        rest.split('\'').next().unwrap().to_owned()
    };
    let mut pictures: Vec<(String, Vec<Bounds>)> = Vec::new();
    for line in text.lines() {
        if line.contains("<image ") {
            pictures.push((value(line, "file"), Vec::new()));
        } else if line.contains("<box ") {
            let number = |key| value(line, key).parse::<f32>().unwrap();
            let (left, top) = (number("left"), number("top"));
            let bounds = Bounds { left, top, right: left + number("width"), bottom: top + number("height") };
            pictures.last_mut().unwrap().1.push(bounds);
        }
    }
    pictures
}

#[needs(data)]
#[test]
fn annotated_faces_are_found() {
    let data = data_folder();
    let folder = data.join("stills/dlib_faces");
    let pictures: Vec<_> = ["training", "testing"]
        .iter()
        .flat_map(|part| {
            let bytes = std::fs::read(folder.join(format!("{part}_with_face_landmarks.xml"))).unwrap();
            annotated(&String::from_utf8_lossy(&bytes))
        })
        .collect();
    for (file, least) in [("ultraface_rfb_320.onnx", 43), ("yunet.onnx", 42)] {
        let detector = detector(&data, file);
        let (mut all, mut hit, mut detections) = (0, 0, 0);
        for (name, boxes) in &pictures {
            let found = found(&data, &detector, &format!("dlib_faces/{name}"));
            detections += found.len();
            all += boxes.len();
            hit += boxes.iter().filter(|b| found.iter().any(|d| d.bounds.overlap(b) >= 0.5)).count();
        }
        println!("{file}: {hit} of {all} annotated faces at an overlap of 0.5, {detections} detections");
        assert_eq!(all, 43);
        assert!(hit >= least, "{file} finds {hit} of {all}");
    }
}

#[needs(data)]
#[test]
fn every_size_of_picture_is_taken() {
    let data = data_folder();
    for file in ["ultraface_rfb_320.onnx", "yunet.onnx"] {
        let detector = detector(&data, file);
        for (height, width, channels) in [(1, 1, 1), (1, 500, 3), (700, 3, 1), (33, 31, 3), (48, 48, 1)] {
            let photo = Photo::new(vec![90; height * width * channels], height, width, channels).unwrap();
            assert_eq!(detector.detect(&photo.picture()).unwrap(), [], "{file} {height} x {width}");
        }
        assert!(detector.with_min_score(1.5).is_err());
    }
}

#[needs(data)]
#[test]
fn other_networks_and_cut_files_are_refused() {
    let data = data_folder();
    let refused = |path: &Path| format!("{:#}", Detector::open(path).unwrap_err());
    let other = refused(&data.join("onnx/pfld_68.onnx"));
    assert!(other.contains("no face detector") && other.contains("pfld_68"), "{other}");
    let folder = tempfile::tempdir().unwrap();
    for file in ["ultraface_rfb_320.onnx", "yunet.onnx"] {
        let bytes = std::fs::read(data.join("onnx").join(file)).unwrap();
        for part in [1, 5, 9] {
            let path = folder.path().join(file);
            std::fs::write(&path, &bytes[..bytes.len() * part / 10]).unwrap();
            let message = refused(&path);
            assert!(message.contains(file), "{message}");
        }
    }
}

/// Bytes changed, put in, taken out: a detector is refused or runs, and none runs without end.
#[needs(data)]
#[test]
fn damaged_detectors_end() {
    let data = data_folder();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    let photo = Photo::new(vec![128; 64 * 64 * 3], 64, 64, 3).unwrap();
    let mut stream = ferrotype_base::random::Stream::new(5);
    for file in ["ultraface_rfb_320.onnx", "yunet.onnx"] {
        let good = std::fs::read(data.join("onnx").join(file)).unwrap();
        for _ in 0..100 {
            let mut bytes = good.clone();
            for _ in 0..=stream.below(8) {
                let at = stream.below(bytes.len() - 1024);
                match stream.below(3) {
                    0 => bytes[at] = stream.below(256) as u8,
                    1 => drop(bytes.drain(at..at + 1 + stream.below(1023))),
                    _ => drop(bytes.splice(at..at, good[at..at + stream.below(1024)].to_vec())),
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            let start = std::time::Instant::now();
            drop(Detector::open(&path).and_then(|d| d.detect(&photo.picture())));
            assert!(start.elapsed().as_secs() < 20, "{file}");
        }
    }
}

/// Points of each annotated face of dlib's files with its picture and box.
fn landmarked(text: &str) -> Vec<(String, Bounds, Landmarks)> {
    let boxes: Vec<(String, Bounds)> =
        annotated(text).into_iter().flat_map(|(file, all)| all.into_iter().map(move |b| (file.clone(), b))).collect();
    let value = |line: &str, key: &str| -> f32 {
        line.split_once(&format!("{key}='")).unwrap().1.split('\'').next().unwrap().parse().unwrap()
    };
    let mut points: Vec<Landmarks> = Vec::new();
    for line in text.lines() {
        if line.contains("<box ") {
            points.push([[0.0; 2]; 68]);
        } else if line.contains("<part ") {
            points.last_mut().unwrap()[value(line, "name") as usize] = [value(line, "x"), value(line, "y")];
        }
    }
    boxes.into_iter().zip(points).map(|((file, b), p)| (file, b, p)).collect()
}

/// Python (numpy, onnxruntime 1.31, Pillow): the square of 1.2 times the box's shorter side, bilinear to 112 x 112 with
/// half-pixel centres and repeated borders, / 255; mean distance of the 68 points divided by |p[36] - p[45]|: 0.0843 over
/// the 43 faces, 0.0753 as the sum of distances over the sum of eye distances.
#[needs(data)]
#[test]
fn pfld_finds_the_annotated_landmarks() {
    let data = data_folder();
    let landmarker = Landmarker::open(&data.join("onnx/pfld_68.onnx")).unwrap();
    let folder = data.join("stills/dlib_faces");
    let faces: Vec<_> = ["training", "testing"]
        .iter()
        .flat_map(|part| {
            let bytes = std::fs::read(folder.join(format!("{part}_with_face_landmarks.xml"))).unwrap();
            landmarked(&String::from_utf8_lossy(&bytes))
        })
        .collect();
    assert_eq!(faces.len(), 43);
    let (mut errors, mut sum, mut eyes) = (Vec::new(), 0.0, 0.0);
    for (file, bounds, truth) in &faces {
        let photo = Photo::open(&folder.join(file), MAX_PIXELS).unwrap();
        let found = landmarker.find(&photo.picture(), bounds).unwrap();
        let error = normalised_error(&found, truth);
        let distance = f64::from((truth[36][0] - truth[45][0]).hypot(truth[36][1] - truth[45][1]));
        errors.push(error);
        sum += error * distance;
        eyes += distance;
    }
    let mean = errors.iter().sum::<f64>() / 43.0;
    println!("PFLD: normalised mean error {:.2} % per face, {:.2} % pooled", 100.0 * mean, 100.0 * sum / eyes);
    assert!((mean - 0.0843).abs() < 0.001 && (sum / eyes - 0.0753).abs() < 0.001, "{mean} {}", sum / eyes);
    let other = format!("{:#}", Landmarker::open(&data.join("onnx/yunet.onnx")).unwrap_err());
    assert!(other.contains("no landmark network"), "{other}");
}
