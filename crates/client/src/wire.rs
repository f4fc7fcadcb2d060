//! One call of the API: the token, JSON both ways, problems, retries. It never follows a redirect, which would carry the token away.

use crate::backoff;
use crate::error::{Error, FieldError, Result};
use crate::settings::{Settings, Token};
use crate::stop::Stop;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Method, Request, Response, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;
use ureq::{Agent, Body};

/// The most of an answer that is read: 500 signed parts take about one MiB.
const LARGEST_ANSWER: u64 = 16 << 20;

/// What speaks to the API.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    agent: Agent,
    settings: Arc<Settings>,
    stop: Option<Stop>,
}

/// A call's fixed half.
pub(crate) struct Call<'a> {
    /// For messages: `issuing a grant`.
    pub(crate) doing: &'static str,
    pub(crate) method: Method,
    /// From `/v1` on, escaped.
    pub(crate) path: &'a str,
    pub(crate) json: Option<Vec<u8>>,
    pub(crate) idempotency_key: Option<&'a str>,
}

/// A good answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// When it was asked, by this machine, and when it was answered, by the server.
    pub(crate) clocks: Option<(Instant, OffsetDateTime)>,
    doing: &'static str,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Protocol {
            doing: self.doing,
            // serde's text may quote a value; its kind and place do not.
            detail: format!(
                "{:?} error in line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        })
    }

    /// When something ends here that ends at `expires_at` there. The server's clock is read from its own answer,
    /// so that this machine's may be wrong; the request's start counts, to err on the early side.
    pub(crate) fn ends(&self, expires_at: OffsetDateTime) -> Option<Instant> {
        let (asked, answered) = self.clocks?;
        asked.checked_add((expires_at - answered).try_into().unwrap_or_default())
    }
}

