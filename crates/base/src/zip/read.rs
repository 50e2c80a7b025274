//! The members of a zip archive, stored or deflated, of any size (APPNOTE 6.3.3, with the 64-bit records of 4.3.14).

use std::borrow::Cow;

use anyhow::{Context, Result, anyhow, bail, ensure};
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::crc::crc32;

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// The end record and the longest comment behind it.
const TAIL: usize = 22 + 65_535;
/// More members than any archive that is read here has.
const MOST_MEMBERS: u64 = 1 << 20;

/// A file or folder of an archive.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Its path inside; a folder's ends in `/`.
    pub name: String,
    /// 0 stored, 8 deflated; others cannot be unpacked.
    method: usize,
    size: u64,
    crc: u32,
    packed: &'a [u8],
}

impl<'a> Member<'a> {
    /// Its bytes where they lie in the archive uncompressed.
    pub fn stored(&self) -> Option<&'a [u8]> {
        (self.method == 0 && self.size == self.packed.len() as u64).then_some(self.packed)
    }

    /// Its bytes, unpacked, at most `most` of them.
    ///
    /// # Errors
    /// When it is damaged, larger than that, or packed by a method other than deflate.
    pub fn content(&self, most: usize) -> Result<Cow<'a, [u8]>> {
        let name = &self.name;
        ensure!(self.size <= most as u64, "{name} unpacks to {} bytes, more than the {most} allowed", self.size);
        let content = match self.method {
            0 => Cow::Borrowed(self.packed),
            8 => Cow::Owned(
                decompress_to_vec_with_limit(self.packed, most).map_err(|e| anyhow!("{name} is damaged: {e}"))?,
            ),
            other => bail!("{name} is packed by method {other}; only stored and deflated files can be read"),
        };
        ensure!(content.len() as u64 == self.size && crc32(&content) == self.crc, "{name} is damaged: fetch it again");
        Ok(content)
    }
}

/// What an archive holds, in the order of its directory.
///
/// # Errors
/// When it is cut off, damaged or encrypted.
pub fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>> {
    let (count, mut at) = directory(bytes)?;
    ensure!(count <= MOST_MEMBERS, "it claims {count} members");
    let mut members = Vec::new();
    for _ in 0..count {
        ensure!(part(bytes, at, 4)? == ENTRY, "its list of members is broken");
        ensure!(short(bytes, at + 8)? & 1 == 0, "it is encrypted: unpack it and pack it again without a password");
        let (method, crc) = (short(bytes, at + 10)?, long(bytes, at + 16)? as u32);
        let lengths = [short(bytes, at + 28)?, short(bytes, at + 30)?, short(bytes, at + 32)?];
        let name = String::from_utf8_lossy(part(bytes, at + 46, lengths[0])?).into_owned();
        let mut sizes = [long(bytes, at + 24)?, long(bytes, at + 20)?, long(bytes, at + 42)?];
        wide_sizes(&mut sizes, part(bytes, at + 46 + lengths[0], lengths[1])?)?;
        let packed = content(bytes, sizes[2], sizes[1]).with_context(|| format!("{name} cannot be read"))?;
        members.push(Member { name, method, size: sizes[0], crc, packed });
        at += 46 + lengths.iter().sum::<usize>();
    }
    Ok(members)
}

/// Number of members and where their list begins.
fn directory(bytes: &[u8]) -> Result<(u64, usize)> {
    let from = bytes.len().saturating_sub(TAIL);
    let end = (from..bytes.len().saturating_sub(21)).rev().find(|&i| bytes[i..].starts_with(&END));
    let end = end.context("its end is missing, so it was cut off: fetch it again")?;
    let located = end.checked_sub(20).filter(|&i| bytes[i..].starts_with(&LOCATOR_64));
    if let Some(locator) = located {
        let at = place(wide(bytes, locator + 8)?)?;
        ensure!(part(bytes, at, 4)? == END_64, "its end record is broken");
        return Ok((wide(bytes, at + 32)?, place(wide(bytes, at + 48)?)?));
    }
    Ok((short(bytes, end + 10)? as u64, place(long(bytes, end + 16)?)?))
}

