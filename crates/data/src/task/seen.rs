//! Which pictures a network's weights have seen: by their pixels, so that they are known again in whatever file.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Result, ensure};
use ferrotype_base::digest;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::subset::Subset;
use crate::{FaceSet, Images, NO_PICTURE, fingerprint};

/// The first eight bytes of a picture's [`fingerprint`].
type Fingerprint = [u8; 8];

/// The pictures that weights were trained on and selected by, as fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Trained on: hexadecimal, one fingerprint behind the other.
    #[serde(with = "hexadecimal")]
    trained: HashSet<Fingerprint>,
    /// Selected by.
    #[serde(with = "hexadecimal")]
    selected: HashSet<Fingerprint>,
    /// Height, width and channels of these pictures.
    sizes: BTreeSet<[usize; 3]>,
    /// Weights among the origins whose pictures nobody knows.
    pub unknown: BTreeSet<String>,
}

/// What weights have seen of a set of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenRows {
    /// For each example of the subset, in its order, whether it was trained on or selected by.
    pub seen: Vec<bool>,
    /// How many were trained on.
    pub trained: usize,
    /// How many more selected the weights.
    pub selected: usize,
    /// Whether pictures of this size were seen at all: others cannot be known again.
    pub is_comparable: bool,
}

impl SeenRows {
    /// How many rows were seen.
    pub fn count(&self) -> usize {
        self.trained + self.selected
    }
}

impl Seen {
    /// What a training on `train` sees whose weights are selected on `selection`.
    pub fn of(train: &Subset, selection: &[&Subset]) -> Self {
        let prints = Prints::of(&train.faces);
        let of = |subset: &Subset| -> HashSet<Fingerprint> {
            subset.rows().iter().flat_map(|&row| prints.of_row(&subset.faces, row as usize)).collect()
        };
        let trained = of(train);
        let selected: HashSet<Fingerprint> = selection.iter().flat_map(|subset| of(subset)).collect();
        Self {
            selected: selected.difference(&trained).copied().collect(),
            trained,
            sizes: BTreeSet::from([size(&train.faces.images)]),
            unknown: BTreeSet::new(),
        }
    }

    /// Weights of which nothing is known.
    pub fn nothing_of(name: String) -> Self {
        Self { unknown: BTreeSet::from([name]), ..Self::default() }
    }

    /// Adds what the weights that a training builds on have seen.
    pub fn add(&mut self, other: Self) {
        self.trained.extend(other.trained);
        self.selected.extend(other.selected);
        self.selected.retain(|picture| !self.trained.contains(picture));
        self.sizes.extend(other.sizes);
        self.unknown.extend(other.unknown);
    }

    /// Whether no picture is known.
    pub fn is_empty(&self) -> bool {
        self.trained.is_empty() && self.selected.is_empty()
    }

    /// Which of these rows were seen. Of a sequence one seen picture is enough: windows of a clip overlap.
    pub fn rows(&self, subset: &Subset) -> SeenRows {
        let images = &subset.faces.images;
        if !self.sizes.contains(&size(images)) {
            return SeenRows { seen: vec![false; subset.len()], ..SeenRows::default() };
        }
        let all = Prints::of(&subset.faces);
        let mut found = SeenRows { is_comparable: true, ..SeenRows::default() };
        for row in subset.rows() {
            let prints = all.of_row(&subset.faces, row as usize);
            let trained = prints.iter().any(|print| self.trained.contains(print));
            let selected = !trained && prints.iter().any(|print| self.selected.contains(print));
            found.trained += usize::from(trained);
            found.selected += usize::from(selected);
            found.seen.push(trained || selected);
        }
        found
    }
}

fn size(images: &Images) -> [usize; 3] {
    [images.height, images.width, images.channels]
}

/// The fingerprints of a set.
struct Prints {
    /// Of each picture.
    all: Vec<Fingerprint>,
    /// Of sequences: those of pictures of a single value, which say nothing: padding and fades are alike everywhere.
    flat: HashSet<Fingerprint>,
}

impl Prints {
    /// Takes them; those of pictures in shards were taken when they were stored.
    fn of(faces: &FaceSet) -> Self {
        let images = &faces.images;
        let of = |pixels: &[u8]| beginning(&fingerprint::of(size(images), pixels));
        let all = match &faces.shards {
            Some(shards) => shards.list().fingerprints.iter().map(beginning).collect(),
            None => (0..images.len()).into_par_iter().map(|n| of(images.get(n))).collect(),
        };
        let values = 0..if faces.segments.is_some() { 256 } else { 0 };
        let flat = values.into_par_iter().map(|value| of(&vec![value as u8; images.stride()])).collect();
        Self { all, flat }
    }

    /// Those of the pictures of a row.
    fn of_row(&self, faces: &FaceSet, row: usize) -> Vec<Fingerprint> {
        let Some(segments) = &faces.segments else { return vec![self.all[row]] };
        let there = segments.get(row).iter().filter(|&&n| n != NO_PICTURE).map(|&n| self.all[n as usize]);
        there.filter(|print| !self.flat.contains(print)).collect()
    }
}

