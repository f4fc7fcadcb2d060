//! Finishes what was left unfinished: grants nobody used, arrivals nobody told of, thumbnails that never came, parts and objects
//! that belong to nothing.
//!
//! Every step may be repeated, may lose to whoever moves the upload at the same moment, and may be the last one of a run: the next run goes
//! on. It never decides by an index or a list alone, but by the row as it is now; and it never removes an object whose row
//! says that it is the verified one, nor one that was verified and has lost its row.

mod due;
mod multiparts;
mod usage;
mod walk;

use crate::error::{StoreError, StoreErrorKind};
use crate::ports::{
    AbortMultipart, DeleteThumbnail, DeleteVersion, DeleteVersions, GetCursor, GetTags, GetUpload, GetUsage,
    HeadObject, InvalidateCopies, ListDue, ListDueUsage, ListMultiparts, ListObjectVersions, ListUploads,
    ListVersions, PutCursor, PutOffUsage, PutUsage, RequeueArrival, TagVerified, UpdateUpload, Walk,
};
use crate::{Owner, UploadId};
use std::ops::AddAssign;
use time::{Duration, OffsetDateTime};

/// How long thumbnails are asked for again before they are given up.
pub const GIVE_UP_AFTER: Duration = Duration::days(1);

/// How long after its grace a file waits for the malware scanner's word. A scanner that is down for less costs nobody a file, and one that
/// arrived at the last moment has this long to be scanned.
pub const SCAN_PATIENCE: Duration = Duration::days(1);

/// How often is looked meanwhile whether there is a verdict that nobody has told of.
const SCAN_LOOKS: Duration = Duration::hours(1);

/// How long after its grace an upload that is due counts as stuck.
pub const STUCK_AFTER: Duration = Duration::hours(1);

/// How many uploads, objects or multipart uploads are worked on at the same time.
const AT_ONCE: usize = 16;

/// The objects of a page that may lack a row before the page is left alone, see [`most_have_no_row`].
const STRANGERS: usize = 20;

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long after the end of its grant a pending upload expires: a PUT that began in time may still run.
    pub grace: Duration,
    /// How many pages of up to 1,000 each walk goes on.
    pub walk_pages: u16,
    /// How old an object must be for a walk to look at it: until then its client and its event have the word.
    pub object_age: Duration,
    /// How old an open multipart upload must be to be aborted: its row is written after it was begun.
    pub multipart_age: Duration,
}

/// One run.
pub struct Run<T> {
    /// Now.
    pub now: OffsetDateTime,
    /// What it may do.
    pub limits: Limits,
    /// Whether there is time to begin something else. Asked often.
    pub has_time: T,
}

/// What a run has come to, as far as it came.
#[derive(Debug, Default)]
pub struct Report {
    /// The numbers.
    pub counts: Counts,
    /// Whether it stopped before it was done, for want of time.
    pub is_truncated: bool,
    /// What failed, one after the other, the first hundred. The next run tries again.
    pub failures: Vec<Failure>,
}

/// The numbers of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Uploads that were due.
    pub due: u64,
    /// Objects and open multipart uploads that the walks went past.
    pub walked: u64,
    /// Uploads that nothing arrived for, and now are expired.
    pub expired: u64,
    /// Uploads that something had arrived for: verified or rejected.
    pub settled: u64,
    /// Arrivals that were sent to the queue again, for their thumbnails.
    pub requeued: u64,
    /// Files whose thumbnails were given up.
    pub gave_up: u64,
    /// Multipart uploads that were aborted.
    pub aborted: u64,
    /// Objects and thumbnails that were removed.
    pub removed: u64,
    /// Objects and multipart uploads under keys that are not ours. Left alone.
    pub foreign: u64,
    /// Owners whose uploads were counted again.
    pub recounted: u64,
    /// Those of them whose counters were wrong, and are right now.
    pub mended: u64,
    /// Owners who changed something each time their uploads were counted, and are left alone for a day.
    pub put_off: u64,
    /// Files whose grants are over and of which the malware scanner has said nothing. They are looked at once an hour.
    pub unscanned: u64,
    /// What failed.
    pub failed: u64,
    /// Uploads that have been due for more than [`STUCK_AFTER`] beyond the grace, and were not finished.
    pub stuck: u64,
}

