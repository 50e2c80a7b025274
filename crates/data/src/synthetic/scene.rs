//! A face in a picture as a camera would take it: background, things before the face, blur and noise.

use super::action_units::ActionUnits;
use super::anatomy::Anatomy;
use super::canvas::{Canvas, Point, curve, ribbon};
use super::face::{Camera, Face, Light, Pose, Rendering};
use super::identity::Identity;
use ferrotype_base::random::Stream;

/// What stands before the face.
#[derive(Clone, Debug, PartialEq)]
pub struct Occluder {
    /// Closed shapes in face units with their tones.
    pub shapes: Vec<(Vec<Point>, f32)>,
}

/// A face in its picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The face.
    pub face: Face,
    /// Tones of the background at its four corners: upper left, upper right, lower left, lower right.
    pub background: [f32; 4],
    /// What hides a part of the face.
    pub occluder: Option<Occluder>,
    /// Exposure: all tones are multiplied by it.
    pub gain: f32,
    /// Deviation of the blur, as a fraction of the picture's side.
    pub blur: f32,
    /// Deviation of the noise, in tones (1 is white).
    pub noise: f32,
    /// The noise's key.
    pub key: u64,
}

impl Scene {
    /// A random scene of a person with an expression; `nuisance` is the strength of everything else, 0 to 1.
    pub fn random(identity: Identity, action_units: ActionUnits, nuisance: f32, choice: &mut Stream) -> Self {
        let mut spread = |deviation: f32| deviation * nuisance * (choice.normal() as f32).clamp(-2.2, 2.2);
        let pose = Pose {
            yaw: spread(0.34),
            pitch: spread(0.20),
            roll: spread(0.20),
            scale: 1.08 + spread(0.11),
            shift: [spread(0.08), spread(0.08)],
            gaze: [spread(0.7).clamp(-1.0, 1.0), spread(0.5).clamp(-1.0, 1.0)],
        };
        let even = Light::default();
        let lamp = [spread(1.6), even.direction[1] + spread(0.9), even.direction[2]];
        let ambient = even.ambient + spread(0.16);
        let light = Light { direction: lamp, ambient, diffuse: 1.05 - ambient };
        let gain = 1.0 + spread(0.22);
        let middle = choice.uniform(0.15, 0.85);
        let background = [0; 4].map(|_| 0.5 + nuisance.sqrt() * (middle - 0.5 + choice.uniform(-0.2, 0.2)));
        let hidden = choice.chance(0.22 * nuisance);
        let occluder = Occluder::random(&identity, choice);
        Self {
            face: Face { identity, action_units, pose, light },
            background,
            occluder: hidden.then_some(occluder),
            gain,
            blur: nuisance * choice.uniform(0.0, 0.028),
            noise: nuisance * choice.uniform(0.0, 0.09),
            key: choice.bits(),
        }
    }

    /// Draws the scene.
    pub fn render(&self, size: usize) -> Rendering {
        let mut canvas = self.background(size);
        self.face.paint(&mut canvas);
        let camera = Camera::new(&self.face.pose, size);
        for (shape, tone) in self.occluder.iter().flat_map(|o| &o.shapes) {
            let path: Vec<Point> = shape.iter().map(|&p| camera.above(p, 0.1)).collect();
            let mask = canvas.mask(&path);
            // Rounded: darker towards its edges in height.
            let (low, high) = path.iter().fold((f32::MAX, f32::MIN), |(a, b), p| (a.min(p[1]), b.max(p[1])));
            canvas.paint(&mask, 1.0, |_, y, _| {
                let t = (y - low) / (high - low).max(1.0);
                tone * (0.8 + 0.8 * t * (1.0 - t))
            });
        }
        canvas.tones.iter_mut().for_each(|t| *t *= self.gain);
        canvas.blur(self.blur * size as f32);
        self.add_noise(&mut canvas);
        Rendering { size, pixels: canvas.bytes(), landmarks: self.face.landmarks(size) }
    }

    /// The part of brows, eyes and mouth that nothing hides, 0 to 1.
    pub fn visible(&self) -> f32 {
        let Some(occluder) = &self.occluder else { return 1.0 };
        let points = Anatomy::new(&self.face.identity, &self.face.action_units).landmarks();
        let part = |range: std::ops::Range<usize>| {
            let hidden = points[range.clone()].iter().filter(|p| occluder.hides(**p)).count();
            1.0 - hidden as f32 / range.len() as f32
        };
        0.2 * part(17..27) + 0.3 * part(36..48) + 0.5 * part(48..68)
    }

