//! One spatial axis of a convolution pass, in a form that forward and backward passes share.
//!
//! A pass is a sum of shifted products over a "strip": a zero-padded copy of some rows of its input, in which every
//! kernel tap is a constant offset. Strides turn into phases, on the input side (forward: even and odd columns lie
//! apart) or on the output side (backward: even and odd outputs see different taps). Step `q` of the axis reads
//! `input[q * in_step + start + offset * in_step]` and writes `output[q * out_step + phase + out_shift]`.

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
    /// First step.
    pub lo: usize,
    /// Number of steps.
    pub count: usize,
    /// Output phases.
    pub out_step: usize,
    /// Added to the output index.
    pub out_shift: isize,
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
            lo: 0,
            count: out,
            out_step: 1,
            out_shift: 0,
            taps: (0..kernel).map(tap).collect(),
        }
    }

    /// The axis of a backward-data pass: from `out` output gradients to `len` input gradients.
    pub fn backward(len: usize, out: usize, kernel: usize, stride: usize, before: usize, copies: bool) -> Self {
        // input index i = q * stride + phase - before receives from output q - k / stride where k % stride == phase
        let depth = kernel.div_ceil(stride);
        let lo = before / stride;
        let end = (before + len - 1) / stride + 1;
        let start = |j: usize| j as isize - (depth as isize - 1);
        let tap = |k| {
            let j = depth - 1 - k / stride;
            match copies {
                true => Tap { k, plane: j, offset: 0, phase: k % stride },
                false => Tap { k, plane: 0, offset: j, phase: k % stride },
            }
        };
        Self {
            in_len: out,
            out_len: len,
            in_step: 1,
            starts: (0..if copies { depth } else { 1 }).map(start).collect(),
            reach: if copies { 0 } else { depth - 1 },
            lo,
            count: end - lo,
            out_step: stride,
            out_shift: -(before as isize),
            taps: (0..kernel).map(tap).collect(),
        }
    }

    /// Whether places of a plane are input indices, one for one.
    pub fn copies_input(&self) -> bool {
        self.in_step == 1 && self.starts == [0] && self.reach == 0 && self.lo == 0 && self.count == self.in_len
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
        let i = ((self.lo + at) * self.in_step) as isize + self.starts[plane];
        (i >= 0 && (i as usize) < self.in_len).then_some(i as usize)
    }

    /// The places of `0..len` whose input exists, and the input index of the first.
    pub fn inside(&self, plane: usize, len: usize) -> (std::ops::Range<usize>, usize) {
        let first = (self.lo * self.in_step) as isize + self.starts[plane];
        let begin = if first < 0 { (-first as usize).div_ceil(self.in_step) } else { 0 };
        let index = first + (begin * self.in_step) as isize;
        let left = self.in_len as isize - index;
        let n = if left <= 0 { 0 } else { (left as usize).div_ceil(self.in_step) };
        let begin = begin.min(len);
        (begin..(begin + n).min(len), index.max(0) as usize)
    }

    /// The steps of `0..len` that write an output in this phase, and the output index of the first.
    pub fn written(&self, phase: usize, len: usize) -> (std::ops::Range<usize>, usize) {
        let first = (self.lo * self.out_step + phase) as isize + self.out_shift;
        let begin = if first < 0 { (-first as usize).div_ceil(self.out_step) } else { 0 };
        let index = first + (begin * self.out_step) as isize;
        let left = self.out_len as isize - index;
        let n = if left <= 0 { 0 } else { (left as usize).div_ceil(self.out_step) };
        let begin = begin.min(len);
        (begin..(begin + n).min(len), index.max(0) as usize)
    }

    /// The output index of step `at` in an output phase, or none if it falls outside.
    pub fn output(&self, phase: usize, at: usize) -> Option<usize> {
        let i = ((self.lo + at) * self.out_step + phase) as isize + self.out_shift;
        (i >= 0 && (i as usize) < self.out_len).then_some(i as usize)
    }
}
