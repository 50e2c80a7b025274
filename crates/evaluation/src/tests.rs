use super::mocks::{of, part, sure, twelve};
use super::*;

fn value(scores: &Scores, name: &str) -> f64 {
    scores.get(name).unwrap().value
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

// With z the logits of `twelve()`, p = softmax(z, 1) and pred = z.argmax(1), scikit-learn 1.9.1 gives:
// accuracy_score(truth, pred)                                  0.3333333333333333
// balanced_accuracy_score(truth, pred)                         0.2833333333333333
// f1_score(truth, pred, average="macro", zero_division=0)      0.23333333333333334
// cohen_kappa_score(truth, pred)                               0.08571428571428574
// log_loss(truth, p, labels=range(5))                          1.4765741078939738
// top_k_accuracy_score(truth, z, k=2, labels=range(5))         0.6666666666666666, where row 10's tie for the second
//     place goes to the higher index; with ties to the lower index, as here, 0.75
// and numpy: ece 0.2565022001436968 (bins ceil(15 * p.max(1)) - 1), kl 1.2623578306636662 over 11 rows,
// uf1 = f1[:3].mean() = 0.3111111111111111.
#[test]
fn agrees_with_scikit_learn() {
    let scores = score(&twelve()).unwrap();
    close(value(&scores, "accuracy"), 1.0 / 3.0);
    close(value(&scores, "uar"), 0.283_333_333_333_333_3);
    close(value(&scores, "macro_f1"), 0.233_333_333_333_333_34);
    close(value(&scores, "kappa"), 0.085_714_285_714_285_74);
    close(value(&scores, "log_loss"), 1.476_574_107_893_973_8);
    close(value(&scores, "top2_accuracy"), 0.75);
    close(value(&scores, "ece"), 0.256_502_200_143_696_8);
    close(value(&scores, "uf1"), 0.311_111_111_111_111_1);
    let kl = scores.get("kl_votes").unwrap();
    assert!((kl.value - 1.262_357_830_663_666_2).abs() < 1e-7, "the votes are f32: {}", kl.value);
    assert_eq!(kl.n, 11);
    let [low, high] = scores.get("accuracy").unwrap().interval.unwrap();
    close(low, 0.138_120_091_091_213_2);
    close(high, 0.609_377_911_127_200_4);
}

// precision_recall_fscore_support(truth, pred, labels=range(5), zero_division=0) and confusion_matrix(truth, pred).
#[test]
fn classes_agree_with_scikit_learn() {
    let scores = score(&twelve()).unwrap();
    let column = |f: fn(&ClassScores) -> f64| scores.per_class.iter().map(f).collect::<Vec<_>>();
    assert_eq!(column(|c| c.precision), [0.6, 0.5, 0.0, 0.0, 0.0]);
    assert_eq!(column(|c| c.recall), [0.6, 0.25, 0.0, 0.0, 0.0]);
    assert_eq!(column(|c| c.f1), [0.6, 1.0 / 3.0, 0.0, 0.0, 0.0]);
    assert_eq!(column(|c| c.support as f64), [5.0, 4.0, 3.0, 0.0, 0.0]);
    assert_eq!(scores.confusion[0], [3, 0, 1, 1, 0]);
    assert_eq!(scores.confusion[2], [1, 1, 0, 1, 0]);
    assert_eq!(scores.calibration.iter().map(|b| b.count).sum::<u64>(), 12);
}

#[test]
fn ties_go_to_the_first_class() {
    let tied = of(&["a", "b"], vec![0, 1], vec![1.0, 1.0, 1.0, 1.0], None);
    assert_eq!(value(&score(&tied).unwrap(), "accuracy"), 0.5);
    let sample = Sample::pool(&[tied]).unwrap();
    assert_eq!((sample.rows[0].rank, sample.rows[1].rank), (0, 1));
}

#[test]
fn perfect_predictions_have_perfect_scores() {
    let scores = score(&sure(&["a", "b", "c"], vec![0, 1, 2, 2], &[0, 1, 2, 2])).unwrap();
    for name in ["accuracy", "uar", "macro_f1", "uf1", "kappa", "top2_accuracy"] {
        assert_eq!(value(&scores, name), 1.0, "{name}");
    }
    assert!(!scores.metrics.contains_key("kl_votes"));
    assert!(scores.get("kl_votes").unwrap_err().to_string().contains("not defined"));
}

#[test]
fn kappa_of_a_single_class_is_not_defined() {
    let scores = score(&sure(&["a", "b"], vec![0, 0], &[0, 0])).unwrap();
    assert!(scores.get("kappa").is_err());
    assert!(serde_json::to_string(&scores).is_ok());
}

#[test]
fn folds_are_pooled_not_averaged() {
    let all = twelve();
    let folds = [part(&all, |i| i % 3 == 0), part(&all, |i| i % 3 == 1), part(&all, |i| i % 3 == 2)];
    let (pooled, whole) = (score_folds(&folds).unwrap(), score(&all).unwrap());
    assert_eq!(pooled.folds, 3);
    assert_eq!(pooled.confusion, whole.confusion);
    for (name, score) in &whole.metrics {
        close(value(&pooled, name), score.value);
    }
}

#[test]
fn seeds_are_summed_up() {
    let runs: Vec<Scores> = [&[0usize, 1, 1][..], &[0, 1, 0], &[0, 0, 0]]
        .iter()
        .map(|p| score(&sure(&["a", "b"], vec![0, 1, 1], p)).unwrap())
        .collect();
    let sum = aggregate(&runs).unwrap();
    let accuracy = &sum.metrics["accuracy"];
    close(accuracy.mean, 2.0 / 3.0);
    close(accuracy.sd.unwrap(), 1.0 / 3.0);
    assert_eq!(aggregate(&runs[..1]).unwrap().metrics["accuracy"].interval, None);
    assert!(aggregate(&[]).is_err());
}

#[test]
fn broken_predictions_are_refused_by_name() {
    let refused = |change: fn(&mut Predictions)| {
        let mut p = twelve();
        change(&mut p);
        score(&p).unwrap_err().to_string()
    };
    assert!(refused(|p| p.logits[12] = f32::NAN).contains("1 of 12 rows (the first is row 2)"));
    assert!(refused(|p| p.logits[12] = f32::INFINITY).contains("row 2"));
    assert!(refused(|p| p.truth[3] = 5).contains("row 3 has class 5"));
    assert!(refused(|p| p.logits.truncate(59)).contains("60 logits"));
    assert!(refused(|p| p.votes.as_mut().unwrap()[0] = -1.0).contains("votes"));
    assert!(score(&of(&["a"], vec![], vec![], None)).unwrap_err().to_string().contains("empty"));
    assert!(score_folds(&[]).is_err());
    assert!(score_folds(&[twelve(), sure(&["a"], vec![0], &[0])]).unwrap_err().to_string().contains("fold 1"));
}

#[test]
fn extreme_logits_stay_finite() {
    let scores = score(&of(&["a", "b"], vec![0, 1], vec![-1e30, 1e30, -1e30, 1e30], None)).unwrap();
    assert!(scores.metrics.values().all(|s| s.value.is_finite()));
    assert!(value(&scores, "log_loss") > 1e29);
}

#[test]
fn metrics_are_found_by_name() {
    assert_eq!(metrics::find("uar").unwrap().title(), "UAR");
    assert_eq!(metrics::find("loss").unwrap().name(), "log_loss");
    let error = metrics::find("acuracy").err().unwrap().to_string();
    assert!(error.contains("`acuracy`") && error.contains("did you mean `accuracy`?"), "{error}");
    let loss = metrics::find("log_loss").unwrap();
    assert!(metrics::better(loss, 0.5, 0.6) && !metrics::better(loss, f64::NAN, 0.6));
}

#[test]
fn names_are_unique_and_scores_survive_json() {
    let names: std::collections::BTreeSet<&str> = metrics::all().iter().map(|m| m.name()).collect();
    assert_eq!(names.len(), metrics::all().len());
    let scores = score(&twelve()).unwrap();
    let back: Scores = serde_json::from_str(&serde_json::to_string(&scores).unwrap()).unwrap();
    assert_eq!((&back.confusion, back.n), (&scores.confusion, scores.n));
    // serde_json reads some numbers a last bit off.
    for (name, score) in &scores.metrics {
        assert!((back.metrics[name].value - score.value).abs() < 1e-15);
        assert_eq!(back.metrics[name].interval.is_some(), score.interval.is_some());
    }
}
