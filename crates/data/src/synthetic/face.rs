//! A face and its picture.

use super::action_units::ActionUnits;
use super::anatomy::Anatomy;
use super::canvas::{Canvas, Point};
use super::identity::Identity;
use super::{features, hair, mouth, skin};

/// How the head is held and where it stands in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Turn to the picture's right, in radians.
    pub yaw: f32,
    /// Nod downwards, in radians.
    pub pitch: f32,
    /// Tilt clockwise in the picture, in radians.
    pub roll: f32,
    /// Size in the picture; 1 fills it from the upper forehead to below the chin.
    pub scale: f32,
    /// Shift, in half picture sides.
    pub shift: Point,
    /// Where the eyes look: right and down, -1 to 1.
    pub gaze: Point,
}

impl Default for Pose {
    fn default() -> Self {
        Self { yaw: 0.0, pitch: 0.0, roll: 0.0, scale: 1.0, shift: [0.0, 0.0], gaze: [0.0, 0.0] }
    }
}

/// One lamp and the light of the room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// Towards the lamp: right, down, to the viewer. Need not have length 1.
    pub direction: [f32; 3],
    /// Light from all around, as a factor of tones.
    pub ambient: f32,
    /// Light of the lamp on a surface that faces it.
    pub diffuse: f32,
}

impl Default for Light {
    fn default() -> Self {
        Self { direction: [-0.25, -0.45, 0.86], ambient: 0.55, diffuse: 0.5 }
    }
}

/// Everything that a picture of a face is drawn from. For video, change the action units and the pose from frame to frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Who.
    pub identity: Identity,
    /// The expression.
    pub action_units: ActionUnits,
    /// The head's turn and place.
    pub pose: Pose,
    /// The light.
    pub light: Light,
}

/// A synthetic face.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// Pixels per side.
    pub size: usize,
    /// Grey values, row-major.
    pub pixels: Vec<u8>,
    /// The 68 points of the iBUG scheme, in pixels (0, 0 is the corner of the first pixel). They may lie outside.
    pub landmarks: Vec<Point>,
}

impl Face {
    /// Draws the face before an even background.
    pub fn render(&self, size: usize) -> Rendering {
        let mut canvas = Canvas::new(size, 0.5);
        self.paint(&mut canvas);
        Rendering { size, pixels: canvas.bytes(), landmarks: self.landmarks(size) }
    }

    /// The 68 landmarks in a picture of `size` pixels.
    pub fn landmarks(&self, size: usize) -> Vec<Point> {
        let camera = Camera::new(&self.pose, size);
        let anatomy = Anatomy::new(&self.identity, &self.action_units);
        anatomy.landmarks().into_iter().map(|p| camera.on_face(p)).collect()
    }

    /// Draws the face on a canvas.
    pub fn paint(&self, canvas: &mut Canvas) {
        let camera = Camera::new(&self.pose, canvas.size);
        let anatomy = Anatomy::new(&self.identity, &self.action_units);
        let scene = Drawing { face: self, camera: &camera, anatomy: &anatomy };
        hair::paint_behind(canvas, &scene);
        skin::paint_head(canvas, &scene);
        skin::paint_relief(canvas, &scene);
        hair::paint_beard(canvas, &scene);
        skin::paint_folds(canvas, &scene);
        features::paint_nose(canvas, &scene);
        mouth::paint_mouth(canvas, &scene);
        features::paint_eyes(canvas, &scene);
        features::paint_brows(canvas, &scene);
        hair::paint_front(canvas, &scene);
        features::paint_glasses(canvas, &scene);
    }
}

/// What the painting functions share.
pub(super) struct Drawing<'a> {
    pub face: &'a Face,
    pub camera: &'a Camera,
    pub anatomy: &'a Anatomy,
}

