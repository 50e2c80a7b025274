//! A small set of clips, for the tests of this crate and of those above it.

use super::*;
use crate::Provenance;

/// Clips of so many frames; every pixel of frame f of part p is 100 p + f.
pub fn set(lengths: &[usize]) -> ClipSet {
    let n: usize = lengths.iter().sum();
    let size = 4;
    let part = |component, base: usize| Part {
        component,
        pixels: (0..n).flat_map(|f| vec![(base + f) as u8; size * size * CHANNELS]).collect(),
    };
    let mut first = 0;
    let mut clips = Vec::new();
    for (i, &count) in lengths.iter().enumerate() {
        clips.push(Clip {
            name: format!("S{:03}_001", i / 2 + 1),
            subject: format!("S{:03}", i / 2 + 1),
            label: (i % 3) as i16 - 1,
            first,
            count,
            decoded: count as u32,
            with_face: count as u32,
            errors: i as u32,
            file: format!("{i}.mp4"),
            note: if i == 1 { "a note".into() } else { String::new() },
        });
        first += count;
    }
    ClipSet {
        size,
        parts: vec![part(Component::Mouth, 0), part(Component::FullFace, 100)],
        pieces: None,
        frames: Frames {
            numbers: (0..n as u32).collect(),
            times: (0..n).map(|f| f as f64 / 25.0).collect(),
            tracks: vec![3; n],
            copied: (0..n).map(|f| f % 5 == 4).collect(),
            landmarks: (0..n * 136).map(|v| v as f32).collect(),
            scores: vec![0.9; n],
        },
        clips,
        classes: vec!["anger".into(), "fear".into()],
        features: vec![Features {
            name: "au".into(),
            columns: vec!["AU01_r".into(), "AU02_r".into()],
            values: (0..2 * n).map(|v| v as f32).collect(),
        }],
        skipped: vec![Skipped { clip: "S009_009".into(), reason: "it is empty".into() }],
        provenance: Provenance { source: "clips".into(), command: "x".into(), ..Provenance::default() },
    }
}
