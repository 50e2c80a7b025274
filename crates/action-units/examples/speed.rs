//! Time of each stage for one face, on one thread, with made-up predictors: `cargo run --release -p ferrotype-action-units
//! --example speed`. On Linux the processor's time is counted, not that of the wall.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use ferrotype_action_units::align::{Order, Picture};
use ferrotype_action_units::predict::Predictor;
use ferrotype_action_units::{example, hog};

/// Seconds that this thread has computed; of the wall where the system does not say.
fn seconds(start: Instant) -> f64 {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = counted.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |n| n * 1e-9)
}

/// The least of ten measurements of the mean of `times` calls.
fn measure<T>(what: &str, times: u32, mut call: impl FnMut() -> T) {
    let start = Instant::now();
    let mut once = || {
        let before = seconds(start);
        (0..times).for_each(|_| drop(black_box(call())));
        (seconds(start) - before) / f64::from(times)
    };
    let least = (0..10).map(|_| once()).fold(f64::INFINITY, f64::min);
    println!("{what:<44} {:.4} ms", 1e3 * least);
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    example::write_folder(folder.path(), 1)?;
    let predictor = Predictor::open(folder.path())?;
    let (width, height) = (640, 360);
    let wave = |i: usize| (i % width) as f64 * 0.11 + (i / width) as f64 * 0.07;
    let bytes: Vec<u8> =
        (0..width * height).flat_map(|i| [0.0, 1.0, 2.0].map(|c| (128.0 + 90.0 * (wave(i) + c).sin()) as u8)).collect();
    let picture = Picture::new(&bytes, width, height, Order::Bgr)?;
    let extractor = predictor.extractor();
    let mut parameters = extractor.model().in_box([220.0, 80.0, 180.0, 200.0]);
    parameters.rotation = [0.1, -0.2, 0.15];
    let landmarks = extractor.model().landmarks(&parameters);
    let face = extractor.aligner().align(&picture, &landmarks, parameters.translation)?;
    let features = extractor.of_parameters(&picture, &parameters)?;
    measure("fit of the shape model", 50, || extractor.model().fit(&landmarks, None));
    measure("fit from the frame before", 200, || extractor.model().fit(&landmarks, Some(&parameters)));
    measure("alignment with mask", 200, || extractor.aligner().align(&picture, &landmarks, parameters.translation));
    measure("histograms", 500, || hog::hog(&face.bgr));
    let mut tracker = predictor.tracker();
    measure("medians and predictors of a video's frame", 200, || tracker.push(Some(&features)));
    measure("predictors of a single picture", 500, || predictor.picture(&features));
    let mut tracker = predictor.tracker();
    measure("everything, landmarks to action units", 50, || {
        let (features, _) = extractor.of_landmarks(&picture, &landmarks, Some(&parameters))?;
        anyhow::Ok(tracker.push(Some(&features)))
    });
    Ok(())
}
