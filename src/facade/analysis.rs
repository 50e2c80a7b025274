//! Videos and pictures described face by face.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::{Error, Result};
use crate::commands::analyze::AnalyzeCommand;
use ferrotype_analysis::video::{Progress, Watch};
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::{Event, Watcher};

/// Options of [`analyze`].
///
/// # Examples
/// ```
/// let mut options = ferrotype::AnalyzeOptions::default();
/// options.changes = vec!["parts.detector=yunet.onnx".into(), "sampling.every=10".into()];
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnalyzeOptions {
    /// The folder in which each video gets a folder of its name; `results` by default.
    pub out: PathBuf,
    /// What is looked at, by what, and what is written: a file as `ferrotype analyze --config` takes it.
    pub config: Option<PathBuf>,
    /// Changes of that file or of the defaults, `KEY=VALUE`; the detector is `parts.detector`.
    pub changes: Vec<String>,
    /// Is told of the frames that are done ([`Event::Work`]), and of notes.
    pub watcher: Option<Watcher>,
    /// Stops the analysis from another thread.
    pub interrupt: Interrupt,
}

impl Default for AnalyzeOptions {
    fn default() -> Self {
        Self {
            out: "results".into(),
            config: None,
            changes: Vec::new(),
            watcher: None,
            interrupt: Interrupt::default(),
        }
    }
}

/// Describes the faces of videos, folders of pictures, or pictures: boxes, landmarks, persons, expressions, action units, as
/// `ferrotype analyze` does. Gives the folder of each, in which `results.json`, `frames.csv` and a report stand
/// (docs/analyze.md).
///
/// # Errors
/// [`Error::Experiment`] for impossible options, [`Error::Analysis`] where a part or a video cannot be used, or a stop was asked
/// for; nothing is said of the videos after it.
///
/// # Examples
/// ```no_run
/// let mut options = ferrotype::AnalyzeOptions::default();
/// options.changes = vec!["parts.detector=yunet".into()];
/// for folder in ferrotype::analyze(&["interview.mp4"], &options)? {
///     println!("{}", folder.display());
/// }
/// # Ok::<(), ferrotype::Error>(())
/// ```
pub fn analyze(videos: &[impl AsRef<Path>], options: &AnalyzeOptions) -> Result<Vec<PathBuf>> {
    let videos = videos.iter().map(|video| video.as_ref().to_path_buf()).collect();
    let command = AnalyzeCommand::new(videos, options.out.clone(), options.config.clone(), options.changes.clone());
    let (chosen, parts) = command.open().map_err(Error::analysis)?;
    let mut done = Vec::new();
    for (path, folder) in command.places() {
        let mut told = Told { name: path.display().to_string(), options };
        AnalyzeCommand::look(&parts, &chosen, path, &folder, &mut told).map_err(Error::analysis)?;
        done.push(folder);
    }
    command.join(&chosen, &done).map_err(Error::analysis)?;
    Ok(done)
}

/// Passes on how far a video is.
struct Told<'a> {
    name: String,
    options: &'a AnalyzeOptions,
}

impl Told<'_> {
    fn tell(&self, event: &Event) {
        let said = self.options.watcher.as_ref().map_or(ControlFlow::Continue(()), |watcher| watcher.tell(event));
        if said.is_break() {
            self.options.interrupt.ask();
        }
    }
}

impl Watch for Told<'_> {
    fn progress(&mut self, p: &Progress) {
        let done = p.frame as usize + 1;
        self.tell(&Event::Work { what: self.name.clone(), done, all: p.of.map_or(done, |of| of as usize) });
    }

    fn note(&mut self, text: &str) {
        self.tell(&Event::Note(text.to_owned()));
    }

    fn is_asked_to_stop(&self) -> bool {
        self.options.interrupt.is_asked()
    }
}
