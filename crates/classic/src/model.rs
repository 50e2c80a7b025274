//! Fitted models as files: one JSON form with a version.
//!
//! ```json
//! {"format": "ferrotype-classic", "version": 1, "kind": "svm", "model": {"weights": [0.25, -1.5], "bias": 0.125}}
//! ```
//!
//! Numbers are written with as many digits as it takes to read the same bits back. Unknown keys are errors: a file of another
//! version is refused rather than half understood. What `model` holds for each kind is the table below; other crates add
//! kinds of their own, made of these, with [`Fitted`].
//!
//! | kind | keys |
//! |---|---|
//! | `standardiser` | `mean`, `scale`: a number per feature |
//! | `svm` | `weights`: a number per feature, `bias`; positive where `w x + bias > 0` |
//! | `logistic` | as `svm`; the probability is `1 / (1 + exp(-(w x + bias)))` |
//! | `boosting` | `features`; `prior`: log odds; `learning_rate`; `trees`: each a list of nodes, the root first, either `{"value"}` or `{"feature", "threshold", "left", "right"}` with features from 0 and places of nodes in the list; at most the threshold goes left |
//! | `rank_svm` | `features`, `codes`; `pairs` and `fallback`: each `standardiser` and `members`, planes on standardised rows; `training`: `code`, `genuine` and `projections` of each training clip |
//! | `tensor_sketch` | `inputs`, `outputs`, `seed` |

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::files::write_atomic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bilinear::TensorSketch;
use crate::boosting::Boosting;
use crate::logistic::Logistic;
use crate::pairs::Ranker;
use crate::standardise::Standardiser;
use crate::svm::Plane;

/// The name of the form.
const FORMAT: &str = "ferrotype-classic";
/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

/// Something fitted that is kept in a file.
pub trait Fitted: Serialize + DeserializeOwned {
    /// Its name in files.
    const KIND: &'static str;

    /// Says what is wrong with values that were read and cannot be.
    ///
    /// # Errors
    /// When parts do not fit each other.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Fitted for Standardiser {
    const KIND: &'static str = "standardiser";

    fn check(&self) -> Result<()> {
        self.check()
    }
}

impl Fitted for Plane {
    const KIND: &'static str = "svm";
}

impl Fitted for Logistic {
    const KIND: &'static str = "logistic";
}

impl Fitted for Boosting {
    const KIND: &'static str = "boosting";

    fn check(&self) -> Result<()> {
        self.check()
    }
}

impl Fitted for Ranker {
    const KIND: &'static str = "rank_svm";

    fn check(&self) -> Result<()> {
        self.check()
    }
}

impl Fitted for TensorSketch {
    const KIND: &'static str = "tensor_sketch";
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<M> {
    format: String,
    version: u64,
    kind: String,
    model: M,
}

/// The text of a model's file.
///
/// # Errors
/// When the model holds a number that is not finite, which JSON cannot hold.
pub fn to_json<M: Fitted>(model: &M) -> Result<String> {
    let document = Document { format: FORMAT.to_owned(), version: VERSION, kind: M::KIND.to_owned(), model };
    let value = serde_json::to_value(&document)?;
    ensure!(!holds_null(&value), "a model of kind `{}` holds a number that is not finite: it was not fitted", M::KIND);
    Ok(format!("{}\n", serde_json::to_string(&value)?))
}

/// JSON has no name for infinities and not-a-number: serde_json writes null for them, and no model here has optional parts.
fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(items) => items.values().any(holds_null),
        _ => false,
    }
}

/// Reads the text of a model's file.
///
/// # Errors
/// When it is no such file, is of another version or kind, or is damaged.
pub fn from_json<M: Fitted>(text: &str) -> Result<M> {
    let damaged = |e: serde_json::Error| anyhow!("it is damaged: {e}; fetch it or fit it again");
    let value: Value = serde_json::from_str(text).map_err(damaged)?;
    let format = value.get("format").and_then(Value::as_str);
    ensure!(format == Some(FORMAT), "it is no file of a fitted classical model (its `format` is not `{FORMAT}`)");
    let version = value.get("version").and_then(Value::as_u64).context("it is damaged: `version` is no number")?;
    ensure!(
        version == VERSION,
        "it is of version {version} and this program reads version {VERSION}: read it with the program that wrote it, or fit \
         it again"
    );
    let kind = value.get("kind").and_then(Value::as_str).context("it is damaged: `kind` is no text")?;
    ensure!(kind == M::KIND, "it holds a model of kind `{kind}`, not `{}`", M::KIND);
    // From the text once more: only so do errors name the line and column.
    let document: Document<M> = serde_json::from_str(text).map_err(damaged)?;
    document.model.check().context("it is damaged")?;
    Ok(document.model)
}

