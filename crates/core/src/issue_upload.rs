//! Issues a grant: checks what the client wants to upload, signs exactly that, and records it as pending.
//! Of S3 it asks nothing but to begin a multipart upload.

use crate::checksum::Sha256;
use crate::error::{Error, FieldError};
use crate::issue_uploads::issue_all;
use crate::parts::{BadPartSize, MAX_FILE_BYTES, MAX_PART_BYTES, MAX_PARTS, MIN_PART_BYTES, Parts};
use crate::policy::Policy;
use crate::ports::{
    CreateMultipart, GetIdempotencyRecord, GetUpload, GetUsage, IdempotencyRecord, PresignPart, PresignPut,
    PutUploads, SignedPut,
};
use crate::resign_upload::{OTHER_CLIENT, sign};
use crate::sign_parts::{SignedPart, sign_first_parts};
use crate::upload::{Filename, Size, State, Transfer};
use crate::{MediaType, Owner, Upload, UploadId};
use std::fmt;
use time::OffsetDateTime;

/// How long an idempotency key is remembered.
const IDEMPOTENCY_LIFETIME: time::Duration = time::Duration::DAY;

/// The most characters an idempotency key may have.
pub const MAX_IDEMPOTENCY_KEY_LENGTH: usize = 255;

/// What a client wants to upload, as it said it.
#[derive(Clone, Default)]
pub struct NewUpload {
    /// See [`Filename`].
    pub filename: String,
    /// One of the accepted types' exact names.
    pub content_type: String,
    /// Exact size in bytes.
    pub size_bytes: u64,
    /// Size of a part in bytes, if the client wants another than the usual one.
    pub part_bytes: Option<u64>,
    /// SHA-256 of the file as padded base64, if the client computed it.
    pub sha256: Option<String>,
    /// The `Idempotency-Key` header, if sent.
    pub idempotency_key: Option<String>,
    /// Its place in a batch, which shares one key. Each place is remembered by itself.
    pub place: Option<usize>,
}

/// An upload and, while it is pending, the signed requests that fulfil it.
#[derive(Debug)]
pub struct Grant {
    /// The recorded upload.
    pub upload: Upload,
    /// What to send; `None` when a repeated request finds its upload no longer pending.
    pub request: Option<Signed>,
}

/// What a client has to send.
#[derive(Debug)]
pub enum Signed {
    /// The whole file.
    Put(SignedPut),
    /// The file in parts, of which these are the first. The others are signed on demand: see [`crate::sign_parts()`].
    Parts(Vec<SignedPart>),
}

impl Grant {
    /// The one request that carries the whole file, if it is that.
    pub fn put(&self) -> Option<&SignedPut> {
        match &self.request {
            Some(Signed::Put(put)) => Some(put),
            Some(Signed::Parts(_)) | None => None,
        }
    }
}

/// A wanted upload that may be asked for.
pub(crate) struct Asked {
    /// The upload to record.
    pub(crate) upload: Upload,
    /// How it is cut, if it is more than one PUT. It goes up so once its multipart upload is begun.
    pub(crate) parts: Option<Parts>,
    /// The record of the request's idempotency key.
    pub(crate) idempotency: Option<IdempotencyRecord>,
}

