//! Hair and beard.

use super::canvas::{Canvas, Point, curve};
use super::face::Drawing;
use super::identity::{Beard, Hair};
use super::skin;

/// The hair behind the head.
pub(super) fn paint_behind(canvas: &mut Canvas, d: &Drawing) {
    let person = &d.face.identity;
    let w = person.width;
    let shape: &[Point] = match person.hair {
        Hair::Bald => return,
        Hair::Long => &[[-0.86, 1.5], [-0.92, 0.5], [-0.9, -0.5], [0.0, -1.32], [0.9, -0.5], [0.92, 0.5], [0.86, 1.5]],
        _ => &[[-0.76, 0.02], [-0.84, -0.5], [-0.5, -1.15], [0.0, -1.28], [0.5, -1.15], [0.84, -0.5], [0.76, 0.02]],
    };
    let path: Vec<Point> = shape.iter().map(|&[x, y]| d.camera.project([x * w, y, -0.1])).collect();
    canvas.fill(&curve(&path, true), person.hair_tone * d.facing() * 0.8, 1.0);
}

/// The hair over the forehead.
pub(super) fn paint_front(canvas: &mut Canvas, d: &Drawing) {
    let person = &d.face.identity;
    let w = person.width;
    // From the left temple along the hairline to the right temple; the way back runs over the crown.
    let hairline: &[Point] = match person.hair {
        Hair::Bald => return,
        Hair::Short => {
            &[[-0.74, -0.1], [-0.66, -0.5], [-0.45, -0.76], [0.0, -0.82], [0.45, -0.76], [0.66, -0.5], [0.74, -0.1]]
        }
        Hair::Fringe => {
            &[[-0.75, 0.0], [-0.66, -0.45], [-0.35, -0.52], [0.0, -0.5], [0.35, -0.53], [0.66, -0.45], [0.75, 0.0]]
        }
        Hair::Parted => {
            &[[-0.74, -0.05], [-0.64, -0.42], [-0.35, -0.66], [0.18, -0.88], [0.5, -0.7], [0.68, -0.45], [0.74, -0.1]]
        }
        Hair::Long => &[[-0.78, 0.9], [-0.68, -0.2], [-0.5, -0.6], [0.0, -0.9], [0.5, -0.6], [0.68, -0.2], [0.78, 0.9]],
    };
    let mut path: Vec<[f32; 3]> =
        hairline.iter().map(|&[x, y]| [x * w, y, 0.55 * (1.0 - (x / 0.8).powi(2)).max(0.0)]).collect();
    path = curve(&path, false);
    let outer = if person.hair == Hair::Long { 0.93 } else { 0.83 };
    let low = hairline[hairline.len() - 1][1];
    let crown = [[outer, low], [outer, -0.5], [0.5, -1.15], [0.0, -1.28], [-0.5, -1.15], [-outer, -0.5], [-outer, low]];
    path.extend(curve(&crown.map(|[x, y]| [x * w, y, 0.0]), false));
    let path: Vec<Point> = path.into_iter().map(|p| d.camera.project(p)).collect();
    let mask = canvas.mask(&path);
    let light = d.facing();
    let lamp = d.face.light.direction[0];
    canvas.paint(&mask, 1.0, |x, y, _| {
        let [u, v] = d.camera.unproject(x, y);
        // Strands, and a sheen on the lamp's side.
        let strand = ((u * 37.0 + (v * 9.0).sin() * 2.0).sin() * 0.5 + 0.5) * 0.22;
        let sheen = (1.0 - ((u - lamp * 0.5) / 0.45).powi(2)).max(0.0) * (1.0 - ((v + 0.92) / 0.2).powi(2)).max(0.0);
        person.hair_tone * light * (0.82 + strand) + 0.10 * sheen * light
    });
}

/// Stubble, a moustache or a full beard.
pub(super) fn paint_beard(canvas: &mut Canvas, d: &Drawing) {
    let person = &d.face.identity;
    let tone = person.hair_tone * d.facing();
    let a = d.anatomy;
    let [left, right] = [0, 1].map(|k| a.sides[k].corner);
    let lip = a.mouth.upper_outer[2][1];
    let under_nose = a.tip[1] + 0.11;
    let jaw = |alpha: f32, canvas: &mut Canvas| {
        // Beyond the jaw from ear to ear (the head's outline cuts it), back over the cheeks and around the mouth.
        let mut path: Vec<Point> = a.jaw[1..16].iter().map(|p| [p[0] * 1.04, p[1] + 0.06]).collect();
        path.extend([
            [a.jaw[15][0] * 0.92, 0.08],
            [a.jaw[13][0] * 0.86, 0.36],
            [right[0] + 0.10, 0.40],
            [0.0, under_nose],
            [left[0] - 0.10, 0.40],
            [a.jaw[3][0] * 0.86, 0.36],
            [a.jaw[1][0] * 0.92, 0.08],
        ]);
        let head = canvas.mask(&skin::outline(d));
        let mask = canvas.mask(&d.camera.line(&path)).clip(&head);
        canvas.paint(&mask, alpha, |x, y, _| tone * (0.9 + 0.2 * ((x * 1.9).sin() * (y * 2.3).cos())));
    };
    match person.beard {
        Beard::None => return,
        Beard::Stubble => return jaw(0.22, canvas),
        Beard::Full => jaw(0.82, canvas),
        Beard::Moustache => {}
    }
    let moustache = [
        [left[0] * 0.95, left[1] - 0.03],
        [left[0] * 0.5, under_nose + 0.01],
        [0.0, under_nose + 0.02],
        [right[0] * 0.5, under_nose + 0.01],
        [right[0] * 0.95, right[1] - 0.03],
        [right[0] * 0.4, lip],
        [left[0] * 0.4, lip],
    ];
    canvas.fill(&d.camera.line(&curve(&moustache, true)), tone, 0.85);
}
