//! Typed targets of drawn faces: which action units are there and how strongly, and the valence and arousal of what is
//! shown. All are what the generator drew the face from, not what anybody saw in it.

use ferrotype_base::targets::TargetKind;

use super::Sample;
use super::action_units::{Au, Expression};
use crate::targets::{TargetGroup, Targets};

/// Steps of FACS' scale of intensity: 1 is A (trace), 5 is E (maximum).
const STEPS: f32 = 5.0;
/// An action unit is there from this step on.
const THERE: f32 = 1.0;

impl Au {
    /// The name in tables: `AU01`.
    pub fn label(self) -> String {
        format!("AU{:02}", self.number())
    }
}

impl Expression {
    /// Valence and arousal at full strength, -1 to 1: places on Russell's circumplex (1980) of the generator's own choice.
    pub fn valence_arousal(self) -> [f32; 2] {
        [[0.0, 0.0], [0.85, 0.4], [0.2, 0.85], [-0.7, -0.4], [-0.6, 0.7], [-0.75, 0.25], [-0.55, 0.8], [-0.45, 0.1]]
            [self as usize]
    }
}

/// Valence and arousal of a sample: those of its expressions, weighed as they are blended, at their strength.
fn valence_arousal(sample: &Sample) -> [f32; 2] {
    let i = &sample.impression;
    let (main, second) = (i.main.valence_arousal(), i.second.valence_arousal());
    [0, 1].map(|axis| i.strength * (main[axis] + i.blend * second[axis]) / (1.0 + i.blend))
}

/// The groups `au_occurrence` (0 or 1 of each action unit), `au_intensity` (0 to 5) and `valence_arousal` (-1 to 1). Of an
/// action unit that differs between the sides of the face, the intensity is the mean of both.
pub(super) fn targets(samples: &[Sample]) -> Targets {
    let units: Vec<String> = Au::ALL.iter().map(|unit| unit.label()).collect();
    let group = |name: &str, kind, columns| TargetGroup { name: name.into(), kind, columns };
    let continuous = |units: &str, range| TargetKind::Continuous { units: units.into(), range };
    let groups = vec![
        group("au_occurrence", TargetKind::Labels, units.clone()),
        group("au_intensity", continuous("FACS steps", [0.0, STEPS]), units),
        group("valence_arousal", continuous("", [-1.0, 1.0]), vec!["valence".into(), "arousal".into()]),
    ];
    let mut targets = Targets { groups, ..Targets::default() };
    for sample in samples {
        let steps = Au::ALL.map(|unit| STEPS * sample.scene.face.action_units.both(unit));
        steps.iter().for_each(|&step| targets.push(Some(f32::from(step >= THERE))));
        steps.iter().for_each(|&step| targets.push(Some(step)));
        valence_arousal(sample).iter().for_each(|&v| targets.push(Some(v)));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::options::SyntheticOptions;

    #[test]
    fn targets_are_those_that_faces_are_drawn_from() {
        let options = SyntheticOptions { count: 400, ..SyntheticOptions::default() };
        let samples: Vec<Sample> = (0..400).map(|row| sample(&options, row)).collect();
        let targets = targets(&samples);
        targets.check(400).unwrap();
        let (_, intensity) = targets.group("au_intensity").unwrap();
        let (_, affect) = targets.group("valence_arousal").unwrap();
        let at = |row: usize, place: usize| targets.values[row * targets.width() + place];
        for (row, sample) in samples.iter().enumerate() {
            let corner = Au::CornerPull as usize;
            assert_eq!(at(row, corner), f32::from(at(row, intensity + corner) >= 1.0));
            assert_eq!(at(row, intensity + corner), 5.0 * sample.scene.face.action_units.both(Au::CornerPull));
            match sample.impression.main {
                Expression::Neutral => assert_eq!([at(row, affect), at(row, affect + 1)], [0.0, 0.0]),
                Expression::Happiness if sample.impression.blend == 0.0 => assert!(at(row, affect) > 0.2),
                Expression::Anger if sample.impression.blend == 0.0 => assert!(at(row, affect) < -0.1),
                _ => {}
            }
        }
        // Every action unit is there in some faces and not in others.
        for unit in 0..Au::ALL.len() {
            let there = (0..400).filter(|&row| at(row, unit) == 1.0).count();
            assert!(unit == Au::EyesClosed as usize || (1..400).contains(&there), "{:?}: {there}", Au::ALL[unit]);
        }
    }
}
