//! Videos of strangers: their length and size are checked by the header, and the length again while they are looked at.

use std::path::Path;

use ferrotype_analysis::Parts;
use ferrotype_analysis::options::{AnalysisOptions, Sampling};
use ferrotype_analysis::video::{self, Progress};
use ferrotype_serve::{AnalyzeOptions, Fault, Watch};
use ferrotype_vision::video::{Header, probe};

/// Frames per second beyond which a header is not believed: cameras take fewer, and a second has no more to look at.
const FASTEST: f64 = 240.0;

/// Looks at a video and writes the files of the analysis.
pub(super) fn analyze(
    parts: &Parts,
    base: &AnalysisOptions,
    video: &Path,
    out: &Path,
    options: &AnalyzeOptions,
    watch: &dyn Watch,
) -> Result<(), Fault> {
    let header = probe(video).map_err(|e| unnamed(&e, video))?;
    check(&header, options)?;
    let mut watching =
        Watching { watch, rate: header.rate.unwrap_or(25.0).min(FASTEST), limit: options.max_seconds, seconds: 0.0 };
    let mut analysis = AnalysisOptions { sampling: Sampling::Every(options.every), ..base.clone() };
    analysis.output.annotated = options.annotated;
    let done = video::analyse_as(&options.name, parts, &analysis, video, out, &mut watching);
    match done {
        Ok(_) => Ok(()),
        Err(_) if watching.is_too_long() => Err(too_long(watching.seconds, options.max_seconds)),
        Err(_) if watch.is_asked_to_stop() => Err(Fault::Stopped),
        Err(e) => Err(unnamed(&e, video)),
    }
}

/// What is wrong with a video, without the path that it has here.
fn unnamed(error: &anyhow::Error, video: &Path) -> Fault {
    Fault::Input(format!("{error:#}").replace(&video.display().to_string(), "the video"))
}

/// Refuses by the header what would be refused in the end.
fn check(header: &Header, options: &AnalyzeOptions) -> Result<(), Fault> {
    let pixels = header.width as u64 * header.height as u64;
    if pixels > options.max_pixels {
        let (width, height) = (header.width, header.height);
        let limit = options.max_pixels;
        return Err(Fault::TooLarge(format!(
            "its frames have {width} x {height} pixels, and the limit is {limit} in all"
        )));
    }
    match (header.frames, header.rate) {
        (Some(frames), Some(rate)) if frames as f64 / rate > options.max_seconds => {
            Err(too_long(frames as f64 / rate, options.max_seconds))
        }
        _ => Ok(()),
    }
}

fn too_long(seconds: f64, limit: f64) -> Fault {
    Fault::TooLarge(format!("it lasts {seconds:.0} s or longer, and the limit is {limit:.0} s"))
}

/// Tells the server how far an analysis is, and ends it where the header was wrong about its length.
struct Watching<'a> {
    watch: &'a dyn Watch,
    rate: f64,
    limit: f64,
    seconds: f64,
}

impl Watching<'_> {
    fn is_too_long(&self) -> bool {
        self.seconds > self.limit
    }
}

impl video::Watch for Watching<'_> {
    fn progress(&mut self, progress: &Progress) {
        self.seconds = progress.frame as f64 / self.rate;
        self.watch.progress(progress.frame, progress.of, progress.faces);
    }

    // Of an analysis from the beginning there is nothing to be known.
    fn note(&mut self, _: &str) {}

    fn is_asked_to_stop(&self) -> bool {
        self.is_too_long() || self.watch.is_asked_to_stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_claims_is_checked() {
        let options =
            AnalyzeOptions { every: 1, max_seconds: 10.0, max_pixels: 1000, annotated: false, name: "a".into() };
        let header = |width, height, frames, rate| Header { width, height, frames, rate, ..Header::default() };
        assert_eq!(check(&header(20, 50, Some(250), Some(25.0)), &options), Ok(()));
        assert!(matches!(check(&header(20, 51, None, None), &options), Err(Fault::TooLarge(_))));
        assert!(matches!(check(&header(20, 50, Some(251), Some(25.0)), &options), Err(Fault::TooLarge(_))));
        // What is not claimed shows while it is looked at.
        assert_eq!(check(&header(20, 50, None, Some(25.0)), &options), Ok(()));
    }
}
