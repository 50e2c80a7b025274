//! The members of a zip archive as PyTorch writes it: stored, never compressed (APPNOTE 6.3.3; PyTorch's
//! `caffe2/serialize/inline_container.cc`).

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// The end record and the longest comment behind it.
const TAIL: usize = 22 + 65_535;
/// More members than any checkpoint has.
const MOST_MEMBERS: u64 = 1 << 20;

/// Names and contents.
pub fn members(bytes: &[u8]) -> Result<HashMap<String, &[u8]>> {
    read(bytes).context("its zip archive cannot be read")
}

fn read(bytes: &[u8]) -> Result<HashMap<String, &[u8]>> {
    let (count, mut at) = directory(bytes)?;
    ensure!(count <= MOST_MEMBERS, "it claims {count} members");
    let mut members = HashMap::new();
    for _ in 0..count {
        ensure!(part(bytes, at, 4)? == ENTRY, "its list of members is broken");
        let method = short(bytes, at + 10)?;
        let lengths = [short(bytes, at + 28)?, short(bytes, at + 30)?, short(bytes, at + 32)?];
        let name = String::from_utf8_lossy(part(bytes, at + 46, lengths[0])?).into_owned();
        let mut sizes = [long(bytes, at + 24)?, long(bytes, at + 20)?, long(bytes, at + 42)?];
        wide_sizes(&mut sizes, part(bytes, at + 46 + lengths[0], lengths[1])?)?;
        if method != 0 || sizes[0] != sizes[1] {
            bail!("its member {name} is compressed, which PyTorch never does");
        }
        members.insert(name, content(bytes, sizes[2], sizes[0])?);
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
