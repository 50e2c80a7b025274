//! For tests against OpenFace's own output: the folder of verification data and the tables in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::pdm::{Parameters, ShapeModel};
use crate::{Landmarks, MODES, POINTS, formats};

/// A file or folder of the verification data.
pub fn data(path: &str) -> PathBuf {
    Path::new(&env::var("FERROTYPE_DATA").expect("FERROTYPE_DATA is set")).join(path)
}

pub fn shape_model() -> ShapeModel {
    let path = data("openface/predictors/In-the-wild_aligned_PDM_68.txt");
    ShapeModel::new(formats::read(&path, formats::parse_shape_model).unwrap())
}

/// A table of numbers with named columns; a first column of names is kept beside.
pub struct Table {
    columns: HashMap<String, usize>,
    pub names: Vec<String>,
    pub rows: Vec<Vec<f64>>,
}

impl Table {
    /// Reads `.csv` or `.csv.gz`.
    pub fn read(path: &str) -> Self {
        let mut bytes = fs::read(data(path)).unwrap();
        if path.ends_with(".gz") {
            // The header of the one file here has a name that ends with a zero, or none.
            let start = if bytes[3] & 8 != 0 { 11 + bytes[10..].iter().position(|&b| b == 0).unwrap() } else { 10 };
            bytes = miniz_oxide::inflate::decompress_to_vec(&bytes[start..]).unwrap();
        }
        let text = String::from_utf8(bytes).unwrap();
        let mut lines = text.lines();
        let columns = lines.next().unwrap().split(',').enumerate().map(|(i, c)| (c.trim().to_owned(), i)).collect();
        let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').map(str::trim).collect()).collect();
        let rows = cells.iter().map(|row| row.iter().map(|c| c.parse().unwrap_or(f64::NAN)).collect()).collect();
        Self { columns, names: cells.iter().map(|row| row[0].to_owned()).collect(), rows }
    }

    pub fn value(&self, row: usize, column: &str) -> f64 {
        self.rows[row][self.columns[column]]
    }

    pub fn column(&self, column: &str) -> Vec<f64> {
        (0..self.rows.len()).map(|row| self.value(row, column)).collect()
    }

    pub fn landmarks(&self, row: usize) -> Landmarks {
        let start = [self.columns["x_0"], self.columns["y_0"]];
        std::array::from_fn(|i| start.map(|s| self.rows[row][s + i]))
    }

    pub fn parameters(&self, row: usize) -> Parameters {
        let value = |name: &str| self.value(row, name);
        let first: usize = self.columns["p_0"];
        Parameters {
            scale: value("p_scale"),
            rotation: ["p_rx", "p_ry", "p_rz"].map(value),
            translation: ["p_tx", "p_ty"].map(value),
            shape: std::array::from_fn::<f64, MODES, _>(|i| self.rows[row][first + i]),
        }
    }
}

/// Largest distance of a coordinate.
pub fn farthest(a: &Landmarks, b: &Landmarks) -> f64 {
    (0..POINTS).flat_map(|i| [(a[i][0] - b[i][0]).abs(), (a[i][1] - b[i][1]).abs()]).fold(0.0, f64::max)
}

/// Pearson's correlation.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let [ma, mb] = [a, b].map(|v| v.iter().sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

/// The frames of a video as one run of BGR bytes.
pub fn video(path: &str) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(data(path)).args(["-f", "rawvideo", "-pix_fmt", "bgr24", "-"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The 72 aligned faces of a video, one below the other, 112 x 112 pixels of blue, green, red.
pub fn aligned_faces() -> Vec<u8> {
    let picture = image::open(data("openface/reference/single_face_aligned_112x112x72.png")).unwrap();
    picture.into_rgb8().chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]]).collect()
}

/// The 72 histograms of these faces: `(12, 12, 31)` each.
pub fn histograms() -> Vec<Vec<f32>> {
    let bytes = fs::read(data("openface/reference/single_face.hog")).unwrap();
    let frames = bytes.chunks_exact(16 + 4 * 4464);
    frames.map(|f| f[16..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()).collect()
}
