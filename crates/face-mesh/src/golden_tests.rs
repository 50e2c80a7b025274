//! Against mediapipe 0.10.14, and against what another program made of its networks.

use ferrotype_needs::needs;

use crate::landmarks::POINTS;
use crate::reference::{Answer, answers, data, frames, networks, picture, table};
use crate::{Detection, FaceMesh, Mesh, MeshFiles, Picture, Region, blendshapes};

/// Mean and largest distance of a mesh from an answer, in pixels of the picture: across and down, then along z.
fn distances(mesh: &Mesh, answer: &Answer, [width, height]: [f64; 2]) -> [f64; 3] {
    let (mut sum, mut most, mut depth) = (0.0, 0.0f64, 0.0f64);
    for (point, theirs) in mesh.points.iter().zip(&answer.landmarks) {
        let [x, y, z] = point.map(f64::from);
        let far = (x - theirs[0] * width).hypot(y - theirs[1] * height);
        (sum, most, depth) = (sum + far, most.max(far), depth.max((z - theirs[2] * width).abs()));
    }
    [sum / POINTS as f64, most, depth]
}

fn worst(scores: &[f32], answer: &Answer) -> f64 {
    assert!(answer.blendshapes.iter().zip(blendshapes::NAMES).all(|((name, _), ours)| name == ours));
    scores
        .iter()
        .zip(&answer.blendshapes)
        .map(|(ours, (_, theirs))| (f64::from(*ours) - theirs).abs())
        .fold(0.0, f64::max)
}

fn compare(networks: &FaceMesh, file: &str, name: &str, most: usize) -> Vec<[f64; 4]> {
    let (pixels, width, height) = picture(file);
    let picture = Picture::new(&pixels, width, height).unwrap();
    let (found, answers) = (networks.faces(&picture, most).unwrap(), answers(name));
    assert_eq!(found.len(), answers.len(), "{name}");
    let row = |(mesh, answer): (&Mesh, &Answer)| {
        let [mean, most, depth] = distances(mesh, answer, [width as f64, height as f64]);
        let scores = networks.blendshapes(mesh).unwrap().unwrap();
        let row = [mean, most, depth, worst(&scores, answer)];
        println!(
            "{name} {width} x {height}: points {mean:.3} px, at most {most:.3}; z {depth:.3}; blendshapes {:.5}",
            row[3]
        );
        row
    };
    found.iter().zip(&answers).map(row).collect()
}

/// Mean and largest distance, in z, and of a blendshape: at most these.
fn within(row: &[f64; 4], limits: [f64; 4]) {
    assert!(row.iter().zip(limits).all(|(value, limit)| *value < limit), "{row:?} exceed {limits:?}");
}

#[needs(data)]
#[test]
fn faces_of_pictures_are_mediapipes() {
    let networks = networks();
    within(&compare(&networks, "mediapipe/single_face.jpg", "single_face.jpg", 5)[0], [0.05, 0.12, 0.2, 0.006]);
    within(&compare(&networks, "stills/test2.jpg", "test2.jpg", 5)[0], [0.6, 2.0, 1.6, 0.025]);
    let rows = compare(&networks, "stills/test4.jpg", "test4.jpg", 5);
    within(&rows[0], [0.2, 0.5, 0.6, 0.02]);
    // A face in profile, whose eyes the detector sees 15 pixels apart: .02 radians, which is .3 pixels of an eye, move our own
    // mesh by 4.1 pixels, and bring it to 1.0 from theirs.
    within(&rows[1], [5.0, 10.0, 4.0, 1.0]);
    assert!(compare(&networks, "stills/test.jpg", "test.jpg", 5).is_empty());
}

#[needs(data)]
#[test]
fn blendshapes_of_mediapipes_meshes() {
    let networks = networks();
    for (file, name) in [
        ("mediapipe/single_face.jpg", "single_face.jpg"),
        ("stills/test2.jpg", "test2.jpg"),
        ("stills/test4.jpg", "test4.jpg"),
    ] {
        let (_, width, height) = picture(file);
        for answer in answers(name) {
            let mut mesh = Mesh { points: [[0.0; 3]; POINTS], presence: 1.0 };
            for (point, theirs) in mesh.points.iter_mut().zip(&answer.landmarks) {
                *point =
                    [theirs[0] * width as f64, theirs[1] * height as f64, theirs[2] * width as f64].map(|v| v as f32);
            }
            let far = worst(&networks.blendshapes(&mesh).unwrap().unwrap(), &answer);
            println!("{name}: {far:.6}");
            assert!(far < 5e-5, "{name} {far}");
        }
    }
}

