//! Draws a sheet of synthetic faces: a column per expression, a row per person.
//!
//! `cargo run --release --example faces -- faces.png 96 6 0.5` (file, pixels per face, rows, nuisance)

use anyhow::{Context, Result};
use ferrotype::data::options::SyntheticOptions;
use ferrotype::data::synthetic::{Expression, Scene, person};
use ferrotype::random::Stream;
use image::{GrayImage, Luma};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: f32| match arguments.get(i) {
        Some(text) => text.parse().with_context(|| format!("`{text}` is not a number")),
        None => Ok(default),
    };
    let path = arguments.first().map_or("faces.png", String::as_str);
    let size = number(1, 96.0)?.clamp(16.0, 1024.0) as usize;
    let rows = number(2, 6.0)?.clamp(1.0, 100.0) as usize;
    let nuisance = number(3, 0.5)?.clamp(0.0, 1.0);
    let options = SyntheticOptions::default();
    let mut sheet = GrayImage::new((8 * size) as u32, (rows * size) as u32);
    for row in 0..rows {
        for (column, expression) in Expression::ALL.into_iter().enumerate() {
            let mut choice = Stream::new((row * 8 + column) as u64);
            let units = expression.action_units(row % 2).scaled(0.9);
            let picture = Scene::random(person(&options, row * 5 + 1), units, nuisance, &mut choice).render(size);
            for (i, &value) in picture.pixels.iter().enumerate() {
                let (x, y) = (column * size + i % size, row * size + i / size);
                sheet.put_pixel(x as u32, y as u32, Luma([value]));
            }
        }
    }
    sheet.save(path).with_context(|| format!("{path} could not be written"))?;
    println!("{path}: neutral, happiness, surprise, sadness, anger, disgust, fear, contempt");
    Ok(())
}
