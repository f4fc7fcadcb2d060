//! The API's routes, one method each. Calls that fail in passing are made again; every one of them may be.

use crate::error::{Error, Result};
use crate::file::{File, FilePage};
use crate::grant::{
    Confirmation, Grant, Multipart, NewUpload, SignedPart, SignedRequest, StoredPart, StoredParts, ToSend,
    Upload, WantedPart,
};
use crate::limits::Limits;
use crate::settings::Settings;
use crate::stop::Stop;
use crate::usage::Usage;
use crate::wire::{Answer, Call, Wire};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::time::Duration;
use ureq::http::Method;

/// A Valet API. Cheap to clone; the clones share connections.
#[derive(Clone, Debug)]
pub struct Api {
    wire: Wire,
}

/// What a confirm came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The file is verified and served.
    File(Box<File>),
    /// Storage is still putting the parts together, or the file is being scanned for malware: confirm again after this time.
    Assembling {
        /// How long to wait.
        retry_after: Duration,
    },
}

impl Api {
    /// An API. Fails where the settings are of no use; calls nothing yet.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self { wire: Wire::new(settings)? })
    }

    /// The settings, with no slash at the base URL's end.
    pub fn settings(&self) -> &Settings {
        self.wire.settings()
    }

    /// The same with connections of its own; waits between tries end with `stop`.
    pub(crate) fn stoppable(&self, stop: &Stop) -> Result<Self> {
        Ok(Self { wire: self.wire.stoppable(stop)? })
    }

    /// Breaks off what is under way and refuses what follows.
    pub(crate) fn shutdown(&self) {
        self.wire.shutdown();
    }

    /// What the stack accepts.
    pub fn limits(&self) -> Result<Limits> {
        self.get("reading the limits", "/v1/limits")?.json()
    }

    /// What the caller holds, and may hold.
    pub fn usage(&self) -> Result<Usage> {
        self.get("reading the usage", "/v1/usage")?.json()
    }

    /// A grant. Without a key of the caller's own, one is made, so that trying again makes no second upload.
    ///
    /// Where there is no room for one at the moment ([`Error::is_full_for_now`]) this is told at once: it may take long.
    pub fn issue(&self, new: &NewUpload, idempotency_key: Option<&str>) -> Result<Grant> {
        let made;
        let key = if let Some(key) = idempotency_key {
            key
        } else {
            made = uuid::Uuid::new_v4().to_string();
            &made
        };
        let call = Call { idempotency_key: Some(key), ..post("issuing a grant", "/v1/uploads", Some(new)) };
        grant(&self.wire.call(&call)?)
    }

    /// The upload, with its file once there is one.
    pub fn upload(&self, id: &str) -> Result<Upload> {
        self.get("reading the upload", &format!("/v1/uploads/{}", escape(id)))?.json()
    }

    /// A page of the parts that storage has, those after part number `after`.
    pub fn stored_parts(&self, id: &str, after: Option<u32>) -> Result<StoredParts> {
        let mut path = format!("/v1/uploads/{}?include=parts", escape(id));
        if let Some(after) = after {
            write!(path, "&after={after}").expect("a string takes all text");
        }
        let answer = self.get("reading the stored parts", &path)?;
        let upload: Upload = answer.json()?;
        let Stored { multipart } = answer.json()?;
        let Page { stored, next } = multipart.unwrap_or_default();
        Ok(StoredParts { upload, parts: stored, next })
    }

    /// Signs the PUT of a pending single upload again.
    pub fn resign(&self, id: &str) -> Result<Grant> {
        let path = format!("/v1/uploads/{}/url", escape(id));
        grant(&self.wire.call(&post::<()>("signing again", &path, None))?)
    }

    /// Signs 1 to 500 parts, in the order asked.
    pub fn sign_parts(&self, id: &str, parts: &[WantedPart]) -> Result<Vec<SignedPart>> {
        let path = format!("/v1/uploads/{}/parts", escape(id));
        let answer = self.wire.call(&post("signing parts", &path, Some(&Wanted { parts })))?;
        let Signed { mut parts } = answer.json()?;
        for part in &mut parts {
            part.request.ends = answer.ends(part.request.expires_at);
        }
        Ok(parts)
    }

    /// Verifies what was stored.
    pub fn confirm(&self, id: &str, confirmation: &Confirmation) -> Result<Confirmed> {
        let path = format!("/v1/uploads/{}/confirm", escape(id));
        let json = (*confirmation != Confirmation::default()).then_some(confirmation);
        let answer = self.wire.call(&post("confirming", &path, json))?;
        if answer.status == 202 {
            return Ok(Confirmed::Assembling {
                retry_after: answer.retry_after.unwrap_or(Duration::from_secs(2)),
            });
        }
        Ok(Confirmed::File(Box::new(answer.json()?)))
    }

    /// Cancels a pending upload; what has arrived of it is removed. May be repeated.
    pub fn cancel(&self, id: &str) -> Result<()> {
        self.delete("cancelling", &format!("/v1/uploads/{}", escape(id)))
    }

    /// A page of the caller's files, newest first: 1 to 100 of them, 50 unless said.
    pub fn files(&self, cursor: Option<&str>, limit: Option<u32>) -> Result<FilePage> {
        let mut path = "/v1/files".to_owned();
        let mut mark = '?';
        if let Some(limit) = limit {
            write!(path, "{mark}limit={limit}").expect("a string takes all text");
            mark = '&';
        }
        if let Some(cursor) = cursor {
            write!(path, "{mark}cursor={}", escape(cursor)).expect("a string takes all text");
        }
        self.get("listing files", &path)?.json()
    }

    /// A file.
    pub fn file(&self, id: &str) -> Result<File> {
        self.get("reading the file", &format!("/v1/files/{}", escape(id)))?.json()
    }

    /// Deletes a file, its thumbnails, and what the CDN has of them. May be repeated.
    pub fn delete_file(&self, id: &str) -> Result<()> {
        self.delete("deleting the file", &format!("/v1/files/{}", escape(id)))
    }

    fn get(&self, doing: &'static str, path: &str) -> Result<Answer> {
        self.wire.call(&Call { doing, method: Method::GET, path, json: None, idempotency_key: None })
    }

    fn delete(&self, doing: &'static str, path: &str) -> Result<()> {
        let call = Call { doing, method: Method::DELETE, path, json: None, idempotency_key: None };
        self.wire.call(&call).map(drop)
    }
}

