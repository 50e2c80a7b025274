//! The allocator of programs that train: the binary's and the Python module's.

pub use mimalloc::MiMalloc;

/// mimalloc's `mi_option_purge_delay`, which its Rust crate has no name for.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Keeps freed memory for the next step of training: by default mimalloc gives it back after 10 ms, and a third of a small
/// network's step went into page faults. Of no effect where another allocator is the program's.
pub fn keep_freed_memory() {
    // SAFETY: the option exists in the mimalloc that is linked, takes a number, and may be set at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}
