use burn::tensor::Device;
use ferrotype_kernels::Isa;

use super::*;
use crate::clip::{Clip, Part, Series};
use crate::method::Method;
use crate::methods::lstm::LstmOptions;
use crate::methods::temporal_convolution::TemporalConvolutionOptions;
use ferrotype_base::random::Stream;
use ferrotype_run::RunFolder;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::options::TrainOptions;
use ferrotype_training::progress::Style;

/// Clips of three units: the first rises slowly where the expression is genuine and fast where it is posed; the second is
/// noise; the third is what both classes share. Lengths tell nothing.
pub fn clips(count: usize, strength: f64, emotions: usize, seed: u64) -> ClipSet {
    let mut s = Stream::new(seed);
    let clip = |i: usize, s: &mut Stream| {
        let real = i.is_multiple_of(2);
        let frames = 20 + s.below(40);
        let onset = 4.0 + f64::from(s.uniform(0.0, 3.0)) + if real { 3.0 + 6.0 * strength } else { 3.0 };
        let start = f64::from(s.uniform(1.0, 6.0));
        let mut values = Vec::new();
        for t in 0..frames {
            let rise = ((t as f64 - start) / onset).clamp(0.0, 1.0);
            values.extend([2.0 * rise + 0.1 * s.normal(), s.normal(), 5.0 + 0.2 * s.normal()].map(|v| v as f32));
        }
        let times = (0..frames).map(|t| t as f64 / 30.0).collect();
        Clip {
            name: format!("clip{i:03}"),
            subject: Some(format!("s{}", i / 4)),
            emotion: (emotions > 0).then(|| i / 2 % emotions.max(1)),
            real: Some(real),
            part: Part::Training,
            seconds: frames as f64 / 30.0,
            units: Some(Series { times, values }),
            landmarks: None,
            descriptor: None,
            video: None,
        }
    };
    ClipSet {
        emotions: ["happy", "sad"][..emotions].iter().map(|&e| e.into()).collect(),
        units: ["AU12", "noise", "AU25"].map(str::to_owned).to_vec(),
        rate: Some(30.0),
        clips: (0..count).map(|i| clip(i, &mut s)).collect(),
        notes: Vec::new(),
        synthetic: true,
    }
}

pub fn options(epochs: usize, lr: f64) -> TrainOptions {
    serde_json::from_value(serde_json::json!({"epochs": epochs, "batch_size": 16, "lr": lr})).unwrap()
}

/// Fits a method in a folder.
pub fn fitted(
    method: &dyn Method,
    set: &ClipSet,
    parts: [&[usize]; 2],
    train: &TrainOptions,
    folder: &Path,
) -> Result<Box<dyn Fitted>> {
    with_work(train, folder, |work| method.fit(set, parts[0], parts[1], work))
}

/// What a method works with, in a folder.
pub fn with_work<T>(train: &TrainOptions, folder: &Path, work: impl FnOnce(&mut Work) -> T) -> T {
    let run = RunFolder::create_at(folder).unwrap();
    let (interrupt, mut progress) = (Interrupt::default(), Style::Quiet.start());
    let mut own = Work {
        seed: 1,
        train,
        device: Device::flex(),
        compute: Compute::Native(Isa::detect()),
        run: &run,
        interrupt: &interrupt,
        other_kernels: false,
        progress: progress.as_mut(),
    };
    work(&mut own)
}

pub fn accuracy(fitted: &dyn Fitted, set: &ClipSet, clips: &[usize]) -> f64 {
    let scores = fitted.scores(set, clips).unwrap();
    let right = scores.iter().zip(clips).filter(|(s, c)| (**s > 0.0) == set.clips[**c].real.unwrap()).count();
    right as f64 / clips.len() as f64
}

fn both(epochs: usize) -> [(Box<dyn Method>, TrainOptions); 2] {
    let series = SeriesOptions { pieces: Some(Pieces { length: 48, stride: 24 }), emotion: true };
    let lstm = LstmOptions { hidden: 8, dropout: 0.0, series: series.clone(), ..LstmOptions::default() };
    let convolution = TemporalConvolutionOptions { filters: 8, kernel: 9, dropout: 0.0, series, ..Default::default() };
    [(Box::new(lstm), options(epochs, 0.02)), (Box::new(convolution), options(epochs, 0.02))]
}

