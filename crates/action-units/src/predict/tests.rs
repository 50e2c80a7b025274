//! Made-up predictors and features, against the definitions written down plainly.

use ferrotype_base::random::Stream;

use super::*;
use crate::features::{ALL, Features, GEOMETRY, HOG};
use crate::import;
use crate::{MODES, example};

fn predictor_and_files() -> (Predictor, PredictorFiles) {
    let folder = tempfile::tempdir().unwrap();
    example::write_folder(folder.path(), 11).unwrap();
    let files = import::find(folder.path()).unwrap().read().unwrap();
    (Predictor::open(folder.path()).unwrap(), files)
}

fn features(stream: &mut Stream, predictor: &Predictor) -> Features {
    let hog = (0..HOG).map(|_| (0.3 * stream.unit()) as f32).collect();
    let shape = std::array::from_fn::<f64, MODES, _>(|_| 3.0 * stream.normal());
    Features::new(hog, &shape, predictor.extractor().model()).unwrap()
}

fn value(model: &Model, x: &[f64], median: &[f64]) -> f64 {
    let linear = model.linear();
    let less = |i: usize| if model.is_dynamic() { median[i] } else { 0.0 };
    (0..ALL).map(|i| (x[i] - less(i) - linear.means[i]) * linear.weights[i]).sum::<f64>() + linear.bias
}

fn class(model: &Model, value: f64) -> bool {
    let Model::Presence(svm) = model else { panic!("a presence") };
    (if value > 0.0 { svm.positive } else { svm.negative }) == 1.0
}

/// The median of a histogram, counted from scratch.
fn plain_median(values: &[f64], bins: usize, low: f64, high: f64) -> f64 {
    match values {
        [] => return f64::NAN,
        [one] => return *one,
        _ => {}
    }
    let width = (high - low) / bins as f64;
    let mut all: Vec<usize> = values.iter().map(|v| (((v - low) / width) as usize).min(bins - 1)).collect();
    all.sort_unstable();
    low + (all[values.len().div_ceil(2) - 1] as f64 + 0.5) * width
}

#[test]
fn running_medians_are_those_of_the_values() {
    let mut stream = Stream::new(1);
    let mut running = RunningMedian::new(3, 20, -1.0, 1.0);
    assert!(running.medians().is_none());
    let mut series: [Vec<f64>; 3] = Default::default();
    for frame in 0..300 {
        let new = [stream.normal(), f64::from(frame % 7) / 7.0, 5.0 * stream.unit() - 4.0];
        running.push(new.into_iter());
        for (i, values) in series.iter_mut().enumerate() {
            values.push(new[i]);
            assert_eq!(running.medians().unwrap()[i], plain_median(values, 20, -1.0, 1.0), "{frame} {i}");
        }
    }
}

#[test]
fn counts_go_beyond_sixteen_bits() {
    let mut running = RunningMedian::new(1, 4, 0.0, 4.0);
    (0..70_000).for_each(|_| running.push([0.2].into_iter()));
    assert_eq!(running.medians(), Some(&[0.5][..]));
    (0..70_001).for_each(|_| running.push([3.2].into_iter()));
    assert_eq!(running.medians(), Some(&[3.5][..]));
}

/// numpy: np.convolve([0, 3, 3, 0, 6], np.ones(3) / 3, 'valid') = [2, 2, 3].
#[test]
fn means_leave_the_ends_alone() {
    assert_eq!(smooth::mean(&[0.0, 3.0, 3.0, 0.0, 6.0], 3), [0.0, 2.0, 2.0, 3.0, 6.0]);
    assert_eq!(smooth::mean(&[1.0, 2.0], 3), [1.0, 2.0]);
    assert_eq!(smooth::mean(&[], 7), [0.0; 0]);
    // Sorted: 1 2 3 4; int(4 * 0.65) = 2.
    assert_eq!(smooth::zero(vec![4.0, 1.0, 3.0, 2.0], 0.65), 3.0);
    assert_eq!((smooth::zero(vec![4.0, 1.0], 1.0), smooth::zero(vec![], 0.5)), (4.0, 0.0));
}

fn near(ours: f32, plain: f64) -> bool {
    (f64::from(ours) - plain).abs() < 1e-4
}

