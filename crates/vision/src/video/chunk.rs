//! Frames taken a few at a time, so that they can be looked at side by side without a whole video in memory.

use anyhow::Result;

use super::{Decoder, Frame};

/// Frames in memory at a time.
const FRAMES: usize = 16;
/// Bytes of decoded frames in memory at a time.
const BYTES: usize = 96 << 20;

impl Decoder {
    /// The next frames that are wanted; none at the end.
    ///
    /// # Errors
    /// When the video cannot be decoded further.
    pub fn next_chunk(&mut self, mut wanted: impl FnMut(&Frame) -> bool) -> Result<Vec<Frame>> {
        let mut chunk: Vec<Frame> = Vec::new();
        let mut bytes = 0;
        while chunk.len() < FRAMES && bytes < BYTES {
            let Some(frame) = self.next() else { break };
            let frame = frame?;
            if wanted(&frame) {
                bytes += frame.pixels.len();
                chunk.push(frame);
            }
        }
        Ok(chunk)
    }
}
