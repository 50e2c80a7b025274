//! dlib's histograms, as OpenFace wrote them.

use ferrotype_needs::needs;

use super::*;
use crate::reference::{aligned_faces, histograms};

#[needs(data)]
#[test]
fn histograms_are_dlibs_to_the_bit() {
    let (faces, theirs) = (aligned_faces(), histograms());
    assert_eq!((faces.len(), theirs.len()), (72 * SIDE * SIDE * 3, 72));
    let ours: Vec<Vec<f32>> = faces.chunks_exact(SIDE * SIDE * 3).map(|face| hog(face).unwrap()).collect();
    let same = ours.iter().zip(&theirs).filter(|(a, b)| a == b).count();
    let all = || ours.iter().flatten().zip(theirs.iter().flatten());
    let differing = all().filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    let most = all().map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{same} of 72 faces to the bit; {differing} of {} numbers differ, by at most {most:e}", 72 * LENGTH);
    assert_eq!(differing, 0);
}
