//! The head, its light and shade, and its folds.

use super::action_units::Au;
use super::canvas::{Canvas, Point, curve};
use super::face::Drawing;

/// Ears and head, shaded as a rounded body.
pub(super) fn paint_head(canvas: &mut Canvas, d: &Drawing) {
    let person = &d.face.identity;
    paint_neck(canvas, d);
    for side in &d.anatomy.sides {
        let ear: Vec<[f32; 3]> = [[0.70, -0.14], [0.80, -0.2], [0.81, -0.05], [0.77, 0.12], [0.71, 0.16]]
            .map(|[x, y]| [side.sign * x * person.width, y, 0.0])
            .to_vec();
        let ear: Vec<Point> = curve(&ear, true).into_iter().map(|p| d.camera.project(p)).collect();
        let tone = person.skin * d.lit(d.camera.turned([side.sign * 0.7, 0.0, 0.7])) * 0.9;
        canvas.fill(&ear, tone, 1.0);
    }
    let mask = canvas.mask(&outline(d));
    let width = 0.80 * person.width;
    canvas.paint(&mask, 1.0, |x, y, _| {
        let [u, v] = d.camera.unproject(x, y);
        let (nx, ny) = ((u / width).clamp(-1.0, 1.0), ((v - 0.02) / 1.25).clamp(-1.0, 1.0));
        // Flatter than a ball in front, steep at the sides.
        let (nx, ny) = (nx * nx.abs().sqrt(), ny * ny.abs() * 0.8);
        let nz = (1.0 - nx * nx - ny * ny).max(0.05).sqrt();
        person.skin * d.lit(d.camera.turned([nx, ny, nz])) * (0.72 + 0.28 * nz)
    });
}

fn paint_neck(canvas: &mut Canvas, d: &Drawing) {
    let width = 0.46 * d.face.identity.width;
    let neck = [[-width, 0.5], [width, 0.5], [width * 1.1, 1.3], [1.3, 1.6], [-1.3, 1.6], [-width * 1.1, 1.3]];
    let neck: Vec<Point> = neck.iter().map(|&[x, y]| d.camera.project([x, y, 0.0])).collect();
    canvas.fill(&neck, d.face.identity.skin * d.facing() * 0.62, 1.0);
}

/// The outline of the head: the jaw and over it the skull.
pub(super) fn outline(d: &Drawing) -> Vec<Point> {
    let width = 0.73 * d.face.identity.width;
    let jaw = &d.anatomy.jaw;
    // The jaw's edge lies farther back at the ears than at the chin.
    let mut points: Vec<[f32; 3]> = jaw.iter().enumerate().map(|(i, p)| [p[0], p[1], 0.42 * edge(i)]).collect();
    points.extend((1..12).map(|i| {
        let (sin, cos) = (i as f32 / 12.0 * std::f32::consts::PI).sin_cos();
        [cos * width * 1.02, -0.12 - 1.0 * sin, 0.1 * sin]
    }));
    curve(&points, true).into_iter().map(|p| d.camera.project(p)).collect()
}

fn edge(i: usize) -> f32 {
    (i as f32 / 16.0 * std::f32::consts::PI).sin()
}

/// Soft light and shade: sockets, cheeks, the sides of the nose, under the lip.
pub(super) fn paint_relief(canvas: &mut Canvas, d: &Drawing) {
    let units = &d.face.action_units;
    let lamp = d.face.light.direction[0];
    let unit = d.camera.unit;
    let mut glow = |at: Point, radii: Point, strength: f32| {
        canvas.glow(d.camera.on_face(at), [radii[0] * unit, radii[1] * unit], strength);
    };
    for (k, side) in d.anatomy.sides.iter().enumerate() {
        let au = |unit| units.side(unit, k);
        let [x, y] = side.eye_centre;
        glow([x, y - 0.03], [0.30, 0.22], -0.20);
        glow([side.sign * 0.14, y - 0.02], [0.13, 0.24], -0.16);
        // The cheek stands out more when it is raised.
        let cheek = au(Au::Cheek).max(0.6 * au(Au::CornerPull));
        glow([side.sign * 0.42, 0.24 - 0.08 * cheek], [0.26, 0.22], 0.10 + 0.16 * cheek);
        glow([side.sign * 0.40, 0.035 - 0.02 * cheek], [0.20, 0.06], -0.06 - 0.14 * cheek);
        // Shade on the side of the nose away from the lamp.
        let away = if lamp * side.sign < 0.0 { 0.24 } else { 0.10 };
        glow([side.sign * 0.125, 0.12], [0.10, 0.26], -away);
        glow([side.sign * 0.56, 0.42], [0.22, 0.32], -0.07);
        glow([side.corner[0] * 1.12, side.corner[1] + 0.01], [0.08, 0.07], -0.14 - 0.10 * au(Au::Dimple));
    }
    let tip = d.anatomy.tip;
    glow([0.0, tip[1] - 0.02], [0.10, 0.10], 0.18);
    glow([0.0, -0.02], [0.07, 0.22], 0.10);
    glow([0.0, -0.60], [0.50, 0.26], 0.06);
    glow([0.0, tip[1] + 0.11], [0.16, 0.06], -0.20);
    let lip = d.anatomy.mouth.lower_outer[2][1];
    glow([0.0, lip + 0.05], [0.22, 0.07], -0.24);
    glow([0.0, lip + 0.18], [0.20, 0.12], 0.08);
}

