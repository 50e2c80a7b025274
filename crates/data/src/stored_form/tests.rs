//! The rule against numpy: the code stands in docs/preprocessing.md, under "The stored form".

use super::*;
use crate::options::{Colour, Resize, Scale};

/// `np.array([(37*i*i + 91*i + 13) % 256 for i in range(11*9*3)], np.uint8).reshape(11, 9, 3)`
fn pixels() -> Vec<u8> {
    (0..11 * 9 * 3u32).map(|i| ((37 * i * i + 91 * i + 13) % 256) as u8).collect()
}

fn form(height: usize, width: usize, channels: usize) -> StoredForm {
    StoredForm::of(&Images { pixels: Vec::new(), height, width, channels })
}

#[test]
fn the_triangle_filter_is_the_one_of_the_documents() {
    let pixels = pixels();
    let rgb = Picture::new(&pixels, 11, 9, 3).unwrap();
    // triangle(img, 4, 5).ravel()
    let shrunk = [
        111, 162, 116, 122, 118, 111, 122, 105, 134, 160, 138, 141, 91, 128, 152, 112, 167, 136, 151, 136, 101, 111,
        103, 134, 134, 132, 147, 102, 189, 157, 98, 107, 134, 86, 93, 105, 147, 118, 124, 152, 153, 123, 100, 141, 106,
        158, 120, 159, 176, 99, 172, 187, 102, 135, 111, 128, 138, 91, 114, 78,
    ];
    assert_eq!(form(4, 5, 3).apply(&rgb).picture().pixels, shrunk);
    // The first two and last two rows of triangle(img[:, :, 0], 13, 12)
    let plane: Vec<u8> = pixels.iter().step_by(3).copied().collect();
    let grown = form(13, 12, 1).apply(&Picture::new(&plane, 11, 9, 1).unwrap());
    let grown = grown.picture();
    let first =
        [13, 72, 104, 117, 227, 113, 107, 211, 91, 67, 121, 213, 5, 115, 135, 61, 84, 130, 186, 227, 169, 83, 50, 70];
    let last = [190, 221, 225, 185, 120, 113, 80, 77, 104, 91, 172, 232, 240, 184, 225, 247, 218, 125, 128, 112, 67];
    assert_eq!(grown.pixels[..24], first);
    assert_eq!(grown.pixels[13 * 12 - 21..], last);
}

#[test]
fn grey_stays_grey_and_colour_becomes_grey_after_resizing() {
    let pixels = pixels();
    let rgb = Picture::new(&pixels, 11, 9, 3).unwrap();
    let (colour, grey) = (form(4, 5, 3).apply(&rgb), form(4, 5, 1).apply(&rgb));
    for (p, &g) in colour.picture().pixels.chunks(3).zip(grey.picture().pixels) {
        let exact = 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
        assert!((f64::from(g) - exact).abs() <= 0.5 + 1e-9, "{p:?} {g}");
    }
    let plane: Vec<u8> = pixels.iter().step_by(3).copied().collect();
    let three: Vec<u8> = plane.iter().flat_map(|&v| [v; 3]).collect();
    let one = Picture::new(&plane, 11, 9, 1).unwrap();
    let same = Picture::new(&three, 11, 9, 3).unwrap();
    assert_eq!(form(4, 5, 1).apply(&one), form(4, 5, 1).apply(&same));
    assert_eq!(form(4, 5, 3).apply(&one), form(4, 5, 3).apply(&same));
    assert!((0..=255).all(|v| luma([v; 3]) == v));
}

#[test]
fn a_stored_picture_passes_through_unchanged() {
    let pixels = pixels();
    let rgb = Picture::new(&pixels, 11, 9, 3).unwrap();
    assert_eq!(form(11, 9, 3).apply(&rgb).picture().pixels, pixels);
    let options = Preprocess::new(16, Resize::Bilinear, Colour::Rgb, Scale::Unit);
    let through = PictureChain::new(Some(form(11, 9, 3)), &options).unwrap().planes(&rgb);
    assert_eq!(through, Pipeline::new(&options).unwrap().resize_colour(&rgb));
    assert_eq!(through, PictureChain::new(None, &options).unwrap().planes(&rgb));
}

#[test]
fn it_is_written_as_json_that_names_every_step() {
    let text = serde_json::to_string(&form(48, 40, 1)).unwrap();
    assert_eq!(
        text,
        r#"{"orientation":"exif","transparency":"on_white","resample":"triangle","height":48,"width":40,"channels":1}"#
    );
    assert_eq!(serde_json::from_str::<StoredForm>(&text).unwrap(), form(48, 40, 1));
}
