//! What is known of faces, drawn over the frame of a video.

use anyhow::Result;

use super::figure::{Anchor, Colour, Figure, Label, text_width};

/// Colours of persons, told apart with any colour vision (Okabe and Ito 2008).
const PERSONS: [Colour; 6] =
    [(86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0)];
const INK: Colour = (255, 255, 255);
const DARK: Colour = (16, 20, 28);
const BEHIND_BAR: Colour = (90, 96, 108);
/// Rows of a frame of whose units the sizes below are.
const ROWS: f64 = 360.0;
/// Most bars beside a face.
const BARS: usize = 26;

/// A face in a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaceOverlay {
    /// Left, top, right and bottom in pixels.
    pub bounds: [f64; 4],
    /// The person's number, which gives the colour.
    pub person: usize,
    /// What stands above the box.
    pub title: String,
    /// Landmarks, `[x, y]` in pixels.
    pub points: Vec<[f64; 2]>,
    /// What is drawn beside the box, from top to bottom.
    pub bars: Vec<Bar>,
    /// Valence and arousal, -1 to 1.
    pub affect: Option<[f64; 2]>,
}

/// A quantity as a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// How long it is, 0 to 1.
    pub share: f64,
    /// The value as text.
    pub text: String,
}

/// Draws faces over an RGB frame, `[height, width, 3]`.
///
/// # Errors
/// When the frame has another size, or the font cannot be used.
pub fn draw(pixels: &mut [u8], [width, height]: [usize; 2], faces: &[FaceOverlay]) -> Result<()> {
    let unit = (height as f64 / ROWS).max(0.75);
    let mut figure = Figure::new(width as f64, height as f64, "faces");
    for face in faces {
        Drawing { figure: &mut figure, unit, width: width as f64, height: height as f64 }.face(face);
    }
    figure.draw_over(pixels, [width, height])
}

struct Drawing<'a> {
    figure: &'a mut Figure,
    /// Pixels to a row of a frame of 360.
    unit: f64,
    width: f64,
    height: f64,
}