impl Drawing<'_> {
    /// The brightness of a lit surface with this normal (length 1).
    pub fn lit(&self, normal: [f32; 3]) -> f32 {
        let light = &self.face.light;
        let length = light.direction.iter().map(|d| d * d).sum::<f32>().sqrt().max(1e-6);
        let facing = normal.iter().zip(light.direction).map(|(n, d)| n * d / length).sum::<f32>();
        // Wrapped a little around the edge of the shadow, as skin scatters light.
        light.ambient + light.diffuse * ((facing + 0.25) / 1.25).max(0.0)
    }

    /// The brightness of a surface that faces the viewer.
    pub fn facing(&self) -> f32 {
        self.lit([0.0, 0.0, 1.0])
    }
}

/// From face units to pixels: the head as a shape in 2.5 dimensions, turned and seen from afar.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    yaw: (f32, f32),
    pitch: (f32, f32),
    roll: (f32, f32),
    centre: Point,
    /// Pixels per face unit.
    pub unit: f32,
}

/// The height in the face that stands in the middle of the picture.
const MIDDLE: f32 = 0.10;
/// The depth about which the head turns.
const AXIS: f32 = 0.35;

impl Camera {
    /// The camera of a pose for a picture of `size` pixels.
    pub fn new(pose: &Pose, size: usize) -> Self {
        let half = size as f32 / 2.0;
        Self {
            yaw: pose.yaw.sin_cos(),
            pitch: pose.pitch.sin_cos(),
            roll: pose.roll.sin_cos(),
            centre: [half * (1.0 + pose.shift[0]), half * (1.0 + pose.shift[1])],
            unit: half * pose.scale / 1.06,
        }
    }

    /// A point in space: x right, y down, z to the viewer.
    pub fn project(&self, [x, y, z]: [f32; 3]) -> Point {
        let (y, z) = (y - MIDDLE, z - AXIS);
        let (x, z) = (x * self.yaw.1 + z * self.yaw.0, z * self.yaw.1 - x * self.yaw.0);
        let y = y * self.pitch.1 + z * self.pitch.0;
        let (x, y) = (x * self.roll.1 - y * self.roll.0, x * self.roll.0 + y * self.roll.1);
        [self.centre[0] + x * self.unit, self.centre[1] + y * self.unit]
    }

    /// A point on the surface of the face.
    pub fn on_face(&self, [x, y]: Point) -> Point {
        self.project([x, y, depth([x, y])])
    }

    /// A point above the surface of the face.
    pub fn above(&self, [x, y]: Point, height: f32) -> Point {
        self.project([x, y, depth([x, y]) + height])
    }

    /// A line on the surface of the face.
    pub fn line(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|&p| self.on_face(p)).collect()
    }

    /// The head's own axes, for shading: what a vector in the picture is to the head.
    pub fn turned(&self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        let (x, z) = (x * self.yaw.1 + z * self.yaw.0, z * self.yaw.1 - x * self.yaw.0);
        let (y, z) = (y * self.pitch.1 + z * self.pitch.0, z * self.pitch.1 - y * self.pitch.0);
        [x, y, z]
    }

    /// The point of the frontal head's plane (z = `AXIS`) that is seen at a pixel, roughly: for shading.
    pub fn unproject(&self, x: f32, y: f32) -> Point {
        let (x, y) = ((x - self.centre[0]) / self.unit, (y - self.centre[1]) / self.unit);
        let (x, y) = (x * self.roll.1 + y * self.roll.0, y * self.roll.1 - x * self.roll.0);
        [x / self.yaw.1.max(0.3), y / self.pitch.1.max(0.3) + MIDDLE]
    }
}

/// The depth of the face's surface: a rounded head with a nose.
fn depth([x, y]: Point) -> f32 {
    let round = (1.0 - (x / 0.88).powi(2)).max(0.0).sqrt() * (1.0 - 0.22 * (y - 0.1).powi(2)).max(0.0);
    let nose = (1.0 - (x / 0.17).powi(2)).max(0.0) * (1.0 - ((y - 0.22) / 0.33).powi(2)).max(0.0);
    0.72 * round + 0.2 * nose
}
