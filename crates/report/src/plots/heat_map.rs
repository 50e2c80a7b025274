//! Values of several quantities over time, as shades.

use super::{BLUE, Figure, GRID, MUTED, TEXT, nothing, title};
use crate::analysis::HeatMap;
use crate::figure::{Anchor, Label};

const WIDTH: f64 = 940.0;
const LEFT: f64 = 190.0;
const TOP: f64 = 52.0;
/// Height of a row.
const ROW: f64 = 17.0;

/// A row for each quantity; a stretch of time without a value stays grey.
pub fn heat_map(map: &HeatMap) -> Figure {
    let columns = map.rows.first().map_or(0, |row| row.values.len());
    if columns == 0 {
        return nothing(&map.title, "nothing was measured");
    }
    let height = TOP + ROW * map.rows.len() as f64 + 44.0;
    let mut figure = Figure::new(WIDTH, height, &map.title);
    title(&mut figure, &map.title);
    let width = (WIDTH - LEFT - 24.0) / columns as f64;
    for (i, row) in map.rows.iter().enumerate() {
        let top = TOP + ROW * i as f64;
        let label = Label::new(TEXT - 2.0, MUTED).anchored(Anchor::End);
        figure.text((LEFT - 8.0, top + ROW - 5.0), &row.name, label);
        // Neighbours of one shade are one rectangle.
        let shade = |v: Option<f64>| v.map(|v| (20.0 * (v / map.most).clamp(0.0, 1.0)).round() / 20.0);
        let mut from = 0;
        for to in 1..=columns {
            if to < columns && shade(row.values[to]) == shade(row.values[from]) {
                continue;
            }
            let corner = (LEFT + width * from as f64, top + 1.0);
            let size = (width * (to - from) as f64, ROW - 2.0);
            match shade(row.values[from]) {
                Some(opacity) if opacity > 0.0 => figure.rectangle(corner, size, BLUE, opacity),
                Some(_) => {}
                None => figure.rectangle(corner, size, GRID, 0.6),
            }
            from = to;
        }
    }
    let bottom = TOP + ROW * map.rows.len() as f64 + 18.0;
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let anchor = [Anchor::Start, Anchor::Middle, Anchor::Middle, Anchor::Middle, Anchor::End][part as usize];
        let seconds = map.from + share * (map.to - map.from);
        let at = (LEFT + share * width * columns as f64, bottom);
        figure.text(at, &format!("{seconds:.1} s"), Label::new(TEXT - 2.0, MUTED).anchored(anchor));
    }
    figure
}
