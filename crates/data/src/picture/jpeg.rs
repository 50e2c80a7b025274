//! Whether a JPEG file is whole. Decoders fill what is missing with grey and say nothing, so that half a picture looks like
//! a picture: here all codes are read and counted, which takes a small part of the time of decoding.
//!
//! Baseline, extended and progressive pictures with Huffman codes are followed, with restart markers, in one scan or
//! several (ITU-T T.81, annexes B, F and G). Of the rarer kinds the decoder reads none.

mod bits;
mod scan;

use anyhow::{Result, bail};

use self::bits::{Bits, Fault, Huffman, next_marker};
use self::scan::{Component, Part, Scan, Stopped};

/// Bytes that may lie behind the data of a file without end marker: more are the rest of a picture whose codes went wrong,
/// such as zeros in place of what was not written.
const LOOSE_BYTES: usize = 16;

/// How a whole file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndMarker {
    /// With its end marker.
    Present,
    /// All pixels are there, the end marker is not.
    Missing,
}

/// Follows the file to its end.
///
/// # Errors
/// When pixels are missing, or the data hold what no encoder writes.
pub(super) fn check(bytes: &[u8]) -> Result<EndMarker> {
    let mut file = File::default();
    let (mut at, mut loose) = (0, 0);
    while let Some((behind, marker)) = next_marker(bytes, at) {
        at = behind;
        match marker {
            0xd9 => return file.finish(EndMarker::Present, 0),
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => continue,
            // Arithmetic codes, lossless and hierarchical pictures: for the decoder to refuse.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Ok(EndMarker::Present),
            _ => {}
        }
        let Some(segment) = segment(bytes, at) else { bail!("it is cut off within its header, at byte {at}") };
        at += 2 + segment.len();
        let understood = match marker {
            0xc0..=0xc2 => file.frame(segment, marker == 0xc2),
            0xc4 => file.tables(segment),
            0xdd => segment.first_chunk().map(|b| file.interval = usize::from(u16::from_be_bytes(*b))),
            0xda => match file.scan(segment, bytes, at)? {
                Some((place, unused)) => {
                    (at, loose) = (place, unused);
                    Some(())
                }
                None => None,
            },
            _ => Some(()),
        };
        // What a header means is the decoder's to judge.
        if understood.is_none() {
            return Ok(EndMarker::Present);
        }
    }
    file.finish(EndMarker::Missing, loose + bytes.len().saturating_sub(at))
}

/// The content of the segment at a place.
fn segment(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    bytes.get(at + 2..at + length.max(2))
}

/// What is known of a file so far.
#[derive(Default)]
struct File {
    progressive: bool,
    components: Vec<Component>,
    /// Units of an interleaved scan, across and down.
    units: [usize; 2],
    tables: Tables,
    interval: usize,
    scans: usize,
}

/// Tables of codes by number.
#[derive(Default)]
struct Tables {
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
}

