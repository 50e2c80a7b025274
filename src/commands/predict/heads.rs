//! What is shown and written of a model with heads.

use anyhow::{Context, Result};
use ferrotype_base::targets::{Head, TargetKind, output_names};

use super::table::{Row, fixed_columns, place, place_cells, tidy};

/// Labels that are shown on the terminal, the likeliest first.
const SHOWN: usize = 4;

/// The likeliest labels, the values and the likeliest class of each head, for the terminal.
pub(super) fn line(row: &Row, heads: &[Head]) -> String {
    let parts: Vec<String> = heads.iter().map(|head| part(head, head.of(&row.values))).collect();
    format!("{}{}  {}", tidy(&row.path), place(row), parts.join("  "))
}

fn part(head: &Head, values: &[f64]) -> String {
    if let TargetKind::Continuous { .. } = head.kind {
        let shown = head.columns.iter().zip(values).map(|(column, value)| format!("{column} {value:.2}"));
        return format!("{}: {}", head.name, shown.collect::<Vec<_>>().join(" "));
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let count = if head.kind.has_classes() { 1 } else { SHOWN };
    let shown = order.iter().take(count).map(|&c| format!("{} {:.1} %", head.columns[c], 100.0 * values[c]));
    format!("{}: {}", head.name, shown.collect::<Vec<_>>().join(" "))
}

/// The table: one row per face with `HEAD.COLUMN` of every output, probabilities or values; where it was found stands in it
/// if faces were looked for.
pub(super) fn table(rows: &[Row], heads: &[Head], finds: bool) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(fixed_columns(finds).into_iter().chain(output_names(heads)))?;
    for row in rows {
        let mut record = vec![tidy(&row.path)];
        record.extend(place_cells(row, finds));
        record.extend(row.values.iter().map(ToString::to_string));
        csv.write_record(record)?;
    }
    csv.into_inner().context("cannot write the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_has_its_part() {
        let head = |name: &str, kind, columns: &[&str], start| Head {
            name: name.into(),
            kind,
            columns: columns.iter().map(ToString::to_string).collect(),
            start,
        };
        let va = TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] };
        let heads = [head("au", TargetKind::Labels, &["AU01", "AU12"], 0), head("va", va, &["valence"], 2)];
        let row = Row { path: "a.png".into(), found: None, values: vec![0.25, 0.75, -0.5], class: 0 };
        assert_eq!(line(&row, &heads), "a.png  au: AU12 75.0 % AU01 25.0 %  va: valence -0.50");
        let table = String::from_utf8(table(&[row], &heads, false).unwrap()).unwrap();
        assert_eq!(table, "path,au.AU01,au.AU12,va.valence\na.png,0.25,0.75,-0.5\n");
    }
}
