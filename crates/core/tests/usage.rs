//! Nobody gets more than its quota however it asks, everything that ends gives back exactly what it took, and a counter that went wrong is
//! mended.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use valet_core::announced::Announced;
use valet_core::complete_upload::Said;
use valet_core::issue_upload::{Grant, NewUpload};
use valet_core::issue_uploads::{Item, MAX_BATCH};
use valet_core::loose_parts::{begin_parts, grant_parts};
use valet_core::parts::MIN_PART_BYTES;
use valet_core::policy::Policy;
use valet_core::ports::{
    CreateMultipart, DueShard, DueUsage, GetIdempotencyRecord, GetUpload, GetUsage, IdempotencyRecord,
    ListUploads, NewGrant, PutOffUsage, PutOutcome, PutUploads, PutUsage, StoredHeaders, UpdateUpload,
    UploadsPage,
};
use valet_core::recount_usage::Recount;
use valet_core::sweep_uploads::{Limits, Report, Run};
use valet_core::testing::{Failing, MemoryBucket, MemoryCdn, MemoryQueue, MemoryTable, PutUpload, sample};
use valet_core::upload::Transition;
use valet_core::usage::{Claim, Counters, Held, Minute, Quota, RECOUNT_AFTER, Resource};
use valet_core::{
    Error, Owner, StoreError, Upload, UploadId, cancel_upload, confirm_upload, delete_file, issue_form,
    issue_upload, issue_uploads, read_usage, recount_usage, sweep_uploads,
};

const NONE: Quota = Quota { files: None, bytes: None, pending: None, grants_per_minute: None };
const PNG_BYTES: u64 = sample::PNG.len() as u64;

const LIMITS: Limits =
    Limits { grace: Duration::HOUR, walk_pages: 0, object_age: Duration::DAY, multipart_age: Duration::HOUR };

struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
    policy: Policy,
}

fn alice() -> Owner {
    Owner::of_subject("alice")
}

fn png() -> NewUpload {
    NewUpload {
        filename: "cat.png".to_owned(),
        content_type: "image/png".to_owned(),
        size_bytes: PNG_BYTES,
        ..NewUpload::default()
    }
}

fn film() -> NewUpload {
    NewUpload {
        content_type: "video/mp4".to_owned(),
        size_bytes: 2 * MIN_PART_BYTES,
        part_bytes: Some(MIN_PART_BYTES),
        ..png()
    }
}

impl Stack {
    fn with(quota: Quota) -> Self {
        let policy = Policy { quota, ..sample::policy() };
        Self { bucket: MemoryBucket::default(), table: MemoryTable::default(), policy }
    }

    async fn issue(&self, new: NewUpload) -> Result<Grant, Error> {
        self.issue_at(sample::NOW, new).await
    }

    async fn issue_at(&self, now: OffsetDateTime, new: NewUpload) -> Result<Grant, Error> {
        issue_upload(&self.bucket, &self.table, &self.policy, now, alice(), sample::id(), new).await
    }

    async fn batch(&self, key: Option<&str>, items: Vec<NewUpload>) -> Vec<Result<UploadId, &'static str>> {
        let items: Vec<Item> = items.into_iter().map(|new| (sample::id(), Ok(new))).collect();
        let Self { bucket, table, policy } = self;
        let issued = issue_uploads(bucket, table, policy, sample::NOW, alice(), key, items).await.unwrap();
        issued
            .into_iter()
            .map(|grant| grant.map(|grant| grant.upload.id).map_err(|error| error.code()))
            .collect()
    }

    fn held(&self) -> Held {
        let counters = self.table.counters(alice());
        assert_eq!(counters.held, self.table.held(alice()), "the counters are not what the rows say");
        counters.held
    }

    fn arrives(&self, grant: &Grant) {
        let put = grant.put().unwrap();
        assert_eq!(self.bucket.send(&put.url, &put.headers, sample::PNG), 200);
    }

    async fn confirm(&self, upload: &Upload) {
        let Upload { owner, id, .. } = *upload;
        confirm_upload(&self.bucket, &self.table, sample::NOW, owner, id, &Said::default()).await.unwrap();
    }

    async fn sweep(&self, now: OffsetDateTime) -> Report {
        let (run, mut report) = (Run { now, limits: LIMITS, has_time: || true }, Report::default());
        let (cdn, queue) = (MemoryCdn::default(), MemoryQueue::default());
        sweep_uploads(&self.bucket, &self.table, &cdn, &self.table, &queue, &run, &mut report).await;
        assert!(report.failures.is_empty() && !report.is_truncated, "{report:?}");
        report
    }
}

