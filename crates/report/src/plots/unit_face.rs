//! Action units on the mean outline of a face.

use super::{Colour, Figure, GRID, INK, MUTED, ORANGE, TEXT, nothing, subtitle, title};
use crate::analysis::UnitFace;
use crate::figure::{Anchor, Label};

const WIDTH: f64 = 640.0;
const TOP: f64 = 62.0;
/// Side of the square that the face is drawn into.
const SIDE: f64 = 340.0;
const LINE: Colour = MUTED;
/// Intensity from which on a unit has its name beside it.
const NAMED: f64 = 0.5;

/// Lines through the 68 landmarks of iBUG: first, last, and whether the line is closed.
const OUTLINES: [(usize, usize, bool); 9] = [
    (0, 16, false),
    (17, 21, false),
    (22, 26, false),
    (27, 30, false),
    (31, 35, false),
    (36, 41, true),
    (42, 47, true),
    (48, 59, true),
    (60, 67, true),
];

/// Where an action unit shows, after the muscles in Ekman and Friesen 1978: means of landmarks, on both sides where there are two,
/// and a shift downwards in parts of the face's height that keeps units at one place apart.
fn places(unit: u8) -> Option<(&'static [&'static [usize]], f64)> {
    Some(match unit {
        1 => (&[&[20, 21], &[22, 23]], -0.05),
        2 => (&[&[17, 18, 19], &[24, 25, 26]], -0.05),
        4 => (&[&[21, 22, 27]], -0.01),
        5 => (&[&[37, 38], &[43, 44]], -0.01),
        6 => (&[&[1, 41, 31], &[15, 46, 35]], -0.02),
        7 => (&[&[40, 41], &[46, 47]], 0.03),
        9 => (&[&[28, 39], &[28, 42]], 0.0),
        10 => (&[&[33, 51]], 0.0),
        12 => (&[&[48], &[54]], -0.04),
        14 => (&[&[48, 48, 4], &[54, 54, 12]], 0.0),
        15 => (&[&[48], &[54]], 0.06),
        17 => (&[&[8, 57]], 0.02),
        20 => (&[&[48, 59], &[54, 55]], 0.03),
        23 => (&[&[62, 66]], -0.01),
        25 => (&[&[62, 66]], 0.02),
        26 => (&[&[8]], -0.02),
        28 => (&[&[57]], 0.0),
        45 => (&[&[36, 39], &[42, 45]], 0.0),
        _ => return None,
    })
}

/// The face from the front, with a disc for each unit, the darker and larger the more intense.
pub fn unit_face(face: &UnitFace) -> Figure {
    const HEADING: &str = "Mean intensity of action units";
    if face.points.len() != 68 {
        return nothing(HEADING, "no landmarks");
    }
    let mut figure = Figure::new(WIDTH, TOP + SIDE + 24.0, HEADING);
    title(&mut figure, HEADING);
    subtitle(&mut figure, "0 to 5, on the person's mean landmarks");
    let at = placed(&face.points);
    for (from, to, closed) in OUTLINES {
        let mut line = at[from..=to].to_vec();
        line.extend(closed.then(|| at[from]));
        figure.line(&line, LINE, 1.4);
    }
    for &(unit, value) in &face.intensities {
        let Some((sites, shift)) = places(unit) else { continue };
        for site in sites {
            let n = site.len() as f64;
            let mean = |axis: fn(&(f64, f64)) -> f64| site.iter().map(|&i| axis(&at[i])).sum::<f64>() / n;
            let centre = (mean(|p| p.0), mean(|p| p.1) + shift * SIDE);
            let share = (value / 5.0).clamp(0.0, 1.0);
            if share > 0.01 {
                disc(&mut figure, centre, 6.0 + 14.0 * share, 0.15 + 0.7 * share);
            }
            if value >= NAMED {
                let label = Label::new(TEXT - 3.5, INK).anchored(Anchor::Middle);
                figure.text((centre.0, centre.1 + 3.5), &unit.to_string(), label);
            }
        }
    }
    bars(&mut figure, &face.intensities);
    figure
}

/// Landmarks within the square, their proportions kept.
fn placed(points: &[[f64; 2]]) -> Vec<(f64, f64)> {
    let range = |axis: usize| {
        let values = points.iter().map(|p| p[axis]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (top, bottom)) = (range(0), range(1));
    let scale = SIDE / (right - left).max(bottom - top).max(1e-9);
    let margin = |low: f64, high: f64| (SIDE - (high - low) * scale) / 2.0;
    let (dx, dy) = (20.0 + margin(left, right), TOP + margin(top, bottom));
    points.iter().map(|&[x, y]| (dx + (x - left) * scale, dy + (y - top) * scale)).collect()
}

fn disc(figure: &mut Figure, (x, y): (f64, f64), radius: f64, opacity: f64) {
    let around = |i: usize| (i as f64 * std::f64::consts::TAU / 24.0).sin_cos();
    let points = (0..24).map(around).map(|(sin, cos)| (x + radius * cos, y + radius * sin)).collect();
    figure.polygon(points, ORANGE, opacity);
}

/// All values, for those who read numbers.
fn bars(figure: &mut Figure, intensities: &[(u8, f64)]) {
    let (left, length) = (SIDE + 90.0, 130.0);
    let row = (SIDE / intensities.len().max(1) as f64).min(20.0);
    for (i, (unit, value)) in intensities.iter().enumerate() {
        let y = TOP + row * i as f64;
        let label = Label::new(TEXT - 2.0, MUTED).anchored(Anchor::End);
        figure.text((left - 8.0, y + 0.75 * row), &format!("AU{unit:02}"), label);
        figure.rectangle((left, y + 0.2 * row), (length, 0.6 * row), GRID, 1.0);
        figure.rectangle((left, y + 0.2 * row), (length * (value / 5.0).clamp(0.0, 1.0), 0.6 * row), ORANGE, 1.0);
        figure.text((left + length + 8.0, y + 0.75 * row), &format!("{value:.2}"), Label::new(TEXT - 2.0, INK));
    }
}
