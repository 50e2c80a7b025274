//! How a failure is told.

use std::fmt;

use ferrotype_training::interrupt::Interrupted;

/// The exit code of what was told to end and is to be started again: sysexits' `EX_TEMPFAIL`, "try again later".
pub const REQUEUE: u8 = 75;

/// A worker, or a member of a group, was told to end before it was done. It has saved everything; whoever started it is to
/// start it again, which the exit code [`REQUEUE`] says.
#[derive(Debug)]
pub struct ToldToEnd(pub String);

impl fmt::Display for ToldToEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ToldToEnd {}

/// Prints an error as one paragraph and gives the exit code.
pub fn report(error: &anyhow::Error) -> u8 {
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        eprintln!("{interrupted}");
        return 130;
    }
    if let Some(told) = error.downcast_ref::<ToldToEnd>() {
        eprintln!("{told}");
        return REQUEUE;
    }
    // The reader went away (`ferrotype runs | head`): nothing is wrong and nobody listens.
    let is_broken_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|c| c.downcast_ref()).any(is_broken_pipe) {
        return 0;
    }
    let text = format!("{error:#}");
    let prefix = if text.starts_with("error:") { "" } else { "error: " };
    eprintln!("{prefix}{text}");
    1
}
