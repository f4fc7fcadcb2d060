//! An upload as an item, and back. Attribute names are here and in `uploads_table`, nowhere else.

use crate::error::bad_answer;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use time::OffsetDateTime;
use valet_core::checksum::{Crc64Nvme, Sha256};
use valet_core::error::StoreError;
use valet_core::key::{ThumbnailFormat, ThumbnailName};
use valet_core::parts::Parts;
use valet_core::ports::DueShard;
use valet_core::upload::{
    Dimensions, Filename, Multipart, MultipartId, RejectReason, Size, State, Thumbnail, Thumbnails, Transfer,
    Verified, VersionId,
};
use valet_core::{MediaType, Owner, Placeholder, Upload, UploadId};

/// What the attribute `transfer` says. Rows of one PUT, and of parts that are cut as granted, have none: they are older than it.
const FORM: &str = "form";
pub(crate) const LOOSE_PARTS: &str = "loose_parts";

/// The attributes of an item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// How long a row without a file is kept after its grant ended, so that late writes meet a tombstone. A presigned URL lives
/// at most seven days.
pub(crate) const TOMBSTONE_LIFETIME: time::Duration = time::Duration::days(30);

/// The primary key of an upload.
pub(crate) fn upload_key(owner: Owner, id: UploadId) -> Item {
    item([("pk", partition(owner)), ("sk", text(format!("UPLOAD#{id}")))])
}

/// The partition of everything an owner has.
pub(crate) fn partition(owner: Owner) -> AttributeValue {
    text(format!("OWNER#{owner}"))
}

/// The whole item of an upload.
pub(crate) fn to_item(upload: &Upload) -> Item {
    let mut all = upload_key(upload.owner, upload.id);
    all.extend(item([
        ("status", text(upload.state.as_str())),
        ("filename", text(upload.filename.as_str())),
        ("content_type", text(upload.media_type.content_type())),
        ("created_at", milliseconds(upload.created_at)),
        ("expires_at", milliseconds(upload.expires_at)),
    ]));
    if let Some(sha256) = upload.sha256 {
        all.insert("sha256".to_owned(), text(sha256.to_string()));
    }
    let (name, bytes) = match upload.size {
        Size::Exact(bytes) => ("size_bytes", bytes),
        Size::AtMost(most) => ("max_bytes", most),
    };
    all.insert(name.to_owned(), number(bytes));
    match &upload.transfer {
        Transfer::Put => {}
        Transfer::Parts(Multipart { id, parts }) => {
            all.extend(item([
                ("multipart_id", text(id.as_str())),
                ("part_bytes", number(parts.part_bytes())),
            ]));
        }
        Transfer::Form => {
            all.insert("transfer".to_owned(), text(FORM));
        }
        Transfer::LooseParts(id) => {
            all.insert("transfer".to_owned(), text(LOOSE_PARTS));
            all.extend(id.iter().map(|id| ("multipart_id".to_owned(), text(id.as_str()))));
        }
    }
    if let Some(due_at) = upload.due_at {
        all.extend(item([("due_shard", due_shard(upload.id)), ("due_at", milliseconds(due_at))]));
    }
    match &upload.state {
        State::Ready(verified) => {
            all.extend(item([
                ("version_id", text(verified.version.as_str())),
                ("confirmed_at", milliseconds(verified.confirmed_at)),
                ("thumbnails", thumbnails_value(&verified.thumbnails)),
            ]));
            if let Some(crc64nvme) = verified.crc64nvme {
                all.insert("crc64nvme".to_owned(), text(crc64nvme.to_string()));
            }
            if let Some(Dimensions { width, height }) = verified.dimensions {
                all.extend(item([("width", number(width)), ("height", number(height))]));
            }
            if let Some(placeholder) = &verified.placeholder {
                all.insert("placeholder".to_owned(), placeholder_value(placeholder));
            }
        }
        State::Rejected(reason) => {
            all.insert("reason".to_owned(), text(reason.code()));
        }
        State::Pending | State::Expired | State::Cancelled | State::Deleted => {}
    }
    // A ready row stays for as long as its file.
    if !matches!(upload.state, State::Ready(_)) {
        all.insert("ttl".to_owned(), seconds(upload.expires_at + TOMBSTONE_LIFETIME));
    }
    all
}

/// The partition of the index of what is due.
pub(crate) fn due_shard(id: UploadId) -> AttributeValue {
    text(DueShard::of(id).to_string())
}

/// The partition of the index of which owners are to be counted again: others than those of uploads.
pub(crate) fn due_usage_shard(owner: Owner) -> AttributeValue {
    text(usage_shard(DueShard::of_owner(owner)))
}

/// The name of a list of owners.
pub(crate) fn usage_shard(shard: DueShard) -> String {
    format!("u{shard}")
}

/// The primary key of an owner's counters.
pub(crate) fn usage_key(owner: Owner) -> Item {
    item([("pk", partition(owner)), ("sk", text("USAGE"))])
}

/// The upload an item holds. An item that cannot be read is an error: nothing else writes the table.
pub(crate) fn from_item(operation: &'static str, item: &Item) -> Result<Upload, StoreError> {
    Fields(item).upload().ok_or_else(|| bad_answer(operation, "an item that is not an upload"))
}

/// The attribute of a file's thumbnails.
pub(crate) fn thumbnails_value(thumbnails: &Thumbnails) -> AttributeValue {
    let mut map = item([("status", text(thumbnails.as_str()))]);
    match thumbnails {
        Thumbnails::None | Thumbnails::Pending => {}
        Thumbnails::Ready(items) => {
            let items = items.iter().map(|thumbnail| {
                AttributeValue::M(item([
                    ("name", text(thumbnail.name.as_str())),
                    ("content_type", text(thumbnail.format.content_type())),
                    ("width", number(thumbnail.dimensions.width)),
                    ("height", number(thumbnail.dimensions.height)),
                    ("size_bytes", number(thumbnail.size_bytes)),
                ]))
            });
            map.insert("items".to_owned(), AttributeValue::L(items.collect()));
        }
        Thumbnails::Failed(reason) => {
            map.insert("reason".to_owned(), text(reason.as_str()));
        }
    }
    AttributeValue::M(map)
}

