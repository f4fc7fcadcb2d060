//! A table that was set back, or lost, agrees with its bucket again: every file has its row, nothing that was taken away comes back.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "reindex/histories.rs"]
mod histories;
#[path = "reindex/stack.rs"]
mod stack;

use stack::{Stack, after, tombstones, verified};
use std::collections::BTreeSet;
use std::sync::Arc;
use time::Duration;
use valet_core::key::{Area, ThumbnailFormat};
use valet_core::ports::{GetUsage, PutThumbnail, TagVerified, UpdateUpload};
use valet_core::reindex::{Outcome, Report, Run};
use valet_core::testing::{Failing, MemoryBucket, MemoryTable, sample};
use valet_core::upload::{
    RejectReason, SECOND_LOOK, Size, State, Thumbnails, Transfer, Transition, Verified, VersionId,
};
use valet_core::usage::Held;
use valet_core::{MediaType, Owner, Upload, UploadId, UploadKey, delete_file, reindex};

type Told = BTreeSet<(UploadId, Outcome)>;

const RUN: Run = Run { now: sample::NOW, has_scanner: false, is_dry: false, expects_missing: false };

/// What a run tells and its report.
async fn run(stack: &Stack, run: &Run) -> (Told, Report) {
    let (mut report, mut told) = (Report::default(), Told::new());
    let tell = |_: Owner, id, outcome| assert!(told.insert((id, outcome)), "{id} is told of twice");
    reindex(&stack.bucket, &stack.table, run, &mut report, tell).await;
    let counted: u64 = report.outcomes.values().sum();
    assert_eq!(counted, told.len() as u64);
    (told, report)
}

/// What a run tells in which nothing fails, a day after.
async fn told(stack: &Stack) -> Told {
    let (told, report) = run(stack, &Run { now: after(24), ..RUN }).await;
    assert_eq!((report.failed, report.is_broken_off), (0, false), "{:?}", report.failures);
    told
}

fn only(upload: &Upload, outcome: Outcome) -> Told {
    [(upload.id, outcome)].into()
}

#[tokio::test]
async fn a_file_whose_row_is_lost_gets_it_back_under_its_id() {
    for (media_type, bytes, area) in [
        (MediaType::Png, sample::PNG, Area::WriteOnce),
        (MediaType::Png, sample::PNG, Area::Open),
        (MediaType::Pdf, b"%PDF-1.7\n", Area::WriteOnce),
    ] {
        let stack = Stack::default();
        let key = UploadKey { media_type, area, ..sample::pending().key() };
        let version = stack.file_at(&key, bytes).await;
        let now = sample::NOW + Duration::seconds(90);
        assert_eq!(run(&stack, &Run { now, ..RUN }).await.0, [(key.id, Outcome::Rebuilt)].into());
        let created_at = key.id.made_at().unwrap();
        let has_thumbnails = media_type == MediaType::Png;
        let thumbnails = if has_thumbnails { Thumbnails::Pending } else { Thumbnails::None };
        let row = stack.table.uploads().pop().unwrap();
        assert_eq!(row.filename.as_str(), format!("{}.{}", key.id, media_type.extension()));
        let transfer = if area == Area::Open { Transfer::Form } else { Transfer::Put };
        let expected = Upload {
            owner: key.owner,
            id: key.id,
            filename: row.filename.clone(),
            media_type,
            size: Size::Exact(bytes.len() as u64),
            sha256: None,
            created_at,
            expires_at: created_at,
            transfer,
            state: State::Ready(verified(version, sample::NOW, thumbnails)),
            due_at: has_thumbnails.then_some(now),
        };
        assert_eq!((&row, row.key()), (&expected, key));
        assert_eq!(run(&stack, &RUN).await.0, Told::new(), "a second run finds something to do");
    }
}

