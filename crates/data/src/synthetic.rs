//! Synthetic faces: a dataset that needs no data.
//!
//! A face is drawn from a person ([`Identity`]), facial action units ([`ActionUnits`]), a pose and a light; a [`Scene`] puts
//! it into a picture; a synthetic [crowd] votes on it. [`generate`] makes a whole dataset in the form of FER+. Each
//! row is a function of the options and its number alone. The faces are caricatures: a score on them says that a program
//! works, and nothing about people.

pub mod action_units;
mod affect;
pub mod anatomy;
pub mod canvas;
pub mod clip;
pub mod crowd;
pub mod face;
mod features;
mod hair;
pub mod identity;
pub mod micro;
mod mouth;
pub mod scene;
mod skin;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail};

use super::face_set::{FaceSet, Images, Provenance, Split, Votes};
use super::options::SyntheticOptions;
use super::progress::Work;
use ferrotype_base::random::{Purpose, Stream};

pub use action_units::{ActionUnits, Au, Expression};
pub use clip::Performance;
pub use crowd::Impression;
pub use face::{Camera, Face, Light, Pose, Rendering};
pub use identity::Identity;
pub use micro::MicroPerformance;
pub use scene::Scene;

/// How often each expression is the main one, in percent, in FER+'s order: as uneven as FER+, with somewhat more of the
/// rare ones.
const FREQUENCIES: [f32; 8] = [27.0, 23.0, 12.0, 12.0, 10.0, 5.0, 6.0, 5.0];

/// The kinds of choices of [`Purpose::Synthesis`]: the first index of their keys.
#[derive(Clone, Copy)]
enum Kind {
    Row = 0,
    Identity = 1,
    Split = 2,
    Clip = 3,
    Micro = 5,
}

/// What is drawn in one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The picture to draw.
    pub scene: Scene,
    /// What there is to see in it.
    pub impression: Impression,
    /// Vote counts in the order of [`crowd::COLUMNS`].
    pub votes: [u8; 10],
    /// The person's number.
    pub identity: usize,
}

/// Makes a dataset: pictures, the eight classes of FER+ (the label is the expression that was drawn the stronger), votes,
/// subjects, and a division of 80, 10 and 10 % of the subjects into training, validation and test set.
pub fn generate(options: &SyntheticOptions) -> Result<FaceSet> {
    check(options)?;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(options.count);
    let rows: Vec<usize> = (0..options.count).collect();
    let mut pixels = vec![0; options.count * options.size * options.size];
    let mut samples: Vec<Sample> = Vec::with_capacity(options.count);
    let per_thread = options.count.div_ceil(threads);
    let work = Work::begin("pictures", 0, options.count);
    std::thread::scope(|scope| -> Result<()> {
        let parts = rows.chunks(per_thread).zip(pixels.chunks_mut(per_thread * options.size * options.size));
        let working: Vec<_> =
            parts.map(|(rows, pixels)| scope.spawn(|| draw_rows(options, rows, pixels, &work))).collect();
        for part in working {
            let Ok(part) = part.join() else { bail!("drawing the synthetic faces failed: a thread panicked") };
            samples.extend(part);
        }
        Ok(())
    })?;
    Ok(assemble(options, pixels, &samples))
}

fn draw_rows(options: &SyntheticOptions, rows: &[usize], pixels: &mut [u8], work: &Work) -> Vec<Sample> {
    let place = pixels.chunks_exact_mut(options.size * options.size);
    rows.iter()
        .zip(place)
        .map(|(&row, place)| {
            let sample = sample(options, row);
            place.copy_from_slice(&sample.scene.render(options.size).pixels);
            work.add(1);
            sample
        })
        .collect()
}

fn check(options: &SyntheticOptions) -> Result<()> {
    if options.count == 0 || options.count > 10_000_000 {
        bail!("synthetic.count is {}: give 1 to 10000000 faces", options.count);
    }
    if !(16..=1024).contains(&options.size) {
        bail!("synthetic.size is {}: faces are drawn on 16 to 1024 pixels per side", options.size);
    }
    if options.identities < 3 || options.identities > u32::MAX as usize {
        bail!("synthetic.identities is {}: three sets without a common subject need at least 3", options.identities);
    }
    for (name, value) in [("intensity", options.intensity), ("nuisance", options.nuisance)] {
        if !(0.0..=1.0).contains(&value) {
            bail!("synthetic.{name} is {value}: it must be from 0 to 1");
        }
    }
    Ok(())
}

