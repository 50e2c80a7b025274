//! Drawn micro-expressions: a face at rest, brief and weak action units, and rest again; onset, apex and offset are known.

use super::action_units::{ActionUnits, Au, Expression};
use super::scene::Scene;
use super::{Kind, Rendering};
use crate::options::SyntheticMicroOptions;
use ferrotype_base::random::{Purpose, Stream, mix};

/// Frames per second of CASME II and SAMM.
pub const RATE: f64 = 200.0;

/// The emotions that are drawn, with their class in MEGC 2019's order. Each take of the class `negative` shows another one.
const NEGATIVE: [Expression; 4] = [Expression::Disgust, Expression::Sadness, Expression::Anger, Expression::Fear];

/// A person who shows a micro-expression.
#[derive(Clone, Debug)]
pub struct MicroPerformance {
    /// The person's number, from 0.
    pub subject: usize,
    /// What is shown.
    pub expression: Expression,
    /// 0 negative, 1 positive, 2 surprise.
    pub class: i16,
    /// The number of the first frame, as cameras count that have been running for a while.
    pub first: u32,
    /// The last frame at rest: the movement begins.
    pub onset: u32,
    /// The frame where it is strongest.
    pub apex: u32,
    /// The first frame at rest again.
    pub offset: u32,
    /// The number of the last frame.
    pub last: u32,
    scene: Scene,
    rest: ActionUnits,
    peak: ActionUnits,
    /// Frequency in Hz and phase of the head's movements: yaw, pitch, roll, shift across, shift along.
    sway: [(f64, f64); 5],
    /// How far they go.
    unrest: f32,
}

impl MicroPerformance {
    /// Take number `take` of a class by a person: every choice follows from the options' seed and these numbers.
    pub fn new(options: &SyntheticMicroOptions, subject: usize, class: i16, take: usize) -> Self {
        let expression = match class {
            0 => NEGATIVE[(subject + take) % NEGATIVE.len()],
            1 => Expression::Happiness,
            _ => Expression::Surprise,
        };
        let person_key = [Kind::Identity as u64, subject as u64];
        let person = super::Identity::random(&mut Stream::of(options.seed, Purpose::Synthesis, &person_key));
        let key = [Kind::Micro as u64, subject as u64, class as u64, take as u64];
        let mut choice = Stream::of(options.seed, Purpose::Synthesis, &key);
        let strength = (options.intensity * choice.uniform(0.7, 1.3)).min(1.0);
        let full = expression.action_units(choice.below(2));
        let (mut rest, mut peak) = (ActionUnits::default(), ActionUnits::default());
        for unit in Au::ALL {
            // Not every unit to the same degree, and some not at all: people show parts of an expression.
            let degree = if choice.chance(0.15) { 0.0 } else { strength * choice.uniform(0.7, 1.2) };
            let still = if unit == Au::EyesClosed { 0.0 } else { 0.10 * choice.unit().powi(3) as f32 };
            for side in 0..2 {
                rest.set_side(unit, side, still);
                peak.set_side(unit, side, full.side(unit, side) * degree);
            }
        }
        let mut scene = Scene::random(person, ActionUnits::default(), options.nuisance, &mut choice);
        scene.occluder = None;
        scene.noise *= 0.3;
        scene.face.pose.scale *= 0.72;
        // A micro-expression lasts half a second at most: 100 frames.
        let mut count = |low: usize, high: usize| (low + choice.below(high - low + 1)) as u32;
        let first = count(1, 60);
        let onset = first + count(3, 12);
        let apex = onset + count(10, 32);
        let offset = apex + count(14, 44);
        let last = offset + count(2, 10);
        let mut wave =
            |low: f32, high: f32| (f64::from(choice.uniform(low, high)), std::f64::consts::TAU * choice.unit());
        let sway = [wave(0.1, 0.5), wave(0.1, 0.5), wave(0.1, 0.4), wave(0.1, 0.4), wave(0.1, 0.4)];
        let unrest = options.nuisance;
        Self { subject, expression, class, first, onset, apex, offset, last, scene, rest, peak, sway, unrest }
    }