#[tokio::test]
async fn the_sweep_asks_for_the_thumbnails_of_a_rebuilt_file_however_old_it_is() {
    let stack = Stack::default();
    let key = sample::pending().key();
    let version = stack.file_at(&key, sample::PNG).await;
    let now = after(24 * 70);
    assert_eq!(run(&stack, &Run { now, ..RUN }).await.1.count(Outcome::Rebuilt), 1);
    let counts = stack.sweep(now).await;
    assert_eq!((counts.requeued, counts.gave_up), (1, 0));
    assert_eq!(stack.queue.sent(), [(key, version)]);
    let counts = stack.sweep(now + Duration::DAY).await;
    assert_eq!((counts.requeued, counts.gave_up), (0, 1));
}

#[tokio::test]
async fn what_nobody_has_verified_is_never_made_a_file() {
    let stack = Stack::default();
    let upload = sample::pending();
    let version = stack.arrives(&upload);
    assert_eq!(told(&stack).await, only(&upload, Outcome::Unverified));
    assert!(stack.table.is_empty() && stack.bucket.is_current(&upload.key(), &version));
}

#[tokio::test]
async fn what_is_tagged_but_not_what_its_key_says_is_left_alone() {
    for bytes in [b"<!doctype html><script>".as_slice(), b""] {
        let stack = Stack::default();
        let upload = sample::pending();
        stack.file_at(&upload.key(), bytes).await;
        assert_eq!(told(&stack).await, only(&upload, Outcome::Unlike));
        assert!(stack.table.is_empty() && stack.versions(&upload) == 1);
    }
    let stack = Stack::default();
    let upload = sample::pending();
    let headers = valet_core::ports::StoredHeaders {
        content_disposition: Some("attachment".to_owned()),
        ..stack::headers(&upload.key())
    };
    let version = stack.bucket.store(&upload.key(), headers, None, sample::PNG);
    stack.bucket.tag_verified(&upload.key(), &version).await.unwrap();
    assert_eq!(told(&stack).await, only(&upload, Outcome::Unlike));
}

#[tokio::test]
async fn where_there_is_a_scanner_only_what_it_found_clean_is_a_file() {
    let stack = Stack::default();
    let upload = sample::pending();
    let version = stack.file_at(&upload.key(), sample::PNG).await;
    let scanning = Run { has_scanner: true, ..RUN };
    assert_eq!(run(&stack, &scanning).await.0, only(&upload, Outcome::Unscanned));
    // The sweep keeps it, as it was a file, and says so until somebody decides.
    let kept = stack.sweep_again(after(48)).await;
    assert_eq!((kept.failures.len(), stack.versions(&upload)), (1, 1));
    stack.bucket.find_clean(&upload.key(), &version);
    assert_eq!(run(&stack, &scanning).await.0, only(&upload, Outcome::Rebuilt));
}

#[tokio::test]
async fn what_lies_there_for_a_pending_upload_is_settled_as_its_event_would_have() {
    let stack = Stack::default();
    let (good, bad, nothing) = (stack.granted().await, stack.granted().await, stack.granted().await);
    stack.arrives(&good);
    stack.arrives_at(&bad.key(), b"not what was granted");
    let dry = Run { is_dry: true, ..RUN };
    let unsettled = [(good.id, Outcome::Unsettled), (bad.id, Outcome::Unsettled)].into();
    assert_eq!(run(&stack, &dry).await.0, unsettled);
    assert_eq!(stack.state(&good).await, State::Pending);
    let settled = [(good.id, Outcome::Verified), (bad.id, Outcome::Rejected)].into();
    assert_eq!(told(&stack).await, settled);
    assert!(stack.is_served_as_file(&good).await);
    assert_eq!((stack.state(&bad).await, stack.versions(&bad)), (State::Rejected(RejectReason::Size), 0));
    assert_eq!(stack.state(&nothing).await, State::Pending);
}