/// Issues a grant, or gives the first one again when the idempotency key repeats.
pub async fn issue_upload(
    objects: &(impl PresignPut + PresignPart + CreateMultipart),
    uploads: &(impl PutUploads + GetUpload + GetUsage + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    new: NewUpload,
) -> Result<Grant, Error> {
    let mut issued = issue_all(objects, uploads, policy, now, owner, vec![(id, Ok(new))]).await;
    issued.pop().expect("one was asked for")
}

/// Answers a repeated request with the upload its first one made.
pub(crate) async fn repeat(
    objects: &(impl PresignPut + PresignPart),
    uploads: &(impl GetUpload + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    asked: &IdempotencyRecord,
) -> Result<Grant, Error> {
    let known = uploads.get_idempotency_record(owner, &asked.key_hash, now).await?;
    let known = known.ok_or(Error::IdempotencyInProgress)?;
    if known.fingerprint != asked.fingerprint {
        return Err(Error::IdempotencyKeyReused);
    }
    let upload = uploads.get_upload(owner, known.upload_id).await?.ok_or(Error::IdempotencyInProgress)?;
    let upload = upload.seen_at(now);
    let request = match upload.state {
        State::Pending => Some(sign_all(objects, policy, &upload, now).await?),
        State::Ready(_) | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => None,
    };
    Ok(Grant { upload, request })
}

/// Signs what there is to send, or the first of it.
pub(crate) async fn sign_all(
    objects: &(impl PresignPut + PresignPart),
    policy: &Policy,
    upload: &Upload,
    now: OffsetDateTime,
) -> Result<Signed, Error> {
    match &upload.transfer {
        Transfer::Put => Ok(Signed::Put(sign(objects, policy, upload, now).await?)),
        Transfer::Parts(multipart) => {
            Ok(Signed::Parts(sign_first_parts(objects, policy, upload, multipart, now).await?))
        }
        Transfer::Form | Transfer::LooseParts(_) => Err(Error::OtherWay(OTHER_CLIENT)),
    }
}

impl NewUpload {
    /// Whether it may be asked for, and what for.
    pub(crate) fn ask(
        self,
        policy: &Policy,
        now: OffsetDateTime,
        owner: Owner,
        id: UploadId,
    ) -> Result<Asked, Error> {
        let idempotency = self.idempotency_record(id, now)?;
        let (upload, parts) = self.check(policy, now, owner, id)?;
        Ok(Asked { upload, parts, idempotency })
    }

    /// The upload to record, and how it is cut if it is more than one PUT.
    fn check(
        self,
        policy: &Policy,
        now: OffsetDateTime,
        owner: Owner,
        id: UploadId,
    ) -> Result<(Upload, Option<Parts>), Error> {
        let mut errors = Vec::new();
        let filename = Filename::new(self.filename);
        if filename.is_none() {
            let detail = format!("must have 1 to {} bytes", Filename::MAX_BYTES);
            errors.push(FieldError::new("/filename", detail));
        }
        if self.size_bytes == 0 {
            errors.push(FieldError::new("/size", "must be at least 1"));
        }
        let sha256 = self.sha256.as_deref().map(Sha256::parse);
        if sha256 == Some(None) {
            errors.push(FieldError::new("/checksum/sha256", "must be the base64 of 32 bytes: 44 characters"));
        }
        // A size that no type may have is refused as such below.
        let parts = Parts::of(self.size_bytes.clamp(1, MAX_FILE_BYTES), self.part_bytes);
        match parts {
            Err(BadPartSize) => {
                let detail = format!(
                    "must be {MIN_PART_BYTES} to {MAX_PART_BYTES}, and large enough for at most {MAX_PARTS} parts"
                );
                errors.push(FieldError::new("/partSize", detail));
            }
            Ok(Some(_)) if sha256.is_some() => {
                let detail = "is for a file of one part: S3 computes none over several; send checksum.crc64nvme when confirming";
                errors.push(FieldError::new("/checksum/sha256", detail));
            }
            Ok(_) => {}
        }
        let (Some(filename), Ok(parts), true) = (filename, parts, errors.is_empty()) else {
            return Err(Error::InvalidRequest(errors));
        };
        let (media_type, max_bytes) = accepted(policy, MediaType::parse(&self.content_type))?;
        if self.size_bytes > max_bytes {
            return Err(Error::FileTooLarge { max_bytes });
        }
        let lifetime = if parts.is_some() { policy.multipart_lifetime } else { policy.grant_lifetime };
        let upload = Upload {
            owner,
            id,
            filename,
            media_type,
            size: Size::Exact(self.size_bytes),
            sha256: sha256.flatten(),
            created_at: now,
            expires_at: now + lifetime,
            transfer: Transfer::Put,
            state: State::Pending,
            due_at: Some(now + lifetime),
        };
        Ok((upload, parts))
    }

    /// The record of the request's idempotency key.
    fn idempotency_record(
        &self,
        id: UploadId,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, Error> {
        let Some(key) = &self.idempotency_key else { return Ok(None) };
        check_idempotency_key(key)?;
        let key_hash = match self.place {
            None => hex_sha256(&[key]),
            Some(place) => hex_sha256(&[key, &place.to_string()]),
        };
        Ok(Some(IdempotencyRecord {
            key_hash,
            fingerprint: hex_sha256(&[
                &self.filename,
                &self.content_type,
                &self.size_bytes.to_string(),
                self.sha256.as_deref().unwrap_or_default(),
                &self.part_bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
            ]),
            upload_id: id,
            expires_at: now + IDEMPOTENCY_LIFETIME,
        }))
    }
}

/// The type with the most bytes that a file of it may have, if the stack takes it.
pub(crate) fn accepted(policy: &Policy, media_type: Option<MediaType>) -> Result<(MediaType, u64), Error> {
    let accepted =
        media_type.and_then(|media_type| Some((media_type, policy.accepted.max_bytes(media_type)?)));
    accepted.ok_or_else(|| {
        let names: Vec<_> = policy.accepted.iter().map(|(media_type, _)| media_type.content_type()).collect();
        Error::TypeNotAllowed { accepted: names.join(", ") }
    })
}

/// Whether a key is one: [`MAX_IDEMPOTENCY_KEY_LENGTH`] visible ASCII characters at most.
pub(crate) fn check_idempotency_key(key: &str) -> Result<(), Error> {
    if (1..=MAX_IDEMPOTENCY_KEY_LENGTH).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let detail = format!("must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} visible ASCII characters");
    Err(Error::InvalidRequest(vec![FieldError::new("Idempotency-Key", detail)]))
}

/// SHA-256 over the parts, each preceded by its length so that no two lists of parts collide.
fn hex_sha256(parts: &[&str]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use fmt::Write;
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

impl fmt::Debug for NewUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUpload").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}
