//! The stack that is probed: its API with our token, grants, and one file that everything else is compared with.
//!
//! It must never answer a question from memory that a check asks: only set-up is shared.

use super::Probe;
use super::ledger::Ledger;
use super::samples::Sample;
use super::web::{Answer, Ask, NoAnswer};
use crate::credential::Credential;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// The answer of `GET /v1/limits`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limits {
    pub(super) types: Vec<TypeLimit>,
    /// None from a stack that knows no parts.
    pub(super) parts: Option<PartLimits>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypeLimit {
    pub(super) content_type: String,
    pub(super) max_size: u64,
    pub(super) thumbnails: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartLimits {
    pub(super) min_size: u64,
}

/// A grant. Its URLs are credentials, so there is no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grant {
    pub(super) id: String,
    created_at: String,
    request: Option<Signed>,
    pub(super) multipart: Option<Multipart>,
    /// When it was received.
    #[serde(skip, default = "Instant::now")]
    received: Instant,
}

#[derive(Deserialize)]
pub(super) struct Multipart {
    pub(super) parts: Vec<Signed>,
}

/// A request that was signed for us.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signed {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) expires_at: String,
}

impl Signed {
    /// The request as it was granted.
    pub(super) fn ask(&self, body: &[u8]) -> Ask {
        let mut ask = Ask::new(&self.method, &self.url).body(body);
        for (name, value) in &self.headers {
            ask = ask.with(name, value);
        }
        ask
    }

    /// Where the object lies, without the signature.
    pub(super) fn object_url(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    /// `/uploads/…`, as it is below the CDN too.
    pub(super) fn key_path(&self) -> Result<&str, NoAnswer> {
        let url = self.object_url();
        url.find("/uploads/")
            .map(|at| &url[at..])
            .ok_or_else(|| NoAnswer("the grant's URL names no upload".into()))
    }

    /// The bucket's address, without a slash at the end.
    pub(super) fn bucket_url(&self) -> Result<&str, NoAnswer> {
        let url = self.object_url();
        Ok(&url[..url.len() - self.key_path()?.len()])
    }
}

impl Grant {
    pub(super) fn put(&self) -> Result<&Signed, NoAnswer> {
        self.request.as_ref().ok_or_else(|| NoAnswer("the grant has no request".into()))
    }

    pub(super) fn parts(&self) -> Result<&[Signed], NoAnswer> {
        self.multipart
            .as_ref()
            .map(|multipart| multipart.parts.as_slice())
            .ok_or_else(|| NoAnswer("the grant has no parts".into()))
    }

    /// How long until the URL ends. Only the server's clock and this machine's steady one take part.
    pub(super) fn until_url_ends(&self) -> Result<Duration, NoAnswer> {
        let parsed = |text: &str| {
            OffsetDateTime::parse(text, &Rfc3339)
                .map_err(|_| NoAnswer("a time in the grant is not RFC 3339".into()))
        };
        let lifetime = parsed(&self.put()?.expires_at)? - parsed(&self.created_at)?;
        let lifetime = Duration::try_from(lifetime).unwrap_or_default();
        Ok(lifetime.saturating_sub(self.received.elapsed()))
    }
}

/// A file that is served, and how it came there.
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) sample: &'static Sample,
    pub(super) signed: Signed,
    /// The file as the confirm answered it.
    pub(super) file: Value,
    pub(super) file_url: String,
    /// The CDN's address, without a slash at the end.
    pub(super) cdn: String,
}

