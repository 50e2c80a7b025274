//! Sections that the experiments of all systems have.

use ferrotype_base::problems::Problems;
use ferrotype_evaluation::metrics;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MAX_THREADS: usize = 1024;

/// The device's name, checked when it is opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Device(pub String);

impl Default for Device {
    fn default() -> Self {
        Self("auto".into())
    }
}

/// Which CPU kernels compute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kernels {
    /// Ferrotype's own kernels, or Burn's standard operations.
    pub backend: KernelBackend,
    /// The instruction set of the native kernels. Bits differ between them, so a resumed run keeps its own.
    pub isa: KernelsIsa,
}

/// Whose operations compute on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KernelBackend {
    /// Ferrotype's kernels (on the `flex` device; other devices always use Burn's operations).
    #[default]
    Native,
    /// Burn's standard operations.
    Burn,
}

/// The instruction set of the native kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KernelsIsa {
    /// The best that this processor has.
    #[default]
    Auto,
    /// AVX-512.
    Avx512,
    /// AVX2 with FMA.
    Avx2,
    /// What the compiler makes of plain Rust.
    Portable,
}

/// What is exported after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Write and verify `model.onnx`.
    pub onnx: bool,
    /// Largest allowed logit difference between the ONNX graph and the model, relative to the range of the logits.
    pub tolerance: f64,
}

impl Default for Export {
    fn default() -> Self {
        Self { onnx: true, tolerance: 1e-4 }
    }
}

/// A published or earlier figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The metric, as `metrics.json` names it: `accuracy`, `uar`, ...
    pub metric: String,
    /// Its value, 0 to 1.
    pub value: f64,
    /// Points (0 to 1) that a run may differ by and still count as reproduced.
    #[serde(default)]
    pub tolerance: f64,
    /// Where the figure comes from.
    pub source: String,
    /// How the figure was selected or what makes it not comparable, if anything.
    #[serde(default)]
    pub note: String,
    /// Expected time, with the hardware it was seen on.
    #[serde(default)]
    pub time: String,
}

/// What stands at the top of every system's experiment.
pub fn general(p: &mut Problems, name: &str, device: &Device, threads: usize) {
    let expected = "letters, digits, `-`, `_` and `.`, not beginning with `.`";
    p.check("name", name, is_name(name), expected);
    let expected = "auto, flex, cuda, cuda:N, rocm, rocm:N, tch, tch-cuda, tch-cuda:N, metal, vulkan or wgpu";
    p.check("device", &device.0, is_device(&device.0), expected);
    p.up_to("threads", threads, 0, MAX_THREADS);
}

/// Impossible values of the section `expect`.
pub fn expect(p: &mut Problems, expect: &Expect, heads: &[&str]) {
    metrics::check_of_heads(p, "expect.metric", &expect.metric, heads);
    let metric = expect.metric.rsplit_once('.').map_or(expect.metric.as_str(), |(_, metric)| metric);
    let unbounded =
        matches!(metric, "loss" | "log_loss" | "kl_votes" | "kappa" | "ccc" | "pcc" | "icc" | "rmse" | "mae");
    if unbounded {
        p.range("expect.value", expect.value, true, "a finite number");
    } else {
        p.fraction("expect.value", expect.value);
    }
    p.fraction("expect.tolerance", expect.tolerance);
    p.check("expect.source", &expect.source, !expect.source.trim().is_empty(), "where the figure comes from");
}

/// A run folder's name is made of it, on any file system.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(allowed)
}

fn is_device(name: &str) -> bool {
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => (kind, Some(index)),
        None => (name, None),
    };
    let index_ok = index.is_none_or(|index| index.parse::<u16>().is_ok_and(|n| n.to_string() == index));
    match kind {
        "auto" | "flex" | "tch" | "metal" | "vulkan" | "wgpu" => index.is_none(),
        "cuda" | "rocm" | "tch-cuda" => index_ok,
        _ => false,
    }
}
