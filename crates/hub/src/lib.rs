//! Published models by name: a registry of what they are and where they are, a checked download, a cache.
//!
//! - [`Entry`] is a file of `models/` of this crate: one model, its sources, its sha256, its licence, its conventions;
//! - [`Registry`] is all of them, and those that a user keeps in the cache's folder `entries`;
//! - [`Hub`] gives the path of a model: from the cache, or loaded from the network, and never before its bytes are checked;
//! - [`Options`] says where the cache is, whether there is a network, and through what: see [`Options::from_env`].
//!
//! ```no_run
//! use ferrotype_hub::{Accept, Hub, Silent};
//!
//! let hub = Hub::open()?;
//! let detector = hub.pull("yunet", &Accept::Remembered, &mut Silent)?;
//! let same = hub.resolve("hub:yunet")?;
//! let file = hub.resolve("my/own/detector.onnx")?;
//! # Ok::<(), ferrotype_hub::Error>(())
//! ```
//!
//! `docs/models_by_name.md` of the project is the user's page.

mod cache;
mod download;
pub mod entry;
mod error;
mod hub;
mod licence;
mod options;
mod progress;
mod registry;

pub use entry::{Commercial, Entry, Kind};
pub use error::{Error, ErrorKind, Result};
pub use hub::{Hub, Listed, State};
pub use licence::{Accept, Acceptance};
pub use options::{Options, Proxies, Timeouts};
pub use progress::{Event, Progress, Silent};
pub use registry::Registry;
