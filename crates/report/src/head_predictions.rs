//! `predictions.csv` of a model with heads: what it said of every row, head by head.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_base::statistics::first_largest;
use ferrotype_base::targets::{Head, TargetKind};

use ferrotype_evaluation::HeadPredictions;
use ferrotype_run::files::write_atomic;

/// Writes `row` and, for each head, of labels and values `HEAD.COLUMN.truth` (empty where missing) and `HEAD.COLUMN`
/// (a probability or a value), of classes `HEAD.truth`, `HEAD.prediction` and `HEAD.CLASS` (a probability).
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: impl AsRef<Path>, heads: &[HeadPredictions]) -> Result<()> {
    write_atomic(path, &to_csv(heads)?)
}

fn header(head: &Head) -> Vec<String> {
    let Head { name, columns, .. } = head;
    if head.kind.has_classes() {
        let classes = columns.iter().map(|c| format!("{name}.{c}"));
        return [format!("{name}.truth"), format!("{name}.prediction")].into_iter().chain(classes).collect();
    }
    columns.iter().flat_map(|c| [format!("{name}.{c}.truth"), format!("{name}.{c}")]).collect()
}

fn to_csv(heads: &[HeadPredictions]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(std::iter::once("row".to_owned()).chain(heads.iter().flat_map(|h| header(&h.head))))?;
    let rows = heads.first().map_or(0, |head| head.rows.len());
    for i in 0..rows {
        let mut record = vec![heads[0].rows[i].to_string()];
        heads.iter().for_each(|head| add(head, i, &mut record));
        csv.write_record(record)?;
    }
    csv.into_inner().context("predictions cannot be written as CSV")
}

fn add(head: &HeadPredictions, i: usize, record: &mut Vec<String>) {
    let (values, truth) = (head.values(i), head.truth_of(i));
    let columns = &head.head.columns;
    // Nine significant digits, as for classes.
    let number = |v: f64| format!("{v:.8e}");
    if head.head.kind.has_classes() {
        let known: Option<Vec<f64>> = truth.iter().map(|t| t.map(f64::from)).collect();
        record.push(known.map(|t| columns[first_largest(&t)].clone()).unwrap_or_default());
        record.push(columns[first_largest(&values)].clone());
        record.extend(values.into_iter().map(number));
        return;
    }
    for (value, truth) in values.into_iter().zip(truth) {
        record.push(truth.map(|t| t.to_string()).unwrap_or_default());
        record.push(number(value));
    }
}

/// Reads the table of these heads again. Outputs are those that have the written probabilities; of a distribution only its
/// likeliest class is known again.
///
/// # Errors
/// When the file cannot be read or is not of this form: the line is named.
pub fn read(path: impl AsRef<Path>, heads: &[Head]) -> Result<Vec<HeadPredictions>> {
    let path = path.as_ref();
    let name = path.display();
    let mut csv = csv::Reader::from_path(path).with_context(|| format!("cannot read {name}"))?;
    let wanted: Vec<String> = std::iter::once("row".to_owned()).chain(heads.iter().flat_map(header)).collect();
    let found = csv.headers().with_context(|| format!("cannot read {name}"))?;
    ensure!(found.iter().eq(wanted.iter()), "{name} is not the table of this model's heads");
    let empty = |head: &Head| HeadPredictions {
        head: head.clone(),
        rows: Vec::new(),
        truth: Vec::new(),
        known: Vec::new(),
        outputs: Vec::new(),
    };
    let mut all: Vec<HeadPredictions> = heads.iter().map(empty).collect();
    for (i, record) in csv.records().enumerate() {
        let place = || format!("{name}, line {}", i + 2);
        let record = record.with_context(place)?;
        let row = record[0].parse().with_context(|| format!("{}: `{}` is not a row number", place(), &record[0]))?;
        let mut cells = record.iter().skip(1);
        for head in &mut all {
            head.rows.push(row);
            take(head, &mut cells).with_context(place)?;
        }
    }
    Ok(all)
}

