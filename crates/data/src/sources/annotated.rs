//! Pictures with typed targets, and videos whose frames are labelled one by one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use ferrotype_base::text::listed;

use super::pictures::{self, Picture, Want};
use super::typed::TypedRows;
use crate::targets::TargetGroup;
use crate::{FaceSet, NO_LABEL, Split};

/// So many videos are named in a note.
const NAMED: usize = 5;

/// Pictures, and the targets of each.
pub(super) struct Annotated {
    pictures: Vec<Picture>,
    typed: TypedRows,
}

impl Annotated {
    /// None yet.
    pub(super) fn new(groups: Vec<TargetGroup>) -> Self {
        Self { pictures: Vec::new(), typed: TypedRows::new(groups) }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Adds one, with a value or none for each column of all groups.
    ///
    /// # Errors
    /// When a value does not fit its kind.
    pub(super) fn push(&mut self, picture: Picture, targets: Vec<Option<f32>>) -> Result<()> {
        let row = self.typed.push(targets).with_context(|| picture.path.display().to_string())?;
        self.pictures.push(Picture { source_row: row as u32, ..picture });
        Ok(())
    }

    /// Reads the pictures.
    ///
    /// # Errors
    /// As [`pictures::read`].
    pub(super) fn read(self, classes: Vec<String>, want: &Want) -> Result<FaceSet> {
        let mut faces = pictures::read(self.pictures, classes, want)?;
        self.typed.finish(&mut faces)?;
        Ok(faces)
    }
}

/// What is known of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    /// Class index, or [`NO_LABEL`].
    pub(super) label: i16,
    /// A value or none for each column of all groups.
    pub(super) targets: Vec<Option<f32>>,
    /// The box of the face, where the dataset names it.
    pub(super) face: Option<[f32; 4]>,
}

impl Frame {
    /// A frame without a class and without a box.
    pub(super) fn of(targets: Vec<Option<f32>>) -> Self {
        Self { label: NO_LABEL, targets, face: None }
    }

    fn is_known(&self) -> bool {
        self.label != NO_LABEL || self.targets.iter().any(Option::is_some)
    }
}

/// A video: its labels and its pictures by the number of the frame.
pub(super) struct Video {
    /// `SN001`; its pictures are called `SN001/00001.png`.
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) split: Split,
    pub(super) frames: BTreeMap<u32, Frame>,
    pub(super) pictures: BTreeMap<u32, PathBuf>,
}

/// Videos, of which every so many-th usable frame is taken.
pub(super) struct Videos {
    every: usize,
    taken: Annotated,
    /// Videos of which some frame was taken.
    videos: usize,
    usable: usize,
    labelled: usize,
    without_picture: Left,
    without_label: Left,
    unknown: Left,
}

/// Frames that are left out for one reason.
#[derive(Default)]
struct Left {
    count: usize,
    videos: Vec<String>,
}

impl Left {
    fn add(&mut self, video: &str, count: usize) {
        self.count += count;
        if count > 0 {
            self.videos.push(format!("{video} ({count})"));
        }
    }

    fn note(&self, what: &str) -> Option<String> {
        (self.count > 0).then(|| format!("left out: {} {what}: {}", self.count, listed(&self.videos, NAMED)))
    }
}

impl Videos {
    /// None yet.
    ///
    /// # Errors
    /// When `every` is 0.
    pub(super) fn new(groups: Vec<TargetGroup>, every: usize) -> Result<Self> {
        ensure!(every >= 1, "`every` is 0; 1 takes all frames, 5 every fifth");
        Ok(Self {
            every,
            taken: Annotated::new(groups),
            videos: 0,
            usable: 0,
            labelled: 0,
            without_picture: Left::default(),
            without_label: Left::default(),
            unknown: Left::default(),
        })
    }

