//! Signs parts of a pending multipart upload, on demand and as often as wanted: 10,000 URLs fit into no answer, and none of them lives as
//! long as the upload takes. It never changes the upload.

use crate::checksum::Crc64Nvme;
use crate::error::{Error, FieldError};
use crate::parts::{MAX_SIGNED_PARTS, PartNumber};
use crate::policy::Policy;
use crate::ports::{GetUpload, PresignPart, SignedPut, WantedPart};
use crate::resign_upload::{OTHER_CLIENT, still_pending, url_lifetime};
use crate::upload::{Multipart, Transfer};
use crate::{Owner, Upload, UploadId};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// How many parts are signed along with the grant.
const FIRST_PARTS: usize = 20;

/// A part as a client asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPart {
    /// Its number, if it is one.
    pub number: u64,
    /// The CRC-64/NVME over it as padded base64, if the client computed it. S3 then refuses other bytes.
    pub crc64nvme: Option<String>,
}

/// A signed part.
#[derive(Debug)]
pub struct SignedPart {
    /// Which part.
    pub number: PartNumber,
    /// Its exact size.
    pub size_bytes: u64,
    /// What to send.
    pub put: SignedPut,
}

/// Signs 1 to [`MAX_SIGNED_PARTS`] different parts, in the order asked.
pub async fn sign_parts(
    objects: &impl PresignPart,
    uploads: &impl GetUpload,
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    id: UploadId,
    asked: &[AskedPart],
) -> Result<Vec<SignedPart>, Error> {
    let upload = uploads.get_upload(owner, id).await?.ok_or(Error::NotFound)?.seen_at(now);
    still_pending(&upload)?;
    let multipart = match &upload.transfer {
        Transfer::Parts(multipart) => multipart,
        Transfer::Put => return Err(Error::OtherWay("this file goes up in one request; sign it at …/url")),
        Transfer::Form | Transfer::LooseParts(_) => return Err(Error::OtherWay(OTHER_CLIENT)),
    };
    let wanted = check(multipart, asked).map_err(Error::InvalidRequest)?;
    sign(objects, policy, &upload, multipart, now, wanted).await
}

/// Signs the parts that come with the grant.
pub(crate) async fn sign_first_parts(
    objects: &impl PresignPart,
    policy: &Policy,
    upload: &Upload,
    multipart: &Multipart,
    now: OffsetDateTime,
) -> Result<Vec<SignedPart>, Error> {
    let wanted = multipart.parts.numbers().filter_map(|number| {
        let size_bytes = multipart.parts.size_of(number)?;
        Some(SizedPart { number, size_bytes, crc64nvme: None })
    });
    sign(objects, policy, upload, multipart, now, wanted.take(FIRST_PARTS).collect()).await
}

async fn sign(
    objects: &impl PresignPart,
    policy: &Policy,
    upload: &Upload,
    multipart: &Multipart,
    now: OffsetDateTime,
    wanted: Vec<SizedPart>,
) -> Result<Vec<SignedPart>, Error> {
    let lifetime = url_lifetime(policy, upload, now)?;
    let key = upload.key();
    let mut signed = Vec::with_capacity(wanted.len());
    for SizedPart { number, size_bytes, crc64nvme } in wanted {
        let part = WantedPart { number, size_bytes: Some(size_bytes), crc64nvme };
        let put = objects.presign_part(&key, &multipart.id, &part, now, lifetime).await?;
        signed.push(SignedPart { number, size_bytes, put });
    }
    Ok(signed)
}

/// A part of a file that is cut as granted.
struct SizedPart {
    number: PartNumber,
    size_bytes: u64,
    crc64nvme: Option<Crc64Nvme>,
}

fn check(multipart: &Multipart, asked: &[AskedPart]) -> Result<Vec<SizedPart>, Vec<FieldError>> {
    if !(1..=MAX_SIGNED_PARTS).contains(&asked.len()) {
        let detail = format!("must be 1 to {MAX_SIGNED_PARTS} parts");
        return Err(vec![FieldError::new("/parts", detail)]);
    }
    let mut errors = Vec::new();
    let mut wanted = Vec::with_capacity(asked.len());
    let mut seen = BTreeSet::new();
    for (index, AskedPart { number, crc64nvme }) in asked.iter().enumerate() {
        let part =
            PartNumber::new(*number).and_then(|number| Some((number, multipart.parts.size_of(number)?)));
        let Some((number, size_bytes)) = part else {
            let detail = format!("must be 1 to {}", multipart.parts.count());
            errors.push(FieldError::new(format!("/parts/{index}/partNumber"), detail));
            continue;
        };
        if !seen.insert(number) {
            errors.push(FieldError::new(format!("/parts/{index}/partNumber"), "must not be asked for twice"));
        }
        let crc64nvme = crc64nvme.as_deref().map(Crc64Nvme::parse);
        if crc64nvme == Some(None) {
            let pointer = format!("/parts/{index}/checksum/crc64nvme");
            errors.push(FieldError::new(pointer, "must be the base64 of 8 bytes: 12 characters"));
        }
        wanted.push(SizedPart { number, size_bytes, crc64nvme: crc64nvme.flatten() });
    }
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}