impl Wire {
    /// Fails where the settings are of no use.
    pub(crate) fn new(mut settings: Settings) -> Result<Self> {
        settings.base_url.truncate(settings.base_url.trim_end_matches('/').len());
        check_base_url(&settings.base_url)?;
        if let Token::Text(_) = settings.token {
            settings.token.read()?;
        }
        let agent = agent_of(&settings)?;
        Ok(Self { agent, settings: Arc::new(settings), stop: None })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same with connections of its own, which end with `stop`.
    pub(crate) fn stoppable(&self, stop: &Stop) -> Result<Self> {
        Ok(Self {
            agent: agent_of(&self.settings)?,
            settings: Arc::clone(&self.settings),
            stop: Some(stop.clone()),
        })
    }

    /// Breaks off what is under way and refuses what follows.
    pub(crate) fn shutdown(&self) {
        self.agent.clone().shutdown();
    }

    /// Makes a call, again where that is of use.
    pub(crate) fn call(&self, call: &Call) -> Result<Answer> {
        let mut failures = 0;
        let mut token_renewed = matches!(self.settings.token, Token::Text(_));
        loop {
            let error = match self.try_call(call) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if self.is_stopped() {
                return Err(Error::Stopped(None));
            }
            failures += 1;
            match &error {
                // The token may have been renewed between our reading and its end.
                Error::Unauthorized { status: 401, .. } if !token_renewed => token_renewed = true,
                // Trying again would find the same: there is something to upload first.
                Error::TryLater { code, .. } if code == "not_uploaded" => return Err(error),
                // It may take longer than a few tries: for whoever asked to say.
                error_ if error_.is_full_for_now() => return Err(error),
                error_ if error_.is_retryable() && failures < self.settings.tries => {
                    if self.wait(backoff::delay(failures, error.retry_after())) {
                        return Err(Error::Stopped(None));
                    }
                }
                _ => return Err(error),
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(Stop::is_stopped)
    }

    fn wait(&self, time: Duration) -> bool {
        if let Some(stop) = &self.stop {
            return stop.wait(time);
        }
        thread::sleep(time);
        false
    }

    fn try_call(&self, call: &Call) -> Result<Answer> {
        let asked = Instant::now();
        let token = self.settings.token.read()?;
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(format!("{}{}", self.settings.base_url, call.path))
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json");
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let protocol = |detail: &str| Error::Protocol { doing: call.doing, detail: detail.into() };
        let response = if call.method == Method::POST {
            let json = call.json.clone().unwrap_or_default();
            if !json.is_empty() {
                request = request.header("content-type", "application/json");
            }
            self.agent.run(request.body(json).map_err(|_| protocol("the request cannot be written"))?)
        } else {
            self.agent.run(request.body(()).map_err(|_| protocol("the request cannot be written"))?)
        };
        let response = response.map_err(|error| network(call.doing, error))?;
        let status = response.status().as_u16();
        let date = date(response.headers());
        let retry_after = retry_after(response.headers(), date);
        let body = read(response).map_err(|error| network(call.doing, error))?;
        match status {
            200..=299 => {
                let clocks = date.map(|date| (asked, date));
                Ok(Answer { status, retry_after, clocks, doing: call.doing, body })
            }
            _ => Err(problem(status, retry_after, &body)),
        }
    }
}

fn check_base_url(base_url: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::Settings(format!("the API's address {why}")));
    let Ok(uri) = base_url.parse::<Uri>() else { return wrong("is not a URL") };
    let Some(host) = uri.host() else { return wrong("has no host") };
    if uri.query().is_some() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return wrong("must be a scheme, a host and at most a path");
    }
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_here(host) => Ok(()),
        Some("http") => wrong("must begin with https://: the token would travel in the open"),
        _ => wrong("must begin with https://"),
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// What agents have in common: no redirects, and the environment's proxy unless the API is on this machine, which no proxy
/// would find.
pub(crate) fn config(settings: &Settings) -> Result<ConfigBuilder<AgentScope>> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(settings.user_agent.as_str())
        .tls_config(tls(settings)?)
        .timeout_connect(Some(settings.connect_timeout));
    let uri: Uri = settings.base_url.parse().unwrap_or_default();
    Ok(if uri.host().is_some_and(is_here) { config.proxy(None) } else { config })
}

fn agent_of(settings: &Settings) -> Result<Agent> {
    let config = config(settings)?.timeout_global(Some(settings.connect_timeout + settings.answer_timeout));
    Ok(config.build().new_agent())
}

/// Trusts what the settings say.
fn tls(settings: &Settings) -> Result<TlsConfig> {
    let Some(path) = &settings.ca_bundle else { return Ok(TlsConfig::default()) };
    let wrong =
        |why: &dyn std::fmt::Display| Error::Settings(format!("the CA bundle {}: {why}", path.display()));
    let pem = fs::read(path).map_err(|error| wrong(&error))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| wrong(&"is not PEM"))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong(&"holds no certificate"));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build())
}

fn read(response: Response<Body>) -> std::result::Result<Vec<u8>, ureq::Error> {
    response.into_body().into_with_config().limit(LARGEST_ANSWER).read_to_vec()
}

/// The server's clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get("date")?.to_str().ok()?, &Rfc2822).ok()
}

/// Seconds, or a date by the server's clock.
pub(crate) fn retry_after(headers: &HeaderMap, now: Option<OffsetDateTime>) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    (OffsetDateTime::parse(text, &Rfc2822).ok()? - now?).try_into().ok()
}

/// What failed below HTTP, without the URL that some of ureq's texts hold.
pub(crate) fn network(doing: &'static str, error: ureq::Error) -> Error {
    let source = match error {
        ureq::Error::Io(error) => error,
        ureq::Error::Timeout(which) => io::Error::new(ErrorKind::TimedOut, format!("timed out ({which})")),
        ureq::Error::HostNotFound => io::Error::new(ErrorKind::NotFound, "no such host"),
        ureq::Error::ConnectionFailed => {
            io::Error::new(ErrorKind::NotConnected, "the connection cannot be made")
        }
        ureq::Error::Protocol(error) => io::Error::new(ErrorKind::InvalidData, error.to_string()),
        ureq::Error::BodyExceedsLimit(_) => io::Error::other("the answer is too long"),
        ureq::Error::Tls(text) => io::Error::other(text),
        ureq::Error::Rustls(error) => io::Error::other(error.to_string()),
        _ => io::Error::other("the request failed"),
    };
    let text = source.to_string();
    // Waiting mends no certificate.
    if text.contains("invalid peer certificate") {
        return Error::Untrusted(text);
    }
    Error::Network { doing, source }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Option<String>,
    detail: Option<String>,
    /// API Gateway's own answers.
    message: Option<String>,
    retryable: bool,
    errors: Vec<FieldError>,
}

