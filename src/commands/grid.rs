//! `--grid KEY=V1|V2`: values of keys, every combination of which is trained.

use anyhow::{Context, Result, ensure};

/// Most points of a grid: more are a slip.
pub const MOST: usize = 1000;

/// Every combination of the values of all keys, as `--set` takes them.
///
/// # Errors
/// When an axis is not of that form, or there are too many combinations.
pub fn points(grid: &[String]) -> Result<Vec<Vec<String>>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for axis in grid {
        let (key, values) = axis.split_once('=').with_context(|| format!("--grid {axis}: KEY=V1|V2 is expected"))?;
        let values: Vec<&str> = values.split('|').map(str::trim).collect();
        ensure!(values.iter().all(|v| !v.is_empty()), "--grid {axis}: one of its values is empty");
        all = all
            .iter()
            .flat_map(|point| values.iter().map(move |v| [point.clone(), vec![format!("{key}={v}")]].concat()))
            .collect();
        ensure!(all.len() <= MOST, "the grid has more than {MOST} points: give fewer values");
    }
    Ok(all)
}

/// The keys of a grid.
pub fn keys(grid: &[String]) -> String {
    grid.iter().filter_map(|axis| Some(axis.split_once('=')?.0)).collect::<Vec<_>>().join(", ")
}

/// What tells a point from the others: its value, or its keys with their values where there are several.
pub fn label(point: &[String]) -> String {
    match point {
        [only] => only.split_once('=').map_or(only.as_str(), |(_, value)| value).to_owned(),
        several => several.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_every_combination() {
        let grid = ["a=1|2".to_owned(), "b.c={x: 1}|none".to_owned()];
        let all = points(&grid).unwrap();
        assert_eq!(all, [["a=1", "b.c={x: 1}"], ["a=1", "b.c=none"], ["a=2", "b.c={x: 1}"], ["a=2", "b.c=none"]]);
        assert_eq!(points(&[]).unwrap().len(), 1);
        assert!(points(&["a".to_owned()]).is_err() && points(&["a=1||2".to_owned()]).is_err());
    }

    #[test]
    fn labels_leave_out_the_only_key() {
        assert_eq!(keys(&["a=1|2".to_owned(), "b=x".to_owned()]), "a, b");
        assert_eq!(label(&["a.b=[x, y]".to_owned()]), "[x, y]");
        assert_eq!(label(&["a=1".to_owned(), "b=x".to_owned()]), "a=1 b=x");
    }
}
