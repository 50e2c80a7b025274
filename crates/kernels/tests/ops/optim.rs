use ferrotype_kernels::Isa;
use ferrotype_kernels::optim::*;

use crate::support::*;

// The expected parameters come from PyTorch 2.9 in float64, or from its formulas in numpy:
//
//     p = torch.nn.Parameter(torch.tensor([0.5, -1.0, 2.0])); o = make([p])
//     for k in range(3):
//         p.grad = torch.tensor([0.1 * (k + 1), -0.3, 0.02 * (k + 1)])
//         if k == 2: o.param_groups[0]["lr"] *= 0.5
//         o.step()
//
// CNTK and Keras 2: the same loop around
//     v = .9 * v + (1 - .9) * g; p -= lr * v                      Nesterov: p -= lr * (.9 * v + (1 - .9) * g)
//     v = .9 * v - lr * g; p += v                                 Nesterov: p += .9 * v - lr * g
//     p -= lr * sqrt(1 - .999**t) / (1 - .9**t) * m / (sqrt(v) + 1e-3)
//     m = mu * m + lr * g / sqrt(v + 1e-3); p -= m

/// Runs the three steps on parameters repeated past a vector's width; `step(t, lr factor, param, grad)`.
fn check(want: [f64; 3], mut step: impl FnMut(u64, f64, &mut [f32], &[f32])) {
    const COPIES: usize = 11;
    let mut param = Guarded::new(&[0.5, -1.0, 2.0].repeat(COPIES));
    for k in 0..3u8 {
        let k1 = f32::from(k) + 1.0;
        let grad = Guarded::new(&[0.1 * k1, -0.3, 0.02 * k1].repeat(COPIES));
        step(u64::from(k) + 1, if k == 2 { 0.5 } else { 1.0 }, &mut param, &grad);
    }
    assert_close("parameters", &param, &want.repeat(COPIES));
}

fn zeros() -> Guarded<f32> {
    Guarded::new(&[0.0; 33])
}

fn sgd(isa: Isa, momentum: Option<Momentum>, decay: f64, want: [f64; 3]) {
    let mut v = zeros();
    check(want, |_, factor, p, g| {
        let rule = Sgd { lr: 0.1 * factor, momentum, decay: WeightDecay::Coupled(decay), grad_scale: 1.0 };
        rule.step(isa, p, g, momentum.map(|_| &mut *v));
    });
}

#[test]
fn sgd_matches_pytorch_cntk_and_keras() {
    let momentum = |gain, nesterov| Some(Momentum { factor: 0.9, gain, nesterov });
    each_isa(|isa| {
        sgd(isa, None, 0.01, [0.453775995, -0.922561984, 1.986009]);
        sgd(isa, momentum(Gain::Full, false), 0.01, [0.430857945, -0.868184884, 1.9780926]);
        sgd(isa, momentum(Gain::Full, true), 0.0, [0.394655, -0.810115, 1.978931]);
        sgd(isa, momentum(Gain::Unit, false), 0.0, [0.493295, -0.987235, 1.998659]);
        sgd(isa, momentum(Gain::Unit, true), 0.0, [0.4894655, -0.9810115, 1.9978931]);
        sgd(isa, momentum(Gain::LearningRate, false), 0.0, [0.4199, -0.8467, 1.98398]);
        sgd(isa, momentum(Gain::LearningRate, true), 0.0, [0.38291, -0.78703, 1.976582]);
    });
}

fn adam(isa: Isa, epsilon: AdamEpsilon, eps: f64, decay: WeightDecay, want: [f64; 3]) {
    let (mut m, mut v) = (zeros(), zeros());
    check(want, |t, factor, p, g| {
        let rule = Adam { lr: 0.1 * factor, beta1: 0.9, beta2: 0.999, eps, epsilon, decay, grad_scale: 1.0 };
        rule.step(isa, t, p, g, &mut m, &mut v);
    });
}

