//! Devices by name. Which are compiled in is a matter of cargo features; which are present shows at run time.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow, bail};
use burn::tensor::{Device, DeviceKind, Tensor};

/// A device as the experiment file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// The best that is compiled in and present.
    Auto,
    /// The CPU: always there.
    Flex,
    /// An NVIDIA GPU by index, through CubeCL.
    Cuda(usize),
    /// An AMD GPU by index, through CubeCL.
    Rocm(usize),
    /// The CPU through LibTorch.
    Tch,
    /// An NVIDIA GPU by index, through LibTorch.
    TchCuda(usize),
    /// A GPU of Apple's, through Metal.
    Metal,
    /// A GPU through Vulkan, in SPIR-V of CubeCL's own.
    Vulkan,
    /// A GPU in WGSL through Vulkan, DirectX or OpenGL; in SPIR-V where Vulkan is compiled in, too.
    Wgpu,
}

impl DeviceName {
    /// One of each kind, as [`DeviceName::Auto`] prefers them after the CPU, which comes first here.
    pub const KINDS: [Self; 8] =
        [Self::Flex, Self::Cuda(0), Self::Rocm(0), Self::TchCuda(0), Self::Tch, Self::Metal, Self::Vulkan, Self::Wgpu];

    /// The cargo feature that compiles the device in; `None` for those that always are.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Self::Auto | Self::Flex => None,
            Self::Tch | Self::TchCuda(_) => Some("tch"),
            Self::Cuda(_) | Self::Rocm(_) | Self::Metal | Self::Vulkan | Self::Wgpu => Some(self.parts().0),
        }
    }

    /// Whether this binary has it.
    pub fn is_compiled(self) -> bool {
        match self {
            Self::Auto | Self::Flex => true,
            Self::Cuda(_) => cfg!(feature = "cuda"),
            Self::Rocm(_) => cfg!(feature = "rocm"),
            Self::Tch | Self::TchCuda(_) => cfg!(feature = "tch"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Wgpu => cfg!(feature = "wgpu"),
        }
    }

    /// Whether it is a GPU that takes a number: `cuda:1`.
    pub fn is_numbered(self) -> bool {
        self.parts().1.is_some()
    }

    /// What stands before the colon, and the number after it.
    fn parts(self) -> (&'static str, Option<usize>) {
        match self {
            Self::Auto => ("auto", None),
            Self::Flex => ("flex", None),
            Self::Cuda(i) => ("cuda", Some(i)),
            Self::Rocm(i) => ("rocm", Some(i)),
            Self::Tch => ("tch", None),
            Self::TchCuda(i) => ("tch-cuda", Some(i)),
            Self::Metal => ("metal", None),
            Self::Vulkan => ("vulkan", None),
            Self::Wgpu => ("wgpu", None),
        }
    }

    /// Opens the device and computes a little on it, to know that it works.
    ///
    /// # Errors
    /// When it is not compiled in or does not work here; the error says what is.
    pub fn open(self) -> Result<Opened> {
        if self == Self::Auto {
            let found = [Self::Cuda(0), Self::Rocm(0), Self::TchCuda(0)].into_iter().find_map(|d| d.open().ok());
            return found.or_else(graphics_card).map_or_else(|| Self::Flex.open(), Ok);
        }
        if !self.is_compiled() {
            bail!(
                "device `{self}` is not compiled in: this binary has {}; build with `cargo build --release --features {}`",
                compiled().join(", "),
                self.feature().unwrap_or_default()
            );
        }
        let device = if self == Self::Flex { probe(|| self.make()) } else { quietly(|| probe(|| self.make())) };
        device.map(|device| Opened { name: self, device }).ok_or_else(|| {
            anyhow!("device `{self}` is compiled in, but does not work here: `ferrotype doctor` shows what does")
        })
    }

    #[cfg_attr(feature = "tch", expect(deprecated, reason = "LibTorch stays for comparison until Burn drops it"))]
    fn make(self) -> Option<Device> {
        match self {
            Self::Flex => Some(Device::flex()),
            #[cfg(feature = "cuda")]
            Self::Cuda(i) => Some(Device::cuda(i)),
            #[cfg(feature = "tch")]
            Self::Tch => Some(Device::libtorch()),
            #[cfg(feature = "tch")]
            Self::TchCuda(i) => Some(Device::libtorch_cuda(i)),
            #[cfg(feature = "rocm")]
            Self::Rocm(i) => Some(Device::rocm(i)),
            _ => self.make_graphics(DeviceKind::DefaultDevice),
        }
    }

    /// A device that graphics drivers offer, of this kind.
    #[cfg_attr(
        not(any(feature = "metal", feature = "vulkan", feature = "wgpu")),
        expect(unused_variables, reason = "no such device is compiled in")
    )]
    fn make_graphics(self, kind: DeviceKind) -> Option<Device> {
        match self {
            #[cfg(feature = "metal")]
            Self::Metal => Some(Device::metal(kind)),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Some(Device::vulkan(kind)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Some(Device::wgpu(kind)),
            _ => None,
        }
    }
}

