//! Action units of a video of one face from landmarks of any origin: `cargo run --release -p ferrotype-action-units --example
//! landmarks -- PREDICTORS VIDEO WIDTH HEIGHT (LANDMARKS.csv OUT.csv)...`. PREDICTORS is a copy of OpenFace or what was
//! imported from it; a table of landmarks has the columns x_0 to x_67 and y_0 to y_67 and a row for each frame, as
//! `ferrotype analyze --every 1` writes it. A row whose cells are no numbers is a frame without a face.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_action_units::align::{Order, Picture};
use ferrotype_action_units::predict::Predictor;
use ferrotype_action_units::{INTENSITIES, Landmarks, POINTS};

/// The landmarks of each frame.
fn landmarks(path: &str) -> Result<Vec<Option<Landmarks>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let column =
        |name: String| names.iter().position(|n| *n == name).with_context(|| format!("{path} has no column {name}"));
    let mut columns = [[0; 2]; POINTS];
    for (i, at) in columns.iter_mut().enumerate() {
        *at = [column(format!("x_{i}"))?, column(format!("y_{i}"))?];
    }
    let row = |line: &str| {
        let cells: Vec<f64> = line.split(',').map(|c| c.trim().parse().unwrap_or(f64::NAN)).collect();
        let points = columns.map(|at| at.map(|c| cells.get(c).copied().unwrap_or(f64::NAN)));
        points.iter().flatten().all(|v| v.is_finite()).then_some(points)
    };
    Ok(lines.map(row).collect())
}

fn frames(video: &str, size: usize) -> Result<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-i", video, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdin(Stdio::null());
    let output = command.output().context("ffmpeg")?;
    ensure!(
        output.status.success() && output.stdout.len() % size == 0,
        "ffmpeg failed with {video}, or its size is another"
    );
    Ok(output.stdout)
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [predictors, video, width, height, tables @ ..] = &args[..] else {
        bail!("give PREDICTORS VIDEO WIDTH HEIGHT (LANDMARKS.csv OUT.csv)...");
    };
    let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
    let predictor = Predictor::open(Path::new(predictors))?;
    let bytes = frames(video, width * height * 3)?;
    for pair in tables.chunks_exact(2) {
        let table = landmarks(&pair[0])?;
        let mut tracker = predictor.tracker();
        for (frame, points) in bytes.chunks_exact(width * height * 3).zip(&table) {
            let picture = Picture::new(frame, width, height, Order::Rgb)?;
            let found = points.as_ref().map(|p| predictor.extractor().of_landmarks(&picture, p, None)).transpose()?;
            tracker.push(found.as_ref().map(|(features, _)| features));
        }
        let mut out = INTENSITIES.map(|unit| format!("AU{unit:02}_r")).join(",") + "\n";
        for units in tracker.finish() {
            let cells = units.map_or([f32::NAN; 17], |units| units.intensities);
            out += &(cells.map(|v| v.to_string()).join(",") + "\n");
        }
        std::fs::write(&pair[1], out)?;
    }
    Ok(())
}
