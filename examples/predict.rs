//! Predicts pictures, or synthetic faces where none are named, with a run that `--example train` made:
//! `cargo run --release --example predict -- runs/<run> [face.png ...]`

use ferrotype::{Picture, Predictor, Result};

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let run = words.next().unwrap_or_else(|| "runs/<run>".into());
    let files: Vec<String> = words.collect();
    let pictures = match files.is_empty() {
        true => Picture::synthetic(3, 48, 7)?,
        false => files.iter().map(Picture::open).collect::<Result<_>>()?,
    };
    let predictor = Predictor::open(run)?;
    for (i, said) in predictor.predict(&pictures)?.iter().enumerate() {
        println!("{i}: {} {:.1} %", predictor.classes()[said.class], 100.0 * said.probabilities[said.class]);
    }
    Ok(())
}