/// The attribute of a file's placeholder.
pub(crate) fn placeholder_value(placeholder: &Placeholder) -> AttributeValue {
    AttributeValue::M(item([
        ("thumbhash", text(placeholder.thumbhash_base64())),
        ("color", text(placeholder.color_hex())),
    ]))
}

/// An item of these attributes.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A time as whole milliseconds since 1970.
pub(crate) fn milliseconds(time: OffsetDateTime) -> AttributeValue {
    number(time.unix_timestamp_nanos() / 1_000_000)
}

/// A time as `DynamoDB`'s TTL wants it: whole seconds since 1970.
pub(crate) fn seconds(time: OffsetDateTime) -> AttributeValue {
    number(time.unix_timestamp())
}

/// Typed access to an item; every method is `None` for a missing or malformed attribute.
pub(crate) struct Fields<'a>(pub(crate) &'a Item);

impl Fields<'_> {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn time(&self, name: &str) -> Option<OffsetDateTime> {
        let milliseconds: i128 = self.number(name)?;
        OffsetDateTime::from_unix_timestamp_nanos(milliseconds.checked_mul(1_000_000)?).ok()
    }

    /// A number that counts as 0 where it is missing.
    pub(crate) fn counter<T: std::str::FromStr + Default>(&self, name: &str) -> Option<T> {
        if self.0.contains_key(name) { self.number(name) } else { Some(T::default()) }
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    fn upload(&self) -> Option<Upload> {
        let size = match self.number("size_bytes") {
            Some(bytes) => Size::Exact(bytes),
            None => Size::AtMost(self.number("max_bytes")?),
        };
        Some(Upload {
            owner: Owner::parse(self.text("pk")?.strip_prefix("OWNER#")?)?,
            id: UploadId::parse(self.text("sk")?.strip_prefix("UPLOAD#")?)?,
            filename: Filename::new(self.text("filename")?.to_owned())?,
            media_type: MediaType::parse(self.text("content_type")?)?,
            size,
            sha256: match self.text("sha256") {
                Some(sha256) => Some(Sha256::parse(sha256)?),
                None => None,
            },
            created_at: self.time("created_at")?,
            expires_at: self.time("expires_at")?,
            transfer: self.transfer(size)?,
            state: self.state()?,
            // Nothing is due, or the row is older than the sweep.
            due_at: self.time("due_at"),
        })
    }

    fn transfer(&self, size: Size) -> Option<Transfer> {
        let id = self.text("multipart_id").map(MultipartId::new);
        Some(match (self.text("transfer"), id) {
            (None, None) => Transfer::Put,
            (None, Some(id)) => {
                let parts = Parts::new(size.exact()?, self.number("part_bytes")?)?;
                Transfer::Parts(Multipart { id, parts })
            }
            (Some(FORM), None) => Transfer::Form,
            (Some(LOOSE_PARTS), id) => Transfer::LooseParts(id),
            (Some(_), _) => return None,
        })
    }

    fn state(&self) -> Option<State> {
        Some(match self.text("status")? {
            "pending" => State::Pending,
            "ready" => State::Ready(Verified {
                version: VersionId::new(self.text("version_id")?),
                confirmed_at: self.time("confirmed_at")?,
                crc64nvme: match self.text("crc64nvme") {
                    Some(crc64nvme) => Some(Crc64Nvme::parse(crc64nvme)?),
                    None => None,
                },
                dimensions: self.dimensions(),
                placeholder: match self.0.get("placeholder") {
                    Some(placeholder) => Some(Fields(placeholder.as_m().ok()?).placeholder()?),
                    // Thumbnails were not made, or before there were placeholders.
                    None => None,
                },
                thumbnails: Fields(self.0.get("thumbnails")?.as_m().ok()?).thumbnails()?,
            }),
            "rejected" => State::Rejected(RejectReason::parse(self.text("reason")?)?),
            "expired" => State::Expired,
            "cancelled" => State::Cancelled,
            "deleted" => State::Deleted,
            _ => return None,
        })
    }

    fn dimensions(&self) -> Option<Dimensions> {
        Some(Dimensions { width: self.number("width")?, height: self.number("height")? })
    }

    fn placeholder(&self) -> Option<Placeholder> {
        Placeholder::parse(self.text("thumbhash")?, self.text("color")?)
    }

    fn thumbnails(&self) -> Option<Thumbnails> {
        Some(match self.text("status")? {
            "none" => Thumbnails::None,
            "pending" => Thumbnails::Pending,
            "ready" => {
                let items = self.0.get("items")?.as_l().ok()?;
                Thumbnails::Ready(
                    items.iter().map(|item| Fields(item.as_m().ok()?).thumbnail()).collect::<Option<_>>()?,
                )
            }
            "failed" => Thumbnails::Failed(self.text("reason")?.to_owned()),
            _ => return None,
        })
    }

    fn thumbnail(&self) -> Option<Thumbnail> {
        Some(Thumbnail {
            name: ThumbnailName::parse(self.text("name")?)?,
            format: match self.0.get("content_type") {
                Some(content_type) => ThumbnailFormat::from_content_type(content_type.as_s().ok()?)?,
                // The one there was at first.
                None => ThumbnailFormat::Jpeg,
            },
            dimensions: self.dimensions()?,
            size_bytes: self.number("size_bytes")?,
        })
    }
}
