//! Prints the speed of the element-wise, pooling, loss and optimizer kernels.
//!
//! `cargo run --release -p ferrotype-kernels --example bench_ops [-- FILTER [ISA]]`. GB/s counts each operand once
//! per call, as often as the kernel must touch it at least.

use std::mem::MaybeUninit;
use std::time::Instant;

use ferrotype_kernels::optim::{Adam, AdamEpsilon, Gain, Momentum, Sgd, WeightDecay, axpby, sum_squares};
use ferrotype_kernels::pool::{Pool2d, global_average_backward, global_average_forward};
use ferrotype_kernels::{Activation, BatchNorm, Channels, Isa, Padding, activation, dropout, loss, reduce};

/// Rounds per kernel; the best one counts.
const ROUNDS: usize = 15;

struct Bench {
    filter: String,
    isa: Isa,
}

impl Bench {
    /// Times `f`, which must touch `floats` values of four bytes.
    fn run(&self, name: &str, floats: usize, mut f: impl FnMut()) {
        if !name.contains(&self.filter) {
            return;
        }
        let (mut best, mut cpu) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            let (start, before) = (Instant::now(), cpu_time());
            f();
            best = best.min(start.elapsed().as_secs_f64());
            cpu = cpu.min(cpu_time() - before);
        }
        let rate = |time: f64| floats as f64 * 4.0 / time / 1e9;
        let (ms, cpu_ms) = (best * 1e3, cpu * 1e3);
        println!("{name:<44} {ms:>9.3} ms {:>7.1} GB/s   cpu {cpu_ms:>9.3} ms {:>6.1} GB/s", rate(best), rate(cpu));
    }
}

/// Processor time of all threads, in seconds: steadier than the clock where other programs run.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time` alone.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn values(len: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn output(len: usize) -> Vec<MaybeUninit<f32>> {
    vec![MaybeUninit::new(0.0); len]
}

fn main() {
    let mut args = std::env::args().skip(1);
    let filter = args.next().unwrap_or_default();
    let isa = args.next().map_or_else(Isa::detect, |s| s.parse().expect("an instruction set"));
    println!("{isa}, {} threads", rayon::current_num_threads());
    let bench = Bench { filter, isa };
    for shape in [[32, 64, 64], [32, 256, 16], [32, 512, 4], [64, 96, 7], [224, 16, 30]] {
        batch_norm(&bench, shape);
        element_wise(&bench, shape);
        pooling(&bench, shape);
        reductions(&bench, shape);
    }
    for len in [100_000, 8 << 20] {
        optimizers(&bench, len);
        drop_out(&bench, len);
    }
    for shape in [[64, 7], [4096, 10], [256, 1000]] {
        losses(&bench, shape);
    }
}

fn batch_norm(bench: &Bench, [n, c, side]: [usize; 3]) {
    let isa = bench.isa;
    let bn = BatchNorm { batch: n, channels: c, spatial: side * side, eps: 1e-5, act: Activation::Relu };
    let len = n * c * side * side;
    let (x, mut dy, mut y) = (values(len), values(len), output(len));
    let (mut mean, mut var) = (output(c), output(c));
    let ones = vec![1.0; c];
    let shape = format!("[{n}, {c}, {side}, {side}]");
    bench.run(&format!("bn relu forward {shape}"), 2 * len, || {
        bn.forward(isa, &x, &ones, &ones, &mut y, &mut mean, &mut var);
    });
    let p = Channels { mean: &vec![0.0; c], var: &ones, gamma: &ones, beta: &ones };
    bench.run(&format!("bn relu frozen {shape}"), 2 * len, || bn.forward_frozen(isa, &x, None, p, &mut y));
    bench.run(&format!("bn relu backward in place {shape}"), 3 * len, || {
        bn.backward_in_place(isa, &x, p, &mut dy, &mut mean, &mut var);
    });
    bench.run(&format!("bn relu backward {shape}"), 3 * len, || {
        bn.backward(isa, &x, p, &dy, &mut y, &mut mean, &mut var);
    });
}

fn element_wise(bench: &Bench, [n, c, side]: [usize; 3]) {
    let isa = bench.isa;
    let len = n * c * side * side;
    let (x, mut dy, mut y) = (values(len), values(len), output(len));
    let shape = format!("[{n}, {c}, {side}, {side}]");
    bench.run(&format!("relu forward {shape}"), 2 * len, || activation::forward(isa, Activation::Relu, &x, &mut y));
    bench.run(&format!("relu backward {shape}"), 3 * len, || {
        activation::backward(isa, Activation::Relu, &x, &mut dy);
    });
    bench.run(&format!("add relu {shape}"), 3 * len, || {
        activation::add_forward(isa, Activation::Relu, &x, &dy, &mut y);
    });
    bench.run(&format!("sigmoid {shape}"), 2 * len, || activation::sigmoid_forward(isa, &x, &mut y));
    bench.run(&format!("tanh {shape}"), 2 * len, || activation::tanh_forward(isa, &x, &mut y));
}

