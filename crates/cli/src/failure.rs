//! Why a command ended other than well, and the exit code that says so to scripts.

use crate::text::tame;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Refused or rejected for good, or a hole was found.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// 401 or 403.
    Unauthorized = 3,
    /// 404.
    NotFound = 4,
    /// The network or the storage gave up; trying again or resuming may help.
    GaveUp = 5,
    /// The file is no longer what its upload was begun with.
    FileChanged = 6,
    /// The caller holds as much as it may.
    Full = 7,
    /// Ctrl-C; an upload can be resumed.
    Interrupted = 130,
}

/// A sentence and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) text: String,
    /// Whether the upload it is about is over without a file, so that only a new one can help.
    pub(crate) is_over: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), is_over: false }
    }
}

/// What a script should do about an error of the client decides its exit code.
impl From<valet_client::Error> for Failure {
    fn from(error: valet_client::Error) -> Self {
        use valet_client::Error;
        let exit = match &error {
            Error::Settings(_) => Exit::Usage,
            Error::Unauthorized { .. } => Exit::Unauthorized,
            Error::NotFound { .. } => Exit::NotFound,
            Error::FileChanged(_) => Exit::FileChanged,
            Error::QuotaExceeded { .. } => Exit::Full,
            Error::Stopped(_) => Exit::Interrupted,
            Error::TryLater { .. } | Error::Network { .. } | Error::Storage { .. } | Error::GaveUp { .. } => {
                Exit::GaveUp
            }
            _ => Exit::Failed,
        };
        let is_over = matches!(error, Error::Ended { .. } | Error::NotFound { .. });
        Self { is_over, ..Self::new(exit, tame(&chain(&error))) }
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = inner.source();
    }
    text
}
