//! Uploads to test with.

use crate::checksum::Crc64Nvme;
use crate::key::{ThumbnailFormat, ThumbnailName};
use crate::parts::{MIN_PART_BYTES, Parts};
use crate::policy::{AcceptedTypes, Policy};
use crate::upload::{
    Dimensions, Filename, Multipart, MultipartId, RejectReason, Size, State, Thumbnail, Thumbnails, Transfer,
    Verified, VersionId,
};
use crate::usage::Quota;
use crate::{MediaType, Owner, Placeholder, Upload, UploadId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;

pub use super::memory_multipart::crc64nvme;

/// The moment tests happen at.
pub const NOW: OffsetDateTime = datetime!(2026-11-21 23:05:00.125 UTC);

/// A one-pixel PNG: the smallest file that is what it says.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
\0\0\0\x0aIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";

/// An id nobody else in this process has.
pub fn id() -> UploadId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    UploadId::parse(&format!("01936f2e-8b5a-7c3d-9e4f-{next:012x}")).expect("this is a version 7 UUID")
}

/// Alice's pending upload of [`PNG`], granted at [`NOW`] for an hour.
pub fn pending() -> Upload {
    Upload {
        owner: Owner::of_subject("alice"),
        id: id(),
        filename: Filename::new("Ferien \u{fc}/ \"1\"\r\n.png".to_owned()).expect("a name of few bytes"),
        media_type: MediaType::Png,
        size: Size::Exact(PNG.len() as u64),
        sha256: None,
        created_at: NOW,
        expires_at: NOW + time::Duration::HOUR,
        transfer: Transfer::Put,
        state: State::Pending,
        due_at: Some(NOW + time::Duration::HOUR),
    }
}

/// Alice's pending upload of an MP4 of three parts, the last of one byte, that S3 calls `id`.
pub fn pending_multipart(id: &str) -> Upload {
    let size_bytes = 2 * MIN_PART_BYTES + 1;
    let parts = Parts::new(size_bytes, MIN_PART_BYTES).expect("three parts");
    Upload {
        media_type: MediaType::Mp4,
        size: Size::Exact(size_bytes),
        transfer: Transfer::Parts(Multipart { id: MultipartId::new(id), parts }),
        ..pending()
    }
}

/// The multipart upload of an upload whose parts are cut as granted.
pub fn multipart_of(upload: &Upload) -> Multipart {
    match &upload.transfer {
        Transfer::Parts(multipart) => multipart.clone(),
        other => panic!("this upload goes up otherwise: {other:?}"),
    }
}

/// Every way in which bytes go up, but parts that are cut as granted.
pub fn transfers() -> Vec<Transfer> {
    let named = Transfer::LooseParts(Some(MultipartId::new("VXBsb2FkIElE.-_")));
    vec![Transfer::Put, Transfer::Form, Transfer::LooseParts(None), named]
}

/// Takes PNG and JPEG up to 1 MiB and MP4 up to 5 GiB.
pub fn policy() -> Policy {
    Policy {
        accepted: AcceptedTypes::parse("image/png=1MiB,image/jpeg=1MiB,video/mp4=5GiB").expect("a good list"),
        url_lifetime: Duration::from_mins(15),
        grant_lifetime: Duration::from_hours(1),
        multipart_lifetime: Duration::from_hours(72),
        quota: Quota::default(),
    }
}

/// A thumbnail of this name, 7311 bytes of a landscape.
pub fn thumbnail(name: &str, format: ThumbnailFormat) -> Thumbnail {
    Thumbnail {
        name: ThumbnailName::parse(name).expect("tests give good names"),
        format,
        dimensions: Dimensions { width: 200, height: 150 },
        size_bytes: 7311,
    }
}

/// The example of the `ThumbHash` page in a warm brown.
pub fn placeholder() -> Placeholder {
    Placeholder::parse("1QcSHQRnh493V4dIh4eXh1h4kJUI", "#8a6f4c").expect("both are good")
}

/// One of every state an upload can be in, thumbnails included: made before there were placeholders, and since.
pub fn states() -> Vec<State> {
    let ready = |crc64nvme, dimensions, placeholder, thumbnails| {
        State::Ready(Verified {
            version: VersionId::new("3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"),
            confirmed_at: NOW,
            crc64nvme,
            dimensions,
            placeholder,
            thumbnails,
        })
    };
    let dimensions = Some(Dimensions { width: 4032, height: 3024 });
    let small = thumbnail("small", ThumbnailFormat::Jpeg);
    let large = thumbnail("large-2x", ThumbnailFormat::Webp);
    vec![
        State::Pending,
        ready(Some(Crc64Nvme::new(0xae8b_1486_0a79_9888)), None, None, Thumbnails::None),
        ready(None, None, None, Thumbnails::Pending),
        ready(None, dimensions, Some(placeholder()), Thumbnails::Ready(vec![small.clone(), large])),
        ready(None, dimensions, None, Thumbnails::Ready(vec![small])),
        ready(None, None, None, Thumbnails::Failed("corrupt".to_owned())),
        State::Rejected(RejectReason::Size),
        State::Rejected(RejectReason::Checksum),
        State::Rejected(RejectReason::Content),
        State::Rejected(RejectReason::Headers),
        State::Rejected(RejectReason::Malware),
        State::Rejected(RejectReason::Unscannable),
        State::Expired,
        State::Cancelled,
        State::Deleted,
    ]
}
