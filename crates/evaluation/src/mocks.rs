//! Predictions for tests.

use super::Predictions;

/// Twelve rows over five classes: class 3 is predicted but never true, class 4 neither; rows 2 and 6 tie for the
/// largest logit, row 10 for the second. Votes: seven for the truth, three for class 1, none at all for row 3.
pub fn twelve() -> Predictions {
    let truth = vec![0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2];
    let logits = [
        [0.75, 0.5, -0.375, -1.375, -4.625],
        [-0.75, 0.125, 2.0, -0.75, -4.875],
        [1.0, 1.0, 0.5, -1.0, -4.0],
        [1.75, -2.0, -0.625, -2.875, -5.875],
        [-2.0, -0.375, -1.875, 0.375, -3.75],
        [-0.25, -3.0, -0.75, -0.125, -3.875],
        [2.0, 2.0, 0.0, 0.0, -1.0],
        [-1.25, 0.75, 1.375, -0.875, -4.125],
        [0.125, 0.875, -1.875, 0.125, -2.0],
        [-2.375, 1.25, 0.875, -1.0, -1.0],
        [1.125, -1.75, 0.875, 0.875, -4.25],
        [1.0, -0.125, 1.75, 2.125, -5.0],
    ];
    let mut votes = vec![0.0; 60];
    for (i, &t) in truth.iter().enumerate().filter(|(i, _)| *i != 3) {
        votes[i * 5 + t] += 0.7;
        votes[i * 5 + 1] += 0.3;
    }
    of(&["neutral", "happiness", "surprise", "fear", "contempt"], truth, logits.concat(), Some(votes))
}

/// Predictions with one-hot targets and rows counted from 0.
pub fn of(classes: &[&str], truth: Vec<usize>, logits: Vec<f32>, votes: Option<Vec<f32>>) -> Predictions {
    let k = classes.len();
    let mut targets = vec![0.0; truth.len() * k];
    for (i, &t) in truth.iter().enumerate() {
        targets[i * k + t] = 1.0;
    }
    let rows = (0..truth.len() as u32).collect();
    Predictions { classes: classes.iter().map(|c| c.to_string()).collect(), rows, truth, targets, votes, logits }
}

/// Predictions that are sure of the class named for each row.
pub fn sure(classes: &[&str], truth: Vec<usize>, predicted: &[usize]) -> Predictions {
    let k = classes.len();
    let logits = predicted.iter().flat_map(|&p| (0..k).map(move |j| if j == p { 5.0 } else { 0.0 })).collect();
    of(classes, truth, logits, None)
}

/// A part of `all`: the rows that `keep` admits.
pub fn part(all: &Predictions, keep: impl Fn(usize) -> bool) -> Predictions {
    let k = all.classes.len();
    let chosen: Vec<usize> = (0..all.len()).filter(|&i| keep(i)).collect();
    let cut = |v: &[f32]| chosen.iter().flat_map(|&i| v[i * k..(i + 1) * k].to_vec()).collect::<Vec<f32>>();
    Predictions {
        classes: all.classes.clone(),
        rows: chosen.iter().map(|&i| all.rows[i]).collect(),
        truth: chosen.iter().map(|&i| all.truth[i]).collect(),
        targets: cut(&all.targets),
        votes: all.votes.as_deref().map(cut),
        logits: cut(&all.logits),
    }
}