fn take<'a>(to: &mut HeadPredictions, cells: &mut impl Iterator<Item = &'a str>) -> Result<()> {
    let number = |cell: &str| -> Result<f64> { cell.parse().with_context(|| format!("`{cell}` is not a number")) };
    let mut next = || cells.next().unwrap_or_default();
    let columns = to.head.columns.clone();
    if to.head.kind.has_classes() {
        let (truth, _) = (next(), next());
        let class = columns.iter().position(|c| c == truth);
        ensure!(class.is_some() || truth.is_empty(), "`{truth}` is not one of the classes");
        to.truth.extend((0..columns.len()).map(|c| f32::from(Some(c) == class)));
        to.known.extend(vec![class.is_some(); columns.len()]);
        for _ in &columns {
            to.outputs.push(number(next())?.max(f64::MIN_POSITIVE).ln() as f32);
        }
        return Ok(());
    }
    for _ in &columns {
        let (truth, value) = (next(), number(next())?);
        to.known.push(!truth.is_empty());
        to.truth.push(if truth.is_empty() { 0.0 } else { number(truth)? as f32 });
        let logit = |p: f64| (p.max(f64::MIN_POSITIVE) / (1.0 - p).max(f64::MIN_POSITIVE)).ln() as f32;
        to.outputs.push(if to.head.kind == TargetKind::Labels { logit(value) } else { value as f32 });
    }
    Ok(())
}

/// The predictions of several sets as those of one.
///
/// # Errors
/// When there is no set, or their heads differ.
pub fn pool(sets: Vec<Vec<HeadPredictions>>) -> Result<Vec<HeadPredictions>> {
    let mut sets = sets.into_iter();
    let mut all = sets.next().context("there are no predictions to pool")?;
    for set in sets {
        ensure!(set.len() == all.len(), "the sets have different heads: they cannot be pooled");
        for (to, from) in all.iter_mut().zip(set) {
            ensure!(to.head == from.head, "the head {} differs between the sets: they cannot be pooled", to.head.name);
            to.rows.extend(from.rows);
            to.truth.extend(from.truth);
            to.known.extend(from.known);
            to.outputs.extend(from.outputs);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_evaluation::{score_heads, split_outputs};

    #[test]
    fn the_table_comes_back_with_its_gaps() {
        let head = |name: &str, kind, columns: &[&str], start| Head {
            name: name.into(),
            kind,
            columns: columns.iter().map(ToString::to_string).collect(),
            start,
        };
        let va = TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] };
        let heads = [head("va", va, &["valence"], 0), head("emotion", TargetKind::Classes, &["sad", "happy"], 1)];
        let known = [true, true, true, false, false, false];
        let predictions =
            split_outputs(&heads, &[4, 9], &[0.5, 1.0, 0.0, 0.0, 0.0, 0.0], &known, &[0.25, 1.0, 1.0, 7.0, 0.0, 2.0])
                .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        write(&path, &predictions).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("row,va.valence.truth,va.valence,emotion.truth,emotion.prediction,emotion.sad,"),
            "{text}"
        );
        assert!(
            text.contains("\n4,0.5,2.50000000e-1,sad,sad,5.0") && text.contains("\n9,,1.00000000e0,,happy,"),
            "{text}"
        );
        let back = read(&path, &heads).unwrap();
        let (a, b) = (score_heads(&predictions).unwrap(), score_heads(&back).unwrap());
        for (name, score) in &a.metrics {
            assert!((score.value - b.metrics[name].value).abs() < 1e-6 && score.n == b.metrics[name].n, "{name}");
        }
        assert_eq!((back[0].truth_of(1), back[0].rows.as_slice()), (vec![None], [4, 9].as_slice()));
        let pooled = pool(vec![back.clone(), back]).unwrap();
        assert_eq!((pooled[1].rows.len(), pooled[1].outputs.len()), (4, 8));
        assert!(read(&path, &heads[..1]).unwrap_err().to_string().contains("not the table"));
    }
}
