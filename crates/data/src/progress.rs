//! How far preparing is: a bar on a terminal, plain lines elsewhere (in a file, in the log of a cluster's job).

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ferrotype_base::text::duration;
use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines.
const PAUSE: Duration = Duration::from_secs(30);

/// Work on many things of one kind, shown on standard error until it is dropped. Threads may tell it of their things side by
/// side.
#[derive(Debug)]
pub struct Work(Shown);

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Count>),
}

impl Work {
    /// Begins work on `all` things, of which the first `done` are finished already; `what` they are is said in the plural.
    pub fn begin(what: &'static str, done: usize, all: usize) -> Self {
        let (done, all) = (done as u64, all as u64);
        if !std::io::stderr().is_terminal() {
            return Self(Shown::Lines(Mutex::new(Count::begin(what, done, all, Instant::now()))));
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:28}] {pos}/{len} {msg}  {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        let bar = ProgressBar::new(all).with_style(style).with_prefix(what).with_position(done);
        // Not from the finished ones: they took no time of this call.
        bar.reset_eta();
        Self(Shown::Bar(bar))
    }

    /// Names the thing that is worked on, for the bar.
    pub fn at(&self, name: &str) {
        if let Shown::Bar(bar) = &self.0 {
            bar.set_message(name.to_owned());
        }
    }

    /// So many more are done.
    pub fn add(&self, more: usize) {
        match &self.0 {
            Shown::Bar(bar) => bar.inc(more as u64),
            Shown::Lines(count) => {
                let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = count.add(more as u64, Instant::now()) {
                    eprintln!("{line}");
                }
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        match &mut self.0 {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines(count) => {
                let count = count.get_mut().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = count.end(Instant::now()) {
                    eprintln!("{line}");
                }
            }
        }
    }
}

/// What the lines say.
#[derive(Debug)]
struct Count {
    what: &'static str,
    /// Done before this call.
    before: u64,
    done: u64,
    all: u64,
    began: Instant,
    /// When something was last said; none where nothing was.
    said: Option<Instant>,
}

impl Count {
    fn begin(what: &'static str, before: u64, all: u64, now: Instant) -> Self {
        Self { what, before, done: before, all, began: now, said: None }
    }

    /// The line that is due, if one is.
    fn add(&mut self, more: u64, now: Instant) -> Option<String> {
        self.done += more;
        if now - self.said.unwrap_or(self.began) < PAUSE || self.done >= self.all {
            return None;
        }
        self.said = Some(now);
        let speed = self.speed(now);
        let left = duration((self.all - self.done) as f64 / speed);
        Some(format!("{}: {}/{}, {} per second, {left} left", self.what, self.done, self.all, number(speed)))
    }

    /// The last line, where others were said and all is done: what ends early ends with an error, which says enough.
    fn end(&self, now: Instant) -> Option<String> {
        self.said.filter(|_| self.done >= self.all)?;
        let took = duration((now - self.began).as_secs_f64());
        Some(format!("{}: {}/{} in {took}, {} per second", self.what, self.done, self.all, number(self.speed(now))))
    }

    /// Things per second of this call.
    fn speed(&self, now: Instant) -> f64 {
        (self.done - self.before) as f64 / (now - self.began).as_secs_f64().max(1e-9)
    }
}

/// With two or three digits that matter.
fn number(value: f64) -> String {
    match value {
        10.0.. => format!("{value:.0}"),
        1.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_every_half_minute() {
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut count = Count::begin("pictures", 1000, 4000, begin);
        assert_eq!(count.add(500, at(10)), None);
        // 1,000 in 40 s; what was there before took no time.
        assert_eq!(count.add(500, at(40)).unwrap(), "pictures: 2000/4000, 25 per second, 1 min 20 s left");
        assert_eq!(count.add(100, at(69)), None);
        assert_eq!(count.add(0, at(70)).unwrap(), "pictures: 2100/4000, 16 per second, 2 min 01 s left");
        assert_eq!(count.end(at(80)), None, "it was given up");
        assert_eq!(count.add(1900, at(120)), None);
        assert_eq!(count.end(at(120)).unwrap(), "pictures: 4000/4000 in 2 min 00 s, 25 per second");
        // What is over soon says nothing.
        let mut short = Count::begin("clips", 0, 3, begin);
        assert_eq!((short.add(3, at(29)), short.end(at(29))), (None, None));
        let mut slow = Count::begin("clips", 0, 3, begin);
        assert_eq!(slow.add(1, at(100)).unwrap(), "clips: 1/3, 0.01 per second, 3 min 20 s left");
        assert_eq!((number(9.96), number(123.4)), ("10.0".into(), "123".into()));
    }
}
