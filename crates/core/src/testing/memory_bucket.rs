//! A bucket in memory that enforces a signed PUT as S3 does.

use super::memory_multipart::{CallGrant, Open, PartGrant};
use super::sample;
use crate::checksum::{Crc64Nvme, Sha256};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::CACHE_CONTROL;
use crate::ports::{
    DeleteThumbnail, DeleteVersion, DeleteVersions, GetObject, GetVerdict, HeadObject, ListVersions,
    ObjectVersion, PresignPost, PresignPut, PutThumbnail, ReadChunk, SignedForm, SignedPut, Stored,
    StoredHeaders, StoredObject, TagVerified, Verdict,
};
use crate::upload::VersionId;
use crate::{ThumbnailKey, Upload, UploadKey};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use time::OffsetDateTime;

/// A versioned bucket in memory.
#[derive(Default)]
pub struct MemoryBucket {
    is_scanned: bool,
    contents: Mutex<Contents>,
    bytes_read: Arc<AtomicU64>,
}

pub(super) struct Contents {
    pub(super) now: OffsetDateTime,
    pub(super) last_version: u64,
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    grants: BTreeMap<String, (Upload, SignedPut)>,
    pub(super) multiparts: BTreeMap<String, Open>,
    pub(super) part_grants: BTreeMap<String, PartGrant>,
    pub(super) call_grants: BTreeMap<String, CallGrant>,
    forms: BTreeMap<String, (Upload, SignedForm)>,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            now: sample::NOW,
            last_version: 0,
            objects: BTreeMap::new(),
            grants: BTreeMap::new(),
            multiparts: BTreeMap::new(),
            part_grants: BTreeMap::new(),
            call_grants: BTreeMap::new(),
            forms: BTreeMap::new(),
        }
    }
}

pub(super) struct Version {
    pub(super) id: VersionId,
    pub(super) stored_at: OffsetDateTime,
    pub(super) bytes: Vec<u8>,
    headers: StoredHeaders,
    sha256: Option<Sha256>,
    pub(super) crc64nvme: Option<Crc64Nvme>,
    pub(super) is_tagged: bool,
    /// What the scanner has said, if it has.
    pub(super) scan: Option<Verdict>,
    pub(super) is_delete_marker: bool,
}

impl MemoryBucket {
    /// How many versions are listed at once: few, so that tests meet a second page.
    pub const MAX_LISTED: usize = 3;

    /// A bucket whose objects a malware scanner tags, and that serves only those it found clean.
    pub fn scanned() -> Self {
        Self { is_scanned: true, ..Self::default() }
    }

    /// Tags a version as the scanner does: with its verdict, beside what it found there.
    pub fn scan(&self, key: &UploadKey, version: &VersionId, verdict: Verdict) {
        if let Some(found) = self.contents().find(key, Some(version)) {
            found.scan = Some(verdict);
        }
    }

    /// Tags a version as a scanner does that read the tags before ours was there: ours is lost.
    pub fn scan_without_ours(&self, key: &UploadKey, version: &VersionId, verdict: Verdict) {
        if let Some(found) = self.contents().find(key, Some(version)) {
            (found.scan, found.is_tagged) = (Some(verdict), false);
        }
    }