impl Drawing<'_> {
    fn face(&mut self, face: &FaceOverlay) {
        let colour = PERSONS[face.person % PERSONS.len()];
        let [left, top, right, bottom] = face.bounds;
        for &[x, y] in &face.points {
            self.figure.dot((x, y), 1.2 * self.unit, colour);
        }
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.figure.line(&corners, colour, (1.6 * self.unit).max(1.0));
        self.title(face, colour);
        self.panel(face, colour);
    }

    /// Above the box; within it where there is no room.
    fn title(&mut self, face: &FaceOverlay, colour: Colour) {
        if face.title.is_empty() {
            return;
        }
        let size = 11.0 * self.unit;
        let (w, h) = (text_width(&face.title, size, true) + 0.8 * size, 1.5 * size);
        let x = face.bounds[0].clamp(0.0, (self.width - w).max(0.0));
        let y = if face.bounds[1] >= h { face.bounds[1] - h } else { face.bounds[1].max(0.0) };
        self.figure.rectangle((x, y), (w, h), colour, 1.0);
        self.figure.text((x + 0.4 * size, y + 1.1 * size), &face.title, Label::new(size, DARK).bold());
    }

    /// Bars, and valence and arousal below them: at the right of the box, or at its left where there is more room.
    fn panel(&mut self, face: &FaceOverlay, colour: Colour) {
        let bars = &face.bars[..face.bars.len().min(BARS)];
        if bars.is_empty() && face.affect.is_none() {
            return;
        }
        let square = if face.affect.is_some() { 64.0 * self.unit } else { 0.0 };
        let gap = 4.0 * self.unit;
        let room = (self.height - square - 3.0 * gap) / bars.len().max(1) as f64;
        let row = (12.0 * self.unit).min(room);
        let size = 0.72 * row;
        let names = bars.iter().map(|b| text_width(&b.name, size, false)).fold(0.0, f64::max);
        let texts = bars.iter().map(|b| text_width(&b.text, size, false)).fold(0.0, f64::max);
        let length = 46.0 * self.unit;
        let wide = if bars.is_empty() { 0.0 } else { names + length + texts + 2.0 * gap };
        let w = wide.max(square) + 2.0 * gap;
        let h = row * bars.len() as f64 + square + 3.0 * gap;
        let [left, top, right, _] = face.bounds;
        let x = if self.width - right >= w + gap || self.width - right >= left { right + gap } else { left - gap - w };
        let x = x.clamp(0.0, (self.width - w).max(0.0));
        let y = top.clamp(0.0, (self.height - h).max(0.0));
        self.figure.rectangle((x, y), (w, h), DARK, 0.62);
        for (i, bar) in bars.iter().enumerate() {
            let (x, y) = (x + gap, y + gap + i as f64 * row);
            let base = y + 0.78 * row;
            self.figure.text((x, base), &bar.name, Label::new(size, INK));
            let start = (x + names + gap, y + 0.2 * row);
            self.figure.rectangle(start, (length, 0.6 * row), BEHIND_BAR, 0.9);
            let share = bar.share.clamp(0.0, 1.0);
            if share > 0.0 {
                self.figure.rectangle(start, ((length * share).max(1.0), 0.6 * row), colour, 1.0);
            }
            let label = Label::new(size, INK).anchored(Anchor::End);
            self.figure.text((start.0 + length + gap + texts, base), &bar.text, label);
        }
        if let Some(affect) = face.affect {
            let corner = (x + gap, y + h - gap - square);
            self.affect(corner, square, affect, colour);
        }
    }

    /// Valence to the right, arousal upwards.
    fn affect(&mut self, (x, y): (f64, f64), side: f64, [valence, arousal]: [f64; 2], colour: Colour) {
        let middle = (x + side / 2.0, y + side / 2.0);
        let thin = (0.8 * self.unit).max(1.0);
        let corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)];
        self.figure.line(&corners, BEHIND_BAR, thin);
        self.figure.line(&[(x, middle.1), (x + side, middle.1)], BEHIND_BAR, thin);
        self.figure.line(&[(middle.0, y), (middle.0, y + side)], BEHIND_BAR, thin);
        let size = 7.0 * self.unit;
        self.figure.text(
            (x + side - 2.0 * thin, middle.1 - 2.0 * thin),
            "valence",
            Label::new(size, INK).anchored(Anchor::End),
        );
        self.figure.text((middle.0 + 2.0 * thin, y + size), "arousal", Label::new(size, INK));
        let half = side / 2.0;
        let at = (middle.0 + valence.clamp(-1.0, 1.0) * half, middle.1 - arousal.clamp(-1.0, 1.0) * half);
        self.figure.dot(at, 3.0 * self.unit, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face() -> FaceOverlay {
        FaceOverlay {
            bounds: [20.0, 30.0, 60.0, 80.0],
            title: "Person 1".into(),
            points: vec![[40.0, 50.0]],
            ..FaceOverlay::default()
        }
    }

    #[test]
    fn the_box_is_drawn_where_the_face_is_and_the_rest_stays() {
        let mut pixels = vec![7; 160 * 120 * 3];
        draw(&mut pixels, [160, 120], &[face()]).unwrap();
        let at = |x: usize, y: usize| [0, 1, 2].map(|c| pixels[(y * 160 + x) * 3 + c]);
        let (r, g, b) = PERSONS[0];
        // Edges are smoothed: near enough to the colour.
        for (x, y) in [(20, 60), (40, 80), (60, 50), (40, 50)] {
            let far = at(x, y).iter().zip([r, g, b]).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(far < 140, "{x} {y}: {:?}", at(x, y));
        }
        assert_eq!([at(30, 70), at(150, 110), at(0, 0)], [[7; 3]; 3]);
    }

    #[test]
    fn bars_stay_within_the_frame_at_any_place() {
        let bars =
            |n: usize| (0..n).map(|i| Bar { name: format!("AU{i:02}"), share: 0.5, text: "2.5".into() }).collect();
        for bounds in [[0.0, 0.0, 30.0, 30.0], [130.0, 90.0, 160.0, 120.0], [-50.0, -50.0, 300.0, 300.0]] {
            for n in [0, 1, 40] {
                let face = FaceOverlay { bounds, bars: bars(n), affect: Some([2.0, -2.0]), ..face() };
                let mut pixels = vec![0; 160 * 120 * 3];
                draw(&mut pixels, [160, 120], &[face]).unwrap();
                assert!(pixels.iter().any(|&p| p > 0));
            }
        }
        assert!(draw(&mut [0; 10], [160, 120], &[]).is_err());
    }
}