#[test]
fn a_single_picture_has_the_static_values() {
    let (predictor, files) = predictor_and_files();
    let features = features(&mut Stream::new(3), &predictor);
    let (x, units) = (features.all(), predictor.picture(&features));
    for (entry, model) in &files.picture {
        let value = value(model, &x, &[]);
        if entry.is_intensity {
            assert!(near(units.intensity(entry.unit).unwrap(), value.clamp(0.0, 5.0)), "{entry:?}");
        } else {
            assert_eq!(units.is_present(entry.unit), Some(class(model, value)), "{entry:?}");
        }
    }
    assert_eq!((units.intensity(28), units.is_present(3)), (None, None));
    assert!(units.intensities.iter().any(|&v| v > 0.0 && v < 5.0) && units.presences.contains(&true));
}

/// What the whole video's values should be, from all features kept.
fn plain_video(files: &PredictorFiles, frames: &[Option<Features>], again: usize) -> Vec<(u8, bool, Vec<f64>)> {
    let all: Vec<Option<Vec<f64>>> = frames.iter().map(|f| f.as_ref().map(Features::all)).collect();
    let median = |until: usize| -> Vec<f64> {
        let odd: Vec<&Vec<f64>> = all[..until].iter().step_by(2).flatten().collect();
        let of = |i: usize| odd.iter().map(|x| x[i]).collect::<Vec<f64>>();
        (0..ALL)
            .map(|i| match i < HOG {
                true => plain_median(&of(i), 1000, -0.005, 1.0).max(0.0),
                false => plain_median(&of(i), 10_000, -60.0, 60.0),
            })
            .collect()
    };
    let last = median(frames.len());
    let mut seen = 0;
    let medians: Vec<Vec<f64>> = all
        .iter()
        .enumerate()
        .map(|(t, x)| {
            seen += usize::from(x.is_some());
            if x.is_none() || seen <= again { last.clone() } else { median(t + 1) }
        })
        .collect();
    let smooth = |v: Vec<f64>, half: usize| -> Vec<f64> {
        let whole = |t: usize| t >= half && t + half < v.len();
        let mean = |t: usize| v[t - half..=t + half].iter().sum::<f64>() / (2 * half + 1) as f64;
        (0..v.len()).map(|t| if whole(t) { mean(t) } else { v[t] }).collect()
    };
    let of = |(entry, model): &(crate::formats::Entry, Model)| {
        let raw: Vec<Option<f64>> =
            all.iter().zip(&medians).map(|(x, m)| x.as_ref().map(|x| value(model, x, m))).collect();
        let values = match model {
            Model::Intensity(svr) => {
                let mut sorted: Vec<f64> = raw.iter().copied().flatten().collect();
                sorted.sort_by(f64::total_cmp);
                let zero =
                    svr.cutoff.map_or(0.0, |c| sorted.get((sorted.len() as f64 * c) as usize).copied().unwrap_or(0.0));
                smooth(raw.iter().map(|v| v.map_or(0.0, |v| (v - zero).clamp(0.0, 5.0))).collect(), 1)
            }
            Model::Presence(_) => {
                let classes = raw.iter().map(|v| v.map_or(0.0, |v| f64::from(u8::from(class(model, v))))).collect();
                smooth(classes, 3).iter().map(|v| f64::from(u8::from(*v >= 0.5))).collect()
            }
        };
        (entry.unit, entry.is_intensity, values)
    };
    files.video.iter().map(of).collect()
}

fn check_video(tracked: &[bool]) {
    let (predictor, files) = predictor_and_files();
    let mut stream = Stream::new(7);
    let frames: Vec<Option<Features>> =
        tracked.iter().map(|&there| there.then(|| features(&mut stream, &predictor))).collect();
    let mut tracker = predictor.tracker();
    let live: Vec<Option<ActionUnits>> = frames.iter().map(|f| tracker.push(f.as_ref())).collect();
    assert_eq!(tracker.frames(), frames.len());
    assert!(live.iter().zip(tracked).all(|(units, &there)| units.is_some() == there));
    let ended = tracker.finish();
    assert!(ended.iter().zip(tracked).all(|(units, &there)| units.is_some() == there));
    for (unit, is_intensity, plain) in plain_video(&files, &frames, 3000) {
        for (frame, value) in ended.iter().zip(&plain).filter_map(|(f, v)| f.as_ref().map(|f| (f, *v))) {
            match is_intensity {
                true => assert!(near(frame.intensity(unit).unwrap(), value), "AU{unit}: {frame:?} {value}"),
                false => assert_eq!(frame.is_present(unit), Some(value == 1.0), "AU{unit}"),
            }
        }
    }
}

