//! What a file says of itself.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::program::{cannot_start, file_argument};

/// A video stream by its header. None of it is relied on for decoding: headers are wrong often enough.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// Columns as stored, before rotation.
    pub width: usize,
    /// Rows as stored, before rotation.
    pub height: usize,
    /// Frames, where the header claims a number. A file may hold fewer.
    pub frames: Option<u64>,
    /// Frames per second on average, where it is known.
    pub rate: Option<f64>,
    /// The codec's name: `h264`.
    pub codec: String,
    /// By how many degrees the picture is to be turned counter-clockwise for display, -180 to 180.
    pub rotation: i32,
}

/// Reads a file's header.
///
/// # Errors
/// When the file is missing or empty, is no video, or ffprobe is not installed.
pub fn probe(path: &Path) -> Result<Header> {
    let shown = path.display();
    ensure!(!path.is_dir(), "{shown} is a folder, not a video file");
    let size = std::fs::metadata(path).map_err(|e| anyhow!("cannot read {shown}: {e}"))?.len();
    ensure!(size > 0, "{shown} is empty");
    ferrotype_base::lfs::refuse_file(path)?;
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "V:0", "-show_streams", "-of", "json"])
        .arg(file_argument(path))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| cannot_start("ffprobe", &e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("ffprobe gives no reason").trim().to_owned();
        let reason = last.trim_start_matches(&format!("file:{shown}: ")).to_owned();
        bail!("{shown} cannot be read as a video: {reason}");
    }
    let json: Value = serde_json::from_slice(&output.stdout).context("ffprobe's answer is not JSON")?;
    let Some(stream) = json["streams"].get(0) else { bail!("{shown} has no video stream") };
    Ok(header(stream))
}

fn header(stream: &Value) -> Header {
    let number = |name: &str| stream[name].as_u64().unwrap_or_default() as usize;
    let side_data = stream["side_data_list"].as_array();
    let turned = side_data.and_then(|list| list.iter().find_map(|d| d["rotation"].as_i64()));
    Header {
        width: number("width"),
        height: number("height"),
        frames: stream["nb_frames"].as_str().and_then(|n| n.parse().ok()),
        rate: stream["avg_frame_rate"].as_str().and_then(fraction),
        codec: stream["codec_name"].as_str().unwrap_or("unknown").to_owned(),
        rotation: turned.unwrap_or_default() as i32,
    }
}

/// `30000/1001` as a number; none for `0/0`.
fn fraction(text: &str) -> Option<f64> {
    let (above, below) = text.split_once('/')?;
    let value = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}
