//! Picture files to the images of a face set: decoded on all cores, brought to one size and one number of channels.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail, ensure};
use ferrotype_base::digest::hex;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::options::Colour;
use crate::picture::{self, Photo};
use crate::preprocess;
use crate::stored_form::{to_channels, triangle};
use crate::{FaceSet, Images, Provenance, Split};

/// A dataset is held in memory; beyond this, a smaller size must be chosen.
const MOST_BYTES: usize = 16 << 30;
/// So many file names are listed in messages and notes.
const LISTED: usize = 20;

/// The box of the face in a picture, `[left, top, right, bottom]` in pixels, or none where there is no face.
pub type FaceFinder = dyn Fn(&Photo) -> Result<Option<[f32; 4]>> + Sync;

/// A picture file and what is known of it.
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// The box to which it is cut before it is stored, with a margin: `[left, top, right, bottom]` in pixels.
    pub(super) face: Option<[f32; 4]>,
    pub(super) label: i16,
    pub(super) split: Split,
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) source_row: u32,
}

impl Picture {
    pub(super) fn new(path: PathBuf, label: i16, split: Split, row: usize) -> Self {
        Self { path, face: None, label, split, subject: String::new(), name: String::new(), source_row: row as u32 }
    }
}

/// What is to be stored.
#[derive(Clone, Copy)]
pub(super) struct Want<'a> {
    pub(super) size: Option<usize>,
    pub(super) colour: Option<Colour>,
    pub(super) skip_bad: bool,
    pub(super) max_pixels: u64,
    /// What finds the face in pictures without a box of their own; they are stored whole otherwise.
    pub(super) finder: Option<&'a FaceFinder>,
    /// What is added to a face's box at each edge, in lengths of its longer side.
    pub(super) margin: f32,
}

impl Want<'_> {
    /// Whole pictures, or faces cut out by the box of each, without a margin.
    pub(super) fn whole(size: Option<usize>, colour: Option<Colour>, skip_bad: bool, max_pixels: u64) -> Self {
        Self { size, colour, skip_bad, max_pixels, finder: None, margin: 0.0 }
    }
}

/// A decoded picture, already at its size.
struct Decoded {
    /// RGB, `[height, width, 3]`.
    pixels: Vec<u8>,
    height: usize,
    width: usize,
    grey: bool,
    resized: bool,
    cut: bool,
    digest: [u8; 32],
}

