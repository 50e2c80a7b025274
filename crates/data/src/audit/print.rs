//! The audit as text.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

use super::{AuditReport, PARTS};
use crate::info::table;

/// So many rows, groups or pairs are printed; the JSON has all.
const SHOWN: usize = 12;

impl Display for AuditReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "Audit of {} rows ({}). Rows are counted from 0.\n", self.rows, self.source)?;
        self.print_duplicates(f)?;
        self.print_leaks(f)?;
        let near = &self.near_duplicates;
        writeln!(
            f,
            "Near duplicates      {} pairs that look like one picture in another crop, size or contrast",
            near.pairs
        )?;
        print_across(f, &near.across)?;
        for pair in near.members.iter().take(3) {
            writeln!(
                f,
                "                     rows {} and {}: correlation {:.4}",
                pair.rows[0], pair.rows[1], pair.correlation
            )?;
        }
        writeln!(f, "Blank pictures       {}{}", self.blank.len(), listed(&self.blank))?;
        let light = &self.brightness;
        writeln!(f, "Brightness           median {:.1}, median deviation {:.1} of 255", light.median, light.deviation)?;
        writeln!(f, "  much darker        {}{}", light.dark.len(), listed(&light.dark))?;
        writeln!(f, "  much brighter      {}{}", light.bright.len(), listed(&light.bright))?;
        self.print_subjects(f)?;
        self.print_classes(f)
    }
}

impl AuditReport {
    fn print_duplicates(&self, f: &mut Formatter<'_>) -> Result {
        let d = &self.duplicates;
        writeln!(f, "Exact duplicates     {} groups of equal pictures, {} rows", d.groups, d.rows)?;
        print_across(f, &d.across)?;
        writeln!(f, "Conflicting labels   {} of these groups", d.conflicting_groups)?;
        for conflict in d.conflicts.iter().take(3) {
            let rows: Vec<String> =
                conflict.rows.iter().zip(&conflict.labels).map(|(r, l)| format!("{r} {l}")).collect();
            writeln!(f, "                     rows {}", rows.join(", "))?;
        }
        Ok(())
    }

    fn print_leaks(&self, f: &mut Formatter<'_>) -> Result {
        let l = &self.leaks;
        writeln!(
            f,
            "Leaks                {} validation rows and {} test rows have a copy in training",
            l.validation.len(),
            l.test.len()
        )?;
        writeln!(
            f,
            "                     {} training rows stand in the validation or test set (drop_leaks removes them)",
            l.training.len()
        )
    }

    fn print_subjects(&self, f: &mut Formatter<'_>) -> Result {
        let Some(s) = &self.subjects else {
            return writeln!(f, "Subjects             not known");
        };
        writeln!(
            f,
            "Subjects             {}, {} of them in more than one part; {} rows without one",
            s.subjects,
            s.overlapping.len(),
            s.unknown_rows
        )?;
        if !s.overlapping.is_empty() {
            writeln!(
                f,
                "                     {}",
                s.overlapping.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ")
            )?;
        }
        Ok(())
    }

    fn print_classes(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(
            f,
            "Class balance        the largest class has {:.1} times the rows of the smallest\n",
            self.imbalance
        )?;
        let rows: Vec<Vec<String>> = self
            .classes
            .iter()
            .map(|c| std::iter::once(c.class.clone()).chain(c.rows.iter().map(usize::to_string)).collect())
            .collect();
        let header: Vec<&str> = std::iter::once("class").chain(PARTS).collect();
        write!(f, "{}", table(&header, &rows))
    }
}

fn print_across(f: &mut Formatter<'_>, across: &BTreeMap<String, usize>) -> Result {
    across.iter().try_for_each(|(pair, n)| writeln!(f, "                     {n} across {pair}"))
}

/// The first rows of a list, in brackets.
fn listed(rows: &[u32]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = rows.iter().take(SHOWN).map(u32::to_string).collect();
    let more = if rows.len() > SHOWN { " ..." } else { "" };
    format!(" (rows {}{more})", shown.join(" "))
}
