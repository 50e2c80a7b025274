//! How a direct pass is laid out: copies or gaps, and which rows and images share a strip.

use super::axis::Axis;
use super::strip::{Cut, Layout, Span};

/// Floats of a strip: half the L2 cache of a small core.
const STRIP: usize = 128 * 1024;
/// Units that a pass should have: enough to balance any number of threads that pays.
pub(crate) const UNITS: usize = 16;

/// See the module.
pub(crate) struct Plan {
    pub rows: Axis,
    pub cols: Axis,
    pub cut: Cut,
}

/// What a plan is for: a pass from `from` to `to` channels in each of some groups.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    pub batch: usize,
    pub groups: usize,
    pub from: usize,
    pub to: usize,
    pub lanes: usize,
}

impl Plan {
    /// The cheapest plan. `make` builds the axes from whether they use copies.
    pub fn new(make: impl Fn([bool; 2]) -> [Axis; 2], pass: Pass) -> Self {
        let mut best: Option<(f64, Self)> = None;
        for copies in [[false, false], [false, true], [true, false], [true, true]] {
            let [rows, cols] = make(copies);
            for cut in Cut::all(rows.count, pass.batch) {
                let cost = pass.cost(&rows, &cols, &cut);
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, Self { rows: rows.clone(), cols: cols.clone(), cut }));
                }
            }
        }
        best.expect("every pass has a plan").1
    }
}

impl Pass {
    /// Estimated cycles for each output pixel and input channel.
    fn cost(&self, rows: &Axis, cols: &Axis, cut: &Cut) -> f64 {
        const PACK: f64 = 0.5; // a float of a strip, twice that where only every other one is taken
        const MOVE: f64 = 0.2; // a result that is not stored in place
        const SPAN: f64 = 4.0; // what a strip costs besides, in pixels: weights go by, pipelines drain
        let layout = Layout::new(rows, cols, cut.images, cut.rows);
        let span = Span { image: 0, images: cut.images, row: 0, rows: cut.rows };
        let useful = (cut.images * cut.rows * cols.count) as f64;
        let vectors = layout.flat(cols, &span).div_ceil(self.lanes);
        let work = (rows.taps.len() * cols.taps.len() * self.to) as f64 / (2 * self.lanes) as f64;
        // few spans share out the output channels, and each share packs anew
        let shares = UNITS.div_ceil(cut.count() * self.groups).min(self.to.div_ceil(8));
        let step = if cols.in_step == 1 { PACK } else { 2.0 * PACK };
        let pack = step * (layout.planes * layout.plane * shares) as f64;
        let in_place = cols.is_output() && rows.out_step == 1 && cut.images == 1;
        let moved = if in_place { 0.0 } else { MOVE * useful * self.to as f64 / self.from as f64 };
        let size = (self.from * layout.planes * layout.plane) as f64 / STRIP as f64;
        let cycles = ((vectors * self.lanes) as f64 + SPAN) * work + pack + moved;
        cycles * size.max(1.0) / useful
    }
}
