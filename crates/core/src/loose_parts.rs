//! Parts that the client cuts as it likes: begun by us or by the client itself, signed one by one. Every call says which upload it is about
//! by id and key, or by key and S3's name; what does not agree with a row of the caller's is nobody's upload.

use crate::announced::Announced;
use crate::cancel_upload::take_back;
use crate::complete_upload::list_all;
use crate::error::{Error, FieldError};
use crate::parts::{MAX_PARTS, MIN_PART_BYTES, PartNumber};
use crate::policy::Policy;
use crate::ports::{
    AbortMultipart, CreateMultipart, GetUpload, GetUsage, ListParts, MultipartCall, PresignMultipart,
    PresignPart, PutUploads, SignedCall, SignedPut, StoredPart, UpdateUpload, WantedPart,
};
use crate::record_uploads::{check_room, record_upload};
use crate::resign_upload::{still_pending, url_lifetime};
use crate::upload::{Multipart, MultipartId, Size, State, Transfer, Transition};
use crate::{Owner, Upload, UploadId, UploadKey};
use time::OffsetDateTime;

/// Begins a multipart upload and records it as pending. A client that says how large the file and its parts are has each part's length
/// signed; for any other the number of parts is bounded, and their sum when they are put together.
///
/// A multipart upload that was begun and not recorded holds nothing and is known to nobody; the sweep aborts it.
pub async fn begin_parts(
    objects: &impl CreateMultipart,
    uploads: &(impl PutUploads + GetUsage),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    announced: &Announced,
) -> Result<Upload, Error> {
    let lifetime = policy.multipart_lifetime;
    let loose = Transfer::LooseParts(None);
    let mut upload = announced.upload(policy, now, lifetime, owner, id, loose)?;
    let cut = announced.cut()?;
    let seen = check_room(uploads, policy.quota, upload.created_at, &upload).await?;
    let id = objects.create_multipart(&upload).await?;
    upload.transfer = match cut {
        Some(parts) => Transfer::Parts(Multipart { id, parts }),
        None => Transfer::LooseParts(Some(id)),
    };
    record_upload(uploads, policy.quota, upload.created_at, Some(seen), &upload).await?;
    Ok(upload)
}

/// Signs the beginning of a multipart upload, for a client that begins it itself, and records it as pending. S3's name for it is learned
/// from the client's next call.
pub async fn grant_parts(
    objects: &impl PresignMultipart,
    uploads: &(impl PutUploads + GetUsage),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    announced: &Announced,
) -> Result<(Upload, SignedCall), Error> {
    let lifetime = policy.multipart_lifetime;
    let upload = announced.upload(policy, now, lifetime, owner, id, Transfer::LooseParts(None))?;
    let lifetime = url_lifetime(policy, &upload, upload.created_at)?;
    let call = objects.presign_multipart(&upload.key(), &MultipartCall::Create, now, lifetime).await?;
    record_upload(uploads, policy.quota, upload.created_at, None, &upload).await?;
    Ok((upload, call))
}

/// The caller's upload in parts with this id and key; any other is not found.
pub async fn find_parts(
    uploads: &impl GetUpload,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    key: &str,
) -> Result<Upload, Error> {
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?;
    let is_meant = upload.key().to_string() == key && upload.transfer.multipart_id().is_some();
    if is_meant { Ok(upload.seen_at(now)) } else { Err(Error::NotFound) }
}

/// Signs one part of a pending upload that [`find_parts`] found, as often as wanted.
pub async fn sign_part(
    objects: &impl PresignPart,
    policy: &Policy,
    now: OffsetDateTime,
    upload: &Upload,
    number: u64,
) -> Result<SignedPut, Error> {
    still_pending(upload)?;
    let id = upload.transfer.multipart_id().ok_or(Error::NotFound)?;
    let part = wanted(upload, number)?;
    let lifetime = url_lifetime(policy, upload, now)?;
    Ok(objects.presign_part(&upload.key(), id, &part, now, lifetime).await?)
}

/// Every part that S3 holds of a pending upload that [`find_parts`] found.
pub async fn list_parts(objects: &impl ListParts, upload: &Upload) -> Result<Vec<StoredPart>, Error> {
    still_pending(upload)?;
    let id = upload.transfer.multipart_id().ok_or(Error::NotFound)?;
    list_all(objects, &upload.key(), id).await?.ok_or(Error::NotFound)
}

/// A multipart upload that a client has begun itself, as the client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMultipart {
    /// The key that we gave.
    pub key: String,
    /// The name that S3 gave.
    pub id: MultipartId,
}

/// A call that a client makes itself about a multipart upload that it has begun itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnCall {
    /// Sends the part with this number, if it is one.
    Part(u64),
    /// Lists the parts.
    List,
    /// Puts the parts together.
    Complete,
    /// Forgets them; the upload is cancelled, and they are forgotten by then.
    Abort,
}

