//! Typed targets of the rows of a source, and those from the columns of a table.

use anyhow::{Context, Result, ensure};
use csv::ByteRecord;

use super::table::{Table, text};
use crate::FaceSet;
use crate::options::TargetColumns;
use crate::targets::{TargetGroup, Targets, check_row};

/// The targets of each row of a source, gathered while it is read.
pub(super) struct TypedRows {
    groups: Vec<TargetGroup>,
    /// Of each row, a value or none for each column of all groups.
    rows: Vec<Vec<Option<f32>>>,
}

impl TypedRows {
    /// No rows yet.
    pub(super) fn new(groups: Vec<TargetGroup>) -> Self {
        Self { groups, rows: Vec::new() }
    }

    /// Takes a row; gives its number, which is a picture's `source_row`.
    ///
    /// # Errors
    /// When a value does not fit its kind.
    pub(super) fn push(&mut self, row: Vec<Option<f32>>) -> Result<usize> {
        let values: Vec<f32> = row.iter().map(|value| value.unwrap_or_default()).collect();
        let known: Vec<bool> = row.iter().map(Option::is_some).collect();
        check_row(&self.groups, &values, &known)?;
        self.rows.push(row);
        Ok(self.rows.len() - 1)
    }

    /// Gives the rows that became faces their targets.
    ///
    /// # Errors
    /// When names of groups or columns are not what names are.
    pub(super) fn finish(self, faces: &mut FaceSet) -> Result<()> {
        let mut targets = Targets { groups: self.groups, ..Targets::default() };
        for &row in &faces.source_rows {
            self.rows[row as usize].iter().for_each(|&value| targets.push(value));
        }
        targets.check(faces.len())?;
        faces.targets = Some(targets);
        Ok(())
    }
}

/// The targets of each row of a table, gathered while it is read.
pub(super) struct Gathered {
    typed: TypedRows,
    /// The column of each target.
    places: Vec<usize>,
}

impl Gathered {
    /// Finds the columns; nothing where no targets are asked for.
    ///
    /// # Errors
    /// When a column is not there, or a group's range or units do not fit its kind.
    pub(super) fn begin(table: &Table, options: &TargetColumns) -> Result<Option<Self>> {
        let (mut groups, mut places) = (Vec::new(), Vec::new());
        for (name, group) in &options.0 {
            let kind = group.target_kind().map_err(|problem| anyhow::anyhow!("targets.{name}: {problem}"))?;
            for column in &group.columns {
                places.push(table.columns([column.as_str()])?[0]);
            }
            groups.push(TargetGroup { name: name.clone(), kind, columns: group.columns.clone() });
        }
        Ok((!groups.is_empty()).then(|| Self { typed: TypedRows::new(groups), places }))
    }

    /// The columns that are used.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Takes the targets of the row that was read last.
    ///
    /// # Errors
    /// When a cell is no number, or one that does not fit its kind; an empty one is missing.
    pub(super) fn add(&mut self, table: &Table, record: &ByteRecord) -> Result<()> {
        let row: Vec<Option<f32>> =
            self.places.iter().map(|&place| cell(table, record, place)).collect::<Result<_>>()?;
        self.typed.push(row).with_context(|| table.place(table.rows() - 1, record))?;
        Ok(())
    }

    /// As [`TypedRows::finish`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn finish(self, faces: &mut FaceSet) -> Result<()> {
        self.typed.finish(faces)
    }
}

fn cell(table: &Table, record: &ByteRecord, place: usize) -> Result<Option<f32>> {
    let cell = text(record, place);
    if cell.is_empty() {
        return Ok(None);
    }
    let number: Option<f32> = cell.parse().ok();
    let at = || format!("{}, column {}", table.place(table.rows() - 1, record), table.header[place]);
    let number = number.with_context(|| format!("{}: \"{cell}\" is no number; leave it empty where missing", at()))?;
    ensure!(number.is_finite(), "{}: {cell} is no finite number; leave it empty where it is missing", at());
    Ok(Some(number))
}
