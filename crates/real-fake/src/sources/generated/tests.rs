use super::*;
use crate::results::ScoredClip;

fn options(strength: f64) -> GeneratedClipsOptions {
    GeneratedClipsOptions { subjects: 20, rate: 20.0, strength, ..GeneratedClipsOptions::default() }
}

/// AUROC of a number of each clip, real against fake.
fn separates(set: &ClipSet, number: impl Fn(&Clip) -> f64) -> f64 {
    let values: Vec<f64> = set.clips.iter().map(&number).collect();
    let real: Vec<bool> = set.clips.iter().map(|c| c.real == Some(true)).collect();
    ferrotype_evaluation::statistics::auroc(&values, &real).unwrap()
}

fn place(set: &ClipSet, unit: &str) -> usize {
    set.units.iter().position(|u| u == unit).unwrap()
}

/// Mean of a unit over the clip.
fn mean(set: &ClipSet, clip: &Clip, unit: &str) -> f64 {
    let series = clip.units.as_ref().unwrap();
    series.column(place(set, unit)).map(f64::from).sum::<f64>() / series.len() as f64
}

/// The steepest rise of all units together.
fn steepness(clip: &Clip) -> f64 {
    let series = clip.units.as_ref().unwrap();
    let sums: Vec<f32> = series.values.chunks_exact(UNITS.len()).map(|row| row[..16].iter().sum()).collect();
    sums.windows(5).map(|w| f64::from(w[4] - w[0])).fold(0.0, f64::max)
}

#[test]
fn every_subject_shows_every_emotion_felt_and_posed() {
    let set = generate(&options(1.0));
    assert_eq!((set.clips.len(), set.emotions.len(), set.units.len()), (240, 6, 17));
    assert_eq!(set.clips.iter().filter(|c| c.part == Part::Validation).count(), 48);
    assert!(set.clips.iter().filter(|c| c.part == Part::Validation).all(|c| c.subject.as_deref().unwrap().len() == 2));
    for clip in &set.clips {
        let (units, points) = (clip.units.as_ref().unwrap(), clip.landmarks.as_ref().unwrap());
        assert_eq!((units.columns(), points.columns(), units.len()), (17, 136, points.len()));
        assert!(units.values.iter().all(|v| (0.0..=5.0).contains(v)));
        assert!(points.values.iter().all(|v| (-60.0..260.0).contains(v)), "{}", clip.name);
    }
    assert_eq!(set, generate(&options(1.0)));
    assert_ne!(set, generate(&GeneratedClipsOptions { seed: 1, ..options(1.0) }));
    let scored = ScoredClip::new(&set, 0, "test", 1.0);
    assert_eq!((scored.clip.as_str(), scored.emotion.as_deref()), ("001/N2H", Some("happiness")));
}

#[test]
fn strength_is_what_separates_the_classes() {
    let (none, full) = (generate(&options(0.0)), generate(&options(1.0)));
    let eyes = |set: &ClipSet| separates(set, |c| mean(set, c, "AU06"));
    // 120 against 120 clips: chance is 0.5 with a standard error of 0.037.
    for (what, chance, told) in [
        ("eyes", eyes(&none), eyes(&full)),
        ("onset", separates(&none, steepness), separates(&full, steepness)),
        ("length", separates(&none, |c| c.seconds), separates(&full, |c| c.seconds)),
    ] {
        assert!((chance - 0.5).abs() < 0.12, "{what}: {chance}");
        let expected = if what == "length" { (told - 0.5).abs() < 0.12 } else { (told - 0.5).abs() > 0.12 };
        assert!(expected, "{what}: {told}");
    }
    let longer = generate(&GeneratedClipsOptions { length: 1.0, ..options(1.0) });
    assert!(separates(&longer, |c| c.seconds) > 0.9);
}

#[test]
fn impossible_options_are_named() {
    let bad = GeneratedClipsOptions { subjects: 0, strength: 3.0, noise: f64::NAN, ..GeneratedClipsOptions::default() };
    let names: Vec<&str> = bad.problems().iter().map(|p| p.0).collect();
    assert_eq!(names, ["subjects", "strength", "noise"]);
    assert!(GeneratedClipsOptions::default().problems().is_empty());
}
