//! Rotations as matrices and as three angles.

/// A rotation, row by row.
pub type Rotation = [[f64; 3]; 3];

/// `Rx Ry Rz` of angles in radians.
pub fn rotation_of([x, y, z]: [f64; 3]) -> Rotation {
    let ((s1, c1), (s2, c2), (s3, c3)) = (x.sin_cos(), y.sin_cos(), z.sin_cos());
    [
        [c2 * c3, -c2 * s3, s2],
        [c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1],
        [s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2],
    ]
}

/// The angles of `Rx Ry Rz`: the second between -pi/2 and pi/2. Where that is a right angle, the third is 0.
pub fn angles_of(r: &Rotation) -> [f64; 3] {
    let sine = r[0][2].clamp(-1.0, 1.0);
    if sine.abs() > 1.0 - 1e-12 {
        return [r[2][1].atan2(r[1][1]), sine.asin(), 0.0];
    }
    [(-r[1][2]).atan2(r[2][2]), sine.asin(), (-r[0][1]).atan2(r[0][0])]
}

/// The rotation about the direction of `w` by its length in radians (Rodrigues).
pub fn about([x, y, z]: [f64; 3]) -> Rotation {
    let angle = (x * x + y * y + z * z).sqrt();
    // sin(a)/a and (1 - cos a)/a^2, by their series where a is small.
    let (a, b) = if angle < 1e-4 {
        (1.0 - angle * angle / 6.0, 0.5 - angle * angle / 24.0)
    } else {
        (angle.sin() / angle, (1.0 - angle.cos()) / (angle * angle))
    };
    let cross = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]];
    let squared = times(&cross, &cross);
    std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j)) + a * cross[i][j] + b * squared[i][j]))
}

/// The product of two matrices.
pub fn times(a: &Rotation, b: &Rotation) -> Rotation {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}
