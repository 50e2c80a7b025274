//! TV-L1 optical flow: C. Zach, T. Pock, H. Bischof, "A duality based approach for realtime TV-L1 optical flow" (DAGM 2007),
//! as J. Sánchez, E. Meinhardt-Llopis and G. Facciolo wrote it down ("TV-L1 optical flow estimation", IPOL 3, 2013,
//! <https://doi.org/10.5201/ipol.2013.26>) and as OpenCV computes it (`cv::optflow::DualTVL1OpticalFlow` of opencv_contrib, on
//! the CPU): the same steps in the same order of arithmetic.
//!
//! Sought is the flow u that keeps `lambda * |I1(x + u(x)) - I0(x)| + |grad u1| + |grad u2|` small over the picture. From the
//! smallest picture of a pyramid to the largest one: the second picture is warped by the flow so far and linearised around it
//! (`warp.rs`); then a step for the first term and a step for the other two alternate (`solve.rs`), with a median filter before
//! each round of them.

mod median;
mod solve;
mod warp;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
pub(crate) mod tests;

use anyhow::{Result, bail, ensure};
use ferrotype_base::problems::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plane::{Flow, Plane};
use crate::resize;

/// The least side of a picture in the pyramid; the given pictures may be smaller.
const LEAST_SIDE: usize = 16;

/// Where the second picture is read when it is warped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// At positions rounded to 1/32 pixel, as OpenCV 2 to 4.
    #[default]
    Steps32,
    /// At the exact positions, as OpenCV 5.
    Exact,
}

/// TV-L1 optical flow. The defaults are those of `cv::optflow::DualTVL1OpticalFlow`; its illumination term (`gamma`, 0 there)
/// and its initial flow are not offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TvL1 {
    /// Time step of the dual variables. Above 0, at most 1; 0.25 is the largest with which convergence is observed in general.
    pub tau: f64,
    /// Weight of the equality of grey values (0 to 255) against the smoothness of the flow: smaller is smoother. Above 0.
    pub lambda: f64,
    /// How tightly the two halves of the problem are tied: smaller is tighter and slower. Above 0.
    pub theta: f64,
    /// Pictures in the pyramid, at most: none has a side below 16, the given ones excepted. 1 to 100.
    pub scales: usize,
    /// Warps of the second picture per scale. 1 to 1000.
    pub warps: usize,
    /// A warp is done when the root mean square change of the flow in one iteration is at most this, in pixels. At least 0.
    pub epsilon: f64,
    /// Iterations between two median filters. 1 to 10000.
    pub inner_iterations: usize,
    /// Median filters per warp. 1 to 1000.
    pub outer_iterations: usize,
    /// Size of a picture of the pyramid by that of the next larger one. Above 0, below 1.
    pub scale_step: f64,
    /// Side of the median filter of the flow, in pixels: 3 or 5; 1 is none.
    pub median: usize,
    /// Where the second picture is read when it is warped.
    pub sampling: Sampling,
}

impl Default for TvL1 {
    fn default() -> Self {
        Self {
            tau: 0.25,
            lambda: 0.15,
            theta: 0.3,
            scales: 5,
            warps: 5,
            epsilon: 0.01,
            inner_iterations: 30,
            outer_iterations: 10,
            scale_step: 0.8,
            median: 5,
            sampling: Sampling::default(),
        }
    }
}

impl TvL1 {
    /// Impossible values, with `path` before the names of the keys (such as `flow.`).
    pub fn check(&self, path: &str, problems: &mut Problems) {
        let key = |name: &str| format!("{path}{name}");
        problems.range(&key("tau"), self.tau, self.tau > 0.0 && self.tau <= 1.0, "a number above 0, at most 1");
        problems.positive(&key("lambda"), self.lambda);
        problems.positive(&key("theta"), self.theta);
        problems.up_to(&key("scales"), self.scales, 1, 100);
        problems.up_to(&key("warps"), self.warps, 1, 1000);
        problems.not_negative(&key("epsilon"), self.epsilon);
        problems.up_to(&key("inner_iterations"), self.inner_iterations, 1, 10_000);
        problems.up_to(&key("outer_iterations"), self.outer_iterations, 1, 1000);
        let step = self.scale_step;
        problems.range(&key("scale_step"), step, step > 0.0 && step < 1.0, "a number above 0 and below 1");
        problems.check(&key("median"), self.median, [1, 3, 5].contains(&self.median), "1 (no filter), 3 or 5");
    }

