//! The user's own copy of OpenFace: where its files lie, whether they are all there and whose they are, and one file of
//! them all for use.
//!
//! The files are licensed by Carnegie Mellon University for noncommercial research alone and may not be passed on; the same
//! holds for what [`import`] writes. It asks whether the terms were read, and the file carries the notice.

mod find;
mod origin;
mod store;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use ferrotype_base::files::write_atomic;
use ferrotype_base::text::listed;
use serde::{Deserialize, Serialize};

pub use find::{Found, find};
pub use origin::Origin;
pub use store::{Provenance, read_file};

/// The text of OpenFace's licence.
pub const LICENCE: &str = "https://github.com/TadasBaltrusaitis/OpenFace/blob/master/OpenFace-license.txt";

/// What has to be known of the terms, in a few sentences. They stand in every imported file, and belong beside results.
pub const NOTICE: &str = "OpenFace's predictors and shape model are the property of Carnegie Mellon University, licensed for \
    academic or non-profit noncommercial research use only: for your own internal research, not to be distributed, sold, \
    lent or given to third parties, whole or in part or as a derivative; derivatives belong to the licensor. The licence is \
    OpenFace-license.txt of your copy, and the data sets that the predictors were trained on have terms of their own. Cite \
    Baltrusaitis, Mahmoud and Robinson (2015) and Baltrusaitis, Zadeh, Lim and Morency (2018) in publications.";

/// A file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedFile {
    /// Its name below `AU_predictors`; the shape model's bare name.
    pub name: String,
    /// Its sha256.
    pub sha256: String,
    /// Whose it is.
    pub origin: Origin,
}

/// What [`import`] has to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The user has read the terms ([`NOTICE`], [`LICENCE`]) and keeps to them.
    pub accepted: bool,
    /// Files that differ from OpenFace 2.2.0's are taken too: other versions, or predictors of the user's own training.
    pub allow_other: bool,
}

/// What was imported.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The file that was written.
    pub path: PathBuf,
    /// What stands in it of its origin.
    pub provenance: Provenance,
}

/// Reads a copy of OpenFace (its folder, `lib/local/FaceAnalyser`, or the folder `AU_predictors` itself), checks it, and
/// writes one file, about 2 MB, that [`crate::predict::Predictor::open`] reads.
///
/// # Errors
/// When the terms are not accepted (with their summary), a file is missing, damaged, or other than OpenFace 2.2.0's (all
/// such files are named), and when the file cannot be written.
pub fn import(folder: &Path, out: &Path, options: ImportOptions) -> Result<Imported> {
    ensure!(options.accepted, "the terms of OpenFace's predictors have to be accepted first. {NOTICE} ({LICENCE})");
    let found = find(folder)?;
    let files = found.read()?;
    // Damaged or incomplete sets are refused here, with the reason.
    crate::predict::Predictor::new(files.clone())?;
    let provenance = found.provenance()?;
    let other: Vec<&str> =
        provenance.files.iter().filter(|f| f.origin == Origin::Other).map(|f| f.name.as_str()).collect();
    ensure!(
        options.allow_other || other.is_empty(),
        "{} of {} files differ from those of OpenFace 2.2.0: {}. They are damaged, of another version, or trained by others; \
         allow other files to take them as they are",
        other.len(),
        provenance.files.len(),
        listed(&other, 8)
    );
    write_atomic(out, &store::to_bytes(&files, &provenance)?)?;
    Ok(Imported { path: out.to_owned(), provenance })
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
