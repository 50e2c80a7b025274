//! A grey canvas with exact-area anti-aliasing.
//!
//! Shapes are closed polylines in pixels. Coverage is the exact area of the shape within each pixel, by accumulating the
//! signed areas left of each edge (the method of font-rs, R. Levien 2016).

/// A point or vector, `[x, y]`.
pub type Point = [f32; 2];

/// A square grey picture; tones are 0 (black) to 1 (white).
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Pixels per side.
    pub size: usize,
    /// Tones, row-major.
    pub tones: Vec<f32>,
    /// Signed areas of the shape in work; zero between shapes. Two more columns than pixels.
    areas: Vec<f32>,
}

/// How much of each pixel a shape covers, within a rectangle.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    left: usize,
    top: usize,
    width: usize,
    cover: Vec<f32>,
}

impl Mask {
    /// Keeps what `other` covers too.
    pub fn clip(mut self, other: &Mask) -> Mask {
        for (i, cover) in self.cover.iter_mut().enumerate() {
            *cover *= other.at(self.left + i % self.width, self.top + i / self.width);
        }
        self
    }

    /// The coverage of a pixel.
    fn at(&self, x: usize, y: usize) -> f32 {
        let inside = x >= self.left && x < self.left + self.width && y >= self.top;
        if inside { self.cover.get((y - self.top) * self.width + x - self.left).copied().unwrap_or(0.0) } else { 0.0 }
    }
}

impl Canvas {
    /// A canvas of one tone.
    pub fn new(size: usize, tone: f32) -> Self {
        Self { size, tones: vec![tone; size * size], areas: vec![0.0; size * (size + 2)] }
    }

    /// The coverage of a closed polyline.
    pub fn mask(&mut self, path: &[Point]) -> Mask {
        let bound = |k: usize| {
            let low = path.iter().fold(f32::INFINITY, |m, p| m.min(p[k])).floor().clamp(0.0, self.size as f32);
            let high = path.iter().fold(f32::NEG_INFINITY, |m, p| m.max(p[k])).ceil().clamp(0.0, self.size as f32);
            (low as usize, high as usize)
        };
        let ((left, right), (top, bottom)) = (bound(0), bound(1));
        if path.len() < 3 || left >= right || top >= bottom || path.iter().flatten().any(|v| !v.is_finite()) {
            return Mask::default();
        }
        for (i, &p) in path.iter().enumerate() {
            self.edge(p, path[(i + 1) % path.len()]);
        }
        let mut cover = Vec::with_capacity((right - left) * (bottom - top));
        let stride = self.size + 2;
        for areas in self.areas[top * stride..bottom * stride].chunks_exact_mut(stride) {
            let mut sum = 0.0;
            // Edges left of the canvas were moved to its border, so nothing stands left of `left`.
            cover.extend(areas[left..right].iter().map(|a| {
                sum += a;
                sum.abs().min(1.0)
            }));
            areas.fill(0.0);
        }
        Mask { left, top, width: right - left, cover }
    }

    /// Adds the signed areas of one edge.
    fn edge(&mut self, from: Point, to: Point) {
        let (sign, a, b) = if from[1] < to[1] { (1.0, from, to) } else { (-1.0, to, from) };
        if a[1] == b[1] {
            return;
        }
        let slope = (b[0] - a[0]) / (b[1] - a[1]);
        let first = a[1].max(0.0);
        let mut x = a[0] + (first - a[1]) * slope;
        for row in first as usize..(b[1].ceil().max(0.0) as usize).min(self.size) {
            let height = (row as f32 + 1.0).min(b[1]) - (row as f32).max(a[1]);
            let next = x + slope * height;
            let within = |v: f32| v.clamp(0.0, self.size as f32);
            let ends = (within(x.min(next)), within(x.max(next)));
            let start = row * (self.size + 2);
            row_edge(&mut self.areas[start..start + self.size + 2], ends, height * sign);
            x = next;
        }
    }

    /// Changes what a mask covers: `paint(x, y, tone)` gives the new tone at a pixel's centre.
    pub fn paint(&mut self, mask: &Mask, alpha: f32, paint: impl Fn(f32, f32, f32) -> f32) {
        for (row, line) in mask.cover.chunks_exact(mask.width.max(1)).enumerate() {
            let y = mask.top + row;
            let tones = &mut self.tones[y * self.size + mask.left..][..mask.width];
            for (column, (tone, &cover)) in tones.iter_mut().zip(line).enumerate() {
                if cover > 0.0 {
                    let new = paint((mask.left + column) as f32 + 0.5, y as f32 + 0.5, *tone);
                    *tone += (new - *tone) * cover * alpha;
                }
            }
        }
    }

