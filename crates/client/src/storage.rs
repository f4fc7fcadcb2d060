//! PUTs to storage and what it answers. It knows signed requests alone, and prints nothing of them.

use crate::crc::Crc;
use crate::error::{Error, Result};
use crate::grant::SignedRequest;
use crate::settings::Settings;
use crate::wire;
use std::io::Read;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, Body, SendBody};

/// What is read from the file, run through the CRC and handed to the socket at once; it is all the memory a connection takes.
/// It has to stay in a core's L2 cache on the way: 64 to 512 KiB cost the same with 2 MiB of L2, 1 MiB costs a tenth more.
const BUFFER: usize = 256 << 10;

/// Answers are short.
const INPUT_BUFFER: usize = 16 << 10;

/// S3's error documents are below a KiB.
const LARGEST_ANSWER: u64 = 64 << 10;

/// After the last write, what lies in the socket's buffer (up to 4 MiB) still has to go, before an answer can come.
const ANSWER_PATIENCE: u32 = 4;

/// What sends to storage.
pub(crate) struct Storage {
    agent: Agent,
}

/// What storage said to a PUT.
pub(crate) enum Put {
    /// It is stored.
    Stored {
        etag: String,
        /// As storage computed it.
        crc: Option<Crc>,
    },
    /// Something is stored under the key already.
    Exists,
    /// The URL has ended, or is not what was signed.
    NotSigned,
    /// There is no such multipart upload (any more).
    NoSuchUpload,
    /// The bytes that arrived are not those that were announced.
    Damaged,
    /// What may pass; and how long it asks to wait.
    Failed(Error, Option<Duration>),
}

impl Storage {
    /// Keeps up to `connections` open.
    pub(crate) fn new(settings: &Settings, connections: usize) -> Result<Self> {
        let agent = wire::config(settings)?
            // Each bounds one read or write, so that no byte moving is what ends a connection, not a slow line.
            .timeout_per_write(Some(settings.idle_timeout))
            .timeout_per_read(Some(settings.idle_timeout * ANSWER_PATIENCE))
            .output_buffer_size(BUFFER)
            .input_buffer_size(INPUT_BUFFER)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .build()
            .new_agent();
        Ok(Self { agent })
    }

    /// Breaks off what is under way and refuses what follows.
    pub(crate) fn shutdown(&self) {
        self.agent.clone().shutdown();
    }

    /// Sends `body`, `length` bytes of it.
    pub(crate) fn put(&self, signed: &SignedRequest, body: &mut dyn Read, length: u64) -> Result<Put> {
        let mut request = Request::builder()
            .method(signed.method.as_str())
            .uri(signed.url.as_str())
            .header("content-length", length);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(SendBody::from_reader(body)) else {
            return Err(Error::Protocol { doing: "signing", detail: "the signed request is none".into() });
        };
        Ok(match self.agent.run(request).and_then(take) {
            Ok(answer) => answer.judge(),
            Err(error) => match wire::network("sending", error) {
                error @ Error::Network { .. } => Put::Failed(error, None),
                error => return Err(error),
            },
        })
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Reads the answer to its end, so that the connection can be used again.
fn take(response: Response<Body>) -> std::result::Result<Answer, ureq::Error> {
    let (parts, body) = response.into_parts();
    let body = body.into_with_config().limit(LARGEST_ANSWER).read_to_vec()?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

impl Answer {
    fn judge(&self) -> Put {
        let code = self.code();
        match (self.status, code.as_str()) {
            (200..=299, _) => {
                let header = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
                Put::Stored {
                    etag: header("etag").unwrap_or_default().to_owned(),
                    crc: header("x-amz-checksum-crc64nvme").and_then(Crc::parse),
                }
            }
            (412, _) => Put::Exists,
            (403, _) => Put::NotSigned,
            (404, "NoSuchUpload" | "") => Put::NoSuchUpload,
            (400, "BadDigest" | "IncompleteBody" | "XAmzContentChecksumMismatch" | "InvalidDigest") => {
                Put::Damaged
            }
            (status, _) => {
                let wait = wire::retry_after(&self.headers, wire::date(&self.headers));
                Put::Failed(Error::Storage { status, code }, wait)
            }
        }
    }

    /// The `Code` of S3's error document.
    fn code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let known = |code: &&str| code.len() < 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        code.map(|(code, _)| code).filter(known).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Put {
        Answer { status, headers: HeaderMap::new(), body: body.into() }.judge()
    }

    #[test]
    fn answers_are_told_apart_by_what_to_do() {
        let error = |code: &str| {
            format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>m</Message></Error>")
        };
        assert!(matches!(judge(200, ""), Put::Stored { .. }));
        assert!(matches!(judge(412, &error("PreconditionFailed")), Put::Exists));
        assert!(matches!(judge(403, &error("AccessDenied")), Put::NotSigned));
        assert!(matches!(judge(404, &error("NoSuchUpload")), Put::NoSuchUpload));
        assert!(matches!(judge(404, &error("NoSuchBucket")), Put::Failed(error, _) if !error.is_retryable()));
        assert!(matches!(judge(400, &error("BadDigest")), Put::Damaged));
        for (status, code) in
            [(400, "RequestTimeout"), (503, "SlowDown"), (500, "InternalError"), (429, ""), (408, "")]
        {
            assert!(
                matches!(judge(status, &error(code)), Put::Failed(error, _) if error.is_retryable()),
                "{code}"
            );
        }
        assert!(
            matches!(judge(400, &error("EntityTooLarge")), Put::Failed(error, _) if !error.is_retryable())
        );
    }
}
