use burn::tensor::{Device, TensorData};

use super::*;
use crate::objective::ClassWeights;

const OUTPUTS: [f32; 12] = [2.0, -1.0, 0.5, 0.0, 3.0, -2.0, 1.0, 1.5, 1.0, -0.5, 0.25, 0.75];
const KNOWN: [f32; 12] = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
const LABELS: [f32; 12] = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
const VALUES: [f32; 12] = [1.0, 0.5, 2.0, 0.0, 0.25, 1.0, 3.0, 0.0, 1.5, 0.0, 4.0, -1.0];

fn tensor(values: &[f32], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [4, 3]), device)
}

fn total(loss: &dyn MaskedLoss, outputs: &[f32], targets: &[f32], known: &[f32]) -> f64 {
    let device = crate::device::tested();
    let t = |values: &[f32]| tensor(values, &device);
    let losses: Vec<f32> =
        loss.losses(Compute::Burn, t(outputs), t(targets), t(known)).into_data().try_to_vec().unwrap();
    assert_eq!(losses.len(), 4);
    losses.iter().map(|&v| f64::from(v)).sum::<f64>() / 4.0
}

/// Compares the batch's loss with a known one, and its gradient with central differences; what is missing has none, and
/// its target no influence.
fn check(loss: &dyn MaskedLoss, targets: &[f32], expected: f64) {
    let got = total(loss, &OUTPUTS, targets, &KNOWN);
    assert!((got - expected).abs() < 2e-6, "{loss:?}: {got} instead of {expected}");
    let mut others = targets.to_vec();
    others.iter_mut().zip(KNOWN).filter(|(_, known)| *known == 0.0).for_each(|(v, _)| *v = 7.0);
    let device = crate::device::tested().autodiff();
    let outputs = tensor(&OUTPUTS, &device).require_grad();
    let losses = loss.losses(Compute::Burn, outputs.clone(), tensor(targets, &device), tensor(&KNOWN, &device));
    let grads = losses.sum().div_scalar(4.0).backward();
    let gradient: Vec<f32> = outputs.grad(&grads).unwrap().into_data().try_to_vec().unwrap();
    for i in 0..12 {
        let at = |d: f32| {
            let mut z = OUTPUTS;
            z[i] += d;
            total(loss, &z, targets, &KNOWN)
        };
        let difference = (at(2e-3) - at(-2e-3)) / 4e-3;
        assert!((f64::from(gradient[i]) - difference).abs() < 1e-3, "{loss:?} {i}: {} {difference}", gradient[i]);
    }
}

// import numpy as np                                                 (arrays as above, reshaped to 4, 3)
// m = KNOWN.astype(bool); mean = lambda l: l[m].mean(); d = OUTPUTS - VALUES; a = abs(d)
// w = np.array([1, 2, .5]); p = 1 / (1 + np.exp(-OUTPUTS)); mean(-(w * LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p)))
// mean(d ** 2); mean(a); mean(np.where(a < .8, d ** 2 / 2, .8 * (a - .4)))
// np.mean([1 - ccc(VALUES[m[:, c], c], OUTPUTS[m[:, c], c]) for c in range(3)])     ccc as in evaluation's ccc.rs
#[test]
fn losses_agree_with_numpy_and_gradients_with_differences() {
    check(&BinaryLoss { positive_weights: vec![1.0, 2.0, 0.5] }, &LABELS, BINARY);
    check(&ValueLoss(Penalty::Squared), &VALUES, SQUARED);
    check(&ValueLoss(Penalty::Absolute), &VALUES, ABSOLUTE);
    check(&ValueLoss(Penalty::Huber(0.8)), &VALUES, HUBER);
    check(&CccLoss, &VALUES, CCC);
}

#[test]
fn a_target_that_is_missing_has_no_influence() {
    for loss in [&ValueLoss(Penalty::Squared) as &dyn MaskedLoss, &CccLoss] {
        let mut changed = VALUES;
        changed[3] = 99.0;
        assert_eq!(total(loss, &OUTPUTS, &VALUES, &KNOWN), total(loss, &OUTPUTS, &changed, &KNOWN));
    }
    for loss in [&BinaryLoss { positive_weights: vec![1.0; 3] } as &dyn MaskedLoss, &CccLoss] {
        assert_eq!(total(loss, &OUTPUTS, &LABELS, &[0.0; 12]), 0.0);
    }
}

