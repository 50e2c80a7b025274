//! A drawing as a list of shapes, rendered to SVG and PNG by plotters with the same font.

use std::sync::OnceLock;

use anyhow::{Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, register_font};

use super::view::Face;

/// The embedded font, with what a browser takes where an SVG stands alone.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// The embedded font's height (ascent and descent) in em: what ab_glyph calls the size.
const HEIGHT: f64 = 1.164;
/// plotters divides a size by this on its way to SVG.
const SVG_SIZE: f64 = 1.24;
/// SVG is drawn in tenths: plotters takes whole coordinates only.
const SVG_SCALE: f64 = 10.0;
/// PNG pixels per unit, for screens of high resolution.
const PNG_SCALE: usize = 2;
/// Each PNG pixel is the mean of so many squared: plotters smooths text but not polygons.
const SMOOTHING: usize = 2;

/// Red, green, blue.
pub(super) type Colour = (u8, u8, u8);

/// Where a text's x is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Debug)]
enum Shape {
    Line { points: Vec<(f64, f64)>, colour: Colour, width: f64, opacity: f64 },
    Polygon { points: Vec<(f64, f64)>, colour: Colour, opacity: f64 },
    Dot { at: (f64, f64), radius: f64, colour: Colour },
    Text { at: (f64, f64), text: String, style: Label },
    Picture { corner: (f64, f64), size: (f64, f64), face: Face },
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub size: f64,
    pub colour: Colour,
    pub anchor: Anchor,
    pub bold: bool,
    /// Turned by a quarter, to be read from below upwards.
    pub upright: bool,
}

impl Label {
    /// Plain text of `size` (em) that starts at its place.
    pub fn new(size: f64, colour: Colour) -> Self {
        Self { size, colour, anchor: Anchor::Start, bold: false, upright: false }
    }

    pub fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub fn upright(self) -> Self {
        Self { upright: true, ..self }
    }
}

/// A drawing. Units are CSS pixels; y grows downwards.
#[derive(Clone, Debug)]
pub struct Figure {
    width: f64,
    height: f64,
    /// What it shows, for readers that cannot see it.
    title: String,
    shapes: Vec<Shape>,
}

