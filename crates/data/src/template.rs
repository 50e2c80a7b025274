//! What the faces of a training set look like, well enough to notice a picture that is no face crop at all.
//!
//! A mean face alone does not tell faces from other pictures: light and pose move single faces as far from it as any
//! other picture is. So the template is a small *face space*: the mean and the principal directions of a sample of
//! training faces at 24 x 24 pixels, each evened out in light and contrast. How much of a picture this space explains is
//! its likeness; faces of the training set that took no part in making the space say how low a face may score.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::FaceSet;
use super::preprocess::{Picture, recolour, resample};

/// Pixels per side.
const SIDE: usize = 24;
/// Values of a face.
const VALUES: usize = SIDE * SIDE;
/// Training faces looked at: half make the space, half the limit.
const SAMPLE: usize = 2000;
/// Fewer say too little.
const FEWEST: usize = 200;
/// Principal directions.
const DIRECTIONS: usize = 24;
/// Part of the faces that may lie below the limit: so many real faces are called none.
const FALSE_ALARMS: f64 = 0.02;
/// Deviation of the blur that evens out light and contrast, in pixels.
const BLUR: f64 = 3.0;
/// Variance below which nothing is amplified: a flat area stays flat.
const FLAT: f64 = 25.0;
/// Rounds of subspace iteration; the space it explains no longer changes visibly.
const ROUNDS: usize = 40;

/// The face space of a training set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceTemplate {
    /// Pixels per side of the faces it was made from.
    side: usize,
    /// Training faces that it was made from.
    faces: usize,
    /// Likeness below which a picture is called no face crop.
    limit: f64,
    /// The mean face.
    mean: Vec<f32>,
    /// Principal directions, each of unit length.
    directions: Vec<Vec<f32>>,
}

impl FaceTemplate {
    /// The template of these rows of a set, from a sample at even distances; none where there are too few faces.
    ///
    /// # Errors
    /// When the pictures have an impossible size, or cannot be read.
    pub fn of(set: &FaceSet, rows: &[u32]) -> Result<Option<Self>> {
        let count = rows.len().min(SAMPLE);
        let mut faces = Vec::with_capacity(count);
        for k in 0..count {
            let pixels = set.picture(rows[k * rows.len() / count] as usize)?;
            let images = &set.images;
            faces.extend(values(&Picture::new(&pixels, images.height, images.width, images.channels)?));
        }
        Ok(Self::from_faces(&faces))
    }

    fn from_faces(faces: &[Vec<f64>]) -> Option<Self> {
        if faces.len() < FEWEST {
            return None;
        }
        let (even, odd): (Vec<_>, Vec<_>) = faces.iter().enumerate().partition(|(i, _)| i % 2 == 0);
        let [made_of, judged]: [Vec<&[f64]>; 2] =
            [even, odd].map(|part| part.iter().map(|(_, f)| f.as_slice()).collect());
        let mean: Vec<f64> =
            (0..VALUES).map(|i| made_of.iter().map(|f| f[i]).sum::<f64>() / made_of.len() as f64).collect();
        let directions = principal(&covariance(&made_of, &mean));
        let mut template = Self {
            side: SIDE,
            faces: faces.len(),
            limit: 0.0,
            mean: mean.iter().map(|&v| rounded(v)).collect(),
            directions: directions.iter().map(|d| d.iter().map(|&v| rounded(v)).collect()).collect(),
        };
        let mut scores: Vec<f64> = judged.iter().map(|f| template.explained(f)).collect();
        scores.sort_by(f64::total_cmp);
        template.limit = scores[(FALSE_ALARMS * scores.len() as f64) as usize];
        Some(template)
    }

