//! The command line.

use std::process::ExitCode;

use ferrotype::commands::{Cli, failure};
use ferrotype::config::expand_words;

/// Tensors are allocated and freed all the time; glibc gives large ones back to the system and pays a page fault for
/// every page of the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// mimalloc's `mi_option_purge_delay`, which its Rust crate has no name for.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Keeps freed memory for the next step of training: by default mimalloc, too, gives it back after 10 ms, and a third
/// of a small network's step went into page faults.
fn keep_freed_memory() {
    // SAFETY: the option exists in the mimalloc that is linked, takes a number, and may be set at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

fn main() -> ExitCode {
    keep_freed_memory();
    match Cli::of_words(expand_words(std::env::args_os()).into_iter().collect()).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
