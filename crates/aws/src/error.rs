//! Turns SDK errors into [`StoreError`]s: what failed, and whether it may be tried again. Texts go to logs, so they carry
//! codes and messages, never a request.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;
use valet_core::error::{StoreError, StoreErrorKind, chain};

/// A failed call of `operation`, after the SDK's own retries.
pub(crate) fn store_error<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> StoreError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    StoreError { operation, kind: kind(&error), source: source(error) }
}

/// An answer that breaks the service's contract or our own assumptions.
pub(crate) fn bad_answer(operation: &'static str, problem: impl Into<String>) -> StoreError {
    StoreError { operation, kind: StoreErrorKind::Permanent, source: problem.into().into() }
}

fn kind<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> StoreErrorKind {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            StoreErrorKind::Transient
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            match answer.err().code() {
                Some(code) if is_transient(code) => StoreErrorKind::Transient,
                _ if status >= 500 || status == 429 => StoreErrorKind::Transient,
                Some("AccessDenied" | "AccessDeniedException") => StoreErrorKind::Denied,
                // HEAD answers carry no body and so no code.
                None if status == 403 => StoreErrorKind::Denied,
                _ => StoreErrorKind::Permanent,
            }
        }
        _ => StoreErrorKind::Permanent,
    }
}

/// Sources: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html>, and what the SDK's own retries take for
/// throttling (`aws_runtime::retries::classifiers::THROTTLING_ERRORS`): it gives up at last, and the call may still be made again.
fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "BandwidthLimitExceeded"
            | "InternalError"
            | "InternalServerError"
            | "LimitExceededException"
            | "OperationAborted"
            | "PriorRequestNotComplete"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestTimeout"
            | "ServiceUnavailable"
            | "SlowDown"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            // CloudFront has 3,000 paths under way, or 15 wildcards: a matter of minutes.
            | "TooManyInvalidationsInProgress"
            | "TooManyRequestsException"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            // Credentials are replaced from outside; the next try may have new ones.
            | "ExpiredToken"
            | "ExpiredTokenException"
    )
}

/// The innermost fact. The SDK's outer layers say only "service error" or "dispatch failure", and print whole answers.
fn source<E>(error: SdkError<E, HttpResponse>) -> Box<dyn Error + Send + Sync>
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().unwrap_or("no code");
            format!("{status} {code}: {}", answer.err().message().unwrap_or("no message")).into()
        }
        SdkError::ConstructionFailure(_) => "the request could not be built".into(),
        SdkError::TimeoutError(_) => "timed out".into(),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) => chain(connector).into(),
            None => "not sent".into(),
        },
        SdkError::ResponseError(_) => "the answer could not be read".into(),
        _ => "unknown failure".into(),
    }
}
