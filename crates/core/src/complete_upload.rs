//! Puts the parts of a multipart upload together, so that there is an object to settle. What S3 lists is the truth; what the client says
//! about its parts is compared with it. It never moves the upload: that is [`crate::settle()`]'s to do, of the object alone.

use crate::checksum::Crc64Nvme;
use crate::error::{Error, FieldError};
use crate::ports::{CompleteMultipart, Completion, ListParts, StoredPart};
use crate::upload::Multipart;
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
}

/// Asks S3 to put the parts together. May be asked any number of times, by several at once.
pub(crate) async fn complete_upload(
    objects: &(impl ListParts + CompleteMultipart),
    upload: &Upload,
    multipart: &Multipart,
    said: &Said,
) -> Result<Assembled, Error> {
    let crc64nvme = said.checksum()?;
    let key = upload.key();
    let Some(stored) = list_all(objects, &key, multipart).await? else {
        // An earlier call completed it, or it was aborted: the object says which.
        return Ok(Assembled::Yes);
    };
    let parts = all_or_missing(multipart, stored)?;
    compare(&parts, &said.etags)?;
    let completion =
        objects.complete_multipart(&key, &multipart.id, &parts, upload.size_bytes, crc64nvme).await?;
    match completion {
        Completion::Completed | Completion::Exists | Completion::Gone => Ok(Assembled::Yes),
        Completion::UnderWay => Ok(Assembled::UnderWay),
        Completion::Mismatch => Err(Error::PartsMismatch),
    }
}

async fn list_all(
    objects: &impl ListParts,
    key: &UploadKey,
    multipart: &Multipart,
) -> Result<Option<Vec<StoredPart>>, Error> {
    let mut stored = Vec::new();
    let mut after = None;
    loop {
        let Some(page) = objects.list_parts(key, &multipart.id, after).await? else { return Ok(None) };
        stored.extend(page.parts);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Some(stored)),
        }
    }
}

/// Every part of the file in order, if S3 holds each with its size.
fn all_or_missing(multipart: &Multipart, stored: Vec<StoredPart>) -> Result<Vec<StoredPart>, Error> {
    let mut stored: BTreeMap<_, _> = stored.into_iter().map(|part| (part.number, part)).collect();
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
        Some(parts.get(index)?.etag.trim_matches('"') == etag.trim_matches('"'))
    };
    if etags.iter().all(|(number, etag)| is_stored(*number, etag) == Some(true)) {
        Ok(())
    } else {
        Err(Error::PartsMismatch)
    }
}
