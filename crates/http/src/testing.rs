//! Turns the sample events of `events/` into requests, and responses into what a test compares. For handler tests only.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use lambda_http::http::HeaderMap;
use lambda_http::lambda_runtime::Config;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Context, Request, RequestExt, Response};
use serde_json::Value;
use std::sync::Arc;

/// The request an HTTP API event becomes inside Lambda, with a deadline half a minute away.
pub fn request(event: Value) -> Request {
    let event: LambdaRequest = serde_json::from_value(event).unwrap();
    let deadline = (valet_lambda::now() + std::time::Duration::from_secs(30)).unix_timestamp() * 1000;
    let mut headers = HeaderMap::new();
    headers.insert("lambda-runtime-deadline-ms", deadline.into());
    let context = Context::new("req-1", Arc::new(Config::default()), &headers).unwrap();
    Request::from(event).with_lambda_context(context)
}

/// Status and JSON body; `null` for a response without one.
pub fn status_and_json(response: &Response<Body>) -> (u16, Value) {
    let body: &[u8] = response.body().as_ref();
    let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
    (response.status().as_u16(), json)
}

/// A header of a response.
pub fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}
