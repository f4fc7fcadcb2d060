//! Whatever was left unfinished, the sweep brings to its end, however often it fails, and takes nothing that belongs to somebody.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::{Duration, OffsetDateTime};
use valet_core::complete_upload::Said;
use valet_core::key::{CACHE_CONTROL, ThumbnailFormat};
use valet_core::ports::{
    CreateMultipart, GetCursor, GetUpload, PresignPart, PutCursor, PutThumbnail, StoredHeaders, UpdateUpload,
    Walk, WantedPart,
};
use valet_core::sweep_uploads::{About, Counts, GIVE_UP_AFTER, Limits, Report, Run};
use valet_core::testing::{Failing, MemoryBucket, MemoryCdn, MemoryQueue, MemoryTable, PutUpload, sample};
use valet_core::upload::{
    Multipart, RejectReason, SECOND_LOOK, State, THUMBNAIL_PATIENCE, Thumbnails, Transfer, Transition,
    Verified, VersionId,
};
use valet_core::{Upload, UploadKey, cancel_upload, confirm_upload, sweep_uploads};

const LIMITS: Limits =
    Limits { grace: Duration::HOUR, walk_pages: 2, object_age: Duration::DAY, multipart_age: Duration::HOUR };

/// A grant is for an hour, the grace another one, and a walk looks at what is a day old.
fn after(hours: i64) -> OffsetDateTime {
    sample::NOW + Duration::hours(hours)
}

#[derive(Default)]
struct Stack {
    bucket: MemoryBucket,
    table: MemoryTable,
    cdn: MemoryCdn,
    queue: MemoryQueue,
}

impl Stack {
    async fn sweep(&self, now: OffsetDateTime) -> Report {
        self.sweep_within(now, LIMITS, usize::MAX).await
    }

    /// With time for so many things.
    async fn sweep_within(&self, now: OffsetDateTime, limits: Limits, things: usize) -> Report {
        let begun = AtomicUsize::new(0);
        let has_time = || begun.fetch_add(1, Ordering::Relaxed) < things;
        let (run, mut report) = (Run { now, limits, has_time }, Report::default());
        sweep_uploads(&self.bucket, &self.table, &self.cdn, &self.table, &self.queue, &run, &mut report)
            .await;
        report
    }

    /// The numbers of a run in which nothing fails.
    async fn counts(&self, now: OffsetDateTime) -> Counts {
        let report = self.sweep(now).await;
        assert!(report.failures.is_empty() && !report.is_truncated, "{report:?}");
        report.counts
    }

    async fn put(&self, upload: &Upload) {
        self.table.put_upload(upload, None).await.unwrap();
    }

    /// A pending upload.
    async fn granted(&self) -> Upload {
        let upload = sample::pending();
        self.put(&upload).await;
        upload
    }

    /// A pending upload in parts, the first of which has arrived.
    async fn begun(&self) -> Upload {
        let mut upload = sample::pending_multipart("");
        let id = self.bucket.create_multipart(&upload).await.unwrap();
        let parts = sample::multipart_of(&upload).parts;
        let number = parts.numbers().next().unwrap();
        let size_bytes = parts.size_of(number).unwrap();
        let part = WantedPart { number, size_bytes: Some(size_bytes), crc64nvme: None };
        let signed = self
            .bucket
            .presign_part(&upload.key(), &id, &part, sample::NOW, std::time::Duration::from_mins(5))
            .await
            .unwrap();
        let bytes = vec![0; usize::try_from(size_bytes).unwrap()];
        assert_eq!(self.bucket.send(&signed.url, &signed.headers, &bytes), 200);
        upload.transfer = Transfer::Parts(Multipart { id, parts });
        self.put(&upload).await;
        upload
    }

    fn arrives(&self, upload: &Upload) -> VersionId {
        self.arrives_at(&upload.key(), sample::PNG)
    }

