//! From clips to training examples.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};

use super::{CHANNELS, Clip, ClipSet, store};
use crate::options::{SegmentOptions, SegmentRule, Windows};
use crate::{FaceSet, Images, NO_PICTURE, Segments, Split};

/// Frames of a clip that system 003 uses at most.
const SYSTEM003_FRAMES: usize = 40;

/// An example: frames of one clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The clip's number.
    pub clip: usize,
    /// Numbers of its frames in the set, in order: as many as the options' `frames`, or fewer, where the rest is padding.
    pub frames: Vec<usize>,
}

/// Cuts all clips into segments. Clips too short for the rule give none.
pub fn cut(clips: &[Clip], options: &SegmentOptions) -> Vec<Segment> {
    let most = options.max_segments.unwrap_or(usize::MAX);
    let of_clip = |(number, clip): (usize, &Clip)| {
        let segments = frames_of(clip.count, options).into_iter().take(most);
        let place = move |frames: Vec<usize>| Segment {
            clip: number,
            frames: frames.into_iter().map(|f| clip.first + f).collect(),
        };
        segments.map(place).collect::<Vec<_>>()
    };
    clips.iter().enumerate().flat_map(of_clip).collect()
}

/// Frames of each segment of a clip of `count` frames, counted from its first.
fn frames_of(count: usize, options: &SegmentOptions) -> Vec<Vec<usize>> {
    let length = options.frames.max(1);
    let windows = |count: usize, stride: usize| -> Vec<Vec<usize>> {
        let starts = (0..(count + 1).saturating_sub(length)).step_by(stride.max(1));
        starts.map(|start| (start..start + length).collect()).collect()
    };
    match &options.segments {
        SegmentRule::System003 => windows(count.min(SYSTEM003_FRAMES), length),
        SegmentRule::Blocks => windows(count, length),
        SegmentRule::Windows(Windows { stride }) => windows(count, *stride),
        SegmentRule::Spread => vec![(0..length).map(|i| ((2 * i + 1) * count) / (2 * length)).collect()],
        SegmentRule::Whole => vec![(0..count.min(length)).collect()],
    }
}

/// Reads prepared clips as a set whose rows are segments. Pictures that lie in pieces stay there.
///
/// # Errors
/// When the file cannot be read, lacks a part, or no clip is long enough.
pub fn face_set(path: &Path, options: &SegmentOptions) -> Result<FaceSet> {
    let mut set = store::open_parts(path, Some(&options.parts))?;
    if let Some(shards) = set.pieces.as_mut().and_then(|pieces| Arc::get_mut(&mut pieces.shards)) {
        // Read once from end to end, as the pictures of other files are: what a run says of its data is the same for both.
        shards.take_sha256()?;
    }
    let segments = cut(&set.clips, options);
    ensure!(
        !segments.is_empty(),
        "none of the {} clips of {} has the {} frames of a segment: choose fewer (data.clips.frames), or the rule `spread` \
         or `whole`",
        set.clips.len(),
        path.display(),
        options.frames
    );
    let short = (0..set.clips.len()).filter(|&c| segments.iter().all(|s| s.clip != c)).count();
    Ok(assemble(set, &segments, options, short))
}

fn assemble(set: ClipSet, segments: &[Segment], options: &SegmentOptions, short: usize) -> FaceSet {
    let count = set.frames.len();
    let mut pictures = Vec::with_capacity(segments.len() * options.pictures());
    for segment in segments {
        for part in 0..options.parts.len() {
            let number = |i: usize| segment.frames.get(i).map_or(NO_PICTURE, |&f| (part * count + f) as u32);
            pictures.extend((0..options.frames).map(number));
        }
    }
    let clip = |s: &Segment| &set.clips[s.clip];
    let name = |s: &Segment| {
        let frame = |i: Option<&usize>| i.map_or(0, |&f| set.frames.numbers[f]);
        format!("{} frames {}-{}", clip(s).name, frame(s.frames.first()), frame(s.frames.last()))
    };
    let mut provenance = set.provenance.clone();
    if short > 0 {
        provenance.notes.push(format!("{short} clips are shorter than a segment and give none"));
    }
    FaceSet {
        labels: segments.iter().map(|s| clip(s).label).collect(),
        classes: set.classes.clone(),
        votes: None,
        shards: set.pieces.map(|pieces| pieces.shards),
        targets: None,
        splits: vec![Split::Unassigned; segments.len()],
        subjects: Some(segments.iter().map(|s| clip(s).subject.clone()).collect()),
        groups: None,
        names: segments.iter().map(name).collect(),
        source_rows: segments.iter().map(|s| s.clip as u32).collect(),
        segments: Some(Segments {
            parts: options.parts.clone(),
            frames: options.frames,
            pictures,
            valid: segments.iter().map(|s| s.frames.len() as u32).collect(),
            clips: segments.iter().map(|s| s.clip as u32).collect(),
        }),
        provenance,
        images: Images {
            height: set.size,
            width: set.size,
            channels: CHANNELS,
            pixels: concatenated(set.parts.into_iter().map(|p| p.pixels).collect()),
        },
    }
}

/// One after another; a single one is not copied.
fn concatenated(mut all: Vec<Vec<u8>>) -> Vec<u8> {
    if all.len() == 1 { all.swap_remove(0) } else { all.concat() }
}
