use std::collections::{HashMap, HashSet};

use super::*;

fn options(count: usize) -> SyntheticOptions {
    SyntheticOptions { count, identities: 30, ..SyntheticOptions::default() }
}

#[test]
fn rows_depend_on_their_number_alone() {
    let few = generate(&options(40)).unwrap();
    let more = generate(&options(95)).unwrap();
    assert_eq!(few.images.pixels, more.images.pixels[..few.images.pixels.len()]);
    assert_eq!(few.votes.as_ref().unwrap().counts, more.votes.as_ref().unwrap().counts[..400]);
    let row = 33;
    let drawn = sample(&options(95), row).scene.render(48);
    assert_eq!(drawn.pixels, more.images.get(row));
    let other = generate(&SyntheticOptions { seed: 2, ..options(40) }).unwrap();
    assert_ne!(other.images.pixels, few.images.pixels);
}

#[test]
fn the_set_is_whole_and_its_subjects_are_divided() {
    let set = generate(&options(600)).unwrap();
    assert_eq!((set.len(), set.images.len(), set.names.len(), set.source_rows.len()), (600, 600, 600, 600));
    assert_eq!(set.classes, crowd::COLUMNS[..8]);
    assert!(set.provenance.synthetic && set.provenance.source == "synthetic");
    let subjects = set.subjects.as_ref().unwrap();
    let mut split_of: HashMap<&str, Split> = HashMap::new();
    for (subject, split) in subjects.iter().zip(&set.splits) {
        assert_eq!(split_of.entry(subject).or_insert(*split), split);
    }
    let count = |split| set.splits.iter().filter(|s| **s == split).count();
    assert_eq!([Split::Train, Split::Validation, Split::Test].map(count), [480, 60, 60]);
    let classes: HashSet<i16> = set.labels.iter().copied().collect();
    assert_eq!(classes.len(), 8);
    let votes = set.votes.as_ref().unwrap();
    assert!((0..600).all(|row| votes.get(row).iter().map(|&v| u32::from(v)).sum::<u32>() == 10));
}

#[test]
fn the_crowd_mostly_agrees_with_what_was_drawn() {
    let set = generate(&SyntheticOptions { size: 16, ..options(3000) }).unwrap();
    let votes = set.votes.as_ref().unwrap();
    let (mut agreed, mut sure, mut odd) = (0, 0, 0);
    for row in 0..set.len() {
        let votes = votes.get(row);
        let best = (0..8).fold(0, |best, k| if votes[k] > votes[best] { k } else { best });
        agreed += usize::from(best as i16 == set.labels[row]);
        sure += usize::from(votes[best] > 5);
        odd += usize::from(votes[8]) + usize::from(votes[9]);
    }
    let part = |n: usize| n as f64 / 3000.0;
    assert!((0.85..0.99).contains(&part(agreed)), "{}", part(agreed));
    assert!((0.75..0.97).contains(&part(sure)), "{}", part(sure));
    assert!((0.1..0.8).contains(&part(odd)), "{} unknown or NF votes per face", part(odd));
}

#[test]
fn without_intensity_faces_do_not_depend_on_the_expression() {
    let silent = SyntheticOptions { intensity: 0.0, ..options(1) };
    for row in 0..50 {
        let units = sample(&silent, row).scene.face.action_units;
        assert!(Au::ALL.iter().all(|&u| units.both(u) <= 0.14));
    }
}

#[test]
fn without_nuisance_the_pose_is_frontal_and_nothing_hides_the_face() {
    let plain = SyntheticOptions { nuisance: 0.0, ..options(1) };
    for row in 0..50 {
        let scene = sample(&plain, row).scene;
        assert_eq!(scene.face.pose, Pose { scale: 1.08, ..Pose::default() });
        assert_eq!((scene.blur, scene.noise, scene.visible(), scene.gain), (0.0, 0.0, 1.0, 1.0));
    }
}