fn pooling(bench: &Bench, [n, c, side]: [usize; 3]) {
    let isa = bench.isa;
    let one = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    for (name, kernel, stride, padding) in
        [("2x2/2", 2, 2, Padding::default()), ("3x3/2", 3, 2, one), ("3x3/1", 3, 1, one), ("3x3/3", 3, 3, one)]
    {
        let (kernel, stride) = ([kernel; 2], [stride; 2]);
        let p = Pool2d { batch: n, channels: c, height: side, width: side, kernel, stride, padding };
        let (len, out) = (n * c * side * side, n * c * p.out_height() * p.out_width());
        let (x, mut y, dy, mut dx) = (values(len), output(out), values(out), output(len));
        let mut index = vec![MaybeUninit::new(0u8); out];
        let shape = format!("{name} [{n}, {c}, {side}, {side}]");
        bench.run(&format!("max pool {shape}"), len + out * 5 / 4, || p.max_forward(isa, &x, &mut y, &mut index));
        let mut place = vec![MaybeUninit::new(0u8); out];
        p.max_forward(isa, &x, &mut y, &mut place);
        // SAFETY: just written.
        let place: Vec<u8> = place.iter().map(|v| unsafe { v.assume_init() }).collect();
        bench.run(&format!("max pool backward {shape}"), len + out * 5 / 4, || {
            p.max_backward(isa, &dy, &place, &mut dx);
        });
        bench.run(&format!("average pool {shape}"), len + out, || p.average_forward(isa, false, &x, &mut y));
        bench.run(&format!("average pool backward {shape}"), len + out, || {
            p.average_backward(isa, false, &dy, &mut dx);
        });
    }
}

fn reductions(bench: &Bench, [n, c, side]: [usize; 3]) {
    let isa = bench.isa;
    let (spatial, len) = (side * side, n * c * side * side);
    let (x, mut y, mut sums, means) = (values(len), output(len), output(n * c), values(n * c));
    let shape = format!("[{n}, {c}, {side}, {side}]");
    bench.run(&format!("channel sums {shape}"), len, || {
        reduce::channel_sums(isa, [n, c, spatial], &x, &mut sums[..c]);
    });
    bench.run(&format!("row sums {shape}"), len, || {
        reduce::row_sums(isa, [n, c * spatial], &x, &mut y[..c * spatial]);
    });
    bench.run(&format!("global average {shape}"), len, || global_average_forward(isa, spatial, &x, &mut sums));
    bench.run(&format!("global average backward {shape}"), len, || {
        global_average_backward(isa, spatial, &means, &mut y);
    });
}

fn optimizers(bench: &Bench, len: usize) {
    let isa = bench.isa;
    let (grad, mut param, mut m, mut v) = (values(len), values(len), vec![0.0; len], vec![0.0; len]);
    let decay = WeightDecay::Coupled(1e-4);
    let momentum = Some(Momentum { factor: 0.9, gain: Gain::Full, nesterov: true });
    let sgd = Sgd { lr: 0.1, momentum, decay, grad_scale: 0.5 };
    bench.run(&format!("sgd with momentum [{len}]"), 5 * len, || sgd.step(isa, &mut param, &grad, Some(&mut m)));
    let (lr, eps, epsilon) = (0.1, 1e-8, AdamEpsilon::Corrected);
    let adam = Adam { lr, beta1: 0.9, beta2: 0.999, eps, epsilon, decay, grad_scale: 0.5 };
    bench.run(&format!("adam [{len}]"), 7 * len, || adam.step(isa, 1, &mut param, &grad, &mut m, &mut v));
    bench.run(&format!("sum of squares [{len}]"), len, || {
        std::hint::black_box(sum_squares(isa, &grad));
    });
    bench.run(&format!("axpby [{len}]"), 3 * len, || axpby(isa, 0.1, &grad, 0.9, &mut param));
}

fn drop_out(bench: &Bench, len: usize) {
    let isa = bench.isa;
    let (x, mut y, mut dy) = (values(len), output(len), values(len));
    bench.run(&format!("dropout [{len}]"), 2 * len, || dropout::forward(isa, 1, 0.5, &x, &mut y));
    bench.run(&format!("dropout in place [{len}]"), 2 * len, || dropout::in_place(isa, 1, 0.5, &mut dy));
    bench.run(&format!("dropout mask [{len}]"), len, || dropout::mask(isa, 1, 0.5, &mut y));
}

fn losses(bench: &Bench, [n, c]: [usize; 2]) {
    let (x, t, mut y, mut dx) = (values(n * c), values(n * c), output(n), output(n * c));
    bench.run(&format!("softmax cross-entropy [{n}, {c}]"), 3 * n * c, || {
        loss::softmax_cross_entropy(bench.isa, [n, c], &x, &t, None, 1.0, &mut y, &mut dx);
    });
}
