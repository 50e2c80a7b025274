//! The motion between two pictures of one size, as pictures: `flow ONSET.png APEX.png FOLDER` writes u, v (grey 128 is rest, 255
//! a 32nd of the width to the right or down) and strain, and prints the mean motion.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_flow::{Plane, TvL1, strain};

fn read(path: &str) -> Result<Plane> {
    let grey = image::open(path).with_context(|| path.to_string())?.into_luma8();
    Plane::from_bytes(grey.height() as usize, grey.width() as usize, grey.as_raw())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!(arguments.len() == 3, "usage: flow ONSET.png APEX.png FOLDER");
    let (onset, apex) = (read(&arguments[0])?, read(&arguments[1])?);
    let flow = TvL1::default().flow(&onset, &apex)?;
    let strain = strain(&flow)?;
    println!("mean motion {:.3} pixels", flow.mean_motion());
    let motion = 127.0 * 32.0 / onset.width() as f32;
    for (name, plane, rest, scale) in
        [("u", flow.u(), 128.0, motion), ("v", flow.v(), 128.0, motion), ("strain", &strain, 0.0, 255.0 * 8.0)]
    {
        let bytes = plane.values().iter().map(|v| (rest + scale * v).round() as u8).collect();
        let picture = image::GrayImage::from_raw(plane.width() as u32, plane.height() as u32, bytes);
        picture.context("a picture of another size")?.save(Path::new(&arguments[2]).join(format!("{name}.png")))?;
    }
    Ok(())
}
