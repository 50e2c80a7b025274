//! Histograms of drawn pictures, and against the definition written down plainly.

use ferrotype_base::random::Stream;

use super::*;

fn picture(pixel: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    (0..SIDE * SIDE).flat_map(|i| pixel(i % SIDE, i / SIDE)).collect()
}

/// The definition, pixel by pixel and in f64.
fn plain(bgr: &[u8]) -> Vec<f64> {
    let at = |x: usize, y: usize, c: usize| f64::from(bgr[(y * SIDE + x) * 3 + c]);
    let mut cells = vec![[0.0; 18]; CELLS * CELLS];
    for (x, y) in (1..SIDE - 1).flat_map(|y| (1..SIDE - 1).map(move |x| (x, y))) {
        let of = |c: usize| (at(x + 1, y, c) - at(x - 1, y, c), at(x, y + 1, c) - at(x, y - 1, c));
        let (dx, dy) = [0, 1, 2].map(of).into_iter().fold((0.0, 0.0), |best: (f64, f64), g| {
            if g.0 * g.0 + g.1 * g.1 > best.0 * best.0 + best.1 * best.1 { g } else { best }
        });
        let unit = |o: usize| {
            let (sine, cosine) = (o as f64 * std::f64::consts::PI / 9.0).sin_cos();
            [cosine, sine].map(|v| (v * 1e4).round() / 1e4)
        };
        let dot = |o: usize| dx * unit(o)[0] + dy * unit(o)[1];
        let direction = (1..18).fold(0, |best, o| if dot(o) > dot(best) { o } else { best });
        let place = |v: usize| (v as f64 + 0.5) / CELL as f64 - 0.5;
        for (cell, histogram) in cells.iter_mut().enumerate() {
            let near = |v: usize, c: usize| (1.0 - (place(v) - c as f64).abs()).max(0.0);
            histogram[direction] += near(x, cell % CELLS) * near(y, cell / CELLS) * dx.hypot(dy);
        }
    }
    let energy = |x: usize, y: usize| -> f64 {
        let h = cells[y * CELLS + x];
        (0..9).map(|o| (h[o] + h[o + 9]).powi(2)).sum()
    };
    let mut out = Vec::new();
    for (x, y) in (1..CELLS - 1).flat_map(|y| (1..CELLS - 1).map(move |x| (x, y))) {
        let corners = [(x, y), (x, y - 1), (x - 1, y), (x - 1, y - 1)];
        let norms = corners
            .map(|(x, y)| (energy(x, y) + energy(x + 1, y) + energy(x, y + 1) + energy(x + 1, y + 1) + 1e-4).sqrt());
        let h = cells[y * CELLS + x];
        let cut = |v: f64| norms.map(|n| (v / n).min(0.2));
        out.extend((0..18).map(|o| 0.5 * cut(h[o]).iter().sum::<f64>()));
        out.extend((0..9).map(|o| 0.5 * cut(h[o] + h[o + 9]).iter().sum::<f64>()));
        out.extend((0..4).map(|k| 0.2357 * (0..18).map(|o| cut(h[o])[k]).sum::<f64>()));
    }
    out
}

#[test]
fn they_follow_the_definition() {
    let mut stream = Stream::new(5);
    // Smooth colours with a little noise: gradients of all directions, few of them between two directions.
    let noise: Vec<u8> = (0..SIDE * SIDE * 3).map(|_| stream.below(40) as u8).collect();
    let drawn = picture(|x, y| {
        let wave = |period: f64, turn: f64| {
            (100.0 + 90.0 * ((x as f64 * turn.cos() + y as f64 * turn.sin()) / period).sin()) as u8
        };
        let n = &noise[(y * SIDE + x) * 3..];
        [wave(5.0, 0.3) + n[0], wave(9.0, 1.4) + n[1], wave(13.0, 2.5) + n[2]]
    });
    let (ours, plain) = (hog(&drawn).unwrap(), plain(&drawn));
    assert_eq!((ours.len(), plain.len()), (LENGTH, LENGTH));
    let far: Vec<f64> = ours.iter().zip(&plain).map(|(a, b)| (f64::from(*a) - b).abs()).collect();
    assert!(far.iter().all(|d| *d < 1e-5), "{}", far.iter().copied().fold(0.0, f64::max));
}

#[test]
fn one_edge_is_one_direction() {
    // Brighter to the right: gradients along x, direction 0.
    let edge = hog(&picture(|x, _| if x < 56 { [10; 3] } else { [200; 3] })).unwrap();
    let cell = &edge[(5 * ROWS + 5) * CHANNELS..][..CHANNELS];
    assert!(cell[0] > 0.2 && cell[18] == cell[0] && cell[1..18].iter().all(|&v| v == 0.0), "{cell:?}");
    // Darker downwards: the opposite of direction 4.5, which snaps to the first of its neighbours, 4 + 9.
    let edge = hog(&picture(|_, y| if y < 56 { [200; 3] } else { [10; 3] })).unwrap();
    let cell = &edge[(5 * ROWS + 5) * CHANNELS..][..CHANNELS];
    assert!(cell[13] > 0.2 && cell[22] == cell[13] && cell[..13].iter().all(|&v| v == 0.0), "{cell:?}");
    assert!(hog(&picture(|_, _| [77; 3])).unwrap().iter().all(|&v| v == 0.0));
}

#[test]
fn of_equal_gradients_blue_counts() {
    // Blue grows to the right, red grows downwards by the same.
    let both = hog(&picture(|x, y| [2 * x as u8, 0, 2 * y as u8])).unwrap();
    let only_red = hog(&picture(|_, y| [0, 0, 2 * y as u8])).unwrap();
    let only_blue = hog(&picture(|x, _| [2 * x as u8, 0, 0])).unwrap();
    assert!(both == only_blue && both != only_red);
}

#[test]
fn other_sizes_are_errors() {
    assert!(hog(&[0; 100]).unwrap_err().to_string().contains("112 x 112"));
}
