//! Prefetching of the next piece of work.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each function

use super::axis::Axis;
use super::strip::{Source, Span};
use crate::simd::Simd;

/// Cache lines of the input of the next span, prefetched a few at a time while the current one is worked on. The
/// hardware does not foresee the jump from one span to the next, and kernels with few products per pixel would wait.
pub(crate) struct Ahead {
    at: *const f32,
    /// Floats from channel to channel.
    stride: usize,
    /// Lines of a channel, and channels left.
    lines: usize,
    channels: usize,
    line: usize,
    /// Lines for each step.
    each: usize,
}

impl Ahead {
    /// Prefetches what `source` has for a span, within about `steps` steps.
    pub fn new(source: &Source, rows: &Axis, cols: &Axis, span: Option<&Span>, steps: usize) -> Self {
        let stride = rows.in_len * cols.in_len;
        let mut it = Self { at: source.at, stride, lines: 0, channels: 0, line: 0, each: 0 };
        let Some(span) = span else { return it };
        let row = (span.row * rows.in_step).min(rows.in_len);
        it.at = source.at.wrapping_add(span.image * source.image + row * cols.in_len);
        if span.images == 1 {
            it.lines = ((span.rows * rows.in_step).min(rows.in_len - row) * cols.in_len).div_ceil(16);
            it.channels = source.channels;
        } else if source.channels * stride == source.image {
            // whole images: all channels of all of them lie in one run
            it.lines = (span.images * source.image).div_ceil(16);
            it.channels = 1;
        }
        it.each = (it.lines * it.channels).div_ceil(steps.max(1));
        if it.lines == 0 {
            it.channels = 0;
        }
        it
    }

    /// Prefetches the next few lines.
    ///
    /// # Safety
    /// None beyond that of `S`.
    #[inline(always)]
    pub unsafe fn step<S: Simd>(&mut self) {
        for _ in 0..self.each {
            if self.channels == 0 {
                return;
            }
            S::prefetch(self.at.wrapping_add(self.line * 16));
            self.line += 1;
            if self.line == self.lines {
                self.line = 0;
                self.channels -= 1;
                self.at = self.at.wrapping_add(self.stride);
            }
        }
    }
}