fn code(result: Result<Grant, Error>) -> &'static str {
    result.map(drop).expect_err("it was granted").code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_racing_requests_exactly_as_many_are_granted_as_fit() {
    for (quota, fit, refusal) in [
        (Quota { files: Some(7), ..NONE }, 7, "quota_exceeded"),
        (Quota { bytes: Some(7 * PNG_BYTES + 1), ..NONE }, 7, "quota_exceeded"),
        (Quota { pending: Some(7), ..NONE }, 7, "too_many_pending"),
        (Quota { grants_per_minute: Some(7), ..NONE }, 7, "too_many_grants"),
        (NONE, 50, ""),
    ] {
        let stack = Arc::new(Stack::with(quota));
        let race: Vec<_> = (0..50)
            .map(|_| {
                let stack = Arc::clone(&stack);
                tokio::spawn(async move { stack.issue(png()).await.map_err(|error| error.code()) })
            })
            .collect();
        let mut granted = 0;
        for racer in race {
            match racer.await.unwrap() {
                Ok(_) => granted += 1,
                Err(code) => assert_eq!(code, refusal),
            }
        }
        assert_eq!((granted, stack.held().files), (fit, fit), "{quota:?}");
        assert_eq!(stack.table.counters(alice()).granted, u64::try_from(fit).unwrap());
    }
}

#[tokio::test]
async fn a_refusal_says_the_limit_and_what_is_held_and_records_nothing() {
    let stack = Stack::with(Quota { files: Some(1), bytes: Some(100 * PNG_BYTES), ..NONE });
    stack.issue(png()).await.unwrap();
    let refused = stack.issue(png()).await.map(drop).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "this does not fit: of at most 1 files, 1 are held, pending uploads included"
    );
    // Larger than everything an owner may hold.
    let never = stack.issue(NewUpload { size_bytes: 101 * PNG_BYTES, ..png() }).await.map(drop).unwrap_err();
    let held = Error::QuotaExceeded { what: Resource::Files, limit: 1, used: 1 };
    assert_eq!(never.to_string(), held.to_string(), "it is told of nothing that it holds");
    assert_eq!(stack.table.len(), 1);
    assert_eq!(stack.held().files, 1);
}

#[tokio::test]
async fn what_does_not_fit_begins_nothing_in_the_bucket() {
    let stack = Stack::with(Quota { files: Some(2), ..NONE });
    stack.issue(film()).await.unwrap();
    let (bucket, table, policy) = (&stack.bucket, &stack.table, &stack.policy);
    let announced = Announced { content_type: Some("video/mp4".to_owned()), ..Announced::default() };
    let begin = || begin_parts(bucket, table, policy, sample::NOW, alice(), sample::id(), &announced);
    begin().await.unwrap();
    assert_eq!(bucket.multiparts().len(), 2);
    assert_eq!(code(stack.issue(film()).await), "quota_exceeded");
    assert_eq!(begin().await.unwrap_err().code(), "quota_exceeded");
    assert_eq!(stack.batch(None, vec![film(), png()]).await, [Err("quota_exceeded"); 2]);
    assert_eq!(bucket.multiparts().len(), 2);
    let now = sample::NOW;
    let granted = grant_parts(bucket, table, policy, now, alice(), sample::id(), &announced).await;
    assert_eq!(granted.map(drop).unwrap_err().code(), "quota_exceeded");
    let form = issue_form(bucket, table, policy, now, alice(), sample::id(), &announced).await;
    assert_eq!(form.map(drop).unwrap_err().code(), "quota_exceeded");
}

