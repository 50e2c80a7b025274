//! What each of several jobs on one machine gets of it: a GPU of its own, as far as there are enough, and its share of the
//! cores.
//!
//! A job is a process. Its GPU is the only one that it sees (`CUDA_VISIBLE_DEVICES`), and therefore its `cuda:0`. Which
//! GPUs may be given away is said by whoever started this program: `CUDA_VISIBLE_DEVICES` of the user or of Slurm holds;
//! where it is not set, all GPUs of the machine may.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

/// The variable by which CUDA is told which GPUs there are, in the order of their numbers.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// The variable by which CUDA is told how to number them. By default the fastest comes first; `nvidia-smi` goes by the bus.
const ORDER: &str = "CUDA_DEVICE_ORDER";

/// What a machine says of its GPUs.
pub trait Machine {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// What `nvidia-smi -L` prints; none where it cannot be run.
    fn list(&self) -> Option<String>;

    /// How many GPUs the driver has; 0 where there is none.
    fn driven(&self) -> usize;
}

/// The machine that this program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn list(&self) -> Option<String> {
        let output = Command::new("nvidia-smi").arg("-L").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn driven(&self) -> usize {
        std::fs::read_dir(Path::new("/proc/driver/nvidia/gpus")).map_or(0, |entries| entries.flatten().count())
    }
}

/// The GPUs that may be given to jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gpus {
    /// As `CUDA_VISIBLE_DEVICES` names them: numbers, or UUIDs of GPUs or of their parts (MIG).
    names: Vec<String>,
    /// Whether the numbers are those of `nvidia-smi`, which CUDA has to be told.
    by_bus: bool,
}

impl Gpus {
    /// None: jobs see what this program sees.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those that the user names.
    ///
    /// # Errors
    /// For a name that is none, or stands twice.
    pub fn named(names: &[String]) -> Result<Self> {
        let mut seen = BTreeSet::new();
        for name in names {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '_');
            ensure!(
                !name.is_empty() && name.chars().all(is_name) && !name.starts_with('-'),
                "--devices: `{name}` is no GPU; expected numbers as `nvidia-smi -L` shows them, or UUIDs: 0,1,2,3"
            );
            ensure!(seen.insert(name), "--devices: the GPU {name} stands twice; more jobs than GPUs share them anyway");
        }
        Ok(Self { names: names.to_vec(), by_bus: true })
    }

    /// Those that this program may use: what `CUDA_VISIBLE_DEVICES` says, else all of the machine.
    pub fn of(machine: &dyn Machine) -> Self {
        if let Some(visible) = machine.variable(VISIBLE) {
            return Self { names: visible_names(&visible), by_bus: false };
        }
        let names = match machine.list().map(|text| listed(&text)) {
            Some(names) if !names.is_empty() => names,
            _ => (0..machine.driven()).map(|n| n.to_string()).collect(),
        };
        let by_bus = machine.variable(ORDER).is_none();
        Self { names, by_bus }
    }

    /// Their names.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// The names in the variable. As CUDA reads it: what follows a name that is none does not count.
fn visible_names(text: &str) -> Vec<String> {
    let is_name = |name: &&str| !name.is_empty() && !name.starts_with('-') && *name != "NoDevFiles";
    text.split(',').map(str::trim).take_while(is_name).map(str::to_owned).collect()
}

/// The GPUs in what `nvidia-smi -L` prints: by number, or by UUID of its parts where a GPU is divided (MIG).
fn listed(text: &str) -> Vec<String> {
    let mut gpus: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        let uuid = line.split_once("(UUID: ").and_then(|(_, rest)| rest.split_once(')')).map(|(uuid, _)| uuid.trim());
        let words = line.trim_start();
        if let Some((number, _)) = words.strip_prefix("GPU ").and_then(|rest| rest.split_once(':')) {
            if number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty() {
                gpus.push((number.to_owned(), Vec::new()));
            }
        } else if let (true, Some(uuid), Some((_, parts))) = (words.starts_with("MIG "), uuid, gpus.last_mut()) {
            parts.push(uuid.to_owned());
        }
    }
    gpus.into_iter().flat_map(|(number, parts)| if parts.is_empty() { vec![number] } else { parts }).collect()
}

/// What one job gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// CPU threads.
    pub threads: usize,
    /// Its GPU; none where it sees what this program sees.
    pub gpu: Option<String>,
    by_bus: bool,
}

impl Slot {
    /// The variables of a process in this slot. `on_gpu` says whether it computes on a GPU at all: of others none is set.
    pub fn environment(&self, on_gpu: bool) -> Vec<(&'static str, String)> {
        let Some(gpu) = self.gpu.as_ref().filter(|_| on_gpu) else { return Vec::new() };
        let order = self.by_bus.then(|| (ORDER, "PCI_BUS_ID".to_owned()));
        [(VISIBLE, gpu.clone())].into_iter().chain(order).collect()
    }
}