fn beginning(whole: &[u8; 32]) -> Fingerprint {
    let mut first = Fingerprint::default();
    first.copy_from_slice(&whole[..8]);
    first
}

/// Fingerprints as one text, in order: a run's file does not depend on chance.
mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::{Deserialize, Fingerprint, HashSet, Result, digest, ensure};

    pub fn serialize<S: Serializer>(set: &HashSet<Fingerprint>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<&Fingerprint> = set.iter().collect();
        all.sort_unstable();
        serializer.serialize_str(&all.into_iter().map(|f| digest::hex(f)).collect::<String>())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashSet<Fingerprint>, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    fn parse(text: &str) -> anyhow::Result<HashSet<Fingerprint>> {
        let digits = text.as_bytes();
        ensure!(digits.len().is_multiple_of(16), "fingerprints are 16 hexadecimal digits each");
        let fingerprint = |part: &[u8]| {
            let value = u64::from_str_radix(std::str::from_utf8(part)?, 16)?;
            anyhow::Ok(value.to_be_bytes())
        };
        digits.chunks_exact(16).map(fingerprint).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::options::{Component, DataOptions, LabelMode};
    use crate::task::of_faces;
    use crate::{Segments, Split};

    /// Six pictures of 2 x 2 pixels, each a ramp of its own.
    fn faces() -> FaceSet {
        FaceSet {
            images: Images { pixels: (0..24).collect(), height: 2, width: 2, channels: 1 },
            labels: vec![0, 1, 0, 1, 0, 1],
            classes: vec!["a".into(), "b".into()],
            splits: [0, 0, 1, 1, 2, 2].map(|n| [Split::Train, Split::Validation, Split::Test][n]).to_vec(),
            names: vec![String::new(); 6],
            source_rows: (0..6).collect(),
            ..FaceSet::default()
        }
    }

    fn part(faces: &FaceSet, split: Split) -> Subset {
        let options: DataOptions = serde_json::from_value(
            serde_json::json!({ "path": "x.h5", "preprocess": { "size": 2, "scale": "signed" } }),
        )
        .unwrap();
        of_faces(Arc::new(faces.clone()), LabelMode::Original, Some(split), &options).unwrap()
    }

    #[test]
    fn rows_are_known_by_their_pixels_in_any_order_and_file() {
        let faces = faces();
        let seen = Seen::of(&part(&faces, Split::Train), &[&part(&faces, Split::Validation)]);
        assert_eq!(seen.rows(&part(&faces, Split::Test)).count(), 0);
        let mut other = faces.clone();
        other.images.pixels.reverse();
        other.images.pixels.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        other.images.pixels[0] += 1;
        other.splits = vec![Split::Test; 6];
        // In other order: two of the former test set (one changed), two of validation, two of training.
        let found = seen.rows(&part(&other, Split::Test));
        assert_eq!(found.seen, [false, false, true, true, true, true]);
        assert_eq!((found.trained, found.selected, found.is_comparable), (2, 2, true));
        let wide = Images { height: 1, width: 4, ..other.images.clone() };
        let found = seen.rows(&part(&FaceSet { images: wide, ..other }, Split::Test));
        assert_eq!((found.count(), found.is_comparable), (0, false));
    }

    #[test]
    fn a_sequence_is_seen_by_one_picture_and_flat_ones_say_nothing() {
        let mut faces = faces();
        faces.images.pixels[..4].fill(7);
        let segments = Segments {
            parts: vec![Component::FullFace],
            frames: 2,
            pictures: vec![0, 1, 1, 2, 3, NO_PICTURE, 3, 4, 0, 5, 4, 2],
            valid: vec![2, 2, 1, 2, 2, 2],
            clips: vec![0; 6],
        };
        faces.segments = Some(segments);
        let seen = Seen::of(&part(&faces, Split::Train), &[&part(&faces, Split::Validation)]);
        // Training has pictures 1 and 2 (0 is flat), validation 3 and 4; the test rows are 0 5 and 4 2.
        let found = seen.rows(&part(&faces, Split::Test));
        assert_eq!((found.seen, found.trained, found.selected), (vec![false, true], 1, 0));
    }

    #[test]
    fn what_was_seen_outlives_its_file_and_is_inherited() {
        let faces = faces();
        let seen = Seen::of(&part(&faces, Split::Train), &[&part(&faces, Split::Validation)]);
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
        assert!(serde_json::from_str::<Seen>(&text.replacen("\"trained\":\"", "\"trained\":\"0", 1)).is_err());
        let mut tuned = Seen::of(&part(&faces, Split::Test), &[]);
        tuned.add(seen);
        tuned.add(Seen::nothing_of("weights.h5".into()));
        let rows = tuned.rows(&part(&faces, Split::Validation));
        assert_eq!((rows.trained, rows.selected, tuned.unknown.len()), (0, 2, 1));
        assert_eq!(tuned.rows(&part(&faces, Split::Train)).trained, 2);
    }
}
