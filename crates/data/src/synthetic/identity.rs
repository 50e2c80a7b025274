//! What stays the same when a person's expression changes.

use ferrotype_base::random::Stream;

/// How the hair is worn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hair {
    /// None.
    Bald,
    /// Short, the forehead free.
    Short,
    /// Over the forehead.
    Fringe,
    /// Parted to one side.
    Parted,
    /// Down to the shoulders.
    Long,
}

/// What grows on chin and lip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beard {
    /// Nothing.
    None,
    /// A shadow.
    Stubble,
    /// Only over the lip.
    Moustache,
    /// Chin, jaw and lip.
    Full,
}

/// What is worn before the eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glasses {
    /// Nothing.
    None,
    /// A thin rim.
    Thin,
    /// A dark, thick rim.
    Thick,
}

/// A person. Factors are relative to an average face; tones are 0 (black) to 1 (white).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Identity {
    /// Width of the head.
    pub width: f32,
    /// Squareness of the jaw: 0 pointed to 1 square.
    pub jaw: f32,
    /// Length of the chin.
    pub chin: f32,
    /// Tone of the skin.
    pub skin: f32,
    /// Tone of hair and beard.
    pub hair_tone: f32,
    pub hair: Hair,
    /// Thickness of the brows.
    pub brow_thickness: f32,
    /// Height of the brows over the eyes, in face units (half the head's height is 1).
    pub brow_height: f32,
    /// Arch of the brows.
    pub brow_arch: f32,
    /// Size of the eyes.
    pub eye_size: f32,
    /// How open the eyes are at rest.
    pub eye_open: f32,
    /// Distance of the eyes.
    pub eye_gap: f32,
    /// How far the outer corners stand over the inner, in face units.
    pub eye_tilt: f32,
    /// Tone of the iris.
    pub iris: f32,
    /// Width of the nose.
    pub nose_width: f32,
    /// Length of the nose.
    pub nose_length: f32,
    /// Width of the mouth.
    pub mouth: f32,
    /// Fullness of the lips.
    pub lips: f32,
    /// Lines of the skin at rest, 0 to 1.
    pub age: f32,
    pub glasses: Glasses,
    pub beard: Beard,
}

impl Identity {
    /// An average face.
    pub fn average() -> Self {
        Self {
            width: 1.0,
            jaw: 0.5,
            chin: 1.0,
            skin: 0.68,
            hair_tone: 0.16,
            hair: Hair::Short,
            brow_thickness: 1.0,
            brow_height: 0.22,
            brow_arch: 1.0,
            eye_size: 1.0,
            eye_open: 1.0,
            eye_gap: 1.0,
            eye_tilt: 0.01,
            iris: 0.2,
            nose_width: 1.0,
            nose_length: 1.0,
            mouth: 1.0,
            lips: 1.0,
            age: 0.2,
            glasses: Glasses::None,
            beard: Beard::None,
        }
    }

    /// A random person.
    pub fn random(choice: &mut Stream) -> Self {
        let mut near_one = |spread: f32| 1.0 + spread * (choice.normal() as f32).clamp(-2.0, 2.0) / 2.0;
        let mut person = Self {
            width: near_one(0.10),
            chin: near_one(0.06),
            brow_thickness: near_one(0.35),
            brow_arch: near_one(0.5),
            eye_size: near_one(0.12),
            eye_open: near_one(0.18),
            eye_gap: near_one(0.08),
            nose_width: near_one(0.18),
            nose_length: near_one(0.10),
            mouth: near_one(0.13),
            lips: near_one(0.32),
            ..Self::average()
        };
        person.jaw = choice.uniform(0.0, 1.0);
        person.brow_height = choice.uniform(0.19, 0.26);
        person.eye_tilt = choice.uniform(-0.02, 0.035);
        person.skin = choice.uniform(0.36, 0.84);
        person.age = choice.uniform(0.0, 1.0).powi(2);
        person.iris = choice.uniform(0.08, if person.skin > 0.6 { 0.42 } else { 0.2 });
        // Light hair is rarer, and grey comes with age.
        let lightest = if person.age > 0.6 { 0.8 } else { 0.5 * person.skin };
        person.hair_tone = 0.05 + (lightest - 0.05) * choice.unit().powi(2) as f32;
        person.hair = [Hair::Short, Hair::Fringe, Hair::Parted, Hair::Long, Hair::Long, Hair::Bald][choice.below(6)];
        person.glasses = match choice.below(20) {
            0..=2 => Glasses::Thin,
            3 => Glasses::Thick,
            _ => Glasses::None,
        };
        person.beard = match (person.hair, choice.below(10)) {
            (Hair::Long, _) => Beard::None,
            (_, 0) => Beard::Full,
            (_, 1) => Beard::Moustache,
            (_, 2 | 3) => Beard::Stubble,
            _ => Beard::None,
        };
        person
    }
}