#[test]
fn extreme_options_draw_and_impossible_ones_are_refused() {
    for size in [16, 47, 200] {
        let wild = SyntheticOptions { size, nuisance: 1.0, intensity: 1.0, identities: 3, ..options(24) };
        assert_eq!(generate(&wild).unwrap().images.pixels.len(), 24 * size * size);
    }
    let refused = |o: SyntheticOptions| generate(&o).unwrap_err().to_string();
    assert!(refused(options(0)).contains("synthetic.count"));
    assert!(refused(SyntheticOptions { size: 8, ..options(1) }).contains("synthetic.size"));
    assert!(refused(SyntheticOptions { identities: 2, ..options(1) }).contains("synthetic.identities"));
    assert!(refused(SyntheticOptions { nuisance: f32::NAN, ..options(1) }).contains("synthetic.nuisance"));
    assert!(refused(SyntheticOptions { intensity: 1.5, ..options(1) }).contains("synthetic.intensity"));
}

/// An average face with one expression.
fn face(expression: Expression) -> Face {
    let (pose, light) = (Pose::default(), Light::default());
    Face { identity: Identity::average(), action_units: expression.action_units(0), pose, light }
}

#[test]
fn landmarks_move_as_the_action_units_say() {
    let at = |expression| face(expression).landmarks(100);
    let neutral = at(Expression::Neutral);
    assert_eq!(neutral.len(), 68);
    // The corners of the mouth (48 and 54) go up in happiness, down in sadness, apart in fear.
    let happy = at(Expression::Happiness);
    assert!(happy[48][1] < neutral[48][1] - 3.0 && happy[54][1] < neutral[54][1] - 3.0);
    let sad = at(Expression::Sadness);
    assert!(sad[48][1] > neutral[48][1] + 3.0 && sad[21][1] < neutral[21][1] - 2.0);
    let afraid = at(Expression::Fear);
    assert!(afraid[54][0] - afraid[48][0] > neutral[54][0] - neutral[48][0] + 3.0);
    // The mouth opens in surprise (62 and 66), brows rise (19), eyes widen (37 and 41); anger lowers the inner brow (21).
    let surprised = at(Expression::Surprise);
    assert!(surprised[66][1] - surprised[62][1] > 8.0 && surprised[19][1] < neutral[19][1] - 2.0);
    assert!(surprised[41][1] - surprised[37][1] > neutral[41][1] - neutral[37][1] + 1.0);
    assert!(at(Expression::Anger)[21][1] > neutral[21][1] + 3.0);
    // Contempt moves one side.
    let contempt = at(Expression::Contempt);
    assert!(contempt[48][1] < neutral[48][1] - 3.0 && (contempt[54][1] - neutral[54][1]).abs() < 1e-3);
    // A frontal face without expression is symmetric.
    for (left, right) in [(0, 16), (17, 26), (36, 45), (39, 42), (31, 35), (48, 54), (41, 46), (60, 64)] {
        assert!((neutral[left][0] + neutral[right][0] - 100.0).abs() < 1e-3, "{left} {right}");
        assert!((neutral[left][1] - neutral[right][1]).abs() < 1e-3, "{left} {right}");
    }
}

#[test]
fn drawings_of_two_sizes_agree() {
    let face = face(Expression::Happiness);
    let (small, large) = (face.render(40), face.render(160));
    let mut difference = 0.0;
    for (i, &value) in small.pixels.iter().enumerate() {
        let (x, y) = (i % 40 * 4, i / 40 * 4);
        let mean: f32 = (0..16).map(|k| f32::from(large.pixels[(y + k / 4) * 160 + x + k % 4])).sum::<f32>() / 16.0;
        difference += (mean - f32::from(value)).abs() / 1600.0;
    }
    assert!(difference < 6.0, "{difference}");
    assert!(small.landmarks.iter().zip(&large.landmarks).all(|(a, b)| (a[0] * 4.0 - b[0]).abs() < 1e-2));
}