impl Figure {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: title.into(), shapes: Vec::new() }
    }

    pub(super) fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: Colour, width: f64) {
        self.faint_line(points, colour, width, 1.0);
    }

    pub(super) fn faint_line(&mut self, points: &[(f64, f64)], colour: Colour, width: f64, opacity: f64) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points: points.to_vec(), colour, width, opacity });
        }
    }

    pub(super) fn dashed(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour, width: f64) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let (on, period) = (6.0, 11.0);
        for i in 0..(length / period).ceil() as usize {
            let (a, b) = (i as f64 * period / length, ((i as f64 * period + on) / length).min(1.0));
            self.line(&[(from.0 + a * dx, from.1 + a * dy), (from.0 + b * dx, from.1 + b * dy)], colour, width);
        }
    }

    pub(super) fn rectangle(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), colour: Colour, opacity: f64) {
        self.polygon(vec![(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour, opacity);
    }

    pub(super) fn polygon(&mut self, points: Vec<(f64, f64)>, colour: Colour, opacity: f64) {
        self.shapes.push(Shape::Polygon { points, colour, opacity });
    }

    pub(super) fn dot(&mut self, at: (f64, f64), radius: f64, colour: Colour) {
        self.shapes.push(Shape::Dot { at, radius, colour });
    }

    /// A text whose baseline runs through `at`.
    pub(super) fn text(&mut self, at: (f64, f64), text: &str, style: Label) {
        self.shapes.push(Shape::Text { at, text: text.into(), style });
    }

    pub(super) fn picture(&mut self, corner: (f64, f64), size: (f64, f64), face: &Face) -> Result<()> {
        face.check()?;
        self.shapes.push(Shape::Picture { corner, size, face: face.clone() });
        Ok(())
    }

    /// The drawing as an SVG file.
    ///
    /// # Errors
    /// When the font cannot be used.
    pub fn svg(&self) -> Result<String> {
        load_fonts()?;
        let (w, h) = (self.width * SVG_SCALE, self.height * SVG_SCALE);
        let mut svg = String::new();
        {
            let mut backend = SVGBackend::with_string(&mut svg, (w as u32, h as u32));
            self.draw(&mut backend, SVG_SCALE, Target::Svg)?;
            backend.present().map_err(|e| anyhow!("the plot cannot be drawn: {e}"))?;
        }
        // plotters writes the size of its own coordinates; pictures it does not write without the whole image crate.
        let head = format!("<svg width=\"{}\" height=\"{}\"", w as u32, h as u32);
        let named = format!(
            "<svg width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"{}\"",
            self.width,
            self.height,
            escape(&self.title)
        );
        ensure!(svg.contains(&head) && svg.trim_end().ends_with("</svg>"), "the plot's SVG has an unknown form");
        let body = svg.trim_end().trim_end_matches("</svg>").replacen(&head, &named, 1);
        Ok(format!("{body}{}</svg>\n", self.svg_pictures()?))
    }

    fn svg_pictures(&self) -> Result<String> {
        let mut all = String::new();
        for shape in &self.shapes {
            let Shape::Picture { corner: (x, y), size: (w, h), face } = shape else { continue };
            let [x, y, w, h] = [x, y, w, h].map(|v| (v * SVG_SCALE).round());
            let data = STANDARD.encode(face.png()?);
            all += &format!(
                "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" style=\"image-rendering:pixelated\" \
                 href=\"data:image/png;base64,{data}\"/>\n"
            );
        }
        Ok(all)
    }

    /// The drawing as a PNG file, two pixels to a unit.
    ///
    /// # Errors
    /// When the font cannot be used.
    pub fn png(&self) -> Result<Vec<u8>> {
        let (width, height, pixels) = self.pixels()?;
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes).write_image(&pixels, width as u32, height as u32, ExtendedColorType::Rgb8)?;
        Ok(bytes)
    }

    /// Draws it over an RGB picture, `[height, width, 3]`, a pixel to a unit.
    ///
    /// # Errors
    /// When the picture has another size, or the font cannot be used.
    pub(super) fn draw_over(&self, pixels: &mut [u8], [width, height]: [usize; 2]) -> Result<()> {
        ensure!(pixels.len() == width * height * 3, "{} bytes are no picture of {width} x {height}", pixels.len());
        load_fonts()?;
        // Pixels on which nothing is drawn stay as they are: the mean of equal ones.
        let mut fine = Vec::with_capacity(pixels.len() * SMOOTHING * SMOOTHING);
        for row in pixels.chunks(width * 3) {
            let wide: Vec<u8> = row.chunks(3).flat_map(|pixel| pixel.repeat(SMOOTHING)).collect();
            (0..SMOOTHING).for_each(|_| fine.extend_from_slice(&wide));
        }
        {
            let size = ((width * SMOOTHING) as u32, (height * SMOOTHING) as u32);
            let mut backend = BitMapBackend::with_buffer(&mut fine, size);
            self.draw_shapes(&mut backend, SMOOTHING as f64, Target::Png)?;
            backend.present().map_err(|e| anyhow!("the frame cannot be drawn on: {e}"))?;
        }
        pixels.iter_mut().enumerate().for_each(|(i, value)| *value = mean(&fine, width, i));
        Ok(())
    }

    fn pixels(&self) -> Result<(usize, usize, Vec<u8>)> {
        load_fonts()?;
        let (width, height) = (self.width as usize * PNG_SCALE, self.height as usize * PNG_SCALE);
        let (fine_width, fine_height) = (width * SMOOTHING, height * SMOOTHING);
        let scale = (PNG_SCALE * SMOOTHING) as f64;
        let mut fine = vec![255; fine_width * fine_height * 3];
        {
            let mut backend = BitMapBackend::with_buffer(&mut fine, (fine_width as u32, fine_height as u32));
            self.draw(&mut backend, scale, Target::Png)?;
            backend.present().map_err(|e| anyhow!("the plot cannot be drawn: {e}"))?;
        }
        for shape in &self.shapes {
            if let Shape::Picture { corner, size, face } = shape {
                paste(&mut fine, (fine_width, fine_height), scale, (*corner, *size), face);
            }
        }
        Ok((width, height, (0..width * height * 3).map(|i| mean(&fine, width, i)).collect()))
    }

    fn draw<B: DrawingBackend>(&self, backend: &mut B, scale: f64, target: Target) -> Result<()> {
        let white = WHITE.mix(1.0);
        let all = ((0, 0), ((self.width * scale) as i32, (self.height * scale) as i32));
        backend.draw_rect(all.0, all.1, &white, true).map_err(|e| anyhow!("the plot cannot be drawn: {e}"))?;
        self.draw_shapes(backend, scale, target)
    }

    fn draw_shapes<B: DrawingBackend>(&self, backend: &mut B, scale: f64, target: Target) -> Result<()> {
        self.shapes.iter().try_for_each(|shape| draw_shape(backend, shape, scale, target))
    }
}

