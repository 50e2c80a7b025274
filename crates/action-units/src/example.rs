//! Folders of made-up predictors in OpenFace's formats, for tests: right in form, without meaning.

use std::fs;
use std::path::Path;

use anyhow::Result;
use ferrotype_base::random::Stream;

use crate::formats::{Entry, Linear, ShapeFile, Svm, Svr, format_list, format_shape_model, format_triangles};
use crate::{INTENSITIES, MODES, POINTS, PRESENCES, features};

/// The action units whose predictors subtract the running median, as in OpenFace's list for videos.
const DYNAMIC: [u8; 10] = [1, 2, 5, 9, 15, 17, 20, 25, 26, 45];

/// A face of 68 points in space, roughly: an oval jaw, brows, a nose that stands out, eyes and a mouth; millimetres.
pub fn mean_face() -> Vec<f64> {
    let arc = |n: usize, middle: [f64; 2], radius: [f64; 2], from: f64, to: f64| -> Vec<[f64; 2]> {
        (0..n)
            .map(|i| (from + (to - from) * i as f64 / (n - 1) as f64).to_radians().sin_cos())
            .map(|(sine, cosine)| [middle[0] + radius[0] * cosine, middle[1] + radius[1] * sine])
            .collect()
    };
    let mut points = arc(17, [0.0, -20.0], [72.0, 95.0], 180.0, 0.0);
    points.extend(arc(5, [-37.0, -42.0], [25.0, 12.0], 200.0, 340.0));
    points.extend(arc(5, [37.0, -42.0], [25.0, 12.0], 200.0, 340.0));
    points.extend((0..4).map(|i| [0.0, -30.0 + 12.0 * f64::from(i)]));
    points.extend(arc(5, [0.0, 12.0], [13.0, 5.0], 170.0, 10.0));
    for x in [-32.0, 32.0] {
        points.extend(arc(6, [x, -30.0], [12.0, 5.0], 180.0, 480.0));
    }
    points.extend(arc(12, [0.0, 38.0], [24.0, 11.0], 180.0, 510.0));
    points.extend(arc(8, [0.0, 38.0], [15.0, 5.0], 180.0, 495.0));
    let depth =
        |[x, y]: [f64; 2]| -40.0 + (x * x + y * y) / 120.0 - 22.0 * (-(x * x + (y - 6.0).powi(2)) / 250.0).exp();
    let axis = |f: &dyn Fn(&[f64; 2]) -> f64| points.iter().map(f).collect::<Vec<f64>>();
    [axis(&|p| p[0]), axis(&|p| p[1]), axis(&|p| depth(*p))].concat()
}

/// A shape model of that face with orthonormal modes.
pub fn shape_file(seed: u64) -> ShapeFile {
    let mut stream = Stream::new(seed);
    let length = 3 * POINTS;
    let mut modes: Vec<Vec<f64>> = Vec::new();
    while modes.len() < MODES {
        let mut mode: Vec<f64> = (0..length).map(|_| stream.normal()).collect();
        for other in &modes {
            let along: f64 = mode.iter().zip(other).map(|(a, b)| a * b).sum();
            mode.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let norm = mode.iter().map(|v| v * v).sum::<f64>().sqrt();
        modes.push(mode.iter().map(|v| v / norm).collect());
    }
    ShapeFile {
        mean: mean_face(),
        components: (0..length).flat_map(|i| modes.iter().map(move |mode| mode[i])).collect(),
        eigenvalues: (0..MODES).map(|k| 800.0 / (1.0 + k as f64).powi(2)).collect(),
    }
}

/// Triangles from the tip of the nose to the outline of the face.
pub fn triangles() -> Vec<[usize; 3]> {
    let outline: Vec<usize> = (0..17).chain((17..27).rev()).collect();
    (0..outline.len()).map(|i| [30, outline[i], outline[(i + 1) % outline.len()]]).collect()
}

/// Whether the predictor of an action unit subtracts the running median.
fn is_dynamic(unit: u8, for_video: bool) -> bool {
    for_video && DYNAMIC.contains(&unit)
}

fn linear(stream: &mut Stream, means: &[f64]) -> Linear {
    let weights = (0..means.len()).map(|i| stream.normal() * if i < features::HOG { 0.02 } else { 0.002 }).collect();
    Linear { means: means.to_vec(), weights, bias: stream.unit() }
}

/// Writes a folder as OpenFace's `AU_predictors`: lists, predictors, triangles and shape model.
///
/// # Errors
/// When a file cannot be written.
pub fn write_folder(folder: &Path, seed: u64) -> Result<()> {
    let mut stream = Stream::new(seed);
    let means: Vec<f64> =
        (0..features::ALL).map(|i| if i < features::HOG { 0.2 * stream.unit() } else { 0.0 }).collect();
    fs::create_dir_all(folder.join("svr_combined"))?;
    fs::create_dir_all(folder.join("svm_combined"))?;
    fs::write(folder.join("In-the-wild_aligned_PDM_68.txt"), format_shape_model(&shape_file(seed)))?;
    fs::write(folder.join("tris_68_full.txt"), format_triangles(&triangles()))?;
    for (list, for_video) in [("AU_all_best.txt", true), ("AU_all_static.txt", false)] {
        let mut entries = Vec::new();
        for unit in PRESENCES {
            let dynamic = is_dynamic(unit, for_video);
            let file = format!("svm_combined/AU_{unit}_{}.dat", if dynamic { "dynamic" } else { "static" });
            // Half of OpenFace's machines have absence on the positive side.
            let positive = f64::from(unit % 2);
            let svm = Svm { linear: linear(&mut stream, &means), dynamic, positive, negative: 1.0 - positive };
            fs::write(folder.join(&file), svm.to_bytes())?;
            entries.push(Entry { file, unit, is_intensity: false });
        }
        for unit in INTENSITIES {
            let dynamic = is_dynamic(unit, for_video);
            let kind = if dynamic { "dynamic" } else { "static" };
            let file = format!("svr_combined/AU_{unit}_{kind}_intensity_comb.dat");
            let svr = Svr { linear: linear(&mut stream, &means), cutoff: dynamic.then(|| 0.1 + 0.5 * stream.unit()) };
            fs::write(folder.join(&file), svr.to_bytes())?;
            entries.push(Entry { file, unit, is_intensity: true });
        }
        fs::write(folder.join(list), format_list(&entries))?;
    }
    Ok(())
}
