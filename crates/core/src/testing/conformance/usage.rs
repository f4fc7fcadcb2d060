//! What counting must do: rows and counters change together or not at all, and nobody gets more than fits however many ask at once.

use super::{Put, PutUpload, Table, transitions, verify};
use crate::ports::{DueShard, DueUsage, IdempotencyRecord, ListDueUsage, MAX_GRANTS, NewGrant, PutOutcome};
use crate::testing::sample::{self, NOW};
use crate::upload::{MultipartId, Size, State, Thumbnails, Transfer, Transition};
use crate::usage::{Claim, Counters, Held, Minute, Quota, RECOUNT_AFTER, Window};
use crate::{Owner, Upload};
use futures_util::future::join_all;
use std::num::NonZeroU16;
use time::{Duration, OffsetDateTime};

/// Runs every behaviour of counting but the index.
pub(super) async fn usage(table: &impl Table, fresh: &impl Fn() -> Upload) {
    every_move_changes_the_counters_by_what_it_changes(table, fresh).await;
    a_lost_move_changes_no_counter(table, fresh).await;
    a_grant_whose_parts_were_named_meanwhile_is_not_taken_back(table, fresh).await;
    rows_that_were_never_counted_are_taken_away_all_the_same(table, fresh).await;
    grants_are_recorded_together_or_not_at_all(table, fresh).await;
    a_refusal_says_what_is_held(table, fresh).await;
    a_taken_key_is_told_beside_a_full_quota(table, fresh).await;
    the_grants_of_a_minute_are_counted_in_one_window(table, fresh).await;
    of_racing_grants_as_many_are_recorded_as_fit(table, fresh).await;
    a_recount_is_written_at_its_revision_and_at_no_other(table, fresh).await;
    all_of_an_owners_uploads_are_listed(table, fresh).await;
}

/// An owner of whom there is nothing yet.
fn somebody(fresh: &impl Fn() -> Upload) -> Owner {
    Owner::of_subject(&fresh().id.to_string())
}

async fn counters(table: &impl Table, owner: Owner) -> Counters {
    table.get_usage(owner).await.unwrap().unwrap_or_default()
}

fn grant(upload: Upload) -> NewGrant {
    NewGrant { upload, idempotency: None }
}

fn claim(quota: Quota, seen: Option<&Counters>, grants: &[NewGrant]) -> Claim {
    Claim::new(quota, seen, NOW, grants.iter().map(|grant| &grant.upload))
}

fn refused(outcome: PutOutcome) -> (Vec<usize>, Option<Counters>) {
    match outcome {
        PutOutcome::Refused { taken, counters } => (taken, counters),
        other => panic!("it was not refused: {other:?}"),
    }
}

async fn every_move_changes_the_counters_by_what_it_changes(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    assert_eq!(table.get_usage(owner).await.unwrap(), None);
    let mut expected = Held::default();
    for state in sample::states() {
        for size in [Size::Exact(7), Size::AtMost(9)] {
            for transition in transitions() {
                let upload = Upload { owner, size, ..fresh().in_state(state.clone()) };
                table.put_upload(&upload, None).await.unwrap();
                let before = counters(table, owner).await;
                expected += Held::by(&upload);
                assert_eq!(before.held, expected);
                let moved = table.update_upload(&upload, &transition).await.unwrap();
                let change = moved.map(|moved| Held::change(&upload, &moved)).unwrap_or_default();
                expected += change;
                let after = counters(table, owner).await;
                assert_eq!(after.held, expected, "{state:?} by {transition:?}");
                let counted = u64::from(!change.is_nothing());
                assert_eq!(after.revision - before.revision, counted, "{state:?} by {transition:?}");
                assert_eq!((after.minute, after.granted), (before.minute, before.granted));
            }
        }
    }
}

async fn a_lost_move_changes_no_counter(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    let upload = Upload { owner, ..fresh() };
    table.put_upload(&upload, None).await.unwrap();
    let first = verify(Thumbnails::None);
    let ready = table.update_upload(&upload, &first).await.unwrap().expect("nobody was first");
    let after = counters(table, owner).await;
    // By somebody who has read it before.
    for late in [first, Transition::Cancel, Transition::Expire { at: upload.expires_at }] {
        assert_eq!(table.update_upload(&upload, &late).await.unwrap(), None, "{late:?}");
        assert_eq!(counters(table, owner).await, after, "{late:?}");
    }
    let delete = Transition::Delete { at: NOW };
    let both = join_all([table.update_upload(&ready, &delete), table.update_upload(&ready, &delete)]).await;
    assert_eq!(both.into_iter().filter_map(Result::unwrap).count(), 1);
    assert_eq!(counters(table, owner).await.held, Held::default());
    table.put_upload(&upload, None).await.unwrap();
    assert_eq!(counters(table, owner).await.held, Held::default(), "a late put counts once more");
}