    /// Fills a closed polyline with one tone.
    pub fn fill(&mut self, path: &[Point], tone: f32, alpha: f32) {
        let mask = self.mask(path);
        self.paint(&mask, alpha, |_, _, _| tone);
    }

    /// Draws a line of the given width in the middle, pointed at both ends.
    pub fn stroke(&mut self, line: &[Point], width: f32, tone: f32, alpha: f32) {
        let taper = |t: f32| width * (4.0 * t * (1.0 - t)).sqrt().max(0.15);
        self.fill(&ribbon(line, taper), tone, alpha);
    }

    /// Multiplies tones along a line, pointed at both ends: a fold of the skin.
    pub fn fold(&mut self, line: &[Point], width: f32, factor: f32, alpha: f32) {
        let taper = |t: f32| width * (4.0 * t * (1.0 - t)).sqrt().max(0.1);
        let mask = self.mask(&ribbon(line, taper));
        self.paint(&mask, alpha.clamp(0.0, 1.0), |_, _, tone| tone * factor);
    }

    /// Multiplies tones by up to `1 + strength` about a centre, fading to nothing at the radii.
    pub fn glow(&mut self, centre: Point, radii: Point, strength: f32) {
        let range = |k: usize| {
            let end = |v: f32| v.clamp(0.0, self.size as f32) as usize;
            end(centre[k] - radii[k])..end((centre[k] + radii[k]).ceil())
        };
        let (columns, rows) = (range(0), range(1));
        for y in rows {
            let dy = ((y as f32 + 0.5 - centre[1]) / radii[1]).powi(2);
            for x in columns.clone() {
                let distance = dy + ((x as f32 + 0.5 - centre[0]) / radii[0]).powi(2);
                let near = (1.0 - distance).max(0.0);
                self.tones[y * self.size + x] *= 1.0 + strength * near * near;
            }
        }
    }

    /// Blurs with a Gaussian of the given deviation in pixels; the border is repeated.
    pub fn blur(&mut self, deviation: f32) {
        if deviation < 0.05 {
            return;
        }
        let reach = (deviation * 2.5).ceil() as usize;
        let weights: Vec<f32> = (0..=reach).map(|k| (-((k as f32 / deviation).powi(2)) / 2.0).exp()).collect();
        let total = 2.0 * weights.iter().sum::<f32>() - weights[0];
        // Each pass blurs along rows and turns the picture over; after two it stands right again.
        for _ in 0..2 {
            let mut turned = vec![0.0; self.tones.len()];
            let last = self.size - 1;
            for (y, row) in self.tones.chunks_exact(self.size).enumerate() {
                for x in 0..self.size {
                    let sum: f32 =
                        (1..=reach).map(|k| weights[k] * (row[x.saturating_sub(k)] + row[(x + k).min(last)])).sum();
                    turned[x * self.size + y] = (sum + weights[0] * row[x]) / total;
                }
            }
            self.tones = turned;
        }
    }

    /// The picture as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.tones.iter().map(|t| (t.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }
}

/// The part of an edge that lies in one row: between x = `ends`, with a signed height.
fn row_edge(areas: &mut [f32], ends: (f32, f32), height: f32) {
    let (x0, x1) = ends;
    let (first, end) = (x0.floor() as usize, x1.ceil() as usize);
    if end <= first + 1 {
        let right = 0.5 * (x0 + x1) - first as f32;
        areas[first] += height * (1.0 - right);
        areas[first + 1] += height * right;
        return;
    }
    // Coverage of column k is the integral of the part of the edge left of its right border.
    let span = 1.0 / (x1 - x0);
    let mut before = 0.0;
    for (column, area) in areas.iter_mut().enumerate().take(end + 1).skip(first) {
        let cut = |v: f32| v.clamp(x0, x1);
        let (low, high) = (cut(column as f32), cut(column as f32 + 1.0));
        let inside = (high - low) * span * (column as f32 + 1.0 - 0.5 * (low + high));
        let reached = (low - x0) * span + inside;
        *area += height * (reached - before);
        before = reached;
    }
}