    fn background(&self, size: usize) -> Canvas {
        let mut canvas = Canvas::new(size, 0.0);
        let [a, b, c, d] = self.background;
        for y in 0..size {
            let v = (y as f32 + 0.5) / size as f32;
            let (left, right) = (a + (c - a) * v, b + (d - b) * v);
            let row = &mut canvas.tones[y * size..(y + 1) * size];
            row.iter_mut().enumerate().for_each(|(x, t)| *t = left + (right - left) * (x as f32 + 0.5) / size as f32);
        }
        canvas
    }

    fn add_noise(&self, canvas: &mut Canvas) {
        if self.noise <= 0.0 {
            return;
        }
        let mut stream = Stream::new(self.key);
        for tone in &mut canvas.tones {
            // The sum of four uniform numbers of 16 bits: near enough to normal, and four times as fast.
            let bits = stream.bits();
            let sum: u64 = (0..4).map(|k| (bits >> (16 * k)) & 0xffff).sum();
            let normal = (sum as f32 / 65536.0 - 2.0) * 1.732;
            *tone += self.noise * normal;
        }
    }
}

impl Occluder {
    /// A hand, a scarf or a bar.
    pub fn random(person: &Identity, choice: &mut Stream) -> Self {
        match choice.below(3) {
            0 => Self::hand(person.skin, choice),
            1 => Self::scarf(choice),
            _ => Self::bar(choice),
        }
    }

    /// Four fingers that come from below, over cheek, mouth or chin.
    fn hand(skin: f32, choice: &mut Stream) -> Self {
        let start = [choice.uniform(-0.75, 0.35), choice.uniform(0.15, 0.55)];
        let lean = choice.uniform(-0.35, 0.35);
        let finger = |i: usize| {
            let x = start[0] + 0.16 * i as f32;
            let top = start[1] + 0.05 * (i as f32 - 1.4).powi(2);
            let line =
                curve(&[[x + lean * 0.4, top], [x + lean * 0.15, (top + 1.4) / 2.0], [x - lean * 0.3, 1.5]], false);
            let outline = ribbon(&line, |t| 0.145 * (0.55 + 0.45 * (t * 9.0).min(1.0)));
            (outline, skin * if i.is_multiple_of(2) { 0.95 } else { 0.8 })
        };
        Self { shapes: (0..4).map(finger).collect() }
    }

    /// A cloth over chin and mouth, with a fold.
    fn scarf(choice: &mut Stream) -> Self {
        let top = choice.uniform(0.25, 0.62);
        let tone = choice.uniform(0.08, 0.8);
        let sag = choice.uniform(0.0, 0.12);
        let edge = |y: f32| vec![[-0.85, y - sag], [-0.4, y], [0.0, y + sag], [0.4, y], [0.85, y - sag]];
        let cloth = |y: f32, tone: f32| {
            let mut path = curve(&edge(y), false);
            path.extend([[0.9, 1.6], [-0.9, 1.6]]);
            (path, tone)
        };
        Self { shapes: vec![cloth(top, tone), cloth(top + 0.16, tone * 0.8), cloth(top + 0.34, tone * 0.95)] }
    }

    /// A straight bar at any height: something in the way.
    fn bar(choice: &mut Stream) -> Self {
        let (y, slope) = (choice.uniform(-0.7, 0.8), choice.uniform(-0.5, 0.5));
        let half = choice.uniform(0.07, 0.16);
        let tone = choice.uniform(0.05, 0.95);
        let at = |x: f32, dy: f32| [x, y + slope * x + dy];
        let path =
            vec![at(-0.87, -half), at(0.0, -half), at(0.87, -half), at(0.87, half), at(0.0, half), at(-0.87, half)];
        Self { shapes: vec![(path, tone)] }
    }

    /// Whether a point of the face lies behind it.
    fn hides(&self, [x, y]: Point) -> bool {
        self.shapes.iter().any(|(path, _)| {
            let crossed = |(i, a): (usize, &Point)| {
                let b = path[(i + 1) % path.len()];
                (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
            };
            path.iter().enumerate().filter(|&(i, a)| crossed((i, a))).count() % 2 == 1
        })
    }
}
