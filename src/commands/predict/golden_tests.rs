//! How often the warning is wrong, on the real FER2013 and on photographs (see `ferrotype_data::real_data`).

use super::pictures::MARGIN;
use super::pictures::doubt;
use super::*;
use ferrotype_base::random::Stream;
use ferrotype_data::options::{Fer2013Options, SourceOptions};
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::preprocess::Picture;
use ferrotype_data::real_data::{data_folder, fer2013_csv};
use ferrotype_data::template::FaceTemplate;
use ferrotype_data::{FaceSet, Split, sources};
use ferrotype_needs::needs;
use ferrotype_vision::faces::Bounds;
use ferrotype_vision::faces::Detector;

fn photographs(folder: &Path) -> Vec<Photo> {
    let files::InputFiles { files, bad, .. } = find(&[folder.to_path_buf()]);
    assert!(bad.is_empty(), "{bad:?}");
    files.iter().map(|f| Photo::open(f, MAX_PIXELS).unwrap()).collect()
}

/// Part of the pictures that the warning is given for.
fn warned<'a>(name: &str, template: &FaceTemplate, pictures: impl IntoIterator<Item = Picture<'a>>) -> f64 {
    let (mut all, mut warned) = (0, 0);
    for picture in pictures {
        all += 1;
        warned += usize::from(doubt(&picture, Some(template)).is_some());
    }
    println!("{name}: {warned} of {all} warned of");
    warned as f64 / f64::from(all)
}

fn rows(faces: &FaceSet, split: Split) -> Vec<u32> {
    (0..faces.len()).filter(|&i| faces.splits[i] == split).map(|i| i as u32).collect()
}

/// Squares of photographs that no face that a detector finds reaches into.
fn backgrounds(photos: &[Photo], detector: &Detector) -> Vec<Photo> {
    let mut chance = Stream::new(1);
    let mut squares = Vec::new();
    for photo in photos {
        let faces = detector.detect(&photo.picture()).unwrap();
        for _ in 0..100 {
            let most = photo.width().min(photo.height()) / 2;
            let side = (24 + chance.below(most - 24)) as f32;
            let left = chance.uniform(0.0, photo.width() as f32 - side);
            let top = chance.uniform(0.0, photo.height() as f32 - side);
            let square = Bounds { left, top, right: left + side, bottom: top + side };
            if faces.iter().all(|f| f.bounds.common(&square).area() == 0.0) {
                squares.push(square.crop(photo, 0.0).unwrap());
            }
        }
    }
    squares
}

fn fer2013() -> FaceSet {
    let options = Fer2013Options { csv: fer2013_csv() };
    sources::prepare(&SourceOptions::Fer2013(options), Path::new("fer2013.h5"), "test").unwrap()
}

#[needs(fer2013)]
#[test]
fn the_warning_spares_faces_and_finds_what_is_none() {
    let faces = fer2013();
    let began = std::time::Instant::now();
    let template = FaceTemplate::of(&faces, &rows(&faces, Split::Train)).unwrap().unwrap();
    println!("template made in {:.2} s, limit {:.3}", began.elapsed().as_secs_f64(), template.limit());
    let images = &faces.images;
    let picture = |&row: &u32| Picture::new(images.get(row as usize), images.height, images.width, 1).unwrap();
    let test = rows(&faces, Split::Test);
    assert!(warned("FER2013 test faces", &template, test.iter().map(picture)) < 0.04);
    let turned: Vec<Vec<u8>> = test.iter().map(|&r| images.get(r as usize).iter().rev().copied().collect()).collect();
    warned("upside down", &template, turned.iter().map(|p| Picture::new(p, 48, 48, 1).unwrap()));
    let mut chance = Stream::new(2);
    let noise: Vec<Vec<u8>> = (0..500).map(|_| (0..48 * 48).map(|_| chance.below(256) as u8).collect()).collect();
    assert!(warned("noise", &template, noise.iter().map(|p| Picture::new(p, 48, 48, 1).unwrap())) > 0.99);
    let blank: Vec<Vec<u8>> = (0..=255).map(|v| vec![v; 48 * 48]).collect();
    assert_eq!(warned("blank", &template, blank.iter().map(|p| Picture::new(p, 48, 48, 1).unwrap())), 1.0);
}

#[needs(data, fer2013)]
#[test]
fn the_warning_tells_faces_from_backgrounds_of_photographs() {
    let faces = fer2013();
    let template = FaceTemplate::of(&faces, &rows(&faces, Split::Train)).unwrap().unwrap();
    let data = data_folder();
    let photos = photographs(&data.join("stills"));
    warned("whole photographs", &template, photos.iter().map(Photo::picture));
    for file in ["ultraface_rfb_320.onnx", "yunet.onnx"] {
        let detector = Detector::open(&data.join("onnx").join(file)).unwrap();
        let others = backgrounds(&photos, &detector);
        assert!(warned("squares without a face", &template, others.iter().map(Photo::picture)) > 0.2);
        for margin in [-0.1, 0.0, 0.1, 0.2, 0.3, 0.5] {
            let mut crops = Vec::new();
            for photo in &photos {
                let found = detector.detect(&photo.picture()).unwrap();
                crops.extend(found.iter().map(|d| d.bounds.crop(photo, margin).unwrap()));
            }
            let of = |crop: &Photo| template.likeness(&crop.picture()).unwrap_or(0.0);
            let mean = crops.iter().map(of).sum::<f64>() / crops.len() as f64;
            let part = warned(&format!("{file}, margin {margin}"), &template, crops.iter().map(Photo::picture));
            println!("  mean likeness {mean:.3}");
            assert!(margin != MARGIN || part < 0.2, "{part}");
        }
    }
}
