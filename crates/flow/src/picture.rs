//! Small pictures from the first frame of an expression (onset) and the one where it is strongest (apex): what networks for
//! micro-expressions look at.
//!
//! The published form (MEGC 2019: STSTNet, Off-ApexNet and what came after them) is u, v and strain as red, green and blue of
//! 28x28 pixels, each stretched to 0..255 clip by clip ([`Input::Stretched`]). That stretching destroys three things: the size of the
//! motion (a tenth of it gives the same picture), its sign (where rest is between 0 and 255 depends on the clip), and the
//! proportion of u to v. [`Input::Signed`] keeps all three.

mod mirror;

#[cfg(test)]
mod tests;

use anyhow::{Result, ensure};
use ferrotype_base::problems::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use mirror::{Horizontal, mirror_flow};

use crate::plane::Plane;
use crate::strain::strain;
use crate::{TvL1, resize};

/// How values become fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shrink {
    /// The mean of the area that a new pixel covers: `cv2.INTER_AREA`.
    #[default]
    Area,
    /// Bilinear between the nearest old pixels, the others unseen: `cv2.INTER_LINEAR`.
    Linear,
}

/// From two grey pictures of a face, cropped to it and aligned, to a picture of `side` x `side` pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowPicture {
    /// Height and width of the result, in pixels. 1 to 4096; 28 in the published pictures.
    pub side: usize,
    /// How values become fewer. The flow and its strain are computed at full size.
    pub shrink: Shrink,
    /// What the channels hold.
    pub input: Input,
}

impl Default for FlowPicture {
    fn default() -> Self {
        Self { side: 28, shrink: Shrink::default(), input: Input::default() }
    }
}

/// What the channels of a [`FlowPicture`] hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// u, v and strain, each stretched so that its smallest value becomes 0 and its largest 255: the published form. A channel
    /// of one value becomes 0.
    Stretched(Stretched),
    /// u, v and strain with sign and size.
    Signed(Signed),
    /// One channel: 128 and half the difference apex minus onset.
    Difference,
    /// Three channels: onset, apex, and the difference as above.
    OnsetApex,
}

impl Default for Input {
    fn default() -> Self {
        Self::Stretched(Stretched::default())
    }
}

/// Options of [`Input::Stretched`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stretched {
    /// The optical flow.
    pub flow: TvL1,
}

/// Options of [`Input::Signed`]. u and v become `128 + 127 * motion / (motion_limit * width)`, rounded and kept within 1 to 255: 128
/// is rest. Strain becomes `255 * strain / strain_limit`, rounded and kept within 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Signed {
    /// The optical flow.
    pub flow: TvL1,
    /// The largest motion told apart, by the width of the given pictures (the face): 1/32 is 4 pixels of 128, in steps of
    /// 0.03 pixels. Above 0, at most 1.
    pub motion_limit: f64,
    /// The largest strain told apart. Above 0.
    pub strain_limit: f64,
}

impl Default for Signed {
    fn default() -> Self {
        Self { flow: TvL1::default(), motion_limit: 1.0 / 32.0, strain_limit: 0.125 }
    }
}

impl Input {
    /// Channels of the picture.
    pub fn channels(&self) -> usize {
        if matches!(self, Self::Difference) { 1 } else { 3 }
    }
}

impl FlowPicture {
    /// Impossible values, with `path` before the names of the keys (such as `flow_picture.`).
    pub fn check(&self, path: &str, problems: &mut Problems) {
        problems.up_to(&format!("{path}side"), self.side, 1, 4096);
        match &self.input {
            Input::Stretched(options) => options.flow.check(&format!("{path}input.stretched.flow."), problems),
            Input::Signed(Signed { flow, motion_limit, strain_limit }) => {
                let path = format!("{path}input.signed.");
                flow.check(&format!("{path}flow."), problems);
                let ok = *motion_limit > 0.0 && *motion_limit <= 1.0;
                problems.range(&format!("{path}motion_limit"), *motion_limit, ok, "a number above 0, at most 1");
                problems.positive(&format!("{path}strain_limit"), *strain_limit);
            }
            Input::Difference | Input::OnsetApex => {}
        }
    }

