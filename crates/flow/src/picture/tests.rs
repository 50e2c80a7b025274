use super::*;
use crate::tvl1::tests::{Motion, drawn};

/// A dark spot on a bright face that moves to the right and a little down.
fn frames(height: usize, width: usize, by: f64) -> (Plane, Plane) {
    let frame = |shift: f64| {
        Plane::from_fn(height, width, |y, x| {
            let (dx, dy) = (x as f64 - width as f64 * 0.4 - shift, y as f64 - height as f64 * 0.5 - shift / 4.0);
            (200.0 - 120.0 * (-(dx * dx + dy * dy) / 60.0).exp() + ((x * 7 + y * 13) % 11) as f64 * 0.2) as f32
        })
    };
    (frame(0.0), frame(by))
}

fn channel(pixels: &[u8], channel: usize) -> Vec<u8> {
    pixels.iter().skip(channel).step_by(3).copied().collect()
}

fn signed() -> FlowPicture {
    FlowPicture { input: Input::Signed(Signed::default()), ..FlowPicture::default() }
}

#[test]
fn stretched_channels_reach_from_0_to_255_and_forget_the_size_of_the_motion() {
    let (onset, apex) = frames(64, 64, 1.5);
    let pixels = FlowPicture::default().draw(&onset, &apex).unwrap();
    assert_eq!(pixels.len(), 28 * 28 * 3);
    for c in 0..3 {
        let values = channel(&pixels, c);
        assert_eq!((values.iter().min(), values.iter().max()), (Some(&0), Some(&255)));
    }
    let plane = Plane::new(2, 2, vec![-0.5, 0.0, 0.25, 0.5]).unwrap();
    assert_eq!(stretched(&plane), [0, 128, 191, 255]);
    let smaller = Plane::new(2, 2, vec![-0.05, 0.0, 0.025, 0.05]).unwrap();
    assert_eq!(stretched(&smaller), stretched(&plane));
    assert_eq!(stretched(&Plane::new(1, 2, vec![3.0, 3.0]).unwrap()), [0, 0]);
}

#[test]
fn signed_channels_keep_sign_and_size() {
    let (onset, apex) = frames(64, 64, 1.5);
    let small = |picture: &FlowPicture| {
        let flow = TvL1::default().flow(&onset, &apex).unwrap();
        [flow.u, flow.v].map(|plane| picture.small(&plane))
    };
    let picture = signed();
    let pixels = picture.draw(&onset, &apex).unwrap();
    for (c, plane) in small(&picture).iter().enumerate() {
        for (&found, &motion) in channel(&pixels, c).iter().zip(plane.values()) {
            // 64 pixels wide, so that 2 pixels of motion are the limit.
            let expected = (128.0 + 127.0 * f64::from(motion) / 2.0).round().clamp(1.0, 255.0);
            assert_eq!(f64::from(found), expected);
        }
    }
    assert!(channel(&pixels, 0).iter().any(|&u| u > 170), "the spot moves to the right");
    let still = picture.draw(&onset, &onset).unwrap();
    assert!(still.chunks_exact(3).all(|pixel| pixel == [128, 128, 0]));
    let narrow = Signed { motion_limit: 0.001, ..Signed::default() };
    let clipped = FlowPicture { input: Input::Signed(narrow), ..FlowPicture::default() }.draw(&onset, &apex).unwrap();
    assert_eq!(channel(&clipped, 0).iter().max(), Some(&255));
    assert!(channel(&clipped, 0).iter().all(|&u| u >= 1));
}

#[test]
fn grey_inputs_are_onset_apex_and_half_their_difference() {
    let (onset, apex) =
        (Plane::from_bytes(2, 2, &[0, 255, 100, 10]).unwrap(), Plane::from_bytes(2, 2, &[255, 0, 101, 10]).unwrap());
    let draw = |input| FlowPicture { side: 2, input, ..FlowPicture::default() }.draw(&onset, &apex).unwrap();
    // 255.5, 0.5, 128.5, 128, rounded away from 0.
    assert_eq!(draw(Input::Difference), [255, 1, 129, 128]);
    assert_eq!(draw(Input::OnsetApex), [0, 255, 255, 255, 0, 1, 100, 101, 129, 10, 10, 128]);
}

#[test]
fn a_mirrored_picture_negates_u_alone() {
    let original = [10, 1, 2, 20, 3, 4, 255, 5, 6, 0, 7, 8, 128, 9, 10, 1, 11, 12];
    let mut pixels = original;
    mirror_flow(&mut pixels, 3, Horizontal::Stretched).unwrap();
    assert_eq!(pixels, [0, 5, 6, 235, 3, 4, 245, 1, 2, 254, 11, 12, 127, 9, 10, 255, 7, 8]);
    mirror_flow(&mut pixels, 3, Horizontal::Stretched).unwrap();
    assert_eq!(pixels, original);
    mirror_flow(&mut pixels, 3, Horizontal::Signed).unwrap();
    assert_eq!(pixels, [1, 5, 6, 236, 3, 4, 246, 1, 2, 255, 11, 12, 128, 9, 10, 255, 7, 8]);
    let message = mirror_flow(&mut pixels, 4, Horizontal::Signed).unwrap_err().to_string();
    assert!(message.contains("18 bytes are no whole number of rows of 4 pixels"), "{message}");
}

