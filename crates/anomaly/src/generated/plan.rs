//! Injected anomalies: when, of which kind, and what they do to the face.

use super::behaviour::{Script, Span, at};
use super::{AnomalyKind, GeneratedOptions};
use ferrotype_base::random::Stream;
use ferrotype_data::synthetic::{ActionUnits, Au, Expression};

/// Expressions that the person does not show otherwise.
const FOREIGN: [Expression; 4] = [Expression::Disgust, Expression::Anger, Expression::Fear, Expression::Sadness];
/// Smallest pause between two anomalies, where the clip has the room.
const PAUSE: f64 = 2.5;
/// Places that are tried before an anomaly is put where there is less room.
const TRIES: usize = 200;

/// An injected anomaly.
#[derive(Clone, Copy, Debug)]
pub struct Injected {
    /// Its kind.
    pub kind: AnomalyKind,
    /// When, and how strong.
    pub span: Span,
    /// What is shown at the apex.
    units: ActionUnits,
}

impl Injected {
    /// Whether the anomaly is there at a time.
    pub fn covers(&self, t: f64) -> bool {
        (self.span.start..self.span.end).contains(&t)
    }
}

/// Draws all anomalies, in order of time and apart from each other.
pub fn inject(options: &GeneratedOptions, script: &Script, s: &mut Stream) -> Vec<Injected> {
    let mut all: Vec<Injected> = Vec::new();
    for i in 0..options.anomalies {
        let kind = options.kinds[i % options.kinds.len()];
        let side = s.below(2);
        let (length, strength, units) = match kind {
            AnomalyKind::Foreign => {
                let expression = FOREIGN[s.below(FOREIGN.len())];
                (s.uniform(0.8, 2.0), s.uniform(0.85, 1.0), expression.action_units(side))
            }
            AnomalyKind::Freeze => (s.uniform(1.0, 2.5), 1.0, ActionUnits::default()),
            AnomalyKind::Flash => (s.uniform(0.04, 0.2), s.uniform(0.85, 1.0), flash(side, s)),
        };
        // A flash shorter than a frame would be seen in none.
        let length = f64::from(length).max(1.0 / options.rate);
        let start = place(options, script, &all, kind, length, s);
        let strength = strength * options.strength as f32;
        all.push(Injected { kind, span: Span { start, end: start + length, strength }, units });
    }
    all.sort_by(|a, b| a.span.start.total_cmp(&b.span.start));
    all
}

/// A one-sided pull of the lip corner or brow.
fn flash(side: usize, s: &mut Stream) -> ActionUnits {
    let choices: [&[Au]; 3] =
        [&[Au::CornerPull, Au::Dimple], &[Au::UpperLip, Au::NoseWrinkle], &[Au::OuterBrow, Au::UpperLid]];
    let mut units = ActionUnits::default();
    choices[s.below(choices.len())].iter().for_each(|&au| units.set_side(au, side, 1.0));
    units
}

/// A free place: on the frame grid, apart from the others, and within talking for a freeze.
fn place(
    options: &GeneratedOptions,
    script: &Script,
    others: &[Injected],
    kind: AnomalyKind,
    length: f64,
    s: &mut Stream,
) -> f64 {
    let room = (options.seconds - length - 2.0).max(0.0);
    let mut best = (f64::NEG_INFINITY, 0.0);
    for _ in 0..TRIES {
        let start = ((1.0 + room * s.unit()) * options.rate).floor() / options.rate;
        let apart = |p: &Injected| (start - p.span.end).max(p.span.start - (start + length));
        let mut distance = others.iter().map(apart).fold(PAUSE, f64::min);
        let speaks = |t: f64| at(&script.talking, t).next().is_some();
        if kind == AnomalyKind::Freeze && !(speaks(start) && speaks(start + length)) {
            distance -= PAUSE / 2.0;
        }
        if distance > best.0 {
            best = (distance, start);
        }
        if best.0 >= PAUSE {
            break;
        }
    }
    best.1
}

/// The face at a time with what is injected there.
pub fn apply(injected: &[Injected], t: f64, usual: impl Fn(f64) -> ActionUnits) -> ActionUnits {
    let Some(p) = injected.iter().find(|p| p.covers(t)) else { return usual(t) };
    match p.kind {
        AnomalyKind::Freeze => usual(p.span.start),
        AnomalyKind::Foreign => {
            usual(t).stronger(&p.units.scaled(p.span.strength * p.span.envelope(t, 0.35).max(0.05)))
        }
        // Too short for a rise and a fall that frames could show.
        AnomalyKind::Flash => usual(t).stronger(&p.units.scaled(p.span.strength)),
    }
}
