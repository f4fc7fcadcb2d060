//! Answers requests for the page's files. It must never answer with anything of the request.

use crate::site::{Document, Site};
use lambda_http::http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use std::time::Instant;

/// Goes with every answer. The last four keep other sites from embedding the page, from reading it, and from learning where its
/// user came from or goes to.
const HEADERS: [(&str, &str); 8] = [
    ("x-content-type-options", "nosniff"),
    // A browser asks each time, and learns by the ETag that nothing has changed.
    ("cache-control", "no-cache"),
    ("x-robots-tag", "noindex"),
    ("strict-transport-security", "max-age=63072000"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
];

/// Answers one request and writes its line.
pub(crate) fn respond(site: &Site, request: &Request) -> Response<Body> {
    let start = Instant::now();
    let response = handle(site, request);
    let document = site.at(request.raw_http_path());
    tracing::info!(
        request_id = request.lambda_context().request_id,
        http.method = request.method().as_str(),
        http.route = document.map_or("/?", |document| document.path),
        http.status = response.status().as_u16(),
        duration_ms = start.elapsed().as_secs_f64() * 1e3,
        cold_start = valet_lambda::is_cold_start(),
        "request"
    );
    response
}

fn handle(site: &Site, request: &Request) -> Response<Body> {
    let mut response = match site.at(request.raw_http_path()) {
        None => text(StatusCode::NOT_FOUND, "There is no such page here.\n"),
        Some(_) if ![Method::GET, Method::HEAD].contains(request.method()) => {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "It can be read, and nothing else.\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
        Some(document) => read(document, request),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Where nothing else is said, nothing is allowed.
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(nothing);
    if request.method() == Method::HEAD {
        *response.body_mut() = Body::Empty;
    }
    response
}

fn read(document: &Document, request: &Request) -> Response<Body> {
    let mut response = if knows(request, &document.etag) {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::Text(document.body.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(document.content_type));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, visible(&document.etag));
    if let Some(policy) = &document.policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, visible(policy));
    }
    response
}

fn visible(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("it is made of hashes, origins and our own words")
}

/// Whether the browser has this very content already.
fn knows(request: &Request, etag: &str) -> bool {
    let known =
        request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

fn text(status: StatusCode, sentence: &str) -> Response<Body> {
    let mut response = Response::new(Body::Text(sentence.to_owned()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests;