    /// Sends a PUT of a file or of a part as a client would; answers S3's status.
    pub fn send(&self, url: &str, headers: &[(String, String)], body: &[u8]) -> u16 {
        if url.contains("?partNumber=") {
            return self.send_part(url, headers, body);
        }
        let (upload, signed) = match self.contents().grants.get(url) {
            Some(grant) => grant.clone(),
            None => return 403,
        };
        if !upload.size.admits(body.len() as u64)
            || signed.headers.iter().any(|header| !headers.contains(header))
        {
            return 403;
        }
        let sha256 = Sha256::of(body);
        if upload.sha256.is_some_and(|granted| granted != sha256) {
            return 400;
        }
        if self.contents().find(&upload.key(), None).is_some() {
            return 412;
        }
        let headers = StoredHeaders {
            content_type: Some(upload.media_type.content_type().to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        self.store(&upload.key(), headers, upload.sha256, body);
        200
    }

    /// Sends a form as a client would; answers S3's status.
    pub fn send_form(&self, url: &str, fields: &[(String, String)], file: &[u8]) -> u16 {
        let signature = fields.iter().find(|(name, _)| name == "x-amz-signature");
        let found = signature.and_then(|(_, signature)| self.contents().forms.get(signature).cloned());
        let Some((upload, signed)) = found else { return 403 };
        if url != signed.url || fields != signed.fields {
            return 403;
        }
        if !upload.size.admits(file.len() as u64) {
            return 400;
        }
        let headers = StoredHeaders {
            content_type: Some(upload.media_type.content_type().to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        self.store(&upload.key(), headers, None, file);
        201
    }

    /// Sets the time at which the next things are stored: [`sample::NOW`] until then.
    pub fn set_now(&self, now: OffsetDateTime) {
        self.contents().now = now;
    }

    /// Stores an object past every check, as only somebody who broke in could.
    pub fn store(
        &self,
        key: &UploadKey,
        headers: StoredHeaders,
        sha256: Option<Sha256>,
        bytes: &[u8],
    ) -> VersionId {
        self.contents().push(key.to_string(), bytes.to_vec(), headers, sha256)
    }

    /// The keys of everything stored, as far as it is not hidden by a delete marker.
    pub fn keys(&self) -> Vec<String> {
        let contents = self.contents();
        let current = contents.objects.iter().filter(|(_, versions)| current(versions).is_some());
        current.map(|(key, _)| key.clone()).collect()
    }

    /// How many versions there are of everything, hidden ones and delete markers included.
    pub fn all_versions(&self) -> usize {
        self.contents().objects.values().map(Vec::len).sum()
    }

    /// How many versions lie under a key.
    pub fn versions(&self, key: &UploadKey) -> usize {
        self.contents().objects.get(&key.to_string()).map_or(0, Vec::len)
    }

    /// Whether the current version under a key would be served.
    pub fn is_served(&self, key: &UploadKey) -> bool {
        let is_clean = |version: &Version| matches!(version.scan, Some(Verdict::Clean { .. }));
        let mut contents = self.contents();
        let current = contents.find(key, None);
        current.is_some_and(|version| version.is_tagged && (!self.is_scanned || is_clean(version)))
    }

    /// What lies under a key, as text.
    pub fn text(&self, key: &impl ToString) -> Option<String> {
        let contents = self.contents();
        let current = current(contents.objects.get(&key.to_string())?)?;
        Some(String::from_utf8_lossy(&current.bytes).into_owned())
    }

    /// How many bytes were read of objects' bodies so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    pub(super) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().expect("no test panics while holding it")
    }
}

impl Contents {
    pub(super) fn push(
        &mut self,
        key: String,
        bytes: Vec<u8>,
        headers: StoredHeaders,
        sha256: Option<Sha256>,
    ) -> VersionId {
        let id = self.next_id();
        let version = Version {
            id: id.clone(),
            stored_at: self.now,
            bytes,
            headers,
            sha256,
            crc64nvme: None,
            is_tagged: false,
            scan: None,
            is_delete_marker: false,
        };
        self.objects.entry(key).or_default().push(version);
        id
    }

    fn next_id(&mut self) -> VersionId {
        self.last_version += 1;
        VersionId::new(format!("v{}", self.last_version))
    }

    /// Hides what lies under a key.
    pub(super) fn push_delete_marker(&mut self, key: String) {
        let marker = Version {
            id: self.next_id(),
            stored_at: self.now,
            bytes: Vec::new(),
            headers: StoredHeaders::default(),
            sha256: None,
            crc64nvme: None,
            is_tagged: false,
            scan: None,
            is_delete_marker: true,
        };
        self.objects.entry(key).or_default().push(marker);
    }

    fn remove(&mut self, key: &str, version: &VersionId) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.retain(|stored| stored.id != *version);
        }
        self.objects.retain(|_, versions| !versions.is_empty());
    }

    pub(super) fn find(&mut self, key: &UploadKey, version: Option<&VersionId>) -> Option<&mut Version> {
        let versions = self.objects.get_mut(&key.to_string())?;
        let found = match version {
            None => versions.last_mut(),
            Some(id) => versions.iter_mut().find(|version| version.id == *id),
        };
        found.filter(|found| !found.is_delete_marker)
    }
}

fn current(versions: &[Version]) -> Option<&Version> {
    versions.last().filter(|version| !version.is_delete_marker)
}

impl PresignPut for MemoryBucket {
    async fn presign_put(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        let mut headers = vec![
            ("cache-control".to_owned(), CACHE_CONTROL.to_owned()),
            ("content-type".to_owned(), upload.media_type.content_type().to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
        ];
        headers.extend(upload.sha256.map(|sha256| ("x-amz-checksum-sha256".to_owned(), sha256.to_string())));
        let mut contents = self.contents();
        let url = format!("memory:///{}?X-Amz-Signature={}", upload.key(), contents.grants.len());
        let signed = SignedPut { url: url.clone(), headers, expires_at: now + lifetime };
        contents.grants.insert(url, (upload.clone(), signed.clone()));
        Ok(signed)
    }
}

impl PresignPost for MemoryBucket {
    async fn presign_post(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedForm, StoreError> {
        let mut contents = self.contents();
        let signature = format!("f{}", contents.forms.len());
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = vec![
            field("key", &upload.key().to_string()),
            field("Content-Type", upload.media_type.content_type()),
            field("Cache-Control", CACHE_CONTROL),
            field("x-amz-signature", &signature),
        ];
        let form = SignedForm { url: "memory:///".to_owned(), fields, expires_at: now + lifetime };
        contents.forms.insert(signature, (upload.clone(), form.clone()));
        Ok(form)
    }
}

impl HeadObject for MemoryBucket {
    async fn head_object(
        &self,
        key: &UploadKey,
        version: Option<&VersionId>,
        with_checksums: bool,
    ) -> Result<Option<StoredObject>, StoreError> {
        let first = usize::try_from(StoredObject::FIRST_BYTES).expect("512 fits");
        Ok(self.contents().find(key, version).map(|found| StoredObject {
            version: found.id.clone(),
            stored_at: Some(found.stored_at),
            size_bytes: found.bytes.len() as u64,
            headers: found.headers.clone(),
            sha256: found.sha256.filter(|_| with_checksums),
            crc64nvme: found.crc64nvme.filter(|_| with_checksums),
            first_bytes: found.bytes.iter().copied().take(first).collect(),
        }))
    }
}

impl GetObject for MemoryBucket {
    type Body = MemoryBody;

