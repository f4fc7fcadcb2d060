//! Random histories of a stack whose table is set back to a moment in the middle of them, or lost: `reindex` and the sweeps after it bring
//! back every file, and nothing that had ended.

use super::stack::{Stack, after};
use proptest::prelude::*;
use time::Duration;
use valet_core::complete_upload::Said;
use valet_core::generate_thumbnails::{self, generate_thumbnails};
use valet_core::key::ThumbnailFormat;
use valet_core::ports::{ListVersions, Stored};
use valet_core::reindex::{Report, Run};
use valet_core::settle::Arrival;
use valet_core::testing::{FakeRender, MemoryTable, sample};
use valet_core::upload::{Size, State, Transfer, VersionId};
use valet_core::{MediaType, Upload, UploadKey, cancel_upload, confirm_upload, delete_file, reindex};

/// What somebody does, to the upload of this number, counted from 0 and around; so are arrivals.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A grant: for a picture, for a document, or for a picture by a form that may be sent more than once.
    Issue(u8),
    /// The client sends what was granted, or something else, under a URL that is still good, as all of them are.
    Put {
        upload: u8,
        is_right: bool,
    },
    /// An event is worked off, perhaps not for the first time.
    Arrive(u8),
    Confirm(u8),
    Cancel(u8),
    Delete(u8),
    /// An hour passes, and the sweep runs.
    Sweep,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..3_u8).prop_map(Act::Issue),
        6 => (any::<u8>(), prop::bool::weighted(0.85)).prop_map(|(upload, is_right)| Act::Put { upload, is_right }),
        4 => any::<u8>().prop_map(Act::Arrive),
        3 => any::<u8>().prop_map(Act::Confirm),
        1 => any::<u8>().prop_map(Act::Cancel),
        2 => any::<u8>().prop_map(Act::Delete),
        1 => Just(Act::Sweep),
    ];
    prop::collection::vec(act, 1..60)
}

/// What happens between the restoring and `reindex`, although it should wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct First {
    events: bool,
    sweep: bool,
}

/// A stack, whom it has given grants, and what S3 has told the queue of.
#[derive(Default)]
struct World {
    stack: Stack,
    uploads: Vec<Upload>,
    arrivals: Vec<(UploadKey, VersionId)>,
    /// Arrivals that were worked off at least once.
    delivered: Vec<bool>,
    hours: i64,
}

impl World {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Issue(kind) => self.issue(kind).await,
            Act::Put { upload, is_right } => self.send(upload, is_right),
            Act::Arrive(event) if !self.arrivals.is_empty() => {
                self.arrive(usize::from(event) % self.arrivals.len()).await;
            }
            Act::Confirm(upload) => {
                let Some(Upload { owner, id, .. }) = self.upload(upload) else { return };
                let Stack { bucket, table, .. } = &self.stack;
                _ = confirm_upload(bucket, table, after(self.hours), *owner, *id, &Said::default()).await;
            }
            Act::Cancel(upload) => {
                let Some(Upload { owner, id, .. }) = self.upload(upload) else { return };
                _ = cancel_upload(&self.stack.bucket, &self.stack.table, *owner, *id).await;
            }
            Act::Delete(upload) => {
                let Some(Upload { owner, id, .. }) = self.upload(upload) else { return };
                let Stack { bucket, table, cdn, .. } = &self.stack;
                _ = delete_file(bucket, table, cdn, after(self.hours), *owner, *id).await;
            }
            Act::Sweep => {
                self.hours += 1;
                self.sweep().await;
            }
            Act::Arrive(_) => {}
        }
    }

    fn upload(&self, number: u8) -> Option<&Upload> {
        self.uploads.get(usize::from(number).checked_rem(self.uploads.len())?)
    }

    async fn issue(&mut self, kind: u8) {
        let now = after(self.hours);
        let sample = sample::pending();
        let expires_at = now + Duration::HOUR;
        let upload = Upload { created_at: now, expires_at, due_at: Some(expires_at), ..sample };
        let upload = match kind {
            0 => upload,
            1 => Upload { media_type: MediaType::Pdf, size: Size::Exact(9), ..upload },
            _ => Upload { transfer: Transfer::Form, size: Size::AtMost(1000), ..upload },
        };
        self.stack.put(&upload).await;
        self.uploads.push(upload);
    }

    /// What is written once is refused where something lies.
    fn send(&mut self, upload: u8, is_right: bool) {
        let Some(upload) = self.upload(upload) else { return };
        let key = upload.key();
        let is_over = after(self.hours) >= upload.expires_at;
        if is_over || (upload.transfer == Transfer::Put && self.stack.bucket.text(&key).is_some()) {
            return;
        }
        let bytes = match (is_right, upload.media_type) {
            (true, MediaType::Pdf) => b"%PDF-1.7\n".as_slice(),
            (true, _) => sample::PNG,
            (false, MediaType::Pdf) => b"<!doctype".as_slice(),
            (false, _) => &[b'<'; 10],
        };
        let version = self.stack.arrives_at(&key, bytes);
        self.arrivals.push((key, version));
        self.delivered.push(false);
    }

    async fn arrive(&mut self, event: usize) {
        let (key, version) = self.arrivals[event].clone();
        self.work_off(key, version).await;
        self.delivered[event] = true;
    }

    async fn work_off(&self, key: UploadKey, version: VersionId) -> generate_thumbnails::Outcome {
        let Stack { bucket, table, .. } = &self.stack;
        let render = FakeRender::of(&[("small", ThumbnailFormat::Jpeg)]);
        let arrival = Arrival::Event(key, Some(version));
        generate_thumbnails(bucket, table, &render, after(self.hours), &arrival).await.unwrap()
    }

    async fn sweep(&self) {
        self.stack.sweep(after(self.hours)).await;
        for (key, version) in self.stack.queue.sent() {
            self.work_off(key, version).await;
        }
    }

    /// Everything that the queue still holds.
    async fn deliver_the_rest(&mut self) {
        for event in 0..self.arrivals.len() {
            if !self.delivered[event] {
                self.arrive(event).await;
            }
        }
    }
}