#[tokio::test]
async fn of_a_batch_each_that_still_fits_is_granted_in_its_order() {
    let stack = Stack::with(Quota { bytes: Some(10 * PNG_BYTES), ..NONE });
    let of = |times: u64| NewUpload { size_bytes: times * PNG_BYTES, ..png() };
    let issued = stack.batch(None, vec![of(6), of(5), of(3), film(), of(1), of(1)]).await;
    let fits: Vec<_> = issued.iter().map(Result::is_ok).collect();
    assert_eq!(fits, [true, false, true, false, true, false]);
    assert_eq!(stack.held().bytes, i64::try_from(10 * PNG_BYTES).unwrap());
    assert!(issued.iter().filter_map(|one| one.as_ref().err()).all(|code| *code == "quota_exceeded"));
}

#[tokio::test]
async fn a_whole_batch_is_two_writes_and_counts_as_many_grants_as_it_has() {
    let stack = Stack::with(Quota { grants_per_minute: Some(60), ..NONE });
    let issued = stack.batch(Some("k"), vec![png(); MAX_BATCH]).await;
    assert!(issued.iter().all(Result::is_ok));
    let counters = stack.table.counters(alice());
    assert_eq!((counters.revision, counters.granted, counters.held.pending), (2, 50, 50));
    let again = stack.batch(Some("k"), vec![png(); MAX_BATCH]).await;
    assert_eq!(again, issued, "a repetition is another batch");
    let more = stack.batch(None, vec![png(); MAX_BATCH]).await;
    assert_eq!(more.iter().filter(|one| one.is_ok()).count(), 10);
    assert_eq!(more.iter().filter(|one| **one == Err("too_many_grants")).count(), 40);
    assert_eq!(stack.held().files, 60);
}

#[tokio::test]
async fn a_repetition_wins_over_a_full_quota() {
    for quota in [
        Quota { files: Some(1), ..NONE },
        Quota { bytes: Some(2 * MIN_PART_BYTES), ..NONE },
        Quota { pending: Some(1), ..NONE },
        Quota { grants_per_minute: Some(1), ..NONE },
    ] {
        for new in [png(), film()] {
            let stack = Stack::with(quota);
            let size_bytes = quota.bytes.unwrap_or(new.size_bytes);
            let new = NewUpload { idempotency_key: Some("k".to_owned()), ..new };
            let new = if new.part_bytes.is_some() { NewUpload { size_bytes, ..new } } else { new };
            let first = stack.issue(new.clone()).await.unwrap();
            let second = stack.issue(new.clone()).await.unwrap();
            assert_eq!(second.upload, first.upload, "{quota:?}");
            let changed = NewUpload { filename: "dog.png".to_owned(), ..new };
            assert_eq!(code(stack.issue(changed).await), "idempotency_key_reused");
            assert_eq!(stack.held().files, 1);
        }
    }
    // More than one write takes, of which nothing would fit a second time.
    let stack = Stack::with(Quota { files: Some(50), ..NONE });
    let first = stack.batch(Some("k"), vec![png(); MAX_BATCH]).await;
    assert_eq!(stack.batch(Some("k"), vec![png(); MAX_BATCH]).await, first);
    // Of a repeated batch those that were granted are, and one more that fits.
    let stack = Stack::with(Quota { files: Some(3), ..NONE });
    let first = stack.batch(Some("k"), vec![png(), film()]).await;
    let second = stack.batch(Some("k"), vec![png(), film(), film(), png()]).await;
    assert_eq!(second[..2], first[..]);
    assert!(second[2].is_ok());
    assert_eq!(second[3], Err("quota_exceeded"));
    assert_eq!(stack.held().files, 3);
}