/// Replaces sizes that did not fit 32 bits by those of the extra field 1: uncompressed, compressed, offset.
fn wide_sizes(sizes: &mut [u64; 3], extra: &[u8]) -> Result<()> {
    let mut at = 0;
    while at + 4 <= extra.len() {
        let (id, length) = (short(extra, at)?, short(extra, at + 2)?);
        let field = part(extra, at + 4, length)?;
        if id == 1 {
            let missing = sizes.iter_mut().filter(|s| **s == u64::from(u32::MAX));
            for (i, size) in missing.enumerate() {
                *size = wide(field, 8 * i)?;
            }
        }
        at += 4 + length;
    }
    Ok(())
}

/// A member's bytes, behind its own header.
fn content(bytes: &[u8], offset: u64, size: u64) -> Result<&[u8]> {
    let at = place(offset)?;
    ensure!(part(bytes, at, 4)? == LOCAL, "a member is not where the list says");
    let skipped = 30 + short(bytes, at + 26)? + short(bytes, at + 28)?;
    part(bytes, at + skipped, place(size)?)
}

/// A place in a file, which no file that could be read reaches beyond.
fn place(value: u64) -> Result<usize> {
    ensure!(value < 1 << 40, "it names a place {value} bytes on");
    Ok(value as usize)
}

fn part(bytes: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    bytes.get(at..at.saturating_add(length)).context("it is cut off or damaged: fetch it again")
}

fn number(bytes: &[u8], at: usize, length: usize) -> Result<u64> {
    Ok(part(bytes, at, length)?.iter().rev().fold(0, |sum, &b| sum << 8 | u64::from(b)))
}

fn short(bytes: &[u8], at: usize) -> Result<usize> {
    Ok(number(bytes, at, 2)? as usize)
}

fn long(bytes: &[u8], at: usize) -> Result<u64> {
    number(bytes, at, 4)
}

fn wide(bytes: &[u8], at: usize) -> Result<u64> {
    number(bytes, at, 8)
}

#[cfg(test)]
mod tests {
    use super::super::archive;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let files = [("a", vec![1, 2, 3]), ("b/c", vec![7; 100]), ("empty", vec![])];
        let bytes = archive(files.clone()).unwrap();
        let read = members(&bytes).unwrap();
        for (member, (name, content)) in read.iter().zip(&files) {
            assert_eq!((member.name.as_str(), member.stored()), (*name, Some(&content[..])));
            assert_eq!(member.content(100).unwrap().as_ref(), &content[..]);
        }
        assert_eq!(read.len(), 3);
        assert!(read[1].content(99).unwrap_err().to_string().contains("more than the 99"));
        for cut in 0..bytes.len() {
            assert!(members(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn deflated_members_are_unpacked_and_damage_is_found() {
        // Python 3.11: z = zipfile.ZipFile(f, "w")
        // z.writestr(zipfile.ZipInfo("a/b.txt"), "ab" * 50, compress_type=zipfile.ZIP_DEFLATED); f.getvalue().hex()
        let hex = "504b0304140000000800000021002c2ff45d070000006400000007000000612f622e7478744b4c4aa4390400504b010214031400\
                   00000800000021002c2ff45d0700000064000000070000000000000000000000800100000000612f622e747874504b05060000\
                   000001000100350000002c0000000000";
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let text = "ab".repeat(50).into_bytes();
        let read = members(&bytes).unwrap();
        assert_eq!((read[0].name.as_str(), read[0].stored()), ("a/b.txt", None));
        assert_eq!(read[0].content(1000).unwrap().as_ref(), &text[..]);
        assert!(read[0].content(10).is_err());
        // No panic, and never other content, whatever a byte is changed to.
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0xff;
            let content = members(&bad).and_then(|read| match read.first() {
                Some(member) => member.content(1000).map(Cow::into_owned),
                None => bail!("no members"),
            });
            assert!(content.is_err() || content.unwrap() == text, "{at}");
        }
    }
}
