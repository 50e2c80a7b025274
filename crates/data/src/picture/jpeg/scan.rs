//! Walks through one scan of a JPEG file: every code is read, no pixel is made.

use super::bits::{Bits, Fault, Huffman};

/// A colour component and what is known of its coefficients.
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks per unit of an interleaved scan, across and down.
    pub(super) sampling: [usize; 2],
    /// Blocks that cover the picture, across and down.
    pub(super) blocks: [usize; 2],
    /// Blocks in a row of `nonzero`: whole units.
    pub(super) stride: usize,
    /// Of a progressive picture, a bit per coefficient of each block that is known not to be zero.
    pub(super) nonzero: Vec<u64>,
    /// Of each coefficient, how many low bits are still to come; 255 before the first scan.
    pub(super) missing: [u8; 64],
}

/// A component in a scan, with its tables.
pub(super) struct Part<'a> {
    pub(super) component: usize,
    pub(super) dc: Option<&'a Huffman>,
    pub(super) ac: Option<&'a Huffman>,
}

/// What the header of a scan says.
pub(super) struct Scan<'a> {
    pub(super) parts: Vec<Part<'a>>,
    pub(super) progressive: bool,
    /// First and last coefficient.
    pub(super) band: [usize; 2],
    /// Whether bits were there before.
    pub(super) refines: bool,
    /// Units between restart markers; 0 for none.
    pub(super) interval: usize,
    /// Units of an interleaved scan, across and down.
    pub(super) units: [usize; 2],
}

/// Where a scan failed: the fault, and how much of it was there, 0 to 1.
pub(super) struct Stopped {
    pub(super) fault: Fault,
    pub(super) done: f64,
}

impl Scan<'_> {
    /// Reads all blocks.
    pub(super) fn walk(&self, bits: &mut Bits, components: &mut [Component]) -> Result<(), Stopped> {
        let single = self.parts.len() == 1;
        let [across, down] = if single { components[self.parts[0].component].blocks } else { self.units };
        let (mut run, total) = (0, across * down);
        for unit in 0..total {
            let stopped = |fault| Stopped { fault, done: unit as f64 / total as f64 };
            if self.interval > 0 && unit > 0 && unit.is_multiple_of(self.interval) {
                bits.restart(((unit / self.interval - 1) % 8) as u8).map_err(stopped)?;
                run = 0;
            }
            let [row, column] = [unit / across, unit % across];
            for part in &self.parts {
                let component = &mut components[part.component];
                let [wide, high] = if single { [1, 1] } else { component.sampling };
                for i in 0..wide * high {
                    if self.progressive {
                        let place = (row * high + i / wide) * component.stride + column * wide + i % wide;
                        self.progress(part, bits, &mut component.nonzero[place], &mut run).map_err(stopped)?;
                    } else {
                        sequential(part, bits).map_err(stopped)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn progress(&self, part: &Part, bits: &mut Bits, nonzero: &mut u64, run: &mut u32) -> Result<(), Fault> {
        match (self.band[0], self.refines) {
            (0, false) => {
                let size = bits.symbol(part.dc.ok_or(Fault::Damaged)?)?;
                skip(bits, size)
            }
            (0, true) => bits.skip(1),
            (_, false) => self.first(part, bits, nonzero, run),
            (_, true) => self.refine(part, bits, nonzero, run),
        }
    }

    /// The first bits of a block's coefficients.
    fn first(&self, part: &Part, bits: &mut Bits, nonzero: &mut u64, run: &mut u32) -> Result<(), Fault> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let ac = part.ac.ok_or(Fault::Damaged)?;
        let [mut k, last] = self.band;
        while k <= last {
            let symbol = bits.symbol(ac)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            match (zeros, size) {
                (15, 0) => k += 16,
                (_, 0) => {
                    // This block ends here, and so many more are empty.
                    *run = (1 << zeros) - 1 + bits.take(u32::from(zeros))?;
                    return Ok(());
                }
                _ => {
                    k += usize::from(zeros);
                    if k > last {
                        return Err(Fault::Damaged);
                    }
                    bits.skip(u32::from(size))?;
                    *nonzero |= 1 << k;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// One more bit of a block's coefficients: those that are not zero have a bit each, in between stand new ones.
    fn refine(&self, part: &Part, bits: &mut Bits, nonzero: &mut u64, run: &mut u32) -> Result<(), Fault> {
        let [mut k, last] = self.band;
        let ac = part.ac.ok_or(Fault::Damaged)?;
        while *run == 0 && k <= last {
            let symbol = bits.symbol(ac)?;
            let (mut zeros, size) = (symbol >> 4, symbol & 15);
            match (zeros, size) {
                (15, 0) | (_, 1) => {}
                (_, 0) => {
                    *run = (1 << zeros) + bits.take(u32::from(zeros))?;
                    break;
                }
                _ => return Err(Fault::Damaged),
            }
            bits.skip(u32::from(size))?;
            while k <= last {
                if *nonzero >> k & 1 == 1 {
                    bits.skip(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
            if size == 1 {
                if k > last {
                    return Err(Fault::Damaged);
                }
                *nonzero |= 1 << k;
            }
            k += 1;
        }
        if *run > 0 {
            for place in k..=last {
                bits.skip((*nonzero >> place & 1) as u32)?;
            }
            *run -= 1;
        }
        Ok(())
    }
}

/// All coefficients of a block.
fn sequential(part: &Part, bits: &mut Bits) -> Result<(), Fault> {
    let (dc, ac) = part.dc.zip(part.ac).ok_or(Fault::Damaged)?;
    let size = bits.symbol(dc)?;
    skip(bits, size)?;
    let mut k = 1;
    while k < 64 {
        let symbol = bits.symbol(ac)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 {
            if zeros < 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += usize::from(zeros) + 1;
        if k > 64 {
            return Err(Fault::Damaged);
        }
        bits.skip(u32::from(size))?;
    }
    Ok(())
}

/// The bits of a difference of DC coefficients.
fn skip(bits: &mut Bits, size: u8) -> Result<(), Fault> {
    if size > 16 { Err(Fault::Damaged) } else { bits.skip(u32::from(size)) }
}