async fn a_grant_whose_parts_were_named_meanwhile_is_not_taken_back(
    table: &impl Table,
    fresh: &impl Fn() -> Upload,
) {
    let owner = somebody(fresh);
    let upload = Upload { owner, transfer: Transfer::LooseParts(None), ..fresh() };
    table.put_upload(&upload, None).await.unwrap();
    let name = Transition::NameMultipart(MultipartId::new("named"));
    let named = table.update_upload(&upload, &name).await.unwrap().expect("nobody was first");
    for end in [Transition::Cancel, Transition::Expire { at: upload.expires_at }] {
        assert_eq!(table.update_upload(&upload, &end).await.unwrap(), None, "its parts would be left");
    }
    assert_eq!(counters(table, owner).await.held, Held::by(&upload));
    let ended =
        table.update_upload(&named, &Transition::Cancel).await.unwrap().expect("it is as it was read");
    assert_eq!(ended.transfer, named.transfer);
    assert_eq!(counters(table, owner).await.held, Held::default());
}

async fn rows_that_were_never_counted_are_taken_away_all_the_same(
    table: &impl Table,
    fresh: &impl Fn() -> Upload,
) {
    let owner = somebody(fresh);
    let upload = Upload { owner, ..fresh() };
    table.put_upload(&upload, None).await.unwrap();
    // As rows are that are older than the counters.
    let revision = counters(table, owner).await.revision;
    assert!(table.put_usage(owner, &Held::default(), revision).await.unwrap());
    table.update_upload(&upload, &Transition::Cancel).await.unwrap().expect("it is pending");
    let bytes = -i64::try_from(upload.size.most()).expect("it is small");
    let below = counters(table, owner).await;
    assert_eq!(below.held, Held { files: -1, bytes, pending: -1 });
    let read = below.seen_at(Minute::of(NOW));
    assert_eq!((read.files, read.bytes, read.pending), (0, 0, 0));
    // Whoever has less than nothing may still be granted something.
    let grants = [grant(Upload { owner, ..fresh() })];
    let quota =
        Quota { files: Some(1), bytes: Some(upload.size.most()), pending: Some(1), ..Quota::default() };
    let outcome = table.put_uploads(&grants, &claim(quota, Some(&below), &grants)).await.unwrap();
    assert_eq!(outcome, PutOutcome::Created);
}

async fn grants_are_recorded_together_or_not_at_all(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    let record = |upload: &Upload| IdempotencyRecord {
        key_hash: format!("key-{}", upload.id),
        fingerprint: "f".to_owned(),
        upload_id: upload.id,
        expires_at: NOW + Duration::DAY,
    };
    let keyed = || {
        let upload = Upload { owner, ..fresh() };
        NewGrant { idempotency: Some(record(&upload)), upload }
    };
    let grants: Vec<_> = std::iter::repeat_with(keyed).take(MAX_GRANTS).collect();
    let first = claim(Quota::default(), None, &grants);
    assert_eq!(table.put_uploads(&grants, &first).await.unwrap(), PutOutcome::Created);
    let after = counters(table, owner).await;
    assert_eq!((after.held, after.granted, after.revision), (first.held, 25, 1));
    for NewGrant { upload, idempotency } in &grants {
        assert_eq!(table.get_upload(owner, upload.id).await.unwrap().as_ref(), Some(upload));
        let key = format!("key-{}", upload.id);
        assert_eq!(table.get_idempotency_record(owner, &key, NOW).await.unwrap(), *idempotency);
    }
    // One of their keys comes again, among others.
    let mut again: Vec<_> = std::iter::repeat_with(keyed).take(3).collect();
    again[1].idempotency.clone_from(&grants[7].idempotency);
    let second = claim(Quota::default(), Some(&after), &again);
    assert_eq!(refused(table.put_uploads(&again, &second).await.unwrap()), (vec![1], None));
    for NewGrant { upload, .. } in &again {
        assert_eq!(table.get_upload(owner, upload.id).await.unwrap(), None, "half of it was recorded");
    }
    assert_eq!(counters(table, owner).await, after);
}

async fn a_refusal_says_what_is_held(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    let one = || [grant(Upload { owner, ..fresh() })];
    let size = one()[0].upload.size.most();
    let none = Quota::default();
    for _ in 0..2 {
        table.put_upload(&one()[0].upload, None).await.unwrap();
    }
    let held = counters(table, owner).await;
    for full in [
        Quota { files: Some(2), ..none },
        Quota { bytes: Some(3 * size - 1), ..none },
        Quota { pending: Some(2), ..none },
        Quota { grants_per_minute: Some(2), ..none },
    ] {
        let grants = one();
        let outcome = table.put_uploads(&grants, &claim(full, Some(&held), &grants)).await.unwrap();
        assert_eq!(refused(outcome), (vec![], Some(held)), "{full:?}");
        assert_eq!(table.get_upload(owner, grants[0].upload.id).await.unwrap(), None);
    }
    assert_eq!(counters(table, owner).await, held);
    let enough =
        Quota { files: Some(3), bytes: Some(3 * size), pending: Some(3), grants_per_minute: Some(3) };
    let grants = one();
    let outcome = table.put_uploads(&grants, &claim(enough, Some(&held), &grants)).await.unwrap();
    assert_eq!(outcome, PutOutcome::Created);
}

