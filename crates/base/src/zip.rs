//! Zip archives: written with stored files (PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16), read with stored and
//! deflated ones.

mod read;

use anyhow::{Result, ensure};

use crate::crc::crc32;

pub use read::{Member, members};

/// The archive of files by name. The same files give the same bytes: their time is 1 January 1980.
///
/// # Errors
/// When they are more than the 4 GiB that an archive without extensions can hold.
pub fn archive<N: AsRef<str>>(files: impl IntoIterator<Item = (N, Vec<u8>)>) -> Result<Vec<u8>> {
    let (mut bytes, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    for (name, content) in files {
        let (name, offset) = (name.as_ref(), bytes.len());
        ensure!(offset + content.len() < u32::MAX as usize, "more than the 4 GiB that a zip archive can hold");
        let mut entry = Vec::new();
        // Version 2.0, no flags, stored, the time.
        [20u16, 0, 0, 0, 0x21].iter().for_each(|v| entry.extend(v.to_le_bytes()));
        let length = content.len() as u32;
        [crc32(&content), length, length].iter().for_each(|v| entry.extend(v.to_le_bytes()));
        entry.extend((name.len() as u16).to_le_bytes());
        entry.extend(0u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&entry);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(b"PK\x01\x02");
        directory.extend(20u16.to_le_bytes());
        directory.extend(&entry);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend((offset as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        count += 1;
    }
    let (start, size) = (bytes.len() as u32, directory.len() as u32);
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    [count, count].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    [size, start].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes.extend([0; 2]);
    Ok(bytes)
}
