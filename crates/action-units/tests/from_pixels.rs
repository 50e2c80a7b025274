//! Through the public interface, with a made-up copy of OpenFace: from pixels and landmarks to action units.

use std::path::Path;

use ferrotype_action_units::align::{Order, Picture};
use ferrotype_action_units::import::{ImportOptions, import};
use ferrotype_action_units::pdm::Parameters;
use ferrotype_action_units::predict::{ActionUnits, Predictor};
use ferrotype_action_units::{Landmarks, example};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

/// A picture of waves, red, green, blue.
fn frame(t: usize) -> Vec<u8> {
    let wave = |i: usize, c: f64| {
        let (x, y) = ((i % WIDTH) as f64, (i / WIDTH) as f64);
        (128.0 + 100.0 * ((x * 0.3 + c) * (1.0 + 0.02 * t as f64)).sin() * (y * 0.2).cos()) as u8
    };
    (0..WIDTH * HEIGHT).flat_map(|i| [0.0, 1.0, 2.0].map(|c| wave(i, c))).collect()
}

fn landmarks(predictor: &Predictor, t: usize) -> Landmarks {
    let model = predictor.extractor().model();
    let mut parameters = model.in_box([100.0 + t as f64, 60.0, 110.0, 120.0]);
    parameters.rotation = [0.05, 0.02 * t as f64, -0.1];
    parameters.shape[0] = t as f64;
    model.landmarks(&parameters)
}

/// The live values and those at the end of a video of nine frames; in the fifth the face is lost.
fn analyse(predictor: &Predictor, order: Order) -> (Vec<Option<ActionUnits>>, Vec<Option<ActionUnits>>) {
    let mut tracker = predictor.tracker();
    let mut before: Option<Parameters> = None;
    let live = (0..9)
        .map(|t| {
            if t == 4 {
                before = None;
                return tracker.push(None);
            }
            let mut bytes = frame(t);
            if order == Order::Bgr {
                bytes.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            }
            let picture = Picture::new(&bytes, WIDTH, HEIGHT, order).unwrap();
            let points = landmarks(predictor, t);
            let (features, fit) = predictor.extractor().of_landmarks(&picture, &points, before.as_ref()).unwrap();
            before = Some(fit.parameters);
            tracker.push(Some(&features))
        })
        .collect();
    (live, tracker.finish())
}

#[test]
fn a_video_goes_through() {
    let root = tempfile::tempdir().unwrap();
    let (copy, file) = (root.path().join("AU_predictors"), root.path().join("units.safetensors"));
    example::write_folder(&copy, 5).unwrap();
    import(&copy, &file, ImportOptions { accepted: true, allow_other: true }).unwrap();
    let open = |path: &Path| Predictor::open(path).unwrap();
    assert_eq!(open(&copy).provenance(), open(&file).provenance());
    assert!(open(&file).provenance().unwrap().notice.contains("noncommercial"));
    let (live, ended) = analyse(&open(&copy), Order::Rgb);
    assert_eq!((live.len(), ended.len()), (9, 9));
    assert!(live[4].is_none() && ended[4].is_none() && ended.iter().flatten().count() == 8);
    let values = || ended.iter().flatten().flat_map(|units| units.intensities);
    assert!(values().all(|v| (0.0..=5.0).contains(&v)) && values().any(|v| v > 0.1));
    assert_ne!(live[8], ended[8]);
    // The imported file says the same, and so do the same pixels in the other order of colours.
    assert_eq!((live.clone(), ended.clone()), analyse(&open(&file), Order::Rgb));
    assert_eq!((live, ended), analyse(&open(&file), Order::Bgr));
}
