//! The running median of many series at once, by one histogram each: what a person's face usually looks like.

/// The running median of `n` series. The memory is that of the histograms, whatever the number of frames: 2 bytes per bin,
/// 4 from the 65,536th frame on.
#[derive(Clone, Debug)]
pub struct RunningMedian {
    low: f64,
    width: f64,
    bins: usize,
    counts: Counts,
    /// The bin that holds each median, and how many values lie in the bins before it.
    at: Vec<(u32, u32)>,
    medians: Vec<f64>,
    frames: u32,
}

#[derive(Clone, Debug)]
enum Counts {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Counts {
    fn get(&self, i: usize) -> u32 {
        match self {
            Self::Narrow(counts) => u32::from(counts[i]),
            Self::Wide(counts) => counts[i],
        }
    }

    fn add(&mut self, i: usize) {
        match self {
            Self::Narrow(counts) => counts[i] += 1,
            Self::Wide(counts) => counts[i] += 1,
        }
    }

    fn widen(&mut self) {
        if let Self::Narrow(counts) = self {
            *self = Self::Wide(counts.iter().map(|&c| u32::from(c)).collect());
        }
    }
}

impl RunningMedian {
    /// The median of `series` series by `bins` equal bins from `low` to `high`; values beyond count to the outermost bins.
    pub fn new(series: usize, bins: usize, low: f64, high: f64) -> Self {
        Self {
            low,
            width: (high - low) / bins as f64,
            bins,
            counts: Counts::Narrow(vec![0; series * bins]),
            at: vec![(0, 0); series],
            medians: vec![0.0; series],
            frames: 0,
        }
    }

    /// Takes one value per series in. The median of a single frame is the frame; of `n`, the middle of the bin in which
    /// the `(n + 1) / 2`-th value lies (integer division).
    pub fn push(&mut self, values: impl Iterator<Item = f64>) {
        if self.frames == u32::from(u16::MAX) {
            self.counts.widen();
        }
        self.frames = self.frames.saturating_add(1);
        let wanted = self.frames.div_ceil(2);
        for (series, value) in values.enumerate().take(self.at.len()) {
            let bin = (((value - self.low) / self.width) as usize).min(self.bins - 1);
            self.counts.add(series * self.bins + bin);
            let (mut middle, mut before) = self.at[series];
            before += u32::from(bin < middle as usize);
            let count = |bin: u32| self.counts.get(series * self.bins + bin as usize);
            while before >= wanted {
                middle -= 1;
                before -= count(middle);
            }
            while before + count(middle) < wanted {
                before += count(middle);
                middle += 1;
            }
            self.at[series] = (middle, before);
            self.medians[series] =
                if self.frames == 1 { value } else { self.low + (f64::from(middle) + 0.5) * self.width };
        }
    }

    /// The medians; `None` before the first frame.
    pub fn medians(&self) -> Option<&[f64]> {
        (self.frames > 0).then_some(&self.medians)
    }
}
