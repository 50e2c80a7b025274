//! Ranking by pairs: which of two clips of one person is the genuine one (NIT-OVGU, fsaxen/NIT-ICCV17Challenge,
//! `train_rank_svm.m` and `predict_rank_svm.m`).
//!
//! A pair is a genuine and a posed clip of one group (the same subject and emotion); its samples are the difference of
//! their features and its negative, with labels 1 and 0, and the emotion's code behind. They are standardised, and an
//! [`ensemble`] of linear machines votes on them. Where a group has one clip only, a second ensemble, fitted on the features
//! themselves, decides: the fallback.
//!
//! Deviations: z-scores divide by the deviation of the population (the original by that with n - 1, plus 2.2e-16); groups
//! may have any number of clips in training, all pairs of a genuine and a posed one counting; and clips whose subjects are
//! not known can be paired across subjects ([`Pairing::Any`]), and scored against the training clips
//! ([`Ranker::against_training`]), which the original does not do.

pub mod ensemble;
mod kernel;

use anyhow::{Result, ensure};
use ferrotype_base::random::{Purpose, Stream, name_index};
use ferrotype_base::statistics::median;
use serde::{Deserialize, Serialize};

use crate::dynamics::one_hot;
use crate::matrix::{Matrix, check_labels, check_width, dot};
use crate::standardise::{Standardiser, scale};
use ensemble::{Ensemble, EnsembleOptions};
use kernel::Differences;

/// What is added to scores by the place of a clip in its group, so that equal scores are split.
const TIE: f64 = 1e-5;

/// Which training clips are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pairing<'a> {
    /// Clips with the same number, which stands for subject and emotion.
    Groups(&'a [u64]),
    /// Any genuine and any posed clip of the same code, at most so many pairs, drawn at random.
    Any {
        /// Most pairs.
        most: usize,
    },
}

/// Clips: their features, and where the method is told the emotion, its code (from 0).
#[derive(Clone, Copy, Debug)]
pub struct Clips<'a> {
    /// One row per clip.
    pub features: &'a Matrix,
    /// One code per clip below [`Clips::codes`]; all 0 where there are none.
    pub code: &'a [usize],
    /// Number of codes; 0 where there are none.
    pub codes: usize,
}

impl<'a> Clips<'a> {
    /// Clips without codes.
    pub fn plain(features: &'a Matrix, zeros: &'a [usize]) -> Self {
        Self { features, code: zeros, codes: 0 }
    }

    fn check(&self) -> Result<()> {
        let rows = self.features.rows();
        ensure!(self.code.len() == rows, "{rows} clips have {} codes of emotions", self.code.len());
        let wrong = self.code.iter().find(|&&code| code >= self.codes.max(1));
        ensure!(wrong.is_none(), "a clip has emotion {}, of {}", wrong.unwrap_or(&0), self.codes);
        Ok(())
    }

    fn with_code(&self, at: usize) -> Result<Vec<f64>> {
        let mut row = self.features.row(at).to_vec();
        if self.codes > 0 {
            row.extend(one_hot(self.code[at], self.codes)?);
        }
        Ok(row)
    }
}

/// What was decided about clips, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Decisions {
    /// The higher, the more genuine: -0.5 to 0.5. Scores of a group compare its clips with each other.
    pub scores: Vec<f64>,
    /// The score less the median of the clip's group, or for a single clip the score: genuine where it is above 0.
    pub margins: Vec<f64>,
    /// Whether the clip was alone in its group, so that the fallback decided.
    pub alone: Vec<bool>,
}

/// A fitted ranker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranker {
    /// Number of features of a clip, without the code.
    features: usize,
    codes: usize,
    /// Votes on differences of two clips.
    pairs: Ensemble,
    /// Votes on single clips.
    fallback: Ensemble,
    /// For each training clip: its code, whether it is genuine, and the part of each member's decision that is its own.
    training: Vec<Reference>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    code: usize,
    genuine: bool,
    projections: Vec<f64>,
}

impl Ranker {
    /// Fits both ensembles on clips that are genuine or not.
    ///
    /// # Errors
    /// When labels, codes or groups do not fit the clips, all clips are of one class, or no pair can be made.
    pub fn fit(clips: Clips, genuine: &[bool], pairing: Pairing, options: &EnsembleOptions) -> Result<Self> {
        check_labels(clips.features, genuine)?;
        clips.check()?;
        let pairs = make_pairs(&clips, genuine, pairing, options.seed)?;
        let standardiser = standardise_differences(&clips, &pairs);
        let differences = Differences::new(&clips, &pairs, &standardiser);
        let pairs = Ensemble::fit_kernel(&differences, standardiser, options)?;
        let rows = (0..genuine.len()).map(|at| clips.with_code(at)).collect::<Result<Vec<_>>>()?;
        let fallback = Ensemble::fit(&Matrix::from_rows(&rows)?, genuine, options)?;
        let mut ranker =
            Self { features: clips.features.columns(), codes: clips.codes, pairs, fallback, training: vec![] };
        ranker.training = (0..genuine.len())
            .map(|at| Reference {
                code: clips.code[at],
                genuine: genuine[at],
                projections: ranker.projections(clips.features.row(at)),
            })
            .collect();
        Ok(ranker)
    }