    /// How full the expression is in a frame, 0 to 1: 0 up to the onset and from the offset on, 1 at the apex.
    pub fn intensity(&self, number: u32) -> f32 {
        let smooth = |from: u32, to: u32| {
            let t = (f64::from(number) - f64::from(from)) / (f64::from(to) - f64::from(from));
            let t = t.clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        (smooth(self.onset, self.apex) * (1.0 - smooth(self.apex, self.offset))) as f32
    }

    /// A frame, `size` pixels per side, with the true landmarks.
    pub fn frame(&self, number: u32, size: usize) -> Rendering {
        let time = f64::from(number - self.first) / RATE;
        let mut scene = self.scene.clone();
        scene.face.action_units = self.rest.stronger(&self.peak.scaled(self.intensity(number)));
        let wave = |k: usize| {
            let (frequency, phase) = self.sway[k];
            self.unrest * (std::f64::consts::TAU * frequency * time + phase).sin() as f32
        };
        let pose = &mut scene.face.pose;
        pose.yaw += 0.05 * wave(0);
        pose.pitch += 0.04 * wave(1);
        pose.roll += 0.03 * wave(2);
        pose.shift = [pose.shift[0] + 0.02 * wave(3), pose.shift[1] + 0.02 * wave(4)];
        scene.key = mix(scene.key ^ u64::from(number));
        scene.render(size)
    }

    /// The action units that are moved, strongest first, with their intensities at the apex.
    pub fn units(&self) -> Vec<(Au, f32)> {
        let mut units: Vec<(Au, f32)> =
            Au::ALL.into_iter().map(|u| (u, self.peak.both(u))).filter(|(_, v)| *v > 0.0).collect();
        units.sort_by(|a, b| b.1.total_cmp(&a.1));
        units
    }
}

/// All performances: of each subject every class `clips` times.
pub fn performances(options: &SyntheticMicroOptions) -> Vec<MicroPerformance> {
    let of = |subject: usize| {
        (0..3i16).flat_map(move |class| {
            (0..options.clips).map(move |take| MicroPerformance::new(options, subject, class, take))
        })
    };
    (0..options.subjects).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SyntheticMicroOptions {
        SyntheticMicroOptions { subjects: 3, clips: 2, size: 96, ..SyntheticMicroOptions::default() }
    }

    #[test]
    fn expressions_are_brief_weak_and_where_they_are_said_to_be() {
        let all = performances(&options());
        assert_eq!(all.len(), 18);
        for p in &all {
            assert!(p.first < p.onset && p.onset < p.apex && p.apex < p.offset && p.offset < p.last);
            assert!(p.offset - p.onset <= 100, "longer than half a second");
            assert_eq!((p.intensity(p.first), p.intensity(p.onset), p.intensity(p.apex)), (0.0, 0.0, 1.0));
            assert_eq!((p.intensity(p.offset), p.intensity(p.last)), (0.0, 0.0));
            assert!((p.onset + 1..p.offset).all(|n| p.intensity(n) > 0.0));
            let strongest = p.units()[0].1;
            assert!((0.1..0.5).contains(&strongest), "{strongest}");
        }
        let classes: Vec<i16> = all[..6].iter().map(|p| p.class).collect();
        assert_eq!(classes, [0, 0, 1, 1, 2, 2]);
        assert_ne!(all[0].expression, all[1].expression);
    }

    #[test]
    fn frames_follow_from_their_numbers() {
        let p = MicroPerformance::new(&options(), 1, 1, 0);
        let same = MicroPerformance::new(&options(), 1, 1, 0);
        assert_eq!(p.frame(p.apex, 96), same.frame(p.apex, 96));
        let (onset, apex) = (p.frame(p.onset, 96), p.frame(p.apex, 96));
        let moved = onset.landmarks.iter().zip(&apex.landmarks).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
        let moved = moved.fold(0.0f32, f32::max);
        assert!(moved > 0.2 && moved < 6.0, "{moved}");
        let other = MicroPerformance::new(&options(), 2, 1, 0);
        assert_ne!(other.frame(other.onset, 96).pixels, onset.pixels);
    }
}
