//! Ctrl-C and SIGTERM: finish the step, save, say how to go on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

/// Whether the user asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens to Ctrl-C (SIGINT), SIGTERM and SIGHUP from now on. The second signal ends the process at once.
    ///
    /// # Errors
    /// When the process has a handler already.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let asked = interrupt.asked.clone();
        ctrlc::set_handler(move || {
            if asked.fetch_add(1, Ordering::SeqCst) > 0 {
                std::process::exit(130);
            }
        })
        .context("cannot listen to Ctrl-C")?;
        Ok(interrupt)
    }

    /// Whether a stop was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > 0
    }

    /// Asks to stop as soon as `input` ends: when its writer closes it, or dies in whatever way.
    pub fn ask_when_closed(&self, mut input: impl std::io::Read + Send + 'static) {
        let interrupt = self.clone();
        std::thread::spawn(move || {
            // What is written does not matter; an input that cannot be read has ended, too.
            let _ = std::io::copy(&mut input, &mut std::io::sink());
            interrupt.ask();
        });
    }

    /// Asks to stop, as Ctrl-C does.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
    }
}

/// Training was interrupted by the user and can be resumed: an outcome with an exit code of its own, 130.
#[derive(Debug)]
pub struct Interrupted(pub String);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}
