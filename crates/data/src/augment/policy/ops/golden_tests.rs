//! Pillow 13.0.0's own results.
//!
//! ```python
//! import numpy as np
//! from PIL import Image, ImageEnhance, ImageOps
//! n = np.arange(3 * 24 * 24)
//! img = ((n * 37 + n // 5 * 11) % 200 + 20).astype(np.uint8).reshape(3, 24, 24)
//! im = Image.fromarray(img.transpose(1, 2, 0))            # for one channel Image.fromarray(img[0])
//! out = np.asarray(ImageEnhance.Brightness(im).enhance(1.6)).transpose(2, 0, 1).reshape(-1)
//! (out.astype(np.int64) * (np.arange(out.size) % 97 + 1)).sum(), out[:6]
//! # ImageEnhance.Color, .Contrast, .Sharpness; ImageOps.posterize, .solarize, .autocontrast, .equalize
//! ```

use super::Op;

const SIZE: usize = 24;

#[test]
fn every_operation_is_pillows() {
    #[rustfmt::skip]
    let known: &[(Op, usize, u64, [u64; 6])] = &[
        (Op::Brightness(1.6), 3, 14951303, [32, 91, 150, 209, 255, 255]),
        (Op::Brightness(1.6), 1, 4924057, [32, 91, 150, 209, 255, 255]),
        (Op::Brightness(0.3), 3, 3004280, [6, 17, 28, 39, 50, 64]),
        (Op::Brightness(0.3), 1, 984842, [6, 17, 28, 39, 50, 64]),
        (Op::Colour(0.25), 3, 10058796, [110, 60, 79, 118, 159, 201]),
        (Op::Colour(0.25), 1, 3323848, [20, 57, 94, 131, 168, 216]),
        (Op::Colour(1.9), 3, 10112643, [0, 53, 111, 146, 177, 233]),
        (Op::Colour(1.9), 1, 3323848, [20, 57, 94, 131, 168, 216]),
        (Op::Contrast(0.4), 3, 10016153, [79, 94, 109, 123, 138, 157]),
        (Op::Contrast(0.4), 1, 3314099, [79, 94, 109, 123, 138, 157]),
        (Op::Contrast(1.75), 3, 10385801, [0, 10, 75, 140, 204, 255]),
        (Op::Contrast(1.75), 1, 3388322, [0, 10, 75, 140, 204, 255]),
        (Op::Sharpness(0.1), 3, 10051979, [20, 57, 94, 131, 168, 216]),
        (Op::Sharpness(0.1), 1, 3323236, [20, 57, 94, 131, 168, 216]),
        (Op::Sharpness(1.9), 3, 10280958, [20, 57, 94, 131, 168, 216]),
        (Op::Sharpness(1.9), 1, 3355367, [20, 57, 94, 131, 168, 216]),
        (Op::Posterize(3), 3, 8831008, [0, 32, 64, 128, 160, 192]),
        (Op::Posterize(3), 1, 2892256, [0, 32, 64, 128, 160, 192]),
        (Op::Solarize(120.0), 3, 6523620, [20, 57, 94, 124, 87, 39]),
        (Op::Solarize(120.0), 1, 2175364, [20, 57, 94, 124, 87, 39]),
        (Op::AutoContrast, 3, 10797746, [0, 47, 94, 142, 189, 251]),
        (Op::AutoContrast, 1, 3529238, [0, 47, 94, 142, 189, 251]),
        (Op::Equalize, 3, 12058967, [0, 55, 108, 162, 214, 255]),
        (Op::Equalize, 1, 3966461, [0, 55, 108, 162, 214, 255]),
    ];
    for (op, channels, sum, first) in known {
        let pixel = |n: usize| ((n * 37 + n / 5 * 11) % 200 + 20) as f32;
        let mut image: Vec<f32> = (0..channels * SIZE * SIZE).map(pixel).collect();
        op.apply(&mut image, SIZE);
        let found: Vec<u64> = image.iter().map(|&v| v as u64).collect();
        assert_eq!(&found[..6], first, "{op:?} {channels}");
        let total: u64 = found.iter().enumerate().map(|(i, v)| v * (i as u64 % 97 + 1)).sum();
        assert_eq!(total, *sum, "{op:?} {channels}");
    }
}