#[needs(data, ffmpeg)]
#[test]
fn blendshapes_of_a_video() {
    let networks = networks();
    let (names, rows) = table("mediapipe/blendshapes_one_face_emotions.csv.gz");
    assert!(names.iter().eq(blendshapes::NAMES.iter()));
    let frames = frames("videos/one_face_emotions.mp4");
    assert_eq!((frames.len(), rows.len()), (472, 472));
    let mut tracker = networks.tracker(1);
    let (mut alone, mut tracked) = (Vec::new(), Vec::new());
    for frame in &frames {
        let picture = Picture::new(frame, 640, 360).unwrap();
        let scores = |meshes: Vec<Mesh>| {
            assert_eq!(meshes.len(), 1);
            networks.blendshapes(&meshes[0]).unwrap().unwrap()
        };
        alone.push(scores(networks.faces(&picture, 1).unwrap()));
        tracked.push(scores(tracker.step(&picture).unwrap()));
    }
    let report = |what: &str, all: &[[f32; 52]]| {
        let far = |(ours, theirs): (&[f32; 52], &Vec<f64>)| {
            ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a) - b).abs()).collect::<Vec<_>>()
        };
        let all: Vec<f64> = all.iter().zip(&rows).flat_map(far).collect();
        let (mean, most) = (all.iter().sum::<f64>() / all.len() as f64, all.iter().fold(0.0f64, |a, b| a.max(*b)));
        println!("{what}: mean {mean:.5}, at most {most:.4}");
        [mean, most]
    };
    // The table, of 4 digits, is another program's, which ran the detector in every frame and mixed pixels exactly.
    let [mean, most] = report("detector in every frame", &alone);
    assert!(mean < 0.0005 && most < 0.02, "{mean} {most}");
    // Another region is another crop, and so another answer.
    let [mean, _] = report("tracked", &tracked);
    assert!(mean < 0.04, "{mean}");
    assert_eq!(tracker.detections(), 1);
}

#[needs(data)]
#[test]
fn other_networks_are_refused() {
    let good = MeshFiles::in_folder(&data("mediapipe")).unwrap();
    let said = |files: MeshFiles| format!("{:#}", FaceMesh::open(&files).err().unwrap());
    let text = said(MeshFiles { detector: good.landmarks.clone(), ..good.clone() });
    assert!(text.contains("is not the face detector that is known here") && text.contains("[1, 896, 16]"), "{text}");
    let text = said(MeshFiles { landmarks: data("onnx/pfld_68.onnx"), ..good.clone() });
    assert!(text.contains("is not the face mesh that is known here") && text.contains("1434"), "{text}");
    let text = said(MeshFiles { blendshapes: Some(good.detector.clone()), ..good.clone() });
    assert!(text.contains("is not the blendshape network") && text.contains("[1, 146, 2]"), "{text}");
    let text = said(MeshFiles { blendshapes: Some(data("mediapipe/tables.json")), ..good });
    assert!(text.contains("not an ONNX file"), "{text}");
}

#[needs(data)]
#[test]
fn pictures_without_faces_have_none() {
    let networks = networks();
    for (width, height) in [(1, 1), (3, 700), (640, 360)] {
        let grey = vec![128; width * height * 3];
        let picture = Picture::new(&grey, width, height).unwrap();
        assert_eq!(networks.faces(&picture, 5).unwrap(), []);
        assert_eq!(networks.tracker(2).step(&picture).unwrap(), []);
        assert_eq!(networks.face_in(&picture, [0.0, 0.0, 1.0, 1.0], None).unwrap(), None);
        let outside = Region { centre: [-500.0, 9000.0], size: [200.0; 2], rotation: 1.0 };
        assert_eq!(networks.present(&picture, &outside).unwrap(), None);
        let nowhere = Region { size: [f32::NAN; 2], ..outside };
        assert!(networks.present(&picture, &nowhere).unwrap_err().to_string().contains("cannot be looked at"));
    }
}

