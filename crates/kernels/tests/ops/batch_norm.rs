use ferrotype_kernels::Activation::{self, None as Linear, Relu, Relu6};
use ferrotype_kernels::{BatchNorm, Channels, Isa};

use crate::support::*;

const SHAPES: [[usize; 3]; 12] = [
    [1, 1, 1],
    [2, 1, 1],
    [7, 5, 1],
    [64, 33, 1],
    [5, 3, 4],
    [3, 2, 15],
    [1, 3, 16],
    [4, 3, 49],
    [2, 17, 100],
    [3, 5, 289],
    [1, 2, 4099],
    [2, 3, 9001],
];

/// Tensors of one case.
struct Case {
    bn: BatchNorm,
    x: Guarded<f32>,
    residual: Guarded<f32>,
    dy: Guarded<f32>,
    gamma: Guarded<f32>,
    beta: Guarded<f32>,
}

impl Case {
    fn new([batch, channels, spatial]: [usize; 3], act: Activation, seed: u64) -> Self {
        let mut rng = Rng(seed);
        let len = batch * channels * spatial;
        Self {
            bn: BatchNorm { batch, channels, spatial, eps: 1e-3, act },
            x: rng.guarded(len, 2.0, 3.0),
            residual: rng.guarded(len, 1.0, 0.5),
            dy: rng.guarded(len, 1.0, 0.1),
            gamma: rng.guarded(channels, 1.0, 2.5),
            beta: rng.guarded(channels, 1.0, 0.5),
        }
    }

    fn len(&self) -> usize {
        self.x.len()
    }

    fn channel(&self, i: usize) -> usize {
        i / self.bn.spatial % self.bn.channels
    }

    /// Batch statistics in `f64`.
    fn statistics(&self) -> (Vec<f64>, Vec<f64>) {
        let count = (self.bn.batch * self.bn.spatial) as f64;
        let mut mean = vec![0.0; self.bn.channels];
        let mut var = vec![0.0; self.bn.channels];
        for i in 0..self.len() {
            mean[self.channel(i)] += f64::from(self.x[i]) / count;
        }
        for i in 0..self.len() {
            var[self.channel(i)] += (f64::from(self.x[i]) - mean[self.channel(i)]).powi(2) / count;
        }
        (mean, var)
    }

    fn forward(&self, mean: &[f64], var: &[f64], residual: bool) -> Vec<f64> {
        let eps = f64::from(self.bn.eps);
        (0..self.len())
            .map(|i| {
                let c = self.channel(i);
                let hat = (f64::from(self.x[i]) - mean[c]) / (var[c] + eps).sqrt();
                let added = if residual { f64::from(self.residual[i]) } else { 0.0 };
                let z = hat * f64::from(self.gamma[c]) + f64::from(self.beta[c]) + added;
                match self.bn.act {
                    Linear => z,
                    Relu => z.max(0.0),
                    Relu6 => z.clamp(0.0, 6.0),
                }
            })
            .collect()
    }

    /// `dy` where the activation that gave `y` passes it.
    fn gated(&self, y: &[f32]) -> Vec<f64> {
        let open = |y: f32| match self.bn.act {
            Linear => true,
            Relu => y > 0.0,
            Relu6 => y > 0.0 && y < 6.0,
        };
        (0..self.len()).map(|i| if open(y[i]) { self.dy[i].into() } else { 0.0 }).collect()
    }

    /// `dx`, `dgamma`, `dbeta`; with frozen statistics if `frozen`.
    fn backward(&self, g: &[f64], mean: &[f64], var: &[f64], frozen: bool) -> [Vec<f64>; 3] {
        let count = (self.bn.batch * self.bn.spatial) as f64;
        let rstd: Vec<f64> = var.iter().map(|v| 1.0 / (v + f64::from(self.bn.eps)).sqrt()).collect();
        let hat = |i: usize| (f64::from(self.x[i]) - mean[self.channel(i)]) * rstd[self.channel(i)];
        let mut dgamma = vec![0.0; self.bn.channels];
        let mut dbeta = vec![0.0; self.bn.channels];
        for (i, g) in g.iter().enumerate() {
            dgamma[self.channel(i)] += g * hat(i);
            dbeta[self.channel(i)] += g;
        }
        let dx = (0..self.len()).map(|i| {
            let c = self.channel(i);
            let centred = if frozen { g[i] } else { g[i] - dbeta[c] / count - hat(i) * dgamma[c] / count };
            f64::from(self.gamma[c]) * rstd[c] * centred
        });
        [dx.collect(), dgamma, dbeta]
    }

