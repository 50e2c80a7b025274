//! Where pictures come from: a video, a folder of its frames, or stills.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use ferrotype_base::digest;
use ferrotype_data::listing;
use ferrotype_data::picture::{MAX_PIXELS, Photo, files};
use ferrotype_vision::video::{Decoder, Header, Sampler};
use rayon::prelude::*;

use crate::options::{AnalysisOptions, Sampling};
use crate::parts::file_sha256;

/// What stands for the codec of pictures in a folder.
pub const CODEC: &str = "pictures";
/// Pictures in memory at a time.
const AT_ONCE: usize = 16;

/// A picture that is to be looked at.
pub struct Shot {
    /// Its number in the source, from 0.
    pub number: u64,
    /// Seconds; of stills the number.
    pub time: f64,
    /// Where it stands in a folder.
    pub name: Option<String>,
    /// Why there is none is said in its place.
    pub photo: Result<Photo, String>,
}

/// What is analysed.
pub enum Source {
    /// A video file.
    Video { decoder: Box<Decoder>, sampling: Sampling, sampler: Sampler, sha256: String },
    /// A folder of pictures, or one picture.
    Pictures(Pictures),
}

/// Pictures in the order of their names.
pub struct Pictures {
    root: PathBuf,
    paths: Vec<PathBuf>,
    next: usize,
    /// Frames per second, where they are frames of a video.
    rate: Option<f64>,
    every: usize,
    notes: Vec<String>,
}

impl Source {
    /// Opens a video, a folder, or a picture.
    ///
    /// # Errors
    /// When it cannot be read, or a folder has no pictures.
    pub fn open(path: &Path, options: &AnalysisOptions) -> Result<Self> {
        if path.is_dir() {
            return Pictures::below(path, options).map(Self::Pictures);
        }
        if path.is_file() && !files::sort(vec![path.to_path_buf()]).pictures.is_empty() {
            let root = path.parent().unwrap_or(Path::new("")).to_path_buf();
            return Ok(Self::Pictures(Pictures::new(root, vec![path.to_path_buf()], options)));
        }
        let decoder = Box::new(Decoder::open(path)?);
        let sampler = match options.sampling {
            Sampling::Rate(rate) => Sampler::new(Some(rate)),
            Sampling::Every(_) => Sampler::new(None),
        };
        Ok(Self::Video { decoder, sampling: options.sampling, sampler, sha256: file_sha256(path)? })
    }

    /// Whether the pictures have nothing to do with each other: no time, no persons.
    pub fn is_stills(&self) -> bool {
        matches!(self, Self::Pictures(p) if p.rate.is_none())
    }

    /// What is known before the first picture.
    pub fn header(&self) -> Header {
        match self {
            Self::Video { decoder, .. } => decoder.header().clone(),
            Self::Pictures(p) => {
                Header { frames: Some(p.paths.len() as u64), rate: p.rate, codec: CODEC.into(), ..Header::default() }
            }
        }
    }

    /// The video's sha256; of pictures that of their names and sizes.
    pub fn sha256(&self) -> String {
        match self {
            Self::Video { sha256, .. } => sha256.clone(),
            Self::Pictures(p) => p.sha256(),
        }
    }

    /// The pictures that are to be looked at next, after the one of the number `done`; none at the end.
    ///
    /// # Errors
    /// When the video cannot be decoded further.
    pub fn shots(&mut self, done: Option<u64>) -> Result<Vec<Shot>> {
        let new = |number: u64| done.is_none_or(|done| number > done);
        match self {
            Self::Video { decoder, sampling, sampler, .. } => {
                let frames = Decoder::next_chunk(decoder, |frame| {
                    let taken = match sampling {
                        Sampling::Every(n) => frame.number % *n == 0,
                        Sampling::Rate(_) => sampler.takes(frame.time),
                    };
                    taken && new(frame.number as u64)
                })?;
                let shot = |frame: ferrotype_vision::video::Frame| {
                    let (number, time) = (frame.number as u64, frame.time);
                    let photo = Photo::new(frame.pixels, frame.height, frame.width, 3)?;
                    Ok(Shot { number, time, name: None, photo: Ok(photo) })
                };
                frames.into_iter().map(shot).collect()
            }
            Self::Pictures(pictures) => Ok(pictures.shots(new)),
        }
    }

    /// What there is to know of the source in the end.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::Video { decoder, .. } => decoder.log().note().into_iter().collect(),
            Self::Pictures(p) => p.notes.clone(),
        }
    }
}