#[test]
fn a_videos_values_are_those_of_its_definition() {
    check_video(&[true; 23]);
    // Not seen at first, then first in an even frame, and lost in between.
    check_video(&[false, true, true, true, false, false, true, true, true, true, true, false, true, true]);
    check_video(&[true]);
    check_video(&[false, false]);
    check_video(&[]);
}

#[test]
fn live_values_use_the_median_so_far() {
    let (predictor, files) = predictor_and_files();
    let mut stream = Stream::new(8);
    let mut tracker = predictor.tracker();
    let frames: Vec<Features> = (0..3).map(|_| features(&mut stream, &predictor)).collect();
    let live: Vec<ActionUnits> = frames.iter().map(|f| tracker.push(Some(f)).unwrap()).collect();
    let (entry, model) = files.video.iter().find(|(e, m)| e.is_intensity && m.is_dynamic()).unwrap();
    // Of one frame the median is the frame; the second frame does not count to it.
    for (frame, units) in frames.iter().zip(&live).take(2) {
        let value = value(model, &frame.all(), &frames[0].all()).clamp(0.0, 5.0);
        assert!(near(units.intensity(entry.unit).unwrap(), value));
    }
    assert_eq!(tracker.median().unwrap().len(), HOG + GEOMETRY);
}

/// What an hour of video costs: what the documentation says.
#[test]
fn a_frame_has_76_bytes() {
    assert_eq!(std::mem::size_of::<tracker::Frame>(), 76);
}

/// From the 3,001st tracked frame on, what was said live stays.
#[test]
fn only_the_first_frames_are_predicted_again() {
    let (predictor, files) = predictor_and_files();
    let mut stream = Stream::new(9);
    let kinds: Vec<Features> = (0..5).map(|_| features(&mut stream, &predictor)).collect();
    let mut tracker = predictor.tracker();
    // The median moves from the first kind to the second, late.
    let kind = |t: usize| if t < 3500 { [0, 0, 0, 2][t % 4] } else { [1, 1, 1, 3][t % 4] };
    let mut raw = Vec::new();
    let (entry, model) = files.video.iter().find(|(e, m)| e.is_intensity && m.is_dynamic()).unwrap();
    for t in 0..7500 {
        tracker.push(Some(&kinds[kind(t)]));
        if t >= 3000 {
            raw.push(value(model, &kinds[kind(t)].all(), &tracker.median().unwrap()));
        }
    }
    let last = tracker.median().unwrap();
    let first = (0..3000).map(|t| value(model, &kinds[kind(t)].all(), &last));
    let mut all: Vec<f64> = first.chain(raw).collect();
    let Model::Intensity(svr) = model else { panic!("an intensity") };
    let mut sorted = all.clone();
    sorted.sort_by(f64::total_cmp);
    let zero = sorted[(7500.0 * svr.cutoff.unwrap()) as usize];
    all.iter_mut().for_each(|v| *v = (*v - zero).clamp(0.0, 5.0));
    let ended = tracker.finish();
    for t in (1..7499).step_by(13) {
        let mean = all[t - 1..=t + 1].iter().sum::<f64>() / 3.0;
        assert!(near(ended[t].as_ref().unwrap().intensity(entry.unit).unwrap(), mean), "{t}");
    }
}

#[test]
fn sets_that_lack_a_predictor_are_refused() {
    let (_, mut files) = predictor_and_files();
    let removed = files.video.remove(20);
    let message = format!("{:#}", Predictor::new(files.clone()).unwrap_err());
    assert!(message.contains(&format!("AU{:02}", removed.0.unit)) && message.contains("videos"), "{message}");
    let moving = files.video.iter().find(|(_, m)| m.is_dynamic()).unwrap().clone();
    files.video.push(removed);
    files.picture.push(moving.clone());
    assert!(format!("{:#}", Predictor::new(files).unwrap_err()).contains(&moving.0.file));
}
