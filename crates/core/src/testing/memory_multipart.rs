//! Multipart uploads in memory: what [`MemoryBucket`] does of S3's, with its checks.

use super::MemoryBucket;
use super::memory_bucket::Contents;
use crate::checksum::Crc64Nvme;
use crate::error::StoreError;
use crate::key::CACHE_CONTROL;
use crate::parts::{MIN_PART_BYTES, PartNumber};
use crate::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, ListParts, MultipartCall, PartsPage,
    PresignMultipart, PresignPart, SignedCall, SignedPut, StoredHeaders, StoredPart, WantedPart,
};
use crate::upload::MultipartId;
use crate::{Upload, UploadKey};
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// How many parts one page lists. S3 has 1,000.
const PAGE: usize = 2;

/// A multipart upload under way.
pub(super) struct Open {
    pub(super) key: UploadKey,
    pub(super) begun_at: OffsetDateTime,
    headers: StoredHeaders,
    parts: BTreeMap<PartNumber, Part>,
}

/// A part that has arrived. Its checksum is computed once: parts are large.
struct Part {
    bytes: Vec<u8>,
    crc64nvme: Crc64Nvme,
}

/// What a signed part may be used for.
#[derive(Clone)]
pub(super) struct PartGrant {
    id: String,
    part: WantedPart,
}

impl MemoryBucket {
    /// Sends a part as a client would; answers S3's status.
    pub(super) fn send_part(&self, url: &str, headers: &[(String, String)], body: &[u8]) -> u16 {
        let mut contents = self.contents();
        let Some(PartGrant { id, part }) = contents.part_grants.get(url).cloned() else { return 403 };
        let needed = checksum_header(&part);
        if part.size_bytes.is_some_and(|granted| granted != body.len() as u64)
            || needed.iter().any(|header| !headers.contains(header))
        {
            return 403;
        }
        if part.crc64nvme.is_some_and(|granted| granted != crc64nvme(body)) {
            return 400;
        }
        let Some(open) = contents.multiparts.get_mut(&id) else { return 404 };
        open.parts.insert(part.number, Part { bytes: body.to_vec(), crc64nvme: crc64nvme(body) });
        200
    }

    /// How many multipart uploads are open.
    pub fn open_multiparts(&self) -> usize {
        self.contents().multiparts.len()
    }
}

impl CreateMultipart for MemoryBucket {
    async fn create_multipart(&self, upload: &Upload) -> Result<MultipartId, StoreError> {
        Ok(MultipartId::new(self.contents().begin(upload.key())))
    }
}

impl PresignPart for MemoryBucket {
    async fn presign_part(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        part: &WantedPart,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        let mut contents = self.contents();
        let count = contents.part_grants.len();
        let url = format!("memory:///{key}?partNumber={}&X-Amz-Signature={count}", part.number);
        contents.part_grants.insert(url.clone(), PartGrant { id: id.as_str().to_owned(), part: *part });
        Ok(SignedPut { url, headers: checksum_header(part), expires_at: now + lifetime })
    }
}

/// What a signed call may be used for.
#[derive(Clone)]
pub(super) struct CallGrant {
    key: UploadKey,
    call: MultipartCall,
    headers: Vec<(String, String)>,
}

