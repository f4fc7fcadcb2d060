//! Why a command ended other than well, and the exit code that says so to scripts.

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
    /// Ctrl-C; an upload can be resumed.
    Interrupted = 130,
}

/// A sentence and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }
}
