//! The real use cases on storage in memory, the clients who send, the queue that tells: everything a history is played on.

use crate::life::{Found, Life, Pictures, Truth, assembled};
use crate::ports::{Gate, Gated};
use crate::script::{Allowed, Body, Call, EVERYTHING, File, Renders, Says};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::{Duration, OffsetDateTime};
use valet_core::checksum::Sha256;
use valet_core::complete_upload::Said;
use valet_core::confirm_upload::Confirmed;
use valet_core::generate_thumbnails::Outcome;
use valet_core::issue_upload::{Grant, NewUpload, Signed};
use valet_core::key::{Area, CACHE_CONTROL, ThumbnailFormat};
use valet_core::list_files::PageSize;
use valet_core::parts::MIN_PART_BYTES;
use valet_core::policy::Policy;
use valet_core::ports::{SignedPut, StoredHeaders};
use valet_core::settle::Arrival;
use valet_core::sign_parts::AskedPart;
use valet_core::sweep_uploads::{Limits, Report, Run};
use valet_core::testing::{FakeRender, MemoryBucket, MemoryCdn, MemoryQueue, MemoryTable, sample};
use valet_core::upload::{MultipartId, State, Thumbnails, VersionId};
use valet_core::usage::Quota;
use valet_core::{
    Error, MediaType, Owner, Upload, UploadId, UploadKey, cancel_upload, confirm_upload, delete_file,
    generate_thumbnails, issue_upload, list_files, read_file, read_upload, resign_upload, sign_parts,
    sweep_uploads,
};

pub(crate) const LIMITS: Limits = Limits {
    grace: crate::life::GRACE,
    walk_pages: 2,
    object_age: Duration::DAY,
    multipart_age: Duration::HOUR,
};

/// Storage, time, and what everybody outside knows.
pub(crate) struct World {
    pub(crate) bucket: MemoryBucket,
    pub(crate) table: MemoryTable,
    pub(crate) cdn: MemoryCdn,
    pub(crate) queue: MemoryQueue,
    pub(crate) now: Cell<OffsetDateTime>,
    pub(crate) limits: Cell<Limits>,
    pub(crate) allowed: Cell<Allowed>,
    pub(crate) entries: RefCell<Vec<Entry>>,
    pub(crate) arrivals: RefCell<Vec<Told>>,
}

/// An upload that was asked for, and what the model and its client know of it.
pub(crate) struct Entry {
    pub(crate) owner: u8,
    pub(crate) file: File,
    pub(crate) key: Option<u8>,
    pub(crate) id: UploadId,
    /// The key of its object.
    pub(crate) path: String,
    /// Where its thumbnails lie.
    pub(crate) thumbnails: String,
    pub(crate) asked_at: OffsetDateTime,
    pub(crate) life: Life,
    pub(crate) confirmed_at: Option<OffsetDateTime>,
    /// Whether a run that meant it has failed or was killed.
    pub(crate) is_disturbed: bool,
    /// Whether somebody broke in.
    pub(crate) is_overwritten: bool,
    /// Every object that was ever stored for it.
    pub(crate) objects: Vec<Truth>,
    /// What its client has sent of its parts since they were begun.
    pub(crate) parts: [Option<Body>; 2],
    put: Option<SignedPut>,
    part_puts: [Option<SignedPut>; 2],
}

/// Something that S3 or the sweep tells the queue.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) key: UploadKey,
    pub(crate) version: VersionId,
    /// Whether it was worked off at least once.
    pub(crate) is_done: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            bucket: MemoryBucket::default(),
            table: MemoryTable::default(),
            cdn: MemoryCdn::default(),
            queue: MemoryQueue::default(),
            now: Cell::new(sample::NOW),
            limits: Cell::new(LIMITS),
            allowed: Cell::new(Allowed::Everything),
            entries: RefCell::default(),
            arrivals: RefCell::default(),
        }
    }
}

pub(crate) fn owner_of(number: u8) -> Owner {
    static OWNERS: LazyLock<[Owner; 2]> = LazyLock::new(|| ["alice", "bob"].map(Owner::of_subject));
    OWNERS[usize::from(number)]
}

impl Entry {
    pub(crate) fn ends_at(&self) -> OffsetDateTime {
        self.asked_at + self.file.lifetime()
    }

    pub(crate) fn key(&self) -> UploadKey {
        UploadKey {
            owner: owner_of(self.owner),
            id: self.id,
            media_type: media_type(self.file),
            area: Area::WriteOnce,
        }
    }

