//! The synthetic face as a film: a drawn head that moves a little, and the table of what is true in each frame.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use super::{Choice, Performance, generate, perform};
use crate::options::GeneratedOptions;
use ferrotype_base::random::{Purpose, Stream, mix};
use ferrotype_data::progress::Work;
use ferrotype_data::synthetic::{ActionUnits, Identity, Scene};
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_vision::video::{self, Encoder};

/// Size of the face in the frame: a head with room around it.
const SCALE: f32 = 0.62;
/// Frames that are drawn at a time.
const CHUNK: usize = 64;

/// Writes `face.mp4` (H.264, `size` pixels per side) and `features.csv` (frame, timestamp, the action units as measured
/// with noise, and what was injected) into a folder.
///
/// # Errors
/// When an option is impossible, ffmpeg is missing, or a file cannot be written.
pub fn write(options: &GeneratedOptions, seed: u64, size: usize, folder: &Path) -> Result<usize> {
    ensure!(
        (64..=1024).contains(&size) && size.is_multiple_of(2),
        "frames of {size} pixels: an even number from 64 to 1024"
    );
    ensure!(options.seconds > 0.0 && options.seconds <= 3600.0, "a film of {} seconds: up to an hour", options.seconds);
    ensure!((1.0..=120.0).contains(&options.rate), "{} frames per second: 1 to 120", options.rate);
    video::available()?;
    std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
    write_table(options, seed, &folder.join("features.csv"))?;
    let performance = perform(options, seed);
    let head = Head::random(options, seed);
    let mut encoder = Encoder::start(&folder.join("face.mp4"), [size; 2], options.rate)?;
    let numbers: Vec<usize> = (0..performance.times.len()).collect();
    let work = Work::begin("frames", 0, numbers.len());
    for chunk in numbers.chunks(CHUNK) {
        let drawn: Vec<Vec<u8>> = chunk.par_iter().map(|&i| head.draw(&performance, i, size)).collect();
        for pixels in &drawn {
            encoder.push(pixels)?;
        }
        work.add(chunk.len());
    }
    encoder.finish()?;
    Ok(numbers.len())
}

fn write_table(options: &GeneratedOptions, seed: u64, path: &Path) -> Result<()> {
    let table = generate(options, seed);
    let mut out = csv::Writer::from_writer(Vec::new());
    let names = table.columns.iter().map(|c| c.name.as_str());
    out.write_record(["frame", "timestamp", "anomaly"].into_iter().chain(names))?;
    let width = table.columns.len();
    let truth = table.truth.unwrap_or_default();
    for (i, time) in table.times.iter().enumerate() {
        let kind = if truth[i].is_empty() { "0" } else { &truth[i] };
        let first = [table.frames[i].to_string(), time.to_string(), kind.to_owned()];
        let values = table.values[i * width..(i + 1) * width].iter().map(f32::to_string);
        out.write_record(first.into_iter().chain(values))?;
    }
    write_atomic(path, &out.into_inner().context("the table of features cannot be made")?)
}

/// A drawn head and how it sways.
struct Head {
    scene: Scene,
    /// Frequency in Hz and phase: yaw, pitch, roll, shift across, shift along.
    sway: [(f64, f64); 5],
}

impl Head {
    fn random(options: &GeneratedOptions, seed: u64) -> Self {
        let mut choice = Stream::of(seed, Purpose::Synthesis, &[Choice::Film as u64, options.seed]);
        let person = Identity::random(&mut choice);
        let mut scene = Scene::random(person, ActionUnits::default(), 0.25, &mut choice);
        scene.occluder = None;
        scene.face.pose.scale *= SCALE;
        let mut wave = || (f64::from(choice.uniform(0.08, 0.35)), std::f64::consts::TAU * choice.unit());
        Self { scene, sway: [wave(), wave(), wave(), wave(), wave()] }
    }

    fn draw(&self, performance: &Performance, i: usize, size: usize) -> Vec<u8> {
        let mut scene = self.scene.clone();
        scene.face.action_units = performance.units[i];
        let wave = |k: usize| {
            let (frequency, phase) = self.sway[k];
            (std::f64::consts::TAU * frequency * performance.times[i] + phase).sin() as f32
        };
        let pose = &mut scene.face.pose;
        pose.yaw += 0.06 * wave(0);
        pose.pitch += 0.04 * wave(1);
        pose.roll += 0.03 * wave(2);
        pose.shift = [pose.shift[0] + 0.03 * wave(3), pose.shift[1] + 0.03 * wave(4)];
        scene.key = mix(scene.key ^ i as u64);
        scene.render(size).pixels
    }
}
