//! Speed of the convolution kernels, in GF/s (forward / backward data / backward weight).
//!
//! ```text
//! cargo run --release -p ferrotype-kernels --example kernel_bench -- [--isa avx512] [--rounds 8] [--errors] [FILTER]
//! ```
//!
//! Times are minima over the rounds, of passes that write into warm memory; with one thread (`RAYON_NUM_THREADS=1`)
//! they are processor time, which a busy machine disturbs less. `--errors` prints the largest error
//! against an `f64` reference instead, scaled to the largest reference value.

#[path = "../tests/common/mod.rs"]
mod common;

use std::mem::MaybeUninit;

use common::*;
use ferrotype_kernels::{Activation, Conv2d, Gemm, Isa, Padding};

fn main() {
    let mut isa = Isa::detect();
    let (mut rounds, mut errors, mut filter) = (8, false, String::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--isa" => isa = args.next().and_then(|v| v.parse().ok()).expect("--isa avx512|avx2|portable"),
            "--rounds" => rounds = args.next().and_then(|v| v.parse().ok()).expect("--rounds N"),
            "--errors" => errors = true,
            other => filter = other.to_owned(),
        }
    }
    println!("{isa}, {} threads", rayon::current_num_threads());
    println!("{:<34} {:>9} {:>8} {:>8} {:>8}", "shape", "MF/pass", "fwd", "bwd-d", "bwd-w");
    for (name, c) in shapes().iter().filter(|(name, _)| name.contains(&filter)) {
        if errors { print_errors(isa, name, c) } else { print_speed(isa, name, c, rounds) }
    }
    if !errors && "linear".contains(&filter) {
        for (batch, from, to) in [(32, 4096, 1024), (32, 1024, 1024), (32, 1024, 8), (1, 4096, 1024), (512, 512, 512)] {
            print_linear(isa, batch, from, to, rounds);
        }
    }
}

/// The three products of a linear layer.
fn print_linear(isa: Isa, batch: usize, from: usize, to: usize, rounds: usize) {
    let mut rng = Rng(1);
    let plain = Gemm { m: batch, n: to, k: from, a_transposed: false, b_transposed: false };
    let data = Gemm { n: from, k: to, b_transposed: true, ..plain };
    let weight = Gemm { m: from, k: batch, a_transposed: true, ..plain };
    let [y, dx, dw] = [plain, data, weight].map(|g| {
        let (a, b, mut c) = (rng.vec(g.m * g.k), rng.vec(g.k * g.n), Output::new(g.m * g.n));
        let mut best = f64::MAX;
        for _ in 0..rounds {
            let start = now();
            g.run(isa, &a, &b, None, Activation::None, c.get());
            best = best.min(now() - start);
        }
        best
    });
    let flops = 2.0 * (batch * from * to) as f64;
    let [a, b, d] = [y, dx, dw].map(|t| flops / t / 1e9);
    let [t, u, v] = [y, dx, dw].map(|t| t * 1e3);
    let name = format!("linear {batch}: {from}->{to}");
    println!("{name:<34} {:>9.1} {a:>8.1} {b:>8.1} {d:>8.1}   {t:>7.3} {u:>7.3} {v:>7.3} ms", flops / 1e6);
}