/// Reads all pictures into a face set without votes.
pub(super) fn read(pictures: Vec<Picture>, classes: Vec<String>, want: &Want) -> Result<FaceSet> {
    ensure!(want.size.is_none_or(|s| (8..=1024).contains(&s)), "`size` must be from 8 to 1024 pixels per side");
    check_memory(&pictures, want)?;
    let decoded: Vec<Result<Decoded>> = pictures.par_iter().map(|p| decode(p, want)).collect();
    let (mut kept, mut images, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for (picture, result) in pictures.into_iter().zip(decoded) {
        match result {
            Ok(image) => {
                kept.push(picture);
                images.push(image);
            }
            Err(problem) => bad.push((picture.path, problem)),
        }
    }
    let mut notes = judge_bad(&bad, want.skip_bad)?;
    check_sizes(&kept, &images)?;
    let digest = images.iter().fold(Sha256::new(), |d, i| d.chain_update(i.digest)).finalize();
    let cut = images.iter().filter(|i| i.cut).count();
    if cut > 0 {
        notes.push(format!("{cut} faces were cut out of their pictures, with a margin of {}", want.margin));
    }
    let resized = images.iter().filter(|i| i.resized).count();
    if resized > 0 {
        notes.push(format!("{resized} pictures were resized with a triangle filter (bilinear, antialiased)"));
    }
    let (count, colour) = (images.len(), choose_colour(&images, want.colour));
    if colour == Colour::Grey && images.iter().any(|i| !i.grey) {
        notes.push("colour pictures were turned grey: 0.299 R + 0.587 G + 0.114 B, rounded".into());
    }
    let files = vec![(format!("{count} pictures; sha256 of their sha256s in row order"), hex(&digest))];
    let images = assemble(images, colour);
    Ok(face_set(kept, images, classes, Provenance { files, notes, ..Provenance::default() }))
}

fn check_memory(pictures: &[Picture], want: &Want) -> Result<()> {
    // Cut out faces are not larger than the pictures, but for their margins.
    let side = want.size.or_else(|| {
        let (w, h) = picture::dimensions(&pictures.first()?.path).ok()?;
        Some(w.max(h))
    });
    let bytes = side.unwrap_or(0).pow(2) * pictures.len() * 3;
    ensure!(
        bytes <= MOST_BYTES,
        "{} pictures of {} pixels per side take {} GiB, and a dataset is held in memory: choose a smaller `size`",
        pictures.len(),
        side.unwrap_or(0),
        bytes >> 30
    );
    Ok(())
}

fn decode(picture: &Picture, want: &Want) -> Result<Decoded> {
    let bytes = fs::read(&picture.path).map_err(|e| anyhow!("cannot be read: {e}"))?;
    let digest = Sha256::digest(&bytes).into();
    let photo = cut(Photo::decode(&bytes, want.max_pixels)?, picture, want)?;
    let is_cut = picture.face.is_some() || want.finder.is_some();
    let (width, height) = (photo.width(), photo.height());
    let (to_height, to_width) = want.size.map_or((height, width), |s| (s, s));
    let resized = (to_height, to_width) != (height, width);
    let mut pixels = photo.into_rgb();
    if resized {
        let picture = preprocess::Picture { pixels: &pixels, height, width, channels: 3 };
        pixels = triangle(&picture, to_height, to_width).into_owned();
    }
    let grey = pixels.as_chunks::<3>().0.iter().all(|p| p[0] == p[1] && p[1] == p[2]);
    Ok(Decoded { pixels, height: to_height, width: to_width, grey, resized, cut: is_cut, digest })
}

/// The face of a picture, or the whole picture where no face is asked for.
fn cut(photo: Photo, picture: &Picture, want: &Want) -> Result<Photo> {
    let face = match (picture.face, want.finder) {
        (None, None) => return Ok(photo),
        (Some(face), _) => {
            check_face(face, &photo)?;
            face
        }
        (None, Some(finder)) => finder(&photo)?.ok_or_else(|| anyhow!("no face is found in it"))?,
    };
    photo.square_around(face, want.margin)
}

/// Refuses a box that a dataset names and that is of no face in the picture.
fn check_face([left, top, right, bottom]: [f32; 4], photo: &Photo) -> Result<()> {
    let (width, height) = (photo.width() as f32, photo.height() as f32);
    let longer = (right - left).max(bottom - top);
    ensure!(
        right > 0.0 && bottom > 0.0 && left < width && top < height && longer <= 2.0 * width.max(height),
        "the box of its face, from {left} to {right} across and from {top} to {bottom} down, does not lie in its {width} x \
         {height} pixels"
    );
    Ok(())
}

/// Bad files are an error, or with `skip_bad` notes.
fn judge_bad(bad: &[(PathBuf, anyhow::Error)], skip: bool) -> Result<Vec<String>> {
    if bad.is_empty() {
        return Ok(Vec::new());
    }
    let listed: Vec<String> = bad.iter().take(LISTED).map(|(p, e)| format!("{}: {e:#}", p.display())).collect();
    let more = bad.len().saturating_sub(LISTED);
    let more = if more > 0 { vec![format!("... and {more} more")] } else { Vec::new() };
    if !skip {
        bail!(
            "{} files cannot be used: {}. Remove them, or pass --skip-bad (in an experiment file: skip_bad: true) to leave \
             them out",
            bad.len(),
            [listed, more].concat().join("; ")
        );
    }
    let heading = vec![format!("{} files were left out (skip_bad):", bad.len())];
    Ok([heading, listed, more].concat())
}

fn check_sizes(kept: &[Picture], images: &[Decoded]) -> Result<()> {
    let Some(first) = images.first() else { bail!("no picture could be read: nothing to prepare") };
    if let Some(i) = images.iter().position(|i| (i.width, i.height) != (first.width, first.height)) {
        let ((w, h), (v, g)) = ((first.width, first.height), (images[i].width, images[i].height));
        bail!(
            "pictures differ in size: {} has {w} x {h} pixels and {} {v} x {g}. Choose the size to store, for example \
             --size 48",
            kept[0].path.display(),
            kept[i].path.display()
        );
    }
    Ok(())
}

fn choose_colour(images: &[Decoded], wanted: Option<Colour>) -> Colour {
    wanted.unwrap_or(if images.iter().all(|i| i.grey) { Colour::Grey } else { Colour::Rgb })
}

fn assemble(images: Vec<Decoded>, colour: Colour) -> Images {
    let (width, height) = images.first().map_or((0, 0), |i| (i.width, i.height));
    let channels = colour.channels();
    let mut pixels = Vec::with_capacity(images.len() * width * height * channels);
    for image in images {
        pixels.extend_from_slice(&to_channels(image.pixels.into(), 3, channels));
    }
    Images { pixels, height, width, channels }
}

fn face_set(kept: Vec<Picture>, images: Images, classes: Vec<String>, provenance: Provenance) -> FaceSet {
    let mut faces = FaceSet { images, classes, provenance, ..FaceSet::default() };
    let mut subjects = Vec::new();
    for picture in kept {
        faces.labels.push(picture.label);
        faces.splits.push(picture.split);
        faces.names.push(picture.name);
        faces.source_rows.push(picture.source_row);
        subjects.push(picture.subject);
    }
    faces.subjects = subjects.iter().any(|s| !s.is_empty()).then_some(subjects);
    faces
}

/// Takes out classes of which no picture is left, and says so: a network would have outputs for them that nothing teaches.
pub(super) fn drop_empty_classes(faces: &mut FaceSet) {
    let used: Vec<bool> = (0..faces.classes.len()).map(|class| faces.labels.contains(&(class as i16))).collect();
    let mut next = 0;
    let mut number = |used: bool| {
        next += i16::from(used);
        next - i16::from(used)
    };
    let numbers: Vec<i16> = used.iter().map(|&used| number(used)).collect();
    for label in &mut faces.labels {
        if let Some(&number) = usize::try_from(*label).ok().and_then(|old| numbers.get(old)) {
            *label = number;
        }
    }
    let classes = std::mem::take(&mut faces.classes).into_iter().zip(used);
    let (kept, empty): (Vec<_>, Vec<_>) = classes.partition(|(_, used)| *used);
    faces.classes = kept.into_iter().map(|(name, _)| name).collect();
    if !empty.is_empty() {
        let names: Vec<String> = empty.into_iter().map(|(name, _)| name).collect();
        faces.provenance.notes.push(format!("classes without a usable picture were left out: {}", names.join(", ")));
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use image::RgbImage;

    use super::*;

    /// Writes a PNG of one colour; the height differs from the width by `taller`.
    pub(crate) fn png(path: &Path, side: u32, taller: u32, colour: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(side, side + taller, image::Rgb(colour)).save(path).unwrap();
    }

    fn one(path: &Path, want: &Want) -> Result<FaceSet> {
        read(vec![Picture::new(path.into(), 0, Split::Test, 0)], vec!["a".into()], want)
    }

    #[test]
    fn grey_by_the_weights_of_the_model_input() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        png(&path, 10, 0, [200, 100, 50]);
        let faces = one(&path, &Want::whole(None, None, false, picture::MAX_PIXELS)).unwrap();
        assert_eq!((faces.images.channels, faces.images.get(0)[..3].to_vec()), (3, vec![200, 100, 50]));
        let faces = one(&path, &Want::whole(Some(8), Some(Colour::Grey), false, picture::MAX_PIXELS)).unwrap();
        // 59.8 + 58.7 + 5.7 = 124.2
        assert_eq!(faces.images.pixels, vec![124; 64]);
        assert_eq!(faces.provenance.notes.len(), 2);
        let all: Vec<u8> = (0..=255).flat_map(|v| [v; 3]).collect();
        assert!(to_channels(all.into(), 3, 1).iter().copied().eq(0..=255));
    }

    #[test]
    fn a_box_must_be_of_a_face_in_the_picture() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        png(&path, 10, 2, [7, 7, 7]);
        let cut = |face: [f32; 4], margin: f32| {
            let picture = Picture { face: Some(face), ..Picture::new(path.clone(), 0, Split::Test, 0) };
            let want = Want { margin, ..Want::whole(None, None, false, picture::MAX_PIXELS) };
            read(vec![picture], vec!["a".into()], &want).map(|faces| (faces.images.width, faces.images.height))
        };
        assert_eq!(cut([2.0, 1.0, 6.0, 7.0], 0.0).unwrap(), (6, 6));
        // It may reach beyond the picture, but not lie beside it or be none.
        assert_eq!(cut([-2.0, -1.0, 6.0, 7.0], 0.5).unwrap(), (16, 16));
        for face in [[10.0, 1.0, 14.0, 5.0], [0.0, 0.0, 1e6, 5.0], [6.0, 6.0, 2.0, 2.0], [f32::NAN, 0.0, 5.0, 5.0]] {
            assert!(cut(face, 0.1).is_err(), "{face:?}");
        }
        let error = cut([0.0, -9.0, 5.0, -1.0], 0.1).unwrap_err().to_string();
        assert!(error.contains("a.png") && error.contains("does not lie in its 10 x 12 pixels"), "{error}");
    }

    #[test]
    fn grey_pictures_stay_grey_and_mixed_ones_become_rgb() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.png"), dir.path().join("b.png"));
        png(&a, 8, 0, [9, 9, 9]);
        png(&b, 8, 0, [1, 2, 3]);
        let want = Want::whole(None, None, false, picture::MAX_PIXELS);
        assert_eq!(one(&a, &want).unwrap().images.channels, 1);
        let both = [&a, &b].iter().map(|p| Picture::new(p.to_path_buf(), 0, Split::Test, 0)).collect();
        let faces = read(both, vec!["x".into()], &want).unwrap();
        assert_eq!((faces.images.channels, faces.images.get(0)[..3].to_vec()), (3, vec![9, 9, 9]));
    }
}
