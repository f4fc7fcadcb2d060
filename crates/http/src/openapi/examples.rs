//! The examples of the document: one upload throughout, the one that `events/` is about.

use crate::{LimitsView, UsageView};
use serde_json::{Value, json};
use std::time::Duration;
use valet_core::policy::{AcceptedTypes, Policy};
use valet_core::usage::{Quota, Usage};

pub(super) const ID: &str = "01936f2e-8b5a-7c3d-9e4f-0123456789ab";
pub(super) const KEY: &str =
    "uploads/2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab.jpg";
pub(super) const CURSOR: &str = "MDE5MzZmMmUtOGI1YS03YzNkLTllNGYtMDEyMzQ1Njc4OWFi";
pub(super) const FILE_URL: &str = "https://d1.cloudfront.net/uploads/2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab.jpg";
const PUT_URL: &str = "https://valet.s3.eu-central-1.amazonaws.com/uploads/…?X-Amz-Signature=…";
const CREATED: &str = "2026-11-21T23:05:00.125Z";
const ENDS: &str = "2026-11-22T00:05:00.125Z";
const URL_ENDS: &str = "2026-11-21T23:20:00.125Z";

pub(super) fn new_upload() -> Value {
    json!({"filename": "cat.jpg", "contentType": "image/jpeg", "size": 482_113})
}

pub(super) fn new_batch() -> Value {
    json!({"items": [new_upload(), {"filename": "film.mp4", "contentType": "video/mp4", "size": 52_428_801, "partSize": 5_242_880}]})
}

pub(super) fn upload() -> Value {
    json!({
        "id": ID, "status": "pending", "filename": "cat.jpg", "contentType": "image/jpeg", "size": 482_113,
        "createdAt": CREATED, "expiresAt": ENDS,
    })
}

pub(super) fn grant() -> Value {
    let mut grant = upload();
    grant["request"] = json!({"method": "PUT", "url": PUT_URL, "headers": headers(), "expiresAt": URL_ENDS});
    grant["confirm"] = json!({"method": "POST", "href": format!("/v1/uploads/{ID}/confirm")});
    grant
}

pub(super) fn batch() -> Value {
    let problem = json!({
        "type": "urn:valet:problem:type_not_allowed", "title": "Unsupported Media Type", "status": 415, "code": "type_not_allowed",
        "detail": "this content type is not accepted; accepted are: image/jpeg", "requestId": "JKJaXmPLvHcESHA=", "retryable": false,
    });
    json!({"items": [{"status": 201, "upload": grant()}, {"status": 415, "problem": problem}]})
}

pub(super) fn signed_parts() -> Value {
    let part = |number: u16, headers: Value| {
        json!({
            "partNumber": number, "size": 5_242_880, "method": "PUT", "url": PUT_URL, "headers": headers, "expiresAt": URL_ENDS,
        })
    };
    json!({"id": ID, "parts": [part(1, json!({})), part(2, json!({"x-amz-checksum-crc64nvme": "rosUhgp5mIg="}))]})
}

pub(super) fn file() -> Value {
    let thumbnail = json!({
        "name": "small", "url": "https://d1.cloudfront.net/thumbnails/…/small.jpg", "contentType": "image/jpeg",
        "width": 200, "height": 150, "size": 7311,
    });
    json!({
        "id": ID, "status": "ready", "filename": "cat.jpg", "contentType": "image/jpeg", "size": 482_113,
        "width": 4032, "height": 3024, "fileUrl": FILE_URL,
        "placeholder": {"thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI", "color": "#8a6f4c"},
        "thumbnails": {"status": "ready", "items": [thumbnail]},
        "createdAt": CREATED, "confirmedAt": "2026-11-21T23:06:10.500Z",
    })
}

pub(super) fn confirmed() -> Value {
    let mut confirmed = file();
    confirmed["success"] = true.into();
    confirmed
}

pub(super) fn upload_url() -> Value {
    json!({"uploadUrl": PUT_URL, "key": KEY, "headers": headers(), "id": ID, "expiresAt": URL_ENDS})
}

pub(super) fn limits() -> Value {
    let policy = Policy {
        accepted: AcceptedTypes::parse("image/jpeg=50MiB,video/mp4=46GiB").expect("it is a list of types"),
        url_lifetime: Duration::from_mins(15),
        grant_lifetime: Duration::from_hours(1),
        multipart_lifetime: Duration::from_hours(72),
        quota: Quota::default(),
    };
    serde_json::to_value(LimitsView::new(&policy)).expect("views have string keys")
}

pub(super) fn usage() -> Value {
    let usage = Usage { files: 3, bytes: 1_446_339, pending: 1, granted: 2, ..Usage::default() };
    let quota = Quota {
        files: Some(10_000),
        bytes: Some(100 << 30),
        pending: Some(100),
        grants_per_minute: Some(600),
    };
    serde_json::to_value(UsageView::new(&usage, &quota)).expect("views have string keys")
}

fn headers() -> Value {
    json!({"cache-control": "public, max-age=31536000, immutable", "content-type": "image/jpeg", "if-none-match": "*"})
}
