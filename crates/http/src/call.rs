//! One authenticated request. It never trusts anything but the authorizer for who calls.

use crate::Problem;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use valet_core::error::FieldError;
use valet_core::{Error, Owner, UploadId};

/// The most bytes a JSON body may have. The largest legitimate ones are lists of 500 parts with checksums, of 35 KB, and of 10,000
/// parts with an `ETag` each, of 700 KB.
const MAX_BODY_BYTES: usize = 1 << 20;

/// One request of a known owner.
pub struct Call {
    /// Whose request it is: from the verified token's `sub`.
    pub owner: Owner,
    /// When it came.
    pub now: OffsetDateTime,
    request: Request,
}

impl Call {
    pub(crate) fn new(request: Request, now: OffsetDateTime, owner: Owner) -> Self {
        Self { owner, now, request }
    }

    /// Method and path, split at its slashes: `("POST", ["v1", "uploads"])`.
    pub fn route(&self) -> (&str, Vec<&str>) {
        (self.request.method().as_str(), segments(self.request.raw_http_path()))
    }

    /// The upload id in a path segment. What cannot be an id is nobody's upload.
    pub fn upload_id(segment: &str) -> Result<UploadId, Problem> {
        UploadId::parse(segment).ok_or(Problem::Core(Error::NotFound))
    }

    /// A parameter of the query, decoded; the first, should it come twice.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.request.query_string_parameters().first(name).map(str::to_owned)
    }

    /// What API Gateway and Lambda call this request.
    pub(crate) fn request_id(&self) -> String {
        self.request.lambda_context().request_id
    }

    /// The query's parameters, decoded, if they are among `known` and none comes twice.
    pub(crate) fn query(&self, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
        let mut found = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, value) in self.request.query_string_parameters().iter() {
            if !known.contains(&name) {
                let detail = format!("is not a parameter here; known are: {}", known.join(", "));
                errors.push(FieldError::new(name.to_owned(), detail));
            } else if found.insert(name.to_owned(), value.to_owned()).is_some() {
                errors.push(FieldError::new(name.to_owned(), "must not come twice"));
            }
        }
        if errors.is_empty() { Ok(found) } else { Err(Error::InvalidRequest(errors).into()) }
    }

    /// Whether there is no body.
    pub(crate) fn has_no_body(&self) -> bool {
        self.request.body().is_empty()
    }

    /// The body, which must be one JSON object and say so.
    pub fn json_object(&self) -> Result<Map<String, Value>, Problem> {
        let invalid = |pointer, detail: String| {
            Problem::Core(Error::InvalidRequest(vec![FieldError::new(pointer, detail)]))
        };
        let content_type = self.header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(invalid("Content-Type", "must be application/json".to_owned()));
        }
        let body: &[u8] = self.request.body().as_ref();
        if body.len() > MAX_BODY_BYTES {
            return Err(invalid("", format!("the body has more than {MAX_BODY_BYTES} bytes")));
        }
        serde_json::from_slice(body).map_err(|error| invalid("", format!("must be a JSON object: {error}")))
    }

    /// A header, bytes that are no text replaced, so that it is refused rather than overlooked.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.request.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

/// Whose request it is, if the authorizer vouches for its caller.
pub fn bearer(request: &Request) -> Result<Owner, Problem> {
    let subject = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => subject(context),
        _ => None,
    };
    Ok(Owner::of_subject(subject.ok_or(Problem::Unauthenticated)?))
}

/// The base URL that the request came to, without a trailing slash: that of the API's own domain.
pub fn base_url(call: &Call) -> Option<String> {
    match call.request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.domain_name.as_deref().map(|domain| format!("https://{domain}"))
        }
        _ => None,
    }
}

/// A path without its leading slash, split.
pub fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

fn subject(context: &ApiGatewayV2httpRequestContext) -> Option<&str> {
    let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
    claims.get("sub").map(String::as_str).filter(|subject| !subject.is_empty())
}