impl Pictures {
    fn below(root: &Path, options: &AnalysisOptions) -> Result<Self> {
        let sorted = files::sort(listing::below(root)?);
        ensure!(!sorted.pictures.is_empty(), "there are no pictures below {}", root.display());
        let note = sorted.note();
        let mut paths = sorted.pictures;
        paths.sort_by(|a, b| by_number(&a.to_string_lossy(), &b.to_string_lossy()));
        let mut pictures = Self::new(root.to_path_buf(), paths, options);
        pictures.notes.extend(note);
        Ok(pictures)
    }

    fn new(root: PathBuf, paths: Vec<PathBuf>, options: &AnalysisOptions) -> Self {
        let rate = options.frame_rate;
        let every = match (rate, options.sampling) {
            // Of stills none is left out.
            (None, _) => 1,
            (Some(_), Sampling::Every(n)) => n,
            (Some(rate), Sampling::Rate(wanted)) => (rate / wanted).round().max(1.0) as usize,
        };
        Self { root, paths, next: 0, rate, every, notes: Vec::new() }
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn sha256(&self) -> String {
        let line = |path: &PathBuf| {
            let size = std::fs::metadata(path).map_or(0, |m| m.len());
            format!("{}\t{size}\n", self.name(path))
        };
        digest::sha256(self.paths.iter().map(line).collect::<String>())
    }

    fn shots(&mut self, new: impl Fn(u64) -> bool) -> Vec<Shot> {
        let all = self.next..self.paths.len();
        let numbers: Vec<usize> = all.filter(|&n| n % self.every == 0 && new(n as u64)).take(AT_ONCE).collect();
        self.next = numbers.last().map_or(self.paths.len(), |last| last + 1);
        let read = |&n: &usize| {
            let path = &self.paths[n];
            let photo = Photo::open(path, MAX_PIXELS).and_then(rgb);
            Shot {
                number: n as u64,
                time: self.rate.map_or(n as f64, |rate| n as f64 / rate),
                name: Some(self.name(path)),
                photo: photo.map_err(|e| format!("{e:#}")),
            }
        };
        numbers.par_iter().map(read).collect()
    }
}

/// Detectors and predictors are handed colours.
fn rgb(photo: Photo) -> Result<Photo> {
    let (height, width) = (photo.height(), photo.width());
    Photo::new(photo.into_rgb(), height, width, 3)
}

/// `frame_2` before `frame_10`: numbers within names count as numbers.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (parts(a).into_iter(), parts(b).into_iter());
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some((x, digits_x)), Some((y, digits_y))) if digits_x && digits_y => {
                let (short_x, short_y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                // Of equal numbers the one with fewer zeros in front.
                short_x.len().cmp(&short_y.len()).then_with(|| short_x.cmp(short_y)).then_with(|| x.len().cmp(&y.len()))
            }
            (Some((x, _)), Some((y, _))) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Runs of digits and runs of other characters.
fn parts(text: &str) -> Vec<(&str, bool)> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        all.push((&rest[..end], digits));
        rest = &rest[end..];
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_in_the_order_of_their_numbers() {
        let mut names = ["b1", "a10", "a2", "a02", "a", "a2b", "a1/9", "a1/10"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(names, ["a", "a1/9", "a1/10", "a2", "a2b", "a02", "a10", "b1"]);
    }

    #[test]
    fn what_is_no_picture_is_told_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for n in [1, 2, 10] {
            let photo = Photo::new(vec![n; 48], 4, 4, 3).unwrap();
            photo.save_png(&folder.path().join(format!("{n}.png"))).unwrap();
        }
        std::fs::write(folder.path().join("3.png"), "none").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "none").unwrap();
        let mut source = Source::open(folder.path(), &AnalysisOptions::default()).unwrap();
        assert!(source.is_stills());
        let shots = source.shots(None).unwrap();
        let names: Vec<_> = shots.iter().map(|s| (s.number, s.name.as_deref().unwrap())).collect();
        assert_eq!(names, [(0, "1.png"), (1, "2.png"), (2, "3.png"), (3, "10.png")]);
        assert_eq!(shots.iter().map(|s| s.photo.is_ok()).collect::<Vec<_>>(), [true, true, false, true]);
        assert!(source.shots(None).unwrap().is_empty());
        let notes = source.notes();
        assert!(notes[0].contains("notes.txt"), "{notes:?}");
        // As frames of a video, every second one; the first is done.
        let options =
            AnalysisOptions { frame_rate: Some(10.0), sampling: Sampling::Every(3), ..AnalysisOptions::default() };
        let mut frames = Source::open(folder.path(), &options).unwrap();
        let shots = frames.shots(Some(0)).unwrap();
        assert_eq!(shots.iter().map(|s| (s.number, s.time)).collect::<Vec<_>>(), [(3, 0.3)]);
        assert!(!frames.is_stills());
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let none = Source::open(&folder.path().join("empty"), &options).err().unwrap();
        assert!(none.to_string().contains("no pictures"));
    }
}
