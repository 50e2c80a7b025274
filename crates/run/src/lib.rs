//! The run folder: its files, its lock, provenance.

pub mod folder;
pub mod group;
pub mod history;
pub mod lock;
pub mod numpy;
pub mod process;
pub mod provenance;
pub mod tensorboard;

pub use ferrotype_base::files;
pub use folder::RunFolder;
pub use provenance::Provenance;