impl PresignMultipart for MemoryBucket {
    async fn presign_multipart(
        &self,
        key: &UploadKey,
        call: &MultipartCall,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedCall, StoreError> {
        let headers = match call {
            MultipartCall::Create => vec![
                ("cache-control".to_owned(), CACHE_CONTROL.to_owned()),
                ("content-type".to_owned(), key.media_type.content_type().to_owned()),
            ],
            MultipartCall::Complete(_) => vec![("if-none-match".to_owned(), "*".to_owned())],
            MultipartCall::List(_) | MultipartCall::Abort(_) => Vec::new(),
        };
        let mut contents = self.contents();
        let url = format!("memory:///{key}?call&X-Amz-Signature={}", contents.call_grants.len());
        let grant = CallGrant { key: *key, call: call.clone(), headers: headers.clone() };
        contents.call_grants.insert(url.clone(), grant);
        Ok(SignedCall { url, headers, expires_at: now + lifetime })
    }
}

impl MemoryBucket {
    /// Makes a signed call as a client would; answers S3's status and, of a multipart upload that was begun, its name.
    pub async fn call(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> (u16, String) {
        let Some(grant) = self.contents().call_grants.get(url).cloned() else { return (403, String::new()) };
        let CallGrant { key, call, headers: needed } = grant;
        let granted = match &call {
            MultipartCall::Create | MultipartCall::Complete(_) => "POST",
            MultipartCall::List(_) => "GET",
            MultipartCall::Abort(_) => "DELETE",
        };
        if method != granted || needed.iter().any(|header| !headers.contains(header)) {
            return (403, String::new());
        }
        match call {
            MultipartCall::Create => {
                let id = self.contents().begin(key);
                (200, format!("<UploadId>{id}</UploadId>"))
            }
            MultipartCall::List(id) if self.contents().open(&key, &id).is_some() => (200, String::new()),
            MultipartCall::Abort(id) if self.contents().open(&key, &id).is_some() => {
                self.contents().multiparts.remove(id.as_str());
                (204, String::new())
            }
            MultipartCall::Complete(id) => {
                let parts = named_parts(body);
                let size_bytes = self.contents().open(&key, &id).map_or(0, |open| open.size_of(&parts));
                match self.complete_multipart(&key, &id, &parts, size_bytes, None).await {
                    Ok(Completion::Completed) => (200, String::new()),
                    Ok(Completion::Exists) => (412, String::new()),
                    Ok(Completion::Gone) => (404, String::new()),
                    Ok(Completion::Mismatch | Completion::UnderWay) | Err(_) => (400, String::new()),
                }
            }
            MultipartCall::List(_) | MultipartCall::Abort(_) => (404, String::new()),
        }
    }
}

impl Open {
    fn size_of(&self, parts: &[StoredPart]) -> u64 {
        parts.iter().filter_map(|part| self.parts.get(&part.number)).map(|part| part.bytes.len() as u64).sum()
    }
}

/// The parts that a client's XML names.
fn named_parts(xml: &str) -> Vec<StoredPart> {
    let between = |text: &str, tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let part = |text: &str| {
        let number = PartNumber::new(between(text, "PartNumber")?.parse().ok()?)?;
        let etag = format!("\"{}\"", between(text, "ETag")?.trim_matches('"'));
        Some(StoredPart { number, size_bytes: 0, etag, crc64nvme: None })
    };
    xml.split("</Part>").filter_map(part).collect()
}

impl ListParts for MemoryBucket {
    async fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> Result<Option<PartsPage>, StoreError> {
        let contents = self.contents();
        let Some(open) = contents.open(key, id) else { return Ok(None) };
        let behind = || open.parts.iter().filter(|(number, _)| after.is_none_or(|after| **number > after));
        let parts: Vec<_> = behind()
            .take(PAGE)
            .map(|(number, part)| StoredPart {
                number: *number,
                size_bytes: part.bytes.len() as u64,
                etag: part.etag(),
                crc64nvme: Some(part.crc64nvme),
            })
            .collect();
        let next = parts.last().map(|part| part.number).filter(|_| behind().count() > PAGE);
        Ok(Some(PartsPage { parts, next }))
    }
}

impl CompleteMultipart for MemoryBucket {
    async fn complete_multipart(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        parts: &[StoredPart],
        size_bytes: u64,
        said: Option<Crc64Nvme>,
    ) -> Result<Completion, StoreError> {
        let mut contents = self.contents();
        let Some(open) = contents.open(key, id) else { return Ok(Completion::Gone) };
        if contents.objects.contains_key(&key.to_string()) {
            return Ok(Completion::Exists);
        }
        let held: Option<Vec<&[u8]>> = parts
            .iter()
            .map(|part| {
                let held = open.parts.get(&part.number).filter(|held| held.etag() == part.etag);
                held.map(|held| &*held.bytes)
            })
            .collect();
        let Some(held) = held else { return Ok(Completion::Mismatch) };
        let (_, full) = held.split_last().expect("no upload has no parts");
        assert!(full.iter().all(|bytes| bytes.len() as u64 >= MIN_PART_BYTES), "EntityTooSmall");
        let bytes = held.concat();
        let crc = crc64nvme(&bytes);
        if bytes.len() as u64 != size_bytes || said.is_some_and(|said| said != crc) {
            return Ok(Completion::Mismatch);
        }
        let open = contents.multiparts.remove(id.as_str()).expect("it was found");
        contents.push(open.key.to_string(), bytes, open.headers, None);
        let stored = contents.find(&open.key, None).expect("it was pushed");
        stored.crc64nvme = Some(crc);
        Ok(Completion::Completed)
    }
}

impl AbortMultipart for MemoryBucket {
    async fn abort_multipart(&self, key: &UploadKey, id: &MultipartId) -> Result<(), StoreError> {
        let mut contents = self.contents();
        if contents.open(key, id).is_some() {
            contents.multiparts.remove(id.as_str());
        }
        Ok(())
    }
}

impl Contents {
    fn begin(&mut self, key: UploadKey) -> String {
        self.last_version += 1;
        let id = format!("m{}", self.last_version);
        let headers = StoredHeaders {
            content_type: Some(key.media_type.content_type().to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..StoredHeaders::default()
        };
        let open = Open { key, begun_at: self.now, headers, parts: BTreeMap::new() };
        self.multiparts.insert(id.clone(), open);
        id
    }

    fn open(&self, key: &UploadKey, id: &MultipartId) -> Option<&Open> {
        self.multiparts.get(id.as_str()).filter(|open| open.key == *key)
    }
}

fn checksum_header(part: &WantedPart) -> Vec<(String, String)> {
    part.crc64nvme.iter().map(|crc| ("x-amz-checksum-crc64nvme".to_owned(), crc.to_string())).collect()
}

impl Part {
    fn etag(&self) -> String {
        format!("\"{}\"", self.crc64nvme)
    }
}

/// The CRC-64/NVME of some bytes.
pub fn crc64nvme(bytes: &[u8]) -> Crc64Nvme {
    Crc64Nvme::new(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes))
}
