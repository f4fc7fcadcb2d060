//! Runs one request from its event to its response, and writes its one log line. Whatever happens inside, the client gets an
//! answer of the contract, and the log gets no URL, token, body or file name.

use crate::call::{bearer, segments};
use crate::{Call, Problem};
use futures_util::FutureExt;
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use serde::Serialize;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use time::OffsetDateTime;
use tracing::{error, info, warn};
use valet_core::error::chain;
use valet_core::{Error, Owner, StoreError, UploadId};
use valet_lambda::{is_cold_start, time_left};

/// A successful answer.
pub struct Reply {
    status: StatusCode,
    json: Option<String>,
    retry_after: Option<u32>,
    upload_id: Option<UploadId>,
    failures: Vec<ItemFailure>,
}

/// What the log says of an item of a batch that came to nothing.
pub(crate) struct ItemFailure {
    status: StatusCode,
    code: &'static str,
    chain: Option<String>,
}

impl ItemFailure {
    /// Of an item's problem.
    pub(crate) fn of(problem: &Problem) -> Self {
        Self {
            status: problem.status(),
            code: problem.code(),
            chain: failed_call(problem).map(|error| chain(error)),
        }
    }
}

impl Reply {
    /// An answer with a body.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let json = serde_json::to_string(body).expect("views have string keys and no failing parts");
        Self { status, json: Some(json), retry_after: None, upload_id: None, failures: Vec::new() }
    }

    /// An answer without one.
    pub fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            json: None,
            retry_after: None,
            upload_id: None,
            failures: Vec::new(),
        }
    }

    /// Says after how many seconds to ask again.
    #[must_use]
    pub fn again_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Says which items of a batch came to nothing, for the log.
    #[must_use]
    pub(crate) fn with_failures(self, failures: Vec<ItemFailure>) -> Self {
        Self { failures, ..self }
    }

    /// Names the upload it is about, for the log.
    #[must_use]
    pub fn about(self, id: UploadId) -> Self {
        Self { upload_id: Some(id), ..self }
    }
}

/// Answers a request by what `route` makes of it.
///
/// A panic becomes a problem, and so does work that is not done two seconds before the function's deadline; every use case
/// may be stopped at any point and repeated.
pub async fn respond<F>(request: Request, route: F) -> Result<Response<Body>, Infallible>
where
    F: AsyncFnOnce(&Call) -> Result<Reply, Problem>,
{
    respond_to(request, Wording::Api, async |request, _| bearer(request), route).await
}

/// What a problem's body says besides what every one says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// Nothing.
    Api,
    /// The code as `error` and the sentence as `message`, which is what Uppy reads.
    Uppy,
}

/// The same for a caller who is known otherwise than by the authorizer: `identify` says whose request it is.
pub async fn respond_to<I, F>(
    request: Request,
    wording: Wording,
    identify: I,
    route: F,
) -> Result<Response<Body>, Infallible>
where
    I: AsyncFnOnce(&Request, OffsetDateTime) -> Result<Owner, Problem>,
    F: AsyncFnOnce(&Call) -> Result<Reply, Problem>,
{
    let start = Instant::now();
    let now = valet_lambda::now();
    let context = request.lambda_context();
    let line = Line::of(&request, context.request_id.clone());
    let work = async {
        let owner = identify(&request, now).await?;
        route(&Call::new(request, now, owner)).await
    };
    let work = tokio::time::timeout(time_left(context.deadline(), now), work);
    let result = match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(result)) => result,
        Ok(Err(_elapsed)) => Err(Problem::TimedOut),
        Err(_panic) => Err(Problem::Panicked),
    };
    line.write(&result, start);
    Ok(match result {
        Ok(reply) => {
            let mut response = response(reply.status, "application/json", reply.json);
            if let Some(seconds) = reply.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Err(problem) => problem_response(&problem, wording, &line.request_id),
    })
}