    /// The size it is granted for.
    pub(crate) fn size_bytes(&self) -> u64 {
        right_bytes(self.file).len() as u64
    }
}

/// The name S3 has for a row's parts, if it goes up in parts. The one place that knows how a row says so.
pub(crate) fn multipart_id(upload: &Upload) -> Option<&str> {
    upload.transfer.multipart_id().map(MultipartId::as_str)
}

/// The size in a row. The one place that knows how a row says so.
pub(crate) fn row_bytes(upload: &Upload) -> u64 {
    upload.size.most()
}

/// A row in the model's words.
pub(crate) fn life_of(row: Option<&Upload>) -> Life {
    let Some(row) = row else { return Life::Nothing };
    match &row.state {
        State::Pending => Life::Pending,
        State::Ready(verified) => {
            let pictures = match &verified.thumbnails {
                Thumbnails::None => Pictures::None,
                Thumbnails::Pending => Pictures::Awaited,
                Thumbnails::Ready(made) => {
                    Pictures::Made(made.iter().map(|made| made.name.as_str().to_owned()).collect())
                }
                Thumbnails::Failed(reason) => Pictures::Failed(reason.clone()),
            };
            Life::Ready(verified.version.as_str().to_owned(), pictures)
        }
        State::Rejected(reason) => Life::Rejected(reason.code().to_owned()),
        State::Expired => Life::Expired,
        State::Cancelled => Life::Cancelled,
        State::Deleted => Life::Deleted,
    }
}

fn media_type(file: File) -> MediaType {
    match file {
        File::Bound => MediaType::Jpeg,
        File::Clip | File::Film => MediaType::Mp4,
        _ => MediaType::Png,
    }
}

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";

/// Two parts, the right and the wrong ones of each.
static PARTS: LazyLock<[[Vec<u8>; 2]; 2]> = LazyLock::new(|| {
    let bytes = usize::try_from(MIN_PART_BYTES).unwrap();
    let mut right = MP4.to_vec();
    right.resize(bytes, 7);
    [[right, vec![7; bytes]], [vec![1], vec![2]]]
});

static FILM: LazyLock<Vec<u8>> = LazyLock::new(|| [&*PARTS[0][0], &*PARTS[1][0]].concat());

/// What a client says that knows what it has sent.
static SAID: LazyLock<Said> = LazyLock::new(|| Said {
    crc64nvme: Some(sample::crc64nvme(&FILM).to_string()),
    etags: (0..2).map(|part| (part + 1, etag(&PARTS[usize::try_from(part).unwrap()][0]))).collect(),
});

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", sample::crc64nvme(bytes))
}

fn right_bytes(file: File) -> &'static [u8] {
    match file {
        File::Bound => JPEG,
        File::Clip => MP4,
        File::Film => &FILM,
        _ => sample::PNG,
    }
}

fn content(file: File, body: Body) -> Vec<u8> {
    let right = right_bytes(file);
    match body {
        Body::Right | Body::Mistyped => right.to_vec(),
        Body::Wrong => vec![7; right.len()],
        Body::Short => right[..12].to_vec(),
    }
}

fn said(says: Says) -> Said {
    let crc64nvme = |text: &str| Said { crc64nvme: Some(text.to_owned()), etags: Vec::new() };
    match says {
        Says::Nothing => Said::default(),
        Says::Crc => Said { etags: Vec::new(), ..SAID.clone() },
        Says::OtherCrc => crc64nvme("rosUhgp5mIg="),
        Says::Etags => Said { crc64nvme: None, ..SAID.clone() },
        Says::Garbled => crc64nvme("AAAA"),
    }
}

fn new_upload(file: File, key: Option<u8>) -> NewUpload {
    let good = NewUpload {
        filename: "cat".to_owned(),
        content_type: media_type(file).content_type().to_owned(),
        size_bytes: right_bytes(file).len() as u64,
        part_bytes: file.is_film().then_some(MIN_PART_BYTES),
        sha256: (file == File::Bound).then(|| Sha256::of(JPEG).to_string()),
        idempotency_key: key.map(|key| format!("key-{key}")),
        place: None,
    };
    match file {
        File::Image | File::Bound | File::Clip | File::Film => good,
        File::Nameless => NewUpload { filename: String::new(), ..good },
        File::Empty => NewUpload { size_bytes: 0, ..good },
        File::Html => NewUpload { content_type: "text/html".to_owned(), ..good },
        File::Huge => NewUpload { size_bytes: (1 << 20) + 1, ..good },
        File::MisSummed => NewUpload { sha256: Some("AAAA".to_owned()), ..good },
        File::TinyParts => NewUpload { part_bytes: Some(MIN_PART_BYTES - 1), ..good },
    }
}