#[tokio::test]
async fn of_several_versions_of_a_pending_upload_the_tagged_one_was_the_file() {
    let stack = Stack::default();
    let upload = stack.granted_by_form().await;
    let file = stack.file_at(&upload.key(), sample::PNG).await;
    stack.arrives(&upload);
    assert_eq!(told(&stack).await, only(&upload, Outcome::Verified));
    assert!(matches!(stack.state(&upload).await, State::Ready(Verified { version, .. }) if version == file));
    assert_eq!(told(&stack).await, only(&upload, Outcome::Beside));
    stack.sweep(after(24)).await;
    assert_eq!((stack.versions(&upload), stack.is_served_as_file(&upload).await), (1, true));
}

#[tokio::test]
async fn a_file_below_a_version_of_nobodys_gets_its_row_back_and_comes_up_again() {
    let stack = Stack::default();
    let upload = stack.granted_by_form().await;
    let file = stack.file_at(&upload.key(), sample::PNG).await;
    stack.arrives(&upload);
    let stack = Stack { table: MemoryTable::default(), ..stack };
    assert_eq!(told(&stack).await, only(&upload, Outcome::Rebuilt));
    assert_eq!(told(&stack).await, only(&upload, Outcome::Beside));
    stack.sweep(after(48)).await;
    assert!(stack.bucket.is_current(&upload.key(), &file) && stack.is_served_as_file(&upload).await);
}

#[tokio::test]
async fn files_and_other_versions_beside_them_are_left_alone() {
    let stack = Stack::default();
    let (file, other) = (stack.confirmed().await, stack.confirmed().await);
    let rows = stack.table.uploads();
    assert_eq!(told(&stack).await, Told::new());
    stack.arrives(&other);
    assert_eq!(told(&stack).await, only(&other, Outcome::Beside));
    assert_eq!((stack.table.uploads(), stack.versions(&file), stack.versions(&other)), (rows, 1, 2));
}

#[tokio::test]
async fn a_tombstone_holds_whatever_lies_there() {
    for state in tombstones() {
        let stack = Stack::default();
        let upload = sample::pending().in_state(state);
        stack.put(&upload).await;
        stack.file_at(&upload.key(), sample::PNG).await;
        assert_eq!(told(&stack).await, only(&upload, Outcome::Late));
        assert_eq!(stack.row(&upload).await, upload);
        stack.sweep(after(25)).await;
        assert_eq!((stack.versions(&upload), stack.state(&upload).await), (0, upload.state));
    }
}

#[tokio::test]
async fn what_was_hidden_by_hand_stays_hidden() {
    let stack = Stack::default();
    let (lost, pending) = (sample::pending(), stack.granted().await);
    for upload in [&lost, &pending] {
        stack.file_at(&upload.key(), sample::PNG).await;
        stack.bucket.hide(&upload.key());
    }
    assert_eq!(told(&stack).await, [(lost.id, Outcome::Hidden), (pending.id, Outcome::Hidden)].into());
    assert_eq!((stack.table.len(), stack.state(&pending).await), (1, State::Pending));
    assert_eq!((stack.versions(&lost), stack.versions(&pending)), (2, 2));
}

#[tokio::test]
async fn a_key_that_no_grant_was_for_makes_no_file() {
    let stack = Stack::default();
    let upload = stack.confirmed().await;
    let other = UploadKey { media_type: MediaType::Gif, ..upload.key() };
    stack.file_at(&other, b"GIF89a\x01\0\x01\0").await;
    stack.bucket.store_anywhere("uploads/readme.txt", b"somebody's");
    let (told, report) = run(&stack, &RUN).await;
    assert_eq!((told, report.foreign, stack.table.len()), (only(&upload, Outcome::Unverified), 1, 1));
}

