//! Rank-SVM on the dynamics of action units (NIT-OVGU, shared winner of the ICCV'17 challenge; fsaxen/NIT-ICCV17Challenge).
//!
//! See `docs/real_fake_methods.md`, and `ferrotype_classic::{dynamics, pairs}` for the parts.

mod options;
#[cfg(test)]
mod tests;

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
use serde::{Deserialize, Serialize};

use super::inputs;
use crate::clip::{Clip, ClipSet};
use crate::method::{Fitted, Method, Work};
use ferrotype_ops::Compute;

pub use options::{AloneChoice, PairChoice, RankSvmOptions};

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
        self.impossible()
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
