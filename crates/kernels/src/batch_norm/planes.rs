//! The planes of one channel, and their packing where they are tiny.

use super::BatchNorm;

/// Planes shorter than this are packed into one before the vector loops see them: these work on groups of 16.
const PACK_BELOW: usize = 16;

/// Where the values of one channel lie: `count` planes of `len` values, `stride` apart, from `start` on.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    count: usize,
    stride: usize,
    len: usize,
    start: usize,
}

impl Planes {
    /// The planes of a channel within the tensor.
    pub(super) fn of(shape: &BatchNorm, channel: usize) -> Self {
        Self {
            count: shape.batch,
            stride: shape.channels * shape.spatial,
            len: shape.spatial,
            start: channel * shape.spatial,
        }
    }

    /// The same channel in a packed buffer of its own.
    pub(super) fn packed(self) -> Self {
        Self { count: 1, stride: 0, len: self.values(), start: 0 }
    }

    /// Whether the vector loops want the channel packed.
    pub(super) fn want_packing(self) -> bool {
        self.len < PACK_BELOW && self.count > 1
    }

    /// Values of the channel.
    pub(super) fn values(self) -> usize {
        self.count * self.len
    }

    /// Values of one plane.
    pub(super) fn len(self) -> usize {
        self.len
    }

    /// Offsets of the planes.
    pub(super) fn offsets(self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.count).map(move |i| self.start + i * self.stride)
    }

    /// Copies the channel out of the tensor.
    ///
    /// # Safety
    /// The planes must lie within the tensor at `x`, and be written by nobody else.
    pub(super) unsafe fn pack(self, x: *const f32) -> Vec<f32> {
        let mut packed = Vec::with_capacity(self.values());
        for offset in self.offsets() {
            for i in 0..self.len {
                // SAFETY: within the tensor by the caller's promise.
                packed.push(unsafe { x.add(offset + i).read() });
            }
        }
        packed
    }

    /// Copies a packed channel into the tensor.
    ///
    /// # Safety
    /// As for [`Self::pack`], and `packed` must hold the channel's values.
    pub(super) unsafe fn unpack(self, packed: &[f32], y: *mut f32) {
        debug_assert_eq!(packed.len(), self.values());
        for (values, offset) in packed.chunks_exact(self.len.max(1)).zip(self.offsets()) {
            for (i, &v) in values.iter().enumerate() {
                // SAFETY: within the tensor by the caller's promise.
                unsafe { y.add(offset + i).write(v) };
            }
        }
    }
}
