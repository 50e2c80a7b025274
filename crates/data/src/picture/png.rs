//! Whether a PNG file is whole. The decoder stops when it has its pixels: chunks behind them, and the check sum of the
//! last one, it does not look at.

use anyhow::{Result, bail, ensure};

const SIGNATURE: usize = 8;
/// Length, type and check sum of a chunk.
const FRAME: usize = 12;

/// Checks every chunk that pixels depend on: the critical ones, and those of transparency and orientation. Damaged texts
/// and colour profiles do no harm.
///
/// # Errors
/// When one is damaged, or the file ends before its last chunk.
pub(super) fn check(bytes: &[u8]) -> Result<()> {
    let mut at = SIGNATURE;
    while let Some((length, kind)) = head(bytes, at) {
        let name = || String::from_utf8_lossy(kind).into_owned();
        let Some(chunk) = at.checked_add(FRAME + length).and_then(|end| bytes.get(at..end)) else {
            bail!("it is cut off within its chunk {} at byte {at}", name());
        };
        let (content, sum) = chunk[4..].split_at(length + 4);
        // Critical chunks have an upper-case first letter.
        if kind[0].is_ascii_uppercase() || [b"tRNS", b"eXIf"].contains(&kind) {
            ensure!(
                crc32fast::hash(content).to_be_bytes() == sum,
                "its chunk {} at byte {at} is damaged: the check sum differs",
                name()
            );
        }
        if kind == b"IEND" {
            return Ok(());
        }
        at += FRAME + length;
    }
    bail!("it is cut off after {at} bytes: the last chunk, IEND, is missing")
}

fn head(bytes: &[u8], at: usize) -> Option<(usize, &[u8; 4])> {
    let (length, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*length) as usize, rest.first_chunk()?))
}