// t = np.array([[1, 0, 0], [.2, .7, .1], [0, 0, 0], [0, .5, .5]]); rows 0, 1, 3 known; w = np.array([1, 2, .5])
// lp = OUTPUTS - np.log(np.exp(OUTPUTS).sum(1, keepdims=True)); np.mean((-(t * lp).sum(1) * (t * w).sum(1))[[0, 1, 3]])
#[test]
fn classes_count_where_they_are_known() {
    let targets = [1.0, 0.0, 0.0, 0.2, 0.7, 0.1, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5];
    let mut known = [1.0; 12];
    known[6..9].fill(0.0);
    let loss = ClassLoss { label_smoothing: 0.0, class_weights: vec![1.0, 2.0, 0.5] };
    let got = total(&loss, &OUTPUTS, &targets, &known);
    assert!((got - CLASSES).abs() < 2e-6, "{got}");
}

fn head(name: &str, kind: TargetKind, start: usize, columns: usize) -> Head {
    Head { name: name.into(), kind, columns: (0..columns).map(|c| c.to_string()).collect(), start }
}

#[test]
fn heads_are_summed_by_weight_and_losses_must_fit() {
    let values = || TargetKind::Continuous { units: String::new(), range: [-5.0, 5.0] };
    let heads = [head("a", TargetKind::Labels, 0, 1), head("b", values(), 1, 2)];
    let options = [HeadOptions::default(), HeadOptions { weight: 0.25, ..HeadOptions::default() }];
    let totals = ColumnTotals { sums: vec![2.0, 0.0, 0.0], known: vec![4.0; 3] };
    let none = |_| Vec::new();
    let objective = HeadsObjective::new(&heads, &options.iter().collect::<Vec<_>>(), &totals, none).unwrap();
    let device = crate::device::tested();
    let t = |values: &[f32]| tensor(values, &device);
    let sum: f32 =
        objective.masked_losses(Compute::Burn, t(&OUTPUTS), t(&LABELS), t(&KNOWN)).sum().into_scalar::<f32>();
    let column = |values: &[f32], range: std::ops::Range<usize>| {
        let mut out = vec![0.0; 12];
        (0..4).for_each(|row| range.clone().for_each(|c| out[3 * row + c] = values[3 * row + c]));
        out
    };
    let own = |loss: &dyn MaskedLoss, range| total(loss, &OUTPUTS, &LABELS, &column(&KNOWN, range));
    let expected =
        own(&BinaryLoss { positive_weights: vec![1.0; 3] }, 0..1) + 0.25 * own(&ValueLoss(Penalty::Squared), 1..3);
    assert!((f64::from(sum) / 4.0 - expected).abs() < 1e-5, "{sum} {expected}");
    let wrong = [HeadOptions { loss: Some(HeadLoss::Ccc), ..HeadOptions::default() }, options[1].clone()];
    let error = HeadsObjective::new(&heads, &wrong.iter().collect::<Vec<_>>(), &totals, none).unwrap_err().to_string();
    assert!(error.contains("heads.a.loss is ccc") && error.contains("binary_cross_entropy would be"), "{error}");
    for (at, loss, message) in [
        (0, HeadLoss::BinaryCrossEntropy(LabelLossOptions::default()), "heads.a.lds is for continuous values"),
        (1, HeadLoss::Ccc, "heads.b.lds weighs single values; its loss is ccc"),
    ] {
        let mut wrong = options.clone();
        wrong[at] = HeadOptions { lds: Some(LdsOptions::default()), loss: Some(loss), ..HeadOptions::default() };
        let error =
            HeadsObjective::new(&heads, &wrong.iter().collect::<Vec<_>>(), &totals, none).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn weights_follow_from_the_training_set() {
    let balanced = |sums: &[f64]| {
        let options = LabelLossOptions { positive_weights: PositiveWeights::Balanced };
        positive_weights("au", &options, sums, &[10.0; 3]).unwrap()
    };
    assert_eq!(balanced(&[2.0, 5.0, 0.0]), [4.0, 1.0, 1.0]);
    let given = LabelLossOptions { positive_weights: PositiveWeights::Given(vec![1.0, 2.0]) };
    assert!(positive_weights("au", &given, &[1.0; 3], &[2.0; 3]).unwrap_err().to_string().contains("2 weights for 3"));
    let options =
        CrossEntropyOptions { class_weights: ClassWeights::Given(vec![1.0]), ..CrossEntropyOptions::default() };
    assert!(class_loss("e", &options, &[1.0, 1.0]).unwrap_err().to_string().contains("heads.e.loss"));
}
const BINARY: f64 = 0.967862975283562;
const SQUARED: f64 = 4.36875;
const ABSOLUTE: f64 = 1.825;
const HUBER: f64 = 1.149;
const CCC: f64 = 0.9735725217153915;
const CLASSES: f64 = 1.0857546460150187;
