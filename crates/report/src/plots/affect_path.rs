//! Valence and arousal over time, as a path on their plane (Russell 1980).

use super::{BLUE, Figure, GRID, INK, MUTED, ORANGE, TEXT, blend, legend, nothing, title};
use crate::analysis::AffectPath;
use crate::figure::{Anchor, Label};

const SIDE: f64 = 340.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 64.0;

/// Valence to the right, arousal upwards, both from -1 to 1; from the first colour at the beginning to the second at the end. Where
/// the person was out of sight the path is broken.
pub fn affect_path(path: &AffectPath) -> Figure {
    let known = path.points.iter().flatten().count();
    if known == 0 {
        return nothing(&path.title, "nothing was measured");
    }
    let mut figure = Figure::new(LEFT + SIDE + 60.0, TOP + SIDE + 44.0, &path.title);
    title(&mut figure, &path.title);
    legend(&mut figure, (LEFT, 52.0), &[("beginning", BLUE), ("end", ORANGE)]);
    axes(&mut figure);
    let place = |[valence, arousal]: [f64; 2]| {
        let part = |v: f64| (v.clamp(-1.0, 1.0) + 1.0) / 2.0;
        (LEFT + SIDE * part(valence), TOP + SIDE * (1.0 - part(arousal)))
    };
    let last = path.points.len().saturating_sub(1).max(1) as f64;
    for (i, pair) in path.points.windows(2).enumerate() {
        if let [Some(a), Some(b)] = pair {
            figure.faint_line(&[place(*a), place(*b)], blend(BLUE, ORANGE, i as f64 / last), 1.6, 0.7);
        }
    }
    for (i, point) in path.points.iter().enumerate() {
        if let Some(point) = point {
            figure.dot(place(*point), 2.2, blend(BLUE, ORANGE, i as f64 / last));
        }
    }
    figure
}

fn axes(figure: &mut Figure) {
    let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
    let (x, y) = (LEFT + SIDE / 2.0, TOP + SIDE / 2.0);
    figure.line(&[(LEFT, TOP), (right, TOP), (right, bottom), (LEFT, bottom), (LEFT, TOP)], GRID, 1.0);
    figure.line(&[(LEFT, y), (right, y)], GRID, 1.0);
    figure.line(&[(x, TOP), (x, bottom)], GRID, 1.0);
    let label = |anchor| Label::new(TEXT - 2.0, MUTED).anchored(anchor);
    for (at, text) in [(LEFT, "-1"), (x, "0"), (right, "1")] {
        figure.text((at, bottom + 16.0), text, label(Anchor::Middle));
    }
    for (at, text) in [(bottom, "-1"), (y, "0"), (TOP, "1")] {
        figure.text((LEFT - 8.0, at + 4.0), text, label(Anchor::End));
    }
    figure.text((x, bottom + 34.0), "valence", Label::new(TEXT, INK).anchored(Anchor::Middle));
    figure.text((LEFT - 34.0, y), "arousal", Label::new(TEXT, INK).anchored(Anchor::Middle).upright());
}