#[tokio::test]
async fn every_end_gives_back_exactly_what_the_grant_took() {
    let stack = Stack::with(Quota { files: Some(1), bytes: Some(PNG_BYTES), pending: Some(1), ..NONE });
    let (bucket, table) = (&stack.bucket, &stack.table);
    // Cancelled.
    let Upload { owner, id, .. } = stack.issue(png()).await.unwrap().upload;
    cancel_upload(bucket, table, owner, id).await.unwrap();
    cancel_upload(bucket, table, owner, id).await.unwrap();
    assert_eq!(stack.held(), Held::default());
    // Refused as it is not what was granted.
    let grant = stack.issue(png()).await.unwrap();
    let key = grant.upload.key();
    bucket.store(&key, StoredHeaders::default(), None, b"<!doctype html>");
    let Upload { owner, id, .. } = grant.upload;
    let nothing = Said::default();
    let confirm = || confirm_upload(bucket, table, sample::NOW, owner, id, &nothing);
    assert_eq!(confirm().await.unwrap_err().code(), "size_mismatch");
    assert_eq!(confirm().await.unwrap_err().code(), "size_mismatch");
    assert_eq!(stack.held(), Held::default());
    // Verified, and deleted twice at once.
    let grant = stack.issue(png()).await.unwrap();
    stack.arrives(&grant);
    stack.confirm(&grant.upload).await;
    stack.confirm(&grant.upload).await;
    let bytes = i64::try_from(PNG_BYTES).unwrap();
    assert_eq!(stack.held(), Held { files: 1, bytes, pending: 0 });
    assert_eq!(code(stack.issue(png()).await), "quota_exceeded");
    let Upload { owner, id, .. } = grant.upload;
    let cdn = MemoryCdn::default();
    let delete = || delete_file(bucket, table, &cdn, sample::NOW, owner, id);
    delete().await.unwrap();
    delete().await.unwrap();
    assert_eq!(stack.held(), Held::default());
    // Expired.
    stack.issue(png()).await.unwrap();
    assert_eq!(stack.sweep(sample::NOW + Duration::hours(3)).await.counts.expired, 1);
    assert_eq!(stack.held(), Held::default());
    // Another one fits again.
    stack.issue(png()).await.unwrap();
}

#[tokio::test]
async fn a_grant_without_a_size_holds_its_bound_until_its_file_is_known() {
    let stack = Stack::with(Quota { bytes: Some(3 << 20), ..NONE });
    let (bucket, table, policy) = (&stack.bucket, &stack.table, &stack.policy);
    let announced = Announced { content_type: Some("image/png".to_owned()), ..Announced::default() };
    let form = || issue_form(bucket, table, policy, sample::NOW, alice(), sample::id(), &announced);
    let (upload, signed) = form().await.unwrap();
    for _ in 0..2 {
        form().await.unwrap();
    }
    assert_eq!(stack.held().bytes, 3 << 20);
    assert_eq!(form().await.map(drop).unwrap_err().code(), "quota_exceeded");
    assert!(bucket.send_form(&signed.url, &signed.fields, sample::PNG) < 300);
    stack.confirm(&upload).await;
    assert_eq!(
        stack.held(),
        Held { files: 3, bytes: (2 << 20) + i64::try_from(PNG_BYTES).unwrap(), pending: 2 }
    );
}

