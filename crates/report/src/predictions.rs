//! `predictions.csv`: what the model said of every row.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use ferrotype_evaluation::{Decisions, Predictions};
use ferrotype_run::files::write_atomic;

/// Columns before the probabilities.
const FIXED: [&str; 3] = ["row", "truth", "prediction"];

/// Writes `row, truth, prediction` and one probability column per class, named after it.
///
/// # Errors
/// When the predictions do not pass [`Predictions::check`], or the file cannot be written.
pub fn write(path: impl AsRef<Path>, predictions: &Predictions) -> Result<()> {
    write_atomic(path, &to_csv(predictions)?)
}

fn to_csv(predictions: &Predictions) -> Result<Vec<u8>> {
    predictions.check()?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(FIXED.into_iter().chain(predictions.classes.iter().map(String::as_str)))?;
    for i in 0..predictions.len() {
        let class = |c: usize| predictions.classes[c].clone();
        let mut record =
            vec![predictions.rows[i].to_string(), class(predictions.truth[i]), class(predictions.predicted(i))];
        // Nine significant digits: a probability of 1e-12 is not 0, so the file can stand in for the logits.
        record.extend(predictions.probabilities(i).iter().map(|p| format!("{p:.8e}")));
        csv.write_record(record)?;
    }
    csv.into_inner().context("predictions cannot be written as CSV")
}

/// Reads the file again. Logits are the logarithms of the probabilities, which have the same softmax; targets are the
/// true classes. Votes are not in the file.
///
/// # Errors
/// When the file cannot be read or is not of this form: the line is named.
pub fn read(path: impl AsRef<Path>) -> Result<Predictions> {
    let mut read = Predictions::default();
    read.classes = each(path.as_ref(), |classes, record| add(&mut read, classes, record))?;
    Ok(read)
}

/// Reads only what was decided, by the column `prediction`: probabilities may be rounded alike.
///
/// # Errors
/// As [`read`].
pub fn read_decisions(path: impl AsRef<Path>) -> Result<Decisions> {
    let mut read = Decisions::default();
    read.classes = each(path.as_ref(), |classes, record| {
        read.rows.push(row(record)?);
        read.truth.push(class(classes, &record[1])?);
        read.predicted.push(class(classes, &record[2])?);
        Ok(())
    })?;
    Ok(read)
}

/// Gives each record, with the classes, to `take`; gives the classes.
fn each(path: &Path, mut take: impl FnMut(&[String], &csv::StringRecord) -> Result<()>) -> Result<Vec<String>> {
    let name = path.display();
    let mut csv = csv::Reader::from_path(path).with_context(|| format!("cannot read {name}"))?;
    let header = csv.headers().with_context(|| format!("cannot read {name}"))?.clone();
    ensure!(
        header.len() < 2 || header.iter().skip(1).any(|column| !column.contains('.')) || &header[0] != "row",
        "{name} is of a model with heads (docs/targets.md), and this is for models that give one class per row"
    );
    ensure!(
        header.len() > FIXED.len() && header.iter().take(FIXED.len()).eq(FIXED),
        "{name} is not a table of predictions: its columns must be row, truth, prediction and one per class"
    );
    let classes: Vec<String> = header.iter().skip(FIXED.len()).map(String::from).collect();
    for (i, record) in csv.records().enumerate() {
        let record = record.with_context(|| format!("{name}, line {}", i + 2))?;
        take(&classes, &record).with_context(|| format!("{name}, line {}", i + 2))?;
    }
    Ok(classes)
}

fn row(record: &csv::StringRecord) -> Result<u32> {
    record[0].parse().with_context(|| format!("`{}` is not a row number", &record[0]))
}

fn class(classes: &[String], name: &str) -> Result<usize> {
    classes.iter().position(|c| c == name).with_context(|| format!("the class `{name}` has no column"))
}

fn add(read: &mut Predictions, classes: &[String], record: &csv::StringRecord) -> Result<()> {
    let truth = class(classes, &record[1])?;
    read.rows.push(row(record)?);
    read.truth.push(truth);
    read.targets.extend((0..classes.len()).map(|c| f32::from(c == truth)));
    for value in record.iter().skip(FIXED.len()) {
        let p: f64 = value.parse().with_context(|| format!("`{value}` is not a number"))?;
        ensure!((0.0..=1.0).contains(&p), "`{value}` is not a probability");
        read.logits.push(p.max(f64::MIN_POSITIVE).ln() as f32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_evaluation::{mocks::twelve, score};

    #[test]
    fn the_table_scores_as_the_predictions_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        write(&path, &twelve()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("row,truth,prediction,neutral,happiness,surprise,fear,contempt\n0,neutral,neutral,4.")
        );
        let back = read(&path).unwrap();
        assert_eq!(read_decisions(&path).unwrap(), Decisions::of(&twelve()));
        let (a, b) = (score(&twelve()).unwrap(), score(&back).unwrap());
        assert_eq!(a.confusion, b.confusion);
        assert!((a.metrics["log_loss"].value - b.metrics["log_loss"].value).abs() < 1e-6);
    }

    #[test]
    fn bad_tables_are_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            format!("{:#}", read(&path).unwrap_err())
        };
        assert!(refused("a,b\n").contains("not a table of predictions"));
        assert!(refused("row,truth,prediction,x\n1,x,x,1\n2,y,x,1\n").contains("line 3"));
        assert!(refused("row,truth,prediction,x\n1,x,x,2\n").contains("not a probability"));
        assert!(refused("row,truth,prediction,x\n1,x\n").contains("line 2"));
    }
}