impl Probe<'_> {
    /// Calls the API as ourselves.
    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        self.call_as(Some(&self.us), method, path, body)
    }

    /// Calls the API as somebody, or as nobody.
    pub(super) fn call_as(
        &self,
        who: Option<&Credential>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let mut ask = Ask::new(method, format!("{}{path}", self.api));
        if let Some(credential) = who {
            let token = credential.read().map_err(|failure| NoAnswer(failure.text))?;
            ask = ask.with("authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            ask = ask.json(body);
        }
        self.web.send(&ask)
    }

    /// A grant for a PUT of this content, and its cleaning up.
    pub(super) fn grant(&self, content_type: &str, content: &[u8], hashed: bool) -> Result<Grant, NoAnswer> {
        let mut wanted =
            json!({"filename": "valet-probe", "contentType": content_type, "size": content.len()});
        if hashed {
            wanted["checksum"] = json!({"sha256": sha256(content)});
        }
        self.grant_of(&wanted)
    }

    /// A grant for what `wanted` says. A lost answer is asked for again with the same key, so that nothing stays behind.
    pub(super) fn grant_of(&self, wanted: &Value) -> Result<Grant, NoAnswer> {
        let token = self.us.read().map_err(|failure| NoAnswer(failure.text))?;
        let ask = Ask::new("POST", format!("{}/v1/uploads", self.api))
            .with("authorization", format!("Bearer {token}"))
            .with("idempotency-key", Uuid::now_v7().to_string())
            .json(wanted);
        let answer = self.web.send(&ask)?;
        Ledger::note_grant(&self.ledger, &answer);
        if answer.status != 201 {
            return Err(NoAnswer(format!("no grant: {}", answer.told())));
        }
        serde_json::from_slice(&answer.body).map_err(|_| NoAnswer("the grant is not understood".into()))
    }

    /// The sample of a type with thumbnails that this stack accepts.
    pub(super) fn image(&self) -> Option<&'static Sample> {
        self.accepted(|sample, limit| sample.is_image && limit.thumbnails)
    }

    /// The first sample that this stack accepts and `wanted` likes.
    pub(super) fn accepted(&self, wanted: impl Fn(&Sample, &TypeLimit) -> bool) -> Option<&'static Sample> {
        super::samples::ALL.iter().find(|sample| {
            self.limits
                .types
                .iter()
                .any(|limit| limit.content_type == sample.content_type && wanted(sample, limit))
        })
    }

    /// A type that this stack accepts.
    pub(super) fn any_type(&self) -> Result<&TypeLimit, NoAnswer> {
        self.limits.types.first().ok_or_else(|| NoAnswer("the stack accepts no type".into()))
    }

    /// Uploads and confirms a sample.
    pub(super) fn upload(&self, sample: &'static Sample) -> Result<Shown, String> {
        let went = |what: &str, answer: Result<Answer, NoAnswer>| match answer {
            Ok(answer) if answer.status == 200 => Ok(answer),
            Ok(answer) => Err(format!("{what}: {}", answer.told())),
            Err(NoAnswer(why)) => Err(format!("{what}: {why}")),
        };
        let grant = self.grant(sample.content_type, sample.content, true).map_err(|NoAnswer(why)| why)?;
        let signed = grant.request.ok_or("the grant has no request")?;
        went("PUT", self.web.send(&signed.ask(sample.content)))?;
        let file =
            went("confirm", self.call("POST", &format!("/v1/uploads/{}/confirm", grant.id), None))?.json();
        let file_url = file["fileUrl"].as_str().ok_or("the file has no URL")?.to_owned();
        let key_path = signed.key_path().map_err(|NoAnswer(why)| why)?;
        let cdn = file_url.strip_suffix(key_path).ok_or("the file's URL does not end in its key")?.to_owned();
        Ok(Shown { id: grant.id, sample, signed, file, file_url, cdn })
    }

    /// The one image that is served; uploaded by whoever asks first.
    pub(super) fn shown(&self) -> Result<&Shown, String> {
        let made = self.shown.get_or_init(|| {
            self.upload(self.image().ok_or("the stack accepts no image that gets thumbnails")?)
        });
        made.as_ref().map_err(Clone::clone)
    }

    /// Asks again until `seen` is content, or `patience` is over, or Ctrl-C. The last thing seen decides.
    pub(super) fn until<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut() -> Result<T, NoAnswer>,
        mut seen: impl FnMut(&T) -> bool,
    ) -> Result<T, NoAnswer> {
        let deadline = Instant::now() + patience;
        loop {
            let found = look()?;
            if seen(&found) || Instant::now() >= deadline {
                return Ok(found);
            }
            if self.stop.wait(BETWEEN_LOOKS) {
                return Err(NoAnswer("interrupted".into()));
            }
        }
    }
}

/// A digest as S3 writes it.
pub(super) fn sha256(content: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(content))
}
