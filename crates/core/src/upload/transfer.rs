//! How the bytes of an upload go up. It decides where they may lie, who puts parts together and what a client may sign.

use crate::key::Area;
use crate::parts::Parts;
use std::fmt;

/// How the bytes of an upload go up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// In one PUT of exactly the size.
    Put,
    /// In parts that are cut as granted.
    Parts(Multipart),
    /// In one POST of a form, whose policy bounds the size.
    Form,
    /// In parts that the client cuts as it likes. S3's name of the multipart upload is `None` until the client, who began it
    /// with a signed request, has named it.
    LooseParts(Option<MultipartId>),
}

/// The multipart upload behind a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// What S3 calls it.
    pub id: MultipartId,
    /// How the file is cut.
    pub parts: Parts,
}

impl Transfer {
    /// The multipart upload that holds its parts, if there is one that we know of.
    pub fn multipart_id(&self) -> Option<&MultipartId> {
        match self {
            Self::Parts(multipart) => Some(&multipart.id),
            Self::LooseParts(id) => id.as_ref(),
            Self::Put | Self::Form => None,
        }
    }

    /// Whether it goes up in parts.
    pub fn is_in_parts(&self) -> bool {
        match self {
            Self::Parts(_) | Self::LooseParts(_) => true,
            Self::Put | Self::Form => false,
        }
    }

    /// The part of the bucket it lies in.
    pub(crate) fn area(&self) -> Area {
        match self {
            Self::Put | Self::Parts(_) | Self::LooseParts(_) => Area::WriteOnce,
            Self::Form => Area::Open,
        }
    }
}

/// The name S3 gave a multipart upload. Opaque. Worthless without credentials or a signature, yet shown to no client but the one that
/// began it with its own request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MultipartId(String);

impl MultipartId {
    /// Takes what S3 said.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Takes what a client says that S3 said: 1 to 1024 visible ASCII characters. S3's own have about 130.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = (1..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| Self(text.to_owned()))
    }

    /// What S3 said.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MultipartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MultipartId")
    }
}