#[tokio::test]
async fn a_file_that_was_deleted_since_is_deleted_again_and_the_sweep_removes_what_is_left() {
    let stack = Stack::default();
    let (kept, deleted) = (stack.confirmed().await, stack.confirmed().await);
    let earlier = stack.table.copy();
    delete_file(&stack.bucket, &stack.table, &stack.cdn, after(1), deleted.owner, deleted.id).await.unwrap();
    let stack = Stack { table: earlier, ..stack };
    // What a thumbnailer stored that was at it just then.
    let small = sample::thumbnail("small", ThumbnailFormat::Jpeg);
    let key = deleted.thumbnail_key(small.name, small.format);
    stack.bucket.put_thumbnail(&key, b"small".to_vec()).await.unwrap();
    assert_eq!(told(&stack).await, only(&deleted, Outcome::Deleted));
    let row = stack.row(&deleted).await;
    assert_eq!((row.state, row.due_at), (State::Deleted, Some(deleted.expires_at + SECOND_LOOK)));
    stack.sweep(after(26)).await;
    assert_eq!(stack.bucket.keys(), [kept.key().to_string()]);
    assert_eq!(stack.cdn.invalidations().len(), 2, "its deletion's, and the tombstone's look");
    assert_eq!(told(&stack).await, Told::new());
}

#[tokio::test]
async fn a_pending_upload_that_was_cancelled_or_deleted_since_expires() {
    let stack = Stack::default();
    let (cancelled, deleted) = (stack.granted().await, stack.granted().await);
    let earlier = stack.table.copy();
    stack.cancel(&cancelled).await;
    stack.arrives(&deleted);
    stack.confirm(&deleted).await;
    stack.delete(&deleted).await;
    let stack = Stack { table: earlier, ..stack };
    assert_eq!(told(&stack).await, Told::new());
    stack.sweep(after(24)).await;
    for upload in [cancelled, deleted] {
        assert_eq!((stack.state(&upload).await, stack.versions(&upload)), (State::Expired, 0));
    }
}

#[tokio::test]
async fn another_stacks_bucket_is_noticed_before_anything_is_written() {
    let stack = Stack::default();
    let mut files = Vec::new();
    for _ in 0..3 {
        files.push(stack.confirmed().await);
    }
    let (rows, theirs) = (stack.table.uploads(), stack.bucket);
    let stack = Stack { bucket: MemoryBucket::default(), ..stack };
    let stranger = sample::pending();
    stack.file_at(&stranger.key(), sample::PNG).await;
    let (told, report) = run(&stack, &RUN).await;
    assert_eq!((told, report.is_broken_off, report.failed), (Told::new(), true, 1));
    assert!(report.failures[0].error.source.to_string().starts_with("3 of 3 files"));
    assert_eq!(stack.table.uploads(), rows);
    let (told, _) = run(&stack, &Run { expects_missing: true, ..RUN }).await;
    assert_eq!(told.len(), 4, "who says that it is right is believed");
    drop(theirs);
}

/// A replica of the bucket has the files of lately alone, and a page of rows may be tombstones for the most part.
#[tokio::test]
async fn what_each_page_alone_would_let_pass_all_of_them_do_not() {
    let stack = Stack::default();
    for _ in 0..3 {
        stack.confirmed().await;
        for _ in 0..20 {
            let nowhere = verified(VersionId::new("v0"), sample::NOW, Thumbnails::None);
            stack.put(&sample::pending().in_state(State::Ready(nowhere))).await;
        }
        for _ in 0..979 {
            stack.put(&sample::pending().in_state(State::Cancelled)).await;
        }
    }
    let rows = stack.table.uploads();
    let (told, report) = run(&stack, &RUN).await;
    assert_eq!((told, report.is_broken_off), (Told::new(), true));
    assert_eq!(stack.table.uploads(), rows, "something was written before it was noticed");
}

