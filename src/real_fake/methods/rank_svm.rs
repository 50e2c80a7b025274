//! Rank-SVM on the dynamics of action units (NIT-OVGU, shared winner of the ICCV'17 challenge; fsaxen/NIT-ICCV17Challenge).
//!
//! See `docs/real_fake_methods.md`, and `ferrotype_classic::{dynamics, pairs}` for the parts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use ferrotype_classic::dynamics::{Dynamics, Length};
use ferrotype_classic::filter::Edges;
use ferrotype_classic::matrix::Matrix;
use ferrotype_classic::model;
use ferrotype_classic::pairs::ensemble::EnsembleOptions;
use ferrotype_classic::pairs::{Clips, Pairing, Ranker};
use ferrotype_classic::svm::SvmOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs;
use crate::ops::Compute;
use crate::real_fake::clip::{Clip, ClipSet};
use crate::real_fake::method::{Fitted, Method, Work};

/// Options of the Rank-SVM. The defaults are the published ones, but that nothing carries the length of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankSvmOptions {
    /// Cutoff of the low-pass before the statistics, in Hz: above 0, below half of `data.rate`.
    pub cutoff: f64,
    /// Keep the statistics that carry the length of the clip as published (times in seconds, sums over frames, numbers of
    /// crossings). Otherwise times and sums are relative to the length, and the crossings are left out.
    pub clip_length: bool,
    /// Tell the machines which emotion a clip shows, where the clips say it.
    pub emotion_code: bool,
    /// Which clips are compared with each other.
    pub pairs: PairChoice,
    /// Most pairs where any clip is compared with any; drawn at random.
    pub most_pairs: usize,
    /// What decides about a clip that no other can be compared with.
    pub alone: AloneChoice,
    /// Number of linear machines that vote.
    pub machines: usize,
    /// Share of the samples that each of them is fitted on.
    pub share: f64,
    /// Cost of a margin violated.
    pub c: f64,
}

impl Default for RankSvmOptions {
    fn default() -> Self {
        Self {
            cutoff: 1.0,
            clip_length: false,
            emotion_code: true,
            pairs: PairChoice::Auto,
            most_pairs: 2000,
            alone: AloneChoice::Fallback,
            machines: 75,
            share: 0.5,
            c: 1.0,
        }
    }
}

/// Which clips are compared with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairChoice {
    /// Those of one subject and emotion where all subjects are known, otherwise any.
    #[default]
    Auto,
    /// Those of one subject and emotion.
    Subject,
    /// Any real with any fake training clip of the same emotion; clips are then scored one by one.
    Any,
}

/// What decides about a clip that no other can be compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AloneChoice {
    /// Machines fitted on single clips, as published.
    #[default]
    Fallback,
    /// Comparison with all training clips of the emotion.
    Training,
}

const FILE: &str = "rank_svm.json";

/// A fitted Rank-SVM: what the file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RankSvm {
    units: Vec<String>,
    /// Empty where the machines are not told.
    emotions: Vec<String>,
    dynamics: Dynamics,
    /// Whether clips of one subject are compared when they are scored.
    subjects: bool,
    /// Whether single clips are compared with the training clips.
    against_training: bool,
    ranker: Ranker,
}

impl model::Fitted for RankSvm {
    const KIND: &'static str = "real_fake_rank_svm";

    fn check(&self) -> Result<()> {
        model::Fitted::check(&self.ranker)?;
        let expected = self.units.len() * self.dynamics.per_unit();
        ensure!(
            self.ranker.features() == expected && self.ranker.codes() == self.emotions.len(),
            "its machines do not fit {} action units and {} emotions",
            self.units.len(),
            self.emotions.len()
        );
        Ok(())
    }
}

impl RankSvmOptions {
    fn fit_clips(&self, set: &ClipSet, training: &[usize], seed: u64) -> Result<RankSvm> {
        let genuine = inputs::truths(set, training)?;
        inputs::has_units(set)?;
        let rate = set.rate.context(
            "the clips have no common frame rate, and the dynamics of action units are measured per frame: set `data.rate`, \
             such as 30",
        )?;
        let length = if self.clip_length { Length::Published } else { Length::Free };
        let dynamics = Dynamics { rate, cutoff: Some(self.cutoff), edges: Edges::Matlab, length };
        let features = describe(&dynamics, set, training)?;
        let emotions = if self.emotion_code { set.emotions.clone() } else { Vec::new() };
        let code = codes(&emotions, set, training)?;
        let clips = Clips { features: &features, code: &code, codes: emotions.len() };
        let subjects = match self.pairs {
            PairChoice::Auto => training.iter().all(|&i| set.clips[i].subject.is_some()),
            PairChoice::Subject => true,
            PairChoice::Any => false,
        };
        let groups = groups(set, training, subjects);
        if self.pairs == PairChoice::Subject {
            let unknown = training.iter().map(|&i| &set.clips[i]).find(|clip| clip.subject.is_none());
            ensure!(
                unknown.is_none(),
                "nobody says who is seen in clip {}, and `pairs: subject` compares clips of one subject: set `pairs: any`",
                unknown.map_or("", |clip| &clip.name)
            );
        }
        let pairing = if subjects { Pairing::Groups(&groups) } else { Pairing::Any { most: self.most_pairs } };
        let svm = SvmOptions { c: self.c, ..SvmOptions::default() };
        let options = EnsembleOptions { machines: self.machines, share: self.share, svm, seed };
        let ranker = Ranker::fit(clips, &genuine, pairing, &options)?;
        let against_training = self.alone == AloneChoice::Training;
        Ok(RankSvm { units: set.units.clone(), emotions, dynamics, subjects, against_training, ranker })
    }
}