async fn a_taken_key_is_told_beside_a_full_quota(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    let upload = Upload { owner, ..fresh() };
    let record = IdempotencyRecord {
        key_hash: format!("key-{}", upload.id),
        fingerprint: "f".to_owned(),
        upload_id: upload.id,
        expires_at: NOW + Duration::DAY,
    };
    assert_eq!(table.put_upload(&upload, Some(&record)).await.unwrap(), Put::Created);
    let held = counters(table, owner).await;
    let grants = [NewGrant { upload: Upload { owner, ..fresh() }, idempotency: Some(record) }];
    let quota = Quota { files: Some(1), ..Quota::default() };
    let outcome = table.put_uploads(&grants, &claim(quota, Some(&held), &grants)).await.unwrap();
    assert_eq!(refused(outcome), (vec![0], Some(held)));
}

async fn the_grants_of_a_minute_are_counted_in_one_window(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    let put = async |at: OffsetDateTime, seen: Option<&Counters>| {
        let grants = [grant(Upload { owner, ..fresh() })];
        let claim = Claim::new(Quota::default(), seen, at, [&grants[0].upload]);
        let outcome = table.put_uploads(&grants, &claim).await.unwrap();
        (outcome == PutOutcome::Created, counters(table, owner).await)
    };
    let (first, seen) = put(NOW, None).await;
    assert!(first);
    assert_eq!((seen.minute, seen.granted), (Minute::of(NOW), 1));
    assert!(!put(NOW, None).await.0, "its window began twice");
    let (second, seen) = put(NOW, Some(&seen)).await;
    assert!(second);
    assert_eq!((seen.minute, seen.granted), (Minute::of(NOW), 2));
    let later = NOW + Duration::MINUTE;
    let (third, now) = put(later, Some(&seen)).await;
    assert!(third);
    assert_eq!((now.minute, now.granted), (Minute::of(later), 1));
    // Whoever has looked before, and whose clock is behind.
    assert!(!put(NOW, Some(&seen)).await.0, "it was counted in a window that has passed");
    let (fourth, last) = put(NOW, Some(&now)).await;
    assert!(fourth);
    assert_eq!((last.minute, last.granted), (Minute::of(later), 2));
}

async fn of_racing_grants_as_many_are_recorded_as_fit(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let owner = somebody(fresh);
    let first = Upload { owner, ..fresh() };
    table.put_upload(&first, None).await.unwrap();
    let seen = counters(table, owner).await;
    let quota = Quota { files: Some(8), ..Quota::default() };
    let race = (0..50).map(|_| {
        let grants = [grant(Upload { owner, ..fresh() })];
        let claim = claim(quota, Some(&seen), &grants);
        assert_eq!(claim.window, Window::Same(seen.minute));
        async move { table.put_uploads(&grants, &claim).await.unwrap() }
    });
    let outcomes = join_all(race).await;
    let created = outcomes.iter().filter(|outcome| **outcome == PutOutcome::Created).count();
    assert_eq!(created, 7);
    let held = counters(table, owner).await;
    assert_eq!((held.held.files, held.granted), (8, 8));
}

async fn a_recount_is_written_at_its_revision_and_at_no_other(
    table: &impl Table,
    fresh: &impl Fn() -> Upload,
) {
    let owner = somebody(fresh);
    let counted = Held { files: 3, bytes: 30, pending: 1 };
    assert!(!table.put_usage(owner, &counted, 1).await.unwrap(), "there were no counters");
    assert!(table.put_usage(owner, &counted, 0).await.unwrap());
    let first = counters(table, owner).await;
    assert_eq!((first.held, first.revision, first.granted), (counted, 1, 0));
    assert!(!table.put_usage(owner, &Held::default(), 0).await.unwrap());
    let upload = Upload { owner, ..fresh() };
    table.put_upload(&upload, None).await.unwrap();
    let second = counters(table, owner).await;
    assert!(!table.put_usage(owner, &counted, first.revision).await.unwrap(), "a grant would be forgotten");
    assert_eq!(counters(table, owner).await, second);
    assert!(table.put_usage(owner, &Held::by(&upload), second.revision).await.unwrap());
    let third = counters(table, owner).await;
    assert_eq!((third.minute, third.granted), (second.minute, second.granted), "the minute began again");
    assert_eq!((third.held, third.revision), (Held::by(&upload), second.revision + 1));
}

