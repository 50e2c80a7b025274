//! Who is who over a video: by place from frame to frame, and by the embedding where a face returns.

use ferrotype_vision::faces::{Bounds, Tracker};

/// Tells persons apart. Without embeddings a face that was out of sight for longer than the gap is somebody new.
pub struct Identities {
    tracker: Tracker,
    likeness: f32,
    /// The person of each track.
    persons: Vec<usize>,
    /// Sum of each person's embeddings; empty without any.
    sums: Vec<Vec<f32>>,
    /// When each person was seen last.
    seen: Vec<f64>,
}

impl Identities {
    /// Nobody yet. `gap` in seconds; `likeness` is the smallest cosine between an embedding and the mean of a person.
    pub fn new(gap: f64, likeness: f32) -> Self {
        Self { tracker: Tracker::new(gap), likeness, persons: Vec::new(), sums: Vec::new(), seen: Vec::new() }
    }

    /// The person of each face of the frame at this time. Nobody is two faces of a frame.
    pub fn step(&mut self, time: f64, boxes: &[Bounds], embeddings: &[Option<&[f32]>]) -> Vec<usize> {
        let known = self.persons.len();
        let tracks = self.tracker.step(time, boxes);
        let mut here: Vec<usize> = tracks.iter().filter(|&&t| t < known).map(|&t| self.persons[t]).collect();
        for (&track, embedding) in tracks.iter().zip(embeddings) {
            if track < known {
                continue;
            }
            // Tracks are numbered in the order of their first faces.
            let person = embedding.and_then(|e| self.returned(e, &here)).unwrap_or(self.sums.len());
            if person == self.sums.len() {
                self.sums.push(Vec::new());
                self.seen.push(time);
            }
            self.persons.push(person);
            here.push(person);
        }
        for (&track, embedding) in tracks.iter().zip(embeddings) {
            let person = self.persons[track];
            self.seen[person] = time;
            if let Some(embedding) = embedding {
                let sum = &mut self.sums[person];
                sum.resize(embedding.len(), 0.0);
                sum.iter_mut().zip(*embedding).for_each(|(s, v)| *s += v);
            }
        }
        tracks.iter().map(|&track| self.persons[track]).collect()
    }

    /// The person whose mean is nearest to an embedding, of those who are not in the frame already.
    fn returned(&self, embedding: &[f32], here: &[usize]) -> Option<usize> {
        let away = (0..self.sums.len()).filter(|p| !here.contains(p) && !self.sums[*p].is_empty());
        let alike = away.map(|p| (cosine(embedding, &self.sums[p]), p)).filter(|(c, _)| *c >= self.likeness);
        // Of equal ones the first.
        alike.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, person)| person)
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let size = (dot(a, a) * dot(b, b)).sqrt();
    if size > 0.0 { dot(a, b) / size } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32) -> Bounds {
        Bounds { left: x, top: 0.0, right: x + 50.0, bottom: 50.0 }
    }

    #[test]
    fn who_leaves_and_returns_is_known_by_the_embedding() {
        let (a, b) = ([1.0, 0.1], [0.1, 1.0]);
        let mut who = Identities::new(1.0, 0.5);
        assert_eq!(who.step(0.0, &[at(0.0), at(200.0)], &[Some(&a), Some(&b)]), [0, 1]);
        assert_eq!(who.step(0.2, &[at(2.0)], &[Some(&a)]), [0]);
        // B returns elsewhere, long after; A is there all the time.
        assert_eq!(who.step(9.0, &[at(400.0), at(4.0)], &[Some(&b), Some(&a)]), [1, 0]);
        // A third person is new, and nobody is two faces of a frame.
        let c = [-1.0, 0.2];
        assert_eq!(who.step(20.0, &[at(0.0), at(300.0), at(600.0)], &[Some(&c), Some(&a), Some(&a)]), [2, 0, 3]);
    }

    #[test]
    fn without_embeddings_the_place_decides() {
        let mut who = Identities::new(1.0, 0.5);
        assert_eq!(who.step(0.0, &[at(0.0)], &[None]), [0]);
        assert_eq!(who.step(0.9, &[at(10.0)], &[None]), [0]);
        assert_eq!(who.step(5.0, &[at(10.0)], &[None]), [1]);
    }
}
