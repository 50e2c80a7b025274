//! Synthetic expressions, genuine or posed: a person's face over a few seconds.
//!
//! What tells the two kinds apart follows what studies of spontaneous and deliberate expressions report (Ekman and Friesen
//! 1982; Frank, Ekman and Friesen 1993; Schmidt, Ambadar, Cohn and Reed 2006): genuine ones rise more slowly, are held for a
//! shorter time, are more even between the sides, involve the muscle around the eye (action units 6 and 7), and run more
//! smoothly. Here each is a difference between two overlapping distributions whose distance is an option; with distance 0
//! they are the same. A benchmark of programs, not a model of people.

use super::sources::generated::GeneratedClipsOptions;
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_data::synthetic::{ActionUnits, Au, Expression, Identity, Rendering, Scene};

/// The emotions of SASE-FE in its order, with the codes of its file names: genuine, and posed.
pub const EMOTIONS: [(&str, Expression, &str, &str); 6] = [
    ("happiness", Expression::Happiness, "N2H", "S2N2H"),
    ("sadness", Expression::Sadness, "N2S", "H2N2S"),
    ("disgust", Expression::Disgust, "N2D", "H2N2D"),
    ("anger", Expression::Anger, "N2A", "H2N2A"),
    ("contempt", Expression::Contempt, "N2C", "H2N2C"),
    ("surprise", Expression::Surprise, "N2SUR", "D2N2SUR"),
];

/// The kinds of choices of [`Purpose::Synthesis`] here: the first index of their keys, apart from those of other faces.
#[derive(Clone, Copy)]
enum Choice {
    Person = 200,
    Act = 201,
    Noise = 202,
}

/// Size of the face in the frame: a head with room around it.
const SCALE: f32 = 0.7;
/// Seconds that a lid takes to close or to open.
const LID: f64 = 0.07;
/// Largest intensity of OpenFace's action units, in which the synthetic ones are given.
pub const FULL: f32 = 5.0;

/// A person's manner, the same in all of their clips.
#[derive(Clone, Debug)]
struct Person {
    identity: Identity,
    /// Intensities at rest.
    rest: ActionUnits,
    /// How far expressions go.
    expressive: f32,
    /// Logarithm of the factor of durations.
    slow: f64,
    /// The side that this face uses a little less, and by how much.
    weak: usize,
    lopsided: f32,
    /// How much the eyes take part.
    eyes: f32,
}

impl Person {
    fn new(options: &GeneratedClipsOptions, subject: usize) -> Self {
        let s = &mut Stream::of(options.seed, Purpose::Synthesis, &[Choice::Person as u64, subject as u64]);
        let identity = Identity::random(s);
        let mut rest = ActionUnits::default();
        for au in Au::ALL.into_iter().filter(|&au| au != Au::EyesClosed) {
            rest.set(au, 0.15 * (s.unit() as f32).powi(2));
        }
        Self {
            identity,
            rest,
            expressive: s.uniform(0.55, 0.85),
            slow: 0.2 * s.normal(),
            weak: s.below(2),
            lopsided: s.uniform(0.0, 0.08),
            eyes: s.uniform(0.3, 0.6),
        }
    }
}

/// One clip: an expression that rises, is held, and falls.
#[derive(Clone, Debug)]
pub struct Act {
    /// The person's number, from 1.
    pub subject: usize,
    /// Place in [`EMOTIONS`].
    pub emotion: usize,
    /// Whether it is genuine.
    pub real: bool,
    /// Number of frames.
    pub frames: usize,
    /// Frames per second.
    pub rate: f64,
    /// Seconds: it begins to rise, is full, begins to fall, is gone.
    phases: [f64; 4],
    rest: ActionUnits,
    peak: ActionUnits,
    /// Frequency in Hz, phase and depth of the expression's irregularities.
    waves: [(f64, f64, f64); 3],
    blinks: Vec<f64>,
    /// Frequency in Hz and phase: yaw, pitch, roll, shift across, shift along.
    sway: [(f64, f64); 5],
    scene: Scene,
    noise: u64,
}

impl Act {
    /// The clip of a subject (from 1): every choice follows from the options and these numbers.
    pub fn new(options: &GeneratedClipsOptions, subject: usize, emotion: usize, real: bool) -> Self {
        let person = Person::new(options, subject);
        let key = [Choice::Act as u64, subject as u64, emotion as u64, u64::from(real)];
        let s = &mut Stream::of(options.seed, Purpose::Synthesis, &key);
        // How far this clip lies towards genuine (positive) or posed, by each cue.
        let towards = |cue: f64| if real { options.strength * cue } else { -options.strength * cue };
        let posed = |cue: f64| if real { 0.0 } else { options.strength * cue };
        let seconds = options.seconds * f64::from(s.uniform(0.8, 1.2)) * (0.25 * towards(options.length)).exp();
        let frames = ((seconds * options.rate).round() as usize).max(2);
        let rise = 0.5 * (person.slow + 0.3 * s.normal() + 0.4 * towards(options.onset)).exp();
        let hold = 0.3 * options.seconds * (person.slow + 0.3 * s.normal() - 0.3 * towards(options.apex)).exp();
        let start = seconds * f64::from(s.uniform(0.08, 0.2));
        let fall = rise * f64::from(s.uniform(1.0, 1.6));
        let lopsided = person.lopsided + (0.05 * s.normal().abs() + 0.12 * posed(options.asymmetry)) as f32;
        let eyes = person.eyes + (0.1 * s.normal() + 0.15 * towards(options.eyes)) as f32;
        let depth = 0.03 + 0.015 * s.normal().abs() + 0.08 * posed(options.irregularity);
        let amplitude = person.expressive * s.uniform(0.85, 1.15);
        let mut wave = |low: f32, high: f32| (f64::from(s.uniform(low, high)), std::f64::consts::TAU * s.unit());
        let waves = [(2.0, 3.5), (3.5, 5.5), (5.5, 8.0)].map(|(low, high)| {
            let (frequency, phase) = wave(low, high);
            (frequency, phase, depth)
        });
        let sway = [0; 5].map(|_| wave(0.1, 0.4));
        let peak = peak(&person, EMOTIONS[emotion].1, amplitude, eyes, lopsided, s);
        let mut scene = Scene::random(person.identity, ActionUnits::default(), 0.25, s);
        scene.occluder = None;
        scene.face.pose.scale *= SCALE;
        let blinks = (0..=s.below(1 + (seconds / 2.0) as usize)).map(|_| seconds * s.unit()).collect();
        Self {
            subject,
            emotion,
            real,
            frames,
            rate: options.rate,
            phases: [start, start + rise, start + rise + hold, start + rise + hold + fall],
            rest: person.rest,
            peak,
            waves,
            blinks,
            sway,
            scene,
            noise: ferrotype_base::random::key(options.seed, Purpose::Synthesis, &[Choice::Noise as u64, s.bits()]),
        }
    }