impl Method for RankSvmOptions {
    fn problems(&self) -> Vec<(String, String)> {
        let mut found: Vec<_> = [("cutoff", self.cutoff), ("c", self.c)]
            .into_iter()
            .filter_map(|(k, v)| inputs::above_zero(k, v))
            .collect();
        let mut check = |key: &str, fits: bool, text: String| {
            if !fits {
                found.push((key.to_owned(), text));
            }
        };
        check("most_pairs", self.most_pairs > 0, "is 0, but there must be a pair to learn from".into());
        let machines = self.machines;
        check("machines", (1..=10_000).contains(&machines), format!("is {machines}, but must be 1 to 10000"));
        let share = self.share;
        check("share", share > 0.0 && share <= 1.0, format!("is {share}, but must be above 0 and at most 1"));
        found
    }

    fn fit(&self, set: &ClipSet, training: &[usize], _: &[usize], work: &mut Work) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_clips(set, training, work.seed)?))
    }

    fn load(&self, set: &ClipSet, folder: &Path, _: &Device, _: Compute) -> Result<Box<dyn Fitted>> {
        let fitted: RankSvm = model::read(&folder.join(FILE))?;
        fitted.fits(set)?;
        Ok(Box::new(fitted))
    }
}

impl RankSvm {
    /// Refuses clips that it cannot score.
    fn fits(&self, set: &ClipSet) -> Result<()> {
        inputs::same_units(&self.units, set)?;
        if !self.emotions.is_empty() {
            inputs::same_emotions(&self.emotions, set)?;
        }
        ensure!(
            set.rate == Some(self.dynamics.rate),
            "the method was fitted on {} frames per second, and these clips have {}: set `data.rate` to the same",
            self.dynamics.rate,
            set.rate.map_or("rates of their own".into(), |rate| rate.to_string())
        );
        Ok(())
    }
}

impl Fitted for RankSvm {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        if clips.is_empty() {
            return Ok(Vec::new());
        }
        self.fits(set)?;
        let features = describe(&self.dynamics, set, clips)?;
        let code = codes(&self.emotions, set, clips)?;
        let rows = Clips { features: &features, code: &code, codes: self.emotions.len() };
        let decisions = self.ranker.within_groups(rows, &groups(set, clips, self.subjects))?;
        let mut scores = decisions.margins;
        if self.against_training && decisions.alone.contains(&true) {
            let compared = self.ranker.against_training(rows)?;
            let alone = scores.iter_mut().zip(compared).zip(decisions.alone).filter(|(_, alone)| *alone);
            alone.for_each(|((score, compared), _)| *score = compared);
        }
        Ok(scores)
    }

    fn save(&self, folder: &Path) -> Result<()> {
        model::write(&folder.join(FILE), self)
    }

    fn parameters(&self) -> usize {
        self.ranker.parameters()
    }
}

fn describe(dynamics: &Dynamics, set: &ClipSet, clips: &[usize]) -> Result<Matrix> {
    inputs::rows(set, clips, |clip| dynamics.describe(&inputs::units(clip)?))
}

/// The emotion of each clip; 0 where the machines are not told.
fn codes(emotions: &[String], set: &ClipSet, clips: &[usize]) -> Result<Vec<usize>> {
    let code = |&i: &usize| {
        let clip = &set.clips[i];
        let known = if emotions.is_empty() { Some(0) } else { clip.emotion };
        known.with_context(|| {
            format!("nobody says which emotion clip {} shows, and others say it: set `emotion_code: false`", clip.name)
        })
    };
    clips.iter().map(code).collect()
}

/// Numbers that are equal for clips of one subject and emotion. Clips of nobody known are alone, and so are all where
/// subjects are not to be looked at.
fn groups(set: &ClipSet, clips: &[usize], subjects: bool) -> Vec<u64> {
    let mut known: BTreeMap<(&str, Option<usize>), u64> = BTreeMap::new();
    let number = |(at, &i): (usize, &usize)| {
        let clip: &Clip = &set.clips[i];
        match &clip.subject {
            Some(subject) if subjects => *known.entry((subject, clip.emotion)).or_insert(at as u64),
            _ => at as u64,
        }
    };
    clips.iter().enumerate().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::super::inputs::drawn::{accuracy, clips};
    use super::*;

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
        let said =
            |set: &ClipSet, options: RankSvmOptions| format!("{:#}", options.fit_clips(set, &all, 1).unwrap_err());
        let changed = |change: &dyn Fn(&mut ClipSet)| {
            let mut set = set.clone();
            change(&mut set);
            set
        };
        let subject = RankSvmOptions { pairs: PairChoice::Subject, ..options() };
        assert!(said(&changed(&|s| s.rate = None), options()).contains("set `data.rate`"));
        assert!(said(&changed(&|s| s.units.clear()), options()).contains("the clips have no action units"));
        assert!(
            said(&changed(&|s| s.clips[3].units = None), options()).contains("clip 0/1real: it has no action units")
        );
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
}
