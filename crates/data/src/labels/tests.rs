use super::*;
use crate::Split;

/// A set with these votes and, per row, FER2013 label 3.
fn faces(rows: &[[u8; 10]]) -> FaceSet {
    let columns = FERPLUS_CLASSES.iter().chain(&["unknown", "NF"]).map(|c| (*c).to_string()).collect();
    FaceSet {
        labels: vec![3; rows.len()],
        classes: (0..7).map(|i| i.to_string()).collect(),
        votes: Some(Votes { counts: rows.concat(), columns }),
        splits: vec![Split::Train; rows.len()],
        names: (0..rows.len()).map(|i| format!("fer{i:07}.png")).collect(),
        ..FaceSet::default()
    }
}

/// The target of the only row, or none where it is dropped.
fn target(votes: [u8; 10], mode: LabelMode) -> Option<Vec<f32>> {
    // A second row that every rule keeps.
    let labelled = apply(&faces(&[votes, [10, 0, 0, 0, 0, 0, 0, 0, 0, 0]]), mode, Role::Train).unwrap();
    (labelled.len() == 2).then(|| labelled.target(0).to_vec())
}

fn of(parts: &[(usize, f32)]) -> Option<Vec<f32>> {
    let mut target = vec![0.0; 8];
    parts.iter().for_each(|&(i, v)| target[i] = v);
    Some(target)
}

#[test]
fn majority_needs_more_than_half_without_outliers() {
    use LabelMode::Majority as M;
    assert_eq!(target([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], M), of(&[(0, 1.0)]));
    assert_eq!(target([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], M), None);
    // Five single votes are outliers, so 5 of 5 remain.
    assert_eq!(target([5, 1, 1, 1, 1, 0, 0, 0, 0, 1], M), of(&[(0, 1.0)]));
    assert_eq!(target([4, 0, 0, 0, 0, 0, 0, 0, 6, 0], M), None);
    assert_eq!(target([1; 10], M), None);
}

#[test]
fn crossentropy_collects_three_quarters_in_at_most_three_columns() {
    use LabelMode::Crossentropy as M;
    assert_eq!(target([8, 2, 0, 0, 0, 0, 0, 0, 0, 0], M), of(&[(0, 1.0)]));
    assert_eq!(target([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], M), of(&[(0, 0.6), (1, 0.4)]));
    assert_eq!(target([4, 3, 3, 0, 0, 0, 0, 0, 0, 0], M), of(&[(0, 0.4), (1, 0.3), (2, 0.3)]));
    // Ties are taken together: four columns are too many.
    assert_eq!(target([4, 2, 2, 2, 0, 0, 0, 0, 0, 0], M), None);
    // `unknown` ends the collection: 6 of 10 are enough, 5 of 10 are not.
    assert_eq!(target([6, 0, 0, 0, 0, 0, 0, 0, 4, 0], M), of(&[(0, 1.0)]));
    assert_eq!(target([0, 0, 0, 0, 0, 0, 0, 0, 7, 3], M), None);
    assert_eq!(target([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], M), None);
    // `unknown` between two emotions: what stands behind it is not collected.
    assert_eq!(target([4, 2, 0, 0, 0, 0, 0, 0, 3, 0], M), None);
}

#[test]
fn multi_target_takes_every_label_with_three_tenths() {
    use LabelMode::MultiTarget as M;
    assert_eq!(target([4, 3, 3, 0, 0, 0, 0, 0, 0, 0], M), of(&[(0, 0.4), (1, 0.3), (2, 0.3)]));
    assert_eq!(target([6, 2, 2, 0, 0, 0, 0, 0, 0, 0], M), of(&[(0, 1.0)]));
    assert_eq!(target([4, 2, 2, 2, 0, 0, 0, 0, 0, 0], M), None);
    assert_eq!(target([3, 0, 0, 0, 0, 0, 0, 0, 3, 4], M), None);
    assert_eq!(target([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], M), of(&[(0, 1.0)]));
}

#[test]
fn argmax_of_eight_takes_the_first_of_equals_and_named_rows() {
    use LabelMode::ArgmaxEight as M;
    assert_eq!(target([0, 2, 2, 0, 0, 0, 0, 0, 6, 0], M), of(&[(1, 1.0)]));
    assert_eq!(target([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], M), of(&[(0, 1.0)]));
    let mut set = faces(&[[0, 9, 0, 0, 0, 0, 0, 0, 0, 1], [0, 9, 0, 0, 0, 0, 0, 0, 0, 1], [0; 10]]);
    set.names[0].clear();
    assert_eq!(apply(&set, M, Role::Train).unwrap().rows, [1]);
    set.names = vec![String::new(); 3];
    assert_eq!(apply(&set, M, Role::Train).unwrap().rows, [0, 1]);
}

#[test]
fn evaluation_of_ferplus_modes_is_by_majority() {
    let set = faces(&[[6, 4, 0, 0, 0, 0, 0, 0, 0, 0], [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]]);
    let majority = apply(&set, LabelMode::Majority, Role::Train).unwrap();
    for mode in [LabelMode::Majority, LabelMode::Probability, LabelMode::Crossentropy, LabelMode::MultiTarget] {
        assert_eq!(apply(&set, mode, Role::Evaluation).unwrap(), majority);
    }
    assert!(apply(&set, LabelMode::Probability, Role::Train).unwrap().drawn);
    assert_eq!(apply(&set, LabelMode::Probability, Role::Train).unwrap().len(), 2);
}

#[test]
fn original_labels_and_missing_votes() {
    let mut set = faces(&[[10, 0, 0, 0, 0, 0, 0, 0, 0, 0]; 3]);
    set.labels[1] = NO_LABEL;
    let labelled = apply(&set, LabelMode::Original, Role::Train).unwrap();
    assert_eq!((labelled.rows.as_slice(), labelled.class(0), labelled.classes.len()), ([0, 2].as_slice(), 3, 7));
    set.labels = vec![NO_LABEL; 3];
    assert!(apply(&set, LabelMode::Original, Role::Train).unwrap_err().to_string().contains("crossentropy"));
    set.votes = None;
    assert!(apply(&set, LabelMode::Majority, Role::Train).unwrap_err().to_string().contains("needs crowd votes"));
    assert!(crowd_distribution(&set, 0).is_none());
}

#[test]
fn every_target_is_a_distribution_and_the_crowd_is_whole() {
    let mut stream = ferrotype_base::random::Stream::new(5);
    let rows: Vec<[u8; 10]> = (0..3000)
        .map(|_| {
            let mut votes = [0; 10];
            let spread = 1 + stream.below(10);
            (0..10).for_each(|_| votes[stream.below(spread)] += 1);
            votes
        })
        .collect();
    let set = faces(&rows);
    for mode in [LabelMode::Majority, LabelMode::Probability, LabelMode::Crossentropy, LabelMode::MultiTarget] {
        let labelled = apply(&set, mode, Role::Train).unwrap();
        assert!((100..3000).contains(&labelled.len()));
        for i in 0..labelled.len() {
            let target = labelled.target(i);
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!(target.iter().filter(|&&t| t > 0.0).count() <= 3);
        }
    }
    assert_eq!(crowd_distribution(&faces(&[[3, 1, 0, 0, 0, 0, 0, 0, 4, 2]]), 0).unwrap()[..2], [0.75, 0.25]);
    assert!(crowd_distribution(&faces(&[[0, 0, 0, 0, 0, 0, 0, 0, 4, 6]]), 0).is_none());
}
