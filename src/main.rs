//! The command line.

use std::process::ExitCode;

use ferrotype::{allocator, commands};

/// Tensors are allocated and freed all the time; glibc gives large ones back to the system and pays a page fault for
/// every page of the next.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    ExitCode::from(commands::main(std::env::args_os()))
}
