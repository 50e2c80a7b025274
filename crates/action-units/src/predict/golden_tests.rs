//! OpenFace's action units of two videos and 206 pictures.

use ferrotype_needs::needs;

use super::*;
use crate::align::{Order, Picture};
use crate::features::Features;
use crate::reference::{Table, correlation, data, histograms, video};

fn predictor() -> Predictor {
    Predictor::open(&data("openface/predictors")).unwrap()
}

/// The largest difference of an intensity, the least correlation of one that varies, and per class how many frames agree.
struct Agreement {
    most: f64,
    mean: f64,
    correlation: f64,
    classes: Vec<usize>,
}

fn agreement(ours: &[ActionUnits], theirs: &Table) -> Agreement {
    assert_eq!(ours.len(), theirs.rows.len());
    let mut of = Agreement { most: 0.0, mean: 0.0, correlation: 1.0, classes: Vec::new() };
    for (i, unit) in INTENSITIES.iter().enumerate() {
        let a: Vec<f64> = ours.iter().map(|u| f64::from(u.intensities[i])).collect();
        let b = theirs.column(&format!("AU{unit:02}_r"));
        of.most = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(of.most, f64::max);
        of.mean += a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / (a.len() * INTENSITIES.len()) as f64;
        let r = correlation(&a, &b);
        of.correlation = if r.is_nan() { of.correlation } else { of.correlation.min(r) };
    }
    for (i, unit) in PRESENCES.iter().enumerate() {
        let b = theirs.column(&format!("AU{unit:02}_c"));
        of.classes.push(ours.iter().zip(&b).filter(|(u, b)| u.presences[i] == (**b == 1.0)).count());
    }
    println!("AU_r differ by at most {:.5}, on average {:.5}; least r {:.6}", of.most, of.mean, of.correlation);
    println!("AU_c that agree, of {}: {:?}", ours.len(), of.classes);
    of
}

fn ended(tracker: Tracker) -> Vec<ActionUnits> {
    tracker.finish().into_iter().map(|units| units.expect("tracked")).collect()
}

#[needs(data)]
#[test]
fn action_units_of_openfaces_histograms_are_its_own() {
    let (predictor, table) = (predictor(), Table::read("openface/reference/single_face.csv"));
    let mut tracker = predictor.tracker();
    for (row, hog) in histograms().into_iter().enumerate() {
        let features = Features::new(hog, &table.parameters(row).shape, predictor.extractor().model()).unwrap();
        tracker.push(Some(&features));
    }
    let agreement = agreement(&ended(tracker), &table);
    // The table has four digits.
    assert!(agreement.most <= 0.0005, "{}", agreement.most);
    assert!(agreement.classes.iter().all(|&n| n == 72), "{:?}", agreement.classes);
}

/// Every frame's features, given how they are taken.
fn of_video(predictor: &Predictor, table: &Table, refit: bool) -> Vec<ActionUnits> {
    let frames = video("videos/one_face_emotions.mp4");
    assert_eq!(frames.len(), 472 * 640 * 360 * 3);
    let mut tracker = predictor.tracker();
    let mut before = None;
    for (row, frame) in frames.chunks_exact(640 * 360 * 3).enumerate() {
        let picture = Picture::new(frame, 640, 360, Order::Bgr).unwrap();
        let extractor = predictor.extractor();
        let features = if refit {
            let (features, fit) = extractor.of_landmarks(&picture, &table.landmarks(row), before.as_ref()).unwrap();
            before = Some(fit.parameters);
            features
        } else {
            extractor.of_parameters(&picture, &table.parameters(row)).unwrap()
        };
        tracker.push(Some(&features));
    }
    ended(tracker)
}

#[needs(data, ffmpeg)]
#[test]
fn action_units_of_a_video_are_openfaces() {
    let (predictor, table) = (predictor(), Table::read("openface/reference/one_face_emotions.csv.gz"));
    let agreement = agreement(&of_video(&predictor, &table, false), &table);
    assert!(agreement.most <= 0.043 && agreement.correlation >= 0.9998);
    assert!(agreement.classes.iter().all(|&n| n >= 461), "{:?}", agreement.classes);
}

/// OpenFace's landmarks as if another detector had found them.
#[needs(data, ffmpeg)]
#[test]
fn refitted_landmarks_give_nearly_the_same() {
    let (predictor, table) = (predictor(), Table::read("openface/reference/one_face_emotions.csv.gz"));
    let ours = of_video(&predictor, &table, true);
    agreement(&ours, &table);
    let r = |(i, unit): (usize, &u8)| {
        let a: Vec<f64> = ours.iter().map(|u| f64::from(u.intensities[i])).collect();
        correlation(&a, &table.column(&format!("AU{unit:02}_r")))
    };
    let mean = INTENSITIES.iter().enumerate().map(r).sum::<f64>() / 17.0;
    println!("mean r {mean:.4}");
    assert!(mean > 0.985, "{mean}");
}

/// The static predictors on the pictures that `read` decodes, and the share of classes that agree.
fn of_pictures(read: impl Fn(&str) -> image::RgbImage) -> (Agreement, f64) {
    let (predictor, table) = (predictor(), Table::read("london/openface_static.csv"));
    let of = |(row, name): (usize, &String)| {
        let picture = read(name);
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let picture = Picture::new(picture.as_raw(), width, height, Order::Rgb).unwrap();
        let (landmarks, parameters) = (table.landmarks(row), table.parameters(row));
        predictor.picture(&predictor.extractor().of_face(&picture, &landmarks, &parameters).unwrap())
    };
    let ours: Vec<ActionUnits> = table.names.iter().enumerate().map(of).collect();
    let agreement = agreement(&ours, &table);
    let share = agreement.classes.iter().sum::<usize>() as f64 / (18 * ours.len()) as f64;
    println!("{} pictures: {:.2} % of the classes agree", ours.len(), 100.0 * share);
    (agreement, share)
}

/// libjpeg, which OpenCV reads pictures with.
#[needs(data, pillow)]
#[test]
fn action_units_of_pictures_are_openfaces() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import glob, os, sys\nfrom PIL import Image\nfor f in glob.glob(sys.argv[1] + '/*.jpg'):\n \
                  Image.open(f).convert('RGB').save(os.path.join(sys.argv[2], os.path.basename(f) + '.bmp'))";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", script]).arg(data("london")).arg(folder.path());
    assert!(python.status().unwrap().success());
    let read = |name: &str| image::open(folder.path().join(format!("{name}.bmp"))).unwrap().into_rgb8();
    let (agreement, share) = of_pictures(read);
    assert!(agreement.mean <= 0.0016 && agreement.most <= 0.092 && share >= 0.9975);
}

/// The JPEG decoder of the `image` crate rounds otherwise than libjpeg, and the static predictors notice.
#[needs(data)]
#[test]
fn another_jpeg_decoder_changes_little() {
    let (agreement, share) = of_pictures(|name| image::open(data("london").join(name)).unwrap().into_rgb8());
    assert!(agreement.mean <= 0.02 && agreement.most <= 0.35 && share >= 0.975);
}
