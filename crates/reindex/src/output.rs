//! What is printed, and the exit code that says it to scripts. Uploads are told of by owner and id alone.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use valet_core::error::{StoreErrorKind, chain};
use valet_core::reindex::{Outcome, Report};
use valet_core::sweep_uploads::{About, Failure};
use valet_core::{Owner, UploadId};

/// A line about an upload that was not in order.
pub(crate) fn tell(owner: Owner, id: UploadId, outcome: Outcome) {
    print(&format!("{:<10}  {owner}/{id}", outcome.as_str()));
}

/// Every problem that keeps it from beginning.
pub(crate) fn cannot_begin(problems: &[String]) -> Exit {
    for problem in problems {
        complain(problem);
    }
    complain(
        "credentials and region are read from the environment alone; \
         `eval \"$(aws configure export-credentials --format env)\"` puts those of a profile there",
    );
    Exit::Usage
}

/// What it has come to.
pub(crate) fn sum_up(report: &Report, is_dry: bool) {
    for Failure { about, error } in &report.failures {
        let about = match about {
            About::List => String::new(),
            About::Upload(id) => format!("{id}: "),
            About::Owner(owner) => format!("{owner}: "),
        };
        complain(&format!("{about}{}", chain(error)));
    }
    print(&summary(report, is_dry));
}

/// Numbers of everything.
fn summary(report: &Report, is_dry: bool) -> String {
    let Report { rows, versions, foreign, failed, mended, .. } = report;
    let mut text = format!("{rows} rows, {versions} versions:");
    for outcome in Outcome::ALL {
        let count = report.count(outcome);
        if count > 0 {
            write!(text, " {count} {},", outcome.as_str()).expect("writing to a String cannot fail");
        }
    }
    if *foreign > 0 {
        write!(text, " {foreign} under keys that are not ours,").expect("writing to a String cannot fail");
    }
    if *mended > 0 {
        write!(text, " {mended} owners counted anew,").expect("writing to a String cannot fail");
    }
    write!(text, " {failed} failed").expect("writing to a String cannot fail");
    if report.is_broken_off {
        text.push_str("; broken off");
    }
    if is_dry {
        text.push_str("; a dry run, nothing was changed");
    }
    text
}

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Something must be mended before it can go on.
    Failed = 1,
    /// The command line or the environment is wrong.
    Usage = 2,
    /// AWS refuses.
    Refused = 3,
    /// Something failed that may pass.
    TryAgain = 5,
}

impl Exit {
    /// The worst of what failed: a refusal is mended first, as it may be the cause of the rest.
    pub(crate) fn of(report: &Report) -> Self {
        let is = |kind| report.failures.iter().any(|failure| failure.error.kind == kind);
        if report.failed == 0 {
            Self::Ok
        } else if is(StoreErrorKind::Denied) {
            Self::Refused
        } else if is(StoreErrorKind::Permanent) {
            Self::Failed
        } else {
            Self::TryAgain
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A reader that has gone away is told nothing more; the work goes on.
fn print(line: &str) {
    _ = writeln!(io::stdout().lock(), "{line}");
}

fn complain(line: &str) {
    _ = writeln!(io::stderr().lock(), "valet: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use valet_core::error::StoreError;

    fn failed(kinds: &[StoreErrorKind]) -> Report {
        let failure = |kind: &StoreErrorKind| {
            let error = StoreError { operation: "GetItem", kind: *kind, source: "told to".into() };
            Failure { about: About::List, error }
        };
        Report {
            failed: kinds.len() as u64,
            failures: kinds.iter().map(failure).collect(),
            ..Report::default()
        }
    }

    #[test]
    fn the_exit_code_says_what_has_to_be_done() {
        use StoreErrorKind::{Denied, Permanent, Transient};
        for (kinds, exit) in [
            (&[][..], Exit::Ok),
            (&[Transient, Transient][..], Exit::TryAgain),
            (&[Transient, Permanent][..], Exit::Failed),
            (&[Transient, Permanent, Denied][..], Exit::Refused),
        ] {
            assert_eq!(Exit::of(&failed(kinds)), exit, "{kinds:?}");
        }
    }

    #[test]
    fn the_summary_has_what_there_was_and_nothing_else() {
        let report = Report {
            rows: 3,
            versions: 4,
            outcomes: [(Outcome::Late, 1), (Outcome::Rebuilt, 2)].into(),
            ..failed(&[StoreErrorKind::Transient])
        };
        assert_eq!(summary(&report, false), "3 rows, 4 versions: 2 rebuilt, 1 late, 1 failed");
        let nothing = Report { is_broken_off: true, ..Report::default() };
        let text = summary(&nothing, true);
        assert_eq!(text, "0 rows, 0 versions: 0 failed; broken off; a dry run, nothing was changed");
    }
}