    /// The motion from `first` to `second`, two grey pictures of one size with values from 0 to 255.
    ///
    /// The result has the same bits for any number of threads.
    ///
    /// # Errors
    /// Pictures of two sizes, with a side below 3 or with values outside 0 to 255, and options outside their ranges.
    pub fn flow(&self, first: &Plane, second: &Plane) -> Result<Flow> {
        let mut problems = Problems::default();
        self.check("", &mut problems);
        if let Some(problem) = problems.into_vec().first() {
            bail!("options of TV-L1: {}: {}", problem.path, problem.message);
        }
        let (height, width) = first.size();
        ensure!(
            first.size() == second.size(),
            "the first picture has {height}x{width} pixels, the second {}x{}; crop or resize them to one size",
            second.height(),
            second.width()
        );
        ensure!(
            height >= 3 && width >= 3,
            "pictures of {height}x{width} are too small for a flow: at least 3x3 pixels"
        );
        for (name, picture) in [("first", first), ("second", second)] {
            if let Some(i) = picture.values().iter().position(|v| !(0.0..=255.0).contains(v)) {
                let (y, x, value) = (i / width, i % width, picture.values()[i]);
                bail!("the {name} picture has {value} at row {y}, column {x}; grey values go from 0 to 255");
            }
        }
        let (firsts, seconds) = (self.pyramid(first), self.pyramid(second));
        let (smallest_height, smallest_width) = firsts[firsts.len() - 1].size();
        let mut flow =
            Flow { u: Plane::zeros(smallest_height, smallest_width), v: Plane::zeros(smallest_height, smallest_width) };
        for (first, second) in firsts.iter().zip(&seconds).rev() {
            if flow.u.size() != first.size() {
                flow = Flow { u: self.enlarged(&flow.u, first), v: self.enlarged(&flow.v, first) };
            }
            self.refine(first, second, &mut flow);
        }
        Ok(flow)
    }

    /// The picture and its reductions, the largest first.
    fn pyramid(&self, picture: &Plane) -> Vec<Plane> {
        let mut levels = vec![picture.clone()];
        while levels.len() < self.scales {
            let last = &levels[levels.len() - 1];
            let side = |old: usize| (old as f64 * self.scale_step).round_ties_even() as usize;
            let (height, width) = (side(last.height()), side(last.width()));
            if height < LEAST_SIDE || width < LEAST_SIDE {
                break;
            }
            // The step itself, not the quotient of the rounded sizes: as cv2.resize with fx and fy.
            let scale = 1.0 / self.scale_step;
            levels.push(resize::linear(last, height, width, (scale, scale)));
        }
        levels
    }

    /// A component of the flow at the size of the next larger picture, in its pixels.
    fn enlarged(&self, component: &Plane, picture: &Plane) -> Plane {
        let mut larger = resize::linear_to(component, picture.height(), picture.width());
        let factor = 1.0 / self.scale_step;
        larger.values_mut().iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
        larger
    }

    /// Improves the flow between two pictures of its size.
    fn refine(&self, first: &Plane, second: &Plane, flow: &mut Flow) {
        let second = warp::Second::new(second, self.sampling);
        let mut solver = solve::Solver::new(self, first.height(), first.width());
        for _ in 0..self.warps {
            let linear = second.linearised(first, flow);
            solver.solve(&linear, flow);
        }
    }
}
