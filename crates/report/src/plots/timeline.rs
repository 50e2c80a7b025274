//! A detector's score over time, with its anomalies, the injected ones, and the faces at the peaks.

use anyhow::Result;

use super::axes::{Axes, plain, range, ticks};
use super::{Figure, GRID, INK, MUTED, RED, TEAL, TEXT, legend, nothing, subtitle, title};
use crate::anomalies::Timeline;
use crate::figure::{Anchor, Label};

const WIDTH: f64 = 940.0;
const LEFT: f64 = 84.0;
/// Side of the faces below the plot.
const FACE: f64 = 92.0;
/// More faces than this do not fit.
const MOST_FACES: usize = 8;
/// More points than pixels cannot be told apart; the largest of each group stays, as peaks are what one looks for.
const MOST_POINTS: usize = 1600;
const LINE: super::Colour = super::BLUE;

/// The plot.
///
/// # Errors
/// When a face's pixels do not fit its size.
pub fn timeline(t: &Timeline) -> Result<Figure> {
    let heading = format!("Anomaly score: {}", t.name);
    let Some(y) = range(t.points.iter().map(|p| p.1)) else { return Ok(nothing(&heading, "no frame was scored")) };
    let (first, last) = (t.points[0].0, t.points[t.points.len() - 1].0);
    let faces: Vec<_> = t.peaks.iter().filter(|p| p.face.is_some()).take(MOST_FACES).collect();
    let height = if faces.is_empty() { 370.0 } else { 370.0 + FACE + 52.0 };
    let mut figure = Figure::new(WIDTH, height, &heading);
    title(&mut figure, &heading);
    subtitle(&mut figure, "Mean squared error of each frame; higher is less like what this person usually does.");
    let x = if last > first { (first, last) } else { (first - 1.0, first + 1.0) };
    let axes = Axes { left: LEFT, top: 84.0, width: WIDTH - LEFT - 24.0, height: 216.0, x, y: (y.0.max(0.0), y.1) };
    spans(&mut figure, &axes, &t.injected, TEAL, 0.22);
    spans(&mut figure, &axes, &[(t.trained_until, last)], GRID, 0.5);
    let marks = ticks(axes.y, 7);
    let step = if marks.len() > 1 { marks[1] - marks[0] } else { 1.0 };
    axes.draw(&mut figure, ("seconds", "mean squared error"), |v| plain(v, step));
    let line: Vec<(f64, f64)> = thin(&t.points).iter().map(|p| axes.at(p.0, p.1)).collect();
    figure.line(&line, LINE, 1.2);
    for (i, peak) in t.peaks.iter().enumerate() {
        let at = axes.at(peak.seconds, peak.score);
        figure.dot(at, 4.0, RED);
        let label = Label::new(11.0, INK).anchored(Anchor::Middle);
        figure.text((at.0, at.1 - 7.0), &(i + 1).to_string(), label);
    }
    let mut entries = vec![("score", LINE), ("anomaly", RED), ("not trained on", GRID)];
    if !t.injected.is_empty() {
        entries.push(("injected", TEAL));
    }
    legend(&mut figure, (LEFT, 70.0), &entries);
    for (i, peak) in faces.iter().enumerate() {
        let Some(face) = &peak.face else { continue };
        let corner = (LEFT + i as f64 * (FACE + 12.0), 362.0);
        figure.picture(corner, (FACE, FACE), face)?;
        let label = Label::new(TEXT - 2.0, MUTED).anchored(Anchor::Middle);
        let number = t.peaks.iter().position(|p| p.row == peak.row).unwrap_or(0) + 1;
        let middle = corner.0 + FACE / 2.0;
        figure.text((middle, corner.1 + FACE + 16.0), &format!("{number}: {}", peak.timecode), label);
    }
    Ok(figure)
}

fn spans(figure: &mut Figure, axes: &Axes, spans: &[(f64, f64)], colour: super::Colour, opacity: f64) {
    for &(from, to) in spans {
        let (left, top) = axes.at(from, axes.y.1);
        let (right, bottom) = axes.at(to.max(from), axes.y.0);
        // A flash of one frame would be thinner than a pixel.
        figure.rectangle((left - 1.0, top), ((right - left + 2.0).max(3.0), bottom - top), colour, opacity);
    }
}

fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(MOST_POINTS).max(1);
    let most = |g: &[(f64, f64)]| g.iter().copied().fold(g[0], |best, p| if p.1 > best.1 { p } else { best });
    points.chunks(group).map(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomalies::PeakView;
    use crate::view::Face;

    #[test]
    fn shows_line_peaks_planted_spans_and_faces() {
        let face = Face { width: 2, height: 2, channels: 1, pixels: vec![0, 80, 160, 240] };
        let peak = |row: usize, face: Option<Face>| PeakView {
            row,
            frame: row as u64,
            seconds: row as f64 / 10.0,
            timecode: format!("00:00:0{row}.000"),
            score: 0.5,
            causes: String::new(),
            truth: String::new(),
            face,
        };
        let timeline = |points: Vec<(f64, f64)>| Timeline {
            name: "All".into(),
            points,
            peaks: vec![peak(3, None), peak(7, Some(face.clone()))],
            injected: vec![(0.7, 0.7)],
            trained_until: 8.0,
        };
        let svg =
            super::timeline(&timeline((0..100).map(|i| (f64::from(i) / 10.0, 0.1)).collect())).unwrap().svg().unwrap();
        assert!(
            svg.contains("Anomaly score: All") && svg.contains("2: 00:00:07.000") && svg.contains("data:image/png")
        );
        assert!(svg.contains("injected"));
        assert!(super::timeline(&timeline(Vec::new())).unwrap().svg().unwrap().contains("no frame was scored"));
        let thinned = thin(&(0..4000).map(|i| (f64::from(i), if i == 1234 { 9.0 } else { 0.0 })).collect::<Vec<_>>());
        assert!(thinned.len() <= MOST_POINTS && thinned.contains(&(1234.0, 9.0)));
    }
}
