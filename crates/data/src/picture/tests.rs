//! Files of all kinds, whole, cut off, damaged and oversized.

mod made_with_pillow;

use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::jpeg::{self, EndMarker};
use super::{MAX_PIXELS, Photo, dimensions, files};
use crate::listing;

/// A picture with detail in all colours.
fn detailed(width: u32, height: u32) -> DynamicImage {
    let mut noise = ferrotype_base::random::Stream::new(7);
    image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 6 + y) as u8, (y * 9) as u8, noise.below(256) as u8])
    })
    .into()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn baseline(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 90)).unwrap();
    bytes
}

fn from_base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn decode(bytes: &[u8]) -> anyhow::Result<Photo> {
    Photo::decode(bytes, MAX_PIXELS)
}

fn refused(bytes: &[u8]) -> String {
    format!("{:#}", decode(bytes).unwrap_err())
}

/// JPEG files of all kinds that are read, with their names.
fn jpegs() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("baseline", baseline(&detailed(45, 37))),
        ("grey", baseline(&detailed(45, 37).into_luma8().into())),
        ("one block", baseline(&detailed(8, 8))),
        ("one colour", baseline(&DynamicImage::new_rgb8(300, 200))),
        ("progressive", from_base64(made_with_pillow::PROGRESSIVE)),
        ("restart markers", from_base64(made_with_pillow::RESTARTS)),
        ("progressive with restart markers", from_base64(made_with_pillow::BOTH)),
        ("progressive grey", from_base64(made_with_pillow::GREY)),
    ]
}

#[test]
fn a_jpeg_is_refused_wherever_it_is_cut() {
    for (kind, bytes) in jpegs() {
        assert_eq!(bytes[bytes.len() - 2..], [0xff, 0xd9], "{kind}");
        assert_eq!(jpeg::check(&bytes).unwrap(), EndMarker::Present, "{kind}");
        let whole = decode(&bytes).unwrap();
        for cut in 0..bytes.len() - 2 {
            assert!(decode(&bytes[..cut]).is_err(), "{kind}, cut at {cut} of {}", bytes.len());
        }
        // Without its end marker, or half of it, all pixels are there.
        for cut in [bytes.len() - 2, bytes.len() - 1] {
            assert_eq!(jpeg::check(&bytes[..cut]).unwrap(), EndMarker::Missing, "{kind}");
            assert_eq!(decode(&bytes[..cut]).unwrap(), whole, "{kind}");
        }
        // What follows the end marker is not looked at: a second picture, or anything.
        assert_eq!(decode(&[&bytes[..], &[7; 100]].concat()).unwrap(), whole, "{kind}");
        let message = refused(&bytes[..bytes.len() * 19 / 20]);
        assert!(message.contains("cut off"), "{kind}: {message}");
    }
}

#[test]
fn a_jpeg_with_a_hole_is_refused() {
    let bytes = baseline(&detailed(160, 120));
    let half = bytes.len() / 2;
    // The end is missing, and an end marker stands there all the same.
    assert!(refused(&[&bytes[..half], &[0xff, 0xd9]].concat()).contains("the data end after"));
    // A download that was given its full length beforehand: zeros in the place of the rest.
    let mut filled = bytes.clone();
    filled[half..].fill(0);
    assert!(refused(&filled).contains("damaged"));
    // A lost part between two restart markers.
    let restarts = from_base64(made_with_pillow::RESTARTS);
    let marker = restarts.windows(2).position(|w| w == [0xff, 0xd0]).unwrap();
    assert!(decode(&[&restarts[..marker - 4], &restarts[marker..]].concat()).is_err());
}

#[test]
fn random_damage_is_no_panic() {
    let mut random = ferrotype_base::random::Stream::new(3);
    let png = encoded(&detailed(45, 37), ImageFormat::Png);
    for (_, bytes) in jpegs().into_iter().chain([("png", png)]) {
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(damaged.len());
                damaged[at] = random.below(256) as u8;
            }
            let _ = decode(&damaged);
        }
    }
}

#[test]
fn a_png_is_refused_wherever_it_is_cut_or_damaged() {
    let bytes = encoded(&detailed(20, 16), ImageFormat::Png);
    decode(&bytes).unwrap();
    (0..bytes.len()).for_each(|cut| assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}"));
    assert!(refused(&bytes[..bytes.len() - 12]).contains("IEND"));
    for at in 8..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert!(decode(&damaged).is_err(), "damaged at {at} of {}", bytes.len());
    }
    let data = bytes.windows(4).position(|w| w == b"IDAT").unwrap();
    let mut damaged = bytes.clone();
    damaged[data + 10] ^= 1;
    assert!(refused(&damaged).contains("chunk IDAT"), "{}", refused(&damaged));
    // A damaged text says nothing of the pixels.
    let mut text = b"tEXtTitle\0x".to_vec();
    text.splice(0..0, 7u32.to_be_bytes());
    text.extend([0; 4]);
    let with_text = [&bytes[..33], &text, &bytes[33..]].concat();
    assert_eq!(decode(&with_text).unwrap(), decode(&bytes).unwrap());
}