    /// The size of the terms that cancel in `dx`.
    fn gradient_scale(&self, var: &[f64]) -> f64 {
        var.iter().map(|v| 3.5 / (v + f64::from(self.bn.eps)).sqrt()).fold(0.0, f64::max)
    }
}

struct Forward {
    y: Guarded<f32>,
    mean: Guarded<f32>,
    var: Guarded<f32>,
}

impl Forward {
    fn run(isa: Isa, case: &Case, residual: bool) -> Self {
        let c = case.bn.channels;
        let (mut y, mut mean, mut var) = (Guarded::output(case.len()), Guarded::output(c), Guarded::output(c));
        let (gamma, beta) = (&case.gamma, &case.beta);
        if residual {
            let r = &case.residual;
            case.bn.forward_residual(isa, &case.x, r, gamma, beta, y.out(), mean.out(), var.out());
        } else {
            case.bn.forward(isa, &case.x, gamma, beta, y.out(), mean.out(), var.out());
        }
        Self { y, mean, var }
    }

    fn channels<'a>(&'a self, case: &'a Case) -> Channels<'a> {
        Channels { mean: &self.mean, var: &self.var, gamma: &case.gamma, beta: &case.beta }
    }
}

fn each_case(f: impl Fn(Isa, Case)) {
    each_isa(|isa| {
        for (i, shape) in SHAPES.into_iter().enumerate() {
            for act in [Linear, Relu, Relu6] {
                f(isa, Case::new(shape, act, i as u64));
            }
        }
    });
}

#[test]
fn training_matches_the_reference() {
    each_case(|isa, case| {
        let (mean, var) = case.statistics();
        let out = Forward::run(isa, &case, false);
        assert_close("mean", out.mean.written(), &mean);
        assert_close_to("var", out.var.written(), &var, 0.1);
        assert_close("y", out.y.written(), &case.forward(&mean, &var, false));

        let c = case.bn.channels;
        let (mut dgamma, mut dbeta) = (Guarded::output(c), Guarded::output(c));
        let mut dx = Guarded::output(case.len());
        let p = out.channels(&case);
        case.bn.backward(isa, &case.x, p, &case.dy, dx.out(), dgamma.out(), dbeta.out());
        let [want_dx, want_dgamma, want_dbeta] = case.backward(&case.gated(&out.y), &mean, &var, false);
        assert_close_to("dx", dx.written(), &want_dx, case.gradient_scale(&var));
        assert_close_to("dgamma", dgamma.written(), &want_dgamma, 1.0);
        assert_close_to("dbeta", dbeta.written(), &want_dbeta, 1.0);

        let mut in_place = Guarded::new(&case.dy);
        case.bn.backward_in_place(isa, &case.x, p, &mut in_place, dgamma.out(), dbeta.out());
        assert_eq!(&*in_place, &*dx, "in place or not");
    });
}

#[test]
fn a_residual_joins_before_the_activation() {
    each_case(|isa, case| {
        let (mean, var) = case.statistics();
        let out = Forward::run(isa, &case, true);
        assert_close("y", out.y.written(), &case.forward(&mean, &var, true));

        let c = case.bn.channels;
        let (mut dgamma, mut dbeta) = (Guarded::output(c), Guarded::output(c));
        let (mut dx, mut dr) = (Guarded::output(case.len()), Guarded::new(&case.dy));
        let p = out.channels(&case);
        case.bn.backward_residual(isa, &case.x, &out.y, p, &mut dr, dx.out(), dgamma.out(), dbeta.out());
        let g = case.gated(&out.y);
        let [want_dx, want_dgamma, want_dbeta] = case.backward(&g, &mean, &var, false);
        assert_close("dr", &dr, &g);
        assert_close_to("dx", dx.written(), &want_dx, case.gradient_scale(&var));
        assert_close_to("dgamma", dgamma.written(), &want_dgamma, 1.0);
        assert_close_to("dbeta", dbeta.written(), &want_dbeta, 1.0);
    });
}