/// Folds that expressions make and age leaves.
pub(super) fn paint_folds(canvas: &mut Canvas, d: &Drawing) {
    let units = &d.face.action_units;
    let age = d.face.identity.age;
    for k in 0..2 {
        fold_cheek(canvas, d, k);
        fold_eye(canvas, d, k);
        let au = |unit| units.side(unit, k);
        let sign = d.anatomy.sides[k].sign;
        let inner = d.anatomy.sides[k].brow[0];
        // Between the brows.
        let frown = (au(Au::BrowLower) + 0.4 * au(Au::NoseWrinkle)).min(1.0) * 0.85 + 0.15 * age;
        let x = sign * 0.055;
        let lines = [[x, inner[1] - 0.10], [x * 1.15, inner[1] - 0.02], [x, inner[1] + 0.07]];
        draw(canvas, d, &lines, 0.035, frown);
        // Across the bridge of the nose.
        for y in [-0.06, 0.01] {
            let line = [[sign * 0.015, y - 0.01], [sign * 0.07, y], [sign * 0.12, y + 0.035]];
            draw(canvas, d, &line, 0.028, au(Au::NoseWrinkle) * 0.9);
        }
        // Beside the corner of a tightened mouth.
        let [cx, cy] = d.anatomy.sides[k].corner;
        let x = cx + sign * 0.055;
        draw(
            canvas,
            d,
            &[[x - sign * 0.015, cy - 0.08], [x, cy], [x - sign * 0.015, cy + 0.07]],
            0.035,
            au(Au::Dimple),
        );
        // From the corner of the mouth downwards.
        let line = [[cx + sign * 0.02, cy + 0.01], [cx + sign * 0.05, cy + 0.08], [cx + sign * 0.05, cy + 0.15]];
        draw(canvas, d, &line, 0.03, 0.7 * au(Au::CornerDown) + 0.25 * age);
    }
    fold_forehead(canvas, d);
    let chin = units.both(Au::Chin);
    let lip = d.anatomy.mouth.lower_outer[2][1];
    draw(canvas, d, &[[-0.13, lip + 0.11], [0.0, lip + 0.075], [0.13, lip + 0.11]], 0.035, 0.7 * chin);
}

fn draw(canvas: &mut Canvas, d: &Drawing, points: &[Point], width: f32, strength: f32) {
    if strength > 0.03 {
        let line = d.camera.line(&curve(points, false));
        canvas.fold(&line, (width * d.camera.unit).max(0.6), 0.55, strength);
    }
}

/// From the wing of the nose past the corner of the mouth.
fn fold_cheek(canvas: &mut Canvas, d: &Drawing, k: usize) {
    let units = &d.face.action_units;
    let au = |unit| units.side(unit, k);
    let side = &d.anatomy.sides[k];
    let [cx, cy] = side.corner;
    let pulled = (0.8 * au(Au::CornerPull) + 0.75 * au(Au::UpperLip) + 0.55 * au(Au::NoseWrinkle)).min(1.0);
    let line = [
        [side.wing[0] + side.sign * 0.02, side.wing[1] - 0.03],
        [side.sign * 0.26 + side.sign * 0.03 * pulled, side.wing[1] + 0.08],
        [cx + side.sign * 0.08, cy - 0.10],
        [cx + side.sign * 0.10, cy + 0.01],
    ];
    draw(canvas, d, &line, 0.034, 0.10 + 0.2 * d.face.identity.age + 0.5 * pulled);
}

/// The bag under the eye and the crow's feet beside it.
fn fold_eye(canvas: &mut Canvas, d: &Drawing, k: usize) {
    let units = &d.face.action_units;
    let age = d.face.identity.age;
    let side = &d.anatomy.sides[k];
    let cheek = units.side(Au::Cheek, k);
    let [x, y] = side.eye_centre;
    let half = side.eye_half;
    let low = side.eye[5][1].max(side.eye[4][1]);
    let bag = [[x - side.sign * half * 0.8, low + 0.035], [x, low + 0.06], [x + side.sign * half * 0.85, low + 0.03]];
    draw(canvas, d, &bag, 0.03, 0.15 + 0.3 * age + 0.5 * cheek + 0.2 * units.side(Au::LidTight, k));
    for (rise, reach) in [(-0.05, 0.10), (0.0, 0.12), (0.05, 0.10)] {
        let start = [x + side.sign * (half + 0.03), y + rise * 0.3];
        let end = [start[0] + side.sign * reach, y + rise * 1.6 + 0.01];
        let middle = [(start[0] + end[0]) / 2.0, (start[1] + end[1]) / 2.0 + 0.005];
        draw(canvas, d, &[start, middle, end], 0.02, 0.6 * cheek + 0.25 * age);
    }
}

/// Lines across the forehead where the brows are raised: in the middle for the inner ends, whole for both.
fn fold_forehead(canvas: &mut Canvas, d: &Drawing) {
    let units = &d.face.action_units;
    let age = d.face.identity.age;
    let (inner, outer) = (units.both(Au::InnerBrow), units.both(Au::OuterBrow));
    let strength = 0.65 * inner.max(0.8 * outer) + 0.2 * age;
    let reach = 0.22 + 0.22 * outer + 0.1 * age;
    for y in [-0.56, -0.64, -0.72] {
        let bend = 0.02 - 0.03 * outer;
        let line = [
            [-reach, y - bend],
            [-reach * 0.4, y + 0.008],
            [0.0, y + bend],
            [reach * 0.4, y + 0.008],
            [reach, y - bend],
        ];
        draw(canvas, d, &line, 0.026, strength);
    }
}