/// What is allowed, as the code under test is told.
fn quota(allowed: Allowed) -> Quota {
    let none = Quota::default();
    match allowed {
        Allowed::Everything => none,
        Allowed::Files(files) => Quota { files: Some(files.into()), ..none },
        Allowed::Pictures(_) => Quota { bytes: allowed_bytes(allowed), ..none },
        Allowed::Pending(pending) => Quota { pending: Some(pending.into()), ..none },
        Allowed::Grants(grants) => Quota { grants_per_minute: Some(grants.into()), ..none },
        Allowed::Each(each) => Quota {
            files: Some(each.into()),
            bytes: allowed_bytes(allowed),
            pending: Some(each.into()),
            grants_per_minute: Some(each.into()),
        },
    }
}

/// How many bytes an owner may have, if it is bounded.
pub(crate) fn allowed_bytes(allowed: Allowed) -> Option<u64> {
    let picture = sample::PNG.len() as u64;
    match allowed {
        Allowed::Pictures(pictures) => Some(picture * u64::from(pictures)),
        Allowed::Each(pictures) => Some(FILM.len() as u64 + picture * u64::from(pictures)),
        Allowed::Everything | Allowed::Files(_) | Allowed::Pending(_) | Allowed::Grants(_) => None,
    }
}

/// `ok`, or the code of an error.
fn code<T>(result: Result<T, Error>, ok: &str) -> String {
    match result {
        Ok(_) => ok.to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

impl World {
    /// Prepares what a call will need: a place for what it asks for, and what is allowed.
    pub(crate) fn prepare(&self, call: &Call) {
        if let Call::Limit(allowed) = call {
            self.allowed.set(*allowed);
        }
        let Call::Issue { owner, file, key: idempotency_key } = call else { return };
        let mut entries = self.entries.borrow_mut();
        let number = entries.len() + 1;
        let id = UploadId::parse(&format!("01936f2e-8b5a-7c3d-9e4f-{number:012x}")).unwrap();
        let key =
            UploadKey { owner: owner_of(*owner), id, media_type: media_type(*file), area: Area::WriteOnce };
        entries.push(Entry {
            path: key.to_string(),
            thumbnails: format!("thumbnails/{}/{id}/", owner_of(*owner)),
            owner: *owner,
            file: *file,
            key: *idempotency_key,
            id,
            asked_at: self.now.get(),
            life: Life::Nothing,
            confirmed_at: None,
            is_disturbed: false,
            is_overwritten: false,
            objects: Vec::new(),
            parts: [None; 2],
            put: None,
            part_puts: [None, None],
        });
    }

    /// Which upload a number means.
    pub(crate) fn entry_of(&self, number: u8) -> usize {
        usize::from(number) % self.entries.borrow().len()
    }

    /// The upload a call means: one, none, or all (of which none is named).
    pub(crate) fn meant(&self, call: &Call) -> Option<usize> {
        match call {
            Call::Put { upload, .. }
            | Call::PutPart { upload, .. }
            | Call::Overwrite { upload, .. }
            | Call::Confirm { upload, .. }
            | Call::Resign(upload)
            | Call::SignParts(upload)
            | Call::Cancel(upload)
            | Call::Delete(upload)
            | Call::Read(upload)
            | Call::Trespass(upload)
            | Call::Visit(upload) => Some(self.entry_of(*upload)),
            Call::Arrive { .. } => self.told_by(call).and_then(|told| self.with_id(told.key.id)),
            Call::Issue { .. } | Call::Wait(_) | Call::Limit(_) | Call::List { .. } | Call::Sweep { .. } => {
                None
            }
        }
    }

    /// What the queue tells in a call.
    pub(crate) fn told_by(&self, call: &Call) -> Option<Told> {
        let Call::Arrive { event: number, .. } = call else { return None };
        let arrivals = self.arrivals.borrow();
        (!arrivals.is_empty()).then(|| arrivals[usize::from(*number) % arrivals.len()].clone())
    }

    pub(crate) fn with_id(&self, id: UploadId) -> Option<usize> {
        self.entries.borrow().iter().position(|entry| entry.id == id)
    }

    pub(crate) fn rows(&self) -> BTreeMap<UploadId, Upload> {
        self.table.uploads().into_iter().map(|upload| (upload.id, upload)).collect()
    }

    /// What lies in the bucket of an upload.
    pub(crate) fn found(&self, entry: usize, rows: &BTreeMap<UploadId, Upload>) -> Found {
        let entry = &self.entries.borrow()[entry];
        let key = &entry.path;
        let versions = self.bucket.everything().into_iter().filter(|kept| kept.key == *key);
        let known = |version: &str| entry.objects.iter().find(|object| object.version == version).cloned();
        let multiparts = self.bucket.multiparts();
        let id = rows.get(&entry.id).and_then(multipart_id);
        Found {
            versions: versions.filter_map(|kept| known(kept.version.as_str())).collect(),
            is_open: id.is_some_and(|id| multiparts.iter().any(|(_, open)| open.as_str() == id)),
            parts: entry.parts,
        }
    }

    /// Notes what has come into the bucket without a client having said so: what S3 has put together.
    pub(crate) fn notice(&self) {
        for kept in self.bucket.everything() {
            let Some(key) = UploadKey::parse(&kept.key) else { continue };
            let Some(entry) = self.with_id(key.id) else { continue };
            let mut entries = self.entries.borrow_mut();
            let entry = &mut entries[entry];
            if entry.objects.iter().all(|object| object.version != kept.version.as_str()) {
                let parts = entry.parts.map(|part| part.expect("S3 puts together what has arrived"));
                entry.objects.push(assembled(kept.version.as_str(), parts));
                drop(entries);
                self.tell(key, kept.version);
            }
        }
    }

    fn tell(&self, key: UploadKey, version: VersionId) {
        self.arrivals.borrow_mut().push(Told { key, version, is_done: false });
    }

    /// What the sweep has sent to the queue.
    pub(crate) fn requeued(&self) {
        for (key, version) in self.queue.sent() {
            self.tell(key, version);
        }
    }

    /// Makes a call and says what it answered.
    #[expect(clippy::too_many_lines, reason = "an arm for each call")]
    pub(crate) async fn perform(
        &self,
        call: &Call,
        reserved: usize,
        told: Option<&Told>,
        gate: &Gate,
    ) -> String {
        let now = self.now.get();
        let objects = &Gated { inner: &self.bucket, gate };
        let uploads = &Gated { inner: &self.table, gate };
        let cdn = &Gated { inner: &self.cdn, gate };
        let queue = &Gated { inner: &self.queue, gate };
        let policy = Policy { quota: quota(self.allowed.get()), ..sample::policy() };
        let target = |number: u8| {
            let entry = &self.entries.borrow()[self.entry_of(number)];
            (owner_of(entry.owner), entry.id)
        };
        match call {
            Call::Wait(minutes) => {
                self.now.set(now + Duration::minutes((*minutes).into()));
                self.bucket.set_now(self.now.get());
                "ok".to_owned()
            }
            // It is prepared, and holds from then on.
            Call::Limit(_) => "ok".to_owned(),
            Call::Issue { owner: number, file, key } => {
                let id = self.entries.borrow()[reserved].id;
                self.entries.borrow_mut()[reserved].asked_at = now;
                let new = new_upload(*file, *key);
                match issue_upload(objects, uploads, &policy, now, owner_of(*number), id, new).await {
                    Ok(Grant { upload, request }) => {
                        let entry = self.with_id(upload.id).expect("a known id");
                        let answer = if request.is_some() { "signed" } else { "known" };
                        self.hold(entry, request);
                        format!("{answer} {entry}")
                    }
                    Err(error) => error.code().to_owned(),
                }
            }
            Call::Put { upload, body, late } => self.put(self.entry_of(*upload), *body, *late),
            Call::PutPart { upload, part, body } => self.put_part(self.entry_of(*upload), *part, *body),
            Call::Overwrite { upload, body } => self.overwrite(self.entry_of(*upload), *body),
            Call::Resign(upload) => {
                let (owner, id) = target(*upload);
                let grant = resign_upload(objects, uploads, &policy, now, owner, id).await;
                grant.map_or_else(
                    |error| error.code().to_owned(),
                    |grant| {
                        self.hold(self.entry_of(*upload), grant.request);
                        "signed".to_owned()
                    },
                )
            }
            Call::SignParts(upload) => {
                let (owner, id) = target(*upload);
                let asked = [1, 2].map(|number| AskedPart { number, crc64nvme: None });
                let signed = sign_parts(objects, uploads, &policy, now, owner, id, &asked).await;
                signed.map_or_else(
                    |error| error.code().to_owned(),
                    |signed| {
                        self.hold(self.entry_of(*upload), Some(Signed::Parts(signed)));
                        "signed".to_owned()
                    },
                )
            }
            Call::Confirm { upload, said: says } => {
                let (owner, id) = target(*upload);
                match confirm_upload(objects, uploads, now, owner, id, &said(*says)).await {
                    Ok(Confirmed::File(upload)) if matches!(upload.state, State::Ready(_)) => {
                        "file".to_owned()
                    }
                    Ok(confirmed) => format!("{confirmed:?}"),
                    Err(error) => error.code().to_owned(),
                }
            }
            Call::Cancel(upload) => {
                let (owner, id) = target(*upload);
                code(cancel_upload(objects, uploads, owner, id).await, "ok")
            }
            Call::Delete(upload) => {
                let (owner, id) = target(*upload);
                code(delete_file(objects, uploads, cdn, now, owner, id).await, "ok")
            }
            Call::Read(upload) => {
                let (owner, id) = target(*upload);
                let state = match read_upload(uploads, now, owner, id).await {
                    Ok(upload) => upload.state.as_str().to_owned(),
                    Err(error) => error.code().to_owned(),
                };
                let file = read_file(uploads, owner, id).await;
                format!("{state}, {}", code(file, "file"))
            }
            Call::Trespass(upload) => {
                let by = {
                    let entry = &self.entries.borrow()[self.entry_of(*upload)];
                    owner_of(1 - entry.owner)
                };
                let (_, id) = target(*upload);
                let asked = [AskedPart { number: 1, crc64nvme: None }];
                let nothing = Said::default();
                [
                    code(confirm_upload(objects, uploads, now, by, id, &nothing).await, "ok"),
                    code(cancel_upload(objects, uploads, by, id).await, "ok"),
                    code(delete_file(objects, uploads, cdn, now, by, id).await, "ok"),
                    code(read_upload(uploads, now, by, id).await, "ok"),
                    code(read_file(uploads, by, id).await, "ok"),
                    code(resign_upload(objects, uploads, &policy, now, by, id).await, "ok"),
                    code(sign_parts(objects, uploads, &policy, now, by, id, &asked).await, "ok"),
                ]
                .join(", ")
            }
            Call::List { owner: number, size } => {
                let size = PageSize::parse(&size.to_string()).unwrap();
                let (mut listed, mut after) = (Vec::new(), None);
                loop {
                    let page = match list_files(uploads, owner_of(*number), after, size).await {
                        Ok(page) => page,
                        Err(error) => return error.code().to_owned(),
                    };
                    listed.extend(page.files.iter().filter_map(|file| self.with_id(file.id)));
                    match page.next {
                        Some(next) => after = Some(next),
                        None => return format!("{listed:?}"),
                    }
                }
            }
            Call::Visit(upload) => {
                self.visit(self.entry_of(*upload));
                "ok".to_owned()
            }
            Call::Arrive { names_version, renders, .. } => {
                let Some(told) = told else { return "nothing".to_owned() };
                let arrival = Arrival::Event(told.key, Some(told.version.clone()).filter(|_| *names_version));
                let render = match renders {
                    Renders::Small => FakeRender::of(&[("small", ThumbnailFormat::Jpeg)]),
                    Renders::SmallAndLarge => {
                        FakeRender::of(&[("small", ThumbnailFormat::Jpeg), ("large", ThumbnailFormat::Webp)])
                    }
                    Renders::Nothing => FakeRender::failing("corrupt"),
                };
                let answer = match generate_thumbnails(objects, uploads, &render, now, &arrival).await {
                    Ok(Outcome::Made { .. }) => "made",
                    Ok(Outcome::Failed { reason, .. }) => reason,
                    Ok(Outcome::NotNeeded) => "not_needed",
                    Ok(Outcome::Rejected(_)) => "rejected",
                    Ok(Outcome::Unscanned) => "unscanned",
                    Ok(Outcome::Gone) => "gone",
                    Err(_) => return "try_later".to_owned(),
                };
                let mut arrivals = self.arrivals.borrow_mut();
                let same = |other: &&mut Told| other.key == told.key && other.version == told.version;
                for told in arrivals.iter_mut().filter(same) {
                    told.is_done |= *names_version;
                }
                answer.to_owned()
            }
            Call::Sweep { time_for } => {
                let begun = AtomicUsize::new(0);
                let has_time = || {
                    *time_for == EVERYTHING || begun.fetch_add(1, Ordering::Relaxed) < usize::from(*time_for)
                };
                let run = Run { now, limits: self.limits.get(), has_time };
                let mut report = Report::default();
                sweep_uploads(objects, uploads, cdn, uploads, queue, &run, &mut report).await;
                match report.failures.first() {
                    Some(failure) => format!("{failure:?}"),
                    None if report.counts.mended > 0 => "a counter was wrong".to_owned(),
                    None if report.is_truncated => "out of time".to_owned(),
                    None => "ok".to_owned(),
                }
            }
        }
    }

    /// What a client keeps of an answer.
    fn hold(&self, entry: usize, request: Option<Signed>) {
        let entry = &mut self.entries.borrow_mut()[entry];
        match request {
            Some(Signed::Put(put)) => entry.put = Some(put),
            Some(Signed::Parts(parts)) => {
                for part in parts {
                    entry.part_puts[usize::from(part.number.get()) - 1] = Some(part.put);
                }
            }
            None => {}
        }
    }

    /// Whether a client can still begin with what it holds.
    fn is_good(&self, put: &SignedPut) -> bool {
        self.now.get() < put.expires_at
    }

    fn put(&self, number: usize, body: Body, late: bool) -> String {
        let (put, key, file) = {
            let entry = &self.entries.borrow()[number];
            (entry.put.clone(), entry.key(), entry.file)
        };
        let Some(put) = put.filter(|put| late || self.is_good(put)) else { return "nothing".to_owned() };
        let status = self.bucket.send(&put.url, &put.headers, &content(file, body));
        if status == 200 {
            let wrong = (body != Body::Right).then_some("content_mismatch");
            self.stored(number, key, wrong);
        }
        status.to_string()
    }

    fn overwrite(&self, number: usize, body: Body) -> String {
        let (key, file, life) = {
            let entry = &mut self.entries.borrow_mut()[number];
            entry.is_overwritten = true;
            (entry.key(), entry.file, entry.life.clone())
        };
        if file.refusal().is_some() || life == Life::Nothing {
            return "nothing".to_owned();
        }
        let body = if file.is_film() { Body::Short } else { body };
        let content_type = if body == Body::Mistyped { "text/html" } else { key.media_type.content_type() };
        let headers = StoredHeaders {
            content_type: Some(content_type.to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        self.bucket.store(&key, headers, None, &content(file, body));
        let wrong = match body {
            Body::Short => Some("size_mismatch"),
            _ if file == File::Bound => Some("checksum_mismatch"),
            Body::Mistyped => Some("headers_mismatch"),
            Body::Wrong => Some("content_mismatch"),
            Body::Right => None,
        };
        self.stored(number, key, wrong);
        "ok".to_owned()
    }

    /// Notes what has just been stored, of which S3 tells.
    fn stored(&self, number: usize, key: UploadKey, wrong: Option<&'static str>) {
        let text = key.to_string();
        let newest =
            self.bucket.everything().into_iter().rfind(|kept| kept.key == text).expect("it is stored");
        let truth = Truth { version: newest.version.as_str().to_owned(), wrong, parts: None };
        self.entries.borrow_mut()[number].objects.push(truth);
        self.tell(key, newest.version);
    }

    fn put_part(&self, number: usize, part: u8, body: Body) -> String {
        let part = usize::from(part % 2);
        let put = self.entries.borrow()[number].part_puts[part].clone();
        let Some(put) = put.filter(|put| self.is_good(put)) else { return "nothing".to_owned() };
        let wrong = usize::from(body != Body::Right);
        let status = self.bucket.send(&put.url, &put.headers, &PARTS[part][wrong]);
        if status == 200 {
            let body = if wrong == 0 { Body::Right } else { Body::Wrong };
            self.entries.borrow_mut()[number].parts[part] = Some(body);
        }
        status.to_string()
    }

    /// A reader asks the CDN, which asks the bucket for what is tagged, and for thumbnails.
    fn visit(&self, number: usize) {
        let entry = &self.entries.borrow()[number];
        if entry.file.is_film() || !self.bucket.is_served(&entry.key()) {
            return;
        }
        self.cdn.serves(&self.bucket, &entry.key());
        if let Life::Ready(_, Pictures::Made(names)) = &entry.life {
            for name in names {
                self.cdn.serves(&self.bucket, &format!("{}{name}.jpg", entry.thumbnails));
            }
        }
    }
}
