//! Reading CSV tables with errors that name file, row and column.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail, ensure};
use csv::{ByteRecord, ReaderBuilder};
use ferrotype_base::digest::hex;
use ferrotype_base::lfs;
use sha2::{Digest, Sha256};

use crate::text_table::{decode, delimiter, utf16};

/// So much of a file is looked at for its delimiter and encoding.
const BEGINNING: u64 = 1 << 16;

/// A table that is read once from front to back, while its sha256 is taken.
pub(super) struct Table {
    reader: csv::Reader<Box<dyn Read + Send>>,
    digest: Arc<Mutex<Sha256>>,
    /// Header cells, trimmed; empty for tables without a header.
    pub(super) header: Vec<String>,
    name: String,
    rows: usize,
}

impl Table {
    pub(super) fn open(path: &Path, has_header: bool) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            bail!("{} is a folder, and a CSV table is expected", path.display());
        }
        lfs::refuse_file(path)?;
        let digest = Arc::new(Mutex::new(Sha256::new()));
        let hashed = Hashed { inner: file, digest: Arc::clone(&digest) };
        let name = path.display().to_string();
        let (text, delimiter) = as_text(hashed).with_context(|| format!("cannot read {name}"))?;
        let mut reader = ReaderBuilder::new()
            .has_headers(has_header)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(1 << 18)
            .from_reader(text);
        let header = if has_header { read_header(&mut reader, &name)? } else { Vec::new() };
        Ok(Self { reader, digest, header, name, rows: 0 })
    }

    /// Index of each wanted column; names are compared without surrounding spaces and without case.
    pub(super) fn columns<const N: usize>(&self, wanted: [&str; N]) -> Result<[usize; N]> {
        let mut found = [0; N];
        for (slot, name) in found.iter_mut().zip(wanted) {
            *slot = self.column(name).with_context(|| {
                format!(
                    "{} has no column \"{name}\": its header reads \"{}\", and the columns {} are expected",
                    self.name,
                    self.header.join(","),
                    wanted.join(", ")
                )
            })?;
        }
        Ok(found)
    }

    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h.eq_ignore_ascii_case(name))
    }

    /// Reads the next row; false at the end.
    pub(super) fn next(&mut self, record: &mut ByteRecord) -> Result<bool> {
        let more = self.reader.read_byte_record(record).with_context(|| format!("cannot read {}", self.name))?;
        self.rows += usize::from(more);
        Ok(more)
    }

    /// Refuses a row with another number of cells than the header has.
    pub(super) fn check_width(&self, record: &ByteRecord) -> Result<()> {
        ensure!(
            record.len() == self.header.len(),
            "{}: {} cells, and the header has {}",
            self.place(self.rows - 1, record),
            record.len(),
            self.header.len()
        );
        Ok(())
    }

    /// Rows read so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Where a row stands, for messages. `row` counts from 0.
    pub(super) fn place(&self, row: usize, record: &ByteRecord) -> String {
        let line = record.position().map_or(0, |p| p.line());
        if self.header.is_empty() {
            format!("{}, line {line}", self.name)
        } else {
            format!("{}, row {} (the first after the header is 1; line {line} of the file)", self.name, row + 1)
        }
    }

    /// The digest of the whole file; to be called at its end.
    pub(super) fn sha256(&self) -> String {
        let digest = self.digest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        hex(&digest.finalize())
    }
}

/// The bytes without a byte-order mark, UTF-16 as UTF-8, and the delimiter. The rest of a long table is not read yet.
fn as_text(mut file: Hashed<File>) -> io::Result<(Box<dyn Read + Send>, u8)> {
    let mut beginning = Vec::new();
    file.by_ref().take(BEGINNING).read_to_end(&mut beginning)?;
    if utf16(&beginning).is_some() {
        file.read_to_end(&mut beginning)?;
        let text = decode(&beginning).into_owned().into_bytes();
        let delimiter = delimiter(&text);
        return Ok((Box::new(Cursor::new(text)), delimiter));
    }
    if beginning.starts_with(b"\xef\xbb\xbf") {
        beginning.drain(..3);
    }
    let delimiter = delimiter(&beginning);
    Ok((Box::new(Cursor::new(beginning).chain(file)), delimiter))
}

fn read_header(reader: &mut csv::Reader<Box<dyn Read + Send>>, name: &str) -> Result<Vec<String>> {
    let cells = reader.byte_headers().with_context(|| format!("cannot read {name}"))?;
    let header: Vec<String> = cells.iter().map(|cell| decode(cell).trim().to_string()).collect();
    if header.iter().all(String::is_empty) {
        bail!("{name} is empty: a CSV table with a header is expected");
    }
    // A binary file would print its first kilobytes as a "header".
    if header.iter().any(|cell| cell.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)) {
        bail!("{name} is not a CSV table: its first line is not text");
    }
    Ok(header)
}

/// A reader that digests what passes through it.
struct Hashed<R> {
    inner: R,
    digest: Arc<Mutex<Sha256>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.digest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).update(&buffer[..n]);
        Ok(n)
    }
}

/// A cell as text, without surrounding spaces.
pub(super) fn text(record: &ByteRecord, column: usize) -> String {
    decode(record.get(column).unwrap_or_default()).trim().to_string()
}
