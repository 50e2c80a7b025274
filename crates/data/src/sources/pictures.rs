//! Picture files to the images of a face set: decoded on all cores, block by block, brought to one size and one number of
//! channels. Small sets stay in memory, large ones go into shards.

mod into_shards;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail, ensure};
use ferrotype_base::digest::hex;
use sha2::{Digest, Sha256};

use crate::blocks;
use crate::face_set::MOST_BYTES;
use crate::options::Colour;
use crate::picture::{self, Photo};
use crate::preprocess;
use crate::progress::Work;
use crate::shards::{Done, Place, Shards};
use crate::stored_form::{to_channels, triangle};
use crate::{FaceSet, Images, Provenance, Split};

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

/// What helps a source to read its pictures.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reading<'a> {
    /// What finds the face in pictures without a box of their own; they are stored whole otherwise.
    pub finder: Option<&'a FaceFinder>,
    /// Where pictures go that are too many for memory; without, all stay there.
    pub place: Option<Place<'a>>,
}

/// What is to be stored.
#[derive(Clone, Copy)]
pub(super) struct Want<'a> {
    pub(super) size: Option<usize>,
    pub(super) colour: Option<Colour>,
    pub(super) skip_bad: bool,
    pub(super) max_pixels: u64,
    pub(super) reading: Reading<'a>,
    /// What is added to a face's box at each edge, in lengths of its longer side.
    pub(super) margin: f32,
}

impl<'a> Want<'a> {
    /// Whole pictures, or faces cut out by the box of each, without a margin, in memory.
    pub(super) fn whole(size: Option<usize>, colour: Option<Colour>, skip_bad: bool, max_pixels: u64) -> Self {
        Self { size, colour, skip_bad, max_pixels, reading: Reading::default(), margin: 0.0 }
    }

    /// The same with this help.
    pub(super) fn with(self, reading: &Reading<'a>) -> Self {
        Self { reading: *reading, ..self }
    }
}

/// A decoded picture, already at its size.
struct Decoded {
    /// RGB, `[height, width, 3]`.
    pixels: Vec<u8>,
    height: usize,
    width: usize,
    /// The picture's file, where it is a JPEG file of just these pixels.
    file: Option<Vec<u8>>,
    done: Done,
}

/// The pictures of a source, read: which became rows, and where they are.
struct Taken {
    /// The picture that each row is, and what was done to it.
    rows: Vec<(usize, Done)>,
    /// Pictures that cannot be used, with the reason.
    bad: Vec<(usize, String)>,
    images: Images,
    shards: Option<Shards>,
}

/// Reads all pictures into a face set without votes.
pub(super) fn read(pictures: Vec<Picture>, classes: Vec<String>, want: &Want) -> Result<FaceSet> {
    ensure!(want.size.is_none_or(|s| (8..=1024).contains(&s)), "`size` must be from 8 to 1024 pixels per side");
    let bytes = expected_bytes(&pictures, want);
    let taken = match want.reading.place.filter(|place| place.options.uses_shards(bytes)) {
        Some(place) => into_shards::read(&pictures, want, place, bytes)?,
        None => in_memory(&pictures, want, bytes)?,
    };
    let mut notes = judge_bad(&pictures, &taken.bad, want.skip_bad)?;
    ensure!(!taken.rows.is_empty(), "no picture could be read: nothing to prepare");
    let count = |what: fn(&Done) -> bool| taken.rows.iter().filter(|(_, done)| what(done)).count();
    let (cut, resized, encoded) = (count(|d| d.cut), count(|d| d.resized), count(|d| d.encoded));
    if cut > 0 {
        notes.push(format!("{cut} faces were cut out of their pictures, with a margin of {}", want.margin));
    }
    if resized > 0 {
        notes.push(format!("{resized} pictures were resized with a triangle filter (bilinear, antialiased)"));
    }
    if taken.images.channels == 1 && count(|d| d.coloured) > 0 {
        notes.push("colour pictures were turned grey: 0.299 R + 0.587 G + 0.114 B, rounded".into());
    }
    if encoded > 0 {
        let quality = want.reading.place.map_or(0, |place| place.options.jpeg_quality);
        notes.push(format!(
            "{encoded} pictures were encoded as JPEG of quality {quality}, which changes their pixels a little"
        ));
    }
    let digest = taken.rows.iter().fold(Sha256::new(), |d, (_, done)| d.chain_update(done.digest)).finalize();
    let files = vec![(format!("{} pictures; sha256 of their sha256s in row order", taken.rows.len()), hex(&digest))];
    Ok(face_set(pictures, taken, classes, Provenance { files, notes, ..Provenance::default() }))
}

