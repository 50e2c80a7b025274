//! Features of a training and a test set.

use std::collections::BTreeMap;

use anyhow::Result;
use ferrotype_classic::matrix::Matrix;
use ferrotype_data::task::{Subset, Task};

use crate::Problem;

/// Pictures that are preprocessed together.
const BATCH: usize = 256;

/// The pixels of each picture of a task, preprocessed, as features.
///
/// # Errors
/// When a picture cannot be preprocessed.
pub fn problem(task: &Task, seed: u64) -> Result<Problem> {
    let mut features = values(&task.train)?;
    features.extend(values(&task.test)?);
    let labelled = &task.train.labelled;
    Ok(Problem {
        features: Matrix::from_rows(&features)?,
        labels: task.train.indices.iter().map(|&i| labelled.class(i)).collect(),
        people: people(&task.train),
        classes: labelled.classes.clone(),
        seed,
    })
}

fn values(subset: &Subset) -> Result<Vec<Vec<f64>>> {
    let mut rows = Vec::with_capacity(subset.len());
    for batch in subset.evaluation_loader(BATCH)?.epoch(0, 0) {
        let batch = batch?;
        let len = batch.shape.iter().product::<usize>();
        rows.extend(batch.images.chunks_exact(len).map(|row| row.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()));
    }
    Ok(rows)
}

/// Who is in each row, as a number.
fn people(subset: &Subset) -> Vec<usize> {
    let rows = subset.rows();
    let Some(names) = &subset.faces.subjects else { return (0..rows.len()).collect() };
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let number = |(i, &row): (usize, &u32)| match names[row as usize].as_str() {
        // Nobody knows who this is.
        "" => rows.len() + i,
        name => {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        }
    };
    rows.iter().enumerate().map(number).collect()
}