fn problem(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Error {
    let Problem { code, detail, message, retryable, errors } =
        serde_json::from_slice(body).unwrap_or_default();
    let detail = detail.or(message).unwrap_or_else(|| format!("HTTP {status}"));
    let code = code.unwrap_or_else(|| format!("http_{status}"));
    match status {
        403 if code == "quota_exceeded" => Error::QuotaExceeded { detail },
        401 | 403 => Error::Unauthorized { status, detail },
        404 => Error::NotFound { detail },
        410 => Error::Ended { code, detail },
        422 if code != "idempotency_key_reused" => Error::Rejected { code, detail },
        408 | 425 | 429 | 500..=599 => Error::TryLater { status, code, detail, retry_after },
        _ if retryable => Error::TryLater { status, code, detail, retry_after },
        _ => Error::Refused { status, code, detail, errors },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderValue;

    #[test]
    fn a_token_goes_over_https_or_to_this_machine() {
        for good in [
            "https://api.example",
            "https://api.example/stage",
            "http://127.0.0.1:4567",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            assert!(check_base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example",
            "http://api.example",
            "ftp://localhost",
            "https://",
            "https://a@b.example",
            "https://b.example/?x=1",
            "http://127.0.0.1.example",
        ] {
            assert!(matches!(check_base_url(bad), Err(Error::Settings(_))), "{bad}");
        }
    }

    #[test]
    fn errors_are_told_apart_by_what_to_do() {
        let of = |status, body: &str| problem(status, None, body.as_bytes());
        assert!(
            matches!(of(401, r#"{"message":"Unauthorized"}"#), Error::Unauthorized { status: 401, detail } if detail == "Unauthorized")
        );
        assert!(matches!(of(404, ""), Error::NotFound { .. }));
        assert!(
            matches!(of(410, r#"{"code":"upload_expired","detail":"x"}"#), Error::Ended { code, .. } if code == "upload_expired")
        );
        assert!(matches!(of(422, r#"{"code":"content_mismatch"}"#), Error::Rejected { .. }));
        assert!(matches!(of(422, r#"{"code":"idempotency_key_reused"}"#), Error::Refused { .. }));
        assert!(matches!(of(409, r#"{"code":"invalid_state"}"#), Error::Refused { .. }));
        assert!(matches!(of(409, r#"{"code":"not_uploaded","retryable":true}"#), Error::TryLater { .. }));
        assert!(matches!(of(502, "<html>"), Error::TryLater { status: 502, code, .. } if code == "http_502"));
        let refused = of(400, r#"{"code":"invalid_request","errors":[{"pointer":"/size","detail":"no"}]}"#);
        assert!(matches!(refused, Error::Refused { errors, .. } if errors[0].pointer == "/size"));
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_date() {
        let mut headers = HeaderMap::new();
        headers.insert("date", HeaderValue::from_static("Sun, 22 Nov 2026 07:52:47 GMT"));
        let now = date(&headers);
        assert!(now.is_some());
        assert_eq!(retry_after(&headers, now), None);
        headers.insert("retry-after", HeaderValue::from_static("7"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(7)));
        headers.insert("retry-after", HeaderValue::from_static("Sun, 22 Nov 2026 07:53:00 GMT"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(13)));
    }

    #[test]
    fn no_text_of_the_network_holds_a_url() {
        let error = network("x", ureq::Error::BadUri("https://secret".into()));
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
