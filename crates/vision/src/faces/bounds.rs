//! Where a face is, and which of several boxes of one face is kept.

use super::landmarks::{Landmarks, eye_centres};

/// A box in pixels of the picture. Pixel `i` reaches from `i` to `i + 1`; a box may reach beyond the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Lower edge.
    pub bottom: f32,
}

impl Bounds {
    /// Right minus left.
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Bottom minus top.
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Square pixels; 0 for a box that is turned inside out.
    pub fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// The common part of two boxes, of area 0 where there is none.
    pub fn common(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Area in common divided by area of both together, 0 to 1.
    pub fn overlap(&self, other: &Self) -> f32 {
        let common = self.common(other).area();
        let both = self.area() + other.area() - common;
        if both > 0.0 { common / both } else { 0.0 }
    }

    /// Whether all four edges are numbers and the box has an area within a picture of this size.
    pub fn lies_in(&self, width: usize, height: usize) -> bool {
        let finite = [self.left, self.top, self.right, self.bottom].iter().all(|v| v.is_finite());
        let picture = Self { left: 0.0, top: 0.0, right: width as f32, bottom: height as f32 };
        finite && self.common(&picture).area() > 0.0
    }
}

/// A face that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Where.
    pub bounds: Bounds,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// `[x, y]` of the eye at the left of the picture, the other eye, the tip of the nose, and the corners of the mouth,
    /// left and right of the picture, if the detector gives them (for an upright face).
    pub points: Option<[[f32; 2]; 5]>,
}

impl Detection {
    /// The middles of the eyes, left of the picture first: by landmarks where there are some, else the detector's own.
    pub fn eyes(&self, landmarks: Option<&Landmarks>) -> Option<[[f32; 2]; 2]> {
        landmarks.map(eye_centres).or_else(|| self.points.map(|points| [points[0], points[1]]))
    }
}

/// The best box of each face, best first: a box that overlaps a better one by more than `overlap` is of the same face.
///
/// Equal scores are ordered by place, so that the order never depends on that of the candidates.
pub fn suppress(mut candidates: Vec<Detection>, overlap: f32) -> Vec<Detection> {
    candidates.sort_by(|a, b| {
        let place = |d: &Detection| [d.bounds.top, d.bounds.left, d.bounds.bottom, d.bounds.right];
        let places = place(a).into_iter().zip(place(b)).map(|(p, q)| p.total_cmp(&q));
        places.fold(b.score.total_cmp(&a.score), std::cmp::Ordering::then)
    });
    let mut kept: Vec<Detection> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|k| k.bounds.overlap(&candidate.bounds) <= overlap) {
            kept.push(candidate);
        }
    }
    kept
}