async fn all_of_an_owners_uploads_are_listed(table: &impl Table, fresh: &impl Fn() -> Upload) {
    let (owner, other) = (somebody(fresh), somebody(fresh));
    let mut uploads = Vec::new();
    for state in sample::states() {
        let upload = Upload { owner, ..fresh().in_state(state) };
        table.put_upload(&upload, None).await.unwrap();
        table.put_upload(&Upload { owner: other, ..fresh() }, None).await.unwrap();
        uploads.push(upload);
    }
    uploads.sort_by_key(|upload| std::cmp::Reverse(upload.id));
    for rows in [1, 5, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let rows = NonZeroU16::new(rows).expect("it is not zero");
            let page = table.list_uploads(owner, after, rows).await.unwrap();
            assert!(page.uploads.len() <= usize::from(rows.get()));
            seen.extend(page.uploads);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, uploads, "{rows} a page");
    }
}

/// Of the index, which is a view of the same table.
pub(super) async fn counters_are_due_a_day_after_their_first_change(
    table: &impl Table,
    index: &impl ListDueUsage,
    fresh: &impl Fn() -> Upload,
) {
    let owner = somebody(fresh);
    let upload = Upload { owner, ..fresh() };
    table.put_upload(&upload, None).await.unwrap();
    let due_at = upload.created_at + RECOUNT_AFTER;
    let due = Some(DueUsage { owner, due_at });
    assert_eq!(listed(index, owner, due_at).await, due);
    assert_eq!(listed(index, owner, due_at - Duration::MILLISECOND).await, None);
    let ready =
        table.update_upload(&upload, &verify(Thumbnails::None)).await.unwrap().expect("it is pending");
    assert!(matches!(ready.state, State::Ready(_)));
    assert_eq!(listed(index, owner, due_at).await, due, "a later change puts it off");
    let revision = counters(table, owner).await.revision;
    assert!(!table.put_usage(owner, &Held::default(), revision - 1).await.unwrap());
    assert_eq!(listed(index, owner, due_at).await, due);
    assert!(table.put_usage(owner, &Held::by(&ready), revision).await.unwrap());
    let far = due_at + Duration::weeks(1000);
    assert_eq!(listed(index, owner, far).await, None, "it is counted again though nothing has changed");
    let deleted_at = NOW + Duration::weeks(3);
    table.update_upload(&ready, &Transition::Delete { at: deleted_at }).await.unwrap().expect("it is ready");
    let due_at = deleted_at + RECOUNT_AFTER;
    let due = DueUsage { owner, due_at };
    assert_eq!(listed(index, owner, far).await, Some(due));
    // Put off, by whoever saw it as it is and by nobody else.
    let later = due_at + RECOUNT_AFTER;
    table.put_off_usage(&DueUsage { owner, due_at: NOW }, later).await.unwrap();
    assert_eq!(listed(index, owner, due_at).await, Some(due));
    table.put_off_usage(&due, later).await.unwrap();
    assert_eq!(listed(index, owner, due_at).await, None);
    assert_eq!(listed(index, owner, later).await, Some(DueUsage { owner, due_at: later }));
    table.put_off_usage(&DueUsage { owner: somebody(fresh), due_at }, later).await.unwrap();
    // One a page.
    let shard = DueShard::of_owner(owner);
    let others =
        std::iter::repeat_with(|| somebody(fresh)).filter(|other| DueShard::of_owner(*other) == shard);
    let others: Vec<_> = others.take(2).collect();
    for owner in &others {
        table.put_upload(&Upload { owner: *owner, ..fresh() }, None).await.unwrap();
    }
    let (mut seen, mut after): (Vec<DueUsage>, _) = (Vec::new(), None);
    loop {
        let page = index.list_due_usage(shard, far, after.as_ref(), 1).await.unwrap();
        assert!(page.due.len() <= 1, "{page:?}");
        seen.extend(page.due);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.iter().is_sorted_by_key(|due| due.due_at), "{seen:?}");
    for owner in others.iter().chain([&owner]) {
        assert_eq!(seen.iter().filter(|due| due.owner == *owner).count(), 1, "{seen:?}");
    }
}

async fn listed(index: &impl ListDueUsage, owner: Owner, until: OffsetDateTime) -> Option<DueUsage> {
    let mut after = None;
    loop {
        let shard = DueShard::of_owner(owner);
        let page = index.list_due_usage(shard, until, after.as_ref(), 1000).await.unwrap();
        if let Some(due) = page.due.into_iter().find(|due| due.owner == owner) {
            return Some(due);
        }
        after = Some(page.next?);
    }
}
