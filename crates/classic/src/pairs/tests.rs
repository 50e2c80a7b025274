use super::*;
use crate::matrix::tests::drawn;
use crate::svm::SvmOptions;

const FEATURES: usize = 5;

/// Clips of twelve subjects and two emotions, a genuine and a posed one each. Every subject has a level of its own, and the
/// genuine clip lies a little higher in the second feature.
fn clips() -> (Matrix, Vec<bool>, Vec<u64>, Vec<usize>) {
    let noise = drawn(48, FEATURES, 1.7);
    let (mut rows, mut genuine, mut groups, mut codes) = (vec![], vec![], vec![], vec![]);
    for at in 0..48 {
        let (group, is_genuine) = (at / 2, at % 2 == usize::from(at / 2 % 3 == 0));
        let level = 4.0 * (group as f64).sin();
        let mut row: Vec<f64> = noise.row(at).iter().map(|v| level + 0.3 * v).collect();
        row[1] += if is_genuine { 0.6 } else { 0.0 };
        rows.push(row);
        genuine.push(is_genuine);
        groups.push(group as u64);
        codes.push(group % 2);
    }
    (Matrix::from_rows(&rows).unwrap(), genuine, groups, codes)
}

fn options(machines: usize) -> EnsembleOptions {
    EnsembleOptions { machines, ..EnsembleOptions::published(7) }
}

#[test]
fn pairs_of_one_subject_tell_what_single_clips_hide() {
    let (features, genuine, groups, code) = clips();
    let clips = Clips { features: &features, code: &code, codes: 2 };
    let (seen, kept): (Vec<usize>, Vec<usize>) = (0..48).partition(|at| at / 2 < 16);
    let part = |rows: &[usize]| {
        let of = |at: &usize| features.row(*at).to_vec();
        let matrix = Matrix::from_rows(&rows.iter().map(of).collect::<Vec<_>>()).unwrap();
        let codes: Vec<usize> = rows.iter().map(|&at| code[at]).collect();
        let groups: Vec<u64> = rows.iter().map(|&at| groups[at]).collect();
        let genuine: Vec<bool> = rows.iter().map(|&at| genuine[at]).collect();
        (matrix, codes, groups, genuine)
    };
    let (train, train_codes, train_groups, train_genuine) = part(&seen);
    let (test, test_codes, test_groups, test_genuine) = part(&kept);
    let of = |features, code| Clips { features, code, codes: 2 };
    let ranker =
        Ranker::fit(of(&train, &train_codes), &train_genuine, Pairing::Groups(&train_groups), &options(25)).unwrap();
    let right = |genuine: &[bool]| genuine.iter().zip(&test_genuine).filter(|(a, b)| a == b).count();
    let pairs = ranker.within_groups(of(&test, &test_codes), &test_groups).unwrap();
    assert!(right(&pairs.genuine()) >= 14, "{pairs:?}");
    assert!(pairs.alone.iter().all(|alone| !alone) && pairs.scores.iter().all(|s| s.abs() <= 0.5 + 1e-4));
    // Each clip alone in its group: the fallback decides, and says what `alone` says.
    let single: Vec<u64> = (0..16).collect();
    let alone = ranker.within_groups(of(&test, &test_codes), &single).unwrap();
    assert!(alone.alone.iter().all(|&alone| alone));
    assert_eq!(alone.scores, ranker.alone(of(&test, &test_codes)).unwrap());
    // Three clips of a group: the median decides, and the third place breaks ties.
    let triple = ranker.within_groups(of(&test, &[0; 16]), &[9; 16]).unwrap();
    assert_eq!(triple.genuine().iter().filter(|&&genuine| genuine).count(), 8);
    assert!(ranker.within_groups(clips, &[0; 48]).unwrap_err().to_string().contains("several emotions"));
}

#[test]
fn the_same_seed_gives_the_same_bits_whatever_the_threads() {
    let (features, genuine, groups, code) = clips();
    let clips = Clips { features: &features, code: &code, codes: 2 };
    let fit = || Ranker::fit(clips, &genuine, Pairing::Groups(&groups), &options(8)).unwrap();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(fit);
    let three = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap().install(fit);
    assert_eq!(one, three);
    let other = EnsembleOptions { seed: 8, ..options(8) };
    assert_ne!(one, Ranker::fit(clips, &genuine, Pairing::Groups(&groups), &other).unwrap());
}

