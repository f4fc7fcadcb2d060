//! Requests exactly as a check wants them: no redirect followed, no header of its own, no status taken for an error.
//!
//! It must never tell a URL, a token or a header to anyone: an answer is told by its status and S3's or the API's code.

use crate::connect;
use crate::failure::Failure;
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::Duration;
use ureq::http::{HeaderMap, Request};

/// No answer a check looks at is larger.
const MOST_BYTES: u64 = 16 << 20;
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// A request to be sent as it stands.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Ask {
    pub(super) fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Sets a header, in place of one of this name.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Leaves a header out.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.with("content-type", "application/json").body(body.to_string())
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header, or an empty text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON, or null.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The API's `code`, or S3's `<Code>`, or nothing.
    pub(super) fn code(&self) -> String {
        let found = if let Value::String(code) = &self.json()["code"] {
            code.clone()
        } else {
            let text = String::from_utf8_lossy(&self.body);
            text.split_once("<Code>")
                .and_then(|(_, rest)| rest.split_once("</Code>"))
                .map_or(String::new(), |(code, _)| code.into())
        };
        let is_code =
            found.len() <= 40 && found.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_code { found } else { String::new() }
    }

    /// Status and code, such as `403 AccessDenied`.
    pub(super) fn told(&self) -> String {
        format!("{} {}", self.status, self.code()).trim_end().into()
    }
}

/// Nothing can be said about a control: no connection, or an answer about something else (429, 5xx).
#[derive(Clone, Debug)]
pub(super) struct NoAnswer(pub(super) String);

/// Sends requests.
pub(super) struct Web {
    agent: ureq::Agent,
}

impl Web {
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self, Failure> {
        let config = connect::config(ca_file)?
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_mins(1)))
            .user_agent(concat!("valet-probe/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().into() })
    }

    /// The answer, after up to three tries where the network failed or the server was busy.
    pub(super) fn send(&self, ask: &Ask) -> Result<Answer, NoAnswer> {
        for attempt in 1.. {
            match self.send_once(ask) {
                Ok(answer) if answer.status != 429 && answer.status < 500 => return Ok(answer),
                Ok(answer) if attempt == TRIES => return Err(NoAnswer(answer.told())),
                Err(gone) if attempt == TRIES => return Err(gone),
                _ => thread::sleep(BETWEEN_TRIES * attempt),
            }
        }
        unreachable!("the last try returns")
    }

    /// One try, whatever comes of it.
    pub(super) fn send_once(&self, ask: &Ask) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder().method(ask.method.as_str()).uri(&ask.url);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let failed = |error: &ureq::Error| NoAnswer(told(error).into());
        // An empty body of a method that needs none must not be announced.
        let sent = if ask.body.is_empty() && ask.method != "PUT" && ask.method != "POST" {
            self.agent.run(request.body(()).map_err(|_| unsayable())?)
        } else {
            self.agent.run(request.body(ask.body.as_slice()).map_err(|_| unsayable())?)
        };
        let response = sent.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        let mut content = Vec::new();
        body.into_with_config()
            .limit(MOST_BYTES)
            .reader()
            .read_to_end(&mut content)
            .map_err(|_| NoAnswer("the answer broke off".into()))?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: content })
    }
}

fn unsayable() -> NoAnswer {
    NoAnswer("the request cannot be said in HTTP".into())
}

/// What failed, without the address that ureq may name.
fn told(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect) => "no connection: timed out",
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::HostNotFound => "no such host",
        ureq::Error::ConnectionFailed => "no connection",
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "no connection: refused"
        }
        ureq::Error::Io(_) => "the connection broke",
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => "no trusted TLS connection",
        _ => "no answer that is HTTP",
    }
}
