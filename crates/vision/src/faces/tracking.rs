//! Who is who from frame to frame.

use super::Bounds;

/// Overlap of boxes from which they are one face whatever else.
const OVERLAP: f32 = 0.3;
/// Largest distance of middles, in widths of the face, per frame and for a face that was lost for some frames.
const REACH: f32 = 0.5;

/// Gives each face of a video the number of its track: one identity per track, as far as place can tell.
///
/// A face belongs to the track whose last box it overlaps the most, or else, of about the same size, to the nearest within
/// half a face's width. The best pairs are taken first. A track that nothing was added to for `max_gap` seconds ends: a
/// face at its place later is somebody new.
#[derive(Clone, Debug)]
pub struct Tracker {
    max_gap: f64,
    tracks: Vec<Track>,
}

#[derive(Clone, Debug)]
struct Track {
    last: Bounds,
    time: f64,
}

impl Tracker {
    /// No tracks yet; `max_gap` in seconds.
    pub fn new(max_gap: f64) -> Self {
        Self { max_gap, tracks: Vec::new() }
    }

    /// The track of each face of the frame at this time, in the faces' order.
    pub fn step(&mut self, time: f64, faces: &[Bounds]) -> Vec<usize> {
        let mut pairs = Vec::new();
        for (t, track) in self.tracks.iter().enumerate().filter(|(_, t)| time - t.time <= self.max_gap) {
            pairs.extend(faces.iter().enumerate().filter_map(|(f, face)| Some((likeness(&track.last, face)?, t, f))));
        }
        // Equals in the order of tracks and faces, so that nothing depends on chance.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut of_face: Vec<Option<usize>> = vec![None; faces.len()];
        let mut taken = vec![false; self.tracks.len()];
        for (_, track, face) in pairs {
            if of_face[face].is_none() && !taken[track] {
                of_face[face] = Some(track);
                taken[track] = true;
            }
        }
        let mut place = |(face, track): (&Bounds, Option<usize>)| {
            let seen = Track { last: *face, time };
            match track {
                Some(t) => self.tracks[t] = seen,
                None => self.tracks.push(seen),
            }
            track.unwrap_or(self.tracks.len() - 1)
        };
        faces.iter().zip(of_face).map(&mut place).collect()
    }

    /// Tracks so far.
    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Whether no face was seen yet.
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }
}

/// How likely two boxes are one face: 1 to 2 by overlap, 0 to 1 by distance; none if they are not.
fn likeness(a: &Bounds, b: &Bounds) -> Option<f32> {
    let overlap = a.overlap(b);
    if overlap >= OVERLAP {
        return Some(1.0 + overlap);
    }
    let middle = |b: &Bounds| [(b.left + b.right) / 2.0, (b.top + b.bottom) / 2.0];
    let ([ax, ay], [bx, by]) = (middle(a), middle(b));
    let size = a.width().max(b.width());
    let near = (ax - bx).hypot(ay - by) / size;
    let alike = a.width().min(b.width()) / size > 0.6;
    (alike && near <= REACH).then_some(1.0 - near)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, side: f32) -> Bounds {
        Bounds { left: x, top: y, right: x + side, bottom: y + side }
    }

    #[test]
    fn faces_keep_their_tracks_whatever_their_order() {
        let mut tracker = Tracker::new(1.0);
        assert_eq!(tracker.step(0.0, &[face(0.0, 0.0, 50.0), face(200.0, 0.0, 50.0)]), [0, 1]);
        assert_eq!(tracker.step(0.1, &[face(205.0, 3.0, 52.0), face(8.0, 0.0, 50.0)]), [1, 0]);
        // A third comes; the first is out of sight.
        assert_eq!(tracker.step(0.2, &[face(100.0, 100.0, 40.0), face(203.0, 2.0, 52.0)]), [2, 1]);
        assert_eq!(tracker.step(0.9, &[face(12.0, 2.0, 48.0)]), [0]);
        // After too long, the same place is another track.
        assert_eq!(tracker.step(2.5, &[face(12.0, 2.0, 48.0)]), [3]);
        assert_eq!(tracker.len(), 4);
    }

    #[test]
    fn a_jump_or_another_size_is_somebody_else() {
        let mut tracker = Tracker::new(1.0);
        assert_eq!(tracker.step(0.0, &[face(0.0, 0.0, 100.0)]), [0]);
        assert_eq!(tracker.step(0.1, &[face(300.0, 0.0, 100.0)]), [1]);
        assert_eq!(tracker.step(0.2, &[face(30.0, 30.0, 20.0)]), [2]);
        // Two candidates: the better overlap wins, the other face is new.
        assert_eq!(tracker.step(0.3, &[face(310.0, 40.0, 100.0), face(302.0, 0.0, 100.0)]), [3, 1]);
        assert_eq!(tracker.step(0.4, &[]), Vec::<usize>::new());
    }
}
