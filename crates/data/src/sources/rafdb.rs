//! RAF-DB's basic set: `EmoLabel/list_patition_label.txt` (the spelling is official) and `Image/aligned`.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::digest;

use super::names::{RAFDB, owned};
use super::pictures::{self, Picture, Reading, Want};
use crate::options::RafdbOptions;
use crate::text_table::decode;
use crate::{FaceSet, Split};

/// Reads the set. Its `test` pictures are the test set; it has no validation set.
pub(super) fn load(options: &RafdbOptions, reading: &Reading) -> Result<FaceSet> {
    let list = options.root.join("EmoLabel/list_patition_label.txt");
    let bytes = fs::read(&list).with_context(|| {
        format!("cannot read {}: RAF-DB's folder `basic` is expected, with EmoLabel and Image in it", list.display())
    })?;
    let text = decode(&bytes);
    let aligned = options.root.join("Image/aligned");
    ensure!(aligned.is_dir(), "{} is missing: unpack RAF-DB's aligned.zip in Image", aligned.display());
    let mut all = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{}, line {}", list.display(), i + 1);
        let mut words = line.split_whitespace();
        let (Some(name), Some(number), None) = (words.next(), words.next(), words.next()) else {
            bail!("{place}: \"{line}\"; a picture name and a class number are expected");
        };
        let label = match number.parse::<i16>() {
            Ok(n @ 1..=7) => n - 1,
            _ => bail!("{place}: \"{number}\" is not a class; a number from 1 to 7 is expected"),
        };
        let split = match name.split_once('_').map(|(part, _)| part) {
            Some("train") => Split::Train,
            Some("test") => Split::Test,
            _ => bail!("{place}: \"{name}\" starts with neither train_ nor test_"),
        };
        let stem = name.strip_suffix(".jpg").unwrap_or(name);
        let mut picture = Picture::new(aligned.join(format!("{stem}_aligned.jpg")), label, split, i);
        picture.name = name.into();
        all.push(picture);
    }
    ensure!(!all.is_empty(), "{} is empty", list.display());
    let want = Want::whole(options.size, None, options.skip_bad, options.max_pixels).with(reading);
    let mut faces = pictures::read(all, owned(&RAFDB), &want)?;
    faces.provenance.files.insert(0, (list.display().to_string(), digest::sha256(&bytes)));
    faces.provenance.notes.push("RAF-DB has no validation set of its own".into());
    Ok(faces)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::picture::MAX_PIXELS;

    fn generate(root: &Path, list: &str) -> Result<FaceSet> {
        fs::create_dir_all(root.join("EmoLabel")).unwrap();
        fs::create_dir_all(root.join("Image/aligned")).unwrap();
        fs::write(root.join("EmoLabel/list_patition_label.txt"), list).unwrap();
        for (i, name) in ["train_00001", "train_00002", "test_0001"].iter().enumerate() {
            let image = image::RgbImage::from_pixel(100, 100, image::Rgb([40 * i as u8, 90, 200]));
            image.save(root.join(format!("Image/aligned/{name}_aligned.jpg"))).unwrap();
        }
        let options = RafdbOptions { root: root.into(), size: None, skip_bad: false, max_pixels: MAX_PIXELS };
        load(&options, &Reading::default())
    }

    #[test]
    fn reads_the_official_form() {
        let dir = tempfile::tempdir().unwrap();
        let faces = generate(dir.path(), "\u{feff}train_00001.jpg 5\r\ntrain_00002.jpg 1\ntest_0001.jpg 7\n").unwrap();
        assert_eq!(
            faces.labels.iter().map(|&l| faces.classes[l as usize].as_str()).collect::<Vec<_>>(),
            ["sadness", "surprise", "neutral"]
        );
        assert_eq!(faces.splits, [Split::Train, Split::Train, Split::Test]);
        assert_eq!((faces.images.height, faces.images.channels), (100, 3));
        assert_eq!(faces.names[2], "test_0001.jpg");
    }

    #[test]
    fn errors_name_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let message = |list| generate(dir.path(), list).unwrap_err().to_string();
        assert!(message("train_00001.jpg 5\ntrain_00002.jpg 8\n").contains("line 2"));
        assert!(message("train_00001.jpg\n").contains("line 1"));
        assert!(message("valid_00001.jpg 1\n").contains("neither"));
        assert!(message("train_00009.jpg 1\n").contains("train_00009_aligned.jpg"));
        let options =
            RafdbOptions { root: dir.path().join("EmoLabel"), size: None, skip_bad: false, max_pixels: MAX_PIXELS };
        let other = load(&options, &Reading::default());
        assert!(other.unwrap_err().to_string().contains("basic"));
    }
}
