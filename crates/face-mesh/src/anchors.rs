//! The places about which the detector tells of faces.

/// Pixels per side that the detector takes.
pub const SIDE: usize = 128;
/// Cells per side of a map, and anchors in each cell: one map of stride 8 with two, three maps of stride 16 with two each.
const MAPS: [[usize; 2]; 2] = [[16, 2], [8, 6]];
/// How many there are.
pub const COUNT: usize = 16 * 16 * 2 + 8 * 8 * 6;

/// Middles of the anchors, as parts of the side, in the order of the network's outputs. All have the size 1 (MediaPipe's
/// `SsdAnchorsCalculator` with `fixed_anchor_size`).
pub fn anchors() -> Vec<[f32; 2]> {
    let map = |[cells, each]: [usize; 2]| {
        (0..cells * cells * each).map(move |i| {
            let cell = i / each;
            [cell % cells, cell / cells].map(|k| (k as f32 + 0.5) / cells as f32)
        })
    };
    MAPS.into_iter().flat_map(map).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_mediapipes() {
        let anchors = anchors();
        assert_eq!(anchors.len(), COUNT);
        assert_eq!(COUNT, 896);
        assert_eq!(anchors[..3], [[0.03125, 0.03125], [0.03125, 0.03125], [0.09375, 0.03125]]);
        assert_eq!(anchors[32], [0.03125, 0.09375]);
        assert_eq!(anchors[511], [0.96875, 0.96875]);
        assert_eq!(anchors[512..519].iter().filter(|a| **a == [0.0625, 0.0625]).count(), 6);
        assert_eq!(anchors[518], [0.1875, 0.0625]);
        assert_eq!(anchors[895], [0.9375, 0.9375]);
    }
}
