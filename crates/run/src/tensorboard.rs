//! TensorBoard's event files: TFRecord frames around hand-encoded protobuf messages.
//!
//! A resumed run writes a new file whose first events say from which step on it begins
//! (`SessionLog::START`): TensorBoard then drops what the interrupted run wrote after that step, so no step shows twice.
//! A file that was cut off by a kill costs its last record only, because it is never written to again.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use ferrotype_base::crc::crc32c;

use crate::files::explain;

/// Writes the events of one run into one folder.
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
}

impl TensorBoard {
    /// Begins a new file in `folder` (made if need be) for a run that goes on after `last_step` steps; 0 is a new run.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn open(folder: impl AsRef<Path>, last_step: u64) -> Result<Self> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
        let (path, goes_on) = next_path(folder)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| explain(&path, &e))?;
        let mut board = Self { path, file };
        board.event(|m| m.bytes(3, b"brain.Event:2"))?;
        if goes_on {
            let mut start = Message::default();
            start.varint(1, 1);
            board.event(|m| {
                // A run that begins anew drops what stands at step 0, too.
                m.varint(2, if last_step == 0 { 0 } else { last_step + 1 });
                m.bytes(7, &start.0);
            })?;
        }
        Ok(board)
    }

    /// A number at a step.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<()> {
        self.summary(tag, step, |m| m.fixed32(2, (value as f32).to_bits()))
    }

    /// A PNG picture at a step.
    ///
    /// # Errors
    /// When the bytes are no PNG file, or the disk is full or gone.
    pub fn image(&mut self, tag: &str, step: u64, png: &[u8]) -> Result<()> {
        ensure!(png.len() > 24 && png.starts_with(b"\x89PNG\r\n\x1a\n"), "the image `{tag}` is not a PNG file");
        let size = |at: usize| u64::from(u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]));
        let mut image = Message::default();
        image.varint(1, size(20));
        image.varint(2, size(16));
        image.varint(3, 3);
        image.bytes(4, png);
        self.summary(tag, step, |m| m.bytes(4, &image.0))
    }

    /// A text (Markdown) at a step.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn text(&mut self, tag: &str, step: u64, text: &str) -> Result<()> {
        let (mut tensor, mut plugin, mut metadata) = (Message::default(), Message::default(), Message::default());
        tensor.varint(1, 7); // DT_STRING
        tensor.bytes(2, &[]); // a scalar's shape
        tensor.bytes(8, text.as_bytes());
        plugin.bytes(1, b"text");
        metadata.bytes(1, &plugin.0);
        self.summary(tag, step, |m| {
            m.bytes(9, &metadata.0);
            m.bytes(8, &tensor.0);
        })
    }

    fn summary(&mut self, tag: &str, step: u64, fill: impl FnOnce(&mut Message)) -> Result<()> {
        let (mut value, mut summary) = (Message::default(), Message::default());
        value.bytes(1, tag.as_bytes());
        fill(&mut value);
        summary.bytes(1, &value.0);
        self.event(|m| {
            m.varint(2, step);
            m.bytes(5, &summary.0);
        })
    }

    fn event(&mut self, fill: impl FnOnce(&mut Message)) -> Result<()> {
        let mut event = Message::default();
        event.fixed64(1, now().to_bits());
        fill(&mut event);
        self.file.write_all(&record(&event.0)).map_err(|e| explain(&self.path, &e))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// TensorBoard reads a folder's files in the order of their names, so a new name must stand after all the old ones,
/// even when two files begin within a second or the clock was set back. Also says whether there are old ones.
fn next_path(folder: &Path) -> Result<(PathBuf, bool)> {
    const START: &str = "events.out.tfevents.";
    let entries = fs::read_dir(folder).map_err(|e| explain(folder, &e))?;
    let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
    let stamps = names.filter_map(|n| n.strip_prefix(START)?.get(..10)?.parse::<u64>().ok());
    let last = stamps.max();
    let stamp = last.map_or(0, |last| last + 1).max(now() as u64);
    Ok((folder.join(format!("{START}{stamp:010}.ferrotype")), last.is_some()))
}

/// A TFRecord frame: length, its checksum, data, its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut frame = Vec::with_capacity(data.len() + 16);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&masked(crc32c(&length)).to_le_bytes());
    frame.extend_from_slice(data);
    frame.extend_from_slice(&masked(crc32c(data)).to_le_bytes());
    frame
}

fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A protobuf message under construction: field numbers are those of TensorFlow's `event.proto` and `summary.proto`.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw(&mut self, mut value: u64) {
        while value >= 128 {
            self.0.push(value as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.raw(field << 3);
        self.raw(value);
    }

    fn fixed64(&mut self, field: u64, bits: u64) {
        self.raw(field << 3 | 1);
        self.0.extend_from_slice(&bits.to_le_bytes());
    }

    fn fixed32(&mut self, field: u64, bits: u32) {
        self.raw(field << 3 | 5);
        self.0.extend_from_slice(&bits.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.raw(field << 3 | 2);
        self.raw(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_standard_ones() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn integers_are_packed_in_sevens() {
        let mut message = Message::default();
        message.varint(2, 300);
        assert_eq!(message.0, [0x10, 0xac, 0x02]);
    }

    #[test]
    fn frames_follow_each_other_and_files_are_ordered() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for last_step in [0, 5] {
            let mut board = TensorBoard::open(folder.path(), last_step).unwrap();
            board.scalar("loss", last_step + 1, 0.5).unwrap();
            assert!(board.image("x", 1, b"no picture").is_err());
            names.push(board.path.clone());
        }
        assert!(names[0] < names[1]);
        let bytes = fs::read(&names[1]).unwrap();
        let (mut at, mut frames) = (0, 0);
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
            assert_eq!(record(&bytes[at + 12..at + 12 + length]), bytes[at..at + 16 + length]);
            at += 16 + length;
            frames += 1;
        }
        assert_eq!(frames, 3);
    }
}