    /// Number of features of a clip, without the code.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of codes of emotions.
    pub fn codes(&self) -> usize {
        self.codes
    }

    /// Weights and biases of all machines.
    pub fn parameters(&self) -> usize {
        let members = self.pairs.members.iter().chain(&self.fallback.members);
        members.map(|plane| plane.weights.len() + 1).sum()
    }

    /// Decides about clips, each compared with the others of its group; the fallback decides about those that are alone.
    ///
    /// # Errors
    /// When features, codes or groups do not fit.
    pub fn within_groups(&self, clips: Clips, groups: &[u64]) -> Result<Decisions> {
        self.check_clips(&clips)?;
        let n = clips.features.rows();
        ensure!(groups.len() == n, "{n} clips have {} groups", groups.len());
        let mut decisions = Decisions { scores: vec![0.0; n], margins: vec![0.0; n], alone: vec![false; n] };
        let projections: Vec<Vec<f64>> = clips.features.iter().map(|row| self.projections(row)).collect();
        let mut seen: Vec<u64> = groups.to_vec();
        seen.sort_unstable();
        seen.dedup();
        for group in seen {
            let members: Vec<usize> = (0..n).filter(|&at| groups[at] == group).collect();
            if let [only] = members[..] {
                decisions.scores[only] = self.fallback.vote(&clips.with_code(only)?)?;
                decisions.margins[only] = decisions.scores[only];
                decisions.alone[only] = true;
                continue;
            }
            let code = clips.code[members[0]];
            ensure!(
                members.iter().all(|&at| clips.code[at] == code),
                "a group has clips of several emotions: groups are of one subject and one emotion"
            );
            let offsets = self.code_offsets(code);
            let score = |(k, &at): (usize, &usize)| {
                let others = members.iter().filter(|&&other| other != at);
                let votes = others.map(|&other| self.compare(&projections[at], &projections[other], &offsets));
                votes.sum::<f64>() / (members.len() - 1) as f64 + TIE * (k as f64 + 1.0)
            };
            let scores: Vec<f64> = members.iter().enumerate().map(score).collect();
            let middle = median(&scores).unwrap_or(f64::NAN);
            for (&at, &score) in members.iter().zip(&scores) {
                (decisions.scores[at], decisions.margins[at]) = (score, score - middle);
            }
        }
        Ok(decisions)
    }

    /// Scores of single clips by the fallback: the share of machines that say genuine, less 0.5.
    ///
    /// # Errors
    /// When features or codes do not fit.
    pub fn alone(&self, clips: Clips) -> Result<Vec<f64>> {
        self.check_clips(&clips)?;
        (0..clips.features.rows()).map(|at| self.fallback.vote(&clips.with_code(at)?)).collect()
    }

    /// Scores of single clips by comparison with the training clips of the same emotion: the mean vote against the genuine
    /// ones plus that against the posed ones, halved; above 0 is genuine. No other clip that is scored plays a part.
    ///
    /// # Errors
    /// When features or codes do not fit, or no training clips of the emotion are of both classes.
    pub fn against_training(&self, clips: Clips) -> Result<Vec<f64>> {
        self.check_clips(&clips)?;
        let score = |at: usize| {
            let own = self.projections(clips.features.row(at));
            let offsets = self.code_offsets(clips.code[at]);
            let mean = |genuine: bool| {
                let same = self.training.iter().filter(|t| t.code == clips.code[at] && t.genuine == genuine);
                let votes: Vec<f64> = same.map(|t| self.compare(&own, &t.projections, &offsets)).collect();
                ensure!(!votes.is_empty(), "no training clips of emotion {} are of both classes", clips.code[at]);
                Ok(votes.iter().sum::<f64>() / votes.len() as f64)
            };
            Ok((mean(true)? + mean(false)?) / 2.0)
        };
        (0..clips.features.rows()).map(score).collect()
    }

    fn check_clips(&self, clips: &Clips) -> Result<()> {
        clips.check()?;
        check_width(clips.features.row(0), self.features)?;
        ensure!(clips.codes == self.codes, "clips with {} codes of emotions, fitted with {}", clips.codes, self.codes);
        Ok(())
    }

