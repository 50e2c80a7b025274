//! Boxes, mapping, crops and files, on generated pictures.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::*;
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::preprocess::Picture;

fn bounds(left: f32, top: f32, right: f32, bottom: f32) -> Bounds {
    Bounds { left, top, right, bottom }
}

fn detection(b: Bounds, score: f32) -> Detection {
    Detection { bounds: b, score, points: None }
}

#[test]
fn overlap_is_of_areas() {
    let a = bounds(0.0, 0.0, 10.0, 10.0);
    assert_eq!(a.overlap(&a), 1.0);
    assert_eq!(a.overlap(&bounds(10.0, 0.0, 20.0, 10.0)), 0.0);
    assert_eq!(a.overlap(&bounds(5.0, 0.0, 15.0, 10.0)), 1.0 / 3.0);
    assert_eq!(bounds(3.0, 3.0, 3.0, 3.0).overlap(&bounds(3.0, 3.0, 3.0, 3.0)), 0.0);
}

#[test]
fn one_box_per_face_remains_whatever_the_order() {
    let a = detection(bounds(0.0, 0.0, 10.0, 10.0), 0.8);
    let better = detection(bounds(1.0, 0.0, 11.0, 10.0), 0.9);
    let other = detection(bounds(30.0, 0.0, 40.0, 10.0), 0.8);
    // 1/3 of the better one: another face only while that is allowed.
    let beside = detection(bounds(6.0, 0.0, 16.0, 10.0), 0.7);
    let all = vec![a.clone(), better.clone(), other.clone(), beside.clone()];
    let mut turned = all.clone();
    turned.reverse();
    assert_eq!(suppress(all.clone(), 0.3), [better.clone(), other.clone()]);
    assert_eq!(suppress(turned, 0.3), suppress(all.clone(), 0.3));
    assert_eq!(suppress(all, 0.34), [better, other.clone(), beside]);
    let twins = vec![other.clone(), a.clone()];
    assert_eq!(suppress(twins, 0.3), [a, other]);
}

#[test]
fn boxes_come_back_from_every_frame() {
    for (width, height) in [(1, 1), (640, 480), (1000, 37), (3, 2000), (333, 777)] {
        let wide = Letterbox::into_frame(width, height, [320, 240]);
        let multiple = Letterbox::within(width, height, 640, 32);
        for place in [wide, multiple] {
            assert!(place.inner[0] <= place.frame[0] && place.inner[1] <= place.frame[1]);
            let whole = bounds(0.0, 0.0, place.inner[0] as f32, place.inner[1] as f32);
            assert_eq!(place.back_bounds(&whole), bounds(0.0, 0.0, width as f32, height as f32));
        }
        assert!(multiple.frame.iter().all(|s| s % 32 == 0 && *s <= 640));
    }
    assert_eq!(Letterbox::into_frame(640, 240, [320, 240]).inner, [320, 120]);
    assert_eq!(Letterbox::within(48, 40, 640, 32).inner, [48, 40]);
}

#[test]
fn a_frame_holds_the_picture_and_padding() {
    let pixels: Vec<u8> = (0..2 * 4 * 3).map(|v| v * 10).collect();
    let rgb = Picture::new(&pixels, 2, 4, 3).unwrap();
    let frame = Letterbox::within(4, 2, 640, 3).fill(&rgb, 9.0);
    assert_eq!(frame.len(), 3 * 3 * 6);
    assert_eq!(frame[..8], [0.0, 30.0, 60.0, 90.0, 9.0, 9.0, 120.0, 150.0]);
    assert_eq!(frame[18], 10.0);
    assert_eq!(frame[12..18], [9.0; 6]);
    let grey = Picture::new(&pixels[..8], 2, 4, 1).unwrap();
    let frame = Letterbox::within(4, 2, 640, 3).fill(&grey, 9.0);
    assert_eq!(frame[..18], frame[36..]);
}

#[test]
fn both_networks_outputs_become_boxes() {
    let place = Letterbox::into_frame(640, 480, [320, 240]);
    let found = ultraface::decode(&[0.9, 0.1, 0.2, 0.8], &[0.0, 0.0, 1.0, 1.0, 0.25, 0.5, 0.5, 1.0], 0.7, &place);
    assert_eq!(found.unwrap(), [detection(bounds(160.0, 240.0, 320.0, 480.0), 0.8)]);
    assert!(ultraface::decode(&[0.0; 4], &[0.0; 4], 0.7, &place).is_err());

    let place = Letterbox { frame: [64, 32], inner: [64, 32], picture: [128, 64] };
    let (class, object) = ([0.25, 1.5], [1.0, 1.0]);
    let boxes = [[0.0; 4], [0.5, 0.25, 0.0, 2f32.ln()]].concat();
    let points = [[0.0; 10], [0.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0]].concat();
    let found = yunet::decode([&class, &object, &boxes, &points], 32, 0.6, &place).unwrap();
    assert_eq!(found.len(), 1);
    // Cell 1: middle (48, 8), 32 x 64, in a picture twice the size.
    let b = found[0].bounds;
    assert_eq!([b.left, b.right], [64.0, 128.0]);
    assert!((b.top + 48.0).abs() < 1e-4 && (b.bottom - 80.0).abs() < 1e-4, "{b:?}");
    assert_eq!(found[0].points.unwrap()[..3], [[64.0, 0.0], [128.0, 0.0], [96.0, 32.0]]);
    assert_eq!(found[0].score, 1.0);
    assert!(yunet::decode([&class, &object, &boxes, &points[1..]], 32, 0.6, &place).is_err());
}