#[test]
fn a_mirrored_picture_is_that_of_mirrored_frames() {
    let (onset, apex) = drawn(Motion::Bump, 64, 64);
    let distance =
        |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64;
    let picture = signed();
    let mut mirrored = picture.draw(&onset, &apex).unwrap();
    let mut exchanged = mirrored.clone();
    mirror::exchange(&mut exchanged, 28, 3);
    picture.mirror(&mut mirrored).unwrap();
    let expected = picture.draw(&onset.mirrored(), &apex.mirrored()).unwrap();
    let errors = [&mirrored, &exchanged].map(|found| distance(&channel(found, 0), &channel(&expected, 0)));
    assert!(errors[0] < 8.0 && errors[1] > 2.0 * errors[0], "with u negated, and without: {errors:?}");

    // The method finds other motions at the border of mirrored frames, and one of them shifts a stretched picture as a whole:
    // that form is compared on one flow.
    let flow = TvL1::default().flow(&onset, &apex).unwrap();
    let (u, rest) = (flow.u(), vec![0; 64 * 64]);
    let mut mirrored = interleaved(&[stretched(u), rest.clone(), rest]);
    mirror_flow(&mut mirrored, 64, Horizontal::Stretched).unwrap();
    let negated = Plane::from_fn(64, 64, |y, x| -u.at(y, 63 - x));
    assert_eq!(channel(&mirrored, 0), stretched(&negated));

    let grey = FlowPicture { side: 2, input: Input::Difference, ..FlowPicture::default() };
    let mut pixels = [1, 2, 3, 4];
    grey.mirror(&mut pixels).unwrap();
    assert_eq!(pixels, [2, 1, 4, 3]);
    assert!(grey.mirror(&mut [0; 5]).unwrap_err().to_string().contains("2x2x1 cannot have 5 bytes"));
}

#[test]
fn sizes_change_as_in_opencv() {
    // p = np.array([[(y * 37 + x * 91) % 256 for x in range(7)] for y in range(5)], np.float32)
    // cv2.resize(p, (3, 2), interpolation=cv2.INTER_AREA), the same with INTER_LINEAR; opencv-python 4.14.0
    let plane = Plane::from_fn(5, 7, |y, x| ((y * 37 + x * 91) % 256) as f32);
    let close = |found: Plane, expected: [f32; 6]| {
        for (found, expected) in found.values().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} instead of {expected}");
        }
    };
    close(resize::area(&plane, 2, 3), [87.2857, 105.1143, 122.9429, 146.8286, 106.1429, 109.3428]);
    close(resize::linear_to(&plane, 2, 3), [88.4167, 44.75, 171.75, 180.9167, 137.25, 93.5833]);
    assert_eq!(resize::area(&plane, 5, 7), plane);
}

#[test]
fn impossible_options_and_frames_are_refused() {
    let (onset, apex) = frames(20, 20, 1.0);
    let message = |picture: FlowPicture| picture.draw(&onset, &apex).unwrap_err().to_string();
    let none = FlowPicture { side: 0, ..FlowPicture::default() };
    assert_eq!(message(none), "options of the picture: side: 0 is impossible; expected 1 to 4096");
    let limits = Signed { motion_limit: 0.0, strain_limit: f64::INFINITY, flow: TvL1 { warps: 0, ..TvL1::default() } };
    let mut problems = Problems::default();
    FlowPicture { input: Input::Signed(limits), ..FlowPicture::default() }.check("", &mut problems);
    let paths: Vec<String> = problems.into_vec().into_iter().map(|p| p.path).collect();
    assert_eq!(paths, ["input.signed.flow.warps", "input.signed.motion_limit", "input.signed.strain_limit"]);
    let (_, other) = frames(20, 21, 1.0);
    let error = FlowPicture::default().draw(&onset, &other).unwrap_err().to_string();
    assert_eq!(error, "onset has 20x20 pixels, apex 20x21; crop or resize them to one size");
}

#[test]
fn options_are_read_by_name() {
    let read = |text: &str| serde_json::from_str::<FlowPicture>(text).unwrap();
    assert_eq!(read("{}"), FlowPicture::default());
    assert_eq!(read(r#"{"input": "onset_apex", "shrink": "linear"}"#).input, Input::OnsetApex);
    let Input::Signed(options) = read(r#"{"side": 56, "input": {"signed": {"flow": {"lambda": 0.3}}}}"#).input else {
        panic!("another input");
    };
    assert_eq!(options, Signed { flow: TvL1 { lambda: 0.3, ..TvL1::default() }, ..Signed::default() });
}
