//! Where the parts of a face stand, given the person and the action units.
//!
//! Face units: x to the right in the picture, y down, the centre between eyes and mouth near (0, 0.1), half of the head's
//! height about 1. The frontal, untilted face; [`super::face::Camera`] turns it.

use super::action_units::{ActionUnits, Au};
use super::canvas::Point;
use super::identity::Identity;

/// One side's parts. Side 0 is left in the picture.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// -1 on the left of the picture, +1 on the right.
    pub sign: f32,
    /// The eye: outer corner, two points of the upper lid (outer first), inner corner, two of the lower lid (inner first).
    pub eye: [Point; 6],
    /// The middle of the eye.
    pub eye_centre: Point,
    /// Half the eye's width.
    pub eye_half: f32,
    /// How far the eye is open, in face units.
    pub opening: f32,
    /// The brow from its inner to its outer end.
    pub brow: [Point; 5],
    /// The wing of the nose.
    pub wing: Point,
    /// The corner of the mouth.
    pub corner: Point,
}

/// The mouth's lines from the left corner to the right, without the corners.
#[derive(Clone, Copy, Debug)]
pub struct Mouth {
    /// The upper border of the upper lip.
    pub upper_outer: [Point; 5],
    /// The lower border of the upper lip.
    pub upper_inner: [Point; 3],
    /// The upper border of the lower lip.
    pub lower_inner: [Point; 3],
    /// The lower border of the lower lip.
    pub lower_outer: [Point; 5],
    /// The gap between the lips in the middle, in face units.
    pub gap: f32,
}

/// All parts.
#[derive(Clone, Debug)]
pub struct Anatomy {
    /// Both sides, left in the picture first.
    pub sides: [Side; 2],
    /// The mouth.
    pub mouth: Mouth,
    /// From the left ear over the chin to the right: 17 points.
    pub jaw: [Point; 17],
    /// The tip of the nose.
    pub tip: Point,
    /// How far the jaw is down, in face units.
    pub drop: f32,
}

/// The line through both eyes.
const EYE_LINE: f32 = -0.11;
/// The line between the lips.
const MOUTH_LINE: f32 = 0.50;

impl Anatomy {
    /// Places every part.
    pub fn new(person: &Identity, units: &ActionUnits) -> Self {
        let drop = 0.24 * units.both(Au::JawDrop);
        let tip = [0.0, 0.10 + 0.14 * person.nose_length - 0.03 * units.both(Au::NoseWrinkle)];
        let sides = [0, 1].map(|side| place_side(person, units, side, tip, drop));
        let corners = sides.map(|s| s.corner);
        let mouth = place_mouth(person, units, corners, drop);
        let jaw = place_jaw(person, drop - 0.03 * units.both(Au::Chin));
        Self { sides, mouth, jaw, tip, drop }
    }

    /// The 68 points of the iBUG 300-W scheme (Sagonas et al. 2013): jaw 17, brows 5 + 5, nose 4 + 5, eyes 6 + 6, outer
    /// lips 12, inner lips 8.
    pub fn landmarks(&self) -> Vec<Point> {
        let [left, right] = &self.sides;
        let mut points = self.jaw.to_vec();
        points.extend(left.brow.iter().rev());
        points.extend(right.brow);
        let top = EYE_LINE - 0.02;
        points.extend((0..4).map(|i| [0.0, top + (self.tip[1] - top) * i as f32 / 3.0]));
        let base = self.tip[1] + 0.08;
        let wing = |s: &Side, t: f32| [s.wing[0] * t, base + (s.wing[1] + 0.04 - base) * t];
        points.extend([wing(left, 0.9), wing(left, 0.45), [0.0, base], wing(right, 0.45), wing(right, 0.9)]);
        points.extend(left.eye);
        let e = right.eye;
        points.extend([e[3], e[2], e[1], e[0], e[5], e[4]]);
        let m = &self.mouth;
        points.push(left.corner);
        points.extend(m.upper_outer);
        points.push(right.corner);
        points.extend(m.lower_outer.iter().rev());
        let inward =
            |corner: Point, next: Point| [corner[0] * 0.85 + next[0] * 0.15, corner[1] * 0.85 + next[1] * 0.15];
        points.push(inward(left.corner, m.upper_inner[0]));
        points.extend(m.upper_inner);
        points.push(inward(right.corner, m.upper_inner[2]));
        points.extend(m.lower_inner.iter().rev());
        points
    }
}

