//! The programs that decode: found on the path, or an error that says how to get them.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow};

/// Where a program is had.
const INSTALL: &str = "install it (Debian, Ubuntu: apt-get install ffmpeg; Fedora: dnf install ffmpeg-free; macOS: brew \
                       install ffmpeg; Windows: winget install ffmpeg) and see to it that it is on the PATH";

/// What stopped a program from being started, in words.
pub(super) fn cannot_start(program: &str, cause: &std::io::Error) -> anyhow::Error {
    if cause.kind() == ErrorKind::NotFound {
        anyhow!("video files are read by the program {program}, which is not installed here: {INSTALL}")
    } else {
        anyhow!("cannot start the program {program}: {cause}; {INSTALL}")
    }
}

/// A path as an argument that is taken for nothing but a file: neither an option nor a protocol.
pub(super) fn file_argument(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

/// Checks that both programs can be started.
///
/// # Errors
/// When one is missing; the message says how to install it.
pub fn available() -> Result<()> {
    ["ffmpeg", "ffprobe"].into_iter().try_for_each(|program| first_line(program).map(drop))
}

/// The first line that ffmpeg says of itself, for provenance: `ffmpeg version 5.1.9-0+deb12u1`.
///
/// # Errors
/// When it is missing.
pub fn version() -> Result<String> {
    let line = first_line("ffmpeg")?;
    Ok(line.split(" Copyright").next().unwrap_or_default().to_owned())
}

fn first_line(program: &str) -> Result<String> {
    let output =
        Command::new(program).arg("-version").stdin(Stdio::null()).output().map_err(|e| cannot_start(program, &e))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}