/// Chooses what row number `row` shows. The options must be those that [`generate`] accepts.
pub fn sample(options: &SyntheticOptions, row: usize) -> Sample {
    let identity = row % options.identities;
    let mut choice = Stream::of(options.seed, Purpose::Synthesis, &[Kind::Row as u64, row as u64]);
    let person = person(options, identity);
    let main = draw_expression(&mut choice);
    let second = draw_expression(&mut choice);
    let blended = choice.chance(0.4) && second != main && main != Expression::Neutral && second != Expression::Neutral;
    let blend = if blended { choice.uniform(0.3, 0.85) } else { 0.0 };
    let strength = (options.intensity * choice.uniform(0.45, 1.25)).min(1.0);
    let units = action_units(main, second, blend, strength, &mut choice);
    let scene = Scene::random(person, units, options.nuisance, &mut choice);
    let impression = Impression { main, second, blend, strength, visible: scene.visible() };
    let votes = impression.votes(&mut choice);
    Sample { scene, impression, votes, identity }
}

/// Person number `identity`.
pub fn person(options: &SyntheticOptions, identity: usize) -> Identity {
    Identity::random(&mut Stream::of(options.seed, Purpose::Synthesis, &[Kind::Identity as u64, identity as u64]))
}

/// A blend as it is performed: not every unit to the same degree, and everybody's face moves a little at rest.
fn action_units(main: Expression, second: Expression, blend: f32, strength: f32, choice: &mut Stream) -> ActionUnits {
    let side = choice.below(2);
    let shown = main.action_units(side).scaled(strength);
    let shown = shown.stronger(&second.action_units(side).scaled(strength * blend));
    let mut out = ActionUnits::default();
    for unit in Au::ALL {
        let degree = choice.uniform(0.78, 1.12);
        let rest = if unit == Au::EyesClosed { 0.0 } else { 0.14 * choice.unit().powi(3) as f32 };
        for side in 0..2 {
            out.set_side(unit, side, (shown.side(unit, side) * degree).max(rest));
        }
    }
    out
}

fn draw_expression(choice: &mut Stream) -> Expression {
    let mut left = choice.uniform(0.0, FREQUENCIES.iter().sum());
    let mut chosen = Expression::Neutral;
    for (expression, frequency) in Expression::ALL.into_iter().zip(FREQUENCIES) {
        chosen = expression;
        left -= frequency;
        if left < 0.0 {
            break;
        }
    }
    chosen
}

/// The set of each subject: 80, 10 and 10 % of them in random order, at least one in each.
fn divide(options: &SyntheticOptions) -> Vec<Split> {
    let n = options.identities;
    let tenth = ((n as f64 * 0.1).round() as usize).max(1);
    let mut splits = vec![Split::Train; n];
    splits[..tenth].fill(Split::Validation);
    splits[tenth..2 * tenth].fill(Split::Test);
    Stream::of(options.seed, Purpose::Synthesis, &[Kind::Split as u64]).shuffle(&mut splits);
    splits
}

fn assemble(options: &SyntheticOptions, pixels: Vec<u8>, samples: &[Sample]) -> FaceSet {
    let splits = divide(options);
    let provenance = Provenance {
        source: "synthetic".into(),
        synthetic: true,
        notes: vec![
            format!(
                "synthetic faces: count {}, seed {}, size {}, identities {}, intensity {}, nuisance {}",
                options.count, options.seed, options.size, options.identities, options.intensity, options.nuisance
            ),
            "labels are the expression that was drawn the stronger; votes are those of ten synthetic voters".into(),
        ],
        ..Provenance::default()
    };
    let targets = options.targets.then(|| affect::targets(samples));
    FaceSet {
        targets,
        images: Images { pixels, height: options.size, width: options.size, channels: 1 },
        labels: samples.iter().map(|s| s.impression.main as i16).collect(),
        classes: Expression::ALL.map(|e| e.name().to_string()).to_vec(),
        votes: Some(Votes {
            counts: samples.iter().flat_map(|s| s.votes).collect(),
            columns: crowd::COLUMNS.map(String::from).to_vec(),
        }),
        splits: samples.iter().map(|s| splits[s.identity]).collect(),
        subjects: Some(samples.iter().map(|s| format!("person{:05}", s.identity)).collect()),
        groups: None,
        names: (0..samples.len()).map(|row| format!("synthetic{row:07}.png")).collect(),
        source_rows: (0..samples.len() as u32).collect(),
        segments: None,
        shards: None,
        provenance,
    }
}
