//! What tests may need, and how its absence is found out.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The environment variables that are looked at.
pub const VARIABLES: [&str; 5] =
    ["FERROTYPE_DATA", "FERROTYPE_FER2013", "FERROTYPE_SMILES", "FERROTYPE_SLOW_TESTS", "FERROTYPE_AXE"];

/// Something outside the repository that a test needs.
#[derive(Clone, Copy)]
pub enum Requirement {
    /// The folder of real data with known answers.
    Data,
    /// Kaggle's fer2013.csv with fer2013new.csv beside it.
    Fer2013,
    /// The unpacked folder of smile tables.
    Smiles,
    /// ffmpeg and ffprobe.
    Ffmpeg,
    /// The right to mount file systems: Linux, as root.
    Mount,
    /// The user's wish to run tests that take a minute.
    Slow,
    /// Debian's Chromium.
    Chromium,
    /// The file axe.min.js of the npm package axe-core.
    Axe,
    /// Python with h5py.
    H5py,
    /// Python with onnx and onnxruntime.
    Onnxruntime,
    /// Python with Pillow, which reads JPEG files by libjpeg-turbo.
    Pillow,
}

impl Requirement {
    /// The names in the order of the variants.
    pub const NAMES: [&str; 11] =
        ["data", "fer2013", "smiles", "ffmpeg", "mount", "slow", "chromium", "axe", "h5py", "onnxruntime", "pillow"];

    /// The requirement of that name.
    pub fn named(name: &str) -> Option<Self> {
        use Requirement::*;
        let all = [Data, Fer2013, Smiles, Ffmpeg, Mount, Slow, Chromium, Axe, H5py, Onnxruntime, Pillow];
        Self::NAMES.iter().position(|n| *n == name).map(|i| all[i])
    }

    /// What to do to have it; None where it is there.
    pub fn missing(self) -> Option<String> {
        let (is_there, remedy) = match self {
            Self::Data => (folder("FERROTYPE_DATA").is_some(), "set FERROTYPE_DATA to the folder of verification data"),
            Self::Fer2013 => (fer2013().is_some(), "set FERROTYPE_FER2013 to the path of Kaggle's fer2013.csv"),
            Self::Smiles => {
                (folder("FERROTYPE_SMILES").is_some(), "set FERROTYPE_SMILES to the folder of unpacked smile tables")
            }
            Self::Ffmpeg => (runs("ffmpeg", &["-version"]) && runs("ffprobe", &["-version"]), "install ffmpeg"),
            Self::Mount => (may_mount(), "run as root on Linux: the test mounts a small disk"),
            Self::Slow => (
                env::var_os("FERROTYPE_SLOW_TESTS").is_some_and(|v| v == "1"),
                "takes a minute: set FERROTYPE_SLOW_TESTS=1",
            ),
            Self::Chromium => (runs("chromium", &["--version"]), "install chromium"),
            Self::Axe => (
                path("FERROTYPE_AXE").is_some_and(|file| file.is_file()),
                "npm install axe-core, and set FERROTYPE_AXE to the path of its axe.min.js",
            ),
            Self::H5py => (runs("python3", &["-c", "import h5py"]), "pip install h5py"),
            Self::Onnxruntime => {
                (runs("python3", &["-c", "import numpy, onnx, onnxruntime"]), "pip install numpy onnx onnxruntime")
            }
            Self::Pillow => (runs("python3", &["-c", "import PIL.Image"]), "pip install pillow"),
        };
        (!is_there).then(|| remedy.to_owned())
    }
}

/// Tests run in the folder of their crate, the compiler elsewhere: relative paths are meant from there.
fn path(variable: &str) -> Option<PathBuf> {
    let crate_folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    Some(crate_folder.join(env::var_os(variable)?))
}

fn folder(variable: &str) -> Option<PathBuf> {
    path(variable).filter(|path| path.is_dir())
}

fn fer2013() -> Option<PathBuf> {
    let in_data = folder("FERROTYPE_DATA").map(|data| data.join("fer2013/csv/fer2013.csv"));
    path("FERROTYPE_FER2013").into_iter().chain(in_data).find(|path| path.is_file())
}

fn runs(program: &str, words: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether this process has CAP_SYS_ADMIN, bit 21 of its effective capabilities.
fn may_mount() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).is_some_and(|bits| bits >> 21 & 1 == 1)
}
