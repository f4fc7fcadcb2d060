//! Issues a grant: checks what the client wants to upload, signs exactly that, and records it as pending.
//! It never asks S3 anything.

use crate::checksum::Sha256;
use crate::error::{Error, FieldError};
use crate::policy::Policy;
use crate::ports::{
    GetIdempotencyRecord, GetUpload, IdempotencyRecord, PresignPut, PutOutcome, PutUpload, SignedPut,
};
use crate::resign_upload::sign;
use crate::upload::{Filename, State, to_milliseconds};
use crate::{MediaType, Owner, Upload, UploadId};
use std::fmt;
use time::OffsetDateTime;

/// How long an idempotency key is remembered.
const IDEMPOTENCY_LIFETIME: time::Duration = time::Duration::DAY;

/// What a client wants to upload, as it said it.
#[derive(Clone, Default)]
pub struct NewUpload {
    /// See [`Filename`].
    pub filename: String,
    /// One of the accepted types' exact names.
    pub content_type: String,
    /// Exact size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the file as padded base64, if the client computed it.
    pub sha256: Option<String>,
    /// The `Idempotency-Key` header, if sent.
    pub idempotency_key: Option<String>,
}

/// An upload and, while it is pending, the signed request that fulfils it.
#[derive(Debug)]
pub struct Grant {
    /// The recorded upload.
    pub upload: Upload,
    /// What to send; `None` when a repeated request finds its upload no longer pending.
    pub request: Option<SignedPut>,
}

/// Issues a grant, or gives the first one again when the idempotency key repeats.
///
/// Signing comes before recording: a signature that fails leaves no row behind.
pub async fn issue_upload(
    objects: &impl PresignPut,
    uploads: &(impl PutUpload + GetUpload + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    new: NewUpload,
) -> Result<Grant, Error> {
    let now = to_milliseconds(now);
    let idempotency = new.idempotency_record(id, now)?;
    let upload = new.check(policy, now, owner, id)?;
    let request = sign(objects, policy, &upload, now).await?;
    match uploads.put_upload(&upload, idempotency.as_ref()).await? {
        PutOutcome::Created => Ok(Grant { upload, request: Some(request) }),
        PutOutcome::Busy => Err(Error::IdempotencyInProgress),
        PutOutcome::KeyTaken => {
            let asked = idempotency.expect("a key is taken only where one was given");
            repeat(objects, uploads, policy, now, owner, &asked).await
        }
    }
}

/// Answers a repeated request with the upload its first one made.
async fn repeat(
    objects: &impl PresignPut,
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
        State::Pending => Some(sign(objects, policy, &upload, now).await?),
        State::Ready(_) | State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => None,
    };
    Ok(Grant { upload, request })
}

impl NewUpload {
    fn check(
        self,
        policy: &Policy,
        now: OffsetDateTime,
        owner: Owner,
        id: UploadId,
    ) -> Result<Upload, Error> {
        let mut errors = Vec::new();
        let filename = Filename::new(self.filename);
        if filename.is_none() {
            let detail = format!("must have 1 to {} bytes", Filename::MAX_BYTES);
            errors.push(FieldError { pointer: "/filename", detail });
        }
        if self.size_bytes == 0 {
            errors.push(FieldError { pointer: "/size", detail: "must be at least 1".to_owned() });
        }
        let sha256 = self.sha256.as_deref().map(Sha256::parse);
        if sha256 == Some(None) {
            let detail = "must be the base64 of 32 bytes: 44 characters".to_owned();
            errors.push(FieldError { pointer: "/checksum/sha256", detail });
        }
        let filename = match filename {
            Some(filename) if errors.is_empty() => filename,
            _ => return Err(Error::InvalidRequest(errors)),
        };
        let accepted = MediaType::parse(&self.content_type)
            .and_then(|media_type| Some((media_type, policy.accepted.max_bytes(media_type)?)));
        let Some((media_type, max_bytes)) = accepted else {
            let names: Vec<_> =
                policy.accepted.iter().map(|(media_type, _)| media_type.content_type()).collect();
            return Err(Error::TypeNotAllowed { accepted: names.join(", ") });
        };
        if self.size_bytes > max_bytes {
            return Err(Error::FileTooLarge { max_bytes });
        }
        Ok(Upload {
            owner,
            id,
            filename,
            media_type,
            size_bytes: self.size_bytes,
            sha256: sha256.flatten(),
            created_at: now,
            expires_at: now + policy.grant_lifetime,
            multipart: None,
            state: State::Pending,
            due_at: Some(now + policy.grant_lifetime),
        })
    }

    /// The record of the request's idempotency key. 1 to 255 visible ASCII characters.
    fn idempotency_record(
        &self,
        id: UploadId,
        now: OffsetDateTime,
    ) -> Result<Option<IdempotencyRecord>, Error> {
        let Some(key) = &self.idempotency_key else { return Ok(None) };
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = "must have 1 to 255 visible ASCII characters".to_owned();
            return Err(Error::InvalidRequest(vec![FieldError { pointer: "Idempotency-Key", detail }]));
        }
        Ok(Some(IdempotencyRecord {
            key_hash: hex_sha256(&[key]),
            fingerprint: hex_sha256(&[
                &self.filename,
                &self.content_type,
                &self.size_bytes.to_string(),
                self.sha256.as_deref().unwrap_or_default(),
            ]),
            upload_id: id,
            expires_at: now + IDEMPOTENCY_LIFETIME,
        }))
    }
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
