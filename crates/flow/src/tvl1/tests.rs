//! Properties of the flow, and what is refused. The drawn pairs are those of `scripts/flow_opencv.py`.

use super::*;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Motion {
    Translation,
    Rotation,
    Zoom,
    Bump,
}

/// A picture that is known between its pixels too.
fn texture(x: f64, y: f64) -> f64 {
    let waves = [
        (0.9, 0.35, 0.1, 22.0),
        (-0.5, 0.8, 1.3, 24.0),
        (0.23, 0.31, 2.1, 30.0),
        (0.41, -0.17, 0.7, 18.0),
        (-0.11, 0.13, 4.0, 20.0),
    ];
    127.5 + waves.iter().map(|(kx, ky, phase, a)| a * (kx * x + ky * y + phase).sin()).sum::<f64>()
}

fn motion(kind: Motion, height: usize, width: usize, y: usize, x: usize) -> (f64, f64) {
    let (cx, cy) = (x as f64 - (width - 1) as f64 / 2.0, y as f64 - (height - 1) as f64 / 2.0);
    match kind {
        Motion::Translation => (1.3, -0.7),
        Motion::Rotation => {
            let (s, c) = 1.5f64.to_radians().sin_cos();
            (c * cx - s * cy - cx, s * cx + c * cy - cy)
        }
        Motion::Zoom => (0.02 * cx, 0.02 * cy),
        Motion::Bump => {
            let sigma = height.min(width) as f64 / 8.0;
            let bump = (-(cx * cx + cy * cy) / (2.0 * sigma * sigma)).exp();
            (1.5 * bump, 0.8 * bump)
        }
    }
}

/// Two pictures between which `motion` lies.
pub(crate) fn drawn(kind: Motion, height: usize, width: usize) -> (Plane, Plane) {
    let grey = |x: f64, y: f64| (texture(x, y) + 0.5).floor().clamp(0.0, 255.0) as f32;
    let first = Plane::from_fn(height, width, |y, x| {
        let (u, v) = motion(kind, height, width, y, x);
        grey(x as f64 + u, y as f64 + v)
    });
    (first, Plane::from_fn(height, width, |y, x| grey(x as f64, y as f64)))
}

/// Mean distance of the flow from the drawn motion, `margin` pixels at the border left out.
fn error(flow: &Flow, kind: Motion, margin: usize) -> f64 {
    let (height, width) = flow.u.size();
    let (mut sum, mut count) = (0.0, 0.0);
    for y in margin..height - margin {
        for x in margin..width - margin {
            let (u, v) = motion(kind, height, width, y, x);
            sum += (f64::from(flow.u.at(y, x)) - u).hypot(f64::from(flow.v.at(y, x)) - v);
            count += 1.0;
        }
    }
    sum / count
}

#[test]
fn two_equal_pictures_have_no_motion() {
    let (_, picture) = drawn(Motion::Bump, 40, 33);
    let flow = TvL1::default().flow(&picture, &picture).unwrap();
    assert!(flow.u.values().iter().chain(flow.v.values()).all(|&v| v == 0.0));
    let grey = Plane::from_bytes(20, 20, &[77; 400]).unwrap();
    assert_eq!(TvL1::default().flow(&grey, &grey).unwrap().mean_motion(), 0.0);
}

#[test]
fn known_motion_is_recovered() {
    for sampling in [Sampling::Steps32, Sampling::Exact] {
        let options = TvL1 { sampling, ..TvL1::default() };
        for kind in [Motion::Translation, Motion::Rotation, Motion::Zoom, Motion::Bump] {
            let (first, second) = drawn(kind, 64, 80);
            let error = error(&options.flow(&first, &second).unwrap(), kind, 6);
            assert!(error < 0.06, "{kind:?}, {sampling:?}: {error}");
        }
    }
}

#[test]
fn mirrored_pictures_have_the_mirrored_motion_with_u_negated() {
    let (first, second) = drawn(Motion::Translation, 48, 60);
    let options = TvL1 { sampling: Sampling::Exact, scales: 1, ..TvL1::default() };
    let flow = options.flow(&first, &second).unwrap();
    let mirrored = options.flow(&first.mirrored(), &second.mirrored()).unwrap();
    let (u, v) = (mirrored.u.mirrored(), mirrored.v.mirrored());
    let distance = |y, x| (flow.u.at(y, x) + u.at(y, x)).hypot(flow.v.at(y, x) - v.at(y, x));
    // The differences to the right and downwards of the method know left from right; inside the picture that is little.
    let inner: Vec<f32> = (6..42).flat_map(|y| (6..54).map(move |x| (y, x))).map(|(y, x)| distance(y, x)).collect();
    let mean = inner.iter().sum::<f32>() / inner.len() as f32;
    assert!(mean < 0.02, "{mean}");
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let (first, second) = drawn(Motion::Rotation, 75, 90);
    let flow_with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| TvL1::default().flow(&first, &second).unwrap())
    };
    let one = flow_with(1);
    for threads in [2, 3, 7] {
        let many = flow_with(threads);
        let bits = |plane: &Plane| plane.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert!(bits(&one.u) == bits(&many.u) && bits(&one.v) == bits(&many.v), "{threads} threads");
    }
}

