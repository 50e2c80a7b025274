//! Scalars in NumPy's `.npy` form: AffectNet stores one per picture, as a number or as text.

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::npy::{self, Parts};

/// The single value of a `.npy` file as a whole number.
pub(super) fn integer(bytes: &[u8]) -> Result<i64> {
    let Parts { descr, shape, data, .. } = npy::parse(bytes)?;
    ensure!(shape.iter().all(|&side| side == 1), "a .npy of shape {shape:?}; a single value is expected");
    let (order, kind, width) = split_descr(&descr)?;
    ensure!(data.len() >= width, "the .npy file is cut off: {} bytes of data, and {width} are expected", data.len());
    let mut raw = data[..width].to_vec();
    if order == '>' && kind != 'S' && kind != 'U' {
        raw.reverse();
    }
    match kind {
        'i' | 'u' => Ok(signed(&raw, kind == 'i')),
        'f' => whole(float(&raw)?),
        'S' => number(&String::from_utf8_lossy(&raw)),
        'U' => number(&utf32(&raw, order)),
        _ => bail!("a .npy of type {descr} holds no number"),
    }
}

/// Byte order, kind and bytes per value of a `descr` such as `<i8` or `<U1`.
fn split_descr(descr: &str) -> Result<(char, char, usize)> {
    let mut letters = descr.chars();
    let (order, kind) = (letters.next().unwrap_or(' '), letters.next().unwrap_or(' '));
    let size: usize = letters.as_str().parse().with_context(|| format!("unknown .npy type \"{descr}\""))?;
    let width = if kind == 'U' { size.saturating_mul(4) } else { size };
    let known = if matches!(kind, 'i' | 'u' | 'f') { matches!(width, 1 | 2 | 4 | 8) } else { width <= 1024 };
    ensure!(known, "unknown .npy type \"{descr}\"");
    Ok((order, kind, width))
}

fn signed(little: &[u8], sign: bool) -> i64 {
    let fill = if sign && little.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut all = [fill; 8];
    all[..little.len()].copy_from_slice(little);
    i64::from_le_bytes(all)
}

fn float(little: &[u8]) -> Result<f64> {
    match little.len() {
        4 => Ok(f64::from(f32::from_le_bytes(little.try_into()?))),
        8 => Ok(f64::from_le_bytes(little.try_into()?)),
        n => bail!("a .npy of {n}-byte floats is not supported"),
    }
}

fn whole(value: f64) -> Result<i64> {
    ensure!(value.fract() == 0.0 && value.abs() < 1e15, "{value} is not a whole number");
    Ok(value as i64)
}

fn number(text: &str) -> Result<i64> {
    let text = text.trim_matches(['\0', ' ']);
    match text.parse::<f64>() {
        Ok(value) => whole(value),
        Err(_) => bail!("\"{text}\" is not a number"),
    }
}

fn utf32(raw: &[u8], order: char) -> String {
    raw.chunks_exact(4)
        .filter_map(|c| {
            let four = [c[0], c[1], c[2], c[3]];
            char::from_u32(if order == '>' { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A `.npy` of version 1, as numpy.save writes it.
    pub(crate) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn reads_numbers_and_text() {
        assert_eq!(integer(&npy("<i8", "()", &6i64.to_le_bytes())).unwrap(), 6);
        assert_eq!(integer(&npy(">i4", "(1,)", &(-2i32).to_be_bytes())).unwrap(), -2);
        assert_eq!(integer(&npy("|u1", "()", &[7])).unwrap(), 7);
        assert_eq!(integer(&npy("<f8", "()", &3f64.to_le_bytes())).unwrap(), 3);
        assert_eq!(integer(&npy("|S1", "()", b"4")).unwrap(), 4);
        assert_eq!(integer(&npy("<U1", "()", &[b'5', 0, 0, 0])).unwrap(), 5);
        assert_eq!(integer(&npy("<U2", "()", &[b'5', 0, 0, 0, 0, 0, 0, 0])).unwrap(), 5);
    }

    #[test]
    fn refuses_what_is_not_one_whole_number() {
        assert!(integer(b"hello").is_err());
        assert!(integer(&npy("<i8", "(2,)", &[0; 16])).is_err());
        assert!(integer(&npy("<i8", "()", &[0; 3])).is_err());
        assert!(integer(&npy("<f8", "()", &0.5f64.to_le_bytes())).is_err());
        assert!(integer(&npy("|S5", "()", b"happy")).is_err());
        let good = npy("<i8", "()", &6i64.to_le_bytes());
        assert!((0..good.len()).all(|n| integer(&good[..n]).is_err()));
    }
}