/// Seconds of the wall clock, or of the processor if there is but one thread.
fn now() -> f64 {
    let clock = match rayon::current_num_threads() {
        1 => libc::CLOCK_PROCESS_CPUTIME_ID,
        _ => libc::CLOCK_MONOTONIC,
    };
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is there to be written.
    unsafe { libc::clock_gettime(clock, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

#[derive(Clone, Copy)]
#[repr(align(64))]
#[allow(dead_code)] // seen through a pointer only
struct Line([MaybeUninit<f32>; 16]);

/// An output on a cache line, as allocators for large blocks give it.
struct Output(Vec<Line>, usize);

impl Output {
    fn new(n: usize) -> Self {
        Self(vec![Line([MaybeUninit::new(0.0); 16]); n.div_ceil(16)], n)
    }

    fn get(&mut self) -> &mut [MaybeUninit<f32>] {
        // SAFETY: the lines hold at least so many floats.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.1) }
    }
}

fn print_speed(isa: Isa, name: &str, c: &Conv2d, rounds: usize) {
    let mut rng = Rng(1);
    let (x, w, dy) = (rng.vec(in_len(c)), rng.vec(weight_len(c)), rng.vec(out_len(c)));
    let bias = rng.vec(c.out_channels);
    let (mut y, mut dx) = (Output::new(dy.len()), Output::new(x.len()));
    let (mut dw, mut db) = (uninit(w.len()), uninit(bias.len()));
    let flops = 2.0 * out_len(c) as f64 * (weight_len(c) / c.out_channels) as f64;
    let mut best = [f64::MAX; 3];
    for _ in 0..rounds {
        let mut time = |i: usize, f: &mut dyn FnMut()| {
            let start = now();
            f();
            best[i] = best[i].min(now() - start);
        };
        time(0, &mut || c.forward(isa, &x, &w, Some(&bias), Activation::Relu, y.get()));
        time(1, &mut || c.backward_data(isa, &dy, &w, dx.get()));
        time(2, &mut || c.backward_weight(isa, &x, &dy, &mut dw, Some(&mut db)));
    }
    let mut fused = f64::MAX;
    if c.fuses_backward() {
        for _ in 0..rounds {
            let start = now();
            c.backward_depthwise(isa, &x, &dy, &w, dx.get(), &mut dw, Some(&mut db));
            fused = fused.min(now() - start);
        }
    }
    let [a, b, d] = best.map(|t| flops / t / 1e9);
    let [t, u, v] = best.map(|t| t * 1e3);
    print!("{name:<34} {:>9.1} {a:>8.1} {b:>8.1} {d:>8.1}   {t:>7.3} {u:>7.3} {v:>7.3} ms", flops / 1e6);
    if c.fuses_backward() { println!(", both backward {:.3} ms", fused * 1e3) } else { println!() }
}

fn print_errors(isa: Isa, name: &str, c: &Conv2d) {
    let c = Conv2d { batch: c.batch.min(2), ..*c };
    let mut rng = Rng(1);
    let (x, w, dy) = (rng.vec(in_len(&c)), rng.vec(weight_len(&c)), rng.vec(out_len(&c)));
    let y = error(
        &forward(&c, isa, &x, &w, None, Activation::None),
        &reference_forward(&c, &x, &w, None, Activation::None),
    );
    let dx = error(&backward_data(&c, isa, &dy, &w), &reference_backward_data(&c, &dy, &w));
    let dw = error(&backward_weight(&c, isa, &x, &dy).0, &reference_backward_weight(&c, &x, &dy).0);
    println!("{name:<34} {:>9} {y:>8.1e} {dx:>8.1e} {dw:>8.1e}", "");
}

fn shapes() -> Vec<(String, Conv2d)> {
    let mut all = Vec::new();
    let mut add = |net: &str, c: Conv2d| {
        let kind = if c.groups > 1 { "dw" } else { "" };
        let [k, s] = [c.kernel[0], c.stride[0]];
        let name = format!("{net} {}: {}->{} {k}x{k}{kind}/{s} @{}", c.batch, c.in_channels, c.out_channels, c.width);
        all.push((name, c));
    };
    let depthwise = |b, ch, size, stride, pad| Conv2d { groups: ch, ..square(b, ch, ch, size, 3, stride, pad) };
    let after = Padding { bottom: 1, right: 1, ..Padding::default() };

    let vgg = [(1, 64, 64), (64, 64, 64), (64, 128, 32), (128, 128, 32), (128, 256, 16), (256, 256, 16), (256, 256, 8)];
    for (ci, co, size) in vgg {
        add("vgg", square(32, ci, co, size, 3, 1, 1));
    }
    add("vgg", square(1, 64, 64, 64, 3, 1, 1));
    add("vgg", square(1, 256, 256, 8, 3, 1, 1));
    for (ci, co, size, s) in [(64, 64, 48, 1), (64, 128, 48, 2), (256, 256, 12, 1), (256, 512, 12, 2), (512, 512, 6, 1)]
    {
        add("resnet", square(64, ci, co, size, 3, s, 1));
    }
    add("resnet", square(64, 64, 128, 48, 1, 2, 0));
    add("resnet", square(64, 256, 512, 12, 1, 2, 0));
    add("emopy", square(32, 1, 32, 64, 4, 1, 0));
    for size in [61, 30, 15] {
        let padding = Padding { top: 1, bottom: 2, left: 1, right: 2 };
        add("emopy", Conv2d { padding, ..square(32, 32, 32, size, 4, 1, 0) });
    }
    add("mini", square(64, 1, 8, 64, 3, 1, 0));
    add("mini", square(64, 8, 8, 62, 3, 1, 0));
    add("mini", square(64, 8, 16, 60, 1, 2, 0));
    for (ci, co, size) in [(8, 16, 60), (16, 32, 30), (32, 64, 15), (64, 128, 8)] {
        add("mini", square(64, ci, co, size, 1, 1, 0));
        add("mini", depthwise(64, co, size, 1, 1));
    }
    add("mini", square(64, 128, 7, 4, 3, 1, 1));
    for (ci, co, size) in [(32, 64, 64), (64, 128, 32), (256, 512, 8)] {
        add("dwnet", square(64, ci, co, size, 1, 1, 0));
    }
    for (ch, size, s) in [(64, 64, 1), (128, 32, 1), (512, 8, 1), (64, 64, 2), (128, 32, 2), (256, 16, 2)] {
        add("dwnet", depthwise(64, ch, size, s, 1));
    }
    add("mobile", square(32, 48, 16, 24, 1, 1, 0));
    add("mobile", square(32, 112, 336, 3, 1, 1, 0));
    add("mobile", square(32, 112, 1280, 2, 1, 1, 0));
    add("mobile", Conv2d { padding: after, ..depthwise(32, 48, 48, 2, 0) });
    add("mobile", depthwise(32, 336, 3, 1, 1));
    for (b, ci, co, size) in [(1, 16, 48, 12), (1, 112, 336, 3)] {
        add("single", square(b, ci, co, size, 1, 1, 0));
        add("single", depthwise(b, co, size, 1, 1));
        add("single", square(b, ci, co, size, 3, 2, 1));
        add("single", square(b, ci, co, size, 3, 1, 1));
    }
    add("single", square(1, 1, 32, 64, 3, 1, 1));
    add("micro", square(32, 1, 16, 84, 8, 2, 3));
    add("micro", Conv2d { padding: Padding::default(), ..square(32, 16, 32, 39, 4, 2, 0) });
    // where Winograd begins to pay: the same work with and without padding, which only the direct kernels do
    for (ci, co, size) in [(3, 64, 32), (8, 8, 32), (8, 32, 32), (16, 16, 32), (32, 8, 32), (32, 32, 32), (32, 32, 8)] {
        add("cross", square(32, ci, co, size, 3, 1, 1));
        add("cross", square(32, ci, co, size + 2, 3, 1, 0));
    }
    for (k, ch) in [(4, 8), (4, 16), (4, 64), (5, 8), (5, 16), (5, 32), (5, 64)] {
        add("cross", square(32, ch, ch, 30, k, 1, 1));
        // the direct kernels do whatever is not square
        let c = square(32, ch, ch, 30, k, 1, 1);
        add("cross", Conv2d { kernel: [k, k + 1], width: 31, ..c });
    }
    for (b, ch, size) in [(1, 32, 16), (1, 64, 8), (4, 64, 8), (1, 128, 8), (8, 128, 4), (1, 512, 4), (8, 512, 4)] {
        add("cross", square(b, ch, ch, size, 3, 1, 1));
        add("cross", square(b, ch, ch, size + 2, 3, 1, 0));
    }
    add("table", square(64, 1, 32, 64, 3, 1, 1));
    add("table", square(64, 3, 32, 64, 3, 2, 1));
    add("table", square(32, 512, 512, 4, 3, 1, 1));
    all
}
