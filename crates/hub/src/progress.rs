//! What a download tells while it runs, and how it is ended.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::Entry;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// It begins; the licence belongs on the screen now.
    Begin {
        /// The model.
        entry: &'e Entry,
    },
    /// Another process loads the same model; this one waits for it.
    Waiting,
    /// The file in the cache is not the model any more and is loaded anew.
    Damaged {
        /// The file.
        path: &'e Path,
    },
    /// An address is asked.
    Source {
        /// The address, without passwords and queries.
        url: &'e str,
        /// Bytes that an earlier try left, which are not loaded again.
        from: u64,
    },
    /// Bytes have come.
    Bytes {
        /// So many are there.
        done: u64,
        /// So many there will be.
        total: u64,
    },
    /// It did not work and is tried again after a pause.
    Retry {
        /// Why.
        reason: &'e str,
        /// The pause.
        pause: Duration,
    },
    /// An address is given up; another one follows.
    NextSource {
        /// Why.
        reason: &'e str,
    },
    /// All bytes are there, checked, and have their name.
    Done {
        /// The file.
        path: &'e Path,
    },
}

/// Hears of a download. `Break` ends it; what has come so far is kept, and the next try goes on from there.
pub trait Progress {
    /// Called for every event, for bytes after at most 64 KiB, and some times a second while it waits.
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

/// Hears nothing and never ends it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn on(&mut self, _: &Event<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Event<'_>) -> ControlFlow<()>> Progress for F {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        self(event)
    }
}
