//! How a failure is told: RFC 9457 `application/problem+json`, every code with its status on one screen. A problem never
//! carries the SDK's words.

use crate::respond::Wording;
use lambda_http::http::StatusCode;
use serde::Serialize;
use valet_core::Error;
use valet_core::error::FieldError;
use valet_core::upload::RejectReason;

/// Why a request was not answered with what it asked for.
#[derive(Debug)]
pub enum Problem {
    /// No verified caller. The authorizer answers before us; this is for a stack that lost it.
    Unauthenticated,
    /// No session with this secret, or none any more.
    NoSession,
    /// No such route in this function.
    NoRoute,
    /// Not done before the deadline.
    TimedOut,
    /// The function panicked.
    Panicked,
    /// What a use case said.
    Core(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

/// The body of a problem.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Problem))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    request_id: &'a str,
    retryable: bool,
    // Once more what the header says: an item of a batch has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field<'a>>,
    // Of routes that the API's document leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    message: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FieldError))]
struct Field<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl Problem {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated | Self::NoSession => "unauthenticated",
            Self::NoRoute => "not_found",
            Self::TimedOut => "try_later",
            Self::Panicked => "internal_error",
            Self::Core(error) => error.code(),
        }
    }

    /// The one table of statuses.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Core(error) => match error {
                Error::InvalidRequest(_) => StatusCode::BAD_REQUEST,
                Error::NotFound | Error::NoThumbnail => StatusCode::NOT_FOUND,
                Error::NotUploaded { .. }
                | Error::PartsMissing { .. }
                | Error::PartsMismatch
                | Error::FileMismatch
                | Error::OtherWay(_)
                | Error::InvalidState(_)
                | Error::StillPending
                | Error::IdempotencyInProgress => StatusCode::CONFLICT,
                Error::UploadExpired => StatusCode::GONE,
                Error::QuotaExceeded { .. } => StatusCode::FORBIDDEN,
                Error::TooManyPending { .. } | Error::TooManyGrants { .. } => StatusCode::TOO_MANY_REQUESTS,
                Error::FileTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                Error::TypeNotAllowed { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Error::Rejected(
                    RejectReason::Size
                    | RejectReason::Checksum
                    | RejectReason::Content
                    | RejectReason::Headers
                    | RejectReason::Malware
                    | RejectReason::Unscannable,
                )
                | Error::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Store(error) if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
                Error::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// Seconds after which a retry makes sense, where one does.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TimedOut => Some(2),
            Self::Core(Error::Store(error)) if error.is_retryable() => Some(2),
            Self::Core(Error::TooManyPending { .. }) => Some(10),
            Self::Core(Error::TooManyGrants { retry_after, .. }) => Some(*retry_after),
            Self::Core(error) if error.is_retryable() => Some(1),
            Self::Unauthenticated | Self::NoSession | Self::NoRoute | Self::Panicked | Self::Core(_) => None,
        }
    }

    /// What the client is told.
    pub(crate) fn body<'a>(&'a self, wording: Wording, request_id: &'a str) -> Body<'a> {
        let status = self.status();
        let errors = match self {
            Self::Core(Error::InvalidRequest(errors)) => errors.as_slice(),
            _ => &[],
        };
        Body {
            r#type: format!("urn:valet:problem:{}", self.code()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.detail(),
            code: self.code(),
            request_id,
            retryable: self.retry_after().is_some(),
            retry_after: self.retry_after(),
            errors: errors.iter().map(|e| Field { pointer: &e.pointer, detail: &e.detail }).collect(),
            error: (wording == Wording::Uppy).then(|| self.code()),
            message: (wording == Wording::Uppy).then(|| self.message(errors)),
        }
    }

    /// The sentence for a client that shows nothing else: with what is wrong in each field.
    fn message(&self, errors: &[FieldError]) -> String {
        let fields: Vec<_> = errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect();
        if fields.is_empty() { self.detail() } else { format!("{}: {}", self.detail(), fields.join("; ")) }
    }

    fn detail(&self) -> String {
        match self {
            Self::Unauthenticated => "a bearer token is required".to_owned(),
            Self::NoSession => "this session is not known, or has ended; open a new one".to_owned(),
            Self::NoRoute => "there is no such route".to_owned(),
            Self::TimedOut => "this took too long; nothing is lost, try again".to_owned(),
            Self::Panicked => "something is wrong on our side".to_owned(),
            Self::Core(Error::Store(error)) if !error.is_retryable() => {
                "something is wrong on our side".to_owned()
            }
            Self::Core(error) => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use valet_core::error::{StoreError, StoreErrorKind};
    use valet_core::usage::Resource;

    fn store(kind: StoreErrorKind) -> Error {
        Error::Store(StoreError {
            operation: "PutItem",
            kind,
            source: "table uploads-1a2b is on fire".into(),
        })
    }

    fn denied() -> StoreError {
        StoreError { operation: "GetObject", kind: StoreErrorKind::Denied, source: "bucket on fire".into() }
    }

    fn every_problem() -> Vec<Problem> {
        let core = [
            Error::InvalidRequest(vec![]),
            Error::NotFound,
            Error::NoThumbnail,
            Error::NotUploaded { denied: Some(denied()) },
            Error::PartsMissing { missing: 1, count: 2 },
            Error::PartsMismatch,
            Error::FileMismatch,
            Error::OtherWay("in parts"),
            Error::InvalidState("ready"),
            Error::StillPending,
            Error::UploadExpired,
            Error::FileTooLarge { max_bytes: 1 },
            Error::TypeNotAllowed { accepted: "image/png".to_owned() },
            Error::QuotaExceeded { what: Resource::Bytes, limit: 1, used: 1 },
            Error::TooManyPending { limit: 1 },
            Error::TooManyGrants { limit: 1, retry_after: 7 },
            Error::Rejected(RejectReason::Size),
            Error::Rejected(RejectReason::Checksum),
            Error::Rejected(RejectReason::Content),
            Error::Rejected(RejectReason::Headers),
            Error::Rejected(RejectReason::Malware),
            Error::Rejected(RejectReason::Unscannable),
            Error::IdempotencyKeyReused,
            Error::IdempotencyInProgress,
            store(StoreErrorKind::Transient),
            store(StoreErrorKind::Denied),
            store(StoreErrorKind::Permanent),
        ];
        let own = [
            Problem::Unauthenticated,
            Problem::NoSession,
            Problem::NoRoute,
            Problem::TimedOut,
            Problem::Panicked,
        ];
        own.into_iter().chain(core.into_iter().map(Problem::Core)).collect()
    }

    #[test]
    fn every_code_stands_with_its_status_in_the_documented_table() {
        let documented = include_str!("../../../docs/API.md");
        for problem in every_problem() {
            let (status, code) = (problem.status().as_u16(), problem.code());
            let is_listed = documented.lines().any(|line| {
                line.starts_with(&format!("| {status} |")) && line.contains(&format!("`{code}`"))
            });
            assert!(is_listed, "docs/API.md does not list {code} with {status}");
        }
    }

    #[test]
    fn what_can_be_retried_says_when() {
        for problem in every_problem() {
            let body = serde_json::to_value(problem.body(Wording::Uppy, "req-1")).unwrap();
            assert_eq!(body["retryable"], problem.retry_after().is_some());
            assert_eq!(body.get("retryAfter"), problem.retry_after().map(Into::into).as_ref());
            let is_retryable = matches!(
                problem.code(),
                "not_uploaded"
                    | "idempotency_in_progress"
                    | "too_many_pending"
                    | "too_many_grants"
                    | "try_later"
            );
            assert_eq!(body["retryable"], is_retryable, "{body}");
        }
    }

    #[test]
    fn what_does_not_fit_is_final_and_what_is_full_for_now_says_for_how_long() {
        for (error, expected) in [
            (
                Error::QuotaExceeded { what: Resource::Files, limit: 10_000, used: 10_000 },
                (403, "quota_exceeded", None),
            ),
            (Error::TooManyPending { limit: 100 }, (429, "too_many_pending", Some(10))),
            (Error::TooManyGrants { limit: 600, retry_after: 42 }, (429, "too_many_grants", Some(42))),
        ] {
            let problem = Problem::Core(error);
            let told = (problem.status().as_u16(), problem.code(), problem.retry_after());
            assert_eq!(told, expected);
            // Uppy shows the sentence and nothing else: it has to have the limit in it.
            let body = serde_json::to_value(problem.body(Wording::Uppy, "req-1")).unwrap();
            let limit = |text: &str| text.chars().any(|char| char.is_ascii_digit());
            assert!(
                body["message"] == body["detail"] && body["message"].as_str().is_some_and(limit),
                "{body}"
            );
        }
    }

    #[test]
    fn uppy_is_told_the_code_and_a_sentence_and_nobody_else_is() {
        let wrong = vec![FieldError::new("/metadata/size", "must be at least 1")];
        let problem = Problem::Core(Error::InvalidRequest(wrong));
        let body = serde_json::to_value(problem.body(Wording::Uppy, "req-1")).unwrap();
        assert_eq!(body["error"], "invalid_request");
        assert_eq!(body["message"], "the request is not valid: /metadata/size must be at least 1");
        for problem in every_problem() {
            let body = serde_json::to_value(problem.body(Wording::Api, "req-1")).unwrap();
            assert!(body.get("error").is_none() && body.get("message").is_none(), "{body}");
        }
    }

    #[test]
    fn clients_never_see_what_storage_said() {
        for problem in every_problem() {
            let body = serde_json::to_string(&problem.body(Wording::Uppy, "req-1")).unwrap();
            assert!(!body.contains("fire") && !body.contains("PutItem"), "{body}");
        }
    }
}
