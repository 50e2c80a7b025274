//! Little-endian numbers and matrices of float64, as OpenFace writes OpenCV's.

use anyhow::{Context, Result, ensure};

/// OpenCV's number for matrices of float64 (`CV_64F`).
const FLOAT64: i32 = 6;

/// The rest of a file.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().with_context(|| format!("it is cut off before {what}"))?;
        self.rest = rest;
        Ok(*head)
    }

    pub fn integer(&mut self, what: &str) -> Result<i32> {
        Ok(i32::from_le_bytes(self.bytes(what)?))
    }

    /// A finite number.
    pub fn number(&mut self, what: &str) -> Result<f64> {
        let value = f64::from_le_bytes(self.bytes(what)?);
        ensure!(value.is_finite(), "{what} is {value}: the file is damaged");
        Ok(value)
    }

    /// Rows, columns and the values row by row.
    pub fn matrix(&mut self, what: &str) -> Result<(usize, usize, Vec<f64>)> {
        let [rows, columns] = [self.integer(what)?, self.integer(what)?];
        let kind = self.integer(what)?;
        ensure!(
            kind == FLOAT64,
            "{what} have OpenCV's type {kind} where float64 ({FLOAT64}) is expected: the file is damaged, or none of \
             OpenFace's linear predictors"
        );
        let sides = usize::try_from(rows).ok().zip(usize::try_from(columns).ok());
        let count = sides.and_then(|(r, c)| r.checked_mul(c)).and_then(|n| n.checked_mul(8).map(|_| n));
        let ((rows, columns), count) = sides
            .zip(count)
            .with_context(|| format!("{what} are said to be a matrix of {rows} x {columns}: the file is damaged"))?;
        let there = self.rest.len();
        ensure!(
            there / 8 >= count,
            "it is cut off or damaged: {what} of {rows} x {columns} numbers take {} bytes and {there} are left",
            count * 8
        );
        let values: Result<Vec<f64>> = (0..count).map(|_| self.number(what)).collect();
        Ok((rows, columns, values?))
    }

    /// Checks that nothing is left.
    pub fn end(self) -> Result<()> {
        ensure!(self.rest.is_empty(), "{} bytes follow where the file should end: it is damaged", self.rest.len());
        Ok(())
    }
}

/// Appends a matrix of `values`, row by row.
pub fn write_matrix(out: &mut Vec<u8>, rows: usize, columns: usize, values: &[f64]) {
    for header in [rows as i32, columns as i32, FLOAT64] {
        out.extend(header.to_le_bytes());
    }
    values.iter().for_each(|v| out.extend(v.to_le_bytes()));
}