#[test]
fn frozen_statistics_are_constants() {
    each_case(|isa, case| {
        let c = case.bn.channels;
        let mut rng = Rng(77);
        let (mean, var) = (rng.guarded(c, 1.0, 2.0), rng.guarded(c, 1.0, 1.5));
        let p = Channels { mean: &mean, var: &var, gamma: &case.gamma, beta: &case.beta };
        let (wide_mean, wide_var) = (wide(&mean), wide(&var));
        for residual in [false, true] {
            let mut y = Guarded::output(case.len());
            case.bn.forward_frozen(isa, &case.x, residual.then_some(&case.residual), p, y.out());
            assert_close("y", y.written(), &case.forward(&wide_mean, &wide_var, residual));
            if !residual {
                let [dx, dgamma, dbeta] = case.backward(&case.gated(&y), &wide_mean, &wide_var, true);
                let (mut g, mut b) = (Guarded::output(c), Guarded::output(c));
                let mut dy = Guarded::new(&case.dy);
                case.bn.backward_frozen(isa, &case.x, p, &mut dy, Some([g.out(), b.out()]));
                assert_close("dx", &dy, &dx);
                assert_close_to("dgamma", g.written(), &dgamma, 1.0);
                assert_close_to("dbeta", b.written(), &dbeta, 1.0);
                let mut again = Guarded::new(&case.dy);
                case.bn.backward_frozen(isa, &case.x, p, &mut again, None);
                assert_eq!(&*again, &*dy);
            }
        }
    });
}

#[test]
fn gradient_agrees_with_finite_differences() {
    each_isa(|isa| {
        let mut case = Case::new([3, 2, 5], Linear, 5);
        let out = Forward::run(isa, &case, false);
        let (mut dgamma, mut dbeta) = (Guarded::output(2), Guarded::output(2));
        let mut dx = Guarded::output(case.len());
        case.bn.backward(isa, &case.x, out.channels(&case), &case.dy, dx.out(), dgamma.out(), dbeta.out());
        // The function whose gradient is asked for: y weighted by dy, in f64.
        let value = |case: &Case| {
            let (mean, var) = case.statistics();
            let y = case.forward(&mean, &var, false);
            y.iter().zip(case.dy.iter()).map(|(y, g)| y * f64::from(*g)).sum::<f64>()
        };
        for i in 0..case.len() {
            let x = case.x[i];
            let (low, high) = (x - 1e-2, x + 1e-2);
            case.x[i] = high;
            let above = value(&case);
            case.x[i] = low;
            let below = value(&case);
            case.x[i] = x;
            let slope = (above - below) / (f64::from(high) - f64::from(low));
            assert!((slope - f64::from(dx[i])).abs() < 1e-3, "{isa} dx[{i}]: {} or {slope}", dx[i]);
        }
    });
}

#[test]
fn a_large_mean_costs_no_precision() {
    each_isa(|isa| {
        let mut case = Case::new([4, 2, 3000], Linear, 6);
        case.x.iter_mut().for_each(|v| *v = 1000.0 + *v * 0.1);
        let (mean, var) = case.statistics();
        let out = Forward::run(isa, &case, false);
        for c in 0..2 {
            assert!((f64::from(out.var[c]) / var[c] - 1.0).abs() < 1e-5, "{isa}: {} or {}", out.var[c], var[c]);
            assert!((f64::from(out.mean[c]) - mean[c]).abs() < 1e-4);
        }
    });
}

#[test]
fn nan_stays_in_its_channel() {
    each_isa(|isa| {
        let mut case = Case::new([2, 3, 20], Relu, 7);
        case.x[25] = f32::NAN;
        let out = Forward::run(isa, &case, false);
        for (i, y) in out.y.iter().enumerate() {
            assert_eq!(y.is_nan(), case.channel(i) == 1, "{isa} y[{i}]");
        }
    });
}

#[test]
fn threads_do_not_matter() {
    for shape in [[8, 24, 900], [40, 100, 9]] {
        let case = Case::new(shape, Relu, 8);
        let (x, dy, gamma, beta) = (&*case.x, &*case.dy, &*case.gamma, &*case.beta);
        let bn = case.bn;
        assert_same_for_any_threads(|isa| {
            let (mut y, mut mean, mut var) =
                (Guarded::output(x.len()), Guarded::output(shape[1]), Guarded::output(shape[1]));
            bn.forward(isa, x, gamma, beta, y.out(), mean.out(), var.out());
            let (mut dgamma, mut dbeta) = (Guarded::output(shape[1]), Guarded::output(shape[1]));
            let mut dx = Guarded::output(x.len());
            let p = Channels { mean: &mean, var: &var, gamma, beta };
            bn.backward(isa, x, p, dy, dx.out(), dgamma.out(), dbeta.out());
            [y.written(), &mean, &var, dx.written(), &dgamma, &dbeta].concat()
        });
    }
}

#[test]
fn streaming_stores_write_the_same() {
    // Above the size from which outputs bypass the cache, with planes that are not whole cache lines.
    let case = Case::new([3, 16, 301 * 301], Relu, 9);
    each_isa(|isa| {
        let (mean, var) = case.statistics();
        let out = Forward::run(isa, &case, false);
        assert_close("y", out.y.written(), &case.forward(&mean, &var, false));
    });
}
