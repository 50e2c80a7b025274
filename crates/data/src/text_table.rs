//! Text tables that other programs wrote: their encoding, byte-order mark and delimiter, for every reader of such tables.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};

/// What Windows-1252 has at 0x80 to 0x9F, where Latin-1 has control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Text of a foreign file: UTF-8 where it is that, UTF-16 where a byte-order mark says so, otherwise Windows-1252, of
/// which the printable characters of Latin-1 are a part. Without a byte-order mark, and without a replacement character
/// unless one stands in the file.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(utf16) = utf16(bytes) {
        return Cow::Owned(utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&b| single_byte(b)).collect()),
    }
}

/// UTF-16 with a byte-order mark, as spreadsheets save "Unicode text".
pub fn utf16(bytes: &[u8]) -> Option<String> {
    let (body, little) = match bytes {
        [0xff, 0xfe, body @ ..] => (body, true),
        [0xfe, 0xff, body @ ..] => (body, false),
        _ => return None,
    };
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    };
    Some(String::from_utf16_lossy(&body.chunks_exact(2).map(unit).collect::<Vec<_>>()))
}

fn single_byte(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

/// The delimiter of a table by its beginning: the commonest of comma, semicolon and tab in the first line that is not
/// blank, outside of quotes; a comma where there are none.
pub fn delimiter(beginning: &[u8]) -> u8 {
    let line = beginning.split(|&b| matches!(b, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty());
    let (mut counts, mut in_quotes) = ([0usize; 3], false);
    let candidates = [b',', b';', b'\t'];
    for &byte in line.unwrap_or_default() {
        in_quotes ^= byte == b'"';
        if let Some(i) = candidates.iter().position(|&c| c == byte && !in_quotes) {
            counts[i] += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|&n| n == most).map_or(b',', |i| candidates[i])
}

/// A reader of decoded text.
pub type Reader = csv::Reader<Cursor<Vec<u8>>>;

/// A table with a header as a reader of trimmed text, whatever its encoding and delimiter.
///
/// # Errors
/// When the file cannot be read.
pub fn open(path: &Path) -> Result<Reader> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the table {}", path.display()))?;
    let text = decode(&bytes).into_owned().into_bytes();
    let delimiter = delimiter(&text);
    Ok(csv::ReaderBuilder::new().trim(csv::Trim::All).delimiter(delimiter).from_reader(Cursor::new(text)))
}

/// Whether a header cell is that of a column of row numbers, as pandas writes its index.
pub fn is_index(header: &str) -> bool {
    header.is_empty() || header.to_ascii_lowercase().starts_with("unnamed:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_other_systems_is_decoded() {
        assert_eq!(decode(b"\xef\xbb\xbffr\xc3\xb6hlich"), "fröhlich");
        assert_eq!(decode(b"fr\xf6hlich"), "fröhlich");
        assert_eq!(decode(b"\x80 \x93\x84"), "€ “„");
        assert_eq!(decode(b"\xff\xfef\0\xf6\0"), "fö");
        assert_eq!(decode(b"\xfe\xff\0f\0\xf6"), "fö");
        assert_eq!(decode(b""), "");
    }

    #[test]
    fn delimiters_are_found_outside_of_quotes() {
        for (text, wanted) in [
            ("path,label\n", b','),
            ("path;label\na,b,c;d", b';'),
            ("\r\n\"a,b,c\"\tlabel\n", b'\t'),
            ("alone", b','),
            ("", b','),
            ("fer0.png,\"(0; 0; 48; 48)\",4", b','),
        ] {
            assert_eq!(delimiter(text.as_bytes()), wanted, "{text}");
        }
    }
}