    /// Reads the file of a run; none for a run that has none.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let damaged = |e: String| {
            anyhow!(
                "{} is damaged: {e}; without that file, prediction works but recognises fewer wrong pictures",
                path.display()
            )
        };
        let template: Self = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        template.check().map_err(|e| damaged(e.to_string()))?;
        Ok(Some(template))
    }

    fn check(&self) -> Result<()> {
        ensure!(self.side == SIDE, "it is of {} x {} pixels, not {SIDE} x {SIDE}", self.side, self.side);
        let whole = std::iter::once(&self.mean).chain(&self.directions).all(|v| v.len() == VALUES);
        ensure!(whole, "a face in it does not have {VALUES} values");
        Ok(())
    }

    /// Likeness below which a picture is called no face crop.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// How much of the picture the faces of the training set explain, at most 1; none for a picture of one grey.
    pub fn likeness(&self, picture: &Picture) -> Option<f64> {
        values(picture).map(|face| self.explained(&face))
    }

    /// Whether a picture may be a face crop like those of the training set.
    pub fn resembles(&self, picture: &Picture) -> bool {
        self.likeness(picture).is_some_and(|l| l >= self.limit)
    }

    /// One minus the squared length of what the space leaves over.
    fn explained(&self, face: &[f64]) -> f64 {
        let rest: Vec<f64> = face.iter().zip(&self.mean).map(|(v, &m)| v - f64::from(m)).collect();
        let along = |d: &Vec<f32>| rest.iter().zip(d).map(|(r, &v)| r * f64::from(v)).sum::<f64>().powi(2);
        let inside: f64 = self.directions.iter().map(along).sum();
        1.0 - (dot(&rest, &rest) - inside)
    }
}

/// Four decimals are enough to judge by, and keep the file small.
fn rounded(value: f64) -> f32 {
    ((value * 1e4).round() / 1e4) as f32
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// A picture at 24 x 24 pixels in grey, light and contrast evened out, mean 0 and length 1; none for one grey.
fn values(picture: &Picture) -> Option<Vec<f64>> {
    let grey = recolour(resample(picture, SIDE, SIDE), picture.channels, 1);
    let grey: Vec<f64> = grey.into_iter().map(f64::from).collect();
    let light = blurred(&grey);
    let detail: Vec<f64> = grey.iter().zip(&light).map(|(v, l)| v - l).collect();
    let variance = blurred(&detail.iter().map(|d| d * d).collect::<Vec<_>>());
    let mut even: Vec<f64> = detail.iter().zip(&variance).map(|(d, v)| d / (v + FLAT).sqrt()).collect();
    let mean = even.iter().sum::<f64>() / VALUES as f64;
    even.iter_mut().for_each(|v| *v -= mean);
    let length = dot(&even, &even).sqrt();
    // What a picture of one grey leaves is rounding.
    (length > 1e-3).then(|| even.iter().map(|v| v / length).collect())
}

/// A Gaussian blur; weights beyond the border fall to those within.
fn blurred(image: &[f64]) -> Vec<f64> {
    let kernel: Vec<Vec<f64>> = (0..SIDE)
        .map(|i| {
            let weights: Vec<f64> = (0..SIDE).map(|j| (-0.5 * ((i as f64 - j as f64) / BLUR).powi(2)).exp()).collect();
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|w| w / sum).collect()
        })
        .collect();
    let turn = |image: &[f64]| -> Vec<f64> {
        // Blurs each line and lays it down as a column: done twice, both axes are blurred and stand as before.
        let at = |i: usize| dot(&image[(i % SIDE) * SIDE..][..SIDE], &kernel[i / SIDE]);
        (0..VALUES).map(at).collect()
    };
    turn(&turn(image))
}

/// The covariance of faces, row by row.
fn covariance(faces: &[&[f64]], mean: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; VALUES * VALUES];
    for face in faces {
        let rest: Vec<f64> = face.iter().zip(mean).map(|(v, m)| v - m).collect();
        for (line, &a) in sums.chunks_exact_mut(VALUES).zip(&rest) {
            line.iter_mut().zip(&rest).for_each(|(sum, b)| *sum += a * b);
        }
    }
    sums
}

/// The directions of largest variance, by subspace iteration from fixed waves: no chance is involved.
fn principal(covariance: &[f64]) -> Vec<Vec<f64>> {
    let wave = |k: usize| (0..VALUES).map(|i| (0.37 * (k + 1) as f64 * i as f64 + k as f64).cos()).collect();
    let mut directions: Vec<Vec<f64>> = (0..DIRECTIONS).map(wave).collect();
    for _ in 0..ROUNDS {
        orthonormalise(&mut directions);
        directions =
            directions.iter().map(|d| covariance.chunks_exact(VALUES).map(|row| dot(row, d)).collect()).collect();
    }
    orthonormalise(&mut directions);
    directions
}

