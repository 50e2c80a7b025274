//! A synthetic face whose anomalies are known: intensities of action units on both sides of the face, frame by frame.
//!
//! The person talks and rests in turn, blinks, raises the brows for emphasis and smiles now and then, each in a manner of
//! their own. Into that are injected expressions that the person never shows otherwise, moments in which the face stands
//! still in the midst of talking, and one-sided twitches as short as micro-expressions. A benchmark of detectors, not a
//! model of people.

mod behaviour;
pub mod film;
mod plan;

use super::options::{AnomalyKind, GeneratedOptions};
use super::table::{Column, ColumnKind, FeatureTable};
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_data::synthetic::{ActionUnits, Au};

use behaviour::Person;
pub use plan::Injected;

/// The kinds of choices of [`Purpose::Synthesis`] here: the first index of their keys, apart from those of synthetic faces.
#[derive(Clone, Copy)]
enum Choice {
    Person = 100,
    Behaviour = 101,
    Plan = 102,
    Noise = 103,
    Film = 104,
}

/// What the face does in each frame, and what was injected.
#[derive(Clone, Debug)]
pub struct Performance {
    /// Seconds of each frame.
    pub times: Vec<f64>,
    /// The face in each frame.
    pub units: Vec<ActionUnits>,
    /// What was injected, in order of time.
    pub injected: Vec<Injected>,
}

impl Performance {
    /// The kind injected in each frame; empty where there is none.
    pub fn truth(&self) -> Vec<String> {
        let kind = |t: f64| self.injected.iter().find(|p| p.covers(t)).map_or("", |p| p.kind.name()).to_owned();
        self.times.iter().map(|&t| kind(t)).collect()
    }
}

/// Lets a person perform. The same options and seed give the same performance.
pub fn perform(options: &GeneratedOptions, seed: u64) -> Performance {
    let key = |choice: Choice| Stream::of(seed, Purpose::Synthesis, &[choice as u64, options.seed]);
    let frames = ((options.seconds * options.rate).round() as usize).max(1);
    let times: Vec<f64> = (0..frames).map(|i| i as f64 / options.rate).collect();
    let person = Person::random(&mut key(Choice::Person));
    let script = person.script(options.seconds, &mut key(Choice::Behaviour));
    let injected = plan::inject(options, &script, &mut key(Choice::Plan));
    let units = times.iter().map(|&t| plan::apply(&injected, t, |t| person.face(&script, t))).collect();
    Performance { times, units, injected }
}

/// The features of a performance: every action unit on both sides, as measured with noise.
pub fn generate(options: &GeneratedOptions, seed: u64) -> FeatureTable {
    let performance = perform(options, seed);
    let mut noise = Stream::of(seed, Purpose::Synthesis, &[Choice::Noise as u64, options.seed]);
    let columns: Vec<Column> = Au::ALL
        .iter()
        .flat_map(|au| ["L", "R"].map(|side| format!("AU{:02}_{side}", au.number())))
        .map(|name| Column { name, kind: ColumnKind::Feature })
        .collect();
    // A tracker's errors are alike from frame to frame.
    let mut drift = vec![0.0; columns.len()];
    let mut values = Vec::with_capacity(performance.units.len() * columns.len());
    for units in &performance.units {
        for (i, drift) in drift.iter_mut().enumerate() {
            *drift = 0.6 * *drift + 0.8 * options.noise * noise.normal();
            values.push(units.side(Au::ALL[i / 2], i % 2) + *drift as f32);
        }
    }
    FeatureTable {
        frames: (0..performance.times.len() as u64).collect(),
        truth: Some(performance.truth()),
        times: performance.times,
        columns,
        values,
        faces: None,
        synthetic: true,
        lost: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::measures::injected;
    use super::*;

    fn options() -> GeneratedOptions {
        GeneratedOptions { seconds: 60.0, anomalies: 6, ..GeneratedOptions::default() }
    }

    #[test]
    fn everything_asked_for_is_planted() {
        for seed in 0..5 {
            let table = generate(&options(), seed);
            table.check().unwrap();
            assert_eq!((table.len(), table.columns.len()), (1500, 36));
            let all = injected(table.truth.as_ref().unwrap());
            assert_eq!(all.len(), 6, "seed {seed}: {all:?}");
            for kind in AnomalyKind::ALL {
                let of: Vec<_> = all.iter().filter(|p| p.kind == kind.name()).collect();
                assert_eq!(of.len(), 2);
                for p in of {
                    let seconds = (p.last - p.first + 1) as f64 / 25.0;
                    let (low, high) = match kind {
                        AnomalyKind::Foreign => (0.5, 2.5),
                        AnomalyKind::Freeze => (0.8, 2.6),
                        AnomalyKind::Flash => (0.03, 0.25),
                    };
                    assert!((low..=high).contains(&seconds), "{kind:?} {seconds} s");
                }
            }
        }
    }

    #[test]
    fn seeds_fix_the_performance() {
        assert_eq!(generate(&options(), 3), generate(&options(), 3));
        assert_ne!(generate(&options(), 3).values, generate(&options(), 4).values);
        let other = GeneratedOptions { seed: 9, ..options() };
        assert_ne!(generate(&options(), 3).values, generate(&other, 3).values);
    }

    #[test]
    fn the_anomalies_are_what_they_are_called() {
        let clean = GeneratedOptions { noise: 0.0, ..options() };
        let (performance, normal) =
            (perform(&clean, 1), perform(&GeneratedOptions { anomalies: 0, ..clean.clone() }, 1));
        let truth = performance.truth();
        for (i, kind) in truth.iter().enumerate() {
            let (now, usual) = (&performance.units[i], &normal.units[i]);
            match kind.as_str() {
                "" => assert_eq!(now, usual, "frame {i}"),
                "freeze" if truth[i - 1] == "freeze" => assert_eq!(now, &performance.units[i - 1], "frame {i}"),
                _ => {}
            }
        }
        let lopsided =
            |u: &ActionUnits| Au::ALL.iter().map(|&a| (u.side(a, 0) - u.side(a, 1)).abs()).fold(0.0, f32::max);
        let most = |kind: &str| {
            truth
                .iter()
                .zip(&performance.units)
                .filter(|(k, _)| *k == kind)
                .map(|(_, u)| lopsided(u))
                .fold(0.0, f32::max)
        };
        assert!(most("flash") > 2.0 * most(""), "{} {}", most("flash"), most(""));
    }
}
