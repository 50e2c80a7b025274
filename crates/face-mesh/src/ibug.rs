//! The 68 landmarks of iBUG's 300-W scheme (Sagonas et al. 2013) from the points of a mesh.

use crate::landmarks::Mesh;

/// Landmarks of the scheme.
pub const COUNT: usize = 68;

/// The point of the mesh for each landmark, chosen by what the scheme says of it: eyes, lips, bridge and base of the nose, chin
/// and ends of the brows are points of the mesh. **Only near** are the jaw but for its ends and the chin (1 to 7 and 9 to 15;
/// the scheme follows the outline that is seen, the mesh lies on the head, and where a head is turned they part), the middle
/// of the brows (19, 20, 23, 24) and what the scheme spaces evenly and the mesh does not (28, 49, 53, 55, 59).
///
/// Mean distance from OpenFace's landmarks over 208 frontal faces (the London set), in parts of the distance of the eyes' outer
/// corners: jaw 5.4 % (2, 3, 13 and 14: 8 to 10 %), brows 4.6 %, nose 2.1 %, eyes 1.5 %, lips 2.0 %. py-feat 2.1.5 has a table of the same kind with the chin at 10, two places on, and so with the right half
/// of the jaw far off: action units from it are worth little (`docs/face_mesh.md`).
#[rustfmt::skip]
pub const TABLE: [usize; COUNT] = [
    // 0..16: jaw from the left in the picture to the right.
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,
    // 17..26: brows, each from the left to the right.
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    // 27..35: bridge of the nose downwards, nostrils from the left to the right.
    168, 197, 195, 4, 75, 97, 2, 326, 305,
    // 36..47: eyes, each from its left corner clockwise.
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    // 48..67: outer, then inner edge of the lips, each from its left corner clockwise.
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
];

/// The landmarks, `[x, y]` in pixels.
pub fn landmarks(mesh: &Mesh) -> [[f32; 2]; COUNT] {
    TABLE.map(|i| [mesh.points[i][0], mesh.points[i][1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landmarks::POINTS;

    #[test]
    fn landmarks_are_points_of_the_mesh() {
        let points = std::array::from_fn(|i| [i as f32, 0.5 * i as f32, 9.0]);
        let found = landmarks(&Mesh { points, presence: 1.0 });
        assert_eq!(
            (found[8], found[30], found[36], found[45], found[66]),
            ([152.0, 76.0], [4.0, 2.0], [33.0, 16.5], [263.0, 131.5], [14.0, 7.0])
        );
        let mut all = TABLE.to_vec();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() == COUNT && all.iter().all(|i| *i < POINTS));
    }
}