/// What became of the uploads of a history, as far as it can be told, and what the stack then says.
async fn play(acts: &[Act], copied_at: usize, is_lost: bool, first: First) {
    let mut world = World::default();
    let mut copy = MemoryTable::default();
    for (place, act) in acts.iter().enumerate() {
        if place == copied_at && !is_lost {
            copy = world.stack.table.copy();
        }
        world.act(*act).await;
    }
    let mut truth = Vec::new();
    for upload in &world.uploads {
        let left = world.stack.bucket.list_versions(&Stored::File(upload.key())).await.unwrap().len();
        truth.push((world.stack.row(upload).await, left));
    }
    world.stack.table = copy;
    if first.events {
        world.deliver_the_rest().await;
    }
    if first.sweep {
        // What is rowless is a day old by then.
        world.hours += 25;
        _ = world.stack.sweep_again(after(world.hours)).await;
    }
    let run = Run { now: after(world.hours), has_scanner: false, is_dry: false, expects_missing: true };
    let mut report = Report::default();
    reindex(&world.stack.bucket, &world.stack.table, &run, &mut report, |_, _, _| {}).await;
    assert_eq!((report.failed, report.is_broken_off), (0, false), "{:?}", report.failures);
    for hours in [0, 1, 1, 24, 24] {
        world.hours += hours;
        world.sweep().await;
        world.deliver_the_rest().await;
    }
    for (was, left) in truth {
        match &was.state {
            // A form may have been sent more than once: who looks before `reindex`, and knows of no tag, takes the first to come, and may
            // refuse it. That is why the sweep and the events wait.
            State::Ready(_) if was.transfer == Transfer::Form && first != First::default() => {}
            State::Ready(verified) => {
                let row = world.stack.row(&was).await;
                let State::Ready(now) = &row.state else { panic!("{} is lost: {:?}", was.id, row.state) };
                assert_eq!(row.key(), was.key());
                assert_eq!((&now.version, row.size), (&verified.version, was.size));
            }
            // What lay there came after its end or before anybody had looked: the older table cannot tell.
            State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted if left == 0 => {
                assert!(!world.stack.bucket.is_served(&was.key()), "{} came back", was.id);
                let rows = world.stack.table.uploads();
                let is_file = |row: &Upload| row.id == was.id && matches!(row.state, State::Ready(_));
                assert!(!rows.iter().any(is_file), "{} is listed again", was.id);
            }
            State::Pending | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => {}
        }
    }
    all_is_in_order(&world).await;
}

/// Every row that says ready has its file, which is served; nothing else lies there; nothing waits for ever.
async fn all_is_in_order(world: &World) {
    let stack = &world.stack;
    let rows = stack.table.uploads();
    for row in &rows {
        let is_file = matches!(row.state, State::Ready(_));
        assert!(row.state != State::Pending, "{} is pending for ever", row.id);
        assert_eq!(stack.is_served_as_file(row).await, is_file, "{row:?}");
    }
    for kept in stack.bucket.everything() {
        let Some(key) = UploadKey::parse(&kept.key) else { continue };
        let row = rows.iter().find(|row| row.key() == key);
        let row = row.unwrap_or_else(|| panic!("{} has no row", kept.key));
        assert!(matches!(&row.state, State::Ready(verified) if verified.version == kept.version), "{row:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_file_is_a_file_again_and_nothing_that_ended_comes_back(
        acts in acts(),
        copied_at in 0..60_usize,
        is_lost in prop::bool::weighted(0.2),
        events in prop::bool::weighted(0.3),
        sweep in prop::bool::weighted(0.3),
    ) {
        let copied_at = copied_at % acts.len();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(&acts, copied_at, is_lost, First { events, sweep }));
    }
}
