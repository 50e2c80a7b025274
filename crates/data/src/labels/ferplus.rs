//! Microsoft's target rules (FERPlus, `ferplus.py`), in whole numbers: the same comparisons without rounding.
//!
//! Each rule takes the votes without outliers and returns the votes it keeps, or none to drop the example.

use ferrotype_base::statistics::first_largest;

/// The target distribution over the emotions, or none where the example is dropped.
pub(super) fn target(votes: &[u8], rule: fn(&[u32], u32) -> Option<Vec<u32>>) -> Option<Vec<f32>> {
    let emotions = votes.len() - super::NO_EMOTION;
    // A single vote is an outlier.
    let votes: Vec<u32> = votes.iter().map(|&v| if v > 1 { u32::from(v) } else { 0 }).collect();
    let kept = rule(&votes, votes.iter().sum())?;
    let first_best = first_largest(&kept);
    if first_best >= emotions {
        return None;
    }
    let sum: u32 = kept[..emotions].iter().sum();
    Some(kept[..emotions].iter().map(|&v| v as f32 / sum as f32).collect())
}

/// The column with more than half of the votes.
pub(super) fn majority(votes: &[u32], sum: u32) -> Option<Vec<u32>> {
    let best = votes.iter().position(|&v| 2 * v > sum)?;
    Some(votes.iter().enumerate().map(|(i, &v)| if i == best { v } else { 0 }).collect())
}

/// The leading columns up to three quarters of the votes: `probability` and `crossentropy`.
///
/// Columns with equally many votes are taken together. `unknown` and `NF` end the collection; they are kept only when
/// nothing stands before them. Dropped: less than half of the votes collected, or more than three columns.
pub(super) fn distribution(votes: &[u32], sum: u32) -> Option<Vec<u32>> {
    let emotions = votes.len() - super::NO_EMOTION;
    let (mut left, mut kept) = (votes.to_vec(), vec![0; votes.len()]);
    // As in the original, an `unknown` that is taken back still counts here, and no longer in `kept`.
    let (mut collected, mut count, mut open) = (0, 0, true);
    while 4 * collected < 3 * sum && count < 3 && open {
        let most = left.iter().copied().max().unwrap_or(0);
        for i in 0..left.len() {
            if left[i] != most {
                continue;
            }
            kept[i] = most;
            left[i] = 0;
            collected += most;
            count += 1;
            if i >= emotions {
                open = false;
                if kept.iter().sum::<u32>() > most {
                    kept[i] = 0;
                    count -= 1;
                }
                break;
            }
        }
    }
    (2 * kept.iter().sum::<u32>() > sum && count <= 3).then_some(kept)
}

/// Every column with at least 30 % of the votes, if together they have more than half.
pub(super) fn multi_target(votes: &[u32], sum: u32) -> Option<Vec<u32>> {
    let kept: Vec<u32> = votes.iter().map(|&v| if 10 * v >= 3 * sum { v } else { 0 }).collect();
    (2 * kept.iter().sum::<u32>() > sum).then_some(kept)
}