#[tokio::test]
async fn most_of_many_files_gone_stops_the_run_and_a_few_do_not() {
    for (gone, present, stops) in [(1, 1, false), (20, 1, false), (21, 21, false), (22, 21, true)] {
        let stack = Stack::default();
        for _ in 0..present {
            stack.confirmed().await;
        }
        for _ in 0..gone {
            let nowhere = verified(VersionId::new("v0"), sample::NOW, Thumbnails::None);
            stack.put(&sample::pending().in_state(State::Ready(nowhere))).await;
        }
        let (told, report) = run(&stack, &RUN).await;
        assert_eq!(report.is_broken_off, stops, "{gone} of {present}");
        assert_eq!(told.len(), if stops { 0 } else { gone });
    }
}

#[tokio::test]
async fn a_dry_run_says_what_a_run_does_and_changes_nothing() {
    let stack = everything_out_of_order().await;
    let (rows, objects) = (stack.table.uploads(), stack.bucket.everything());
    let (dry, _) = run(&stack, &Run { is_dry: true, now: after(24), ..RUN }).await;
    assert_eq!((stack.table.uploads(), stack.bucket.everything()), (rows, objects));
    let wet = told(&stack).await;
    let settled = |outcome: &Outcome| matches!(outcome, Outcome::Verified | Outcome::Rejected);
    let wet: Told = wet
        .into_iter()
        .map(|(id, outcome)| (id, if settled(&outcome) { Outcome::Unsettled } else { outcome }))
        .collect();
    assert_eq!(dry, wet);
}

#[tokio::test]
async fn a_key_goes_on_with_the_next_page_of_the_list() {
    let stack = Stack::default();
    let mut uploads: Vec<_> = std::iter::repeat_with(sample::pending).take(1000).collect();
    uploads.sort_by_key(|upload| upload.key().to_string());
    for upload in &uploads {
        stack.file_at(&upload.key(), sample::PNG).await;
    }
    // The thousandth version is the newer one of the last key but one's, and not a file.
    let split = &uploads[998];
    stack.arrives(split);
    let (told, report) = run(&stack, &RUN).await;
    assert_eq!((report.versions, told.len(), stack.table.len()), (1001, 1000, 1000));
    let State::Ready(verified) = stack.state(split).await else { panic!("it is no file") };
    assert!(!stack.bucket.is_current(&split.key(), &verified.version), "the one that nobody verified");
}

#[tokio::test]
async fn what_everybody_holds_is_counted_again() {
    let stack = everything_out_of_order().await;
    let bob = Owner::of_subject("bob");
    stack.file_at(&UploadKey { owner: bob, ..sample::pending().key() }, sample::PNG).await;
    let (_, report) = run(&stack, &RUN).await;
    let owners = [Owner::of_subject("alice"), bob];
    assert_eq!((report.owners, report.mended), (owners.into(), 2));
    for owner in owners {
        let mut held = Held::default();
        for upload in stack.table.uploads().iter().filter(|upload| upload.owner == owner) {
            held += Held::by(upload);
        }
        assert!(held.files > 0);
        assert_eq!(stack.table.get_usage(owner).await.unwrap().unwrap().held, held);
    }
    assert_eq!(run(&stack, &RUN).await.1.mended, 0);
}

/// One of everything.
async fn everything_out_of_order() -> Stack {
    let stack = Stack::default();
    stack.confirmed().await;
    stack.file_at(&sample::pending().key(), sample::PNG).await;
    stack.arrives(&sample::pending());
    stack.file_at(&sample::pending().key(), b"<!doctype html>").await;
    stack.arrives(&stack.granted().await);
    stack.arrives_at(&stack.granted().await.key(), b"not what was granted");
    let twice = stack.granted_by_form().await;
    stack.file_at(&twice.key(), sample::PNG).await;
    stack.arrives(&twice);
    for state in tombstones() {
        let upload = sample::pending().in_state(state);
        stack.put(&upload).await;
        stack.arrives(&upload);
    }
    let nowhere = verified(VersionId::new("v0"), sample::NOW, Thumbnails::Pending);
    stack.put(&sample::pending().in_state(State::Ready(nowhere))).await;
    let hidden = sample::pending();
    stack.file_at(&hidden.key(), sample::PNG).await;
    stack.bucket.hide(&hidden.key());
    stack
}