    /// The picture, [side, side, channels] with the channels next to each other: red u, green v, blue strain. Programs that read
    /// with `cv2.imread` see them in the opposite order, and so do weights trained by them.
    ///
    /// # Errors
    /// Pictures of two sizes, or too small for a flow (3x3), and options outside their ranges.
    pub fn draw(&self, onset: &Plane, apex: &Plane) -> Result<Vec<u8>> {
        let mut problems = Problems::default();
        self.check("", &mut problems);
        if let Some(problem) = problems.into_vec().first() {
            anyhow::bail!("options of the picture: {}: {}", problem.path, problem.message);
        }
        let ((height, width), of_apex) = (onset.size(), apex.size());
        ensure!(
            onset.size() == of_apex,
            "onset has {height}x{width} pixels, apex {}x{}; crop or resize them to one size",
            of_apex.0,
            of_apex.1
        );
        Ok(match &self.input {
            Input::Stretched(options) => {
                interleaved(&self.flow_planes(&options.flow, onset, apex)?.map(|p| stretched(&p)))
            }
            Input::Signed(Signed { flow, motion_limit, strain_limit }) => {
                let [u, v, strain] = self.flow_planes(flow, onset, apex)?;
                let motion = 127.0 / (motion_limit * width as f64);
                let signed = |plane: Plane| bytes(&plane, |v| (128.0 + motion * v).max(1.0));
                interleaved(&[signed(u), signed(v), bytes(&strain, |v| 255.0 / strain_limit * v)])
            }
            Input::Difference => self.difference(onset, apex),
            Input::OnsetApex => {
                let grey = |plane: &Plane| bytes(&self.small(plane), |v| v);
                interleaved(&[grey(onset), grey(apex), self.difference(onset, apex)])
            }
        })
    }

    /// Left and right exchanged in a picture made with these options ([side, side, channels]), with the motion to the right
    /// negated: see [`mirror_flow`].
    ///
    /// # Errors
    /// Another number of bytes.
    pub fn mirror(&self, pixels: &mut [u8]) -> Result<()> {
        let (side, channels) = (self.side, self.input.channels());
        let found = pixels.len();
        ensure!(found == side * side * channels, "a picture of {side}x{side}x{channels} cannot have {found} bytes");
        match &self.input {
            Input::Stretched(_) => mirror_flow(pixels, side, Horizontal::Stretched),
            Input::Signed(_) => mirror_flow(pixels, side, Horizontal::Signed),
            Input::Difference | Input::OnsetApex => {
                mirror::exchange(pixels, side, channels);
                Ok(())
            }
        }
    }

    /// u, v and strain at the small size.
    fn flow_planes(&self, options: &TvL1, onset: &Plane, apex: &Plane) -> Result<[Plane; 3]> {
        let flow = options.flow(onset, apex)?;
        Ok([&flow.u, &flow.v, &strain(&flow)?].map(|plane| self.small(plane)))
    }

    fn difference(&self, onset: &Plane, apex: &Plane) -> Vec<u8> {
        let (onset, apex) = (self.small(onset), self.small(apex));
        let difference = Plane::from_fn(self.side, self.side, |y, x| apex.at(y, x) - onset.at(y, x));
        bytes(&difference, |d| 128.0 + d / 2.0)
    }

    fn small(&self, plane: &Plane) -> Plane {
        match self.shrink {
            Shrink::Area => resize::area(plane, self.side, self.side),
            Shrink::Linear => resize::linear_to(plane, self.side, self.side),
        }
    }
}

/// Rounded (half away from 0) and kept within 0 to 255.
fn bytes(plane: &Plane, value: impl Fn(f64) -> f64) -> Vec<u8> {
    plane.values().iter().map(|&v| value(v.into()).round() as u8).collect()
}

/// From the smallest value to the largest one.
fn stretched(plane: &Plane) -> Vec<u8> {
    let (low, high) = plane.values().iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let scale = if high > low { 255.0 / (f64::from(high) - f64::from(low)) } else { 0.0 };
    bytes(plane, |v| (v - f64::from(low)) * scale)
}

fn interleaved(channels: &[Vec<u8>; 3]) -> Vec<u8> {
    let [a, b, c] = channels;
    a.iter().zip(b).zip(c).flat_map(|((&a, &b), &c)| [a, b, c]).collect()
}
