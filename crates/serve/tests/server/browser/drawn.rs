//! Pictures and films with two faces that are drawn.

use std::path::{Path, PathBuf};

/// Two drawn faces where the mock finds them.
pub fn two_faces(width: u32, height: u32) -> image::RgbImage {
    let (w, h) = (width as f32, height as f32);
    let side = (h * 0.55).min(w * 0.3);
    image::RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let wall =
            image::Rgb([(150.0 - 50.0 * y / h) as u8, (165.0 - 45.0 * y / h) as u8, (175.0 - 30.0 * y / h) as u8]);
        for (at, skin, smile) in [(0.3, [222, 184, 160], 1.0), (0.7, [141, 96, 72], -0.6f32)] {
            // From -1 to 1 within the box.
            let (u, v) = (2.0 * (x - at * w) / side, 2.0 * (y - 0.45 * h) / side);
            let within = |cx: f32, cy: f32, rx: f32, ry: f32| ((u - cx) / rx).powi(2) + ((v - cy) / ry).powi(2) < 1.0;
            let curve = 0.5 + smile * 0.14 * (1.0 - (u / 0.36).powi(2));
            if within(-0.34, -0.22, 0.11, 0.08) || within(0.34, -0.22, 0.11, 0.08) {
                return image::Rgb([40, 34, 32]);
            }
            if u.abs() < 0.36 && (v - curve).abs() < 0.045 {
                return image::Rgb([130, 50, 50]);
            }
            if within(0.0, 0.05, 0.09, 0.24) {
                return image::Rgb(skin.map(|c: u8| c - 20));
            }
            if within(0.0, 0.0, 0.74, 0.96) {
                return image::Rgb(if v < -0.62 { [60, 45, 40] } else { skin });
            }
            if v > 0.8 && within(0.0, 2.3, 1.25, 1.45) {
                return image::Rgb([70, 90, 120]);
            }
        }
        wall
    })
}

/// A film of two frames in grey.
pub fn camera(folder: &Path) -> PathBuf {
    let path = folder.join("camera.y4m");
    let mut bytes = b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n".to_vec();
    let faces = image::DynamicImage::from(two_faces(640, 480)).into_luma8();
    for light in [0, 10] {
        bytes.extend_from_slice(b"FRAME\n");
        bytes.extend(faces.as_raw().iter().map(|v| v.saturating_add(light)));
        bytes.extend([128; 640 * 480 / 2]);
    }
    std::fs::write(&path, bytes).unwrap();
    path
}
