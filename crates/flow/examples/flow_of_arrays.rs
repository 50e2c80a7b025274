//! TV-L1 flow of pairs of pictures in NumPy's form, for `scripts/flow_opencv.py`: of every `NAME.npy` ([2, height, width], grey)
//! of a folder, `NAME.flow` holds u and v as f32. Prints milliseconds a pair, the best of seven runs. A second argument `exact` samples exactly.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ferrotype_base::npy;
use ferrotype_flow::{Plane, Sampling, TvL1};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("give the folder of pairs")?;
    let sampling = if arguments.next().as_deref() == Some("exact") { Sampling::Exact } else { Sampling::Steps32 };
    let options = TvL1 { sampling, ..TvL1::default() };
    let mut times: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for entry in Path::new(&folder).read_dir()? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "npy") || path.to_string_lossy().ends_with("_known.npy") {
            continue;
        }
        let array = npy::read(&std::fs::read(&path)?).with_context(|| path.display().to_string())?;
        ensure!(array.shape.len() == 3 && array.shape[0] == 2, "{}: shape {:?}", path.display(), array.shape);
        let (height, width) = (array.shape[1], array.shape[2]);
        let [first, second] = [0, 1].map(|i| {
            let values = array.values[i * height * width..][..height * width].iter().map(|&v| v as f32).collect();
            Plane::new(height, width, values)
        });
        let (first, second) = (first?, second?);
        let mut flow = options.flow(&first, &second)?;
        let mut best = f64::INFINITY;
        for _ in 0..7 {
            let start = Instant::now();
            flow = options.flow(&first, &second)?;
            best = best.min(start.elapsed().as_secs_f64() * 1000.0);
        }
        times.entry((height, width)).or_default().push(best);
        let bytes: Vec<u8> =
            [flow.u(), flow.v()].into_iter().flat_map(|p| p.values()).flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(path.with_extension("flow"), bytes)?;
    }
    for ((height, width), times) in times {
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let threads = rayon::current_num_threads();
        println!("ours, {threads} threads, {height}x{width}: {mean:.2} ms a pair ({} pairs)", times.len());
    }
    Ok(())
}
