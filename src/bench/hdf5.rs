//! Reading a prepared file: inflated, checked against its sha256, all pictures in memory.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use ferrotype_base::random::Stream;
use ferrotype_data::{FaceSet, Images, Split, store};

/// Pictures of the file that is made where none is given: noise, which deflates as little as photographs do.
const PICTURES: usize = 8192;

/// What reading took.
pub struct Reads {
    /// Milliseconds of each reading.
    pub ms: Vec<f64>,
    /// Pictures in the file.
    pub pictures: usize,
    /// Their bytes in memory, in MiB.
    pub mib: f64,
}

/// Reads a prepared file so many times (from the second on out of the system's cache); none: one of random 48x48 pictures.
///
/// # Errors
/// When the file cannot be read, or made.
pub fn read_times(file: Option<&Path>, reads: usize) -> Result<Reads> {
    if let Some(file) = file {
        return timed(file, reads);
    }
    let path = std::env::temp_dir().join(format!("ferrotype-bench-{}.h5", std::process::id()));
    let read = store::write(&noise(), &path).and_then(|()| timed(&path, reads));
    // What cannot be removed stays: the times are what was asked for.
    let _ = std::fs::remove_file(&path);
    read
}

fn timed(path: &Path, reads: usize) -> Result<Reads> {
    let (mut ms, mut size) = (Vec::new(), (0, 0));
    for _ in 0..reads.max(1) {
        let began = Instant::now();
        let faces = store::read(path).with_context(|| format!("cannot measure {}", path.display()))?;
        ms.push(began.elapsed().as_secs_f64() * 1e3);
        size = (faces.len(), faces.images.pixels.len());
    }
    Ok(Reads { ms, pictures: size.0, mib: size.1 as f64 / f64::from(1 << 20) })
}

fn noise() -> FaceSet {
    let mut stream = Stream::new(5);
    let pixels = (0..PICTURES * 48 * 48).map(|_| stream.bits() as u8).collect();
    let images = Images { pixels, height: 48, width: 48, channels: 1 };
    FaceSet {
        images,
        labels: vec![0; PICTURES],
        classes: vec!["face".into()],
        splits: vec![Split::Train; PICTURES],
        names: vec![String::new(); PICTURES],
        source_rows: (0..PICTURES as u32).collect(),
        ..FaceSet::default()
    }
}
