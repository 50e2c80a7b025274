//! For tests against known answers: the folder of verification data.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

use crate::{FaceMesh, MeshFiles};

/// A file or folder of the verification data.
pub fn data(path: &str) -> PathBuf {
    Path::new(&env::var("FERROTYPE_DATA").expect("FERROTYPE_DATA is set")).join(path)
}

/// The three networks.
pub fn networks() -> FaceMesh {
    FaceMesh::open(&MeshFiles::in_folder(&data("mediapipe")).unwrap()).unwrap()
}

/// RGB, width and height of a picture file.
pub fn picture(path: &str) -> (Vec<u8>, usize, usize) {
    let picture = image::open(data(path)).unwrap().into_rgb8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    (picture.into_raw(), width, height)
}

/// What mediapipe 0.10.14 says of the faces of a picture.
pub struct Answer {
    /// In parts of the picture's width (x and z) and height.
    pub landmarks: Vec<[f64; 3]>,
    pub blendshapes: Vec<(String, f64)>,
}

pub fn answers(picture: &str) -> Vec<Answer> {
    let all: Value = serde_json::from_slice(&fs::read(data("mediapipe/mp_ref.json")).unwrap()).unwrap();
    let face = |face: &Value| Answer {
        landmarks: serde_json::from_value(face["landmarks"].clone()).unwrap(),
        blendshapes: face["blendshapes"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_f64().unwrap()))
            .collect(),
    };
    all[picture].as_array().unwrap().iter().map(face).collect()
}

/// The frames of a video in RGB, 640 x 360.
pub fn frames(path: &str) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(data(path)).args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(640 * 360 * 3).map(<[u8]>::to_vec).collect()
}

/// A table of numbers, packed with gzip: names of columns and rows.
pub fn table(path: &str) -> (Vec<String>, Vec<Vec<f64>>) {
    let bytes = fs::read(data(path)).unwrap();
    // The header has a name that ends with a zero, or none.
    let start = if bytes[3] & 8 != 0 { 11 + bytes[10..].iter().position(|&b| b == 0).unwrap() } else { 10 };
    let text = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&bytes[start..]).unwrap()).unwrap();
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(',').map(|c| c.trim().to_owned()).collect();
    (names, lines.map(|line| line.split(',').map(|c| c.trim().parse().unwrap()).collect()).collect())
}
