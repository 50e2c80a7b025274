//! Gradients that are summed in parts.

use crate::scratch::{self, Scratch};
use crate::units::{self, Shared};

/// Room for a gradient in parts, or the gradient itself where there is one part. Parts are fixed by the shape and
/// added in order, so the sum does not depend on who computed which.
pub(crate) struct Partial {
    parts: usize,
    size: usize,
    own: Scratch,
    to: *mut f32,
}

impl Partial {
    /// `to` has room for `size` floats, or is null for a gradient that nobody wants.
    pub fn new(parts: usize, size: usize, to: *mut f32) -> Self {
        let own = scratch::take(if parts > 1 && !to.is_null() { parts * size } else { 0 });
        Self { parts, size, own, to }
    }

    /// Where the parts go, one after the other; null if unwanted.
    pub fn target(&mut self) -> Target {
        let own = self.parts > 1 && !self.to.is_null();
        Target { at: Shared::new(if own { self.own.as_mut_ptr() } else { self.to }), size: self.size }
    }

    /// Adds the parts up.
    pub fn finish(self) {
        const CHUNK: usize = 2048;
        if self.parts == 1 || self.to.is_null() {
            return;
        }
        let (size, parts, partial, to) = (self.size, self.parts, &self.own, Shared::new(self.to));
        units::run(size.div_ceil(CHUNK), size * parts, |unit| {
            let begin = unit * CHUNK;
            let end = (begin + CHUNK).min(size);
            let mut sums = [0.0; CHUNK];
            let sums = &mut sums[..end - begin];
            sums.copy_from_slice(&partial[begin..end]);
            for part in 1..parts {
                for (sum, v) in sums.iter_mut().zip(&partial[part * size + begin..part * size + end]) {
                    *sum += v;
                }
            }
            // SAFETY: `end <= size`, and chunks are apart.
            unsafe { to.at(begin).copy_from_nonoverlapping(sums.as_ptr(), sums.len()) };
        });
    }
}

/// See [`Partial::target`].
#[derive(Clone, Copy)]
pub(crate) struct Target {
    at: Shared,
    size: usize,
}

impl Target {
    /// The place `offset` of a part, or none where the gradient is unwanted.
    ///
    /// # Safety
    /// There are so many parts, and the place lies in one.
    pub unsafe fn part(self, part: usize, offset: usize) -> Option<*mut f32> {
        // SAFETY: the caller's; nothing is dereferenced.
        unsafe { (!self.at.at(0).is_null()).then(|| self.at.at(part * self.size + offset)) }
    }
}