#[needs(data)]
#[test]
fn a_lost_face_is_looked_for_in_the_same_frame() {
    let networks = networks();
    let (pixels, width, height) = picture("mediapipe/single_face.jpg");
    let here = Picture::new(&pixels, width, height).unwrap();
    // The same face at the other side of a picture twice as wide.
    let mut wide = vec![0; 2 * pixels.len()];
    for (row, line) in wide.chunks_exact_mut(2 * width * 3).zip(pixels.chunks_exact(width * 3)) {
        row[width * 3..].copy_from_slice(line);
    }
    let there = Picture::new(&wide, 2 * width, height).unwrap();
    let grey = vec![90; pixels.len()];
    let nobody = Picture::new(&grey, width, height).unwrap();
    let mut tracker = networks.tracker(1);
    let first = tracker.step(&here).unwrap();
    assert_eq!((first.len(), tracker.detections()), (1, 1));
    let again = tracker.step(&here).unwrap();
    assert_eq!((again.len(), tracker.detections()), (1, 1));
    let moved = tracker.step(&there).unwrap();
    assert_eq!((moved.len(), tracker.detections()), (1, 2));
    let shift = moved[0].points[1][0] - first[0].points[1][0] - width as f32;
    assert!(shift.abs() < 0.02 * width as f32, "{shift}");
    assert_eq!(tracker.step(&nobody).unwrap(), []);
    assert_eq!(tracker.step(&nobody).unwrap(), []);
    assert_eq!((tracker.step(&here).unwrap().len(), tracker.detections()), (1, 5));
}

/// Computed with onnxruntime 1.32 and numpy: the square of the longer side, sampled corner to corner by exact bilinear
/// interpolation, `[1, 128, 128, 3]` in -1..1; anchors and weighted suppression at .5, ten detections of one face.
#[needs(data)]
#[test]
fn the_detector_finds_the_face() {
    let networks = networks();
    let (pixels, width, height) = picture("mediapipe/single_face.jpg");
    let found = networks.detect(&Picture::new(&pixels, width, height).unwrap()).unwrap();
    let [Detection { bounds, points, score }] = &found[..] else { panic!("{found:?}") };
    let expected = [
        [184.23, 197.60],
        [383.70, 397.05],
        [231.80, 252.82],
        [313.70, 247.24],
        [268.33, 296.85],
        [273.76, 338.88],
        [199.80, 276.41],
        [371.94, 266.41],
    ];
    let ours = [[bounds[0], bounds[1]], [bounds[2], bounds[3]]].into_iter().chain(*points);
    let far = ours.zip(expected).map(|(a, b)| (a[0] - b[0]).abs().max((a[1] - b[1]).abs())).fold(0.0f32, f32::max);
    println!("at most {far} px, score {score}");
    assert!(far < 0.2 && (score - 0.9020).abs() < 0.001, "{found:?}");
}

/// A face far away, which the short-range detector finds in the window of another one's box.
#[needs(data, ffmpeg)]
#[test]
fn small_faces_are_found_within_their_boxes() {
    let networks = networks();
    let frame = &frames("videos/one_face_emotions.mp4")[200];
    let large = Picture::new(frame, 640, 360).unwrap();
    let mesh = networks.faces(&large, 1).unwrap().remove(0);
    let [low, high] = mesh.bounds();
    let mut wide = vec![100; 4000 * 2000 * 3];
    for (row, line) in frame.chunks_exact(640 * 3).enumerate() {
        wide[((900 + row) * 4000 + 3000) * 3..][..640 * 3].copy_from_slice(line);
    }
    let picture = Picture::new(&wide, 4000, 2000).unwrap();
    assert_eq!(networks.faces(&picture, 1).unwrap(), []);
    let bounds = [low[0] + 3000.0, low[1] + 900.0, high[0] + 3000.0, high[1] + 900.0];
    let found = networks.face_in(&picture, bounds, None).unwrap().unwrap();
    let far = (0..POINTS).map(|i| {
        let (a, b) = (found.points[i], mesh.points[i]);
        (a[0] - b[0] - 3000.0).hypot(a[1] - b[1] - 900.0)
    });
    let mean = far.sum::<f32>() / POINTS as f32;
    println!("{mean} px");
    assert!(mean < 3.0, "{mean}");
}