impl File {
    fn frame(&mut self, segment: &[u8], progressive: bool) -> Option<()> {
        let [_, h0, h1, w0, w1, count @ 1..=4, rest @ ..] = segment else { return None };
        if !self.components.is_empty() {
            return None;
        }
        let side = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low]));
        let (width, height) = (side(*w0, *w1), side(*h0, *h1));
        let parts = rest.get(..3 * usize::from(*count))?.chunks_exact(3);
        let sampling: Vec<[usize; 2]> =
            parts.clone().map(|p| [usize::from(p[1] >> 4), usize::from(p[1] & 15)]).collect();
        let most = |axis: usize| sampling.iter().map(|s| s[axis]).max().filter(|&m| m > 0);
        let (most_wide, most_high) = (most(0)?, most(1)?);
        self.units = [width.div_ceil(8 * most_wide), height.div_ceil(8 * most_high)];
        self.progressive = progressive;
        self.components = Vec::new();
        for (part, [wide, high]) in parts.zip(sampling) {
            let stride = self.units[0] * wide;
            let room = if progressive { stride * self.units[1] * high } else { 0 };
            self.components.push(Component {
                id: part[0],
                sampling: [wide, high],
                blocks: [(width * wide).div_ceil(8 * most_wide), (height * high).div_ceil(8 * most_high)],
                stride,
                nonzero: vec![0; room],
                missing: [255; 64],
            });
        }
        Some(())
    }

    fn tables(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&head, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let number = counts.iter().map(|&c| usize::from(c)).sum();
            let table = Huffman::new(counts, rest.get(..number)?)?;
            let group = if head >> 4 == 0 { &mut self.tables.dc } else { &mut self.tables.ac };
            *group.get_mut(usize::from(head & 15))? = Some(table);
            segment = &rest[number..];
        }
        Some(())
    }

    /// Follows a scan, if its header can be understood; gives the place behind it and the bytes before that were not used.
    fn scan(&mut self, segment: &[u8], bytes: &[u8], at: usize) -> Result<Option<(usize, usize)>> {
        self.scans += 1;
        let Some((mut scan, low)) = header(&self.components, &self.tables, self.progressive, segment) else {
            return Ok(None);
        };
        (scan.interval, scan.units) = (self.interval, self.units);
        let mut bits = Bits::new(bytes, at);
        if let Err(Stopped { fault, done }) = scan.walk(&mut bits, &mut self.components) {
            let what =
                if fault == Fault::Short { "cut off or damaged: the data end" } else { "damaged: the data go wrong" };
            bail!("it is {what} after {:.0} % of its scan {}", (100.0 * done).floor(), self.scans);
        }
        for part in &scan.parts {
            self.components[part.component].missing[scan.band[0]..=scan.band[1]].fill(low);
        }
        Ok(Some((bits.at(), bits.unused())))
    }

    fn finish(self, ending: EndMarker, loose: usize) -> Result<EndMarker> {
        let seen = |c: &Component| match ending {
            EndMarker::Present => c.missing[0] < 255,
            EndMarker::Missing => c.missing.iter().all(|&m| m == 0),
        };
        if self.components.is_empty() || !self.components.iter().all(seen) {
            bail!("it is cut off: it ends after {} scans, and more belong to it", self.scans);
        }
        if loose > LOOSE_BYTES {
            bail!(
                "it is cut off or damaged: {loose} bytes are left over behind the last pixel, and the end marker is missing"
            );
        }
        Ok(ending)
    }
}

/// What the header of a scan says, and the low bits that it leaves to later ones.
fn header<'a>(
    components: &[Component],
    tables: &'a Tables,
    progressive: bool,
    segment: &[u8],
) -> Option<(Scan<'a>, u8)> {
    let (&count, rest) = segment.split_first()?;
    let (parts, rest) = rest.split_at_checked(2 * usize::from(count))?;
    let [first, last, bits, ..] = *rest else { return None };
    let parts = parts.chunks_exact(2).map(|p| {
        let component = components.iter().position(|c| c.id == p[0])?;
        let dc = tables.dc.get(usize::from(p[1] >> 4))?.as_ref();
        let ac = tables.ac.get(usize::from(p[1] & 15))?.as_ref();
        // Motion JPEG leaves out the tables that everybody has.
        let needed = !progressive && (dc.is_none() || ac.is_none());
        (!needed).then_some(Part { component, dc, ac })
    });
    let parts = parts.collect::<Option<Vec<Part>>>().filter(|p| !p.is_empty())?;
    let (band, refines, low) = match progressive {
        true => ([usize::from(first), usize::from(last)], bits >> 4 > 0, bits & 15),
        false => ([0, 63], false, 0),
    };
    // Of a progressive picture, a scan has either first coefficients, or others of one component.
    let possible = band[0] <= band[1] && band[1] < 64 && (!progressive || band[0] > 0 || band[1] == 0);
    let alone = band[0] == 0 || parts.len() == 1;
    let scan = Scan { parts, progressive, band, refines, interval: 0, units: [0; 2] };
    (possible && alone).then_some((scan, low))
}
