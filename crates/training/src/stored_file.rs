//! Values that took long to compute, kept in an HDF5 file under a digest of all that they depend on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::digest;
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::progress::Progress;
use ferrotype_data::store::read_within;
use ferrotype_run::files::{explain, write_atomic_with};

/// The value of the attribute `format`.
const FORMAT: &str = "ferrotype-stored-values";
/// The largest file that is written, in bytes: its content is held in memory.
const LARGEST: usize = 4 << 30;

/// A named array of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its name.
    pub name: &'static str,
    /// `[examples, views, values]`.
    pub shape: [usize; 3],
}

impl Array {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// sha256 of the bits of numbers.
pub fn digest_of_values<'a>(values: impl IntoIterator<Item = &'a [f32]>) -> String {
    let mut hash = Sha256::new();
    for values in values {
        hash.update((values.len() as u64).to_le_bytes());
        for part in values.chunks(1 << 14) {
            hash.update(part.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }
    }
    digest::hex(&hash.finalize())
}

/// The arrays of `<folder>/<kind>-<digest of the ingredients>.h5`; computed by `make`, and written, where that file is not
/// there or damaged. The second value is the file's path.
///
/// # Errors
/// When they would be too large, cannot be computed, or the file cannot be written.
pub fn obtain(
    folder: &Path,
    kind: &str,
    ingredients: &Value,
    arrays: &[Array],
    progress: &mut dyn Progress,
    make: impl FnOnce(&mut dyn Progress) -> Result<Vec<Vec<f32>>>,
) -> Result<(Vec<Vec<f32>>, PathBuf)> {
    let bytes: usize = arrays.iter().map(|a| 4 * a.len()).sum();
    ensure!(
        bytes <= LARGEST,
        "{kind} of {:.1} GiB would be stored, more than the {} GiB allowed: ask for fewer views",
        bytes as f64 / f64::from(1 << 30),
        LARGEST >> 30
    );
    let key = digest::sha256(ingredients.to_string());
    let path = folder.join(format!("{kind}-{}.h5", &key[..16]));
    if path.is_file() {
        match read(&path, &key, arrays) {
            Ok(values) => {
                progress.note(&format!("stored   {kind} from {} ({:.0} MiB)", path.display(), mib(bytes)));
                return Ok((values, path));
            }
            Err(e) => progress.warn(&format!("{} cannot be used ({e:#}); it is made again", path.display())),
        }
    }
    std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
    let values = make(progress)?;
    write(&path, &key, ingredients, arrays, &values)?;
    progress.note(&format!("stored   {kind} in {} ({:.0} MiB)", path.display(), mib(bytes)));
    Ok((values, path))
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn write(path: &Path, key: &str, ingredients: &Value, arrays: &[Array], values: &[Vec<f32>]) -> Result<()> {
    ensure!(
        arrays.len() == values.len() && arrays.iter().zip(values).all(|(a, v)| a.len() == v.len()),
        "the values to be stored in {} do not fit their shapes",
        path.display()
    );
    let mut builder = FileBuilder::new();
    for (array, values) in arrays.iter().zip(values) {
        let shape = array.shape.map(|d| d as u64);
        builder.create_dataset(array.name).with_f32_data(values).with_shape(&shape);
    }
    let mut attribute = |name: &str, value: String| builder.set_attr(name, AttrValue::VarLenString(value));
    attribute("format", FORMAT.into());
    attribute("key", key.into());
    attribute("ingredients", ingredients.to_string());
    attribute("values_sha256", digest_of_values(values.iter().map(Vec::as_slice)));
    write_atomic_with(path, |out| match builder.finish_to(out) {
        Err(hdf5_pure::Error::Io(cause)) => Err(cause.into()),
        other => Ok(other?),
    })
}

fn read(path: &Path, key: &str, arrays: &[Array]) -> Result<Vec<Vec<f32>>> {
    let plain = |e: hdf5_pure::Error| anyhow!("{e}");
    let file = File::open(path).map_err(plain)?;
    let attributes = file.root().attrs().map_err(plain)?;
    let text = |name: &str| {
        let value = attributes.get(name).and_then(AttrValue::as_str);
        value.map(str::to_owned).with_context(|| format!("it has no attribute `{name}`"))
    };
    ensure!(text("format")? == FORMAT && text("key")? == key, "it was stored for something else");
    let mut all = Vec::new();
    for array in arrays {
        let dataset = file.dataset(array.name).map_err(plain)?;
        let values = read_within(&dataset, file.file_size(), Dataset::read_f32)?;
        ensure!(
            values.len() == array.len(),
            "its `{}` has {} values instead of {}",
            array.name,
            values.len(),
            array.len()
        );
        all.push(values);
    }
    ensure!(digest_of_values(all.iter().map(Vec::as_slice)) == text("values_sha256")?, "its values are damaged");
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Style;

    #[test]
    fn files_are_reused_by_their_key_and_made_again_when_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let arrays = [Array { name: "train", shape: [3, 2, 2] }, Array { name: "selection", shape: [1, 1, 2] }];
        let mut progress = Style::Quiet.start();
        let mut made = 0;
        let mut get = |ingredients: &str| {
            let make = |_: &mut dyn Progress| {
                made += 1;
                Ok(vec![(0..12).map(|v| v as f32 / 3.0).collect(), vec![f32::MIN_POSITIVE, -0.0]])
            };
            let value = Value::from(ingredients);
            obtain(&folder.path().join("cache"), "features", &value, &arrays, progress.as_mut(), make).unwrap()
        };
        let (values, path) = get("a");
        let (again, same) = get("a");
        assert!(values == again && path == same);
        assert_ne!(get("b").1, path);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(4).position(|w| w == (1.0f32 / 3.0).to_le_bytes()).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(get("a").0, values);
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(get("a").0, values);
        assert_eq!(get("a").0, values);
        assert_eq!(made, 4);
    }
}
