//! `ferrotype doctor`

mod machine;

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use super::say;
use ferrotype_model::device::DeviceName;
use ferrotype_run::provenance::processor;

/// Show what works on this machine, and what is slow and why: build, instruction sets, threads, memory, disk, ffmpeg, devices.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ferrotype doctor")]
pub struct DoctorCommand {}

impl DoctorCommand {
    /// Looks at everything and prints it.
    ///
    /// # Errors
    /// When the CPU device itself does not work.
    pub fn run(self) -> Result<()> {
        let commit = crate::COMMIT;
        say(format_args!("ferrotype {} (commit {commit}), Burn 0.22.1", env!("CARGO_PKG_VERSION")))?;
        say(format_args!("system     {} {}", std::env::consts::OS, std::env::consts::ARCH))?;
        say(format_args!("processor  {}", processor()))?;
        let findings = machine::findings(Path::new("."));
        for finding in &findings {
            say(format_args!("{:<10} {}", finding.name, finding.there))?;
        }
        say("devices")?;
        // A backend that does not work here may panic while it is opened; that is the answer, not a crash.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let states: Vec<_> = DeviceName::KINDS.into_iter().map(|d| (d, d.open().map(|_| ()))).collect();
        std::panic::set_hook(hook);
        for (device, state) in &states {
            let word = match (state, device.feature()) {
                (Ok(()), _) => "works".to_owned(),
                (Err(_), Some(feature)) if !device.is_compiled() => {
                    format!("not compiled in: cargo build --release --features {feature}")
                }
                (Err(_), _) => "compiled in, but does not work here".to_owned(),
            };
            say(format_args!("  {:<12} {word}", device.to_string()))?;
        }
        let hints: Vec<&String> = findings.iter().filter_map(|finding| finding.hint.as_ref()).collect();
        if !hints.is_empty() {
            say("what is slow or missing here")?;
            hints.into_iter().try_for_each(|hint| say(format_args!("  {hint}")))?;
        }
        match states.iter().find(|(d, _)| *d == DeviceName::Flex) {
            Some((_, Ok(()))) => Ok(()),
            _ => bail!("the CPU device does not work: please report this with the lines above"),
        }
    }
}
