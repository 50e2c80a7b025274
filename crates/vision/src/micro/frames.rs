//! The frames of a clip, wherever they stand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::faces::Photo;
use crate::video::Decoder;
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::sources::micro::frames_in;

/// Bytes of frames that a clip may have in memory.
const MOST_BYTES: usize = 2 << 30;

/// Frames by their numbers.
#[derive(Clone, Debug)]
pub enum Frames<'a> {
    /// Picture files, opened when they are looked at.
    Files(&'a BTreeMap<u32, PathBuf>),
    /// Pictures in memory.
    Photos(&'a BTreeMap<u32, Photo>),
}

impl Frames<'_> {
    /// The numbers, in order.
    pub fn numbers(&self) -> Vec<u32> {
        match self {
            Self::Files(files) => files.keys().copied().collect(),
            Self::Photos(photos) => photos.keys().copied().collect(),
        }
    }

    /// A frame.
    ///
    /// # Errors
    /// When there is none of that number, or its file is no picture.
    pub fn get(&self, number: u32) -> Result<Photo> {
        let missing = || format!("there is no frame {number}{}", self.range());
        match self {
            Self::Files(files) => Photo::open(files.get(&number).with_context(missing)?, MAX_PIXELS),
            Self::Photos(photos) => photos.get(&number).cloned().with_context(missing),
        }
    }

    fn range(&self) -> String {
        let numbers = self.numbers();
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => format!(": they go from {first} to {last}"),
            _ => String::new(),
        }
    }
}

/// The frames of a clip in memory: of a folder those numbered `onset` to `last` by their files' names, of a video file those
/// frames counted from 0.
///
/// # Errors
/// When the folder or file cannot be read, or the frames would fill the memory.
pub fn read(path: &Path, onset: u32, last: u32) -> Result<BTreeMap<u32, Photo>> {
    let mut photos = BTreeMap::new();
    let mut bytes = 0;
    let mut keep = |number: u32, photo: Photo| {
        bytes += photo.pixels().len();
        ensure!(
            bytes <= MOST_BYTES,
            "the frames from {onset} on are more than {} GiB: name the apex (--apex) or the offset (--offset)",
            MOST_BYTES >> 30
        );
        photos.insert(number, photo);
        Ok(())
    };
    if path.is_dir() {
        for (number, file) in frames_in(path)?.range(onset..=last) {
            keep(*number, Photo::open(file, MAX_PIXELS)?)?;
        }
        return Ok(photos);
    }
    for frame in Decoder::open(path)? {
        let frame = frame?;
        let number = frame.number as u32;
        if number > last {
            break;
        }
        if number >= onset {
            keep(number, Photo::new(frame.pixels, frame.height, frame.width, 3)?)?;
        }
    }
    Ok(photos)
}