#[tokio::test]
async fn whichever_call_fails_the_counters_say_what_the_rows_say() {
    for has_effect in [false, true] {
        for fails_at in 0..6 {
            let stack = Stack::with(Quota { files: Some(2), ..NONE });
            let table = Failing::at(&stack.table, fails_at, has_effect);
            let key = || NewUpload { idempotency_key: Some("k".to_owned()), ..png() };
            let issue = || {
                issue_upload(&stack.bucket, &table, &stack.policy, sample::NOW, alice(), sample::id(), key())
            };
            let grant = match issue().await {
                Ok(grant) => grant,
                Err(_) => issue().await.unwrap(),
            };
            assert_eq!(stack.held().files, 1);
            stack.arrives(&grant);
            let Upload { owner, id, .. } = grant.upload;
            let nothing = Said::default();
            let confirm = || confirm_upload(&stack.bucket, &table, sample::NOW, owner, id, &nothing);
            if confirm().await.is_err() {
                confirm().await.unwrap();
            }
            assert_eq!((stack.held().files, stack.held().pending), (1, 0));
            let cdn = MemoryCdn::default();
            let delete = || delete_file(&stack.bucket, &table, &cdn, sample::NOW, owner, id);
            if delete().await.is_err() {
                delete().await.unwrap();
            }
            assert_eq!(stack.held(), Held::default(), "call {fails_at}, with effect: {has_effect}");
        }
    }
}

#[tokio::test]
async fn a_read_shows_what_is_held_and_the_grants_of_this_minute_alone() {
    let stack = Stack::with(NONE);
    let later = sample::NOW + Duration::MINUTE;
    let usage = read_usage(&stack.table, alice(), sample::NOW).await.unwrap();
    assert_eq!((usage.files, usage.bytes, usage.pending, usage.granted), (0, 0, 0, 0));
    for _ in 0..2 {
        stack.issue(png()).await.unwrap();
    }
    let usage = read_usage(&stack.table, alice(), sample::NOW).await.unwrap();
    assert_eq!((usage.files, usage.bytes, usage.pending, usage.granted), (2, 2 * PNG_BYTES, 2, 2));
    let usage = read_usage(&stack.table, alice(), later).await.unwrap();
    assert_eq!((usage.files, usage.granted, usage.minute), (2, 0, Minute::of(later)));
    let other = read_usage(&stack.table, Owner::of_subject("bob"), sample::NOW).await.unwrap();
    assert_eq!(other.files, 0);
}

#[tokio::test]
async fn grants_of_a_minute_are_counted_anew_in_the_next() {
    let stack = Stack::with(Quota { grants_per_minute: Some(2), ..NONE });
    for _ in 0..2 {
        stack.issue(png()).await.unwrap();
    }
    let Err(Error::TooManyGrants { limit: 2, retry_after }) = stack.issue(png()).await else { panic!() };
    let next = sample::NOW + Duration::seconds(retry_after.into());
    for _ in 0..2 {
        stack.issue_at(next, png()).await.unwrap();
    }
    assert_eq!(code(stack.issue_at(next, png()).await), "too_many_grants");
    // By a clock that is behind.
    assert_eq!(code(stack.issue(png()).await), "too_many_grants");
}

#[tokio::test]
async fn the_sweep_mends_a_counter_that_went_wrong_and_leaves_one_that_did_not() {
    let stack = Stack::with(NONE);
    for _ in 0..3 {
        let grant = stack.issue(png()).await.unwrap();
        stack.arrives(&grant);
        stack.confirm(&grant.upload).await;
    }
    let right = stack.held();
    stack.table.spoil(alice(), Held { files: -4, bytes: 1 << 40, pending: 9 });
    let due_at = sample::NOW + RECOUNT_AFTER;
    let early = stack.sweep(due_at - Duration::SECOND).await.counts;
    assert_eq!((early.recounted, early.mended), (0, 0));
    let counts = stack.sweep(due_at).await.counts;
    assert_eq!((counts.recounted, counts.mended), (1, 1));
    assert_eq!(stack.held(), right);
    // Nothing has changed since: nobody counts.
    let counts = stack.sweep(due_at + Duration::weeks(52)).await.counts;
    assert_eq!((counts.recounted, counts.mended), (0, 0));
    stack.issue_at(due_at, png()).await.unwrap();
    let counts = stack.sweep(due_at + Duration::days(2)).await.counts;
    assert_eq!((counts.recounted, counts.mended), (1, 0));
}

