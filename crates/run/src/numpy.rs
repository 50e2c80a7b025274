//! Arrays in NumPy's `.npy` and `.npz` forms.
//!
//! An `.npz` file is a ZIP archive of `.npy` files; members are stored, not compressed, as `numpy.savez` does. No member
//! holds Python objects: `numpy.load` reads all of them without `allow_pickle`.

use anyhow::{Context, Result};
use ferrotype_base::zip;

/// An array: its type as NumPy writes it, its shape, and its elements row-major, little-endian.
#[derive(Clone, Debug)]
pub struct Array {
    descr: String,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl Array {
    /// An array of float32.
    pub fn f32(shape: &[usize], values: &[f32]) -> Self {
        Self::new("<f4".into(), shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// An array of int64.
    pub fn i64(shape: &[usize], values: impl IntoIterator<Item = i64>) -> Self {
        Self::new("<i8".into(), shape, values.into_iter().flat_map(i64::to_le_bytes).collect())
    }

    /// A vector of text.
    pub fn text(values: &[String]) -> Self {
        let longest = values.iter().map(|v| v.chars().count()).max().unwrap_or(0).max(1);
        let padded = values.iter().flat_map(|v| v.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest));
        Self::new(format!("<U{longest}"), &[values.len()], padded.flat_map(u32::to_le_bytes).collect())
    }

    fn new(descr: String, shape: &[usize], data: Vec<u8>) -> Self {
        Self { descr, shape: shape.to_vec(), data }
    }

    /// The bytes of a `.npy` file (version 1.0).
    pub fn npy(&self) -> Vec<u8> {
        let sides: String = self.shape.iter().map(|n| format!("{n}, ")).collect();
        let mut header =
            format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", self.descr, sides.trim_end());
        // Magic, version and length take ten bytes, the end of the line one; data begin at a multiple of 64.
        while !(10 + header.len() + 1).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(&self.data);
        bytes
    }
}

/// The bytes of an `.npz` file with arrays by name.
///
/// # Errors
/// When they are more than the 4 GiB that such a file can hold.
pub fn npz(arrays: &[(&str, Array)]) -> Result<Vec<u8>> {
    zip::archive(arrays.iter().map(|(name, array)| (format!("{name}.npy"), array.npy())))
        .context("the arrays take more than the 4 GiB that an .npz file can hold: save fewer examples")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_as_numpy_saves_it() {
        // b = io.BytesIO(); np.save(b, np.array([[1, 2, 3]], np.float32)); b.getvalue()
        let mut expected =
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }".to_vec();
        expected.resize(127, b' ');
        expected.push(b'\n');
        expected.extend([0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64]);
        let ours = Array::f32(&[1, 3], &[1.0, 2.0, 3.0]).npy();
        // NumPy writes no comma after the last of several sides; readers take both.
        let text = |b: &[u8]| String::from_utf8_lossy(&b[10..128]).replace([',', ' '], "");
        assert_eq!(text(&ours), text(&expected));
        assert_eq!((ours.len(), &ours[..8], &ours[128..]), (140, &expected[..8], &expected[128..]));
    }

    #[test]
    fn an_archive_holds_its_arrays_where_it_says() {
        let arrays = [("a", Array::i64(&[2], [1, -1])), ("names", Array::text(&["é".into(), "ab".into()]))];
        let bytes = npz(&arrays).unwrap();
        let end = bytes.len() - 22;
        assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let mut at = word(end + 16);
        for (name, array) in &arrays {
            assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
            let (length, offset) = (word(at + 24), word(at + 42));
            let start = offset + 30 + name.len() + 4;
            let content = &bytes[start..start + length];
            assert_eq!(content, array.npy());
            assert_eq!(word(at + 16) as u32, ferrotype_base::crc::crc32(content));
            at += 46 + name.len() + 4;
        }
        assert_eq!(at, end);
        assert_eq!(&arrays[1].1.data[..8], [0xe9, 0, 0, 0, 0, 0, 0, 0]);
    }
}