/// The value `i` of a picture of so many columns of RGB, from one with `SMOOTHING` squared as many pixels.
fn mean(fine: &[u8], width: usize, i: usize) -> u8 {
    let (y, x, c) = (i / 3 / width, i / 3 % width, i % 3);
    let sum: u32 = (0..SMOOTHING * SMOOTHING)
        .map(|j| (y * SMOOTHING + j / SMOOTHING) * width * SMOOTHING + x * SMOOTHING + j % SMOOTHING)
        .map(|pixel| u32::from(fine[pixel * 3 + c]))
        .sum();
    let n = (SMOOTHING * SMOOTHING) as u32;
    ((sum + n / 2) / n) as u8
}

#[derive(Clone, Copy, PartialEq)]
enum Target {
    Svg,
    Png,
}

fn draw_shape<B: DrawingBackend>(backend: &mut B, shape: &Shape, scale: f64, target: Target) -> Result<()> {
    let to = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    let paint = |(r, g, b): Colour, opacity: f64| RGBColor(r, g, b).mix(opacity);
    let drawn = match shape {
        Shape::Line { points, colour, width, opacity } => {
            let stroke = ShapeStyle {
                color: paint(*colour, *opacity),
                filled: false,
                stroke_width: (width * scale).round().max(1.0) as u32,
            };
            backend.draw_path(points.iter().map(|&p| to(p)), &stroke)
        }
        Shape::Polygon { points, colour, opacity } => {
            backend.fill_polygon(points.iter().map(|&p| to(p)), &paint(*colour, *opacity))
        }
        Shape::Dot { at, radius, colour } => {
            backend.draw_circle(to(*at), (radius * scale) as u32, &paint(*colour, 1.0), true)
        }
        Shape::Text { at, text, style } => {
            let (size, drop) = match target {
                // How far below its anchor "top" each backend sets the baseline; see their sources.
                Target::Svg => (style.size * SVG_SIZE * scale, 0.76 * style.size),
                Target::Png => (style.size * HEIGHT * scale, 0.5 * HEIGHT * style.size),
            };
            let start = if style.upright { (at.0 - drop, at.1) } else { (at.0, at.1 - drop) };
            backend.draw_text(text, &text_style(style, size), to(start))
        }
        // Pictures are added afterwards: neither backend scales them.
        Shape::Picture { .. } => return Ok(()),
    };
    drawn.map_err(|e| anyhow!("the plot cannot be drawn: {e}"))
}

fn text_style(style: &Label, size: f64) -> TextStyle<'static> {
    let weight = if style.bold { FontStyle::Bold } else { FontStyle::Normal };
    let mut font = FontDesc::new(FontFamily::Name(FAMILY), size, weight);
    if style.upright {
        font = font.transform(FontTransform::Rotate270);
    }
    let h_pos = match style.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let (r, g, b) = style.colour;
    let mut text = TextStyle::from(font).pos(Pos::new(h_pos, VPos::Top));
    text.color = RGBColor(r, g, b).to_backend_color();
    text
}