#[tokio::test]
async fn rows_that_are_older_than_the_counters_are_counted_by_the_sweep() {
    let stack = Stack::with(NONE);
    for _ in 0..3 {
        stack.table.put_upload(&sample::pending(), None).await.unwrap();
    }
    // They were there before anybody counted; one is taken back since.
    let Upload { owner, id, .. } = stack.table.uploads()[0];
    stack.table.spoil(owner, Held::default());
    cancel_upload(&stack.bucket, &stack.table, owner, id).await.unwrap();
    assert_eq!(stack.table.counters(owner).held.files, -1);
    let usage = read_usage(&stack.table, owner, sample::NOW).await.unwrap();
    assert_eq!((usage.files, usage.bytes, usage.pending), (0, 0, 0));
    let counts = stack.sweep(sample::NOW + RECOUNT_AFTER).await.counts;
    assert_eq!(counts.mended, 1);
    stack.held();
}

/// A table in which somebody is granted another upload while the rows are read, so many times.
struct Busy<'a> {
    stack: &'a Stack,
    left: std::sync::atomic::AtomicUsize,
    read: Mutex<Vec<Owner>>,
}

impl GetUsage for Busy<'_> {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        self.stack.table.get_usage(owner).await
    }
}

impl ListUploads for Busy<'_> {
    async fn list_uploads(
        &self,
        owner: Owner,
        after: Option<UploadId>,
        rows: std::num::NonZeroU16,
    ) -> Result<UploadsPage, StoreError> {
        self.read.lock().unwrap().push(owner);
        let page = self.stack.table.list_uploads(owner, after, rows).await;
        let ordering = std::sync::atomic::Ordering::Relaxed;
        if self.left.fetch_update(ordering, ordering, |left| left.checked_sub(1)).is_ok() {
            self.stack.issue(png()).await.unwrap();
        }
        page
    }
}

impl PutUsage for Busy<'_> {
    async fn put_usage(&self, owner: Owner, held: &Held, revision: u64) -> Result<bool, StoreError> {
        self.stack.table.put_usage(owner, held, revision).await
    }
}

impl PutOffUsage for Busy<'_> {
    async fn put_off_usage(&self, due: &DueUsage, until: OffsetDateTime) -> Result<(), StoreError> {
        self.stack.table.put_off_usage(due, until).await
    }
}

impl GetUpload for Busy<'_> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.stack.table.get_upload(owner, id).await
    }
}

impl UpdateUpload for Busy<'_> {
    async fn update_upload(
        &self,
        upload: &Upload,
        transition: &Transition,
    ) -> Result<Option<Upload>, StoreError> {
        self.stack.table.update_upload(upload, transition).await
    }
}

impl<'a> Busy<'a> {
    fn new(stack: &'a Stack, left: usize) -> Self {
        Self { stack, left: left.into(), read: Mutex::default() }
    }

    /// Whose rows were asked for, once for each page.
    fn read(&self) -> Vec<Owner> {
        self.read.lock().unwrap().clone()
    }

    async fn sweep(&self, now: OffsetDateTime, has_time: impl Fn() -> bool) -> Report {
        let Stack { bucket, table, .. } = self.stack;
        let limits = Limits { walk_pages: 1, ..LIMITS };
        let (run, mut report) = (Run { now, limits, has_time }, Report::default());
        let (cdn, queue) = (MemoryCdn::default(), MemoryQueue::default());
        sweep_uploads(bucket, self, &cdn, table, &queue, &run, &mut report).await;
        assert!(report.failures.is_empty(), "{report:?}");
        report
    }
}