#[test]
fn adam_matches_pytorch_and_keras() {
    use AdamEpsilon::{Corrected, Hat};
    each_isa(|isa| {
        adam(isa, Corrected, 1e-3, WeightDecay::None, [0.257398993, -0.750830565, 1.76438511]);
        adam(isa, Corrected, 1e-8, WeightDecay::Coupled(0.05), [0.253635219, -0.750093906, 1.74968673]);
        adam(isa, Corrected, 1e-8, WeightDecay::Decoupled(0.05), [0.250346769, -0.738548696, 1.73167175]);
        adam(isa, Hat, 1e-3, WeightDecay::None, [0.295300185, -0.769343616, 1.87105151]);
    });
}

fn rmsprop(isa: Isa, style: RmsPropStyle, momentum: f64, decay: f64, want: [f64; 3]) {
    let (mut s, mut b) = (zeros(), zeros());
    check(want, |_, factor, p, g| {
        let (lr, decay) = (0.01 * factor, WeightDecay::Coupled(decay));
        let rule = RmsProp { lr, rho: 0.9, eps: 1e-3, style, momentum, decay, grad_scale: 1.0 };
        rule.step(isa, p, g, &mut s, (momentum != 0.0).then_some(&mut *b));
    });
}

#[test]
fn rmsprop_matches_pytorch_and_keras() {
    use RmsPropStyle::{Keras, PyTorch};
    each_isa(|isa| {
        rmsprop(isa, PyTorch, 0.0, 0.0, [0.428335261, -0.936395988, 1.93361086]);
        rmsprop(isa, PyTorch, 0.5, 0.05, [0.402826906, -0.911138105, 1.90936646]);
        rmsprop(isa, Keras, 0.0, 0.0, [0.439105876, -0.938287485, 1.97457831]);
        rmsprop(isa, Keras, 0.5, 0.0, [0.409316475, -0.904638073, 1.96414385]);
    });
}

#[test]
fn the_gradient_is_scaled_before_the_decay() {
    each_isa(|isa| {
        let rule = Sgd { lr: 1.0, momentum: None, decay: WeightDecay::Coupled(0.5), grad_scale: 0.25 };
        let mut p = [2.0];
        rule.step(isa, &mut p, &[4.0], None);
        assert_eq!(p, [0.0]);
    });
}

#[test]
fn sum_of_squares_and_axpby_match_the_reference() {
    each_isa(|isa| {
        for (seed, len) in [0, 1, 16, 17, 999, 32 * 1024, 32 * 1024 + 1, 200_001].into_iter().enumerate() {
            let mut rng = Rng(seed as u64);
            let (x, y) = (rng.guarded(len, 1.0, 0.0), rng.vec(len, 1.0, 0.0));
            let want: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum();
            assert!((sum_squares(isa, &x) - want).abs() <= 1e-12 * want);
            let mut out = Guarded::new(&y);
            axpby(isa, 0.5, &x, -2.0, &mut out);
            let want: Vec<f64> = x.iter().zip(&y).map(|(&x, &y)| 0.5 * f64::from(x) - 2.0 * f64::from(y)).collect();
            assert_close("axpby", &out, &want);
        }
        assert_eq!(sum_squares(isa, &[1e30; 40]), 40.0 * f64::from(1e30f32).powi(2), "no overflow");
        assert!(sum_squares(isa, &[1.0, f32::NAN]).is_nan());
    });
}

#[test]
fn threads_do_not_matter() {
    let len = 150_001;
    let g = Rng(1).vec(len, 1.0, 0.0);
    let start = Rng(2).vec(len, 1.0, 0.0);
    assert_same_for_any_threads(|isa| {
        let (mut p, mut m, mut v) = (Guarded::new(&start), vec![0.0; len], vec![0.0; len]);
        let (lr, eps, decay) = (0.1, 1e-8, WeightDecay::Decoupled(0.1));
        let epsilon = AdamEpsilon::Corrected;
        let rule = Adam { lr, beta1: 0.9, beta2: 0.999, eps, epsilon, decay, grad_scale: 0.5 };
        rule.step(isa, 1, &mut p, &g, &mut m, &mut v);
        let norm = sum_squares(isa, &p);
        [&*p, &m, &v, &[norm as f32, (norm - f64::from(norm as f32)) as f32]].concat()
    });
}
