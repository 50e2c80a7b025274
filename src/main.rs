//! The command line.

use std::process::ExitCode;

use clap::Parser;
use ferrotype::commands::{Cli, failure};

/// Tensors are allocated and freed all the time; glibc gives large ones back to the system and pays a page fault for
/// every page of the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
