//! One spatial axis of a convolution pass, in a form that forward and backward passes share.
//!
//! A pass is a sum of shifted products over a "strip": a zero-padded copy of some rows of its input, in which every
//! kernel tap is a constant offset. Strides turn into phases, on the input side (forward: even and odd columns lie
//! apart) or on the output side (backward: even and odd outputs see different taps). Step `q` of the axis reads
//! `input[(q + offset) * in_step + start]` and writes `output[q * out_step + phase]`.

/// Where one kernel tap of an axis reads and which outputs it feeds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    /// The kernel index.
    pub k: usize,
    /// The plane of the strip that it reads.
    pub plane: usize,
    /// The distance within that plane.
    pub offset: usize,
    /// The output phase that it adds to.
    pub phase: usize,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Extent of the pass's input.
    pub in_len: usize,
    /// Extent of the pass's output.
    pub out_len: usize,
    /// Input distance between neighbours in the strip.
    pub in_step: usize,
    /// Input index of step 0 in each plane of the strip.
    pub starts: Vec<isize>,
    /// How far the taps reach beyond the step's own place.
    pub reach: usize,
    /// Number of steps.
    pub count: usize,
    /// Output phases.
    pub out_step: usize,
    /// One for each kernel index.
    pub taps: Vec<Tap>,
}

impl Axis {
    /// The axis of a forward pass (and, its input side, of the weight gradient). With `copies` each tap reads a plane
    /// of its own: more to copy, but neighbouring rows or images need no gap between them.
    pub fn forward(len: usize, out: usize, kernel: usize, stride: usize, before: usize, copies: bool) -> Self {
        let start = |i: usize| i as isize - before as isize;
        let planes = if copies { kernel } else { kernel.min(stride) };
        let tap = |k| match copies {
            true => Tap { k, plane: k, offset: 0, phase: 0 },
            false => Tap { k, plane: k % stride, offset: k / stride, phase: 0 },
        };
        Self {
            in_len: len,
            out_len: out,
            in_step: stride,
            starts: (0..planes).map(start).collect(),
            reach: if copies { 0 } else { (kernel - 1) / stride },
            count: out,
            out_step: 1,
            taps: (0..kernel).map(tap).collect(),
        }
    }

    /// The axis of a backward-data pass: from `out` output gradients to `len` input gradients.
    pub fn backward(len: usize, out: usize, kernel: usize, stride: usize, before: usize, copies: bool) -> Self {
        // Input index i = q * stride + phase receives, through tap k, from output (i + before - k) / stride where
        // that divides: from q + shift, with a shift that tap and phase determine.
        let phase = |k: usize| (k + stride - before % stride) % stride;
        let shift = |k: usize| ((phase(k) + before) as isize - k as isize) / stride as isize;
        let (low, high) = (0..kernel).map(shift).fold((isize::MAX, isize::MIN), |(l, h), s| (l.min(s), h.max(s)));
        let reach = (high - low) as usize;
        let tap = |k| {
            let offset = (shift(k) - low) as usize;
            match copies {
                true => Tap { k, plane: offset, offset: 0, phase: phase(k) },
                false => Tap { k, plane: 0, offset, phase: phase(k) },
            }
        };
        Self {
            in_len: out,
            out_len: len,
            in_step: 1,
            starts: (low..=if copies { high } else { low }).collect(),
            reach: if copies { 0 } else { reach },
            count: len.div_ceil(stride),
            out_step: stride,
            taps: (0..kernel).map(tap).collect(),
        }
    }

    /// The axes of a pass with copies where they pay, judged by cycles for each output pixel and input channel.
    /// `make` builds both from whether they use copies; `fan` is taps times output channels over lanes.
    pub fn choose(make: impl Fn([bool; 2]) -> [Self; 2], from: usize, to: usize, lanes: usize) -> [Self; 2] {
        const PACK: f64 = 0.5; // a float of a strip, twice that if it is not a neighbour's neighbour
        const MOVE: f64 = 0.2; // a result that is not stored in place
        let cost = |[rows, cols]: &[Self; 2]| {
            let work = (rows.taps.len() * cols.taps.len() * to) as f64 / (2 * lanes) as f64;
            let gap = |axis: &Self| (axis.count + axis.reach) as f64 / axis.count as f64;
            // rows have gaps only between images, and those share a strip only if they are small
            let small = rows.count * cols.count <= 256;
            let gaps = gap(cols) * if small { gap(rows) } else { 1.0 };
            let moved = if cols.is_output() && rows.out_step == 1 { 0.0 } else { MOVE * to as f64 / from as f64 };
            let pack = if cols.in_step == 1 { PACK } else { 2.0 * PACK };
            gaps * (work + pack * (rows.planes() * cols.planes()) as f64) + moved
        };
        let all = [[false, false], [false, true], [true, false], [true, true]].map(make);
        all.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).expect("four candidates")
    }

    /// Whether places of a plane are input indices, one for one.
    pub fn copies_input(&self) -> bool {
        self.in_step == 1 && self.starts == [0] && self.reach == 0 && self.count == self.in_len
    }

    /// Whether steps are output indices, one for one and with no gap after them.
    pub fn is_output(&self) -> bool {
        self.out_step == 1 && self.reach == 0 && self.count == self.out_len
    }

    /// Planes that this axis gives each channel of the strip.
    pub fn planes(&self) -> usize {
        self.starts.len()
    }

    /// The input index of place `at` (a step plus an offset) in a plane, or none in the padding.
    pub fn input(&self, plane: usize, at: usize) -> Option<usize> {
        let i = (at * self.in_step) as isize + self.starts[plane];
        (i >= 0 && (i as usize) < self.in_len).then_some(i as usize)
    }

    /// The places of `0..len` whose input exists, and the input index of the first.
    pub fn inside(&self, plane: usize, len: usize) -> (std::ops::Range<usize>, usize) {
        let first = self.starts[plane];
        let begin = if first < 0 { (-first as usize).div_ceil(self.in_step) } else { 0 };
        let index = first + (begin * self.in_step) as isize;
        let left = self.in_len as isize - index;
        let n = if left <= 0 { 0 } else { (left as usize).div_ceil(self.in_step) };
        let begin = begin.min(len);
        (begin..(begin + n).min(len), index.max(0) as usize)
    }

    /// How many steps write an output in this phase.
    pub fn written(&self, phase: usize) -> usize {
        (self.out_len - phase.min(self.out_len)).div_ceil(self.out_step)
    }

    /// The output index of step `at` in an output phase, or none if it falls outside.
    pub fn output(&self, phase: usize, at: usize) -> Option<usize> {
        let i = at * self.out_step + phase;
        (i < self.out_len).then_some(i)
    }
}
