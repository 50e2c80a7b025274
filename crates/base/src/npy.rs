//! NumPy's `.npy` files, read (format versions 1 to 3; NEP 1).

use anyhow::{Context, Result, anyhow, bail, ensure};

/// More elements than any array that is read here has.
const MOST: usize = 1 << 28;

/// An array of numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Its sides; none for a single number.
    pub shape: Vec<usize>,
    /// Its elements, the last side running fastest. Every type is given as f64, which holds whole numbers to 2^53.
    pub values: Vec<f64>,
}

/// A `.npy` file taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts<'a> {
    /// The type of an element, such as `<f4`: byte order, kind, size.
    pub descr: String,
    /// The array's sides; none for a single element.
    pub shape: Vec<usize>,
    /// Whether the first side runs fastest.
    fortran: bool,
    /// The elements' bytes, and whatever follows them.
    pub data: &'a [u8],
}

/// Takes a `.npy` file apart, whatever its elements are.
///
/// # Errors
/// When the file is cut off or damaged within its header, is no `.npy` file, or its elements are records.
pub fn parse(bytes: &[u8]) -> Result<Parts<'_>> {
    ensure!(bytes.starts_with(b"\x93NUMPY"), "it is no .npy file: numpy.save(path, array) writes one");
    let version = *bytes.get(6).context("it is cut off")?;
    let wide = match version {
        1 => 2,
        2 | 3 => 4,
        other => bail!("it is a .npy file of version {other}; versions 1 to 3 can be read"),
    };
    let length = bytes.get(8..8 + wide).context("it is cut off")?.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b));
    let header = bytes.get(8 + wide..(8 + wide).saturating_add(length)).context("it is cut off within its header")?;
    let header = String::from_utf8_lossy(header);
    let descr = entry(&header, "descr")?.strip_prefix('\'').and_then(|t| t.split_once('\''));
    Ok(Parts {
        descr: descr.context("its elements are records, not numbers")?.0.to_owned(),
        shape: shape(entry(&header, "shape")?)?,
        fortran: entry(&header, "fortran_order")?.starts_with("True"),
        data: &bytes[8 + wide + length..],
    })
}

/// The array of a `.npy` file: floats of 32 or 64 bits, integers of 8 to 64 bits, booleans, in either byte order.
///
/// # Errors
/// When the file is cut off or damaged, is no `.npy` file, or holds texts, objects or other things than numbers.
pub fn read(bytes: &[u8]) -> Result<Numbers> {
    let Parts { descr, shape, fortran, data } = parse(bytes)?;
    let form = Form::of(&descr)?;
    let count = shape.iter().try_fold(1usize, |n, &side| n.checked_mul(side)).filter(|&n| n <= MOST);
    let count = count.with_context(|| format!("its shape {shape:?} has more elements than can be read"))?;
    ensure!(
        data.len() >= count * form.size,
        "it is cut off: shape {shape:?} takes {} bytes and {} are there",
        count * form.size,
        data.len()
    );
    let values: Vec<f64> = data.chunks_exact(form.size).take(count).map(|b| form.value(b)).collect();
    Ok(Numbers { values: if fortran { row_major(&shape, &values) } else { values }, shape })
}

/// The single value of a `.npy` file: a number, or text that says one.
///
/// # Errors
/// As [`read`], and when there are several values or the value is not finite.
pub fn number(bytes: &[u8]) -> Result<f64> {
    let Parts { descr, shape, data, .. } = parse(bytes)?;
    ensure!(shape.iter().all(|&side| side == 1), "a .npy of shape {shape:?}; a single value is expected");
    let is_text = matches!(descr.as_bytes().get(1), Some(b'S' | b'U'));
    let value = if is_text { said(&descr, data)? } else { read(bytes)?.values[0] };
    ensure!(value.is_finite(), "{value} is no finite number");
    Ok(value)
}

/// The number that a text of bytes (`S`) or of UTF-32 (`U`) says.
fn said(descr: &str, data: &[u8]) -> Result<f64> {
    let wide = descr.as_bytes()[1] == b'U';
    let letters = descr.get(2..).and_then(|n| n.parse::<usize>().ok()).filter(|&n| n <= 1024);
    let size = letters.with_context(|| format!("unknown .npy type \"{descr}\""))? * if wide { 4 } else { 1 };
    let data =
        data.get(..size).with_context(|| format!("it is cut off: {} bytes, and {size} are expected", data.len()))?;
    let text: String = if wide {
        let big = descr.starts_with('>');
        let code = |c: &[u8; 4]| if big { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) };
        data.as_chunks::<4>().0.iter().filter_map(|c| char::from_u32(code(c))).collect()
    } else {
        String::from_utf8_lossy(data).into_owned()
    };
    let text = text.trim_matches(['\0', ' ']);
    text.parse().map_err(|_| anyhow!("\"{text}\" is not a number"))
}

/// What stands behind a key of the header, which is a Python dictionary.
fn entry<'a>(header: &'a str, key: &str) -> Result<&'a str> {
    let at = header.find(&format!("'{key}'")).with_context(|| format!("its header lacks {key}"))?;
    let rest = header[at + key.len() + 2..].trim_start();
    Ok(rest.strip_prefix(':').with_context(|| format!("its header is damaged at {key}"))?.trim_start())
}

fn shape(text: &str) -> Result<Vec<usize>> {
    let inside = text.strip_prefix('(').and_then(|t| t.split_once(')')).context("its header has no shape")?.0;
    let sides = inside.split(',').map(str::trim).filter(|side| !side.is_empty());
    sides.map(|side| side.parse().map_err(|_| anyhow!("its header has a side `{side}`, which is no number"))).collect()
}

