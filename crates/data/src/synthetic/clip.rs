//! Moving synthetic faces: an expression that comes, stays and goes, on a head that is never quite still.

use super::{ActionUnits, Au, Expression, Kind, Rendering, Scene, action_units};
use crate::options::SyntheticClipsOptions;
use ferrotype_base::random::{Purpose, Stream};

/// Size of the face in the frame: a head with room around it, as a camera takes a speaker.
const SCALE: f32 = 0.62;
/// Seconds that a lid takes to close or to open.
const LID: f64 = 0.07;

/// Someone showing one expression once.
#[derive(Clone, Debug)]
pub struct Performance {
    /// The person's number, from 0.
    pub subject: usize,
    /// What is shown.
    pub expression: Expression,
    /// Number of frames.
    pub frames: usize,
    /// Frames per second.
    pub rate: f64,
    /// Times in seconds: the expression begins, is full, begins to fade, is gone.
    pub phases: [f64; 4],
    scene: Scene,
    peak: ActionUnits,
    /// Frequency in Hz and phase of the slow movements: yaw, pitch, roll, shift across, shift along, speech.
    sway: [(f64, f64); 6],
    /// How strong they are.
    unrest: f32,
    blinks: Vec<f64>,
}

impl Performance {
    /// Performance number `take` of a person: every choice follows from the options' seed and these numbers.
    pub fn new(options: &SyntheticClipsOptions, subject: usize, expression: Expression, take: usize) -> Self {
        let person_key = [Kind::Identity as u64, subject as u64];
        let person = super::Identity::random(&mut Stream::of(options.seed, Purpose::Synthesis, &person_key));
        let key = [Kind::Clip as u64, subject as u64, expression as u64, take as u64];
        let mut choice = Stream::of(options.seed, Purpose::Synthesis, &key);
        let seconds = options.seconds * f64::from(choice.uniform(0.75, 1.25));
        let frames = ((seconds * options.rate).round() as usize).max(2);
        let strength = (options.intensity * choice.uniform(0.7, 1.15)).min(1.0);
        let peak = action_units(expression, Expression::Neutral, 0.0, strength, &mut choice);
        let mut scene = Scene::random(person, ActionUnits::default(), options.nuisance, &mut choice);
        scene.occluder = None;
        scene.face.pose.scale *= SCALE;
        let mut part = |low: f32, high: f32| seconds * f64::from(choice.uniform(low, high));
        let (onset, rise, fade, fall) = (part(0.05, 0.2), part(0.12, 0.25), part(0.6, 0.75), part(0.12, 0.25));
        let phases = [onset, onset + rise, fade.max(onset + rise), fade.max(onset + rise) + fall];
        let mut wave =
            |low: f32, high: f32| (f64::from(choice.uniform(low, high)), std::f64::consts::TAU * choice.unit());
        let sway = [wave(0.1, 0.4), wave(0.1, 0.4), wave(0.1, 0.3), wave(0.1, 0.3), wave(0.1, 0.3), wave(2.0, 4.0)];
        let count = 1 + choice.below(1 + (seconds / 2.0) as usize);
        let blinks = (0..count).map(|_| seconds * choice.unit()).collect();
        Self {
            subject,
            expression,
            frames,
            rate: options.rate,
            phases,
            scene,
            peak,
            sway,
            unrest: 0.3 + 0.7 * options.nuisance,
            blinks,
        }
    }

    /// How full the expression is at a time, 0 to 1.
    pub fn intensity(&self, time: f64) -> f32 {
        let [onset, apex, fading, gone] = self.phases;
        let smooth = |t: f64| {
            let t = t.clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        let up = smooth((time - onset) / (apex - onset));
        let down = smooth((time - fading) / (gone - fading));
        (up * (1.0 - down)) as f32
    }

    /// The action units at a time: the expression, speech and blinking.
    pub fn action_units(&self, time: f64) -> ActionUnits {
        let mut units = self.peak.scaled(self.intensity(time));
        let (frequency, phase) = self.sway[5];
        let speech = (std::f64::consts::TAU * frequency * time + phase).sin().max(0.0) as f32;
        let mut rest = ActionUnits::default();
        rest.set(Au::LipsPart, 0.25 * self.unrest * speech);
        rest.set(Au::JawDrop, 0.10 * self.unrest * speech);
        let shut = self.blinks.iter().map(|blink| 1.0 - ((time - blink).abs() / LID).min(1.0)).fold(0.0, f64::max);
        rest.set(Au::EyesClosed, shut as f32);
        units = units.stronger(&rest);
        units
    }

    /// Frame number `number`, `size` pixels per side, with the true landmarks.
    pub fn frame(&self, number: usize, size: usize) -> Rendering {
        let time = number as f64 / self.rate;
        let mut scene = self.scene.clone();
        scene.face.action_units = self.action_units(time);
        let wave = |k: usize| {
            let (frequency, phase) = self.sway[k];
            self.unrest * (std::f64::consts::TAU * frequency * time + phase).sin() as f32
        };
        let pose = &mut scene.face.pose;
        pose.yaw += 0.10 * wave(0);
        pose.pitch += 0.07 * wave(1);
        pose.roll += 0.05 * wave(2);
        pose.shift = [pose.shift[0] + 0.05 * wave(3), pose.shift[1] + 0.04 * wave(4)];
        scene.key = ferrotype_base::random::mix(scene.key ^ number as u64);
        scene.render(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SyntheticClipsOptions {
        SyntheticClipsOptions { size: 64, ..SyntheticClipsOptions::default() }
    }

    #[test]
    fn expressions_come_stay_and_go() {
        for take in 0..20 {
            let p = Performance::new(&options(), take % 3, Expression::Surprise, take);
            let [onset, apex, fading, gone] = p.phases;
            assert!(onset < apex && apex <= fading && fading < gone);
            assert_eq!((p.intensity(0.0), p.intensity(onset)), (0.0, 0.0));
            assert!((p.intensity(apex) - 1.0).abs() < 1e-5 && (p.intensity(fading) - 1.0).abs() < 1e-5);
            assert!(p.intensity(gone + 0.01) < 1e-5);
            assert!(p.intensity((onset + apex) / 2.0) > 0.4);
            let wide = p.action_units(apex).both(Au::OuterBrow);
            assert!(wide > 0.3 && p.action_units(0.0).both(Au::OuterBrow) < 0.05, "{wide}");
            assert!((35..=64).contains(&p.frames), "{}", p.frames);
        }
    }

    #[test]
    fn frames_follow_from_their_numbers_and_move_a_little() {
        let p = Performance::new(&options(), 1, Expression::Happiness, 0);
        let same = Performance::new(&options(), 1, Expression::Happiness, 0);
        assert_eq!(p.frame(7, 64), same.frame(7, 64));
        let (a, b) = (p.frame(10, 64), p.frame(11, 64));
        assert_ne!(a.pixels, b.pixels);
        let moved = a.landmarks.iter().zip(&b.landmarks).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
        let moved = moved.fold(0.0f32, f32::max);
        assert!(moved > 0.0 && moved < 4.0, "{moved}");
        let other = Performance::new(&options(), 2, Expression::Happiness, 0);
        assert_ne!(other.frame(7, 64).pixels, p.frame(7, 64).pixels);
    }
}