    /// SASE-FE's name of the clip: `N2H`, `S2N2H`, ...
    pub fn code(&self) -> &'static str {
        let (_, _, genuine, posed) = EMOTIONS[self.emotion];
        if self.real { genuine } else { posed }
    }

    /// Seconds of a frame.
    pub fn time(&self, frame: usize) -> f64 {
        frame as f64 / self.rate
    }

    /// How full the expression is at a time, 0 to about 1.
    fn intensity(&self, time: f64) -> f64 {
        let smooth = |t: f64| {
            let t = t.clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        let [start, full, fading, gone] = self.phases;
        let envelope = smooth((time - start) / (full - start)) * (1.0 - smooth((time - fading) / (gone - fading)));
        let sum: f64 =
            self.waves.iter().map(|(f, p, depth)| depth * (std::f64::consts::TAU * f * time + p).sin()).sum();
        envelope * (1.0 + sum)
    }

    /// The face at a frame.
    pub fn face(&self, frame: usize) -> ActionUnits {
        let time = self.time(frame);
        let mut units = self.peak.scaled(self.intensity(time) as f32).stronger(&self.rest);
        let shut = self.blinks.iter().map(|blink| 1.0 - ((time - blink).abs() / LID).min(1.0)).fold(0.0, f64::max);
        units.set(Au::EyesClosed, shut as f32);
        units
    }

    fn scene(&self, frame: usize) -> Scene {
        let mut scene = self.scene.clone();
        scene.face.action_units = self.face(frame);
        let time = self.time(frame);
        let wave = |k: usize| {
            let (frequency, phase) = self.sway[k];
            (std::f64::consts::TAU * frequency * time + phase).sin() as f32
        };
        let pose = &mut scene.face.pose;
        pose.yaw += 0.06 * wave(0);
        pose.pitch += 0.04 * wave(1);
        pose.roll += 0.03 * wave(2);
        pose.shift = [pose.shift[0] + 0.03 * wave(3), pose.shift[1] + 0.03 * wave(4)];
        scene.key = ferrotype_base::random::mix(scene.key ^ frame as u64);
        scene
    }

    /// The picture at a frame, `size` pixels per side, with the true landmarks.
    pub fn draw(&self, frame: usize, size: usize) -> Rendering {
        self.scene(frame).render(size)
    }

    /// The true 68 landmarks at a frame of so many pixels per side.
    pub fn landmarks(&self, frame: usize, size: usize) -> Vec<[f32; 2]> {
        self.scene(frame).face.landmarks(size)
    }

    /// Errors of a measurement of `columns` values per frame, `[frames, columns]`, with about this standard deviation:
    /// alike from frame to frame, as a tracker's are. `what` tells measurements apart.
    pub fn errors(&self, columns: usize, deviation: f64, what: u64) -> Vec<f32> {
        let mut s = Stream::new(ferrotype_base::random::mix(self.noise ^ what));
        let mut drift = vec![0.0; columns];
        let mut errors = Vec::with_capacity(self.frames * columns);
        for _ in 0..self.frames {
            for drift in &mut drift {
                *drift = 0.6 * *drift + 0.8 * deviation * s.normal();
                errors.push(*drift as f32);
            }
        }
        errors
    }
}

/// The fullest face of an expression.
fn peak(
    person: &Person,
    expression: Expression,
    amplitude: f32,
    eyes: f32,
    lopsided: f32,
    s: &mut Stream,
) -> ActionUnits {
    let shown = expression.action_units(person.weak);
    let mut out = ActionUnits::default();
    for unit in Au::ALL {
        let degree = amplitude * s.uniform(0.85, 1.1);
        let weaker = 1.0 - lopsided * s.uniform(0.6, 1.4);
        for side in 0..2 {
            let factor = if side == person.weak { weaker } else { 1.0 };
            out.set_side(unit, side, shown.side(unit, side) * degree * factor);
        }
    }
    // The muscle around the eye has its own measure, whatever is shown.
    for (unit, share) in [(Au::Cheek, 1.0), (Au::LidTight, 0.5)] {
        let own = if expression == Expression::Happiness && unit == Au::Cheek { 0.0 } else { out.both(unit) };
        out.set(unit, own + share * amplitude * eyes.max(0.0));
    }
    out
}