/// What is left in the end: rows by what they say, and versions by whether they may be served.
fn end(stack: &Stack) -> (Vec<String>, Vec<bool>) {
    let row = |upload: &Upload| match &upload.state {
        State::Ready(verified) => format!("ready {:?} {:?}", verified.thumbnails, upload.due_at),
        state => format!("{} {:?}", state.as_str(), upload.due_at),
    };
    let mut rows: Vec<_> = stack.table.uploads().iter().map(row).collect();
    rows.sort();
    let mut objects: Vec<_> = stack.bucket.everything().iter().map(|kept| kept.is_tagged).collect();
    objects.sort_unstable();
    (rows, objects)
}

#[tokio::test]
async fn whichever_call_fails_the_next_run_comes_to_the_same_end() {
    let undisturbed = everything_out_of_order().await;
    told(&undisturbed).await;
    undisturbed.sweep_again(after(48)).await;
    let expected = end(&undisturbed);
    for has_effect in [false, true] {
        for port in 0..2 {
            for fails_at in 0.. {
                let stack = everything_out_of_order().await;
                let at = |which| if which == port { fails_at } else { usize::MAX };
                let bucket = Failing::at(&stack.bucket, at(0), has_effect);
                let table = Failing::at(&stack.table, at(1), has_effect);
                let mut report = Report::default();
                reindex(&bucket, &table, &Run { now: after(24), ..RUN }, &mut report, |_, _, _| {}).await;
                let has_failed = bucket.has_failed() || table.has_failed();
                assert_eq!(report.failed, u64::from(has_failed));
                if !has_failed {
                    assert!(fails_at > 0, "port {port} is never called");
                    break;
                }
                told(&stack).await;
                // What a refusal did not come to remove has a tombstone.
                stack.sweep_again(after(48)).await;
                assert_eq!(end(&stack), expected, "port {port}, call {fails_at}, effect {has_effect}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_do_no_harm() {
    let undisturbed = everything_out_of_order().await;
    told(&undisturbed).await;
    let expected = end(&undisturbed);
    for _ in 0..50 {
        let stack = Arc::new(everything_out_of_order().await);
        let runs: Vec<_> = (0..3)
            .map(|_| {
                let stack = stack.clone();
                tokio::spawn(async move { told(&stack).await })
            })
            .collect();
        let mut rebuilt = 0;
        for run in runs {
            let told = run.await.unwrap();
            rebuilt += told.iter().filter(|(_, outcome)| *outcome == Outcome::Rebuilt).count();
        }
        assert_eq!((rebuilt, end(&stack)), (1, expected.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_at_the_same_time_leaves_a_tombstone_and_nothing_else() {
    for _ in 0..200 {
        let stack = Arc::new(Stack::default());
        stack.confirmed().await;
        let file = stack.confirmed().await;
        let deleting = tokio::spawn({
            let (stack, file) = (stack.clone(), file.clone());
            async move { stack.delete(&file).await }
        });
        let running = tokio::spawn({
            let stack = stack.clone();
            async move { told(&stack).await }
        });
        deleting.await.unwrap();
        running.await.unwrap();
        assert_eq!((stack.state(&file).await, stack.versions(&file)), (State::Deleted, 0));
    }
}

#[tokio::test]
async fn a_row_that_came_back_by_somebody_else_stays_as_it_is() {
    let stack = Stack::default();
    let file = stack.confirmed().await;
    let gone = stack.table.update_upload(&file, &Transition::Delete { at: after(1) }).await;
    assert!(gone.unwrap().is_some());
    assert_eq!(told(&stack).await, only(&file, Outcome::Late));
    assert_eq!(stack.state(&file).await, State::Deleted);
}
