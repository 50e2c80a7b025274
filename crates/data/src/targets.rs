//! Typed targets of rows, besides their classes: labels, distributions, continuous values, each known or missing.

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::targets::TargetKind;
use serde::{Deserialize, Serialize};

/// What shares of a distribution may miss of 1: the rounding of tables.
const ROUNDING: f32 = 1e-3;

/// Targets that belong together, such as the intensities of action units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Its name: what a head of an experiment asks for.
    pub name: String,
    /// What its values are.
    #[serde(flatten)]
    pub kind: TargetKind,
    /// Names of its values, in order.
    pub columns: Vec<String>,
}

/// The targets of all rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// The groups, side by side in a row.
    pub groups: Vec<TargetGroup>,
    /// All values, `[rows, columns of all groups]`; 0 where missing.
    pub values: Vec<f32>,
    /// Which of them are known, of the same shape.
    pub known: Vec<bool>,
}

impl Targets {
    /// Values per row.
    pub fn width(&self) -> usize {
        self.groups.iter().map(|group| group.columns.len()).sum()
    }

    /// The group of that name, and the place of its first value in a row.
    pub fn group(&self, name: &str) -> Option<(&TargetGroup, usize)> {
        let at = self.groups.iter().position(|group| group.name == name)?;
        Some((&self.groups[at], self.groups[..at].iter().map(|group| group.columns.len()).sum()))
    }

    /// Adds a cell: a value, or `None` where it is missing.
    pub fn push(&mut self, value: Option<f32>) {
        self.values.push(value.unwrap_or(0.0));
        self.known.push(value.is_some());
    }

    /// Whether names, lengths and values are as they should be in a set of so many rows.
    ///
    /// # Errors
    /// Names the first group, row and column that is not.
    pub fn check(&self, rows: usize) -> Result<()> {
        let width = self.width();
        for (i, group) in self.groups.iter().enumerate() {
            let TargetGroup { name, kind, columns } = group;
            check_name("a group of targets", name)?;
            ensure!(name != CLASSES, "a group of targets is called `{CLASSES}`, which stands for the rows' classes");
            ensure!(self.groups[..i].iter().all(|g| g.name != *name), "two groups of targets are called `{name}`");
            ensure!(!columns.is_empty(), "the group of targets `{name}` has no columns");
            for (j, column) in columns.iter().enumerate() {
                check_name("a target", column).with_context(|| format!("group `{name}`"))?;
                ensure!(!columns[..j].contains(column), "the group of targets `{name}` has `{column}` twice");
            }
            if let TargetKind::Continuous { range: [low, high], .. } = kind {
                let fits = low.is_finite() && high.is_finite() && low < high;
                ensure!(fits, "the range of `{name}` is {low} to {high}: the first must be below the second");
            }
            ensure!(
                *kind != TargetKind::Classes,
                "the group `{name}` says that it is of classes; those are the labels"
            );
        }
        for (what, length) in [("values", self.values.len()), ("known", self.known.len())] {
            ensure!(
                length == rows * width,
                "{rows} rows of {width} targets need {} {what}, not {length}",
                rows * width
            );
        }
        let of = |row: usize| row * width..(row + 1) * width;
        (0..rows).try_for_each(|row| {
            check_row(&self.groups, &self.values[of(row)], &self.known[of(row)]).with_context(|| format!("row {row}"))
        })
    }
}

/// Whether the known values of a row fit their groups.
///
/// # Errors
/// Names the first column whose value does not.
pub(crate) fn check_row(groups: &[TargetGroup], values: &[f32], known: &[bool]) -> Result<()> {
    let mut start = 0;
    for group in groups {
        let range = start..start + group.columns.len();
        start = range.end;
        check_values(group, &values[range.clone()], &known[range])?;
    }
    Ok(())
}

/// The name under which a head asks for the rows' classes.
pub const CLASSES: &str = "classes";

/// Points and commas would tear apart `HEAD.COLUMN` and lists of columns.
fn check_name(what: &str, name: &str) -> Result<()> {
    let fits = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    ensure!(fits, "{what} is called `{name}`: names are made of letters, digits, `_` and `-`");
    Ok(())
}

fn check_values(group: &TargetGroup, values: &[f32], known: &[bool]) -> Result<()> {
    for ((column, &value), _) in group.columns.iter().zip(values).zip(known).filter(|(_, known)| **known) {
        let name = &group.name;
        match &group.kind {
            TargetKind::Labels if value == 0.0 || value == 1.0 => {}
            TargetKind::Labels => bail!("{name}.{column} is {value}; a label is 0 or 1, and empty where it is missing"),
            TargetKind::Continuous { range: [low, high], .. } => {
                ensure!((*low..=*high).contains(&value), "{name}.{column} is {value}; {low} to {high} is expected");
            }
            TargetKind::Classes | TargetKind::Distribution => {
                ensure!((0.0..=1.0).contains(&value), "{name}.{column} is {value}; a share of 0 to 1 is expected");
            }
        }
    }
    if group.kind == TargetKind::Distribution && known.contains(&true) {
        let sum: f32 = values.iter().sum();
        let fits = !known.contains(&false) && (sum - 1.0).abs() <= ROUNDING;
        ensure!(fits, "the shares of `{}` sum to {sum}; 1 is expected, or all of them missing", group.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, kind: TargetKind, columns: &[&str]) -> TargetGroup {
        TargetGroup { name: name.into(), kind, columns: columns.iter().map(ToString::to_string).collect() }
    }

    fn said(kind: TargetKind, cells: &[Option<f32>]) -> String {
        let mut targets = Targets { groups: vec![group("au", kind, &["AU01", "AU12"])], ..Targets::default() };
        cells.iter().for_each(|&cell| targets.push(cell));
        targets.check(1).map_or_else(|e| format!("{e:#}"), |()| String::new())
    }

    #[test]
    fn values_fit_their_kind_or_are_missing() {
        let va = || TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] };
        assert_eq!(said(TargetKind::Labels, &[Some(1.0), None]), "");
        assert!(said(TargetKind::Labels, &[Some(1.0), Some(0.5)]).contains("row 0: au.AU12 is 0.5"));
        assert_eq!(said(va(), &[Some(-1.0), None]), "");
        assert!(said(va(), &[Some(1.5), None]).contains("-1 to 1 is expected"));
        assert!(said(va(), &[Some(f32::NAN), None]).contains("NaN"));
        assert_eq!(said(TargetKind::Distribution, &[Some(0.25), Some(0.7504)]), "");
        assert!(said(TargetKind::Distribution, &[Some(0.25), Some(0.25)]).contains("sum to 0.5"));
        assert!(said(TargetKind::Distribution, &[Some(1.0), None]).contains("sum to"));
        assert!(said(va(), &[Some(0.0)]).contains("need 2 values"));
    }

    #[test]
    fn groups_are_found_by_name_and_names_are_plain() {
        let labels = || TargetKind::Labels;
        let groups = vec![group("a", labels(), &["x", "y"]), group("b", labels(), &["x"])];
        let mut targets = Targets { groups, ..Targets::default() };
        assert_eq!(targets.group("b").map(|(_, start)| start), Some(2));
        assert!(targets.group("c").is_none() && targets.check(0).is_ok());
        targets.groups[1].name = "a".into();
        assert!(targets.check(0).unwrap_err().to_string().contains("two groups"));
        targets.groups[1] = group("b.c", labels(), &["x"]);
        assert!(targets.check(0).unwrap_err().to_string().contains("`b.c`"));
        targets.groups[1] = group("classes", labels(), &["x"]);
        assert!(targets.check(0).is_err());
    }
}
