//! Lips, teeth and what lies behind them.

use super::action_units::Au;
use super::canvas::{Canvas, Mask, Point, curve};
use super::face::Drawing;

/// The whole mouth.
pub(super) fn paint_mouth(canvas: &mut Canvas, d: &Drawing) {
    let m = &d.anatomy.mouth;
    let [left, right] = [0, 1].map(|k| d.anatomy.sides[k].corner);
    let upper_outer = through(left, &m.upper_outer, right);
    let upper_inner = through(left, &m.upper_inner, right);
    let lower_inner = through(left, &m.lower_inner, right);
    let lower_outer = through(left, &m.lower_outer, right);

    if m.gap > 0.012 {
        let inside = canvas.mask(&d.camera.line(&ring(&upper_inner, &lower_inner)));
        paint_inside(canvas, d, &inside);
    }
    let skin = d.face.identity.skin;
    let light = d.facing();
    let upper = canvas.mask(&d.camera.line(&ring(&upper_outer, &upper_inner)));
    canvas.paint(&upper, 0.9, |_, _, _| skin * light * 0.56);
    let lower = canvas.mask(&d.camera.line(&ring(&lower_inner, &lower_outer)));
    let top = d.camera.on_face(m.lower_inner[1])[1];
    let bottom = d.camera.on_face(m.lower_outer[2])[1];
    canvas.paint(&lower, 0.85, |_, y, _| {
        let t = ((y - top) / (bottom - top).max(0.5)).clamp(0.0, 1.0);
        skin * light * (0.66 + 0.22 * (4.0 * t * (1.0 - t)))
    });
    paint_line(canvas, d, &upper_inner, &lower_inner);
}

/// Darkness, then the upper teeth, the lower where the lip is drawn down, and the tongue in a wide mouth.
fn paint_inside(canvas: &mut Canvas, d: &Drawing, inside: &Mask) {
    let m = &d.anatomy.mouth;
    let units = &d.face.action_units;
    let light = d.facing();
    canvas.paint(inside, 1.0, |_, _, _| 0.07 * light);
    let [left, right] = [0, 1].map(|k| d.anatomy.sides[k].corner);
    let middle = m.upper_inner[1][1];
    let mut teeth = |from: f32, to: f32, tone: f32| {
        let (x0, x1) = (left[0] * 0.82, right[0] * 0.82);
        // The rows of teeth follow the lips' bend half of the way.
        let ends = [(left[1] - middle) * 0.45, (right[1] - middle) * 0.45];
        let row = [
            [x0, from + ends[0]],
            [0.0, from],
            [x1, from + ends[1]],
            [x1, to + ends[1]],
            [0.0, to],
            [x0, to + ends[0]],
        ];
        let mask = canvas.mask(&d.camera.line(&row)).clip(inside);
        canvas.paint(&mask, 1.0, |_, _, _| tone * light);
    };
    // A smile, a stretch or a raised lip shows the upper teeth; a dropped jaw alone shows less of them.
    let shown =
        0.035 + 0.06 * units.both(Au::CornerPull).max(units.both(Au::UpperLip)).max(0.8 * units.both(Au::LipStretch));
    teeth(middle - 0.10, middle + shown.min(m.gap * 0.9), 0.86);
    let lowered = units.both(Au::LowerLip).max(0.6 * units.both(Au::LipStretch));
    if lowered > 0.15 {
        let bottom = m.lower_inner[1][1];
        teeth(bottom - 0.045 * lowered, bottom + 0.08, 0.74);
    }
    if m.gap > 0.14 {
        let bottom = m.lower_inner[1][1];
        let tongue = [[-0.13, bottom + 0.02], [-0.08, bottom - 0.05], [0.08, bottom - 0.05], [0.13, bottom + 0.02]];
        let mask = canvas.mask(&d.camera.line(&curve(&tongue, true))).clip(inside);
        canvas.paint(&mask, 0.8, |_, _, _| 0.30 * light);
    }
}

/// The dark line where the lips meet, or their shadow where they part.
fn paint_line(canvas: &mut Canvas, d: &Drawing, upper: &[Point], lower: &[Point]) {
    let unit = d.camera.unit;
    let closed = (1.0 - d.anatomy.mouth.gap / 0.06).clamp(0.0, 1.0);
    let middle: Vec<Point> = upper.iter().zip(lower).map(|(a, b)| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]).collect();
    let tight = d.face.action_units.both(Au::LipTight);
    let width = (0.03 + 0.012 * tight) * unit;
    canvas.stroke(&d.camera.line(&middle), width.max(1.0), 0.10 * d.facing(), 0.35 + 0.6 * closed);
    for side in &d.anatomy.sides {
        let centre = d.camera.on_face(side.corner);
        canvas.glow(centre, [0.06 * unit, 0.05 * unit], -0.4);
    }
}

/// A smooth line from corner to corner.
fn through(left: Point, points: &[Point], right: Point) -> Vec<Point> {
    let mut all = vec![left];
    all.extend_from_slice(points);
    all.push(right);
    curve(&all, false)
}

/// A closed shape between two lines from left to right.
fn ring(upper: &[Point], lower: &[Point]) -> Vec<Point> {
    upper.iter().chain(lower.iter().rev()).copied().collect()
}
