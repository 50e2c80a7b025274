//! Whose code computes, by the experiment's wish and the device.

use anyhow::{Result, bail};
use ferrotype_config::sections::{KernelBackend, Kernels, KernelsIsa};
use ferrotype_kernels::Isa;
use ferrotype_model::device::{DeviceName, Opened};
use ferrotype_ops::Compute;

/// The code that computes, by the experiment's wish and the device.
///
/// # Errors
/// When the processor lacks the instruction set asked for.
pub fn compute(kernels: &Kernels, device: &Opened) -> Result<Compute> {
    if device.name != DeviceName::Flex || kernels.backend == KernelBackend::Burn {
        return Ok(Compute::Burn);
    }
    let wanted = match kernels.isa {
        KernelsIsa::Auto => return Ok(Compute::Native(Isa::detect())),
        KernelsIsa::Avx512 => Isa::Avx512,
        KernelsIsa::Avx2 => Isa::Avx2,
        KernelsIsa::Portable => Isa::Portable,
    };
    if !Isa::available().contains(&wanted) {
        let sets: Vec<String> = Isa::available().iter().map(ToString::to_string).collect();
        bail!("kernels.isa asks for {wanted}, but this processor has {}", sets.join(", "));
    }
    Ok(Compute::Native(wanted))
}