#[tokio::test]
async fn a_recount_never_writes_over_what_changed_meanwhile() {
    for (meanwhile, mended) in [(0, true), (2, true), (3, false), (9, false)] {
        let stack = Stack::with(NONE);
        stack.issue(png()).await.unwrap();
        stack.table.spoil(alice(), Held { files: 100, ..Held::default() });
        let busy = Busy::new(&stack, meanwhile);
        let recount = recount_usage(&busy, alice(), || true).await.unwrap();
        assert_eq!(matches!(recount, Recount::Mended { .. }), mended, "{recount:?}");
        if mended {
            stack.held();
        } else {
            assert_eq!(recount, Recount::Busy);
            assert_eq!(stack.table.counters(alice()).held.files, 103, "a grant was forgotten");
            // It is due still.
            assert_eq!(stack.sweep(sample::NOW + RECOUNT_AFTER).await.counts.mended, 1);
            stack.held();
        }
    }
}

#[tokio::test]
async fn whoever_is_faster_than_the_count_is_left_alone_for_a_day() {
    let stack = Stack::with(NONE);
    stack.issue(png()).await.unwrap();
    stack.table.spoil(alice(), Held::default());
    let busy = Busy::new(&stack, usize::MAX);
    let due_at = sample::NOW + RECOUNT_AFTER;
    let counts = busy.sweep(due_at, || true).await.counts;
    assert_eq!((counts.put_off, counts.recounted), (1, 0));
    let rows = stack.table.uploads().len();
    for quarters in 1..96 {
        let counts = busy.sweep(due_at + Duration::minutes(15) * quarters, || true).await.counts;
        assert_eq!((counts.put_off, counts.recounted), (0, 0));
    }
    assert_eq!(stack.table.uploads().len(), rows, "its rows were read again");
    // And not for ever.
    let calm = Busy::new(&stack, 0);
    assert_eq!(calm.sweep(due_at + RECOUNT_AFTER, || true).await.counts.mended, 1);
    stack.held();
}

#[tokio::test]
async fn a_count_that_takes_long_is_not_begun_anew() {
    for (rows, counted) in [(1_500, 3), (10_500, 1)] {
        let stack = Stack::with(NONE);
        for _ in 0..rows {
            stack.table.put_upload(&sample::pending(), None).await.unwrap();
        }
        let busy = Busy::new(&stack, usize::MAX);
        assert_eq!(recount_usage(&busy, alice(), || true).await.unwrap(), Recount::Busy);
        assert_eq!(busy.read().len(), counted * (rows / 1000 + 1));
    }
}

#[tokio::test]
async fn counting_holds_up_nothing_else() {
    let stack = Stack::with(NONE);
    stack.issue(png()).await.unwrap();
    stack.bucket.create_multipart(&sample::pending_multipart("")).await.unwrap();
    let busy = Busy::new(&stack, 0);
    // Time is over as soon as somebody's rows are read.
    let report = busy.sweep(sample::NOW + RECOUNT_AFTER, || busy.read().is_empty()).await;
    assert_eq!((report.counts.aborted, stack.bucket.open_multiparts()), (1, 0));
    assert_eq!(busy.read(), [alice()]);
}

#[tokio::test]
async fn an_owner_whose_rows_take_all_the_time_holds_up_no_other_for_ever() {
    let stack = Stack::with(NONE);
    let shard = DueShard::of_owner(alice());
    let others = (0..200).map(|number| Owner::of_subject(&number.to_string()));
    let others: Vec<Owner> = others.filter(|owner| DueShard::of_owner(*owner) != shard).collect();
    // More than a page of hers: time is over before the second.
    let hers = std::iter::repeat_n(alice(), 1001);
    for owner in others.iter().copied().chain(hers) {
        stack.table.put_upload(&Upload { owner, ..sample::pending() }, None).await.unwrap();
        stack.table.spoil(owner, Held::default());
    }
    let mut mended = 0;
    for quarters in 0..16 {
        let now = sample::NOW + RECOUNT_AFTER + Duration::minutes(15) * quarters;
        let busy = Busy::new(&stack, 0);
        let report =
            busy.sweep(now, || busy.read().iter().filter(|owner| **owner == alice()).count() < 1).await;
        mended += report.counts.mended;
    }
    assert_eq!(usize::try_from(mended).unwrap(), others.len());
}

