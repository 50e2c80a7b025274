//! What can go wrong.

use std::fmt;
use std::path::{Path, PathBuf};

use ferrotype_config::ConfigError;
use ferrotype_training::interrupt::Interrupted;

/// The cause of an [`Error`], itself with causes ([`std::error::Error::source`]).
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something could not be done.
///
/// # Examples
/// ```
/// use ferrotype::{Error, Experiment};
///
/// let error = Experiment::from_yaml("name: x\nmodle: vgg13\n").unwrap_err();
/// assert!(matches!(error, Error::Experiment { .. }));
/// assert!(error.to_string().contains("modle"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An experiment's keys or values are wrong; the message names each with its place.
    #[non_exhaustive]
    Experiment {
        /// The mistakes that were found.
        source: ConfigError,
    },
    /// A folder holds no run, or an unfinished or damaged one.
    #[non_exhaustive]
    Run {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// Training was asked to stop. Everything is saved: [`Run::resume`](crate::Run::resume) goes on.
    #[non_exhaustive]
    Interrupted {
        /// The run's folder.
        path: PathBuf,
    },
    /// A run could not be trained: its data, a diverging loss, or a file that cannot be written.
    #[non_exhaustive]
    Training {
        /// Why.
        source: Cause,
    },
    /// A prepared file of pictures cannot be read.
    #[non_exhaustive]
    Dataset {
        /// Why.
        source: Cause,
    },
    /// A picture cannot be read, or its values do not fit its shape.
    #[non_exhaustive]
    Picture {
        /// Why, with the file where there is one.
        source: Cause,
    },
    /// The network could not compute.
    #[non_exhaustive]
    Prediction {
        /// Why.
        source: Cause,
    },
    /// A video could not be described, or a part that looks at it not be opened.
    #[non_exhaustive]
    Analysis {
        /// Why.
        source: Cause,
    },
    /// The ONNX file could not be written, or did not compute what the network computes.
    #[non_exhaustive]
    Export {
        /// Why.
        source: Cause,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Experiment { source } => source.fmt(f),
            Self::Run { path, source } => write!(f, "the run {} cannot be used: {}", path.display(), chain(source)),
            Self::Interrupted { path } => write!(f, "{} was interrupted: Run::resume goes on", path.display()),
            Self::Training { source } => write!(f, "training failed: {}", chain(source)),
            Self::Picture { source } | Self::Dataset { source } | Self::Analysis { source } => {
                f.write_str(&chain(source))
            }
            Self::Prediction { source } => write!(f, "prediction failed: {}", chain(source)),
            Self::Export { source } => write!(f, "the export failed: {}", chain(source)),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Experiment { source } => Some(source),
            Self::Interrupted { .. } => None,
            Self::Run { source, .. }
            | Self::Training { source }
            | Self::Picture { source }
            | Self::Dataset { source }
            | Self::Analysis { source }
            | Self::Prediction { source }
            | Self::Export { source } => Some(&**source),
        }
    }
}

/// An error and its causes in one line.
fn chain(cause: &Cause) -> String {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

impl Error {
    pub(super) fn run(path: &Path, cause: anyhow::Error) -> Self {
        match cause.downcast::<ConfigError>() {
            Ok(source) => Self::Experiment { source },
            Err(cause) => Self::Run { path: path.to_path_buf(), source: cause.into() },
        }
    }

    pub(super) fn training(path: &Path, cause: anyhow::Error) -> Self {
        if cause.downcast_ref::<Interrupted>().is_some() {
            return Self::Interrupted { path: path.to_path_buf() };
        }
        Self::Training { source: cause.into() }
    }

    pub(super) fn dataset(cause: anyhow::Error) -> Self {
        Self::Dataset { source: cause.into() }
    }

    pub(super) fn analysis(cause: anyhow::Error) -> Self {
        match cause.downcast::<ConfigError>() {
            Ok(source) => Self::Experiment { source },
            Err(cause) => Self::Analysis { source: cause.into() },
        }
    }

    pub(super) fn picture(cause: anyhow::Error) -> Self {
        Self::Picture { source: cause.into() }
    }

    pub(super) fn prediction(cause: anyhow::Error) -> Self {
        Self::Prediction { source: cause.into() }
    }

    pub(super) fn export(cause: anyhow::Error) -> Self {
        Self::Export { source: cause.into() }
    }
}

impl From<ConfigError> for Error {
    fn from(source: ConfigError) -> Self {
        Self::Experiment { source }
    }
}
