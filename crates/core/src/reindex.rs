//! Makes the rows of a table that was set back, or lost, agree with the bucket again.
//!
//! The bucket is the evidence: a version that is tagged as verified was a file, and a ready row whose version is gone was deleted. Every
//! write is conditional, so it may be broken off, run again, and run while the stack serves. It never makes a file of what nobody has
//! verified, never brings a tombstone back to life, and removes no object but what settling a pending upload refuses.

mod bucket;
mod rebuild;
mod table;

use crate::error::StoreError;
use crate::ports::{
    DeleteVersion, GetTags, GetUpload, GetUsage, HeadObject, ListObjectVersions, ListUploads, PutUsage,
    RestoreUpload, ScanUploads, TagVerified, UpdateUpload,
};
use crate::recount_usage::{Recount, recount_usage};
use crate::sweep_uploads::{About, Failure};
use crate::{Owner, UploadId};
use futures_util::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

/// How many uploads are worked on at the same time.
const AT_ONCE: usize = 16;

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Now.
    pub now: OffsetDateTime,
    /// Whether files are scanned for malware: only what was found clean is served, and only that is a file.
    pub has_scanner: bool,
    /// Whether nothing is written and only said what would be.
    pub is_dry: bool,
    /// Whether it is known that most files the rows tell of are gone. Otherwise that says that the bucket is not the table's.
    pub expects_missing: bool,
}

/// What was done about an upload, would be done in a dry run, or is left to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It had no row, and has one again.
    Rebuilt,
    /// It was pending, and what lies there is its file.
    Verified,
    /// It was pending, and what lay there was not what was granted.
    Rejected,
    /// It is pending, and something lies there: a run that is not dry settles it, or the malware scanner's verdict will.
    Unsettled,
    /// Its row said ready and its version is gone: it was deleted, and the row says so again.
    Deleted,
    /// It has no row, and nobody has verified what lies there. The sweep removes it.
    Unverified,
    /// It has no row and was verified, and the malware scanner has not found it clean: it was stored before there was one, or a later scan has
    /// found something. Left alone.
    Unscanned,
    /// It has no row, and what lies there is tagged but is not what its key says. Left alone.
    Unlike,
    /// It has no row, and its verified version was hidden by hand. Left alone.
    Hidden,
    /// It ended without a file, and something lies there. Its event or the sweep removes it.
    Late,
    /// It is a file, and other versions lie beside the verified one. Their events or the sweep remove them.
    Beside,
}

impl Outcome {
    /// All of them, the changes first.
    pub const ALL: [Self; 11] = [
        Self::Rebuilt,
        Self::Verified,
        Self::Rejected,
        Self::Unsettled,
        Self::Deleted,
        Self::Unverified,
        Self::Unscanned,
        Self::Unlike,
        Self::Hidden,
        Self::Late,
        Self::Beside,
    ];

    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuilt => "rebuilt",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Unsettled => "unsettled",
            Self::Deleted => "deleted",
            Self::Unverified => "unverified",
            Self::Unscanned => "unscanned",
            Self::Unlike => "unlike",
            Self::Hidden => "hidden",
            Self::Late => "late",
            Self::Beside => "beside",
        }
    }
}

/// What a run has come to, as far as it came.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows of uploads that were looked at.
    pub rows: u64,
    /// Versions under `uploads/` that were looked at.
    pub versions: u64,
    /// Those of them whose keys are not ours. Left alone.
    pub foreign: u64,
    /// How many uploads came to what; those where all was in order are not among them.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Everybody who has a row or an object. What they hold is counted again: their counters may be as old as the table was.
    pub owners: BTreeSet<Owner>,
    /// How many of them were counted to hold something else than they do.
    pub mended: u64,
    /// How much failed. The same run again tries it again.
    pub failed: u64,
    /// What failed, one after the other, the first hundred.
    pub failures: Vec<Failure>,
    /// Whether it stopped before its end, because a list could not be read or the bucket cannot be the table's.
    pub is_broken_off: bool,
}

/// Brings the rows up to the bucket, in two passes, then the counters up to the rows, and tells of every upload that was not in order, as it goes.
///
/// The first goes through the table, and stops before anything is written where the bucket cannot be its own. The second goes through
/// the bucket. What fails about one upload stops no other.
pub async fn reindex(
    objects: &(impl ListObjectVersions + HeadObject + GetTags + TagVerified + DeleteVersion),
    uploads: &(impl ScanUploads + GetUpload + UpdateUpload + RestoreUpload + GetUsage + ListUploads + PutUsage),
    run: &Run,
    report: &mut Report,
    mut tell: impl FnMut(Owner, UploadId, Outcome),
) {
    table::pass(objects, uploads, run, report, &mut tell).await;
    if !report.is_broken_off {
        bucket::pass(objects, uploads, run, report, &mut tell).await;
    }
    if !report.is_broken_off && !run.is_dry {
        recount(uploads, report).await;
    }
}

/// Counts what everybody holds. Who changes something each time it is tried is left to the sweep, which that change has made due.
async fn recount(uploads: &(impl GetUsage + ListUploads + PutUsage), report: &mut Report) {
    let owners: Vec<_> = report.owners.iter().copied().collect();
    let recounts = owners.into_iter().map(|owner| async move {
        let recount = recount_usage(uploads, owner, || true).await;
        (owner, recount)
    });
    let mut recounts = stream::iter(recounts).buffer_unordered(AT_ONCE);
    while let Some((owner, recount)) = recounts.next().await {
        match recount {
            Ok(Recount::Mended { .. }) => report.mended += 1,
            Ok(Recount::Right | Recount::Busy | Recount::NoTime) => {}
            Err(error) => report.fail(About::Owner(owner), error),
        }
    }
}

impl Report {
    /// How many failures are kept.
    const KEPT: usize = 100;

    /// How many uploads came to this.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    fn note(
        &mut self,
        owner: Owner,
        id: UploadId,
        outcome: Outcome,
        tell: &mut impl FnMut(Owner, UploadId, Outcome),
    ) {
        *self.outcomes.entry(outcome).or_default() += 1;
        tell(owner, id, outcome);
    }

    fn fail(&mut self, about: About, error: StoreError) {
        self.failed += 1;
        if self.failures.len() < Self::KEPT {
            self.failures.push(Failure { about, error });
        }
    }

    /// Notes what nothing can follow after.
    fn break_off(&mut self, error: StoreError) {
        self.fail(About::List, error);
        self.is_broken_off = true;
    }
}
