//! The bar of a command that takes a while.

use std::borrow::Cow;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with the time left, for `all` pieces of `what`; hidden where there are few or no terminal shows it.
pub fn bar(what: &'static str, all: usize) -> ProgressBar {
    if all < 2 { ProgressBar::hidden() } else { bar_of(what, all as u64) }
}

/// A bar with the time left, of a length that may become known later; hidden where no terminal shows it.
pub fn bar_of(what: impl Into<Cow<'static, str>>, all: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} [{bar:28}] {pos}/{len} {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(all).with_style(style.progress_chars("=> ")).with_message(what)
}
