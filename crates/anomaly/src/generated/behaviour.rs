//! How a person behaves when nothing is wrong: as a function of time, made of a script of spans.

use ferrotype_base::random::Stream;
use ferrotype_data::synthetic::{ActionUnits, Au, Expression};

/// A person's manner.
#[derive(Clone, Debug)]
pub struct Person {
    /// Intensities at rest.
    rest: ActionUnits,
    /// Syllables per second.
    syllables: f32,
    /// How far the jaw drops.
    articulation: f32,
    /// Seconds between two blinks, on average.
    blink_pause: f32,
    /// The expression that is shown in a friendly moment: the only one of this person.
    habit: ActionUnits,
    /// The side that this face uses a little more, and by how much.
    side: usize,
    lopsided: f32,
}

/// Something that lasts from one time to another.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: f64,
    pub end: f64,
    /// 0 to 1.
    pub strength: f32,
}

impl Span {
    /// 0 outside, rising and falling smoothly within the given seconds at the edges, 1 between.
    pub fn envelope(&self, t: f64, edge: f64) -> f32 {
        let edge = edge.min((self.end - self.start) / 2.0).max(1e-9);
        let x = ((t - self.start).min(self.end - t) / edge).clamp(0.0, 1.0);
        (x * x * (3.0 - 2.0 * x)) as f32
    }
}

/// What the person does when.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub talking: Vec<Span>,
    blinks: Vec<Span>,
    emphases: Vec<Span>,
    smiles: Vec<Span>,
    /// Strength of each syllable in order, and what the mouth does in it.
    syllables: Vec<(f32, f32)>,
}

impl Person {
    pub fn random(s: &mut Stream) -> Self {
        let mut rest = ActionUnits::default();
        for au in Au::ALL.into_iter().filter(|&au| au != Au::EyesClosed) {
            rest.set(au, 0.12 * (s.unit() as f32).powi(2));
        }
        let side = s.below(2);
        Self {
            rest,
            syllables: s.uniform(3.2, 5.2),
            articulation: s.uniform(0.35, 0.65),
            blink_pause: s.uniform(2.5, 5.0),
            habit: Expression::Happiness.action_units(side).scaled(s.uniform(0.35, 0.6)),
            side,
            lopsided: s.uniform(0.02, 0.12),
        }
    }

    /// What happens in so many seconds.
    pub fn script(&self, seconds: f64, s: &mut Stream) -> Script {
        let mut script = Script::default();
        let mut t = f64::from(s.uniform(0.5, 1.5));
        while t < seconds {
            let end = (t + f64::from(s.uniform(4.0, 10.0))).min(seconds);
            script.talking.push(Span { start: t, end, strength: s.uniform(0.75, 1.0) });
            t = end + f64::from(s.uniform(1.0, 3.0));
        }
        script.blinks = spans(seconds, (0.4 * self.blink_pause, 1.6 * self.blink_pause), (0.18, 0.3), (0.95, 1.0), s);
        script.emphases = spans(seconds, (2.0, 7.0), (0.4, 0.9), (0.25, 0.6), s);
        script.smiles = spans(seconds, (6.0, 16.0), (1.2, 3.0), (0.5, 1.0), s);
        let count = (seconds * f64::from(self.syllables)) as usize + 2;
        script.syllables = (0..count).map(|_| (s.uniform(0.4, 1.0), s.unit() as f32)).collect();
        script
    }

    /// The face at a time.
    pub fn face(&self, script: &Script, t: f64) -> ActionUnits {
        let mut face = self.rest;
        let mut show = |units: ActionUnits| face = face.stronger(&units);
        for span in at(&script.talking, t) {
            show(self.speech(script, t).scaled(span.strength * span.envelope(t, 0.25)));
        }
        for span in at(&script.emphases, t) {
            let mut brows = ActionUnits::default();
            brows.set(Au::InnerBrow, span.strength);
            brows.set(Au::OuterBrow, 0.9 * span.strength);
            show(brows.scaled(span.envelope(t, 0.2)));
        }
        for span in at(&script.smiles, t) {
            show(self.habit.scaled(span.strength * span.envelope(t, 0.5)));
        }
        for span in at(&script.blinks, t) {
            let mut lids = ActionUnits::default();
            lids.set(Au::EyesClosed, span.strength * span.envelope(t, 0.1));
            show(lids);
        }
        self.one_sided(face)
    }

    /// The mouth of the syllable that is spoken: opening, and rounded or stretched lips.
    fn speech(&self, script: &Script, t: f64) -> ActionUnits {
        let place = t * f64::from(self.syllables);
        let phase = (place.fract() * std::f64::consts::PI).sin() as f32;
        let (strength, vowel) = script.syllables[(place as usize).min(script.syllables.len() - 1)];
        let open = self.articulation * strength * phase;
        let mut units = ActionUnits::default();
        units.set(Au::JawDrop, open);
        units.set(Au::LipsPart, 0.35 + 0.5 * phase * strength);
        units.set(Au::LipStretch, 0.45 * vowel * phase * strength);
        units.set(Au::LipTight, 0.35 * (1.0 - vowel) * phase * strength);
        units.set(Au::LowerLip, 0.3 * open);
        units.set(Au::Chin, 0.25 * (1.0 - phase) * strength);
        units
    }

    fn one_sided(&self, face: ActionUnits) -> ActionUnits {
        let mut out = face;
        for au in Au::ALL.into_iter().filter(|&au| au != Au::EyesClosed) {
            out.set_side(au, self.side, face.side(au, self.side) * (1.0 + self.lopsided));
        }
        out
    }
}

/// Spans one after another: pause, length and strength drawn from ranges.
fn spans(seconds: f64, pause: (f32, f32), length: (f32, f32), strength: (f32, f32), s: &mut Stream) -> Vec<Span> {
    let mut all = Vec::new();
    let mut t = f64::from(s.uniform(pause.0, pause.1));
    while t < seconds {
        let end = t + f64::from(s.uniform(length.0, length.1));
        all.push(Span { start: t, end, strength: s.uniform(strength.0, strength.1) });
        t = end + f64::from(s.uniform(pause.0, pause.1));
    }
    all
}

/// The spans that hold a time.
pub fn at(spans: &[Span], t: f64) -> impl Iterator<Item = &Span> {
    // Spans follow each other, so at most one does.
    let after = spans.partition_point(|span| span.start <= t);
    spans[..after].last().filter(|span| t < span.end).into_iter()
}