#[test]
fn speeds_are_told_apart_by_both_and_files_say_the_same() {
    let set = clips(120, 2.0, 2, 3);
    let all: Vec<usize> = (0..120).collect();
    let (training, rest) = all.split_at(72);
    let (validation, test) = rest.split_at(16);
    for (method, train) in both(25) {
        let folder = tempfile::tempdir().unwrap();
        let fit = |name: &str| fitted(method.as_ref(), &set, [training, validation], &train, &folder.path().join(name));
        let first = fit("a").unwrap();
        let scores = first.scores(&set, test).unwrap();
        let right = accuracy(first.as_ref(), &set, test);
        println!("{right}");
        assert!(right >= 0.85, "{right}: {scores:?}");
        // Again, and from the checkpoint of the finished training: the same bits.
        assert_eq!(fit("b").unwrap().scores(&set, test).unwrap(), scores);
        assert_eq!(fit("a").unwrap().scores(&set, test).unwrap(), scores);
        // A clip's score does not depend on those scored beside it.
        assert_eq!(first.scores(&set, &test[5..6]).unwrap(), scores[5..6]);
        first.save(folder.path()).unwrap();
        let load = |set: &ClipSet| method.load(set, folder.path(), &Device::flex(), Compute::Native(Isa::detect()));
        let again = load(&set).unwrap();
        assert_eq!((again.scores(&set, test).unwrap(), again.parameters()), (scores, first.parameters()));
        let exported = first.export(&set, test, folder.path(), 1e-4).unwrap();
        assert!(exported[0].1.passed && folder.path().join(&exported[0].0).is_file(), "{exported:?}");
        assert_eq!(exported[0].1.lengths, [48, 55]);
        let other = ClipSet { units: vec!["AU1".into(), "AU2".into(), "AU4".into()], ..set.clone() };
        assert!(load(&other).err().unwrap().to_string().contains("AU12, noise, AU25"));
    }
}

#[test]
fn nothing_is_told_where_there_is_nothing() {
    let set = clips(200, 0.0, 0, 5);
    let all: Vec<usize> = (0..200).collect();
    let folder = tempfile::tempdir().unwrap();
    for (i, (method, train)) in both(3).into_iter().enumerate() {
        let run = folder.path().join(i.to_string());
        let fit = fitted(method.as_ref(), &set, [&all[..80], &all[80..100]], &train, &run).unwrap();
        let right = accuracy(fit.as_ref(), &set, &all[100..]);
        assert!((0.3..0.7).contains(&right), "{right}");
    }
}

#[test]
fn clips_that_cannot_be_used_are_named() {
    let mut set = clips(20, 1.0, 2, 3);
    let folder = tempfile::tempdir().unwrap();
    let method = LstmOptions { hidden: 4, ..LstmOptions::default() };
    let refusal = |set: &ClipSet, training: &[usize], validation: &[usize]| {
        format!("{:#}", fitted(&method, set, [training, validation], &options(1, 0.01), folder.path()).err().unwrap())
    };
    let all: Vec<usize> = (0..20).collect();
    let fakes: Vec<usize> = (1..20).step_by(2).collect();
    assert!(refusal(&set, &fakes, &[0, 1]).contains("10 of the training clips are fake and 0 are real"));
    assert!(refusal(&set, &all, &[]).contains("data.validation"));
    set.clips[3].emotion = None;
    assert!(refusal(&set, &all, &all).contains("clip003 does not say which emotion"));
    set.clips[4].units = None;
    assert!(refusal(&set, &all, &all).contains("clip004 has no action units"));
    let odd = SeriesOptions { pieces: Some(Pieces { length: 1, stride: 0 }), emotion: true };
    let odd = LstmOptions { series: odd, hidden: 0, dropout: 1.0, ..LstmOptions::default() };
    let keys: Vec<String> = odd.problems().into_iter().map(|p| p.0).collect();
    assert_eq!(keys, ["hidden", "dropout", "series.pieces.length", "series.pieces.stride"]);
}

#[test]
fn whole_clips_are_one_sequence_each() {
    let set = clips(40, 1.0, 0, 9);
    let all: Vec<usize> = (0..40).collect();
    let folder = tempfile::tempdir().unwrap();
    let series = SeriesOptions { pieces: None, ..SeriesOptions::default() };
    let method = TemporalConvolutionOptions { filters: 4, series, ..Default::default() };
    // Trained on the shorter half, scored on all: longer clips than any before.
    let length = |&i: &usize| set.clips[i].units.as_ref().unwrap().len();
    let short: Vec<usize> = all.iter().copied().filter(|i| length(i) < 40).collect();
    let fit = fitted(&method, &set, [&short, &short], &options(2, 0.01), folder.path()).unwrap();
    let together = fit.scores(&set, &all).unwrap();
    for &i in &all[..6] {
        assert_eq!(fit.scores(&set, &[i]).unwrap()[0], together[i]);
    }
}
