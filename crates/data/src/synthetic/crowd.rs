//! Ten synthetic voters, in the form of FER+ (Barsoum et al., arXiv:1608.01041).

use super::action_units::Expression;
use ferrotype_base::random::Stream;

/// Voters per picture.
pub const VOTERS: usize = 10;

/// The columns of the votes, as FER+ names and orders them.
pub const COLUMNS: [&str; 10] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"];

/// What a picture gives a voter to see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impression {
    /// The stronger expression.
    pub main: Expression,
    /// The weaker, if the face shows a blend.
    pub second: Expression,
    /// The weaker's strength relative to the stronger's, 0 to 1.
    pub blend: f32,
    /// How strong the expression is, 0 to 1.
    pub strength: f32,
    /// How much of brows, eyes and mouth is visible, 0 to 1.
    pub visible: f32,
}

/// What a full, visible expression is taken for, in percent, in the order of [`COLUMNS`]' first eight. Rows are
/// expressions. Neighbours are those that people confuse: fear and surprise, disgust and anger, contempt and neutral.
const SEEN_AS: [[f32; 8]; 8] = [
    [88.0, 2.0, 1.0, 4.0, 2.0, 0.5, 0.5, 2.0],
    [3.0, 94.0, 1.5, 0.0, 0.0, 0.5, 0.0, 1.0],
    [2.0, 3.0, 86.0, 0.5, 0.5, 0.5, 7.5, 0.0],
    [7.0, 0.0, 0.5, 84.0, 3.0, 2.0, 3.0, 0.5],
    [5.0, 0.0, 0.5, 3.0, 84.0, 5.0, 1.0, 1.5],
    [2.0, 1.0, 0.5, 4.0, 11.0, 79.0, 1.0, 1.5],
    [1.5, 0.5, 13.0, 5.0, 1.5, 1.5, 77.0, 0.0],
    [12.0, 6.0, 0.0, 1.5, 2.5, 3.0, 0.0, 75.0],
];

impl Impression {
    /// The probability of each vote, in the order of [`COLUMNS`].
    pub fn probabilities(&self) -> [f64; 10] {
        // A weak or hidden expression is taken for none.
        let seen = |strength: f32| 1.0 - (-3.6 * strength * (0.3 + 0.7 * self.visible)).exp();
        let share = self.blend / (1.0 + self.blend);
        let mut out = [0.0; 10];
        for (expression, weight) in [(self.main, 1.0 - share), (self.second, share)] {
            let seen = seen(self.strength);
            for (k, part) in SEEN_AS[expression as usize].iter().enumerate() {
                let taken_for_none = SEEN_AS[Expression::Neutral as usize][k];
                out[k] += f64::from(weight * (seen * part + (1.0 - seen) * taken_for_none) / 100.0);
            }
        }
        let hidden = f64::from(1.0 - self.visible);
        let unknown = 0.018 + 0.03 * f64::from(self.blend) + 0.3 * hidden.powf(1.5);
        let no_face = 0.003 + 0.12 * hidden.powi(3);
        let rest = (1.0 - unknown - no_face) / out.iter().sum::<f64>();
        out.iter_mut().for_each(|p| *p *= rest);
        out[8] = unknown;
        out[9] = no_face;
        out
    }

    /// Counts per column; they sum to [`VOTERS`].
    pub fn votes(&self, choice: &mut Stream) -> [u8; 10] {
        let probabilities = self.probabilities();
        let mut counts = [0; 10];
        for _ in 0..VOTERS {
            let mut left = choice.unit();
            let vote = probabilities.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            counts[vote.unwrap_or(Expression::Neutral as usize)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn impression(strength: f32, blend: f32, visible: f32) -> Impression {
        Impression { main: Expression::Anger, second: Expression::Sadness, blend, strength, visible }
    }

    #[test]
    fn probabilities_sum_to_one_and_follow_what_is_seen() {
        for strength in [0.0, 0.5, 1.0] {
            for blend in [0.0, 0.5, 1.0] {
                for visible in [0.0, 0.5, 1.0] {
                    let p = impression(strength, blend, visible).probabilities();
                    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6 && p.iter().all(|p| *p >= 0.0), "{p:?}");
                }
            }
        }
        let anger = Expression::Anger as usize;
        let clear = impression(0.9, 0.0, 1.0).probabilities();
        assert!(clear[anger] > 0.75 && clear[8] < 0.02);
        assert!(impression(0.0, 0.0, 1.0).probabilities()[0] > 0.8);
        assert!(impression(0.9, 0.0, 0.2).probabilities()[8] > 0.15);
        let mixed = impression(0.9, 0.8, 1.0).probabilities();
        assert!(mixed[anger] < 0.55 && mixed[Expression::Sadness as usize] > 0.3);
    }

    #[test]
    fn ten_vote() {
        for key in 0..50 {
            let votes = impression(0.5, 0.4, 0.7).votes(&mut Stream::new(key));
            assert_eq!(votes.iter().map(|&v| usize::from(v)).sum::<usize>(), VOTERS);
        }
    }
}