fn load_fonts() -> Result<()> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let load = || {
        let fonts: [(FontStyle, &'static [u8]); 2] = [
            (FontStyle::Normal, include_bytes!("fonts/DejaVuSans-subset.ttf")),
            (FontStyle::Bold, include_bytes!("fonts/DejaVuSans-Bold-subset.ttf")),
        ];
        fonts.into_iter().all(|(style, bytes)| register_font(FAMILY, style, bytes).is_ok())
    };
    ensure!(*LOADED.get_or_init(load), "the embedded font is damaged: build the program anew");
    Ok(())
}

/// Width of a text of `size` (em).
pub(super) fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let probe = 1000.0;
    let style = Label { bold, ..Label::new(size, (0, 0, 0)) };
    let measured = load_fonts().ok().and_then(|()| text_style(&style, probe * HEIGHT).font.box_size(text).ok());
    measured.map_or(0.6 * size * text.chars().count() as f64, |(w, _)| f64::from(w) / probe * size)
}

fn paste(
    canvas: &mut [u8],
    (canvas_width, canvas_height): (usize, usize),
    scale: f64,
    ((x, y), (w, h)): ((f64, f64), (f64, f64)),
    face: &Face,
) {
    let [left, top, width, height] = [x, y, w, h].map(|v| (v * scale).round().max(0.0) as usize);
    for row in 0..height.min(canvas_height.saturating_sub(top)) {
        for column in 0..width.min(canvas_width.saturating_sub(left)) {
            let rgb = face.rgb(column * face.width / width, row * face.height / height);
            let at = ((top + row) * canvas_width + left + column) * 3;
            canvas[at..at + 3].copy_from_slice(&rgb);
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing() -> Figure {
        let mut figure = Figure::new(120.0, 60.0, "a < b");
        figure.text((60.0, 30.0), "Hello & <you>", Label::new(12.0, (0, 0, 0)).anchored(Anchor::Middle));
        let face = Face { width: 2, height: 1, channels: 1, pixels: vec![0, 255] };
        figure.picture((100.0, 40.0), (20.0, 10.0), &face).unwrap();
        figure
    }

    #[test]
    fn svg_is_escaped_sized_and_repeatable() {
        let svg = drawing().svg().unwrap();
        assert!(svg.starts_with(
            "<svg width=\"120\" height=\"60\" role=\"img\" aria-label=\"a &lt; b\" viewBox=\"0 0 1200 600\""
        ));
        assert!(svg.contains("Hello &amp; &lt;you&gt;") && svg.contains("data:image/png;base64,"));
        assert_eq!(svg, drawing().svg().unwrap());
    }

    #[test]
    fn png_has_text_and_the_picture() {
        let (width, height, pixels) = drawing().pixels().unwrap();
        assert_eq!((width, height), (240, 120));
        let at = |x: usize, y: usize| pixels[(y * width + x) * 3];
        assert_eq!((at(202, 82), at(238, 98)), (0, 255));
        let dark = (0..70).flat_map(|y| (0..240).map(move |x| (x, y))).filter(|&(x, y)| at(x, y) < 128).count();
        assert!(dark > 200, "only {dark} dark pixels: no text was drawn");
        assert_eq!(drawing().png().unwrap(), drawing().png().unwrap());
    }

    #[test]
    fn a_picture_that_does_not_fit_is_refused() {
        let face = Face { width: 2, height: 2, channels: 1, pixels: vec![0] };
        assert!(Figure::new(10.0, 10.0, "").picture((0.0, 0.0), (1.0, 1.0), &face).is_err());
    }

    #[test]
    fn text_is_measured() {
        assert!((text_width("mm", 10.0, false) / text_width("m", 10.0, false) - 2.0).abs() < 0.01);
        assert!(text_width("m", 10.0, true) > text_width("m", 10.0, false));
    }
}
