//! Puts the parts of a multipart upload together, so that there is an object to settle. What S3 lists is the truth; what the client says
//! about its parts is compared with it. It never moves the upload: that is [`crate::settle()`]'s to do, of the object alone.

use crate::checksum::Crc64Nvme;
use crate::error::{Error, FieldError, StoreError};
use crate::parts::{MIN_PART_BYTES, PartNumber};
use crate::ports::{CompleteMultipart, Completion, ListParts, StoredPart};
use crate::upload::{Multipart, MultipartId, Transfer};
use crate::{Upload, UploadKey};
use std::collections::BTreeMap;

/// What a client says about a file whose parts it has sent. All of it is optional.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// CRC-64/NVME over the whole file, as padded base64. S3 makes no object of parts that do not have it.
    pub crc64nvme: Option<String>,
    /// The `ETag` that S3 answered with, by part number.
    pub etags: Vec<(u64, String)>,
}

impl Said {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.crc64nvme.is_none() && self.etags.is_empty()
    }

    /// The checksum, if it is one.
    pub(crate) fn checksum(&self) -> Result<Option<Crc64Nvme>, Error> {
        let Some(text) = &self.crc64nvme else { return Ok(None) };
        Crc64Nvme::parse(text).map(Some).ok_or_else(|| {
            let detail = "must be the base64 of 8 bytes: 12 characters";
            Error::InvalidRequest(vec![FieldError::new("/checksum/crc64nvme", detail)])
        })
    }
}

/// Whether there is something to settle now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assembled {
    /// Yes, unless somebody has removed it again.
    Yes,
    /// Not yet: S3 is at it.
    UnderWay,
    /// No: the parts that the client names come to more than was granted.
    TooLarge,
}

/// Asks S3 to put the parts together. May be asked any number of times, by several at once.
pub(crate) async fn complete_upload(
    objects: &(impl ListParts + CompleteMultipart),
    upload: &Upload,
    said: &Said,
) -> Result<Assembled, Error> {
    let crc64nvme = said.checksum()?;
    let Some(id) = upload.transfer.multipart_id() else { return Ok(Assembled::Yes) };
    let key = upload.key();
    let Some(stored) = list_all(objects, &key, id).await? else {
        // An earlier call completed it, or it was aborted: the object says which.
        return Ok(Assembled::Yes);
    };
    let parts = match &upload.transfer {
        Transfer::Parts(multipart) => {
            let parts = all_or_missing(multipart, stored)?;
            compare(&parts, &said.etags)?;
            parts
        }
        Transfer::Put | Transfer::Form | Transfer::LooseParts(_) => named(stored, &said.etags)?,
    };
    let size_bytes = total(&parts);
    if !upload.size.admits(size_bytes) {
        let is_more = size_bytes > upload.size.most();
        return if is_more { Ok(Assembled::TooLarge) } else { Err(Error::NotUploaded { denied: None }) };
    }
    let completion = objects.complete_multipart(&key, id, &parts, size_bytes, crc64nvme).await?;
    match completion {
        Completion::Completed | Completion::Exists | Completion::Gone => Ok(Assembled::Yes),
        Completion::UnderWay => Ok(Assembled::UnderWay),
        Completion::Mismatch => Err(Error::PartsMismatch),
    }
}

/// Every part that S3 holds, in order; `None` when it knows no such multipart upload.
pub(crate) async fn list_all(
    objects: &impl ListParts,
    key: &UploadKey,
    id: &MultipartId,
) -> Result<Option<Vec<StoredPart>>, StoreError> {
    let mut stored = Vec::new();
    let mut after = None;
    loop {
        let Some(page) = objects.list_parts(key, id, after).await? else { return Ok(None) };
        stored.extend(page.parts);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Some(stored)),
        }
    }
}

/// Every part of the file in order, if S3 holds each with its size.
fn all_or_missing(multipart: &Multipart, stored: Vec<StoredPart>) -> Result<Vec<StoredPart>, Error> {
    let mut stored = by_number(stored);
    let found: Vec<_> = multipart
        .parts
        .numbers()
        .filter_map(|number| {
            stored.remove(&number).filter(|part| Some(part.size_bytes) == multipart.parts.size_of(number))
        })
        .collect();
    let count = multipart.parts.count();
    let missing = count - u16::try_from(found.len()).expect("at most one for each number");
    if missing == 0 { Ok(found) } else { Err(Error::PartsMissing { missing, count }) }
}

/// Whether S3 holds what the client says it sent. Parts it says nothing about are taken as they are.
fn compare(parts: &[StoredPart], etags: &[(u64, String)]) -> Result<(), Error> {
    let is_stored = |number: u64, etag: &str| {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(is_same(&parts.get(index)?.etag, etag))
    };
    if etags.iter().all(|(number, etag)| is_stored(*number, etag) == Some(true)) {
        Ok(())
    } else {
        Err(Error::PartsMismatch)
    }
}

/// The parts that the client names, in order, if S3 holds each of them. How it has cut the file only the client knows, so a part that
/// it does not name is none of the file's; numbers may be left out.
fn named(stored: Vec<StoredPart>, etags: &[(u64, String)]) -> Result<Vec<StoredPart>, Error> {
    if etags.is_empty() {
        let detail = "must name every part of the file with its ETag";
        return Err(Error::InvalidRequest(vec![FieldError::new("/parts", detail)]));
    }
    let stored = by_number(stored);
    let mut named = BTreeMap::new();
    for (number, etag) in etags {
        let part = PartNumber::new(*number).and_then(|number| stored.get(&number));
        let part = part.filter(|part| is_same(&part.etag, etag)).ok_or(Error::PartsMismatch)?;
        named.insert(part.number, part.clone());
    }
    let named: Vec<_> = named.into_values().collect();
    let others = named.split_last().map_or(&[][..], |(_, others)| others);
    if let Some(short) = others.iter().find(|part| part.size_bytes < MIN_PART_BYTES) {
        let detail =
            format!("part {} has fewer than {MIN_PART_BYTES} bytes and is not the last", short.number);
        return Err(Error::InvalidRequest(vec![FieldError::new("/parts", detail)]));
    }
    Ok(named)
}

fn by_number(parts: Vec<StoredPart>) -> BTreeMap<PartNumber, StoredPart> {
    parts.into_iter().map(|part| (part.number, part)).collect()
}

/// S3 quotes its `ETag`s; some clients strip the quotes.
fn is_same(stored: &str, said: &str) -> bool {
    stored.trim_matches('"') == said.trim_matches('"')
}

/// 10,000 parts of 5 GiB are far from the end of the numbers.
fn total(parts: &[StoredPart]) -> u64 {
    parts.iter().map(|part| part.size_bytes).sum()
}
