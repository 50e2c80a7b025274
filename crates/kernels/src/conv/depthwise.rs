//! Depthwise convolutions: one kernel for each channel.
//!
//! They are bound by memory, not arithmetic: what counts is to touch each plane once, from few pages, with nothing
//! allocated on the way. A unit of work is a few neighbouring channels for some of the images.

mod any;
mod same;

use super::Conv2d;
use super::partial::Partial;
use crate::Isa;
use crate::units::{self, share};

pub(crate) use any::{
    backward_data as any_backward_data, backward_weight as any_backward_weight, forward as any_forward,
};
pub(crate) use same::{Backward, backward, forward};

/// Whether each channel has its own kernel.
pub(crate) fn applies(c: &Conv2d) -> bool {
    c.groups > 1 && c.groups == c.in_channels && c.groups == c.out_channels
}

/// Whether the form is 3x3 of stride 1 with one pixel of padding, which needs no strips.
pub(crate) fn same(c: &Conv2d) -> bool {
    let p = c.padding;
    c.kernel == [3, 3] && c.stride == [1, 1] && [p.top, p.bottom, p.left, p.right] == [1; 4]
}

/// Channels of a unit: small planes are not worth a page each.
const CHANNELS: usize = 8;
/// Units that a pass is cut into where that costs little.
const UNITS: usize = 32;

/// How the planes are shared out.
#[derive(Clone, Copy)]
struct Units {
    blocks: usize,
    parts: usize,
    channels: usize,
    batch: usize,
}

/// The planes of a unit.
struct Planes {
    part: usize,
    images: std::ops::Range<usize>,
    channels: std::ops::Range<usize>,
}

/// One plane of a unit.
struct Plane {
    channel: usize,
    /// Its number in the batch.
    at: usize,
    /// How many planes on the one after it lies: it is prefetched meanwhile.
    ahead: usize,
}

impl Planes {
    /// The planes in order, of a batch of images of `channels` channels.
    fn iter(&self, channels: usize) -> impl Iterator<Item = Plane> {
        let own = self.channels.clone();
        self.images.clone().flat_map(move |image| {
            let (skip, last) = (channels - own.len() + 1, own.end - 1);
            own.clone().map(move |channel| Plane {
                channel,
                at: image * channels + channel,
                ahead: if channel == last { skip } else { 1 },
            })
        })
    }
}

impl Units {
    fn new(c: &Conv2d) -> Self {
        let blocks = c.groups.div_ceil(CHANNELS);
        let parts = UNITS.div_ceil(blocks).clamp(1, c.batch);
        Self { blocks, parts, channels: c.groups, batch: c.batch }
    }

    fn count(&self) -> usize {
        self.blocks * self.parts
    }

    fn planes(&self, unit: usize) -> Planes {
        let (part, block) = (unit / self.blocks, unit % self.blocks);
        let images = share(self.batch, self.parts, part);
        Planes { part, images, channels: share(self.channels, self.blocks, block) }
    }
}

/// Whether an output is best stored past the caches: it is large, and whole vectors of every plane are aligned.
fn streams(isa: Isa, size: usize, total: usize, y: *const f32) -> bool {
    let lanes = crate::simd::lanes(isa);
    units::streams(total) && size.is_multiple_of(lanes) && (y as usize).is_multiple_of(4 * lanes)
}

/// Room for the gradients of weight and bias.
fn partials(c: &Conv2d, units: &Units, dw: *mut f32, db: *mut f32) -> (Partial, Partial) {
    (Partial::new(units.parts, c.taps() * c.groups, dw), Partial::new(units.parts, c.groups, db))
}
