//! Options of the Rank-SVM.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::methods::inputs;

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

impl RankSvmOptions {
    /// What is impossible: the key, and what is wrong with it.
    pub(super) fn impossible(&self) -> Vec<(String, String)> {
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
}
