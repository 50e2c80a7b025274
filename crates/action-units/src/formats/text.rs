//! Texts: the shape model (`In-the-wild_aligned_PDM_68.txt`) and the triangles (`tris_68_full.txt`). Each matrix is its
//! number of rows, of columns, OpenCV's type, and its values; lines that begin with `#` are remarks.

use std::fmt::Write;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

use crate::{MODES, POINTS};

/// OpenCV's types of float64 and int32.
const FLOAT64: usize = 6;
const INT32: usize = 4;

/// The three matrices of a shape model.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapeFile {
    /// The mean face: 68 x, then 68 y, then 68 z; millimetres.
    pub mean: Vec<f64>,
    /// `(204, 34)`, row by row: how each mode moves each coordinate.
    pub components: Vec<f64>,
    /// The variance of each of the 34 modes, greater than 0.
    pub eigenvalues: Vec<f64>,
}

/// Reads a shape model of 68 points and 34 modes.
///
/// # Errors
/// When the bytes are no text, cut off, damaged, or a model of other dimensions, and when a variance is not above 0.
pub fn parse_shape_model(bytes: &[u8]) -> Result<ShapeFile> {
    let mut words = Words::new(bytes)?;
    let mean = words.matrix("the mean shape", [3 * POINTS, 1], FLOAT64)?;
    let components = words.matrix("the components", [3 * POINTS, MODES], FLOAT64)?;
    let eigenvalues = words.matrix("the eigenvalues", [1, MODES], FLOAT64)?;
    words.end()?;
    let all = [&mean, &components, &eigenvalues];
    ensure!(all.iter().all(|m| m.iter().all(|v: &f64| v.is_finite())), "a value is not finite: the file is damaged");
    ensure!(eigenvalues.iter().all(|&v| v > 0.0), "an eigenvalue is not above 0: the file is damaged");
    Ok(ShapeFile { mean, components, eigenvalues })
}

/// The text of a shape model; the numbers are read back to the bit.
pub fn format_shape_model(model: &ShapeFile) -> String {
    let mut text = String::new();
    for (title, columns, values) in [
        ("The mean shape", 1, &model.mean),
        ("The components", MODES, &model.components),
        ("The eigenvalues", MODES, &model.eigenvalues),
    ] {
        let _ = writeln!(text, "# {title}\n{}\n{columns}\n{FLOAT64}", values.len() / columns);
        for row in values.chunks(columns) {
            let row: Vec<String> = row.iter().map(f64::to_string).collect();
            let _ = writeln!(text, "{}", row.join(" "));
        }
    }
    text
}

/// Reads triangles between the 68 points, as triples of point numbers from 0.
///
/// # Errors
/// When the bytes are no text, cut off, damaged, or name a point that is not there.
pub fn parse_triangles(bytes: &[u8]) -> Result<Vec<[usize; 3]>> {
    let mut words = Words::new(bytes)?;
    let count = words.next("the number of triangles")?;
    ensure!((1..=10_000).contains(&count), "it holds {count} triangles, no triangulation of {POINTS} points");
    let flat: Vec<usize> = words.values("the triangles", [count, 3], INT32)?;
    words.end()?;
    let highest = flat.iter().max().copied().unwrap_or_default();
    ensure!(highest < POINTS, "a triangle has the corner {highest}; the {POINTS} points are numbered from 0");
    Ok(flat.chunks_exact(3).map(|t| [t[0], t[1], t[2]]).collect())
}

/// The text of triangles.
pub fn format_triangles(triangles: &[[usize; 3]]) -> String {
    let lines: String = triangles.iter().map(|[a, b, c]| format!("{a} {b} {c}\n")).collect();
    format!("{}\n3\n{INT32}\n{lines}", triangles.len())
}

/// The words of a text that are no remarks.
struct Words<'a> {
    words: Box<dyn Iterator<Item = &'a str> + 'a>,
}

impl<'a> Words<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).ok().context("it is no text")?;
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        Ok(Self { words: Box::new(lines.flat_map(str::split_whitespace)) })
    }

    fn next<T: FromStr>(&mut self, what: &str) -> Result<T> {
        let word = self.words.next().with_context(|| format!("it is cut off before {what}, or within"))?;
        let shown: String = word.chars().take(40).collect();
        word.parse().ok().with_context(|| format!("`{shown}` in {what} is no number of that kind: the file is damaged"))
    }

    fn matrix<T: FromStr>(&mut self, what: &str, sides: [usize; 2], kind: usize) -> Result<Vec<T>> {
        let rows: usize = self.next(what)?;
        ensure!(rows == sides[0], "{what} have {rows} rows where {} are expected", sides[0]);
        self.values(what, sides, kind)
    }

    /// What follows a matrix's number of rows.
    fn values<T: FromStr>(&mut self, what: &str, [rows, columns]: [usize; 2], kind: usize) -> Result<Vec<T>> {
        let said: usize = self.next(what)?;
        ensure!(said == columns, "{what} have {said} columns where {columns} are expected");
        let said: usize = self.next(what)?;
        ensure!(said == kind, "{what} have OpenCV's type {said} where {kind} is expected");
        (0..rows * columns).map(|_| self.next(what)).collect()
    }

    fn end(mut self) -> Result<()> {
        ensure!(self.words.next().is_none(), "more follows where the file should end: it is damaged");
        Ok(())
    }
}
