//! Several detections of one face become one: their mean, weighted by their scores.

use crate::detector::Detection;

/// Detections that overlap by more are of one face. MediaPipe's Face Landmarker leaves it at the default of its detector.
pub const OVERLAP: f32 = 0.5;

/// MediaPipe's weighted non-maximum suppression: from the best score on, each detection takes all that overlap with it,
/// and is replaced by their mean; the score stays the best. Best score first; of equal ones the earlier.
pub fn suppress(mut found: Vec<Detection>, overlap: f32) -> Vec<Detection> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = Vec::new();
    while let Some(best) = found.first().cloned() {
        let (same, others): (Vec<Detection>, Vec<Detection>) =
            found.into_iter().partition(|d| shared(&d.bounds, &best.bounds) > overlap);
        // A box without an area overlaps with nothing, not even itself.
        if same.is_empty() {
            break;
        }
        kept.push(mean(&same, best.score));
        found = others;
    }
    kept
}

fn mean(all: &[Detection], score: f32) -> Detection {
    let total: f32 = all.iter().map(|d| d.score).sum();
    let of = |value: &dyn Fn(&Detection) -> f32| all.iter().map(|d| value(d) * d.score).sum::<f32>() / total;
    Detection {
        bounds: std::array::from_fn(|k| of(&|d| d.bounds[k])),
        points: std::array::from_fn(|i| std::array::from_fn(|k| of(&|d| d.points[i][k]))),
        score,
    }
}

/// The part that two boxes share of what they cover together.
fn shared(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let side = |k: usize| (a[k + 2].min(b[k + 2]) - a[k].max(b[k])).max(0.0);
    let area = |c: &[f32; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    let both = side(0) * side(1);
    let all = area(a) + area(b) - both;
    if all > 0.0 { both / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32, score: f32) -> Detection {
        Detection { bounds: [x, 0.0, x + 10.0, 10.0], points: [[x, 1.0]; 6], score }
    }

    #[test]
    fn one_face_is_the_mean_of_its_detections() {
        let found = suppress(vec![at(4.0, 0.25), at(0.0, 0.75), at(100.0, 0.5)], 0.4);
        assert_eq!(
            found,
            [Detection { bounds: [1.0, 0.0, 11.0, 10.0], points: [[1.0, 1.0]; 6], score: 0.75 }, at(100.0, 0.5)]
        );
        // 6 of 14 are shared: .43.
        assert_eq!(suppress(vec![at(4.0, 0.25), at(0.0, 0.75)], 0.45).len(), 2);
    }

    #[test]
    fn nothing_and_boxes_without_area() {
        assert_eq!(suppress(Vec::new(), 0.5), []);
        let point = Detection { bounds: [3.0; 4], points: [[3.0; 2]; 6], score: 0.9 };
        assert_eq!(suppress(vec![point], 0.5), []);
    }
}
