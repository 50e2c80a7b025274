//! Pictures known again by their pixels, in whatever file.

use sha2::{Digest, Sha256};

/// The sha256 of a picture's height, width and channels (each as 8 bytes, lowest first) and pixels.
pub fn of(shape: [usize; 3], pixels: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    shape.iter().for_each(|&side| digest.update((side as u64).to_le_bytes()));
    digest.chain_update(pixels).finalize().into()
}
