//! OpenFace's aligned faces of a video of 72 frames.

use ferrotype_needs::needs;

use super::*;
use crate::formats;
use crate::reference::{Table, data, shape_model, video};

#[needs(data, ffmpeg)]
#[test]
fn faces_are_aligned_as_openface_aligns_them() {
    let model = shape_model();
    let triangles = formats::read(&data("openface/predictors/tris_68_full.txt"), formats::parse_triangles).unwrap();
    let aligner = Aligner::new(&model, triangles);
    let table = Table::read("openface/reference/single_face.csv");
    let stacked = crate::reference::aligned_faces();
    let frames = video("videos/single_face.mp4");
    let (width, height) = (640, 360);
    assert_eq!((table.rows.len(), frames.len()), (72, 72 * width * height * 3));
    let (mut masks, mut differing, mut most) = (0, 0, 0);
    for (row, frame) in frames.chunks_exact(width * height * 3).enumerate() {
        let picture = Picture::new(frame, width, height, Order::Bgr).unwrap();
        // The table's landmarks are rounded to 0.0005 px, which moves 6 pixels of the 72 masks; those of its parameters not.
        let parameters = table.parameters(row);
        let face = aligner.align(&picture, &model.landmarks(&parameters), parameters.translation).unwrap();
        let theirs = &stacked[row * SIDE * SIDE * 3..][..SIDE * SIDE * 3];
        // A black pixel of theirs within the mask may be a black pixel of the face.
        let outside = |i: usize| theirs[i * 3..][..3] == [0; 3];
        masks += (0..SIDE * SIDE).filter(|&i| face.mask[i] == outside(i) && face.bgr[i * 3..][..3] != [0; 3]).count();
        masks += (0..SIDE * SIDE).filter(|&i| !face.mask[i] && !outside(i)).count();
        differing += face.bgr.iter().zip(theirs).filter(|(a, b)| a != b).count();
        most = most.max(face.bgr.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or_default());
    }
    let share = differing as f64 / stacked.len() as f64;
    println!("72 faces: {masks} pixels of the mask differ; {:.3} % of all samples, by at most {most}", 100.0 * share);
    assert_eq!(masks, 0);
    // A place in 1/32 pixel is rounded to its neighbour where the table's digits end.
    assert!(share < 0.002 && most <= 3, "{share} {most}");
}
