//! Typed targets in the prepared file: one array of values and one of what is known, side by side for all groups.

use anyhow::{Context, Result};
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};

use super::file::{attributes, exists, text, values};
use super::{DEFLATE, ROWS};
use crate::targets::{TargetGroup, Targets};

/// The attribute that names the groups, their kinds and columns, as JSON.
const GROUPS: &str = "target_groups";

pub(super) fn write(b: &mut FileBuilder, targets: &Targets, rows: u64) {
    let width = targets.width() as u64;
    let (shape, chunk) = ([rows, width], [ROWS.min(rows), width]);
    let known: Vec<u8> = targets.known.iter().map(|&known| u8::from(known)).collect();
    b.create_dataset("targets")
        .with_f32_data(&targets.values)
        .with_shape(&shape)
        .with_chunks(&chunk)
        .with_deflate(DEFLATE);
    b.create_dataset("targets_known").with_u8_data(&known).with_shape(&shape).with_chunks(&chunk).with_deflate(DEFLATE);
    let groups = serde_json::to_string(&targets.groups).unwrap_or_default();
    b.set_attr(GROUPS, AttrValue::VarLenString(groups));
}

pub(super) fn read(file: &File) -> Result<Option<Targets>> {
    if !exists(file, "targets")? {
        return Ok(None);
    }
    let groups: Vec<TargetGroup> =
        serde_json::from_str(&text(&attributes(file)?, GROUPS)?).context("its `target_groups` are unknown")?;
    let known = values(file, "targets_known", Dataset::read_u8)?;
    Ok(Some(Targets {
        groups,
        values: values(file, "targets", Dataset::read_f32)?,
        known: known.into_iter().map(|known| known != 0).collect(),
    }))
}
