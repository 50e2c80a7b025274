//! Which GPUs the runs of an experiment may be given, each one of its own.

use anyhow::{Result, bail};
use ferrotype_model::device::DeviceName;
use ferrotype_sweep::slots::{Gpus, Machine};

/// The first of each kind of GPU that has numbers.
const NUMBERED: [DeviceName; 3] = [DeviceName::Cuda(0), DeviceName::Rocm(0), DeviceName::TchCuda(0)];

/// Whether a process with this device computes on the first GPU that it sees, and so on the one that it is given.
pub fn takes_gpu(device: DeviceName) -> bool {
    match device {
        DeviceName::Auto => NUMBERED.into_iter().any(DeviceName::is_compiled),
        named => NUMBERED.contains(&named),
    }
}

/// The GPUs to be divided among runs with this device: those that are named, else those that the machine has; none for
/// devices that are no GPUs, and for an experiment that names another than the first.
///
/// # Errors
/// When GPUs are named for runs that take none.
pub fn gpus(device: DeviceName, named: Option<&[String]>, machine: &dyn Machine) -> Result<Gpus> {
    match (takes_gpu(device), named) {
        (true, Some(names)) => Gpus::named(names),
        (true, None) => Ok(Gpus::of(machine)),
        (false, None) => Ok(Gpus::none()),
        (false, Some(_)) => match device {
            _ if device.is_numbered() => bail!(
                "--devices gives each run a GPU of its own, but the experiment names one for all: device: {device}; say \
                 --set device=cuda"
            ),
            _ => bail!("--devices names GPUs, but the experiment is not trained on one: device: {device}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Four;

    impl Machine for Four {
        fn variable(&self, _: &str) -> Option<String> {
            None
        }

        fn list(&self) -> Option<String> {
            None
        }

        fn driven(&self) -> usize {
            4
        }
    }

    #[test]
    fn only_runs_on_the_first_gpu_are_given_one() {
        let given = |device: &str| gpus(device.parse().unwrap(), None, &Four).unwrap().names().len();
        assert_eq!(["cuda", "cuda:0", "tch-cuda"].map(given), [4; 3]);
        assert_eq!(["flex", "tch", "wgpu", "cuda:2", "tch-cuda:1"].map(given), [0; 5]);
        let compiled = cfg!(any(feature = "cuda", feature = "rocm", feature = "tch"));
        assert_eq!(given("auto"), if compiled { 4 } else { 0 });
        let names = ["5".to_owned(), "7".to_owned()];
        assert_eq!(gpus(DeviceName::Cuda(0), Some(&names), &Four).unwrap().names(), names);
        let refused = |device| gpus(device, Some(&names), &Four).unwrap_err().to_string();
        assert!(refused(DeviceName::Flex).contains("device: flex"));
        assert!(refused(DeviceName::Cuda(2)).contains("--set device=cuda"));
    }
}
