//! A running ffmpeg whose frames are read as they come.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::log::{Line, Log, understand};
use super::probe::{Header, probe};
use super::program::{cannot_start, file_argument};
use ferrotype_data::preprocess::{LARGEST_SIDE, Picture};

/// A decoded picture the right way up.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// RGB, `[height, width, 3]`.
    pub pixels: Vec<u8>,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Number in the order of decoding, from 0.
    pub number: usize,
    /// Presentation time in seconds.
    pub time: f64,
}

impl Frame {
    /// For preprocessing and detection.
    pub fn picture(&self) -> Picture<'_> {
        Picture { pixels: &self.pixels, height: self.height, width: self.width, channels: 3 }
    }
}

/// The frames of a video file in the order of presentation. An iterator of frames; ask [`Decoder::log`] afterwards what
/// went wrong on the way.
///
/// ffmpeg writes raw RGB to its standard output, and the filter `showinfo` a line per frame to its standard error: the true
/// presentation time (frame rates vary, and a time computed from a rate is wrong then) and the size after rotation. One
/// decoding thread makes the frames of damaged files the same on each run.
#[derive(Debug)]
pub struct Decoder {
    child: Child,
    pixels: Option<BufReader<ChildStdout>>,
    lines: Receiver<Line>,
    reader: Option<JoinHandle<()>>,
    header: Header,
    log: Log,
    shown: String,
    last_time: Option<f64>,
    ended: bool,
}

impl Decoder {
    /// Starts to decode the first video stream of a file.
    ///
    /// # Errors
    /// When the file is missing, empty or no video, or ffmpeg is not installed.
    pub fn open(path: &Path) -> Result<Self> {
        let header = probe(path)?;
        let mut child = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+info", "-threads", "1", "-i"])
            .arg(file_argument(path))
            .args(["-map", "0:V:0", "-vf", "showinfo=checksum=0", "-fps_mode", "passthrough"])
            // Frames that are closer than a tick of the average rate are not complained of.
            .args(["-enc_time_base", "-1"])
            .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| cannot_start("ffmpeg", &e))?;
        let (sender, lines) = channel();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reader = err.map(|err| std::thread::spawn(move || read_lines(err, &sender)));
        Ok(Self {
            child,
            pixels: out.map(BufReader::new),
            lines,
            reader,
            header,
            log: Log::default(),
            shown: path.display().to_string(),
            last_time: None,
            ended: false,
        })
    }

    /// What the header claims.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is known by now: complete after the last frame.
    pub fn log(&self) -> &Log {
        &self.log
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some((time, width, height)) = self.next_line() else {
            self.end()?;
            return Ok(None);
        };
        ensure!(
            (1..=LARGEST_SIDE).contains(&width) && (1..=LARGEST_SIDE).contains(&height),
            "{} has frames of {width} x {height} pixels: each side must be 1 to {LARGEST_SIDE}",
            self.shown
        );
        let mut pixels = vec![0; width * height * 3];
        let out = self.pixels.as_mut().context("ffmpeg's output is not connected")?;
        if let Err(cause) = out.read_exact(&mut pixels) {
            self.log.complain(format!("the frame at {time:?} s came only in part: {cause}"));
            self.end()?;
            return Ok(None);
        }
        let number = self.log.frames;
        self.log.frames += 1;
        Ok(Some(Frame { pixels, width, height, number, time: self.at(time) }))
    }

    /// The time of a frame: its own, or where it has none the last one and a frame's length.
    fn at(&mut self, time: Option<f64>) -> f64 {
        let step = self.header.rate.map_or(0.04, f64::recip);
        let bad = time.is_none() || self.last_time.zip(time).is_some_and(|(last, time)| time < last);
        self.log.bad_times += usize::from(bad);
        let time = time.unwrap_or_else(|| self.last_time.map_or(0.0, |last| last + step));
        self.last_time = Some(time);
        time
    }

    /// Time, width and height of the next frame; complaints on the way are counted.
    fn next_line(&mut self) -> Option<(Option<f64>, usize, usize)> {
        while let Ok(line) = self.lines.recv() {
            match line {
                Line::Frame(time, width, height) => return Some((time, width, height)),
                Line::Error(text) => self.log.complain(text),
                Line::Other => {}
            }
        }
        None
    }

    /// Waits for the process, so that none is left behind.
    fn end(&mut self) -> Result<()> {
        self.ended = true;
        self.pixels = None;
        while self.next_line().is_some() {}
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| anyhow!("the thread that reads ffmpeg's messages panicked"))?;
        }
        let status = self.child.wait().context("cannot wait for ffmpeg")?;
        if self.log.frames == 0 {
            let reason = self.log.first.last().map_or("ffmpeg gives no reason", String::as_str);
            bail!("no frame of {} can be decoded: {reason}", self.shown);
        }
        if !status.success() && self.log.errors == 0 {
            self.log.complain(format!("ffmpeg ended with {status}"));
        }
        Ok(())
    }
}

impl Iterator for Decoder {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.next_frame();
        self.ended |= item.is_err();
        item.transpose()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // A process that has ended cannot be killed any more; waiting for it twice is harmless.
        let _ = self.child.kill();
        self.pixels = None;
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read_lines(err: ChildStderr, sender: &Sender<Line>) {
    let mut err = BufReader::new(err);
    let mut bytes = Vec::new();
    // A line may hold any bytes: names of streams, for example.
    while matches!(err.read_until(b'\n', &mut bytes), Ok(n) if n > 0) {
        let line = understand(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
        // With nobody listening, what is left is read all the same: ffmpeg must not block on a full pipe.
        if line != Line::Other {
            let _ = sender.send(line);
        }
    }
}