    /// What a clip alone gives to each member's decision on a difference.
    fn projections(&self, row: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = row.iter().zip(&self.pairs.standardiser.scale).map(|(v, s)| v / s).collect();
        self.pairs.members.iter().map(|plane| dot(&plane.weights[..self.features], &scaled)).collect()
    }

    /// What a code and the bias give to each member's decision.
    fn code_offsets(&self, code: usize) -> Vec<f64> {
        let standardiser = &self.pairs.standardiser;
        let score = |k: usize| {
            let column = self.features + k;
            (f64::from(u8::from(k == code)) - standardiser.mean[column]) / standardiser.scale[column]
        };
        let scores: Vec<f64> = (0..self.codes).map(score).collect();
        self.pairs.members.iter().map(|plane| dot(&plane.weights[self.features..], &scores) + plane.bias).collect()
    }

    /// The mean of the vote on `a - b` and the negative of that on `b - a`.
    fn compare(&self, a: &[f64], b: &[f64], offsets: &[f64]) -> f64 {
        let votes = a.iter().zip(b).zip(offsets).map(|((a, b), offset)| {
            f64::from(u8::from(a - b + offset > 0.0)) - f64::from(u8::from(b - a + offset > 0.0))
        });
        votes.sum::<f64>() / (2.0 * offsets.len() as f64)
    }

    /// Checks values that were read from a file.
    pub(crate) fn check(&self) -> Result<()> {
        let width = self.features + self.codes;
        self.pairs.check(width)?;
        self.fallback.check(width)?;
        let members = self.pairs.members.len();
        let fits = |t: &Reference| t.projections.len() == members && t.code < self.codes.max(1);
        ensure!(self.training.iter().all(fits), "its training clips do not fit its ensemble");
        Ok(())
    }
}

impl Decisions {
    /// Whether each clip is genuine.
    pub fn genuine(&self) -> Vec<bool> {
        self.margins.iter().map(|&margin| margin > 0.0).collect()
    }
}

/// Pairs of a genuine and a posed clip.
fn make_pairs(clips: &Clips, genuine: &[bool], pairing: Pairing, seed: u64) -> Result<Vec<[usize; 2]>> {
    let n = genuine.len();
    if let Pairing::Groups(groups) = pairing {
        ensure!(groups.len() == n, "{n} clips have {} groups", groups.len());
    }
    let together = |a: usize, b: usize| match pairing {
        Pairing::Groups(groups) => groups[a] == groups[b],
        Pairing::Any { .. } => clips.code[a] == clips.code[b],
    };
    let of = |class: bool| (0..n).filter(move |&at| genuine[at] == class);
    let mut pairs: Vec<[usize; 2]> =
        of(true).flat_map(|a| of(false).filter(move |&b| together(a, b)).map(move |b| [a, b])).collect();
    for pair in &pairs {
        ensure!(
            clips.code[pair[0]] == clips.code[pair[1]],
            "a group has clips of several emotions: groups are of one subject and one emotion"
        );
    }
    ensure!(
        !pairs.is_empty(),
        "no genuine and posed clips can be paired: no group has clips of both classes; pair any with any, or name the subjects"
    );
    if let Pairing::Any { most } = pairing {
        ensure!(most > 0, "at most 0 pairs leave nothing to fit");
        Stream::of(seed, Purpose::Division, &[name_index("pairs of clips")]).shuffle(&mut pairs);
        pairs.truncate(most);
        pairs.sort_unstable();
    }
    Ok(pairs)
}

/// Mean and deviation of the samples of all pairs: both signs of each difference, so that differences have mean 0.
fn standardise_differences(clips: &Clips, pairs: &[[usize; 2]]) -> Standardiser {
    let columns = clips.features.columns();
    let mut squares = vec![0.0; columns];
    for [a, b] in pairs {
        let both = clips.features.row(*a).iter().zip(clips.features.row(*b));
        squares.iter_mut().zip(both).for_each(|(sum, (a, b))| *sum += (a - b).powi(2));
    }
    let n = pairs.len() as f64;
    let mut mean = vec![0.0; columns];
    let mut scales: Vec<f64> = squares.iter().map(|sum| scale(2.0 * n, 0.0, sum / n)).collect();
    for code in 0..clips.codes {
        let share = pairs.iter().filter(|pair| clips.code[pair[0]] == code).count() as f64 / n;
        mean.push(share);
        scales.push(scale(2.0 * n, share, share * (1.0 - share)));
    }
    Standardiser { mean, scale: scales }
}

#[cfg(test)]
mod tests;