/// A device that can add three ones. A backend that does not work may panic instead; that is the answer.
fn probe(make: impl FnOnce() -> Option<Device>) -> Option<Device> {
    let device = catch_unwind(AssertUnwindSafe(|| {
        let device = make()?;
        let sum = Tensor::<1>::ones([3], &device).sum().into_data().try_to_vec::<f32>().ok()?;
        (sum == [3.0]).then_some(device)
    }));
    device.ok().flatten()
}

/// Prints no panic meanwhile. One at a time: of two at once the second would put the first one's silence back for good.
fn quietly<T>(f: impl FnOnce() -> T) -> T {
    static HOOK: Mutex<()> = Mutex::new(());
    let _held = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let value = f();
    set_hook(hook);
    value
}

/// A graphics card by the first way that works. A driver that computes on the CPU is none: the native kernels are faster.
fn graphics_card() -> Option<Opened> {
    use DeviceKind::{DiscreteGpu, IntegratedGpu};
    let ways = [DeviceName::Metal, DeviceName::Vulkan, DeviceName::Wgpu];
    ways.into_iter().filter(|name| name.is_compiled()).find_map(|name| {
        let found = [DiscreteGpu(0), IntegratedGpu(0)];
        let device = found.into_iter().find_map(|kind| quietly(|| probe(|| name.make_graphics(kind))))?;
        Some(Opened { name, device })
    })
}

/// An opened device.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its name, never `auto`.
    pub name: DeviceName,
    /// The plain device, without autodiff.
    pub device: Device,
}

/// The names of the devices that this binary has.
pub fn compiled() -> Vec<String> {
    DeviceName::KINDS.into_iter().filter(|d| d.is_compiled()).map(|d| d.to_string()).collect()
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (kind, Some(index)) => write!(f, "{kind}:{index}"),
            (kind, None) => f.write_str(kind),
        }
    }
}

impl FromStr for DeviceName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => {
                let index = index.parse().map_err(|_| anyhow!("device `{text}`: `{index}` is not a device number"))?;
                (kind, Some(index))
            }
            None => (text, None),
        };
        match (kind, index) {
            ("auto", None) => Ok(Self::Auto),
            ("flex", None) => Ok(Self::Flex),
            ("cuda", i) => Ok(Self::Cuda(i.unwrap_or(0))),
            ("rocm", i) => Ok(Self::Rocm(i.unwrap_or(0))),
            ("tch", None) => Ok(Self::Tch),
            ("tch-cuda", i) => Ok(Self::TchCuda(i.unwrap_or(0))),
            ("metal", None) => Ok(Self::Metal),
            ("vulkan", None) => Ok(Self::Vulkan),
            ("wgpu", None) => Ok(Self::Wgpu),
            _ => bail!(
                "unknown device `{text}`: expected auto, flex, cuda:N, rocm:N, tch, tch-cuda:N, metal, vulkan or wgpu"
            ),
        }
    }
}

/// Where the tests of this crate compute: on the device that the variable `FERROTYPE_TEST_DEVICE` names, else on the CPU.
#[cfg(test)]
pub(crate) fn tested() -> Device {
    let name = std::env::var("FERROTYPE_TEST_DEVICE").unwrap_or_else(|_| "flex".into());
    name.parse::<DeviceName>()
        .and_then(DeviceName::open)
        .unwrap_or_else(|e| panic!("FERROTYPE_TEST_DEVICE: {e:#}"))
        .device
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in ["auto", "flex", "cuda:1", "rocm:3", "tch", "tch-cuda:2", "metal", "vulkan", "wgpu"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceName>().unwrap(), DeviceName::Cuda(0));
        for bad in ["gpu", "flex:1", "cuda:x", ""] {
            assert!(bad.parse::<DeviceName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn flex_works_and_what_is_not_compiled_says_so() {
        assert_eq!(DeviceName::Flex.open().unwrap().name, DeviceName::Flex);
        if !cfg!(feature = "cuda") {
            let message = DeviceName::Cuda(0).open().unwrap_err().to_string();
            assert!(message.contains("--features cuda") && message.contains("flex"), "{message}");
        }
    }
}