/// Divides a machine among jobs: GPUs in turn, each job one of them, and cores evenly, at least one each.
pub fn divide(jobs: usize, cores: usize, gpus: &Gpus) -> Vec<Slot> {
    let share = |job: usize| (cores / jobs + usize::from(job < cores % jobs)).max(1);
    let gpu = |job: usize| (!gpus.names.is_empty()).then(|| gpus.names[job % gpus.names.len()].clone());
    (0..jobs).map(|job| Slot { threads: share(job), gpu: gpu(job), by_bus: gpus.by_bus }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Fake {
        visible: Option<&'static str>,
        order: Option<&'static str>,
        list: Option<&'static str>,
        driven: usize,
    }

    impl Machine for Fake {
        fn variable(&self, name: &str) -> Option<String> {
            let value = if name == VISIBLE { self.visible } else { self.order };
            value.map(str::to_owned)
        }

        fn list(&self) -> Option<String> {
            self.list.map(str::to_owned)
        }

        fn driven(&self) -> usize {
            self.driven
        }
    }

    const FOUR: &str = "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5f1a)\nGPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-77b2)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-0c0c)\nGPU 3: NVIDIA A100-SXM4-40GB (UUID: GPU-9d3e)\n";

    const DIVIDED: &str = "GPU 0: NVIDIA A100-PCIE-40GB (UUID: GPU-5f1a)
  MIG 3g.20gb     Device  0: (UUID: MIG-aa-1)
  MIG 3g.20gb     Device  1: (UUID: MIG-aa-2)
GPU 1: NVIDIA A100-PCIE-40GB (UUID: GPU-77b2)\n";

    fn names(machine: &Fake) -> Vec<String> {
        Gpus::of(machine).names
    }

    #[test]
    fn gpus_are_found_by_what_the_machine_says() {
        assert_eq!(names(&Fake { list: Some(FOUR), ..Fake::default() }), ["0", "1", "2", "3"]);
        assert_eq!(names(&Fake { list: Some(DIVIDED), ..Fake::default() }), ["MIG-aa-1", "MIG-aa-2", "1"]);
        assert_eq!(names(&Fake { driven: 2, ..Fake::default() }), ["0", "1"]);
        let broken = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n";
        assert!(names(&Fake { list: Some(broken), ..Fake::default() }).is_empty());
        assert!(names(&Fake::default()).is_empty());
    }

    #[test]
    fn what_is_visible_already_holds() {
        let visible = |visible| names(&Fake { visible: Some(visible), list: Some(FOUR), ..Fake::default() });
        assert_eq!(visible("2,3"), ["2", "3"]);
        assert_eq!(visible(" GPU-77b2 , MIG-aa-1"), ["GPU-77b2", "MIG-aa-1"]);
        assert_eq!(visible("1,-1,2"), ["1"]);
        for none in ["", "-1", "NoDevFiles"] {
            assert!(visible(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn each_job_has_its_gpu_and_its_share_of_the_cores() {
        let gpus = Gpus::of(&Fake { list: Some(FOUR), ..Fake::default() });
        let given = |jobs, cores| -> Vec<(usize, String)> {
            divide(jobs, cores, &gpus).into_iter().map(|s| (s.threads, s.gpu.unwrap())).collect()
        };
        let is = |all: &[(usize, &str)]| all.iter().map(|(t, g)| (*t, (*g).to_owned())).collect::<Vec<_>>();
        assert_eq!(given(4, 10), is(&[(3, "0"), (3, "1"), (2, "2"), (2, "3")]));
        assert_eq!(given(2, 16), is(&[(8, "0"), (8, "1")]));
        assert_eq!(given(6, 4), is(&[(1, "0"), (1, "1"), (1, "2"), (1, "3"), (1, "0"), (1, "1")]));
        let without = divide(3, 8, &Gpus::none());
        assert!(without.iter().all(|s| s.environment(true).is_empty()));
        assert_eq!(without.iter().map(|s| s.threads).collect::<Vec<_>>(), [3, 3, 2]);
    }

    #[test]
    fn numbers_are_those_of_nvidia_smi_unless_somebody_else_chose_them() {
        let variables = |gpus: &Gpus, on_gpu| divide(1, 1, gpus)[0].environment(on_gpu);
        let own = Gpus::of(&Fake { list: Some(FOUR), ..Fake::default() });
        assert_eq!(variables(&own, true), [(VISIBLE, "0".to_owned()), (ORDER, "PCI_BUS_ID".to_owned())]);
        assert!(variables(&own, false).is_empty());
        let given = Gpus::of(&Fake { visible: Some("3"), ..Fake::default() });
        assert_eq!(variables(&given, true), [(VISIBLE, "3".to_owned())]);
        let ordered = Gpus::of(&Fake { order: Some("FASTEST_FIRST"), driven: 1, ..Fake::default() });
        assert_eq!(variables(&ordered, true), [(VISIBLE, "0".to_owned())]);
        let named = Gpus::named(&["2".into(), "GPU-77b2".into()]).unwrap();
        assert_eq!(variables(&named, true), [(VISIBLE, "2".to_owned()), (ORDER, "PCI_BUS_ID".to_owned())]);
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for (names, word) in [(vec!["0", "0"], "twice"), (vec!["0", ""], "no GPU"), (vec!["cuda:0"], "no GPU")] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let message = Gpus::named(&names).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn four_processes_see_four_gpus() {
        let gpus = Gpus::of(&Fake { list: Some(FOUR), ..Fake::default() });
        let start = |slot: &Slot| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo $CUDA_VISIBLE_DEVICES"]).envs(slot.environment(true)).stdout(Stdio::piped());
            command.spawn().unwrap()
        };
        let workers: Vec<_> = divide(4, 4, &gpus).iter().map(start).collect();
        let said = |w: std::process::Child| String::from_utf8(w.wait_with_output().unwrap().stdout).unwrap();
        let seen: Vec<String> = workers.into_iter().map(said).collect();
        assert_eq!(seen, ["0\n", "1\n", "2\n", "3\n"]);
    }
}
