//! The run folder: its files, its lock, provenance.

pub mod files;
pub mod folder;
pub mod group;
pub mod history;
pub mod lock;
pub mod numpy;
pub mod program;
pub mod provenance;
pub mod public_folder;
pub mod tensorboard;

pub use ferrotype_base::process;
pub use folder::RunFolder;
pub use provenance::Provenance;
pub use public_folder::PublicFolder;