    /// Adds every so many-th of the frames that have a picture and of which something is known, from the first on.
    ///
    /// # Errors
    /// When a value does not fit its kind.
    pub(super) fn add(&mut self, video: Video) -> Result<()> {
        let Video { name, subject, split, frames, mut pictures } = video;
        self.labelled += frames.len();
        let (mut usable, mut lost, mut unknown) = (Vec::new(), 0, 0);
        for (number, frame) in frames {
            match (pictures.remove(&number), frame.is_known()) {
                (Some(path), true) => usable.push((path, frame)),
                (None, true) => lost += 1,
                (picture, false) => unknown += usize::from(picture.is_some()),
            }
        }
        self.without_picture.add(&name, lost);
        self.without_label.add(&name, pictures.len());
        self.unknown.add(&name, unknown);
        self.usable += usable.len();
        self.videos += usize::from(!usable.is_empty());
        for (path, frame) in usable.into_iter().step_by(self.every) {
            let mut picture = Picture::new(path, frame.label, split, 0);
            picture.name = format!("{name}/{}", pictures::file_name(&picture.path));
            picture.subject.clone_from(&subject);
            picture.face = frame.face;
            self.taken.push(picture, frame.targets)?;
        }
        Ok(())
    }

    /// Reads the pictures; the notes say how many frames there are and what was left out.
    ///
    /// # Errors
    /// When no frame can be used, and as [`pictures::read`].
    pub(super) fn read(self, classes: Vec<String>, want: &Want) -> Result<FaceSet> {
        let notes: Vec<String> = [
            Some(self.count()),
            self.without_picture.note("labelled frames without a picture"),
            self.without_label.note("pictures without a label"),
            self.unknown.note("frames of which nothing is known"),
        ]
        .into_iter()
        .flatten()
        .collect();
        ensure!(self.taken.len() > 0, "no labelled frame has a picture\n  {}", notes.join("\n  "));
        let mut faces = self.taken.read(classes, want)?;
        faces.provenance.notes.splice(0..0, notes);
        Ok(faces)
    }

    fn count(&self) -> String {
        let Self { labelled, usable, videos, every, taken, .. } = self;
        let every = match every {
            1 => "all of them are taken".into(),
            n => format!("every {n}. of them in each video is taken, which gives {}", taken.len()),
        };
        format!("{labelled} labelled frames, of which {usable} in {videos} videos can be used; {every}")
    }
}

#[cfg(test)]
mod tests {
    use ferrotype_base::targets::TargetKind;

    use super::super::pictures::tests::png;
    use super::*;
    use crate::picture::MAX_PIXELS;

    #[test]
    fn every_other_usable_frame_is_taken_and_the_rest_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let group = TargetGroup { name: "au".into(), kind: TargetKind::Labels, columns: vec!["AU12".into()] };
        let mut videos = Videos::new(vec![group], 2).unwrap();
        let known = |value: f32| Frame::of(vec![Some(value)]);
        // Frames 1 to 6: 2 has no picture, 3 nothing known; picture 9 no label.
        let mut frames: BTreeMap<u32, Frame> = (1..=6).map(|n| (n, known((n % 2) as f32))).collect();
        frames.insert(3, Frame::of(vec![None]));
        let pictures = [1, 3, 4, 5, 6, 9].map(|n| (n, dir.path().join(format!("{n}.png"))));
        pictures.iter().for_each(|(n, path)| png(path, 8, 0, [*n as u8; 3]));
        let video = Video {
            name: "v".into(),
            subject: "s".into(),
            split: Split::Test,
            frames,
            pictures: pictures.into_iter().collect(),
        };
        videos.add(video).unwrap();
        let faces = videos.read(Vec::new(), &Want::whole(None, None, false, MAX_PIXELS)).unwrap();
        assert_eq!(faces.names, ["v/1.png", "v/5.png"]);
        assert_eq!(faces.targets.as_ref().unwrap().values, [1.0, 1.0]);
        assert_eq!(
            (faces.labels.as_slice(), faces.splits.as_slice()),
            ([NO_LABEL; 2].as_slice(), [Split::Test; 2].as_slice())
        );
        assert_eq!(
            faces.provenance.notes,
            [
                "6 labelled frames, of which 4 in 1 videos can be used; every 2. of them in each video is taken, which gives 2",
                "left out: 1 labelled frames without a picture: v (1)",
                "left out: 1 pictures without a label: v (1)",
                "left out: 1 frames of which nothing is known: v (1)",
            ]
        );
        assert!(Videos::new(Vec::new(), 0).err().unwrap().to_string().contains("`every` is 0"));
    }
}