/// How an element is stored.
struct Form {
    kind: u8,
    size: usize,
    big: bool,
}

impl Form {
    fn of(descr: &str) -> Result<Self> {
        let bytes = descr.as_bytes();
        let known = |(&order, &kind): (&u8, &u8)| {
            let size = descr.get(2..)?.parse().ok()?;
            let known = matches!((kind, size), (b'f', 4 | 8) | (b'i' | b'u', 1 | 2 | 4 | 8) | (b'b', 1));
            (known && matches!(order, b'<' | b'>' | b'|' | b'=')).then_some(Self { kind, size, big: order == b'>' })
        };
        bytes.first().zip(bytes.get(1)).and_then(known).with_context(|| {
            let shown: String = descr.chars().take(24).collect();
            format!("its elements are of type '{shown}', not numbers: save numpy.asarray(x, dtype=numpy.float32)")
        })
    }

    fn value(&self, bytes: &[u8]) -> f64 {
        let mut eight = [0; 8];
        let bits = bytes.iter().enumerate();
        bits.for_each(|(i, &b)| eight[if self.big { bytes.len() - 1 - i } else { i }] = b);
        let bits = u64::from_le_bytes(eight);
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', _) => ((bits << unused) as i64 >> unused) as f64,
            _ => bits as f64,
        }
    }
}

/// Elements whose first side runs fastest, put in the usual order.
fn row_major(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let place = |mut at: usize| {
        let mut stride: usize = shape.iter().product();
        shape.iter().rev().fold(0, |place, &side| {
            stride /= side;
            let index = at % side;
            at /= side;
            place + index * stride
        })
    };
    (0..values.len()).map(|at| values[place(at)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn types_orders_and_layouts_are_numpys() {
        // np.save of np.array([[1, 2, 3]], np.float32); of np.array([-2, 3], '>i2'); of np.asfortranarray([[1, 2], [3, 4]], 'u1')
        let floats: Vec<u8> = [1f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let a = read(&file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }     \n", &floats)).unwrap();
        assert_eq!(a, Numbers { shape: vec![1, 3], values: vec![1.0, 2.0, 3.0] });
        let b = read(&file("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n", &[255, 254, 0, 3])).unwrap();
        assert_eq!(b, Numbers { shape: vec![2], values: vec![-2.0, 3.0] });
        let c = read(&file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }\n", &[1, 3, 2, 4])).unwrap();
        assert_eq!(c, Numbers { shape: vec![2, 2], values: vec![1.0, 2.0, 3.0, 4.0] });
        let single = read(&file("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", &0.5f64.to_le_bytes()));
        assert_eq!(single.unwrap(), Numbers { shape: vec![], values: vec![0.5] });
        let empty = read(&file("{'descr': '<f8', 'fortran_order': True, 'shape': (0, 3), }\n", &[])).unwrap();
        assert_eq!(empty, Numbers { shape: vec![0, 3], values: vec![] });
    }

    fn single(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        file(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"), data)
    }

    #[test]
    fn single_numbers_are_read_from_numbers_and_texts() {
        let of = |descr, shape, data: &[u8]| number(&single(descr, shape, data)).unwrap();
        assert_eq!(of("<f4", "()", &0.25f32.to_le_bytes()), 0.25);
        assert_eq!(of("|S5", "()", b"-0.75"), -0.75);
        assert_eq!(of("<i8", "()", &6i64.to_le_bytes()), 6.0);
        assert_eq!(of(">i4", "(1,)", &(-2i32).to_be_bytes()), -2.0);
        assert_eq!(of("|u1", "()", &[7]), 7.0);
        assert_eq!(of("<f8", "()", &3f64.to_le_bytes()), 3.0);
        assert_eq!(of("|S1", "()", b"4"), 4.0);
        assert_eq!(of("<U1", "()", &[b'5', 0, 0, 0]), 5.0);
        assert_eq!(of("<U2", "()", &[b'5', 0, 0, 0, 0, 0, 0, 0]), 5.0);
        assert_eq!(of(">U1", "()", &[0, 0, 0, b'3']), 3.0);
    }

    #[test]
    fn what_is_not_one_number_is_refused() {
        assert!(number(b"hello").is_err());
        let bad = [("<i8", "(2,)", 16), ("<i8", "()", 3), ("|S9", "()", 3), ("|S5", "()", 5), ("<U99999", "()", 8)];
        for (descr, shape, size) in bad {
            assert!(number(&single(descr, shape, &vec![b'x'; size])).is_err(), "{descr} {shape}");
        }
        assert!(number(&single("<f8", "()", &f64::INFINITY.to_le_bytes())).is_err());
        let good = single("<i8", "()", &6i64.to_le_bytes());
        assert!((0..good.len()).all(|n| number(&good[..n]).is_err()));
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        let said = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(said(b"PK\x03\x04").contains("no .npy file"));
        assert!(said(b"\x93NUMPY\x09\x00").contains("version 9"));
        let header = |descr: &str, shape: &str| {
            file(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"), &[0; 8])
        };
        assert!(said(&header("'|O'", "(1,)")).contains("'|O'"));
        assert!(said(&header("'<U3'", "(1,)")).contains("not numbers"));
        assert!(said(&header("'<f8'", "(2,)")).contains("cut off: shape [2] takes 16 bytes and 8 are there"));
        assert!(said(&header("'<f8'", "(99999999999, 99999999999)")).contains("more elements"));
        assert!(said(&header("'<f8'", "(-1,)")).contains("`-1`"));
        let good = header("'<f8'", "(1,)");
        for at in 0..good.len() {
            assert!(read(&good[..at]).is_err(), "{at}");
            let mut bad = good.clone();
            bad[at] ^= 0x81;
            let _ = read(&bad);
        }
    }
}