    async fn get_object(
        &self,
        key: &UploadKey,
        version: &VersionId,
    ) -> Result<Option<MemoryBody>, StoreError> {
        let body = |found: &mut Version| MemoryBody {
            bytes: found.bytes.clone(),
            place: 0,
            bytes_read: Arc::clone(&self.bytes_read),
        };
        Ok(self.contents().find(key, Some(version)).map(body))
    }
}

/// The bytes of an object, [`Self::CHUNK_BYTES`] at a time.
pub struct MemoryBody {
    bytes: Vec<u8>,
    place: usize,
    bytes_read: Arc<AtomicU64>,
}

impl MemoryBody {
    /// How many bytes come at once.
    pub const CHUNK_BYTES: usize = 16;
}

impl ReadChunk for MemoryBody {
    type Chunk = Vec<u8>;

    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let left = &self.bytes[self.place..];
        let chunk = left[..left.len().min(Self::CHUNK_BYTES)].to_vec();
        self.place += chunk.len();
        self.bytes_read.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

impl GetVerdict for MemoryBucket {
    async fn get_verdict(&self, key: &UploadKey, version: &VersionId) -> Result<Option<Verdict>, StoreError> {
        if !self.is_scanned {
            return Ok(Some(Verdict::NotAsked));
        }
        Ok(self.contents().find(key, Some(version)).map(|found| {
            match found.scan.unwrap_or(Verdict::Awaited) {
                Verdict::Clean { .. } => Verdict::Clean { is_verified: found.is_tagged },
                said => said,
            }
        }))
    }
}

impl TagVerified for MemoryBucket {
    async fn tag_verified(&self, key: &UploadKey, version: &VersionId) -> Result<bool, StoreError> {
        let verdict = self.get_verdict(key, version).await?;
        if matches!(verdict, Some(Verdict::Awaited | Verdict::Malware | Verdict::Unscannable)) {
            // As the bucket policy does to whoever would write the scanner's tag in its place.
            let source = "the scanner has not called it clean".into();
            return Err(StoreError { operation: "PutObjectTagging", kind: StoreErrorKind::Denied, source });
        }
        Ok(self.contents().find(key, Some(version)).map(|found| found.is_tagged = true).is_some())
    }
}

impl DeleteVersion for MemoryBucket {
    async fn delete_version(&self, key: &UploadKey, version: &VersionId) -> Result<(), StoreError> {
        self.contents().remove(&key.to_string(), version);
        Ok(())
    }
}

impl ListVersions for MemoryBucket {
    async fn list_versions(&self, of: &Stored) -> Result<Vec<ObjectVersion>, StoreError> {
        let is_of = |key: &str| match of {
            Stored::File(file) => key == file.to_string(),
            Stored::Thumbnails(prefix) => key.starts_with(&prefix.to_string()),
        };
        let contents = self.contents();
        let objects = contents.objects.iter().filter(|(key, _)| is_of(key));
        let versions = objects.flat_map(|(key, versions)| {
            let version = |version: &Version| ObjectVersion { key: key.clone(), version: version.id.clone() };
            versions.iter().rev().map(version)
        });
        Ok(versions.take(Self::MAX_LISTED).collect())
    }
}

impl DeleteVersions for MemoryBucket {
    async fn delete_versions(&self, versions: &[ObjectVersion]) -> Result<(), StoreError> {
        let mut contents = self.contents();
        for ObjectVersion { key, version } in versions {
            contents.remove(key, version);
        }
        Ok(())
    }
}

impl PutThumbnail for MemoryBucket {
    async fn put_thumbnail(&self, key: &ThumbnailKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.contents().push(key.to_string(), bytes, StoredHeaders::default(), None);
        Ok(())
    }
}

impl DeleteThumbnail for MemoryBucket {
    async fn delete_thumbnail(&self, key: &ThumbnailKey) -> Result<(), StoreError> {
        self.contents().push_delete_marker(key.to_string());
        Ok(())
    }
}