#[test]
fn other_formats_are_read_by_content_and_refused_when_cut() {
    let folder = tempfile::tempdir().unwrap();
    let image = detailed(33, 21);
    let rgb = image.to_rgb8().into_raw();
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::WebP] {
        let bytes = encoded(&image, format);
        assert_eq!(decode(&bytes).unwrap().pixels(), rgb, "{format:?}");
        for cut in (0..bytes.len() * 9 / 10).step_by(13) {
            assert!(decode(&bytes[..cut]).is_err(), "{format:?}, cut at {cut} of {}", bytes.len());
        }
        // The ending lies.
        let path = folder.path().join("picture.jpg");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Photo::open(&path, MAX_PIXELS).unwrap().pixels(), rgb, "{format:?}");
        assert_eq!(dimensions(&path).unwrap(), (33, 21));
    }
}

#[test]
fn of_a_gif_the_first_frame_is_read() {
    let frame = |grey| image::Frame::new(RgbaImage::from_pixel(6, 4, Rgba([grey, grey, grey, 255])));
    let mut bytes = Vec::new();
    image::codecs::gif::GifEncoder::new(&mut bytes).encode_frames([frame(10), frame(200)]).unwrap();
    let photo = decode(&bytes).unwrap();
    assert_eq!((photo.width(), photo.height(), photo.pixels()[0]), (6, 4, 10));
    let mut one = Vec::new();
    let noisy = detailed(32, 32).into_rgba8();
    image::codecs::gif::GifEncoder::new(&mut one).encode_frames([image::Frame::new(noisy)]).unwrap();
    decode(&one).unwrap();
    (0..one.len() * 19 / 20).step_by(7).for_each(|cut| assert!(decode(&one[..cut]).is_err(), "cut at {cut}"));
}

#[test]
fn oversized_pictures_are_refused_from_their_header() {
    // A header alone: with the picture behind it, this would be 7.5 GB of pixels.
    let mut png = encoded(&detailed(8, 8), ImageFormat::Png);
    png[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&50_000u32.to_be_bytes());
    let sum = crc32fast::hash(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    let message = refused(&png);
    assert!(message.contains("50000 x 50000") && message.contains("--max-pixels"), "{message}");
    let image = detailed(20, 10);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::WebP] {
        let bytes = encoded(&image, format);
        assert!(format!("{:#}", Photo::decode(&bytes, 199).unwrap_err()).contains("20 x 10"), "{format:?}");
        assert!(Photo::decode(&bytes, 200).is_ok(), "{format:?}");
    }
}

#[test]
fn what_is_no_picture_is_said() {
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"not a picture at all").contains("PNG, JPEG, TIFF, BMP, GIF and WebP"));
    assert!(refused(b"BM stands for many things").contains("not a picture"));
    assert!(refused(b"\0\0\0\x1cftypavif\0\0\0\0avif").contains("Avif"));
    assert!(refused(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n").contains("git lfs pull"));
}

#[test]
fn folders_are_searched_by_one_rule() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let png = encoded(&detailed(8, 8), ImageFormat::Png);
    for name in ["a.png", "b.jfif", "c.JPE", "in/without_ending", "in/d.dat"] {
        write(name, &png);
    }
    for junk in ["Thumbs.db", "in/DESKTOP.INI", ".DS_Store", "._a.png", "__MACOSX/in/a.png", "in/.hidden/a.png"] {
        write(junk, &png);
    }
    write("damaged.jpg", b"");
    write("notes.txt", b"BM is not always a bitmap");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("in/loop")).unwrap();
    let found = files::sort(listing::below(folder.path()).unwrap());
    let shown = |path: &Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
    let pictures: Vec<String> = found.pictures.iter().map(|p| shown(p)).collect();
    assert_eq!(pictures, ["a.png", "b.jfif", "c.JPE", "damaged.jpg", "in/d.dat", "in/without_ending"]);
    let note = found.note().unwrap();
    assert!(note.contains("1 files") && note.contains("notes.txt"), "{note}");
    assert!(files::sort(vec![]).note().is_none());
    assert!(listing::below(&folder.path().join("gone")).is_err());
}
