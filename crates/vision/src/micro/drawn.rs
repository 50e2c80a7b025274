//! Drawn micro-expressions as a prepared set: no files are needed.

use std::collections::BTreeMap;

use anyhow::Result;
use rayon::prelude::*;

use super::chain::{Eyes, Seen};
use super::{Chain, Frames};
use crate::faces::{Photo, eye_centres};
use ferrotype_data::motion::{MotionChain, MotionCrop, MotionForm, flow_picture};
use ferrotype_data::options::{SyntheticMotionOptions, UnknownApex};
use ferrotype_data::progress::Work;
use ferrotype_data::synthetic::Rendering;
use ferrotype_data::synthetic::micro::{MicroPerformance, performances};
use ferrotype_data::{FaceSet, Images, Provenance, Split};

use super::synthesise::{clip_name, subject_name};

/// Draws onset and apex of every clip, and the picture of the motion between them.
pub(super) fn generate(options: &SyntheticMotionOptions) -> Result<FaceSet> {
    super::synthesise::check(&options.drawn)?;
    let chain = MotionChain {
        picture: flow_picture(options.input, options.side),
        face: options.face,
        crop: MotionCrop::DrawnEyes,
        unknown_apex: UnknownApex::Spot,
    };
    let all = performances(&options.drawn);
    let work = Work::begin("clips", 0, all.len());
    let one = |p: &MicroPerformance| {
        let seen = see(p, options.drawn.size, &chain);
        work.add(1);
        seen
    };
    let seen: Vec<Seen> = all.par_iter().map(one).collect::<Result<_>>()?;
    drop(work);
    let (side, channels) = (chain.picture.side, chain.picture.input.channels());
    let subject = |p: &MicroPerformance| subject_name(p.subject);
    let note = format!("synthetic micro-expressions: {}", serde_json::to_string(&options.drawn)?);
    Ok(FaceSet {
        images: Images {
            pixels: seen.into_iter().flat_map(|s| s.pixels).collect(),
            height: side,
            width: side,
            channels,
        },
        labels: all.iter().map(|p| p.class).collect(),
        classes: ["negative", "positive", "surprise"].map(String::from).to_vec(),
        splits: vec![Split::Unassigned; all.len()],
        subjects: Some(all.iter().map(subject).collect()),
        groups: Some(vec!["synthetic".to_owned(); all.len()]),
        names: all
            .iter()
            .enumerate()
            .map(|(i, p)| format!("synthetic/{}/{}", subject(p), clip_name(i, &options.drawn)))
            .collect(),
        source_rows: (0..all.len() as u32).collect(),
        provenance: Provenance {
            synthetic: true,
            notes: vec![note],
            motion: Some(MotionForm { channels: options.input, made: Some(chain) }),
            ..Provenance::default()
        },
        ..FaceSet::default()
    })
}

fn see(performance: &MicroPerformance, size: usize, chain: &MotionChain) -> Result<Seen> {
    let MicroPerformance { onset, apex, .. } = *performance;
    let [first, moved] = [onset, apex].map(|number| performance.frame(number, size));
    let eyes = true_eyes(&first);
    let photo = |r: Rendering| Photo::new(r.pixels, size, size, 1);
    let photos = BTreeMap::from([(onset, photo(first)?), (apex, photo(moved)?)]);
    Chain::see_drawn(chain, &Frames::Photos(&photos), onset, apex, eyes)
}

/// The middles of the eyes of a drawn face.
pub(super) fn true_eyes(rendering: &Rendering) -> Eyes {
    let mut points = [[0.0; 2]; 68];
    points.iter_mut().zip(&rendering.landmarks).for_each(|(p, l)| *p = *l);
    eye_centres(&points)
}
