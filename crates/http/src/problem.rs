//! How a failure is told: RFC 9457 `application/problem+json`, every code with its status on one screen. A problem never
//! carries the SDK's words.

use lambda_http::http::StatusCode;
use serde::Serialize;
use valet_core::Error;
use valet_core::upload::RejectReason;

/// Why a request was not answered with what it asked for.
#[derive(Debug)]
pub enum Problem {
    /// No verified caller. The authorizer answers before us; this is for a stack that lost it.
    Unauthenticated,
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
#[serde(rename_all = "camelCase")]
pub(crate) struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    request_id: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field<'a>>,
}

#[derive(Serialize)]
struct Field<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl Problem {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::NoRoute => "not_found",
            Self::TimedOut => "try_later",
            Self::Panicked => "internal_error",
            Self::Core(error) => error.code(),
        }
    }

    /// The one table of statuses.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Core(error) => match error {
                Error::InvalidRequest(_) => StatusCode::BAD_REQUEST,
                Error::NotFound => StatusCode::NOT_FOUND,
                Error::NotUploaded | Error::InvalidState(_) | Error::IdempotencyInProgress => {
                    StatusCode::CONFLICT
                }
                Error::UploadExpired => StatusCode::GONE,
                Error::FileTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                Error::TypeNotAllowed { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Error::Rejected(
                    RejectReason::Size
                    | RejectReason::Checksum
                    | RejectReason::Content
                    | RejectReason::Headers,
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
            Self::Core(error) if error.is_retryable() => Some(1),
            Self::Unauthenticated | Self::NoRoute | Self::Panicked | Self::Core(_) => None,
        }
    }

    /// What the client is told.
    pub(crate) fn body<'a>(&'a self, request_id: &'a str) -> Body<'a> {
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
            errors: errors.iter().map(|e| Field { pointer: e.pointer, detail: &e.detail }).collect(),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Unauthenticated => "a bearer token is required".to_owned(),
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