/// Gram-Schmidt; a direction that nothing is left of becomes zero, and explains nothing.
fn orthonormalise(directions: &mut [Vec<f64>]) {
    for k in 0..directions.len() {
        let (before, rest) = directions.split_at_mut(k);
        let this = &mut rest[0];
        // Twice, since one pass leaves rounding errors along strong directions.
        for other in before.iter().chain(before.iter()) {
            let along = dot(this, other);
            this.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
        }
        let length = dot(this, this).sqrt();
        let factor = if length > 1e-12 { 1.0 / length } else { 0.0 };
        this.iter_mut().for_each(|v| *v *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SyntheticOptions;
    use crate::synthetic;
    use ferrotype_base::random::Stream;

    fn drawn(count: usize, seed: u64) -> Vec<Vec<u8>> {
        let options = SyntheticOptions { count, seed, ..SyntheticOptions::default() };
        let faces = synthetic::generate(&options).unwrap();
        (0..count).map(|i| faces.images.get(i).to_vec()).collect()
    }

    fn template() -> FaceTemplate {
        let side = SyntheticOptions::default().size;
        let faces = drawn(600, 1);
        let faces: Vec<_> = faces.iter().filter_map(|p| values(&Picture::new(p, side, side, 1).unwrap())).collect();
        FaceTemplate::from_faces(&faces).unwrap()
    }

    #[test]
    fn faces_resemble_faces_and_other_pictures_do_not() {
        let (template, side) = (template(), SyntheticOptions::default().size);
        let resembles = |p: &[u8]| template.resembles(&Picture::new(p, side, side, 1).unwrap());
        let others = drawn(200, 2);
        let missed = others.iter().filter(|p| !resembles(p)).count();
        assert!(missed <= 12, "{missed} of 200 faces are called none");
        let turned = others.iter().filter(|p| resembles(&p.iter().rev().copied().collect::<Vec<_>>())).count();
        assert!(turned <= 100, "{turned} of 200 faces upside down are called faces");
        let mut noise = Stream::new(3);
        for _ in 0..20 {
            assert!(!resembles(&(0..side * side).map(|_| noise.below(256) as u8).collect::<Vec<_>>()));
        }
        for grey in [0, 128, 255] {
            assert!(!resembles(&vec![grey; side * side]));
        }
    }

    #[test]
    fn size_and_light_do_not_matter_much() {
        let (template, side) = (template(), SyntheticOptions::default().size);
        let face = &drawn(5, 7)[3];
        let likeness = |p: &[u8], h, w| template.likeness(&Picture::new(p, h, w, 1).unwrap()).unwrap();
        let own = likeness(face, side, side);
        let dim: Vec<u8> = face.iter().map(|&v| 40 + v / 2).collect();
        assert!((likeness(&dim, side, side) - own).abs() < 0.1);
        let large: Vec<u8> =
            (0..4 * side * side).map(|i| face[i / (2 * side) / 2 * side + i % (2 * side) / 2]).collect();
        assert!((likeness(&large, 2 * side, 2 * side) - own).abs() < 0.01);
    }

    #[test]
    fn a_file_comes_back_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.json");
        assert_eq!(FaceTemplate::load(&path).unwrap(), None);
        let template = template();
        std::fs::write(&path, serde_json::to_string(&template).unwrap()).unwrap();
        assert_eq!(FaceTemplate::load(&path).unwrap(), Some(template));
        for text in ["{", "{\"side\":24,\"faces\":1,\"limit\":0.0,\"mean\":[0.0],\"directions\":[]}"] {
            std::fs::write(&path, text).unwrap();
            assert!(FaceTemplate::load(&path).unwrap_err().to_string().contains("damaged"));
        }
    }

    #[test]
    fn too_few_faces_make_no_template() {
        assert_eq!(FaceTemplate::from_faces(&vec![vec![0.0; VALUES]; FEWEST - 1]), None);
        // Faces without any difference have no directions; that must not break anything.
        let same = FaceTemplate::from_faces(&vec![vec![0.0; VALUES]; FEWEST]).unwrap();
        assert!(same.limit.is_finite());
    }
}