/// Writes a model, whole or not at all.
///
/// # Errors
/// As [`to_json`], and when the file cannot be written.
pub fn write<M: Fitted>(path: &Path, model: &M) -> Result<()> {
    write_atomic(path, to_json(model)?.as_bytes())
}

/// Reads a model.
///
/// # Errors
/// As [`from_json`], and when the file cannot be read.
pub fn read<M: Fitted>(path: &Path) -> Result<M> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    from_json(&text).with_context(|| format!("cannot use {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boosting::BoostingOptions;
    use crate::matrix::Matrix;
    use crate::matrix::tests::drawn;
    use crate::pairs::ensemble::EnsembleOptions;
    use crate::pairs::{Clips, Pairing};
    use crate::svm::{Svm, SvmOptions};

    fn problem() -> (Matrix, Vec<bool>) {
        let rows = drawn(40, 4, 1.3);
        let labels = rows.iter().map(|row| row[0] + row[1] > 0.1).collect();
        (rows, labels)
    }

    fn survives<M: Fitted + PartialEq + std::fmt::Debug>(model: &M) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        write(&path, model).unwrap();
        assert_eq!(&read::<M>(&path).unwrap(), model);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(&format!("{{\"format\":\"ferrotype-classic\",\"version\":1,\"kind\":\"{}\"", M::KIND))
        );
        // Cut off or with a byte changed: an error or another model, never a panic.
        let end = text.trim_end().len();
        for at in (0..end).step_by(1 + end / 200) {
            assert!(from_json::<M>(&text[..at]).is_err());
            let mut bad = text.clone().into_bytes();
            bad[at] = bad[at].wrapping_add(1);
            let _ = String::from_utf8(bad).map(|bad| from_json::<M>(&bad).is_ok());
        }
    }

    #[test]
    fn every_kind_survives_its_file_bit_for_bit() {
        let (rows, labels) = problem();
        survives(&Standardiser::fit(&rows));
        survives(&Svm::fit(&rows, &labels, &SvmOptions::default()).unwrap().plane);
        survives(&Logistic::fit(&rows, &labels, 1.0).unwrap());
        survives(&Boosting::fit(&rows, &labels, &BoostingOptions { trees: 7, ..BoostingOptions::default() }).unwrap());
        let options = EnsembleOptions { machines: 3, ..EnsembleOptions::published(1) };
        let clips = Clips::plain(&rows, &[0; 40]);
        survives(&Ranker::fit(clips, &labels, Pairing::Any { most: 60 }, &options).unwrap());
        survives(&TensorSketch::new(6, 16, u64::MAX).unwrap());
    }

    #[test]
    fn other_files_are_refused_in_words() {
        let plane = Plane { weights: vec![1.0, 0.1], bias: -0.0 };
        let text = to_json(&plane).unwrap();
        let said = |from: &str, to: &str| format!("{:#}", from_json::<Plane>(&text.replace(from, to)).unwrap_err());
        assert!(said("ferrotype-classic", "other").contains("no file of a fitted classical model"));
        assert!(said("\"version\":1", "\"version\":2").contains("of version 2 and this program reads version 1"));
        assert!(said("\"kind\":\"svm\"", "\"kind\":\"boosting\"").contains("kind `boosting`, not `svm`"));
        assert!(said("bias", "bios").contains("unknown field `bios`"));
        assert!(said("1.0,", "\"x\",").contains("line 1 column"));
        assert!(said("}}", "}").contains("damaged"));
        assert!(said(&text, "[]").contains("no file of a fitted"));
        let infinite = Plane { weights: vec![f64::INFINITY], bias: 0.0 };
        assert!(to_json(&infinite).unwrap_err().to_string().contains("not finite"));
        assert!(format!("{:#}", read::<Plane>(Path::new("no/such.json")).unwrap_err()).contains("no/such.json"));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let said = |text: &str| format!("{:#}", from_json::<Standardiser>(text).unwrap_err());
        let of = |model: &str| {
            said(&format!(
                "{{\"format\":\"ferrotype-classic\",\"version\":1,\"kind\":\"standardiser\",\"model\":{model}}}"
            ))
        };
        assert!(of("{\"mean\":[1.0],\"scale\":[]}").contains("1 means and 0 scales"));
        assert!(of("{\"mean\":[1.0],\"scale\":[0.0]}").contains("not positive"));
        let (rows, labels) = problem();
        let options = BoostingOptions { trees: 1, depth: 1, ..BoostingOptions::default() };
        let text = to_json(&Boosting::fit(&rows, &labels, &options).unwrap()).unwrap();
        let wrong = from_json::<Boosting>(&text.replace("\"left\":1", "\"left\":0")).unwrap_err();
        assert!(format!("{wrong:#}").contains("leads nowhere"));
        let wrong = from_json::<Boosting>(&text.replace("\"features\":4", "\"features\":0")).unwrap_err();
        assert!(format!("{wrong:#}").contains("leads nowhere"));
    }
}
