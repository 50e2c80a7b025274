//! The bits of entropy-coded data, and the Huffman codes in them.

/// A code is at most so long, and so are the bits behind it.
const LONGEST: u32 = 16;
/// Codes up to this length are looked up at once.
const LOOKAHEAD: u32 = 9;

/// Why a scan cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The data end before the picture does.
    Short,
    /// The data hold what no encoder writes.
    Damaged,
}

/// Reads bits up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Aligned to the top; below the bits that count there may be the first of the next byte.
    buffer: u64,
    left: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, buffer: 0, left: 0 }
    }

    /// The place of the next byte that was not looked at: at or before the next marker.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whole bytes that were looked at and not used.
    pub(super) fn unused(&self) -> usize {
        (self.left / 8) as usize
    }

    fn fill(&mut self) {
        if let Some(next) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let next_bits = u64::from_be_bytes(*next);
            // A byte of ones shows as a byte of zeros of the complement, which borrows in the subtraction.
            let ones = (!next_bits).wrapping_sub(0x0101_0101_0101_0101) & next_bits & 0x8080_8080_8080_8080;
            if ones == 0 {
                let whole = (64 - self.left) / 8;
                self.buffer |= next_bits.checked_shr(self.left).unwrap_or(0);
                self.left += 8 * whole;
                self.at += whole as usize;
                return;
            }
        }
        while self.left <= 56 {
            let Some(&byte) = self.bytes.get(self.at) else { return };
            if byte == 0xff {
                // Within data, a byte of ones is followed by a zero; by anything else, it begins a marker.
                if self.bytes.get(self.at + 1) != Some(&0) {
                    return;
                }
                self.at += 1;
            }
            self.at += 1;
            self.buffer |= u64::from(byte) << (56 - self.left);
            self.left += 8;
        }
    }

    /// Passes over bits.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Fault> {
        self.take(count).map(|_| ())
    }

    /// The next bits, 16 at most.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Fault> {
        if count > self.left {
            self.fill();
            if count > self.left {
                return Err(Fault::Short);
            }
        }
        let value = if count == 0 { 0 } else { (self.buffer >> (64 - count)) as u32 };
        self.drop(count);
        Ok(value)
    }

    /// The value of the next code.
    #[inline]
    pub(super) fn symbol(&mut self, table: &Huffman) -> Result<u8, Fault> {
        if self.left < 2 * LONGEST {
            self.fill();
        }
        let (length, value) = table.find((self.buffer >> 48) as u16).ok_or(match self.left < LONGEST {
            true => Fault::Short,
            false => Fault::Damaged,
        })?;
        if length > self.left {
            return Err(Fault::Short);
        }
        self.drop(length);
        Ok(value)
    }

    fn drop(&mut self, count: u32) {
        self.buffer = self.buffer.checked_shl(count).unwrap_or(0);
        self.left -= count;
    }

    /// Goes on behind the restart marker of this number (0 to 7), which must be the next marker.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Fault> {
        let (at, marker) = next_marker(self.bytes, self.at).ok_or(Fault::Short)?;
        if marker != 0xd0 + number {
            return Err(Fault::Damaged);
        }
        (self.at, self.buffer, self.left) = (at, 0, 0);
        Ok(())
    }
}

/// The next marker from a place on, and the place behind it.
pub(super) fn next_marker(bytes: &[u8], mut at: usize) -> Option<(usize, u8)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)? + 1;
        // Any number of bytes of ones may come first.
        at += bytes.get(at..)?.iter().take_while(|&&b| b == 0xff).count();
        match *bytes.get(at)? {
            0 => {}
            marker => return Some((at + 1, marker)),
        }
    }
}

/// A table of codes.
pub(super) struct Huffman {
    /// Length and value of the code that these bits begin with; a length of 0 means that it is longer.
    short: [(u8, u8); 1 << LOOKAHEAD],
    /// By length, the first 16 bits that are beyond the codes of this length.
    beyond: [u32; 17],
    /// By length, what to add to a code for the place of its value.
    offset: [i32; 17],
    values: Vec<u8>,
}

impl Huffman {
    /// From the numbers of codes of 1 to 16 bits, and their values in order.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut table =
            Self { short: [(0, 0); 1 << LOOKAHEAD], beyond: [0; 17], offset: [0; 17], values: values.to_vec() };
        let (mut code, mut place) = (0u32, 0usize);
        for (length, &count) in (1u32..).zip(counts) {
            table.offset[length as usize] = place as i32 - code as i32;
            for _ in 0..count {
                let value = *values.get(place)?;
                if length <= LOOKAHEAD {
                    let first = (code << (LOOKAHEAD - length)) as usize;
                    table.short.get_mut(first..first + (1 << (LOOKAHEAD - length)))?.fill((length as u8, value));
                }
                (code, place) = (code + 1, place + 1);
            }
            table.beyond[length as usize] = code << (LONGEST - length);
            code <<= 1;
        }
        Some(table)
    }

    /// Length and value of the code that these bits begin with.
    #[inline]
    fn find(&self, bits: u16) -> Option<(u32, u8)> {
        let (length, value) = self.short[usize::from(bits >> (LONGEST - LOOKAHEAD))];
        if length > 0 {
            return Some((u32::from(length), value));
        }
        let length = (LOOKAHEAD + 1..=LONGEST).find(|&l| u32::from(bits) < self.beyond[l as usize])?;
        let place = (u32::from(bits) >> (LONGEST - length)) as i32 + self.offset[length as usize];
        Some((length, *self.values.get(usize::try_from(place).ok()?)?))
    }
}