/// Something that failed.
#[derive(Debug)]
pub struct Failure {
    /// What it was about.
    pub about: About,
    /// Why.
    pub error: StoreError,
}

/// What a failure is about. One about an upload or an owner is left to the next run; without a list nothing is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A list, or a place in one.
    List,
    /// An upload.
    Upload(UploadId),
    /// An owner's counters.
    Owner(Owner),
}

/// Sweeps: first uploads that are due, then open multipart uploads, then what lies in the bucket, then counters.
///
/// The report is filled in as it goes, so that it holds what was done even where the run is broken off. A failure of one upload stops no
/// other.
pub async fn sweep_uploads<T: Fn() -> bool>(
    objects: &(
         impl HeadObject
         + TagVerified
         + GetTags
         + DeleteVersion
         + DeleteThumbnail
         + AbortMultipart
         + ListObjectVersions
         + ListMultiparts
         + ListVersions
         + DeleteVersions
     ),
    uploads: &(impl GetUpload + UpdateUpload + GetUsage + ListUploads + PutUsage + PutOffUsage),
    cdn: &impl InvalidateCopies,
    index: &(impl ListDue + ListDueUsage + GetCursor + PutCursor),
    queue: &impl RequeueArrival,
    run: &Run<T>,
    report: &mut Report,
) {
    due::sweep_due(objects, uploads, cdn, index, queue, run, report).await;
    multiparts::sweep_multiparts(objects, uploads, index, run, report).await;
    walk::walk(&walk::Files(objects), objects, uploads, index, run, report).await;
    walk::walk(&walk::Thumbnails(objects), objects, uploads, index, run, report).await;
    usage::sweep_usage(uploads, index, run, report).await;
}

impl Report {
    /// How many failures are kept.
    const KEPT: usize = 100;

    fn fail(&mut self, about: About, error: StoreError) {
        self.counts.failed += 1;
        if self.failures.len() < Self::KEPT {
            self.failures.push(Failure { about, error });
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let Self {
            due,
            walked,
            expired,
            settled,
            requeued,
            gave_up,
            aborted,
            removed,
            foreign,
            recounted,
            mended,
            put_off,
            unscanned,
            failed,
            stuck,
        } = other;
        self.due += due;
        self.walked += walked;
        self.expired += expired;
        self.settled += settled;
        self.requeued += requeued;
        self.gave_up += gave_up;
        self.aborted += aborted;
        self.removed += removed;
        self.foreign += foreign;
        self.recounted += recounted;
        self.mended += mended;
        self.put_off += put_off;
        self.unscanned += unscanned;
        self.failed += failed;
        self.stuck += stuck;
    }
}

/// Notes where a walk goes on, and says whether it may.
async fn note(
    index: &impl PutCursor,
    walk: Walk,
    next: Option<&crate::ports::Place>,
    report: &mut Report,
) -> bool {
    match index.put_cursor(walk, next).await {
        Ok(()) => next.is_some(),
        Err(error) => {
            report.fail(About::List, error);
            false
        }
    }
}

/// What failed while a list was read. A place that S3 refuses for good is forgotten: the next run begins anew instead of failing for ever.
async fn list_failed(
    index: &impl PutCursor,
    walk: Walk,
    had_place: bool,
    error: StoreError,
    report: &mut Report,
) {
    let is_refused = had_place && error.kind == StoreErrorKind::Permanent;
    report.fail(About::List, error);
    if is_refused {
        note(index, walk, None, report).await;
    }
}

/// Whether so many of these objects have no row that the table must be the wrong one: another stack's, or one that was set back. A row
/// outlives its object by weeks, so few objects lack one; and what is removed cannot be brought back.
fn most_have_no_row(strangers: usize, of: usize) -> Option<StoreError> {
    let is_wrong = strangers > STRANGERS && strangers * 2 > of;
    is_wrong.then(|| StoreError {
        operation: "GetItem",
        kind: StoreErrorKind::Permanent,
        source: format!("{strangers} of {of} objects have no row, none was removed: is this their table?")
            .into(),
    })
}
