//! Signs forms. A form's signature is over its policy: what the policy does not name, the form may not carry.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

use super::S3Presigner;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_types::base64;
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::{OffsetDateTime, UtcOffset};
use valet_core::Upload;
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::SignedForm;
use valet_core::upload::Size;

pub(super) fn sign(
    signer: &S3Presigner,
    upload: &Upload,
    now: OffsetDateTime,
    lifetime: Duration,
) -> SignedForm {
    let S3Presigner { credentials, region, bucket, base, .. } = signer;
    let second = compact(now);
    let (day, _) = second.split_once('T').expect("it was written so");
    let scope = format!("{}/{day}/{region}/s3/aws4_request", credentials.access_key_id());
    let mut fields = vec![
        ("key", upload.key().to_string()),
        ("Content-Type", upload.media_type.content_type().to_owned()),
        ("Cache-Control", CACHE_CONTROL.to_owned()),
        // With a body that names the key; otherwise a browser gets an empty 204.
        ("success_action_status", "201".to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", scope),
        ("x-amz-date", second.clone()),
    ];
    fields.extend(credentials.session_token().map(|token| ("x-amz-security-token", token.to_owned())));
    let (least, most) = match upload.size {
        Size::Exact(bytes) => (bytes, bytes),
        Size::AtMost(most) => (1, most),
    };
    let exactly = |(name, value): &(&str, String)| {
        Value::Object(Map::from_iter([((*name).to_owned(), value.as_str().into())]))
    };
    let mut conditions: Vec<_> = fields.iter().map(exactly).collect();
    conditions.push(json!({"bucket": bucket}));
    conditions.push(json!(["content-length-range", least, most]));
    let expires_at = now + lifetime;
    let policy = json!({"expiration": extended(expires_at), "conditions": conditions});
    let policy = base64::encode(policy.to_string());
    let key = generate_signing_key(credentials.secret_access_key(), now.into(), region, "s3");
    let signature = calculate_signature(key, policy.as_bytes());
    fields.extend([("policy", policy), ("x-amz-signature", signature)]);
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    SignedForm { url: base.clone(), fields, expires_at }
}

/// As signatures write a time of UTC: `20261121T230500Z`.
fn compact(time: OffsetDateTime) -> String {
    extended(time).replace(['-', ':'], "")
}

/// As policies write it: `2026-11-21T23:05:00Z`.
fn extended(time: OffsetDateTime) -> String {
    let (year, month, day) = time.to_offset(UtcOffset::UTC).to_calendar_date();
    let (hour, minute, second) = time.to_offset(UtcOffset::UTC).to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}
