//! `ferrotype doctor`

mod machine;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;

use super::say;
use ferrotype_model::device::DeviceName;
use ferrotype_run::program;
use ferrotype_run::provenance::processor;

/// Show what works on this machine, and what is slow and why: build, instruction sets, threads, memory, disk, ffmpeg, devices.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ferrotype doctor\n  ferrotype doctor --device cuda:1")]
pub struct DoctorCommand {
    /// Open this device alone and compute a little on it: ends with 0 where it works, as scripts can ask.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
}

impl DoctorCommand {
    /// Looks at everything and prints it.
    ///
    /// # Errors
    /// When the CPU device itself does not work.
    pub fn run(self) -> Result<()> {
        if let Some(device) = &self.device {
            let opened = device.parse::<DeviceName>()?.open()?;
            return say(format_args!("{} works", opened.name));
        }
        let commit = crate::COMMIT;
        say(format_args!("ferrotype {} (commit {commit}), Burn 0.22.1", env!("CARGO_PKG_VERSION")))?;
        say(format_args!("system     {} {}", std::env::consts::OS, std::env::consts::ARCH))?;
        say(format_args!("processor  {}", processor()))?;
        let findings = machine::findings(Path::new("."));
        for finding in &findings {
            say(format_args!("{:<10} {}", finding.name, finding.there))?;
        }
        say("devices")?;
        let states = DeviceName::KINDS.map(|device| (device, State::of(device)));
        for (device, state) in &states {
            say(format_args!("  {:<12} {}", device.to_string(), state.said(*device)))?;
        }
        let hints: Vec<&String> = findings.iter().filter_map(|finding| finding.hint.as_ref()).collect();
        if !hints.is_empty() {
            say("what is slow or missing here")?;
            hints.into_iter().try_for_each(|hint| say(format_args!("  {hint}")))?;
        }
        match states[0] {
            (DeviceName::Flex, State::Works) => Ok(()),
            _ => bail!("the CPU device does not work: please report this with the lines above"),
        }
    }
}

/// How a device is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Works,
    Absent,
    Fails,
    Crashes,
}

impl State {
    /// Asks another process: a driver that crashes takes its process along.
    fn of(device: DeviceName) -> Self {
        if device == DeviceName::Flex {
            return if device.open().is_ok() { Self::Works } else { Self::Fails };
        }
        if !device.is_compiled() {
            return Self::Absent;
        }
        let asked = program::words().ok().and_then(|words| {
            let (name, more) = words.split_first()?;
            let mut command = Command::new(name);
            command.args(more).args(["doctor", "--device", &device.to_string()]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()
        });
        match asked {
            Some(status) if status.success() => Self::Works,
            // Without a code it was killed by a signal.
            Some(status) if status.code().is_none() => Self::Crashes,
            _ => Self::Fails,
        }
    }

    fn said(self, device: DeviceName) -> String {
        match self {
            Self::Works => "works".into(),
            Self::Absent => {
                format!("not compiled in: cargo build --release --features {}", device.feature().unwrap_or_default())
            }
            Self::Fails => "compiled in, but does not work here".into(),
            Self::Crashes => "compiled in, but its driver crashes here: set `device` to another, not to auto".into(),
        }
    }
}