fn place_side(person: &Identity, units: &ActionUnits, side: usize, tip: Point, drop: f32) -> Side {
    let sign = if side == 0 { -1.0 } else { 1.0 };
    let au = |unit| units.side(unit, side);
    let (eye, eye_centre, eye_half, opening) = place_eye(person, sign, &au);
    let wrinkle = au(Au::NoseWrinkle);
    let wing = [
        sign * (0.145 * person.nose_width + 0.02 * wrinkle + 0.012 * au(Au::CornerPull)),
        tip[1] + 0.02 - 0.05 * wrinkle - 0.03 * au(Au::UpperLip),
    ];
    let half = 0.255 * person.mouth + 0.10 * au(Au::CornerPull) + 0.09 * au(Au::LipStretch) + 0.03 * au(Au::Dimple)
        - 0.05 * au(Au::LipTight)
        - 0.045 * units.both(Au::JawDrop)
        - 0.01 * au(Au::CornerDown);
    let height = MOUTH_LINE - 0.135 * au(Au::CornerPull) + 0.12 * au(Au::CornerDown) + 0.04 * au(Au::LipStretch)
        - 0.03 * au(Au::Dimple)
        + 0.42 * drop;
    Side {
        sign,
        eye,
        eye_centre,
        eye_half,
        opening,
        brow: place_brow(person, sign, &au),
        wing,
        corner: [sign * half, height],
    }
}

fn place_eye(person: &Identity, sign: f32, au: &dyn Fn(Au) -> f32) -> ([Point; 6], Point, f32, f32) {
    let centre = [sign * 0.36 * person.eye_gap * person.width, EYE_LINE];
    let half = 0.165 * person.eye_size;
    let closed = 1.0 - au(Au::EyesClosed);
    let squint = 0.22 * au(Au::Cheek) + 0.42 * au(Au::LidTight) + 0.30 * au(Au::NoseWrinkle);
    let upper = 0.082 * person.eye_size * person.eye_open * (1.0 + 0.85 * au(Au::UpperLid) - squint);
    // The cheek pushes the lower lid up, over the line of the corners.
    let raised = 0.72 * au(Au::Cheek) + 0.75 * au(Au::LidTight) + 0.5 * au(Au::NoseWrinkle);
    let lower = 0.055 * person.eye_size * (1.0 + 0.25 * au(Au::UpperLid) - raised.min(1.3));
    let (upper, lower) =
        (upper.max(0.02 - lower) * closed - 0.01 * (1.0 - closed), lower * closed + 0.02 * (1.0 - closed));
    let [x, y] = centre;
    let tilt = person.eye_tilt;
    let eye = [
        [x + sign * half, y - tilt],
        [x + sign * half * 0.45, y - upper - 0.4 * tilt],
        [x - sign * half * 0.35, y - upper * 0.97 + 0.2 * tilt],
        [x - sign * half, y + tilt + 0.012],
        [x - sign * half * 0.35, y + lower * 0.95],
        [x + sign * half * 0.45, y + lower - 0.2 * tilt],
    ];
    (eye, [x, y + (lower - upper) * 0.25], half, (upper + lower).max(0.0))
}

