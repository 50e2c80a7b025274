//! The run folder: its files, its lock, provenance.

pub mod files;
