//! Readers and writers of OpenFace's files: linear predictors (`.dat`), the shape model, the triangles of the face, and
//! the lists that say which predictor stands for which action unit.
//!
//! Every reader takes bytes of any kind: what is damaged or foreign is an error that says what is wrong, and nothing is
//! allocated on the word of a header that the rest of the file does not bear out.

mod binary;
mod list;
mod predictor;
mod text;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::lfs;

pub use list::{Entry, format_list, parse_list};
pub use predictor::{Linear, Svm, Svr};
pub use text::{ShapeFile, format_shape_model, format_triangles, parse_shape_model, parse_triangles};

/// Files above this size are none of OpenFace's: its largest here has 75 kB.
const MAX_BYTES: u64 = 16 << 20;

/// Reads a whole file of OpenFace and hands it to `parse`; errors name the file.
///
/// # Errors
/// When the file cannot be read, is far too large, is a pointer of Git LFS, or `parse` refuses it.
pub fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let shown = path.display();
    let size = fs::metadata(path).map_err(|e| unreadable(path, &e))?.len();
    ensure!(size <= MAX_BYTES, "{shown} has {size} bytes: no file of OpenFace's action unit predictors is that large");
    let bytes = fs::read(path).map_err(|e| unreadable(path, &e))?;
    lfs::refuse(&bytes).and_then(|()| parse(&bytes)).with_context(|| format!("cannot use {shown}"))
}

fn unreadable(path: &Path, cause: &std::io::Error) -> anyhow::Error {
    match cause.kind() {
        ErrorKind::NotFound => anyhow!("{} does not exist", path.display()),
        _ => anyhow!("cannot read {}: {cause}", path.display()),
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
