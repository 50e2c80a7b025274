//! Mends the checksums of mutated files: a wrong one would hide everything behind it.

use ferrotype_base::crc::crc32;

/// Mends a file in place.
pub type Repair = fn(&mut [u8]);

fn word(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}

/// The checksum of every chunk of a PNG, as far as its lengths lead.
pub fn png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = word(bytes, at, true) {
        let end = at.saturating_add(8).saturating_add(length as usize);
        let Some(chunk) = bytes.get(at + 4..end) else { return };
        let sum = crc32(chunk).to_be_bytes();
        let Some(field) = bytes.get_mut(end..end + 4) else { return };
        field.copy_from_slice(&sum);
        at = end + 4;
    }
}

/// The checksum of every stored member of a zip archive, in its directory, and the directory's own place.
pub fn zip(bytes: &mut [u8]) {
    let entries: Vec<usize> = places(bytes, b"PK\x01\x02");
    if let (Some(&first), Some(end)) = (entries.first(), places(bytes, b"PK\x05\x06").pop())
        && let Some(field) = bytes.get_mut(end + 16..end + 20)
    {
        field.copy_from_slice(&(first as u32).to_le_bytes());
    }
    let locals = places(bytes, b"PK\x03\x04");
    for (entry, local) in entries.into_iter().zip(locals) {
        let stored = bytes.get(entry + 10..entry + 12) == Some(&[0, 0]);
        let short = |at: usize| bytes.get(at..at + 2).map(|b| usize::from(b[0]) | usize::from(b[1]) << 8);
        let (Some(size), Some(name), Some(extra)) =
            (word(bytes, entry + 20, false), short(local + 26), short(local + 28))
        else {
            return;
        };
        let start = local + 30 + name + extra;
        let Some(content) = bytes.get(start..start.saturating_add(size as usize)).filter(|_| stored) else { continue };
        let sum = crc32(content).to_le_bytes();
        if let Some(fields) = bytes.get_mut(entry + 16..entry + 28) {
            fields[..4].copy_from_slice(&sum);
            fields[8..].copy_from_slice(&size.to_le_bytes());
        }
        if let Some(field) = bytes.get_mut(entry + 42..entry + 46) {
            field.copy_from_slice(&(local as u32).to_le_bytes());
        }
    }
}

fn places(bytes: &[u8], mark: &[u8]) -> Vec<usize> {
    bytes.windows(mark.len()).enumerate().filter(|(_, part)| *part == mark).map(|(i, _)| i).collect()
}

/// The length of the header of a safetensors file, as long as it ends before the file does.
pub fn safetensors(bytes: &mut [u8]) {
    let Some(end) = bytes.windows(2).rposition(|pair| pair == b"}}") else { return };
    if end + 2 > 8 {
        let length = (end + 2 - 8) as u64;
        bytes[..8].copy_from_slice(&length.to_le_bytes());
    }
}

/// The length that the superblock of an HDF5 file gives for it, and the checksums of the superblock and of object headers.
pub fn hdf5(bytes: &mut [u8]) {
    let old = bytes.get(8).is_some_and(|&version| version < 2);
    let at = if old { 40 } else { 28 };
    let length = (bytes.len() as u64).to_le_bytes();
    if let Some(field) = bytes.get_mut(at..at + 8) {
        field.copy_from_slice(&length);
    }
    if !old {
        sum_up(bytes, 0, 44);
    }
    for start in places(bytes, b"OHDR") {
        // Flags: how wide the size is, whether two counts and four times stand before it.
        let Some(&flags) = bytes.get(start + 5) else { continue };
        let size_at = start + 6 + if flags & 0x20 > 0 { 16 } else { 0 } + if flags & 0x10 > 0 { 4 } else { 0 };
        let width = 1 << (flags & 3);
        let Some(size) = bytes.get(size_at..size_at + width) else { continue };
        let size = size.iter().rev().fold(0usize, |n, &b| n.wrapping_shl(8) | usize::from(b));
        sum_up(bytes, start, (size_at + width).saturating_add(size));
    }
}

/// Writes the checksum of a part behind it.
fn sum_up(bytes: &mut [u8], start: usize, end: usize) {
    let Some(sum) = bytes.get(start..end).map(lookup3) else { return };
    if let Some(field) = bytes.get_mut(end..end.saturating_add(4)) {
        field.copy_from_slice(&sum.to_le_bytes());
    }
}

/// Bob Jenkins' lookup3 (`hashlittle` with an initial value of 0), the checksum of HDF5's metadata.
fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let [mut a, mut b, mut c] = [start; 3];
    let word =
        |part: &[u8], i: usize| (0..4).fold(0, |n, k| n | u32::from(*part.get(4 * i + k).unwrap_or(&0)) << (8 * k));
    // The last part, of 1 to 12 bytes, is mixed otherwise.
    let last = bytes.len().saturating_sub(1) / 12 * 12;
    for part in bytes[..last].chunks_exact(12) {
        (a, b, c) = (a.wrapping_add(word(part, 0)), b.wrapping_add(word(part, 1)), c.wrapping_add(word(part, 2)));
        a = a.wrapping_sub(c) ^ c.rotate_left(4);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(6);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(8);
        b = b.wrapping_add(a);
        a = a.wrapping_sub(c) ^ c.rotate_left(16);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(19);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(4);
        b = b.wrapping_add(a);
    }
    let rest = &bytes[last..];
    if rest.is_empty() {
        return c;
    }
    (a, b, c) = (a.wrapping_add(word(rest, 0)), b.wrapping_add(word(rest, 1)), c.wrapping_add(word(rest, 2)));
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mending_leaves_whole_files_as_they_are() {
        // From Bob Jenkins' lookup3.c, driver5.
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
        assert_eq!(lookup3(b""), 0xdead_beef);
        for (folder, repair) in [("png", png as Repair), ("torch", zip), ("keras", hdf5), ("faces_h5", hdf5)] {
            let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
            for example in crate::corpus::read(&corpus, folder).unwrap() {
                let mut mended = example.clone();
                repair(&mut mended);
                assert!(mended == example, "{folder}");
            }
        }
    }
}