fn problem_response(problem: &Problem, wording: Wording, request_id: &str) -> Response<Body> {
    let json = serde_json::to_string(&problem.body(wording, request_id)).expect("a problem has string keys");
    let mut response = response(problem.status(), "application/problem+json", Some(json));
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if matches!(problem, Problem::Unauthenticated) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn response(status: StatusCode, content_type: &'static str, json: Option<String>) -> Response<Body> {
    let has_body = json.is_some();
    let mut response = Response::new(json.map_or(Body::Empty, Body::Text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Answers hold signed URLs and private names.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// The call of AWS that failed behind a problem.
fn failed_call(problem: &Problem) -> Option<&StoreError> {
    match problem {
        Problem::Core(Error::Store(error) | Error::NotUploaded { denied: Some(error) }) => Some(error),
        Problem::Core(_)
        | Problem::Unauthenticated
        | Problem::NoSession
        | Problem::NoRoute
        | Problem::TimedOut
        | Problem::Panicked => None,
    }
}

/// What the log line says of a request.
struct Line {
    request_id: String,
    method: String,
    route: String,
    upload_id: Option<UploadId>,
}

impl Line {
    fn of(request: &Request, request_id: String) -> Self {
        let segments = segments(request.raw_http_path());
        let upload_id = segments.iter().find_map(|segment| UploadId::parse(segment));
        // Nothing else is printed: a segment can be a secret.
        let known = [
            "v1",
            "uploads",
            "files",
            "limits",
            "url",
            "parts",
            "confirm",
            "batch",
            "get-upload-url",
            "confirm-upload",
            "uppy",
            "uppy-sessions",
            "s3",
            "params",
            "multipart",
            "complete",
            "sign",
        ];
        let route = segments.iter().map(|segment| match UploadId::parse(segment) {
            Some(_) => "/{id}".to_owned(),
            None if known.contains(segment) => format!("/{segment}"),
            None => "/?".to_owned(),
        });
        Self { request_id, method: request.method().to_string(), route: route.take(8).collect(), upload_id }
    }

    fn write(&self, result: &Result<Reply, Problem>, start: Instant) {
        let Self { request_id, method, route, .. } = self;
        let upload_id = match result {
            Ok(reply) => reply.upload_id.or(self.upload_id),
            Err(_) => self.upload_id,
        };
        let upload_id = upload_id.map(|id| id.to_string());
        let duration_ms = start.elapsed().as_secs_f64() * 1e3;
        let cold_start = is_cold_start();
        // One macro call a level: the level is part of tracing's static call site.
        macro_rules! line {
            ($level:ident, $($fields:tt)*) => {
                $level!(
                    request_id, http.method = method, http.route = route, upload.id = upload_id, $($fields)*,
                    duration_ms, cold_start, "request"
                )
            };
        }
        match result {
            Ok(Reply { failures, status, .. }) => {
                let (status, failed) = (status.as_u16(), failures.len());
                // The worst of them stands for all: a batch is one line too.
                match failures.iter().max_by_key(|failure| failure.status) {
                    None => line!(info, http.status = status),
                    Some(ItemFailure { status: worst, code, chain }) => {
                        let (code, chain) = (*code, chain.as_deref());
                        if *worst == StatusCode::INTERNAL_SERVER_ERROR {
                            line!(
                                error,
                                http.status = status,
                                batch.failed = failed,
                                error.code = code,
                                error.chain = chain
                            );
                        } else if chain.is_some() {
                            line!(
                                warn,
                                http.status = status,
                                batch.failed = failed,
                                error.code = code,
                                error.chain = chain
                            );
                        } else {
                            line!(info, http.status = status, batch.failed = failed, error.code = code);
                        }
                    }
                }
            }
            Err(problem) => {
                let (status, code) = (problem.status(), problem.code());
                let failure = failed_call(problem);
                let chain = failure.map(|error| chain(error));
                if status == StatusCode::INTERNAL_SERVER_ERROR {
                    line!(error, http.status = status.as_u16(), error.code = code, error.chain = chain);
                } else if status.is_server_error() || failure.is_some() {
                    line!(warn, http.status = status.as_u16(), error.code = code, error.chain = chain);
                } else {
                    line!(info, http.status = status.as_u16(), error.code = code);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{header, request, status_and_json};
    use serde_json::json;

    fn limits() -> Request {
        request(serde_json::from_str(include_str!("../../../events/limits.json")).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_outlasts_the_deadline_is_told_to_come_again() {
        let response = respond(limits(), async |_| std::future::pending().await).await.unwrap();
        let (status, problem) = status_and_json(&response);
        assert_eq!((status, &problem["code"]), (503, &json!("try_later")));
        assert_eq!(header(&response, "retry-after"), Some("2"));
    }

    #[tokio::test]
    async fn no_answer_may_be_kept_or_guessed_at() {
        let response =
            respond(limits(), async |_| Ok(Reply::json(StatusCode::OK, &json!({})))).await.unwrap();
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&response, "content-type"), Some("application/json"));
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let response = respond(limits(), async |_| panic!("the bucket's name is secret")).await.unwrap();
        let (status, problem) = status_and_json(&response);
        assert_eq!((status, &problem["code"]), (500, &json!("internal_error")));
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_the_last_says_when_to_ask_again() {
        let later = async |_: &Call| Ok(Reply::json(StatusCode::ACCEPTED, &json!({})).again_after(2));
        let response = respond(limits(), later).await.unwrap();
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (202, Some("2")));
    }
}
