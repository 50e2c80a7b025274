//! Files that appear whole or not at all.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

pub use ferrotype_base::files::*;

/// As [`write_atomic`], a value as indented JSON with a line break at its end.
///
/// # Errors
/// As [`write_atomic`], and when the value cannot be written as JSON.
pub fn write_json(path: impl AsRef<Path>, value: &(impl Serialize + ?Sized)) -> Result<()> {
    write_atomic(path, (serde_json::to_string_pretty(value)? + "\n").as_bytes())
}