/// Signs one call about a client's own multipart upload. The first such call tells which one it is: no call about another is signed
/// from then on, so that whatever else a client begins under the key stays empty.
pub async fn sign_own_call(
    objects: &(impl PresignPart + PresignMultipart + AbortMultipart),
    uploads: &(impl GetUpload + UpdateUpload),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    own: &OwnMultipart,
    call: OwnCall,
) -> Result<(Upload, SignedCall), Error> {
    let upload = named(uploads, owner, own).await?.seen_at(now);
    let id = own.id.clone();
    let upload = match call {
        OwnCall::Abort => {
            let upload = take_back(uploads, owner, upload.id).await?;
            // The parts count for nothing from here on, so they are not left to a client that may never send what it asks for. S3 tells it that
            // there are none.
            objects.abort_multipart(&upload.key(), &id).await?;
            upload
        }
        OwnCall::Part(_) | OwnCall::List | OwnCall::Complete => upload,
    };
    let call = match call {
        OwnCall::Part(number) => {
            let SignedPut { url, headers, expires_at } =
                sign_part(objects, policy, now, &upload, number).await?;
            return Ok((upload, SignedCall { url, headers, expires_at }));
        }
        OwnCall::List => MultipartCall::List(id),
        OwnCall::Complete => MultipartCall::Complete(id),
        OwnCall::Abort => MultipartCall::Abort(id),
    };
    if !matches!(call, MultipartCall::Abort(_)) {
        still_pending(&upload)?;
    }
    let lifetime = url_lifetime(policy, &upload, now)?;
    let signed = objects.presign_multipart(&upload.key(), &call, now, lifetime).await?;
    Ok((upload, signed))
}

/// The caller's upload with this key that S3 calls so, or calls so from now on.
async fn named(
    uploads: &(impl GetUpload + UpdateUpload),
    owner: Owner,
    OwnMultipart { key, id }: &OwnMultipart,
) -> Result<Upload, Error> {
    let key = UploadKey::parse(key).filter(|key| key.owner == owner).ok_or(Error::NotFound)?;
    let find = async || Ok(uploads.get_upload(owner, key.id).await?.filter(|upload| upload.key() == key));
    let found: Result<_, Error> = find().await;
    let mut upload = found?.ok_or(Error::NotFound)?;
    if upload.is_unnamed() && upload.state == State::Pending {
        let name = Transition::NameMultipart(id.clone());
        upload = match uploads.update_upload(&upload, &name).await? {
            Some(named) => named,
            // Another call was first.
            None => find().await?.ok_or(Error::NotFound)?,
        };
    }
    match &upload.transfer {
        Transfer::LooseParts(Some(known)) if known == id => Ok(upload),
        Transfer::LooseParts(_) | Transfer::Parts(_) | Transfer::Put | Transfer::Form => Err(Error::NotFound),
    }
}

/// The part with this number: of exactly its size where that is known, of any size otherwise.
fn wanted(upload: &Upload, number: u64) -> Result<WantedPart, Error> {
    let cut = match &upload.transfer {
        Transfer::Parts(multipart) => Some(multipart.parts),
        Transfer::LooseParts(_) | Transfer::Put | Transfer::Form => None,
    };
    let count = cut.map_or_else(|| most_parts(upload.size), |parts| parts.count());
    let number = PartNumber::new(number).filter(|number| number.get() <= count);
    let number = number.ok_or_else(|| {
        Error::InvalidRequest(vec![FieldError::new("/partNumber", format!("must be 1 to {count}"))])
    })?;
    let size_bytes = match cut {
        Some(parts) => parts.size_of(number),
        // The only part is the file.
        None if count == 1 => upload.size.exact(),
        None => None,
    };
    Ok(WantedPart { number, size_bytes, crc64nvme: None })
}

/// How many parts a file can be cut into that S3 would put together.
fn most_parts(size: Size) -> u16 {
    let parts = size.most().div_ceil(MIN_PART_BYTES);
    u16::try_from(parts).unwrap_or(MAX_PARTS).clamp(1, MAX_PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_file_that_is_granted_needs_more_parts_than_may_be_signed(
            bytes in 1..=crate::parts::MAX_FILE_BYTES,
            part_bytes in MIN_PART_BYTES..=crate::parts::MAX_PART_BYTES,
        ) {
            let needed = bytes.div_ceil(part_bytes);
            prop_assert!(needed <= most_parts(Size::AtMost(bytes)).into() || needed > MAX_PARTS.into());
        }
    }

    #[test]
    fn the_number_of_parts_is_bounded_by_the_size() {
        for (bytes, parts) in
            [(1, 1), (MIN_PART_BYTES, 1), (MIN_PART_BYTES + 1, 2), (50 << 20, 10), (50 << 30, MAX_PARTS)]
        {
            assert_eq!(most_parts(Size::Exact(bytes)), parts, "{bytes}");
        }
    }
}
