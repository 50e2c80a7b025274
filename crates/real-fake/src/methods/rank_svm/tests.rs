use super::*;
use crate::methods::inputs::drawn::{accuracy, clips};

fn options() -> RankSvmOptions {
    RankSvmOptions { machines: 15, ..RankSvmOptions::default() }
}

/// Training clips of the first subjects, test clips of the others.
fn halves(set: &ClipSet) -> (Vec<usize>, Vec<usize>) {
    (0..set.clips.len()).partition(|at| at * 2 < set.clips.len())
}

fn saved_and_read(fitted: &RankSvm, set: &ClipSet) {
    let folder = tempfile::tempdir().unwrap();
    fitted.save(folder.path()).unwrap();
    let device = Device::default();
    let read = options().load(set, folder.path(), &device, Compute::default()).unwrap();
    let all: Vec<usize> = (0..set.clips.len()).collect();
    assert_eq!(read.scores(set, &all).unwrap(), fitted.scores(set, &all).unwrap());
    let mut other = set.clone();
    other.units.reverse();
    let said = options().load(&other, folder.path(), &device, Compute::default()).err().unwrap().to_string();
    assert!(said.contains("AU25 AU12"), "{said}");
    other.units.reverse();
    other.rate = Some(30.0);
    let said = options().load(&other, folder.path(), &device, Compute::default()).err().unwrap().to_string();
    assert!(said.contains("fitted on 25 frames per second, and these clips have 30"), "{said}");
}

#[test]
fn clips_of_one_subject_are_told_apart_and_single_ones_too() {
    let set = clips(24, 0.35, 3);
    let (training, test) = halves(&set);
    let published = RankSvmOptions { clip_length: true, ..options() };
    for options in [options(), published] {
        let fitted = options.fit_clips(&set, &training, 5).unwrap();
        assert_eq!(fitted.ranker.features(), if options.clip_length { 7 * 62 } else { 7 * 56 });
        assert_eq!(fitted, options.fit_clips(&set, &training, 5).unwrap());
        let pairs = accuracy(&set, &test, &fitted.scores(&set, &test).unwrap());
        assert!(pairs > 0.85, "{pairs}");
    }
    let fitted = options().fit_clips(&set, &training, 5).unwrap();
    saved_and_read(&fitted, &set);
    // One clip at a time: the fallback.
    let single: Vec<f64> = test.iter().map(|&i| fitted.scores(&set, &[i]).unwrap()[0]).collect();
    assert!(accuracy(&set, &test, &single) > 0.7, "{}", accuracy(&set, &test, &single));
    assert_eq!(fitted.scores(&set, &[]).unwrap(), Vec::<f64>::new());
}

#[test]
fn without_subjects_any_clip_is_compared_with_any() {
    let mut set = clips(24, 0.8, 4);
    set.clips.iter_mut().for_each(|clip| clip.subject = None);
    let (training, test) = halves(&set);
    for (alone, least) in [(AloneChoice::Fallback, 0.75), (AloneChoice::Training, 0.62)] {
        let options = RankSvmOptions { alone, ..options() };
        let fitted = options.fit_clips(&set, &training, 5).unwrap();
        let scores = fitted.scores(&set, &test).unwrap();
        assert!(accuracy(&set, &test, &scores) > least, "{alone:?} {}", accuracy(&set, &test, &scores));
        // Clips are scored one by one: others play no part.
        assert_eq!(fitted.scores(&set, &test[3..4]).unwrap()[0], scores[3]);
    }
}

#[test]
fn without_a_difference_there_is_nothing_to_find() {
    let set = clips(40, 0.0, 9);
    let (training, test) = halves(&set);
    let fitted = options().fit_clips(&set, &training, 5).unwrap();
    let found = accuracy(&set, &test, &fitted.scores(&set, &test).unwrap());
    // 80 clips, two of each group with opposite decisions: 40 independent ones.
    assert!((found - 0.5).abs() < 2.6 * (0.25f64 / 40.0).sqrt(), "{found}");
}

#[test]
fn what_is_missing_is_said() {
    let set = clips(4, 1.0, 1);
    let all: Vec<usize> = (0..set.clips.len()).collect();
    let said = |set: &ClipSet, options: RankSvmOptions| format!("{:#}", options.fit_clips(set, &all, 1).unwrap_err());
    let changed = |change: &dyn Fn(&mut ClipSet)| {
        let mut set = set.clone();
        change(&mut set);
        set
    };
    let subject = RankSvmOptions { pairs: PairChoice::Subject, ..options() };
    assert!(said(&changed(&|s| s.rate = None), options()).contains("set `data.rate`"));
    assert!(said(&changed(&|s| s.units.clear()), options()).contains("the clips have no action units"));
    assert!(said(&changed(&|s| s.clips[3].units = None), options()).contains("clip 0/1real: it has no action units"));
    assert!(said(&changed(&|s| s.clips[3].subject = None), subject).contains("clip 0/1real, and `pairs: subject`"));
    assert!(said(&changed(&|s| s.clips[3].emotion = None), options()).contains("emotion_code: false"));
    assert!(said(&changed(&|s| s.clips[3].real = None), options()).contains("nobody says whether it is real"));
    let one_class = changed(&|s| s.clips.iter_mut().for_each(|clip| clip.real = Some(false)));
    assert!(said(&one_class, options()).contains("all 16 training clips are fake"));
    let lonely = changed(&|s| {
        s.clips.iter_mut().enumerate().for_each(|(i, clip)| clip.subject = Some(i.to_string()));
    });
    assert!(said(&lonely, options()).contains("no group has clips of both classes"));
    let short = changed(&|s| {
        let units = s.clips[2].units.as_mut().unwrap();
        units.times.truncate(4);
        units.values.truncate(4 * 7);
    });
    assert!(said(&short, options()).contains("clip 0/1fake: a clip of 4 samples is too short"));
    assert!(said(&set, RankSvmOptions { cutoff: 20.0, ..options() }).contains("half of the rate, 12.5 Hz"));
    assert!(said(&set, RankSvmOptions { machines: 0, ..options() }).contains("0 machines"));
    let wrong = RankSvmOptions { machines: 0, share: f64::NAN, c: 0.0, most_pairs: 0, cutoff: -1.0, ..options() };
    let keys: Vec<String> = wrong.problems().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["cutoff", "c", "most_pairs", "machines", "share"]);
    assert_eq!(options().problems(), []);
}
