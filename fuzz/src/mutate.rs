//! Mutations of example files. An input follows from seed and number alone.

use std::collections::BTreeSet;

use crate::repair::Repair;

/// Values at which parsers go wrong, as little-endian integers of 1 to 8 bytes.
const INTERESTING: [u64; 18] = [
    0,
    1,
    2,
    7,
    8,
    16,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];
/// The same for texts.
const WORDS: [&str; 34] = [
    "",
    "-1",
    "0",
    "1",
    "00",
    "255",
    "256",
    "32768",
    "65536",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e309",
    "-1e309",
    "1e-320",
    "0.1",
    "NaN",
    "inf",
    "-nan(ind)",
    "1.#QNAN",
    "null",
    "true",
    "[]",
    "{}",
    "\"",
    "'",
    ",",
    ";",
    "\t",
    "\r\n",
    "\u{feff}",
    "é",
    "..",
];
/// Longer inputs are cut: the examples are small.
const LONGEST: usize = 1 << 16;

/// Makes inputs of examples.
pub struct Mutator<'a> {
    examples: &'a [Vec<u8>],
    /// Words of the examples.
    tokens: Vec<Vec<u8>>,
    repair: Option<Repair>,
}

impl<'a> Mutator<'a> {
    /// Of these examples; `repair` mends checksums afterwards in most inputs.
    pub fn new(examples: &'a [Vec<u8>], repair: Option<Repair>) -> Self {
        let words = |bytes: &'a Vec<u8>| bytes.split(|b| !b.is_ascii_alphanumeric() && !b"_.-".contains(b));
        let tokens: BTreeSet<&[u8]> =
            examples.iter().flat_map(words).filter(|word| (1..=24).contains(&word.len())).collect();
        let tokens = tokens.into_iter().take(4096).map(<[u8]>::to_vec).chain(WORDS.map(|w| w.as_bytes().to_vec()));
        Self { examples, tokens: tokens.collect(), repair }
    }

    /// Input number `number`.
    pub fn input(&mut self, seed: u64, number: u64) -> Vec<u8> {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        let mut bytes = self.examples[random.below(self.examples.len())].clone();
        // Mostly few changes: many together are refused by the first check.
        let changes = 1 << random.below(5);
        for _ in 0..1 + random.below(changes) {
            self.change(&mut bytes, &mut random);
        }
        bytes.truncate(LONGEST);
        if let Some(repair) = self.repair.filter(|_| random.below(8) > 0) {
            repair(&mut bytes);
        }
        bytes
    }

    fn change(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        let at = random.below(bytes.len());
        let most = 1 << random.below(10);
        let length = 1 + random.below(most);
        let end = (at + length).min(bytes.len());
        match random.below(14) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            2 | 3 => overwrite(bytes, at, random),
            4 if random.below(3) == 0 => bytes.truncate(at),
            5 => drop(bytes.drain(at..end)),
            6 => drop(bytes.splice(at..at, (0..length.min(32)).map(|_| random.next() as u8))),
            7 => repeat(bytes, at, end, 1 + random.below(8)),
            8 => self.splice(bytes, at, random),
            9 | 10 => drop(number_at(bytes, at).map(|place| bytes.splice(place, random.as_str().bytes()))),
            11 => {
                let token = &self.tokens[random.below(self.tokens.len())];
                let place = word_at(bytes, at);
                bytes.splice(place, token.iter().copied());
            }
            12 => drop_line(bytes, at),
            _ => {
                let from = random.below(bytes.len());
                copy_within(bytes, from, at, length);
            }
        }
    }

    /// What follows some place of another example.
    fn splice(&self, bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
        let other = &self.examples[random.below(self.examples.len())];
        let from = random.below(other.len());
        bytes.truncate(at);
        bytes.extend_from_slice(&other[from..]);
    }
}

/// An integer of 1 to 8 bytes, in either order, becomes an interesting one or moves a little.
fn overwrite(bytes: &mut [u8], at: usize, random: &mut Random) {
    let width = (1 << random.below(4)).min(bytes.len() - at);
    let field = &mut bytes[at..at + width];
    let old = field.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
    let value = match random.below(3) {
        0 => old.wrapping_add(random.below(32) as u64).wrapping_sub(16),
        _ => INTERESTING[random.below(INTERESTING.len())],
    };
    field.copy_from_slice(&value.to_le_bytes()[..width]);
    if random.below(2) == 0 {
        field.reverse();
    }
}

/// Repeats a part so many times.
fn repeat(bytes: &mut Vec<u8>, at: usize, end: usize, times: usize) {
    let part = bytes[at..end].repeat(times);
    bytes.splice(at..at, part);
}

/// The run of bytes of a kind around a place.
fn run_at(bytes: &[u8], at: usize, kind: impl Fn(&u8) -> bool) -> std::ops::Range<usize> {
    let start = bytes[..at].iter().rposition(|b| !kind(b)).map_or(0, |i| i + 1);
    let end = bytes[at..].iter().position(|b| !kind(b)).map_or(bytes.len(), |i| at + i);
    start..end
}

/// The number in digits at or behind a place.
fn number_at(bytes: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let first = at + bytes[at..].iter().take(256).position(u8::is_ascii_digit)?;
    Some(run_at(bytes, first, |b| b.is_ascii_digit() || b".-+eE".contains(b)))
}

fn word_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    run_at(bytes, at, u8::is_ascii_alphanumeric)
}

/// Takes the line at a place away.
fn drop_line(bytes: &mut Vec<u8>, at: usize) {
    let line = run_at(bytes, at, |&b| b != b'\n');
    bytes.drain(line.start..(line.end + 1).min(bytes.len()));
}

/// Copies a part over another.
fn copy_within(bytes: &mut [u8], from: usize, to: usize, length: usize) {
    let length = length.min(bytes.len() - to).min(bytes.len() - from);
    bytes.copy_within(from..from + length, to);
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Below `n`; 0 for 0.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    fn as_str(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_from_seed_and_number() {
        let examples = [b"frame,AU01\n1,0.5\n2,0.25\n".to_vec(), Vec::new()];
        let inputs = |seed: u64| -> Vec<Vec<u8>> {
            let mut mutator = Mutator::new(&examples, None);
            (0..5000).map(|number| mutator.input(seed, number)).collect()
        };
        let first = inputs(0);
        assert_eq!(first, inputs(0));
        assert_ne!(first, inputs(1));
        let distinct: BTreeSet<_> = first.iter().collect();
        assert!(distinct.len() > 2000, "{}", distinct.len());
    }
}
