//! The one place where anything is printed. Results go to standard output, everything else to standard error.
//!
//! It must never print a URL that is signed, nor a token.

use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Where results and notes go.
pub(crate) struct Output {
    pub(crate) quiet: bool,
    pub(crate) json: bool,
    results: io::Stdout,
    notes: io::Stderr,
}

impl Output {
    pub(crate) fn new(quiet: bool, json: bool) -> Self {
        Self { quiet, json, results: io::stdout(), notes: io::stderr() }
    }

    /// Prints a line of results. A reader that went away ends nothing: what is under way is not to be lost over it.
    pub(crate) fn line(&self, text: &str) {
        _ = writeln!(self.results.lock(), "{text}");
    }

    /// Prints one JSON document on a line of its own.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        let text = serde_json::to_string(value).expect("what is printed has keys that are text");
        self.line(&text);
    }

    /// Prints a note for whoever watches, unless they asked for quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            _ = writeln!(self.notes.lock(), "{text}");
        }
    }

    /// Prints what went wrong, asked for quiet or not.
    pub(crate) fn error(&self, text: &str) {
        _ = writeln!(self.notes.lock(), "valet: {text}");
    }

    /// Whether somebody looks at standard output as it comes.
    pub(crate) fn is_terminal(&self) -> bool {
        self.results.is_terminal()
    }
}