#[tokio::test]
async fn a_recount_without_time_writes_nothing() {
    let stack = Stack::with(NONE);
    stack.issue(png()).await.unwrap();
    stack.table.spoil(alice(), Held::default());
    let before = stack.table.counters(alice());
    assert_eq!(recount_usage(&stack.table, alice(), || false).await.unwrap(), Recount::NoTime);
    assert_eq!(stack.table.counters(alice()), before);
    // An owner of whom nothing is known.
    let bob = Owner::of_subject("bob");
    assert_eq!(recount_usage(&stack.table, bob, || true).await.unwrap(), Recount::Right);
}

/// A table in which another request with the same key is granted right before the counters are read.
struct Overtaken<'a> {
    stack: &'a Stack,
    key: &'a str,
    by: Mutex<Option<UploadId>>,
}

impl GetUsage for Overtaken<'_> {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        let is_first = self.by.lock().unwrap().is_none();
        if is_first {
            let granted = self.stack.batch(Some(self.key), vec![film()]).await.remove(0).unwrap();
            *self.by.lock().unwrap() = Some(granted);
        }
        self.stack.table.get_usage(owner).await
    }
}

impl GetIdempotencyRecord for Overtaken<'_> {
    async fn get_idempotency_record(
        &self,
        owner: Owner,
        key_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.stack.table.get_idempotency_record(owner, key_hash, now).await
    }
}

impl GetUpload for Overtaken<'_> {
    async fn get_upload(&self, owner: Owner, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.stack.table.get_upload(owner, id).await
    }
}

impl PutUploads for Overtaken<'_> {
    async fn put_uploads(&self, grants: &[NewGrant], claim: &Claim) -> Result<PutOutcome, StoreError> {
        self.stack.table.put_uploads(grants, claim).await
    }
}

#[tokio::test]
async fn a_repetition_whose_first_one_took_the_last_place_meanwhile_gets_its_upload() {
    let stack = Stack::with(Quota { files: Some(1), ..NONE });
    let table = Overtaken { stack: &stack, key: "key", by: Mutex::default() };
    let items: Vec<Item> = vec![(sample::id(), Ok(film()))];
    let Stack { bucket, policy, .. } = &stack;
    let issued =
        issue_uploads(bucket, &table, policy, sample::NOW, alice(), Some("key"), items).await.unwrap();
    let granted: Vec<_> = issued.into_iter().map(|grant| grant.unwrap().upload.id).collect();
    assert_eq!(granted, [table.by.lock().unwrap().unwrap()]);
    assert_eq!(stack.bucket.open_multiparts(), 1, "something was begun for the one that did not fit");
}

/// A table that is always full when asked, and has room when read.
struct Contended<'a>(&'a MemoryTable);

impl GetUsage for Contended<'_> {
    async fn get_usage(&self, owner: Owner) -> Result<Option<Counters>, StoreError> {
        self.0.get_usage(owner).await
    }
}

impl PutUploads for Contended<'_> {
    async fn put_uploads(&self, _: &[NewGrant], _: &Claim) -> Result<PutOutcome, StoreError> {
        Ok(PutOutcome::Refused { taken: vec![], counters: Some(Counters::default()) })
    }
}

#[tokio::test]
async fn counters_that_change_before_every_try_are_a_reason_to_try_later() {
    let table = MemoryTable::default();
    let announced = Announced { content_type: Some("image/png".to_owned()), ..Announced::default() };
    let (bucket, policy) = (MemoryBucket::default(), sample::policy());
    let contended = Contended(&table);
    let form = issue_form(&bucket, &contended, &policy, sample::NOW, alice(), sample::id(), &announced).await;
    assert_eq!(form.map(drop).unwrap_err().code(), "try_later");
}
