//! Nose, eyes, brows and glasses.

use super::anatomy::Side;
use super::canvas::{Canvas, Point, curve, ellipse, ribbon};
use super::face::Drawing;
use super::identity::Glasses;

/// Nostrils, wings and the line under the tip.
pub(super) fn paint_nose(canvas: &mut Canvas, d: &Drawing) {
    let unit = d.camera.unit;
    let tip = d.anatomy.tip;
    for side in &d.anatomy.sides {
        let [x, y] = side.wing;
        let nostril = d.camera.above([x * 0.55, y + 0.055], 0.05);
        let mask = canvas.mask(&ellipse(nostril, [0.05 * unit, 0.026 * unit]));
        canvas.paint(&mask, 0.85, |_, _, tone| tone * 0.3);
        let wing = [[x * 0.92, y - 0.065], [x * 1.05, y], [x * 0.85, y + 0.055]];
        canvas.fold(&d.camera.line(&curve(&wing, false)), 0.04 * unit, 0.55, 0.75);
    }
    let base: Vec<Point> = [[-0.06, tip[1] + 0.075], [0.0, tip[1] + 0.09], [0.06, tip[1] + 0.075]]
        .map(|p| d.camera.above(p, 0.08))
        .to_vec();
    canvas.fold(&curve(&base, false), 0.03 * unit, 0.6, 0.6);
}

/// Both eyes with their lids.
pub(super) fn paint_eyes(canvas: &mut Canvas, d: &Drawing) {
    for side in &d.anatomy.sides {
        paint_eye(canvas, d, side);
    }
}

fn paint_eye(canvas: &mut Canvas, d: &Drawing, side: &Side) {
    let unit = d.camera.unit;
    let e = side.eye;
    let shape = d.camera.line(&curve(&e, true));
    let light = d.facing();
    let open = canvas.mask(&shape);
    // The lid's shadow falls on the upper part of the eyeball.
    let top = d.camera.on_face([side.eye_centre[0], e[1][1]])[1];
    canvas.paint(&open, 1.0, |_, y, _| light * (0.66 + 0.26 * ((y - top) / (0.09 * unit)).clamp(0.0, 1.0)));

    let gaze = d.face.pose.gaze;
    let person = &d.face.identity;
    let at = [side.eye_centre[0] + 0.055 * gaze[0], side.eye_centre[1] - 0.005 + 0.025 * gaze[1]];
    let centre = d.camera.on_face(at);
    let radius = 0.078 * person.eye_size * unit;
    let iris = canvas.mask(&ellipse(centre, [radius, radius])).clip(&open);
    canvas.paint(&iris, 1.0, |x, y, _| {
        let rim = ((x - centre[0]).hypot(y - centre[1]) / radius).powi(4);
        light * person.iris * (1.0 - 0.5 * rim.min(1.0))
    });
    let pupil = canvas.mask(&ellipse(centre, [radius * 0.48, radius * 0.48])).clip(&open);
    canvas.paint(&pupil, 1.0, |_, _, _| 0.03);
    let lamp = d.face.light.direction;
    let spark = [centre[0] + radius * 0.4 * lamp[0].signum(), centre[1] - radius * 0.4];
    let spark = canvas.mask(&ellipse(spark, [radius * 0.24, radius * 0.24])).clip(&open);
    canvas.paint(&spark, 0.9, |_, _, _| 0.95 * light);

    let upper = d.camera.line(&curve(&[e[3], e[2], e[1], e[0]], false));
    canvas.stroke(&upper, (0.042 * unit).max(0.9), 0.08 * light, 0.95);
    let lower = d.camera.line(&curve(&[e[3], e[4], e[5], e[0]], false));
    canvas.fold(&lower, (0.026 * unit).max(0.6), 0.5, 0.7);
    let raise = 0.05 + 0.25 * (0.12 - side.opening).max(0.0);
    let crease = [e[3], e[2], e[1], e[0]].map(|[x, y]| [x, y - raise]);
    canvas.fold(&d.camera.line(&curve(&crease, false)), 0.026 * unit, 0.6, 0.55);
}

/// Both brows: thick inside, pointed outside.
pub(super) fn paint_brows(canvas: &mut Canvas, d: &Drawing) {
    let person = &d.face.identity;
    let width = 0.072 * person.brow_thickness * d.camera.unit;
    // Brows are darker than the hair, and always darker than the skin.
    let tone = (person.hair_tone * 0.75).min(person.skin * 0.5) * d.facing();
    for side in &d.anatomy.sides {
        let line = d.camera.line(&curve(&side.brow, false));
        let taper = |t: f32| width.max(1.1) * (1.0 - 0.75 * t * t) * (0.7 + 0.3 * (t * 6.0).min(1.0));
        canvas.fill(&ribbon(&line, taper), tone, 0.9);
    }
}

/// Rims, bridge and temples.
pub(super) fn paint_glasses(canvas: &mut Canvas, d: &Drawing) {
    let (width, alpha) = match d.face.identity.glasses {
        Glasses::None => return,
        Glasses::Thin => (0.022, 0.75),
        Glasses::Thick => (0.05, 0.92),
    };
    let tone = 0.07 * d.facing();
    let width = (width * d.camera.unit).max(0.7);
    let lift = 0.06;
    for side in &d.anatomy.sides {
        let [x, _] = side.eye_centre;
        let (rx, ry) = (0.235, 0.165);
        let rim: Vec<Point> = (0..=28)
            .map(|i| {
                let (sin, cos) = (i as f32 / 28.0 * std::f32::consts::TAU).sin_cos();
                let squared = |v: f32| v.signum() * v.abs().powf(0.75);
                d.camera.above([x + rx * squared(cos), -0.07 + ry * squared(sin)], lift)
            })
            .collect();
        canvas.fill(&ribbon(&rim, |_| width), tone, alpha);
        let lens = canvas.mask(&rim);
        canvas.paint(&lens, 0.06, |_, _, _| 0.95);
        let temple =
            [d.camera.above([x + side.sign * rx, -0.1], lift), d.camera.project([side.sign * 0.76, -0.14, 0.0])];
        canvas.fill(&ribbon(&temple, |_| width), tone, alpha);
    }
    let gap = 0.36 * d.face.identity.eye_gap * d.face.identity.width - 0.235;
    let bridge = [[-gap, -0.09], [0.0, -0.115], [gap, -0.09]].map(|p| d.camera.above(p, lift));
    canvas.fill(&ribbon(&curve(&bridge, false), |_| width), tone, alpha);
}