fn post<'a, T: Serialize>(doing: &'static str, path: &'a str, body: Option<&T>) -> Call<'a> {
    let json = body.map(|body| serde_json::to_vec(body).expect("requests have string keys alone"));
    Call { doing, method: Method::POST, path, json, idempotency_key: None }
}

/// A path segment or a query's value.
fn escape(text: &str) -> impl std::fmt::Display {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED)
}

#[derive(Serialize)]
struct Wanted<'a> {
    parts: &'a [WantedPart],
}

#[derive(Deserialize)]
struct Signed {
    parts: Vec<SignedPart>,
}

#[derive(Deserialize)]
struct Stored {
    multipart: Option<Page>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    stored: Vec<StoredPart>,
    next: Option<u32>,
}

#[derive(Deserialize)]
struct Requests {
    request: Option<SignedRequest>,
    multipart: Option<GrantedParts>,
}

#[derive(Deserialize)]
struct GrantedParts {
    #[serde(flatten)]
    multipart: Multipart,
    #[serde(default)]
    parts: Vec<SignedPart>,
}

fn grant(answer: &Answer) -> Result<Grant> {
    let upload = answer.json()?;
    let Requests { request, multipart } = answer.json()?;
    let to_send = match (request, multipart) {
        (Some(mut request), None) => {
            request.ends = answer.ends(request.expires_at);
            ToSend::Single(request)
        }
        (None, Some(GrantedParts { multipart, mut parts })) => {
            for part in &mut parts {
                part.request.ends = answer.ends(part.request.expires_at);
            }
            ToSend::Parts(multipart, parts)
        }
        (None, None) => ToSend::Nothing,
        (Some(_), Some(_)) => {
            return Err(Error::Protocol {
                doing: "a grant",
                detail: "it has both a request and parts".into(),
            });
        }
    };
    Ok(Grant { upload, to_send })
}