fn place_brow(person: &Identity, sign: f32, au: &dyn Fn(Au) -> f32) -> [Point; 5] {
    let line = EYE_LINE - person.brow_height;
    let (inner_up, outer_up, lowered) = (au(Au::InnerBrow), au(Au::OuterBrow), au(Au::BrowLower));
    let wrinkle = au(Au::NoseWrinkle);
    // At rest the brow rises to an arch at two thirds and falls to its end. With the inner end up, lowering pulls the
    // middle and the ends together rather than all of it down.
    let frown = lowered * (1.0 - 0.75 * inner_up);
    let arch = 0.055 * person.brow_arch;
    let point = |t: f32, rest: f32, inner: f32, outer: f32, down: f32| {
        let x = (0.155 + 0.40 * t) * person.width - 0.05 * lowered * (1.0 - t);
        let y = line - rest - inner * inner_up - outer * outer_up + down * frown + 0.05 * wrinkle * (1.0 - t);
        [sign * x, y]
    };
    [
        point(0.0, 0.0, 0.125, 0.02, 0.15),
        point(0.25, 0.5 * arch, 0.085, 0.05, 0.125),
        point(0.5, 0.9 * arch, 0.03, 0.095, 0.08),
        point(0.75, arch, -0.015, 0.12, 0.035),
        point(1.0, 0.1 * arch, -0.04, 0.10, 0.015),
    ]
}

fn place_mouth(person: &Identity, units: &ActionUnits, corners: [Point; 2], drop: f32) -> Mouth {
    let au = |unit| units.both(unit);
    let [left, right] = corners;
    let tight = au(Au::LipTight);
    let thin = 1.0 - 0.65 * tight - 0.25 * au(Au::CornerPull).max(au(Au::LipStretch));
    let (upper_lip, lower_lip) = (0.068 * person.lips * thin, 0.10 * person.lips * thin);
    let parted = au(Au::LipsPart);
    let gap = drop * 1.05
        + 0.05 * parted * (1.0 + 0.9 * au(Au::CornerPull))
        + 0.03 * au(Au::UpperLip) * parted
        + 0.05 * au(Au::LowerLip)
        + 0.03 * au(Au::LipStretch) * parted;
    let raised =
        0.05 * au(Au::UpperLip) + 0.035 * au(Au::NoseWrinkle) + 0.012 * au(Au::CornerPull) + 0.025 * au(Au::Chin)
            - 0.02 * tight;
    let upper = MOUTH_LINE - raised + 0.08 * drop;
    let lower = upper + gap + 0.012 * au(Au::CornerPull);
    // x at t, 0 left corner to 1 right; the line between corner and middle bends with `belly`, 1 full to 0 straight.
    let across = |t: f32, middle: f32, belly: f32| {
        let base = left[1] + (right[1] - left[1]) * t;
        let bend = (4.0 * t * (1.0 - t)).powf(1.0 / (0.4 + belly));
        [left[0] + (right[0] - left[0]) * t, base + (middle - base) * bend]
    };
    let bow = 0.35 * upper_lip * (1.0 - 0.6 * au(Au::CornerPull));
    let upper_outer = [0.14, 0.36, 0.5, 0.64, 0.86].map(|t| {
        let dip = if t == 0.5 { bow } else { 0.0 };
        across(t, upper - upper_lip + dip, 0.75)
    });
    let inner = [0.22, 0.5, 0.78];
    Mouth {
        upper_outer,
        upper_inner: inner.map(|t| across(t, upper, 0.75)),
        lower_inner: inner.map(|t| across(t, lower, 0.9)),
        lower_outer: [0.14, 0.36, 0.5, 0.64, 0.86].map(|t| across(t, lower + lower_lip, 1.0)),
        gap,
    }
}

fn place_jaw(person: &Identity, drop: f32) -> [Point; 17] {
    let ear = -0.12;
    let chin = 0.97 * person.chin + drop;
    let width = 0.73 * person.width;
    let square = 0.98 - 0.34 * person.jaw;
    std::array::from_fn(|i| {
        let (sin, cos) = (i as f32 / 16.0 * std::f32::consts::PI).sin_cos();
        [-cos.signum() * cos.abs().powf(square) * width, ear + (chin - ear) * sin.max(0.0).powf(0.92)]
    })
}