    fn arrives_at(&self, key: &UploadKey, bytes: &[u8]) -> VersionId {
        let headers = StoredHeaders {
            content_type: Some(key.media_type.content_type().to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        self.bucket.store(key, headers, None, bytes)
    }

    /// A file whose thumbnails are to be made.
    async fn confirmed(&self, at: OffsetDateTime) -> Upload {
        let upload = sample::pending();
        let version = self.arrives(&upload);
        let upload = upload.in_state(State::Ready(verified(version, at, Thumbnails::Pending)));
        self.put(&upload).await;
        upload
    }

    async fn row(&self, upload: &Upload) -> Upload {
        self.table.get_upload(upload.owner, upload.id).await.unwrap().unwrap()
    }

    async fn state(&self, upload: &Upload) -> State {
        self.row(upload).await.state
    }

    fn versions(&self, upload: &Upload) -> usize {
        self.bucket.versions(&upload.key())
    }
}

fn verified(version: VersionId, confirmed_at: OffsetDateTime, thumbnails: Thumbnails) -> Verified {
    Verified { version, confirmed_at, crc64nvme: None, dimensions: None, placeholder: None, thumbnails }
}

fn tombstones() -> [State; 4] {
    [State::Cancelled, State::Expired, State::Deleted, State::Rejected(RejectReason::Size)]
}

#[tokio::test]
async fn a_grant_that_nobody_used_expires_once_its_grace_is_over() {
    let stack = Stack::default();
    let upload = stack.granted().await;
    let minute = Duration::MINUTE;
    assert_eq!(stack.counts(after(1) - minute).await, Counts::default(), "before its end");
    assert_eq!(stack.counts(after(1)).await, Counts { due: 1, ..Counts::default() });
    assert_eq!(stack.state(&upload).await, State::Pending, "a PUT that began in time may still run");
    assert_eq!(stack.counts(after(2) - minute).await, Counts::default(), "it is looked at for nothing");
    assert_eq!(stack.counts(after(2)).await, Counts { due: 1, expired: 1, ..Counts::default() });
    assert_eq!(stack.row(&upload).await.due_at, Some(upload.expires_at + SECOND_LOOK));
    assert_eq!(stack.state(&upload).await, State::Expired);
}

#[tokio::test]
async fn the_parts_of_an_expired_upload_are_forgotten() {
    let stack = Stack::default();
    let upload = stack.begun().await;
    stack.counts(after(1)).await;
    assert_eq!(stack.bucket.open_multiparts(), 1, "aborted before its grace was over");
    assert_eq!(stack.counts(after(2)).await, Counts { due: 1, expired: 1, aborted: 1, ..Counts::default() });
    assert_eq!((stack.state(&upload).await, stack.bucket.open_multiparts()), (State::Expired, 0));
}

#[tokio::test]
async fn what_arrived_and_nobody_told_of_becomes_a_file_at_the_end_of_its_grant() {
    let stack = Stack::default();
    let (good, bad) = (stack.granted().await, stack.granted().await);
    stack.arrives(&good);
    stack.arrives_at(&bad.key(), b"not what was granted");
    assert_eq!(stack.counts(after(1)).await, Counts { due: 2, settled: 2, ..Counts::default() });
    assert!(matches!(stack.state(&good).await, State::Ready(_)) && stack.bucket.is_served(&good.key()));
    assert_eq!(stack.state(&bad).await, State::Rejected(RejectReason::Size));
    assert_eq!(stack.versions(&bad), 0);
}

#[tokio::test]
async fn what_is_late_for_a_tombstone_is_gone_after_the_second_look() {
    for state in tombstones() {
        let stack = Stack::default();
        let upload = stack.begun().await.in_state(state.clone());
        let stack = Stack { table: MemoryTable::with([upload.clone()]), ..stack };
        let young = Limits { multipart_age: Duration::DAY * 9, ..LIMITS };
        stack.arrives(&upload);
        stack.arrives(&upload);
        let small = sample::thumbnail("small", ThumbnailFormat::Jpeg);
        let thumbnail = upload.thumbnail_key(small.name, small.format);
        stack.bucket.put_thumbnail(&thumbnail, b"small".to_vec()).await.unwrap();
        stack.sweep_within(after(25) - Duration::MINUTE, Limits { walk_pages: 0, ..young }, usize::MAX).await;
        assert_eq!((stack.versions(&upload), stack.bucket.open_multiparts()), (2, 1), "before it was due");
        stack.sweep_within(after(25), Limits { walk_pages: 0, ..young }, usize::MAX).await;
        let kept: &[String] = if state == State::Deleted { &[] } else { &[thumbnail.to_string()] };
        assert_eq!((stack.bucket.keys().as_slice(), stack.bucket.open_multiparts()), (kept, 0), "{state:?}");
        assert_eq!(stack.cdn.invalidations().len(), usize::from(state == State::Deleted), "{state:?}");
        assert_eq!((stack.row(&upload).await.due_at, stack.state(&upload).await), (None, state));
    }
}

#[tokio::test]
async fn thumbnails_that_do_not_come_are_asked_for_less_and_less_often_and_then_given_up() {
    let stack = Stack::default();
    let upload = stack.confirmed(sample::NOW).await;
    let State::Ready(Verified { version, .. }) = &upload.state else { unreachable!("it is confirmed") };
    let mut asked = Vec::new();
    for minutes in (0..=25 * 60).step_by(15) {
        stack.counts(sample::NOW + Duration::minutes(minutes)).await;
        for sent in stack.queue.sent() {
            assert_eq!(sent, (upload.key(), version.clone()));
            asked.push(minutes);
        }
    }
    assert_eq!(asked, [15, 30, 60, 120, 240, 480, 960]);
    let gave_up = Thumbnails::Failed("gave_up".to_owned());
    let State::Ready(now) = stack.state(&upload).await else { panic!("no file any more") };
    assert_eq!((now.thumbnails, stack.row(&upload).await.due_at), (gave_up, None));
    assert!(stack.versions(&upload) == 1, "the file is not to blame");
}

#[tokio::test]
async fn thumbnails_that_came_meanwhile_stay() {
    let stack = Stack::default();
    let upload = stack.confirmed(sample::NOW).await;
    let failed = Transition::ThumbnailsFailed { reason: "corrupt".to_owned() };
    stack.table.update_upload(&upload, &failed).await.unwrap().unwrap();
    // The index does not know it yet.
    let due_at = upload.due_at;
    let stale = Upload { due_at, ..stack.row(&upload).await };
    let stack = Stack { table: MemoryTable::with([stale]), ..stack };
    assert_eq!(stack.counts(sample::NOW + GIVE_UP_AFTER).await.gave_up, 0);
    let State::Ready(now) = stack.state(&upload).await else { panic!("no file any more") };
    assert_eq!(
        (now.thumbnails, stack.row(&upload).await.due_at),
        (Thumbnails::Failed("corrupt".to_owned()), None)
    );
    assert!(stack.queue.sent().is_empty());
}

#[tokio::test]
async fn what_the_index_has_not_heard_of_yet_is_the_rows_to_say() {
    let stack = Stack::default();
    let granted = stack.granted().await;
    let index = MemoryTable::with([granted.clone()]);
    cancel_upload(&stack.bucket, &stack.table, granted.owner, granted.id).await.unwrap();
    stack.arrives(&granted);
    let cancelled = stack.row(&granted).await;
    let limits = Limits { walk_pages: 0, ..LIMITS };
    let (run, mut report) = (Run { now: after(3), limits, has_time: || true }, Report::default());
    sweep_uploads(&stack.bucket, &stack.table, &stack.cdn, &index, &stack.queue, &run, &mut report).await;
    assert_eq!(
        (report.counts, stack.row(&granted).await),
        (Counts { due: 1, ..Counts::default() }, cancelled)
    );
    assert_eq!(stack.versions(&granted), 1, "its second look is tomorrow");
}

#[tokio::test]
async fn a_walk_removes_what_no_row_leads_to_and_nothing_else() {
    let stack = Stack::default();
    let file = stack.confirmed(after(24)).await;
    let second = stack.arrives(&file);
    let cancelled = sample::pending().in_state(State::Cancelled);
    let cancelled = Upload { due_at: None, ..cancelled };
    stack.put(&cancelled).await;
    let (pending, nobodys) = (sample::pending(), sample::pending());
    stack.put(&Upload { due_at: None, ..pending.clone() }).await;
    let other_extension = UploadKey { media_type: valet_core::MediaType::Gif, ..pending.key() };
    for key in [cancelled.key(), pending.key(), nobodys.key(), other_extension] {
        stack.arrives_at(&key, sample::PNG);
    }
    assert_eq!(stack.counts(after(24) - Duration::SECOND).await.removed, 0, "younger than a day");
    let counts = stack.counts(after(24)).await;
    assert_eq!((counts.settled, counts.removed), (1, 4));
    let mut kept = [file.key().to_string(), pending.key().to_string()];
    kept.sort();
    assert_eq!(stack.bucket.keys(), kept);
    assert_eq!((stack.versions(&file), stack.bucket.is_served(&pending.key())), (1, true));
    assert!(matches!(stack.state(&file).await, State::Ready(Verified { version, .. }) if version != second));
    let again = stack.counts(after(24)).await;
    assert_eq!((again.walked, again.removed, again.settled), (2, 0, 0));
}

#[tokio::test]
async fn a_verified_version_that_was_overwritten_is_kept() {
    let stack = Stack::default();
    let file = stack.confirmed(after(24)).await;
    stack.arrives(&file);
    let State::Ready(Verified { version, .. }) = &file.state else { unreachable!("it is confirmed") };
    stack.counts(after(24)).await;
    assert!(stack.bucket.is_current(&file.key(), version));
}

#[tokio::test]
async fn keys_that_are_not_ours_are_counted_and_left_alone() {
    let stack = Stack::default();
    for key in ["uploads/readme.txt", "uploads/../x", "thumbnails/logo.png"] {
        stack.bucket.store_anywhere(key, b"somebody's");
    }
    let counts = stack.counts(after(24)).await;
    assert_eq!(counts, Counts { walked: 3, foreign: 3, ..Counts::default() });
    assert_eq!(stack.bucket.keys().len(), 3);
}

#[tokio::test]
async fn thumbnails_of_nothing_are_removed_and_those_of_files_stay() {
    let stack = Stack::default();
    let (small, large) = (
        sample::thumbnail("small", ThumbnailFormat::Jpeg),
        sample::thumbnail("large", ThumbnailFormat::Webp),
    );
    let other_format = sample::thumbnail("small", ThumbnailFormat::Webp);
    let states = [
        (
            State::Ready(verified(VersionId::new("v0"), sample::NOW, Thumbnails::Ready(vec![small.clone()]))),
            1,
        ),
        (State::Ready(verified(VersionId::new("v0"), after(24), Thumbnails::Pending)), 3),
        (
            State::Ready(verified(
                VersionId::new("v0"),
                sample::NOW,
                Thumbnails::Failed("corrupt".to_owned()),
            )),
            0,
        ),
        (State::Deleted, 0),
    ];
    let mut uploads = Vec::new();
    for (state, kept) in states {
        let upload = Upload { due_at: None, ..sample::pending().in_state(state) };
        stack.put(&upload).await;
        uploads.push((upload, kept));
    }
    uploads.push((sample::pending(), 0));
    for (upload, _) in &uploads {
        for thumbnail in [&small, &large, &other_format] {
            let key = upload.thumbnail_key(thumbnail.name.clone(), thumbnail.format);
            stack.bucket.put_thumbnail(&key, b"made".to_vec()).await.unwrap();
        }
    }
    assert_eq!(stack.counts(after(24)).await.removed, 11);
    for (upload, kept) in uploads {
        let prefix = format!("thumbnails/{}/{}/", upload.owner, upload.id);
        let left = stack.bucket.keys().into_iter().filter(|key| key.starts_with(&prefix)).count();
        assert_eq!(left, kept, "{:?}", upload.state);
    }
}

#[tokio::test]
async fn a_walk_goes_on_where_the_run_before_has_stopped_and_begins_anew_at_the_end() {
    let stack = Stack::default();
    for _ in 0..2500 {
        let upload = sample::pending();
        let version = stack.arrives(&upload);
        stack.put(&upload.in_state(State::Ready(verified(version, sample::NOW, Thumbnails::None)))).await;
    }
    let limits = Limits { walk_pages: 1, ..LIMITS };
    for expected in [1000, 1000, 500, 1000] {
        let report = stack.sweep_within(after(24), limits, usize::MAX).await;
        assert_eq!((report.counts.walked, report.is_truncated), (expected, false));
    }
    assert!(stack.table.get_cursor(Walk::Uploads).await.unwrap().is_some());
    assert_eq!(stack.table.get_cursor(Walk::Thumbnails).await.unwrap(), None);
}

#[tokio::test]
async fn a_place_that_s3_refuses_for_good_is_forgotten() {
    let stack = Stack::default();
    stack.arrives(&stack.granted().await);
    let place = valet_core::ports::Place { key: "uploads/x".to_owned(), id: "v9".to_owned() };
    for walk in [Walk::Multiparts, Walk::Uploads] {
        stack.table.put_cursor(walk, Some(&place)).await.unwrap();
        // The list of this walk is the first call, or the second, when nothing is due.
        let refusing = Failing::refusing(&stack.bucket, usize::from(walk == Walk::Uploads));
        let (run, mut report) =
            (Run { now: sample::NOW, limits: LIMITS, has_time: || true }, Report::default());
        sweep_uploads(&refusing, &stack.table, &stack.cdn, &stack.table, &stack.queue, &run, &mut report)
            .await;
        assert_eq!(
            (report.counts.failed, stack.table.get_cursor(walk).await.unwrap()),
            (1, None),
            "{walk:?}"
        );
    }
}

#[tokio::test]
async fn nothing_is_removed_when_most_objects_have_no_row() {
    let stack = Stack::default();
    for _ in 0..21 {
        stack.arrives(&sample::pending());
    }
    let report = stack.sweep(after(24)).await;
    assert_eq!((report.counts.failed, report.counts.removed, stack.bucket.keys().len()), (1, 0, 21));
    assert!(report.failures[0].about == About::List);
    // As many among many others are what a year leaves behind.
    for _ in 0..21 {
        let upload = sample::pending();
        let version = stack.arrives(&upload);
        stack.put(&upload.in_state(State::Ready(verified(version, sample::NOW, Thumbnails::None)))).await;
    }
    assert_eq!(stack.counts(after(24)).await.removed, 21);
    assert_eq!(stack.bucket.keys().len(), 21);
}

#[tokio::test]
async fn open_multipart_uploads_that_no_pending_row_names_are_aborted() {
    let stack = Stack::default();
    let (named, nobodys, cancelled) = (stack.begun().await, stack.begun().await, stack.begun().await);
    let twice = stack.bucket.create_multipart(&named).await.unwrap();
    let never = Upload { due_at: None, ..cancelled.in_state(State::Cancelled) };
    let named = Upload { expires_at: after(72), due_at: Some(after(72)), ..named };
    let stack = Stack { table: MemoryTable::with([named.clone(), never]), ..stack };
    assert_eq!(stack.counts(after(1) - Duration::SECOND).await.aborted, 0, "younger than an hour");
    let counts = stack.counts(after(1)).await;
    assert_eq!((counts.walked, counts.aborted, stack.bucket.open_multiparts()), (4, 3, 1));
    assert!(Some(&twice) != named.transfer.multipart_id() && nobodys.transfer != named.transfer);
    assert_eq!(stack.counts(after(1)).await.aborted, 0, "the named one was aborted");
}

#[tokio::test]
async fn a_run_without_time_stops_says_so_and_the_next_one_goes_on() {
    let stack = Stack::default();
    for _ in 0..100 {
        stack.granted().await;
    }
    let report = stack.sweep_within(after(2), LIMITS, 30).await;
    assert!(report.is_truncated && report.failures.is_empty());
    assert_eq!((report.counts.expired, report.counts.stuck), (30, 0));
    let report = stack.sweep_within(after(3), LIMITS, 50).await;
    assert_eq!((report.counts.expired, report.counts.stuck, report.is_truncated), (50, 20, true));
    let report = stack.sweep(after(3)).await;
    assert_eq!((report.counts.expired, report.counts.stuck, report.is_truncated), (20, 0, false));

    let stack = Stack::default();
    for _ in 0..1001 {
        stack.arrives(&stack.granted().await);
    }
    // No row is due yet, so that all its time goes to the walk.
    let early = sample::NOW + Duration::MINUTE;
    let walk_at_once = Limits { object_age: Duration::ZERO, ..LIMITS };
    let report = stack.sweep_within(early, Limits { walk_pages: 1, ..walk_at_once }, 1500).await;
    assert_eq!((report.is_truncated, stack.table.get_cursor(Walk::Uploads).await.unwrap()), (true, None));
    assert!(report.counts.settled > 0, "it did not use the time it had");
    let settled =
        report.counts.settled + stack.sweep_within(early, walk_at_once, usize::MAX).await.counts.settled;
    assert_eq!(settled, 1001);
}

#[tokio::test]
async fn more_than_a_page_is_due_and_one_that_fails_holds_up_no_other() {
    let stack = Stack::default();
    for _ in 0..4000 {
        stack.granted().await;
    }
    let table = Failing::at(&stack.table, 7, false);
    let (run, mut report) = (Run { now: after(3), limits: LIMITS, has_time: || true }, Report::default());
    sweep_uploads(&stack.bucket, &table, &stack.cdn, &stack.table, &stack.queue, &run, &mut report).await;
    assert_eq!((report.counts.due, report.counts.expired, report.counts.failed), (4000, 3999, 1));
    assert_eq!((report.counts.stuck, report.failures.len()), (1, 1));
    assert!(matches!(report.failures[0].about, About::Upload(_)));
    assert_eq!(stack.counts(after(3)).await.expired, 1);
}

/// One of everything that can be left behind, a day later.
async fn everything_left_behind() -> Stack {
    let stack = Stack::default();
    stack.granted().await;
    stack.begun().await;
    stack.arrives(&stack.granted().await);
    stack.arrives_at(&stack.granted().await.key(), b"not what was granted");
    stack.arrives(&sample::pending());
    stack.bucket.create_multipart(&sample::pending_multipart("")).await.unwrap();
    for state in tombstones() {
        let upload = sample::pending().in_state(state);
        stack.put(&upload).await;
        stack.arrives(&upload);
        let small = sample::thumbnail("small", ThumbnailFormat::Jpeg);
        let key = upload.thumbnail_key(small.name, small.format);
        stack.bucket.put_thumbnail(&key, b"small".to_vec()).await.unwrap();
    }
    let file = stack.confirmed(after(25)).await;
    stack.arrives(&file);
    stack.confirmed(after(1)).await;
    stack
}

/// What is left in the end: states by id relative to the first, and what lies in the bucket.
fn end(stack: &Stack) -> (BTreeMap<String, usize>, usize, usize) {
    let mut rows = BTreeMap::new();
    for upload in stack.table.uploads() {
        let state = match &upload.state {
            State::Ready(verified) => format!("ready, thumbnails {:?}", verified.thumbnails),
            state => state.as_str().to_owned(),
        };
        *rows.entry(format!("{state}, due: {:?}", upload.due_at)).or_default() += 1;
    }
    (rows, stack.bucket.keys().len(), stack.bucket.open_multiparts())
}

#[tokio::test]
async fn whichever_call_fails_the_next_runs_come_to_the_same_end() {
    let now = after(26);
    let undisturbed = everything_left_behind().await;
    for _ in 0..2 {
        undisturbed.counts(now).await;
    }
    let expected = end(&undisturbed);
    assert_eq!((expected.1, expected.2), (3, 0), "{expected:?}");
    assert!(!expected.0.keys().any(|row| row.starts_with("pending")), "{expected:?}");
    for has_effect in [false, true] {
        for port in 0..4 {
            for fails_at in 0.. {
                let stack = everything_left_behind().await;
                let at = |which| if which == port { fails_at } else { usize::MAX };
                let bucket = Failing::at(&stack.bucket, at(0), has_effect);
                let table = Failing::at(&stack.table, at(1), has_effect);
                let index = Failing::at(&stack.table, at(2), has_effect);
                let queue = Failing::at(&stack.queue, at(3), has_effect);
                let (run, mut report) = (Run { now, limits: LIMITS, has_time: || true }, Report::default());
                sweep_uploads(&bucket, &table, &stack.cdn, &index, &queue, &run, &mut report).await;
                let has_failed =
                    [bucket.has_failed(), table.has_failed(), index.has_failed(), queue.has_failed()]
                        .contains(&true);
                assert_eq!(report.counts.failed, u64::from(has_failed));
                if !has_failed {
                    assert!(fails_at > 0, "port {port} is never called");
                    break;
                }
                for _ in 0..2 {
                    stack.counts(now).await;
                }
                assert_eq!(end(&stack), expected, "port {port}, call {fails_at}, effect {has_effect}");
            }
        }
    }
}

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let stack = everything_left_behind().await;
    stack.counts(after(26)).await;
    stack.counts(after(26)).await;
    // Three files, and three thumbnails that are hidden until the bucket's lifecycle removes them.
    let walked = 6;
    assert_eq!(stack.counts(after(26)).await, Counts { walked, ..Counts::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_do_no_harm() {
    for _ in 0..50 {
        let stack = Arc::new(everything_left_behind().await);
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let stack = stack.clone();
                tokio::spawn(async move { stack.counts(after(26)).await })
            })
            .collect();
        let mut expired = 0;
        for run in runs {
            expired += run.await.unwrap().expired;
        }
        stack.counts(after(26)).await;
        assert_eq!((expired, stack.bucket.keys().len(), stack.bucket.open_multiparts()), (2, 3, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirm_that_races_the_end_of_the_grace_gets_the_file_or_nothing_stays() {
    let mut files = 0;
    for round in 0..300 {
        let stack = Arc::new(Stack::default());
        let upload = stack.granted().await;
        let is_there = round % 2 == 0;
        if is_there {
            stack.arrives(&upload);
        }
        let sweeping = tokio::spawn({
            let stack = stack.clone();
            async move { stack.counts(after(3)).await }
        });
        let confirming = tokio::spawn({
            let (stack, upload) = (stack.clone(), upload.clone());
            async move {
                if !is_there {
                    stack.arrives(&upload);
                }
                confirm_upload(
                    &stack.bucket,
                    &stack.table,
                    after(3),
                    upload.owner,
                    upload.id,
                    &Said::default(),
                )
                .await
            }
        });
        let (_, confirmed) = (sweeping.await.unwrap(), confirming.await.unwrap());
        if confirmed.is_ok() {
            files += 1;
            assert!(
                matches!(stack.state(&upload).await, State::Ready(_))
                    && stack.bucket.is_served(&upload.key())
            );
        } else {
            assert_eq!((stack.state(&upload).await, stack.versions(&upload)), (State::Expired, 0));
        }
    }
    assert!(files >= 150, "a file that was there in time was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_races_the_sweep_leaves_a_file_or_nothing() {
    for _ in 0..300 {
        let stack = Arc::new(Stack::default());
        let upload = stack.granted().await;
        stack.arrives(&upload);
        let sweeping = tokio::spawn({
            let stack = stack.clone();
            async move { stack.counts(after(3)).await }
        });
        let cancelling = tokio::spawn({
            let (stack, upload) = (stack.clone(), upload.clone());
            async move { cancel_upload(&stack.bucket, &stack.table, upload.owner, upload.id).await }
        });
        let (_, cancelled) = (sweeping.await.unwrap(), cancelling.await.unwrap());
        if cancelled.is_ok() {
            assert_eq!((stack.state(&upload).await, stack.versions(&upload)), (State::Cancelled, 0));
        } else {
            assert!(
                matches!(stack.state(&upload).await, State::Ready(_))
                    && stack.bucket.is_served(&upload.key())
            );
        }
    }
}

#[tokio::test]
async fn an_older_row_that_no_index_knows_is_settled_by_the_walk() {
    let stack = Stack::default();
    let old = Upload { due_at: None, ..sample::pending() };
    stack.put(&old).await;
    stack.arrives(&old);
    assert_eq!(
        stack.counts(after(24)).await,
        Counts { walked: 1, settled: 1, recounted: 1, ..Counts::default() }
    );
    let row = stack.row(&old).await;
    assert_eq!(row.due_at, Some(after(24) + THUMBNAIL_PATIENCE));
}