#[test]
fn a_crop_repeats_the_border() {
    let photo = Photo::new((0..12).collect(), 3, 4, 1).unwrap();
    let crop = |b: Bounds, margin| b.crop(&photo, margin).unwrap();
    assert_eq!(crop(bounds(1.0, 1.0, 3.0, 3.0), 0.0).pixels(), [5, 6, 9, 10]);
    // The longer side counts, the middle stays.
    assert_eq!(crop(bounds(1.0, 1.0, 3.0, 2.0), 0.0).width(), 2);
    let wide = crop(bounds(1.0, 1.0, 3.0, 3.0), 0.5);
    assert_eq!((wide.width(), wide.height()), (4, 4));
    assert_eq!(wide.pixels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11]);
    assert_eq!(crop(bounds(-10.0, -10.0, -8.0, -8.0), 0.0).pixels(), [0; 4]);
    assert_eq!(crop(bounds(90.0, 1.0, 92.0, 3.0), 0.0).pixels(), [7, 7, 11, 11]);
    assert_eq!(crop(bounds(1.0, 1.0, 1.1, 1.1), 0.0).pixels().len(), 1);
    for b in [bounds(f32::NAN, 0.0, 1.0, 1.0), bounds(3.0, 3.0, 1.0, 1.0), bounds(0.0, 0.0, 1e9, 1.0)] {
        assert!(b.crop(&photo, 0.1).is_err(), "{b:?}");
    }
    let rgb = Photo::new((0..12).collect(), 2, 2, 3).unwrap();
    assert_eq!(bounds(1.0, 0.0, 2.0, 1.0).crop(&rgb, 0.0).unwrap().pixels(), [3, 4, 5]);
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn transparent_pixels_lie_on_white() {
    let image = RgbaImage::from_fn(2, 1, |x, _| if x == 0 { Rgba([10, 20, 30, 255]) } else { Rgba([0, 100, 255, 0]) });
    let photo = Photo::decode(&encoded(&image.into(), ImageFormat::Png), MAX_PIXELS).unwrap();
    assert_eq!((photo.pixels(), photo.channels()), (&[10, 20, 30, 255, 255, 255][..], 3));
    let half = DynamicImage::ImageLumaA8(image::GrayAlphaImage::from_pixel(1, 1, image::LumaA([0, 128])));
    assert_eq!(Photo::decode(&encoded(&half, ImageFormat::Png), MAX_PIXELS).unwrap().pixels(), [127]);
}

/// An EXIF block that holds the orientation alone.
fn exif(orientation: u8) -> Vec<u8> {
    let tiff =
        [b"II*\0\x08\0\0\0\x01\0".as_slice(), &[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0], &[0; 4]].concat();
    let content = [b"Exif\0\0".as_slice(), &tiff].concat();
    [&[0xff, 0xe1], ((content.len() + 2) as u16).to_be_bytes().as_slice(), &content].concat()
}

#[test]
fn photographs_are_turned_the_right_way_up() {
    // The left half is black; turned by a quarter clockwise it becomes the upper half.
    let image = image::GrayImage::from_fn(32, 16, |x, _| image::Luma([if x < 16 { 0 } else { 255 }]));
    let jpeg = encoded(&image.into(), ImageFormat::Jpeg);
    let turned = [&jpeg[..2], &exif(6), &jpeg[2..]].concat();
    let photo = Photo::decode(&turned, MAX_PIXELS).unwrap();
    assert_eq!((photo.width(), photo.height()), (16, 32));
    assert!(photo.pixels()[5] < 40 && photo.pixels()[31 * 16 + 5] > 215);
    assert_eq!(Photo::decode(&jpeg, MAX_PIXELS).unwrap().width(), 32);
}

#[test]
fn broken_files_are_errors_with_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let png = encoded(&DynamicImage::new_rgb8(64, 64), ImageFormat::Png);
    let jpeg = encoded(&DynamicImage::new_rgb8(64, 64), ImageFormat::Jpeg);
    let cases = [("text.png", b"not a picture".as_slice()), ("empty.png", b""), ("cut.png", &png[..60])];
    for (name, bytes) in cases.into_iter().chain([("cut.jpg", &jpeg[..100])]) {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let message = format!("{:#}", Photo::open(&path, MAX_PIXELS).unwrap_err());
        assert!(message.contains(name), "{message}");
        let message = format!("{:#}", Detector::open(&path).unwrap_err());
        assert!(message.contains(name), "{message}");
    }
    assert!(Photo::open(folder.path(), MAX_PIXELS).unwrap_err().to_string().contains("folder"));
    assert!(Detector::open(folder.path()).unwrap_err().to_string().contains("folder"));
    assert!(Detector::open(&folder.path().join("gone")).unwrap_err().to_string().contains("gone"));
}
