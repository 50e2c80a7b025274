//! H.264 files from pictures.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::program::{cannot_start, file_argument};

/// Writes an MP4 file with one H.264 stream, frame by frame. The file appears with [`Encoder::finish`].
#[derive(Debug)]
pub struct Encoder {
    child: Child,
    input: Option<ChildStdin>,
    bytes: usize,
    hidden: PathBuf,
    path: PathBuf,
}

impl Encoder {
    /// Starts a file of grey frames, `[height, width]`, at a constant rate in frames per second.
    ///
    /// # Errors
    /// When a side is odd (H.264 halves the colours' resolution), or ffmpeg is not installed.
    pub fn start(path: &Path, size: [usize; 2], rate: f64) -> Result<Self> {
        Self::begin(path, size, rate, ("gray", 1))
    }

    /// As [`start`](Self::start) for RGB frames, `[height, width, 3]`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_rgb(path: &Path, size: [usize; 2], rate: f64) -> Result<Self> {
        Self::begin(path, size, rate, ("rgb24", 3))
    }

    fn begin(path: &Path, [width, height]: [usize; 2], rate: f64, (format, channels): (&str, usize)) -> Result<Self> {
        ensure!(width % 2 == 0 && height % 2 == 0, "a video of {width} x {height} pixels: both sides must be even");
        let name = path.file_name().with_context(|| format!("{} does not name a file", path.display()))?;
        let hidden = path.with_file_name(format!(".{}.tmp-{}", name.to_string_lossy(), std::process::id()));
        let mut child = Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", format, "-s"])
            .arg(format!("{width}x{height}"))
            .arg("-r")
            .arg(rate.to_string())
            .args(["-i", "pipe:0", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"])
            .args(["-threads", "1", "-bitexact", "-f", "mp4"])
            .arg(file_argument(&hidden))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| cannot_start("ffmpeg", &e))?;
        let input = child.stdin.take();
        Ok(Self { child, input, bytes: width * height * channels, hidden, path: path.to_path_buf() })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// When it has another size, or ffmpeg has given up (a full disk, a missing encoder): its words are in the message.
    pub fn push(&mut self, pixels: &[u8]) -> Result<()> {
        ensure!(pixels.len() == self.bytes, "a frame of {} bytes, where {} are expected", pixels.len(), self.bytes);
        let written = self.input.as_mut().context("the video is finished")?.write_all(pixels);
        if written.is_err() {
            self.close()?;
        }
        Ok(written?)
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// When ffmpeg fails, or the file cannot be renamed.
    pub fn finish(mut self) -> Result<()> {
        self.close()?;
        std::fs::rename(&self.hidden, &self.path).map_err(|e| ferrotype_run::files::explain(&self.path, &e))
    }

    fn close(&mut self) -> Result<()> {
        self.input = None;
        let mut said = String::new();
        if let Some(mut err) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut err, &mut said).context("cannot read ffmpeg's messages")?;
        }
        let status = self.child.wait().context("cannot wait for ffmpeg")?;
        if !status.success() {
            bail!(
                "ffmpeg cannot write {}: {}",
                self.path.display(),
                said.lines().last().unwrap_or("it gives no reason")
            );
        }
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.input = None;
        // After `finish` the process has ended and nothing stands under the hidden name.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.hidden);
    }
}
