//! Prints the speed of the element-wise, pooling, loss and optimizer kernels.
//!
//! `cargo run --release -p ferrotype-kernels --example bench_ops [-- FILTER [ISA]]`. GB/s counts each operand once
//! per call, as often as the kernel must touch it at least.

use std::mem::MaybeUninit;
use std::time::Instant;

use ferrotype_kernels::{Activation, BatchNorm, Channels, Isa, activation};

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
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            f();
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{name:<44} {:>9.3} ms {:>8.1} GB/s", best * 1e3, floats as f64 * 4.0 / best / 1e9);
    }
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
    for shape in [[32, 64, 64], [32, 256, 16], [32, 512, 4], [64, 96, 7]] {
        batch_norm(&bench, shape);
        element_wise(&bench, shape);
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