#[test]
fn smallest_pictures_have_a_flow() {
    let (first, second) = drawn(Motion::Translation, 3, 5);
    let flow = TvL1::default().flow(&first, &second).unwrap();
    assert_eq!(flow.u.size(), (3, 5));
    assert!(flow.u.values().iter().chain(flow.v.values()).all(|v| v.is_finite()));
}

#[test]
fn the_pyramid_ends_before_sides_below_16() {
    let sizes = |height, width| {
        let levels = TvL1::default().pyramid(&Plane::zeros(height, width));
        levels.iter().map(Plane::size).collect::<Vec<_>>()
    };
    // 102.4, 81.6, 65.6, 52.8; 30.4, 24 and 19.2, then 15.36.
    assert_eq!(sizes(128, 128), [(128, 128), (102, 102), (82, 82), (66, 66), (53, 53)]);
    assert_eq!(sizes(38, 128), [(38, 128), (30, 102), (24, 82), (19, 66)]);
    assert_eq!(sizes(10, 10), [(10, 10)]);
}

#[test]
fn impossible_pictures_and_options_are_refused() {
    let message = |result: Result<Flow>| result.unwrap_err().to_string();
    let (small, large) = (Plane::zeros(20, 30), Plane::zeros(30, 20));
    let options = TvL1::default();
    let text = message(options.flow(&small, &large));
    assert_eq!(text, "the first picture has 20x30 pixels, the second 30x20; crop or resize them to one size");
    assert!(message(options.flow(&Plane::zeros(2, 9), &Plane::zeros(2, 9))).contains("at least 3x3"));
    assert!(Plane::from_bytes(0, 4, &[]).unwrap_err().to_string().contains("no pixels"));
    assert!(Plane::from_bytes(3, 4, &[0; 11]).unwrap_err().to_string().contains("cannot have 11 values"));
    let mut values = vec![0.0; 12];
    values[6] = f32::NAN;
    assert!(Plane::new(3, 4, values).unwrap_err().to_string().starts_with("row 1, column 2: NaN"));
    let bright = Plane::from_fn(20, 30, |y, x| if (y, x) == (2, 3) { 255.5 } else { 0.0 });
    let text = message(options.flow(&small, &bright));
    assert_eq!(text, "the second picture has 255.5 at row 2, column 3; grey values go from 0 to 255");

    let even = TvL1 { median: 4, ..TvL1::default() };
    assert_eq!(
        message(even.flow(&small, &small)),
        "options of TV-L1: median: 4 is impossible; expected 1 (no filter), 3 or 5"
    );
    let mut problems = Problems::default();
    let all = TvL1 {
        tau: 0.0,
        lambda: f64::NAN,
        theta: -1.0,
        scales: 0,
        warps: 0,
        epsilon: -0.1,
        inner_iterations: 0,
        outer_iterations: 0,
        scale_step: 1.0,
        median: 7,
        sampling: Sampling::Exact,
    };
    all.check("flow.", &mut problems);
    let paths: Vec<String> = problems.into_vec().into_iter().map(|p| p.path).collect();
    let keys = ["tau", "lambda", "theta", "scales", "warps", "epsilon", "inner_iterations", "outer_iterations"];
    let expected: Vec<String> = keys.iter().chain(&["scale_step", "median"]).map(|k| format!("flow.{k}")).collect();
    assert_eq!(paths, expected);
}

#[test]
fn options_are_read_with_defaults_and_unknown_keys_refused() {
    let read = |text: &str| serde_json::from_str::<TvL1>(text);
    assert_eq!(read("{}").unwrap(), TvL1::default());
    let options = read(r#"{"lambda": 0.3, "sampling": "exact"}"#).unwrap();
    assert_eq!(options, TvL1 { lambda: 0.3, sampling: Sampling::Exact, ..TvL1::default() });
    assert!(read(r#"{"nscales": 3}"#).unwrap_err().to_string().contains("unknown field `nscales`"));
}
