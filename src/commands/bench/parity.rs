//! `ferrotype bench parity`: whether a device computes what the CPU computes.

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;

use super::at_least_one;
use crate::bench::parity::{LayerParity, NetworkParity, Side, layer, network};
use crate::commands::say;
use crate::config::{KernelBackend, Kernels, KernelsIsa};
use crate::systems::pool::in_pool;
use ferrotype_expressions::compute::compute;
use ferrotype_model::device::DeviceName;
use ferrotype_model::samples::SAMPLES;

/// Compare a device with the CPU's native kernels: every kind of layer, and networks in training.
///
/// Both sides have the same seed, so the same weights, pictures and dropout masks; what differs is rounding, which
/// grows as networks train.
#[derive(Clone, Debug, Args)]
pub struct ParityCommand {
    /// The device that is compared.
    #[arg(long, default_value = "auto")]
    device: String,
    /// Whose operations compute on it, where it is the CPU.
    #[arg(long, value_enum, default_value_t = KernelBackend::Burn)]
    kernels: KernelBackend,
    /// Networks of the zoo that are trained on both sides; `none` for layers alone.
    #[arg(long, value_delimiter = ',', value_name = "NAMES",
          default_values_t = ["mini_xception", "micro_exp_net", "ststnet", "emopy_cnn"].map(String::from))]
    models: Vec<String>,
    /// Pictures per batch.
    #[arg(long, default_value_t = 8, value_parser = at_least_one())]
    batch: usize,
    /// Steps of training; the loss is compared after 1, 10, 100 and the last of them.
    #[arg(long, default_value_t = 100, value_parser = at_least_one())]
    steps: usize,
    /// The largest relative difference of a layer's output, gradients and running statistics.
    #[arg(long, default_value_t = 1e-3)]
    tolerance: f64,
    /// Print one JSON object per line.
    #[arg(long)]
    json: bool,
}

impl ParityCommand {
    /// Compares, and prints two tables.
    ///
    /// # Errors
    /// When a device does not work, a layer is further away than the tolerance, or weights are not the same.
    pub fn run(&self) -> Result<()> {
        in_pool(0, |_| self.compare())
    }

    fn compare(&self) -> Result<()> {
        let kernels = |backend| Kernels { backend, isa: KernelsIsa::Auto };
        let cpu = DeviceName::Flex.open()?;
        let reference = Side { compute: compute(&kernels(KernelBackend::Native), &cpu)?, device: cpu.device.clone() };
        let opened = self.device.parse::<DeviceName>()?.open()?;
        let side = Side { compute: compute(&kernels(self.kernels), &opened)?, device: opened.device.clone() };
        if !self.json {
            say(format_args!("{}, {}, beside flex, {}\n", opened.name, side.compute, reference.compute))?;
            say(format_args!("{:<22} {:>10} {:>10} {:>10}", "layer", "output", "gradients", "statistics"))?;
        }
        let mut far = Vec::new();
        for (name, _) in SAMPLES {
            let parity = layer(name, &reference, &side)?;
            self.say_layer(&parity)?;
            if parity.largest() > self.tolerance {
                far.push(name);
            }
        }
        let marks = self.marks();
        let models: Vec<&String> = self.models.iter().filter(|name| *name != "none").collect();
        if !self.json && !models.is_empty() {
            let steps: String = marks.iter().map(|step| format!(" {:>10}", format!("loss {step}"))).collect();
            say(format_args!("\n{:<22} {:>10} {:>10}{steps}", "network", "weights", "logits"))?;
        }
        let mut other = Vec::new();
        for name in models {
            let parity = network(name, self.batch, &marks, &reference, &side)?;
            self.say_network(&parity)?;
            if !parity.same_weights {
                other.push(name.as_str());
            }
        }
        ensure!(
            far.is_empty(),
            "{} computes these layers further than {} from the CPU: {}",
            opened.name,
            self.tolerance,
            far.join(", ")
        );
        ensure!(other.is_empty(), "the same seed gives other weights on {}: {}", opened.name, other.join(", "));
        Ok(())
    }

    fn marks(&self) -> Vec<usize> {
        let mut marks: Vec<usize> = [1, 10, 100].into_iter().filter(|&mark| mark < self.steps).collect();
        marks.push(self.steps);
        marks
    }

    fn say_layer(&self, p: &LayerParity) -> Result<()> {
        if self.json {
            return say(json!(p));
        }
        say(format_args!("{:<22} {:>10.1e} {:>10.1e} {:>10.1e}", p.layer, p.output, p.gradients, p.statistics))
    }

    fn say_network(&self, p: &NetworkParity) -> Result<()> {
        if self.json {
            return say(json!(p));
        }
        let losses: String = p.losses.iter().map(|(_, apart)| format!(" {apart:>10.1e}")).collect();
        let weights = if p.same_weights { "the same" } else { "others" };
        say(format_args!("{:<22} {weights:>10} {:>10.1e}{losses}", p.model, p.logits))
    }
}