#[test]
fn products_of_clips_give_what_explicit_differences_give() {
    let (features, genuine, groups, code) = clips();
    let clips = Clips { features: &features, code: &code, codes: 2 };
    let pairs = make_pairs(&clips, &genuine, Pairing::Groups(&groups), 0).unwrap();
    assert_eq!(pairs.len(), 24);
    let row = |[a, b]: [usize; 2]| -> Vec<f64> {
        let difference = features.row(a).iter().zip(features.row(b)).map(|(a, b)| a - b);
        difference.chain(one_hot(code[a], 2).unwrap()).collect()
    };
    let both = pairs.iter().map(|&pair| row(pair)).chain(pairs.iter().map(|&[a, b]| row([b, a])));
    let matrix = Matrix::from_rows(&both.collect::<Vec<_>>()).unwrap();
    let labels: Vec<bool> = (0..48).map(|sample| sample < 24).collect();
    let options = EnsembleOptions { svm: SvmOptions { c: 1.0, tolerance: 1e-10 }, ..options(6) };
    let explicit = Ensemble::fit(&matrix, &labels, &options).unwrap();
    let ranker = Ranker::fit(clips, &genuine, Pairing::Groups(&groups), &options).unwrap();
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-7, "{a} {b}"));
    close(&ranker.pairs.standardiser.scale, &explicit.standardiser.scale);
    close(&ranker.pairs.standardiser.mean, &explicit.standardiser.mean);
    for (a, b) in ranker.pairs.members.iter().zip(&explicit.members) {
        close(&a.weights, &b.weights);
        close(&[a.bias], &[b.bias]);
    }
    // Votes too: on a pair, ours is the mean of the vote on a - b and the negative of that on b - a.
    let projections: Vec<Vec<f64>> = features.iter().map(|row| ranker.projections(row)).collect();
    for &[a, b] in &pairs {
        let ours = ranker.compare(&projections[a], &projections[b], &ranker.code_offsets(code[a]));
        let theirs = (explicit.vote(&row([a, b])).unwrap() - explicit.vote(&row([b, a])).unwrap()) / 2.0;
        assert!((ours - theirs).abs() < 1e-12);
    }
}

#[test]
fn unknown_subjects_are_paired_with_any() {
    let (features, genuine, _, code) = clips();
    let clips = Clips { features: &features, code: &code, codes: 2 };
    let any = |most| make_pairs(&clips, &genuine, Pairing::Any { most }, 3).unwrap();
    assert_eq!((any(10_000).len(), any(50).len()), (2 * 12 * 12, 50));
    assert!(any(10_000).iter().all(|&[a, b]| genuine[a] && !genuine[b] && code[a] == code[b]));
    assert!(any(50).windows(2).all(|w| w[0] < w[1]));
    let ranker = Ranker::fit(clips, &genuine, Pairing::Any { most: 200 }, &options(10)).unwrap();
    let scores = ranker.against_training(clips).unwrap();
    // Changing one clip changes its own score only.
    let mut rows: Vec<Vec<f64>> = features.iter().map(<[f64]>::to_vec).collect();
    rows[5][1] += 50.0;
    let moved = Matrix::from_rows(&rows).unwrap();
    let again = ranker.against_training(Clips { features: &moved, ..clips }).unwrap();
    assert_eq!(again[5], 0.5);
    (0..48).filter(|&at| at != 5).for_each(|at| assert_eq!(scores[at], again[at]));
}

#[test]
fn what_cannot_be_paired_is_refused() {
    let (features, genuine, groups, code) = clips();
    let clips = Clips { features: &features, code: &code, codes: 2 };
    let said =
        |clips, genuine: &[bool], pairing| Ranker::fit(clips, genuine, pairing, &options(2)).unwrap_err().to_string();
    assert!(said(clips, &[true; 48], Pairing::Groups(&groups)).contains("of one class"));
    assert!(said(clips, &genuine, Pairing::Groups(&groups[1..])).contains("47 groups"));
    let lonely: Vec<u64> = (0..48).collect();
    assert!(said(clips, &genuine, Pairing::Groups(&lonely)).contains("no group has clips of both classes"));
    assert!(said(clips, &genuine, Pairing::Any { most: 0 }).contains("0 pairs"));
    assert!(said(Clips { codes: 1, ..clips }, &genuine, Pairing::Groups(&groups)).contains("emotion 1, of 1"));
    let ranker = Ranker::fit(clips, &genuine, Pairing::Groups(&groups), &options(2)).unwrap();
    let narrow = drawn(2, 3, 1.0);
    let wrong = ranker.alone(Clips { features: &narrow, code: &[0, 0], codes: 2 }).unwrap_err().to_string();
    assert!(wrong.contains("3 features and the model was fitted on 5"), "{wrong}");
    assert!(ranker.alone(Clips::plain(&features, &[0; 48])).unwrap_err().to_string().contains("0 codes"));
}