/// About how many bytes of pixels there will be: cut out faces are not larger than the pictures, but for their margins.
fn expected_bytes(pictures: &[Picture], want: &Want) -> u64 {
    let side = want.size.or_else(|| {
        let (w, h) = picture::dimensions(&pictures.first()?.path).ok()?;
        Some(w.max(h))
    });
    let channels = want.colour.map_or(3, Colour::channels);
    (side.unwrap_or(0).pow(2) * channels) as u64 * pictures.len() as u64
}

/// Reads all pictures into memory.
fn in_memory(pictures: &[Picture], want: &Want, bytes: u64) -> Result<Taken> {
    ensure!(
        bytes <= MOST_BYTES as u64,
        "{} pictures take {} GiB, and this reader holds them in memory: choose a smaller `size`",
        pictures.len(),
        bytes >> 30
    );
    let mut taken = Taken { rows: Vec::new(), bad: Vec::new(), images: Images::default(), shards: None };
    let images = &mut taken.images;
    let work = Work::begin("pictures", 0, pictures.len());
    let take = |item: usize, decoded: Result<Decoded>| {
        work.add(1);
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(problem) => {
                taken.bad.push((item, format!("{problem:#}")));
                return Ok(true);
            }
        };
        match taken.rows.first() {
            None => {
                (images.height, images.width) = (decoded.height, decoded.width);
                images.channels = want.colour.unwrap_or(Colour::Grey).channels();
            }
            Some((first, _)) => {
                check_size(pictures, (*first, images.height, images.width), (item, decoded.height, decoded.width))?;
            }
        }
        if want.colour.is_none() && images.channels == 1 && decoded.done.coloured {
            // Grey as long as all are grey, so what is there already is only repeated.
            images.pixels = to_channels(std::mem::take(&mut images.pixels).into(), 1, 3).into_owned();
            images.channels = 3;
        }
        images.pixels.extend_from_slice(&to_channels(decoded.pixels.into(), 3, images.channels));
        taken.rows.push((item, decoded.done));
        Ok(true)
    };
    blocks::each(0..pictures.len(), blocks::size(pictures.len(), bytes), |item| decode(&pictures[item], want), take)?;
    Ok(taken)
}

fn decode(picture: &Picture, want: &Want) -> Result<Decoded> {
    let bytes = fs::read(&picture.path).map_err(|e| anyhow!("cannot be read: {e}"))?;
    let digest = Sha256::digest(&bytes).into();
    let (photo, is_plain) = Photo::decode_plain(&bytes, want.max_pixels)?;
    let photo = cut(photo, picture, want)?;
    let cut = picture.face.is_some() || want.reading.finder.is_some();
    let (width, height) = (photo.width(), photo.height());
    let (to_height, to_width) = want.size.map_or((height, width), |s| (s, s));
    let resized = (to_height, to_width) != (height, width);
    let mut pixels = photo.into_rgb();
    if resized {
        let picture = preprocess::Picture { pixels: &pixels, height, width, channels: 3 };
        pixels = triangle(&picture, to_height, to_width).into_owned();
    }
    let coloured = pixels.as_chunks::<3>().0.iter().any(|p| p[0] != p[1] || p[1] != p[2]);
    let file = (is_plain && !cut && !resized).then_some(bytes);
    let done = Done { digest, resized, cut, coloured, encoded: false };
    Ok(Decoded { pixels, height: to_height, width: to_width, file, done })
}

/// The face of a picture, or the whole picture where no face is asked for.
fn cut(photo: Photo, picture: &Picture, want: &Want) -> Result<Photo> {
    let face = match (picture.face, want.reading.finder) {
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
fn judge_bad(pictures: &[Picture], bad: &[(usize, String)], skip: bool) -> Result<Vec<String>> {
    if bad.is_empty() {
        return Ok(Vec::new());
    }
    let said = |(item, problem): &(usize, String)| format!("{}: {problem}", pictures[*item].path.display());
    let listed: Vec<String> = bad.iter().take(LISTED).map(said).collect();
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

/// Refuses a picture of another height and width than the first; both with their item.
fn check_size(pictures: &[Picture], first: (usize, usize, usize), other: (usize, usize, usize)) -> Result<()> {
    let ((one, h, w), (two, g, v)) = (first, other);
    ensure!(
        (h, w) == (g, v),
        "pictures differ in size: {} has {w} x {h} pixels and {} {v} x {g}. Choose the size to store, for example --size 48",
        pictures[one].path.display(),
        pictures[two].path.display()
    );
    Ok(())
}

fn face_set(pictures: Vec<Picture>, taken: Taken, classes: Vec<String>, provenance: Provenance) -> FaceSet {
    let shards = taken.shards.map(Arc::new);
    let mut faces = FaceSet { images: taken.images, shards, classes, provenance, ..FaceSet::default() };
    let mut subjects = Vec::new();
    let mut kept = taken.rows.iter().map(|(item, _)| *item).peekable();
    for (item, picture) in pictures.into_iter().enumerate() {
        if kept.next_if_eq(&item).is_none() {
            continue;
        }
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