/// The outline of a line with a width that depends on the way along it, 0 to 1.
pub fn ribbon(line: &[Point], width: impl Fn(f32) -> f32) -> Vec<Point> {
    let n = line.len();
    if n < 2 {
        return Vec::new();
    }
    let side = |i: usize, sign: f32| {
        let (a, b) = (line[i.saturating_sub(1)], line[(i + 1).min(n - 1)]);
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let half = sign * width(i as f32 / (n - 1) as f32) / 2.0 / dx.hypot(dy).max(1e-6);
        [line[i][0] - dy * half, line[i][1] + dx * half]
    };
    (0..n).map(|i| side(i, 1.0)).chain((0..n).rev().map(|i| side(i, -1.0))).collect()
}

/// A smooth curve through the points (Catmull-Rom: cubic Bezier pieces with tangents from the neighbours).
pub fn curve<const D: usize>(points: &[[f32; D]], closed: bool) -> Vec<[f32; D]> {
    const STEPS: usize = 5;
    let n = points.len();
    if n < 3 {
        return points.to_vec();
    }
    let at = |i: isize| {
        let i = if closed { i.rem_euclid(n as isize) } else { i.clamp(0, n as isize - 1) };
        points[i as usize]
    };
    let spans = if closed { n } else { n - 1 };
    let mut out = Vec::with_capacity(spans * STEPS + 1);
    for i in 0..spans as isize {
        let [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
        for step in 0..STEPS {
            let t = step as f32 / STEPS as f32;
            let value = |k: usize| {
                let (m0, m1) = ((c[k] - a[k]) / 2.0, (d[k] - b[k]) / 2.0);
                let (t2, t3) = (t * t, t * t * t);
                (2.0 * t3 - 3.0 * t2 + 1.0) * b[k]
                    + (t3 - 2.0 * t2 + t) * m0
                    + (3.0 * t2 - 2.0 * t3) * c[k]
                    + (t3 - t2) * m1
            };
            out.push(std::array::from_fn(value));
        }
    }
    if !closed {
        out.push(points[n - 1]);
    }
    out
}

/// An ellipse.
pub fn ellipse(centre: Point, radii: Point) -> Vec<Point> {
    (0..24)
        .map(|i| {
            let (sin, cos) = (i as f32 * std::f32::consts::TAU / 24.0).sin_cos();
            [centre[0] + radii[0] * cos, centre[1] + radii[1] * sin]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(path: &[Point]) -> f32 {
        let mut canvas = Canvas::new(20, 0.0);
        canvas.fill(path, 1.0, 1.0);
        assert!(canvas.areas.iter().all(|&a| a == 0.0));
        assert!(canvas.tones.iter().all(|t| (-1e-4..=1.0001).contains(t)));
        canvas.tones.iter().sum()
    }

    #[test]
    fn coverage_is_the_exact_area() {
        let close = |path: &[Point], area: f32| assert!((total(path) - area).abs() < 2e-3, "{} {area}", total(path));
        close(&[[2.25, 3.5], [7.75, 3.5], [7.75, 9.0], [2.25, 9.0]], 5.5 * 5.5);
        close(&[[1.0, 1.0], [18.3, 2.2], [4.1, 17.7]], 0.5 * (17.3 * 16.7 - 3.1 * 1.2));
        let radius = 6.3f32;
        let polygon = 12.0 * radius * radius * (std::f32::consts::TAU / 24.0).sin();
        close(&ellipse([10.1, 9.7], [radius, radius]), polygon);
    }

    #[test]
    fn shapes_over_the_border_are_cut() {
        let close = |path: &[Point], area: f32| assert!((total(path) - area).abs() < 2e-3, "{} {area}", total(path));
        close(&[[-5.0, -5.0], [30.0, -5.0], [30.0, 30.0], [-5.0, 30.0]], 400.0);
        close(&[[-5.0, 5.0], [5.0, 5.0], [5.0, 40.0], [-5.0, 40.0]], 75.0);
        close(&[[-10.0, 0.0], [10.0, 0.0], [-10.0, 20.0]], 50.0);
        assert_eq!(total(&[[30.0, 30.0], [40.0, 30.0], [40.0, 40.0]]), 0.0);
        assert_eq!(total(&[[1.0, 1.0], [f32::NAN, 2.0], [4.0, 4.0]]), 0.0);
    }

    #[test]
    fn blur_keeps_flat_tones_and_the_orientation() {
        let mut canvas = Canvas::new(9, 0.25);
        canvas.blur(1.3);
        assert!(canvas.tones.iter().all(|t| (t - 0.25).abs() < 1e-5));
        canvas.tones[2 * 9 + 6] = 1.0;
        canvas.blur(0.8);
        let brightest = (0..81).max_by(|&a, &b| canvas.tones[a].total_cmp(&canvas.tones[b])).unwrap();
        assert_eq!(brightest, 2 * 9 + 6);
    }
}
