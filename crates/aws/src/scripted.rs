//! What the adapters make of answers that running servers do not give on demand: refusals, throttling, broken items. And what
//! exactly they sign.

use crate::{CloudFrontDistribution, Connection, S3Bucket, S3Presigner, UploadsTable};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_http_client::test_util::{NeverClient, infallible_client_fn};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use valet_core::checksum::Sha256;
use valet_core::error::{StoreError, StoreErrorKind};
use valet_core::key::ThumbnailFormat;
use valet_core::parts::PartNumber;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, DeleteThumbnail, GetTags, ListMultiparts,
    ListObjectVersions, ListParts, StoredPart, Tags, Under,
};
use valet_core::ports::{
    Copies, DeleteVersion, DeleteVersions, GetIdempotencyRecord, GetObject, GetUpload, GetUsage, GetVerdict,
    HeadObject, IdempotencyRecord, InvalidateCopies, ListReady, ListVersions, NewGrant, ObjectVersion,
    PresignPut, PutOutcome, PutThumbnail, PutUploads, PutUsage, ReadChunk, SignedPut, Stored, StoredObject,
    TagVerified, UpdateUpload, Verdict,
};
use valet_core::testing::sample;
use valet_core::upload::{MultipartId, Size, State, Thumbnails, Transfer, Transition, Verified, VersionId};
use valet_core::usage::{Claim, Counters, Held, Minute, Quota};
use valet_core::{Upload, UploadId};

type Answer = Response<SdkBody>;

fn connection(answer: impl Fn(Request<SdkBody>) -> Answer + Send + Sync + 'static) -> Connection {
    let connection = Connection::from_lookup(|name| match name {
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        "AWS_SESSION_TOKEN" => Some("token/with+=&".to_owned()),
        _ => None,
    });
    connection.unwrap().with_http(infallible_client_fn(answer))
}

fn bucket(answer: impl Fn(Request<SdkBody>) -> Answer + Send + Sync + 'static) -> S3Bucket {
    S3Bucket::new(&connection(answer), "valet-example".to_owned(), "123456789012".to_owned())
}

fn table(status: u16, body: &'static str) -> UploadsTable {
    UploadsTable::new(&connection(move |_| answer(status, &[], body)), "uploads".to_owned())
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<SdkBody>) -> Answer {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}

fn s3_error(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>of s3</Message></Error>")
}

async fn head(status: u16, body: String) -> Result<Option<StoredObject>, StoreError> {
    let bucket = bucket(move |_| answer(status, &[], body.clone()));
    bucket.head_object(&sample::pending().key(), None, false).await
}

async fn sign(upload: &Upload) -> SignedPut {
    let connection = connection(|_| unreachable!("signing asks nobody"));
    let presigner = S3Presigner::new(&connection, "valet-example");
    presigner.presign_put(upload, sample::NOW, Duration::from_mins(15)).await.unwrap()
}

fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

#[tokio::test]
async fn everything_that_matters_is_signed_and_nothing_else() {
    let upload = sample::pending();
    let signed = sign(&upload).await;
    assert_eq!(
        parameter(&signed.url, "X-Amz-SignedHeaders"),
        "cache-control%3Bcontent-length%3Bcontent-type%3Bhost%3Bif-none-match"
    );
    assert_eq!(parameter(&signed.url, "X-Amz-Expires"), "900");
    assert_eq!(parameter(&signed.url, "X-Amz-Date"), "20261121T230500Z");
    assert_eq!(parameter(&signed.url, "X-Amz-Security-Token"), "token%2Fwith%2B%3D%26");
    let parameters: Vec<_> =
        signed.url.split(['?', '&']).skip(1).map(|pair| pair.split('=').next()).collect();
    assert_eq!(parameters.len(), 7, "{parameters:?}");
    let address = format!("https://valet-example.s3.eu-central-1.amazonaws.com/{}?", upload.key());
    assert!(signed.url.starts_with(&address), "{}", signed.url);
    let names: Vec<_> = signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        names,
        [
            ("cache-control", "public, max-age=31536000, immutable"),
            ("content-type", "image/png"),
            ("if-none-match", "*"),
        ]
    );
    assert_eq!(signed.expires_at, sample::NOW + Duration::from_mins(15));
}

/// The SDK signs the same words to the same signature, once its own additions are taken away.
#[tokio::test]
async fn the_signature_is_the_sdks() {
    let upload = Upload { sha256: Some(Sha256::of(sample::PNG)), ..sample::pending() };
    let ours = sign(&upload).await;
    let config =
        PresigningConfig::builder().start_time(sample::NOW.into()).expires_in(Duration::from_mins(15));
    let theirs = connection(|_| unreachable!("signing asks nobody"))
        .s3()
        .put_object()
        .bucket("valet-example")
        .key(upload.key().to_string())
        .content_type("image/png")
        .content_length(sample::PNG.len().try_into().unwrap())
        .cache_control("public, max-age=31536000, immutable")
        .if_none_match("*")
        .checksum_sha256(Sha256::of(sample::PNG).to_string())
        .customize()
        // The operation's name is in the SDK's query, and so in its signature.
        .mutate_request(|request| {
            let uri = request.uri().replace("?x-id=PutObject", "");
            request.set_uri(uri).unwrap();
        })
        .presigned(config.build().unwrap())
        .await
        .unwrap();
    for name in ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature"] {
        assert_eq!(parameter(&ours.url, name), parameter(theirs.uri(), name));
    }
    assert_eq!(ours.url.split('?').next(), theirs.uri().split('?').next());
}

#[tokio::test]
async fn a_given_checksum_is_signed() {
    let signed = sign(&Upload { sha256: Some(Sha256::of(sample::PNG)), ..sample::pending() }).await;
    assert!(parameter(&signed.url, "X-Amz-SignedHeaders").ends_with("%3Bx-amz-checksum-sha256"));
    let value = Sha256::of(sample::PNG).to_string();
    assert!(signed.headers.contains(&("x-amz-checksum-sha256".to_owned(), value)));
}

#[tokio::test]
async fn each_word_of_a_grant_changes_its_signature() {
    let upload = sample::pending();
    let one = sign(&upload).await.url;
    let others = [
        Upload { size: Size::Exact(upload.size.most() + 1), ..upload.clone() },
        Upload { media_type: valet_core::MediaType::Gif, ..upload.clone() },
        Upload { id: sample::id(), ..upload.clone() },
        Upload { owner: valet_core::Owner::of_subject("mallory"), ..upload.clone() },
        Upload { sha256: Some(Sha256::of(b"x")), ..upload.clone() },
    ];
    for other in others {
        let other = sign(&other).await.url;
        assert_ne!(parameter(&one, "X-Amz-Signature"), parameter(&other, "X-Amz-Signature"));
    }
    assert_eq!(parameter(&one, "X-Amz-Signature"), parameter(&sign(&upload).await.url, "X-Amz-Signature"));
}

#[test]
fn a_signed_request_does_not_print_its_url() {
    let signed = SignedPut {
        url: "https://x/?X-Amz-Signature=1".to_owned(),
        headers: vec![],
        expires_at: sample::NOW,
    };
    assert!(!format!("{signed:?}").contains("Signature"));
}

#[tokio::test(start_paused = true)]
async fn s3_errors_are_missing_denied_transient_or_permanent() {
    for (status, code) in [(404, "NoSuchKey"), (404, "NoSuchVersion"), (405, "MethodNotAllowed")] {
        assert_eq!(head(status, s3_error(code)).await.unwrap(), None, "{code}");
    }
    for (status, code, kind) in [
        (403, "AccessDenied", StoreErrorKind::Denied),
        (404, "NoSuchBucket", StoreErrorKind::Permanent),
        (400, "InvalidRequest", StoreErrorKind::Permanent),
        (403, "SignatureDoesNotMatch", StoreErrorKind::Permanent),
        (400, "ExpiredToken", StoreErrorKind::Transient),
        (409, "OperationAborted", StoreErrorKind::Transient),
        (500, "InternalError", StoreErrorKind::Transient),
        (503, "SlowDown", StoreErrorKind::Transient),
        (503, "ServiceUnavailable", StoreErrorKind::Transient),
    ] {
        let error = head(status, s3_error(code)).await.unwrap_err();
        assert_eq!((error.operation, error.kind), ("GetObject", kind), "{code}");
        assert_eq!(error.source.to_string(), format!("{status} {code}: of s3"));
    }
    assert_eq!(head(502, "<html>".to_owned()).await.unwrap_err().kind, StoreErrorKind::Transient);
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_retried_by_the_client() {
    let calls = AtomicUsize::new(0);
    let bucket = bucket(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => answer(503, &[], s3_error("SlowDown")),
        _ => answer(404, &[], s3_error("NoSuchKey")),
    });
    assert_eq!(bucket.head_object(&sample::pending().key(), None, false).await.unwrap(), None);
}

#[tokio::test]
async fn stored_headers_and_the_whole_size_are_read() {
    let bucket = bucket(|request| {
        assert_eq!(request.headers()["range"], "bytes=0-511");
        assert_eq!(request.headers()["x-amz-expected-bucket-owner"], "123456789012");
        let headers = [
            ("content-range", "bytes 0-3/5368709120"),
            ("x-amz-version-id", "v7"),
            ("content-type", "image/png"),
            ("cache-control", "no-store"),
            ("content-disposition", "inline"),
            ("content-encoding", "gzip"),
            ("content-language", "en"),
            ("expires", "0"),
            ("x-amz-website-redirect-location", "/x"),
            ("x-amz-meta-a", "b"),
        ];
        answer(206, &headers, "abcd")
    });
    let stored = bucket.head_object(&sample::pending().key(), None, false).await.unwrap().unwrap();
    assert_eq!((stored.size_bytes, stored.version.as_str()), (5 << 30, "v7"));
    assert_eq!(stored.first_bytes, b"abcd");
    let headers = stored.headers;
    assert_eq!(headers.content_type.as_deref(), Some("image/png"));
    assert_eq!(headers.cache_control.as_deref(), Some("no-store"));
    assert_eq!(headers.content_disposition.as_deref(), Some("inline"));
    assert_eq!(headers.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(headers.content_language.as_deref(), Some("en"));
    assert_eq!(headers.expires.as_deref(), Some("0"));
    assert_eq!(headers.website_redirect.as_deref(), Some("/x"));
    assert!(headers.has_metadata);
}

#[tokio::test]
async fn an_answer_with_the_whole_object_gives_its_size_and_first_bytes() {
    let bucket =
        bucket(|_| answer(200, &[("content-length", "2000"), ("x-amz-version-id", "v7")], vec![b'x'; 2000]));
    let stored = bucket.head_object(&sample::pending().key(), None, false).await.unwrap().unwrap();
    assert_eq!((stored.size_bytes, stored.first_bytes.len()), (2000, 512));
}

#[tokio::test]
async fn an_empty_object_has_size_0() {
    let bucket = bucket(|request| match request.method().as_str() {
        "HEAD" => answer(200, &[("content-length", "0"), ("x-amz-version-id", "v7")], ""),
        _ => answer(416, &[], s3_error("InvalidRange")),
    });
    let stored = bucket.head_object(&sample::pending().key(), None, false).await.unwrap().unwrap();
    assert_eq!((stored.size_bytes, stored.version.as_str()), (0, "v7"));
}

#[tokio::test]
async fn an_object_that_goes_between_two_looks_is_missing() {
    let bucket = bucket(|request| match request.method().as_str() {
        "HEAD" => answer(404, &[], ""),
        _ => answer(206, &[("content-range", "bytes 0-3/4"), ("x-amz-version-id", "v7")], "abcd"),
    });
    assert_eq!(bucket.head_object(&sample::pending().key(), None, true).await.unwrap(), None);
}

#[tokio::test]
async fn a_bucket_without_versions_is_refused() {
    let bucket = bucket(|_| answer(206, &[("content-range", "bytes 0-3/4")], "abcd"));
    let error = bucket.head_object(&sample::pending().key(), None, false).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Permanent);
    assert!(error.source.to_string().contains("must be versioned"));
}

#[tokio::test]
async fn a_version_that_is_gone_cannot_be_tagged_and_need_not_be_removed() {
    let bucket = bucket(|_| answer(404, &[], s3_error("NoSuchVersion")));
    let (key, version) = (sample::pending().key(), VersionId::new("gone"));
    let bucket = bucket.scanned(true);
    assert!(!bucket.tag_verified(&key, &version).await.unwrap());
    assert_eq!(bucket.get_verdict(&key, &version).await.unwrap(), None);
    bucket.delete_version(&key, &version).await.unwrap();
}

/// What is read of a version with these tags.
async fn verdict_of(tags: &[(&str, &str)]) -> Verdict {
    let tag = |(key, value): &(&str, &str)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    let tags: String = tags.iter().map(tag).collect();
    let body = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
    let bucket = bucket(move |request| {
        assert_eq!(request.method(), "GET");
        let query = request.uri().to_string();
        let query = query.split_once('?').unwrap().1;
        assert!(query.contains("tagging") && query.contains("versionId=v7"), "{query}");
        assert_eq!(request.headers()["x-amz-expected-bucket-owner"], "123456789012");
        answer(200, &[], body.clone())
    });
    let (key, version) = (sample::pending().key(), VersionId::new("v7"));
    bucket.scanned(true).get_verdict(&key, &version).await.unwrap().unwrap()
}

#[tokio::test]
async fn only_the_words_that_decide_are_taken_for_a_verdict() {
    let scan = |status| [("project", "x"), ("GuardDutyMalwareScanStatus", status)];
    let clean = Verdict::Clean { is_verified: false };
    for (status, verdict) in [
        ("NO_THREATS_FOUND", clean),
        ("THREATS_FOUND", Verdict::Malware),
        ("UNSUPPORTED", Verdict::Unscannable),
        ("FAILED", Verdict::Awaited),
        ("ACCESS_DENIED", Verdict::Awaited),
        ("no_threats_found", Verdict::Awaited),
        ("", Verdict::Awaited),
    ] {
        assert_eq!(verdict_of(&scan(status)).await, verdict, "{status}");
    }
    assert_eq!(verdict_of(&[]).await, Verdict::Awaited);
    assert_eq!(verdict_of(&[("verified", "true")]).await, Verdict::Awaited);
    let [_, scan] = scan("NO_THREATS_FOUND");
    assert_eq!(verdict_of(&[scan, ("verified", "true")]).await, Verdict::Clean { is_verified: true });
    assert_eq!(verdict_of(&[scan, ("verified", "false")]).await, clean);
}

#[tokio::test]
async fn where_nothing_is_scanned_nothing_is_asked() {
    let bucket = bucket(|_| unreachable!("nobody is asked"));
    let (key, version) = (sample::pending().key(), VersionId::new("v7"));
    assert_eq!(bucket.get_verdict(&key, &version).await.unwrap(), Some(Verdict::NotAsked));
}

#[tokio::test]
async fn the_scanners_tag_is_written_with_ours_and_only_where_there_is_a_scanner() {
    for is_scanned in [false, true] {
        let bucket = bucket(move |request| {
            let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
            assert!(body.contains("<Key>verified</Key><Value>true</Value>"), "{body}");
            let scan = "<Key>GuardDutyMalwareScanStatus</Key><Value>NO_THREATS_FOUND</Value>";
            assert_eq!(body.contains(scan), is_scanned, "{body}");
            assert_eq!(body.matches("<Tag>").count(), if is_scanned { 2 } else { 1 }, "{body}");
            answer(200, &[], "")
        });
        let (key, version) = (sample::pending().key(), VersionId::new("v7"));
        assert!(bucket.scanned(is_scanned).tag_verified(&key, &version).await.unwrap());
    }
}

#[tokio::test]
async fn a_thumbnail_is_stored_with_its_type_and_for_ever() {
    for (format, content_type, end) in [
        (ThumbnailFormat::Jpeg, "image/jpeg", "/small.jpg"),
        (ThumbnailFormat::Webp, "image/webp", "/small.webp"),
    ] {
        let bucket = bucket(move |request| {
            assert_eq!(request.headers()["content-type"], content_type);
            assert_eq!(request.headers()["cache-control"], "public, max-age=31536000, immutable");
            assert!(request.uri().path().ends_with(end), "{}", request.uri());
            answer(200, &[], "")
        });
        let name = sample::thumbnail("small", format).name;
        let key = sample::pending().thumbnail_key(name, format);
        bucket.put_thumbnail(&key, b"bytes".to_vec()).await.unwrap();
    }
}

/// Should the bucket be gone and somebody else have taken its name, nothing of ours is read there, written or removed. Whatever comes
/// of a call here, its request has said whose bucket is meant.
#[tokio::test]
async fn every_call_of_s3_names_the_owner_of_the_bucket() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let bucket = bucket(move |request| {
        let owner = request.headers().get("x-amz-expected-bucket-owner").map(|owner| owner.to_str().unwrap());
        let what = format!("{} {}", request.method(), request.uri());
        seen.lock().unwrap().push((what, owner.map(str::to_owned)));
        answer(404, &[], s3_error("NoSuchKey"))
    });
    let upload = sample::pending_multipart("m1");
    let (key, id) = (upload.key(), sample::multipart_of(&upload).id.clone());
    let version = VersionId::new("v7");
    let thumbnail =
        upload.thumbnail_key(sample::thumbnail("small", ThumbnailFormat::Jpeg).name, ThumbnailFormat::Jpeg);
    let part = StoredPart {
        number: PartNumber::new(1).unwrap(),
        size_bytes: 1,
        etag: "e".to_owned(),
        crc64nvme: None,
    };
    let calls = [
        bucket.head_object(&key, Some(&version), true).await.err(),
        bucket.get_object(&key, &version).await.err(),
        bucket.tag_verified(&key, &version).await.err(),
        bucket.delete_version(&key, &version).await.err(),
        bucket.put_thumbnail(&thumbnail, b"x".to_vec()).await.err(),
        bucket.delete_thumbnail(&thumbnail).await.err(),
        bucket.create_multipart(&upload).await.err(),
        bucket.list_parts(&key, &id, None).await.err(),
        bucket.complete_multipart(&key, &id, &[part], 1, None).await.err(),
        bucket.abort_multipart(&key, &id).await.err(),
        bucket.list_object_versions(&Under::Uploads, None, 1).await.err(),
        bucket.list_multiparts(None, 1).await.err(),
        bucket.list_versions(&Stored::File(key)).await.err(),
        bucket
            .delete_versions(&[ObjectVersion { key: key.to_string(), version: version.clone() }])
            .await
            .err(),
    ];
    let asked = asked.lock().unwrap();
    assert!(asked.len() >= calls.len(), "{asked:?}");
    for (what, owner) in asked.iter() {
        assert_eq!(owner.as_deref(), Some("123456789012"), "{what}");
    }
}

/// A body that arrives in these pieces; an empty one is where the connection breaks.
struct Pieces(VecDeque<&'static str>);

impl Pieces {
    fn of<const N: usize>(pieces: [&'static str; N]) -> SdkBody {
        SdkBody::from_body_1_x(Self(pieces.into()))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| match piece {
            "" => Err(std::io::Error::other("connection reset")),
            piece => Ok(Frame::data(Bytes::from_static(piece.as_bytes()))),
        }))
    }
}

#[tokio::test]
async fn a_body_is_handed_out_as_it_arrives() {
    let bucket = bucket(|request| {
        assert!(request.uri().query().unwrap().contains("versionId=v7"), "{}", request.uri());
        assert_eq!(request.headers().get("range"), None);
        answer(200, &[], Pieces::of(["ab", "c"]))
    });
    let version = VersionId::new("v7");
    let mut body = bucket.get_object(&sample::pending().key(), &version).await.unwrap().unwrap();
    assert_eq!(body.next_chunk().await.unwrap().unwrap(), "ab");
    assert_eq!(body.next_chunk().await.unwrap().unwrap(), "c");
    assert_eq!(body.next_chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_end_but_may_be_read_again() {
    let bucket = bucket(|_| answer(200, &[], Pieces::of(["ab", "", "c"])));
    let version = VersionId::new("v7");
    let mut body = bucket.get_object(&sample::pending().key(), &version).await.unwrap().unwrap();
    body.next_chunk().await.unwrap();
    let error = body.next_chunk().await.unwrap_err();
    assert_eq!((error.operation, error.kind), ("GetObject", StoreErrorKind::Transient));
}

#[tokio::test(start_paused = true)]
async fn dynamodb_errors_are_denied_transient_or_permanent() {
    let upload = sample::pending();
    let (owner, id) = (upload.owner, upload.id);
    for (status, body, kind) in [
        (400, r#"{"__type":"x#ProvisionedThroughputExceededException"}"#, StoreErrorKind::Transient),
        (400, r#"{"__type":"x#ThrottlingException"}"#, StoreErrorKind::Transient),
        (400, r#"{"__type":"x#RequestLimitExceeded"}"#, StoreErrorKind::Transient),
        (400, r#"{"__type":"x#RequestThrottled"}"#, StoreErrorKind::Transient),
        (400, r#"{"__type":"x#TransactionInProgressException"}"#, StoreErrorKind::Transient),
        (500, r#"{"__type":"x#InternalServerError"}"#, StoreErrorKind::Transient),
        (400, r#"{"__type":"x#AccessDeniedException"}"#, StoreErrorKind::Denied),
        (400, r#"{"__type":"x#ResourceNotFoundException"}"#, StoreErrorKind::Permanent),
        (400, r#"{"__type":"x#ValidationException"}"#, StoreErrorKind::Permanent),
    ] {
        let got = table(status, body).get_upload(owner, id).await.unwrap_err();
        assert_eq!((got.operation, got.kind), ("GetItem", kind), "{body}");
        let moved = table(status, body).update_upload(&upload, &Transition::Cancel).await.unwrap_err();
        assert_eq!((moved.operation, moved.kind), ("TransactWriteItems", kind), "{body}");
        let looked = table(status, body).update_upload(&upload, &looked(&upload)).await.unwrap_err();
        assert_eq!((looked.operation, looked.kind), ("UpdateItem", kind), "{body}");
        let put = table(status, body).put_uploads(&keyed(&upload), &claim(&upload)).await.unwrap_err();
        assert_eq!((put.operation, put.kind), ("TransactWriteItems", kind), "{body}");
    }
}

/// A move that changes nothing of what is held.
fn looked(upload: &Upload) -> Transition {
    Transition::Looked { due_at: upload.due_at.unwrap(), next: None }
}

fn keyed(upload: &Upload) -> [NewGrant; 1] {
    let record = IdempotencyRecord {
        key_hash: "k".to_owned(),
        fingerprint: "f".to_owned(),
        upload_id: upload.id,
        expires_at: sample::NOW,
    };
    [NewGrant { upload: upload.clone(), idempotency: Some(record) }]
}

fn claim(upload: &Upload) -> Claim {
    Claim::new(Quota { files: Some(3), ..Quota::default() }, None, sample::NOW, [upload])
}

/// A transaction that was not done, with a reason for each of its actions.
fn cancelled<const N: usize>(codes: [&str; N]) -> String {
    let reasons = codes.map(|code| match code {
        "Full" => {
            let item = r#""files":{"N":"3"},"bytes":{"N":"-7"},"minute":{"N":"5"},"granted":{"N":"2"},"revision":{"N":"9"}"#;
            format!(r#"{{"Code":"ConditionalCheckFailed","Item":{{{item}}}}}"#)
        }
        code => format!(r#"{{"Code":"{code}"}}"#),
    });
    format!(r#"{{"__type":"x#TransactionCanceledException","CancellationReasons":[{}]}}"#, reasons.join(","))
}

/// A table that gives these answers, one after the other and the last for ever, and tells what it was asked.
fn answering(answers: Vec<(u16, String)>) -> (UploadsTable, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let connection = connection(move |request| {
        let mut seen = seen.lock().unwrap();
        seen.push(String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap());
        let (status, body) = answers.get(seen.len() - 1).or(answers.last()).unwrap().clone();
        answer(status, &[], body)
    });
    (UploadsTable::new(&connection, "uploads".to_owned()), asked)
}

const FULL: Counters = Counters {
    held: Held { files: 3, bytes: -7, pending: 0 },
    minute: Minute::new(5),
    granted: 2,
    revision: 9,
};

/// The actions of a grant with a key: the counters, the key, the row.
#[tokio::test(start_paused = true)]
async fn a_cancelled_grant_says_who_holds_the_key_and_what_is_held() {
    let upload = sample::pending();
    let refused = |taken: &[usize], counters| PutOutcome::Refused { taken: taken.to_vec(), counters };
    for (codes, expected) in [
        (["None", "ConditionalCheckFailed", "None"], refused(&[0], None)),
        (["Full", "None", "None"], refused(&[], Some(FULL))),
        (["Full", "ConditionalCheckFailed", "None"], refused(&[0], Some(FULL))),
        // The counters' item was not there.
        (["ConditionalCheckFailed", "None", "None"], refused(&[], Some(Counters::default()))),
        // The row is there by a first try; what that has taken of the quota does not matter.
        (["None", "None", "ConditionalCheckFailed"], PutOutcome::Created),
        (["Full", "None", "ConditionalCheckFailed"], PutOutcome::Created),
        (["TransactionConflict", "ConditionalCheckFailed", "None"], refused(&[0], None)),
        (["None", "TransactionConflict", "None"], PutOutcome::Busy),
    ] {
        let (table, _) = answering(vec![(400, cancelled(codes))]);
        assert_eq!(table.put_uploads(&keyed(&upload), &claim(&upload)).await.unwrap(), expected, "{codes:?}");
    }
    for code in ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"] {
        let (table, _) = answering(vec![(400, cancelled([code, "None", "None"]))]);
        let error = table.put_uploads(&keyed(&upload), &claim(&upload)).await.unwrap_err();
        assert_eq!(
            (error.operation, error.kind),
            ("TransactWriteItems", StoreErrorKind::Transient),
            "{code}"
        );
    }
    let (table, _) = answering(vec![(400, cancelled(["ItemCollectionSizeLimitExceeded", "None", "None"]))]);
    let error = table.put_uploads(&keyed(&upload), &claim(&upload)).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Permanent);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_meets_another_is_made_again_after_a_while_of_chance() {
    let upload = sample::pending();
    let conflict = (400, cancelled(["TransactionConflict", "None", "None"]));
    let done = (200, "{}".to_owned());
    let begun = tokio::time::Instant::now();
    let (table, asked) = answering(vec![conflict.clone(), conflict.clone(), done.clone()]);
    assert_eq!(table.put_uploads(&keyed(&upload), &claim(&upload)).await.unwrap(), PutOutcome::Created);
    assert_eq!(asked.lock().unwrap().len(), 3);
    assert!((1..=120).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());

    let (table, asked) = answering(vec![conflict.clone(), done]);
    let cancelled_upload = table.update_upload(&upload, &Transition::Cancel).await.unwrap().unwrap();
    assert_eq!((cancelled_upload.state, asked.lock().unwrap().len()), (State::Cancelled, 2));

    // Some meet others for ever.
    let begun = tokio::time::Instant::now();
    let (table, asked) = answering(vec![conflict]);
    let error = table.update_upload(&upload, &Transition::Cancel).await.unwrap_err();
    assert_eq!((error.kind, asked.lock().unwrap().len()), (StoreErrorKind::Transient, 12));
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());

    // One item's own write is refused in other words.
    let conflict = (400, r#"{"__type":"x#TransactionConflictException"}"#.to_owned());
    let lost = (400, r#"{"__type":"x#ConditionalCheckFailedException"}"#.to_owned());
    let (table, asked) = answering(vec![conflict.clone(), conflict.clone(), lost]);
    assert_eq!(table.update_upload(&upload, &looked(&upload)).await.unwrap(), None);
    assert_eq!(asked.lock().unwrap().len(), 3);
    let (table, asked) = answering(vec![conflict]);
    let error = table.put_usage(upload.owner, &Held::default(), 3).await.unwrap_err();
    assert_eq!((error.kind, asked.lock().unwrap().len()), (StoreErrorKind::Transient, 12));
}

/// Of several that a client has begun and names at once, the row decides: the condition is all that stands between two requests that have
/// both read it without a name.
#[tokio::test]
async fn a_multipart_upload_is_named_only_where_none_is() {
    let (table, asked) = answering(vec![(200, "{}".to_owned())]);
    let upload = Upload { transfer: Transfer::LooseParts(None), ..sample::pending() };
    // What is answered here is no row.
    table.update_upload(&upload, &Transition::NameMultipart(MultipartId::new("m"))).await.unwrap_err();
    let asked: serde_json::Value = serde_json::from_str(&asked.lock().unwrap()[0]).unwrap();
    let condition = asked["ConditionExpression"].as_str().unwrap();
    let demanded: Vec<&str> = condition.split(" AND ").collect();
    assert!(demanded.contains(&"attribute_not_exists(multipart_id)"), "{condition}");
    assert!(demanded.contains(&"#status = :pending"), "{condition}");
}

/// Whoever sets `due_at` by hand has an owner counted again: the index knows only items that have both attributes.
#[tokio::test]
async fn a_recount_leaves_counters_in_their_shard() {
    let (table, asked) = answering(vec![(200, "{}".to_owned())]);
    assert!(table.put_usage(sample::pending().owner, &Held::default(), 3).await.unwrap());
    let asked: serde_json::Value = serde_json::from_str(&asked.lock().unwrap()[0]).unwrap();
    let expression = asked["UpdateExpression"].as_str().unwrap();
    assert!(expression.ends_with(" REMOVE due_at"), "{expression}");
}

/// DynamoDB does a call once that comes twice with one token. Ours are other calls, so each has another.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_repeated_after_a_lost_answer_has_the_token_of_the_first() {
    let upload = sample::pending();
    let failed = (500, r#"{"__type":"x#InternalServerError"}"#.to_owned());
    let conflict = (400, cancelled(["TransactionConflict", "None"]));
    let (table, asked) = answering(vec![failed, conflict, (200, "{}".to_owned())]);
    table.update_upload(&upload, &Transition::Cancel).await.unwrap().unwrap();
    let tokens: Vec<_> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|body| {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            body["ClientRequestToken"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[1], tokens[2]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_moves_nothing_whatever_else_was_met() {
    let upload = sample::pending();
    for codes in [["ConditionalCheckFailed", "None"], ["ConditionalCheckFailed", "TransactionConflict"]] {
        let (table, asked) = answering(vec![(400, cancelled(codes))]);
        assert_eq!(table.update_upload(&upload, &Transition::Cancel).await.unwrap(), None, "{codes:?}");
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
    // As it was read it can make no such move: nobody need be asked.
    let (table, asked) = answering(vec![(500, String::new())]);
    let delete = Transition::Delete { at: sample::NOW };
    assert_eq!(table.update_upload(&upload, &delete).await.unwrap(), None);
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn counters_that_are_no_numbers_are_an_error_and_missing_ones_are_nothing() {
    let owner = sample::pending().owner;
    let broken = table(200, r#"{"Item":{"files":{"S":"3"}}}"#).get_usage(owner).await.unwrap_err();
    assert_eq!(broken.kind, StoreErrorKind::Permanent);
    let empty = table(200, r#"{"Item":{"pk":{"S":"OWNER#x"}}}"#).get_usage(owner).await.unwrap();
    assert_eq!(empty, Some(Counters::default()));
    assert_eq!(table(200, "{}").get_usage(owner).await.unwrap(), None);
}

/// A row as the first release wrote it, and one that does not even say what its thumbnail is stored as.
#[tokio::test]
async fn rows_written_before_there_were_formats_and_placeholders_are_read() {
    for content_type in [r#","content_type":{"S":"image/jpeg"}"#, ""] {
        let body = format!(
            r#"{{"Item":{{"pk":{{"S":"OWNER#2bd806c97f0e00af1a1fc3328fa763a9"}},
            "sk":{{"S":"UPLOAD#01936f2e-8b5a-7c3d-9e4f-0123456789ab"}},"status":{{"S":"ready"}},
            "filename":{{"S":"cat.png"}},"content_type":{{"S":"image/png"}},"size_bytes":{{"N":"70"}},
            "created_at":{{"N":"1795302300125"}},"expires_at":{{"N":"1795305900125"}},
            "version_id":{{"S":"v7"}},"confirmed_at":{{"N":"1795302301125"}},"width":{{"N":"4"}},"height":{{"N":"3"}},
            "thumbnails":{{"M":{{"status":{{"S":"ready"}},"items":{{"L":[{{"M":{{"name":{{"S":"small"}}{content_type},
            "width":{{"N":"200"}},"height":{{"N":"150"}},"size_bytes":{{"N":"7311"}}}}}}]}}}}}}}}}}"#
        );
        let table =
            UploadsTable::new(&connection(move |_| answer(200, &[], body.clone())), "uploads".to_owned());
        let Upload { owner, id, .. } = sample::pending();
        let State::Ready(Verified { placeholder, thumbnails, .. }) =
            table.get_upload(owner, id).await.unwrap().unwrap().state
        else {
            panic!("it is ready")
        };
        assert_eq!(placeholder, None);
        assert_eq!(thumbnails, Thumbnails::Ready(vec![sample::thumbnail("small", ThumbnailFormat::Jpeg)]));
    }
}

#[tokio::test]
async fn a_broken_item_is_an_error_and_not_a_missing_upload() {
    let Upload { owner, id, .. } = sample::pending();
    for body in [
        r#"{"Item":{"pk":{"S":"OWNER#x"}}}"#,
        r#"{"Item":{"status":{"S":"unheard of"}}}"#,
        r#"{"Item":{"status":{"N":"1"}}}"#,
    ] {
        let error = table(200, body).get_upload(owner, id).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Permanent, "{body}");
        table(200, body).get_idempotency_record(owner, "k", sample::NOW).await.unwrap_err();
    }
    assert_eq!(table(200, "{}").get_upload(owner, id).await.unwrap(), None);
}

#[tokio::test]
async fn reads_are_consistent_and_keys_are_the_owners() {
    let asked = connection(|request| {
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        assert!(body.contains(r#""ConsistentRead":true"#), "{body}");
        assert!(body.contains("OWNER#2bd806c97f0e00af1a1fc3328fa763a9"), "{body}");
        assert!(body.contains("UPLOAD#01936f2e-8b5a-7c3d-9e4f-0123456789ab"), "{body}");
        answer(200, &[], "{}")
    });
    let id = UploadId::parse("01936f2e-8b5a-7c3d-9e4f-0123456789ab").unwrap();
    let table = UploadsTable::new(&asked, "uploads".to_owned());
    table.get_upload(sample::pending().owner, id).await.unwrap();
}

#[tokio::test]
async fn of_a_file_only_its_own_key_is_listed_delete_markers_too() {
    let key = sample::pending().key();
    let longer = format!("{key}.bak");
    let bucket = bucket(move |request| {
        let query = request.uri().query().unwrap();
        assert!(query.contains("versions") && query.contains("prefix=uploads%2F"), "{query}");
        assert_eq!(request.headers()["x-amz-expected-bucket-owner"], "123456789012");
        let body = format!(
            "<ListVersionsResult><IsTruncated>true</IsTruncated>\
             <Version><Key>{key}</Key><VersionId>v1</VersionId></Version>\
             <DeleteMarker><Key>{key}</Key><VersionId>v2</VersionId></DeleteMarker>\
             <Version><Key>{longer}</Key><VersionId>v3</VersionId></Version></ListVersionsResult>"
        );
        answer(200, &[], body)
    });
    let listed = bucket.list_versions(&Stored::File(key)).await.unwrap();
    let version = |id| ObjectVersion { key: key.to_string(), version: VersionId::new(id) };
    assert_eq!(listed, [version("v1"), version("v2")]);
}

#[tokio::test(start_paused = true)]
async fn of_many_versions_one_that_stays_is_a_failure_and_one_that_is_gone_is_not() {
    for (status, code, kind) in [
        (403, "AccessDenied", Some(StoreErrorKind::Denied)),
        (503, "SlowDown", Some(StoreErrorKind::Transient)),
        (404, "NoSuchVersion", None),
    ] {
        let asked = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&asked);
        let bucket = bucket(move |request| {
            let query = request.uri().query().unwrap().to_owned();
            assert_eq!(request.method(), "DELETE");
            assert_eq!(request.headers()["x-amz-expected-bucket-owner"], "123456789012");
            let fails = query.ends_with("versionId=v7");
            seen.lock().unwrap().insert(query);
            if fails { answer(status, &[], s3_error(code)) } else { answer(204, &[], "") }
        });
        let version = |n| ObjectVersion {
            key: "thumbnails/a/b/c.jpg".to_owned(),
            version: VersionId::new(format!("v{n}")),
        };
        let versions: Vec<_> = (1..=40).map(version).collect();
        let deleted = bucket.delete_versions(&versions).await;
        assert_eq!(deleted.err().map(|error| error.kind), kind, "{code}");
        // After a failure nothing more is begun.
        assert_eq!(asked.lock().unwrap().len(), if kind.is_some() { 16 } else { 40 });
    }
}

fn distribution(
    answer: impl Fn(Request<SdkBody>) -> Answer + Send + Sync + 'static,
) -> CloudFrontDistribution {
    CloudFrontDistribution::new(&connection(answer), "E1ABCDEF".to_owned())
}

#[tokio::test]
async fn an_invalidation_names_its_paths_at_the_services_one_place() {
    let upload = sample::pending();
    let (key, prefix) = (upload.key().to_string(), upload.thumbnail_prefix());
    let expected = format!(
        "<Paths><Quantity>2</Quantity><Items><Path>/{key}</Path><Path>/{prefix}*</Path></Items></Paths>\
         <CallerReference>once</CallerReference>"
    );
    let distribution = distribution(move |request| {
        let address = "https://cloudfront.amazonaws.com/2020-05-31/distribution/E1ABCDEF/invalidation";
        assert_eq!(request.uri().to_string(), address);
        // The region of the stack is another.
        let signed = request.headers()["authorization"].to_str().unwrap().to_owned();
        assert!(signed.contains("/us-east-1/cloudfront/aws4_request"), "{signed}");
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        assert!(body.contains(&expected), "{body}");
        answer(201, &[], "<Invalidation><Id>I1</Id><Status>InProgress</Status></Invalidation>")
    });
    let copies = [Copies::Of(upload.key().to_string()), Copies::Under(prefix)];
    distribution.invalidate_copies("once", &copies).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn invalidations_that_are_too_many_at_the_moment_are_asked_for_later() {
    for (status, code, kind) in [
        (400, "TooManyInvalidationsInProgress", StoreErrorKind::Transient),
        (400, "Throttling", StoreErrorKind::Transient),
        (500, "InternalError", StoreErrorKind::Transient),
        (403, "AccessDenied", StoreErrorKind::Denied),
        (404, "NoSuchDistribution", StoreErrorKind::Permanent),
        (400, "InvalidationBatchAlreadyExists", StoreErrorKind::Permanent),
    ] {
        let body = format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>of it</Message></Error></ErrorResponse>"
        );
        let distribution = distribution(move |_| answer(status, &[], body.clone()));
        let failed = distribution.invalidate_copies("once", &[]).await.unwrap_err();
        assert_eq!((failed.operation, failed.kind), ("CreateInvalidation", kind), "{code}");
        assert_eq!(failed.source.to_string(), format!("{status} {code}: of it"));
    }
}

#[tokio::test]
async fn files_are_asked_for_with_everything_that_was_written_before() {
    let upload = sample::pending();
    let (owner, id) = (upload.owner, upload.id);
    let place = format!("\"ExclusiveStartKey\":{{\"pk\":{{\"S\":\"OWNER#{owner}\"}}");
    let table = UploadsTable::new(
        &connection(move |request| {
            let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
            for part in ["\"ConsistentRead\":true", "\"ScanIndexForward\":false", "\"Limit\":51"] {
                assert!(body.contains(part), "{part} is not in {body}");
            }
            assert!(body.contains(&place) || body.contains("\"sk\":{\"S\":\"UPLOAD#"), "{body}");
            let last = format!("{{\"pk\":{{\"S\":\"OWNER#{owner}\"}},\"sk\":{{\"S\":\"UPLOAD#{id}\"}}}}");
            answer(200, &[], format!("{{\"Items\":[],\"LastEvaluatedKey\":{last}}}"))
        }),
        "uploads".to_owned(),
    );
    let rows = NonZeroU16::new(51).unwrap();
    let page = table.list_ready(owner, Some(sample::id()), rows).await.unwrap();
    assert_eq!((page.uploads.len(), page.next), (0, Some(id)));
}

#[tokio::test]
async fn a_query_that_ends_at_something_else_is_a_bad_answer() {
    let body = "{\"Items\":[],\"LastEvaluatedKey\":{\"pk\":{\"S\":\"x\"},\"sk\":{\"S\":\"IDEMPOTENCY#1\"}}}";
    let rows = NonZeroU16::new(1).unwrap();
    let error = table(200, body).list_ready(sample::pending().owner, None, rows).await.unwrap_err();
    assert_eq!((error.operation, error.kind), ("Query", StoreErrorKind::Permanent));
}

async fn complete(status: u16, body: String) -> Result<Completion, StoreError> {
    complete_by(move |_| (status, body.clone())).await
}

/// Completes, of whose tries each gets the answer to its number.
async fn complete_by(
    answer_to: impl Fn(usize) -> (u16, String) + Send + Sync + 'static,
) -> Result<Completion, StoreError> {
    let tries = AtomicUsize::new(0);
    let bucket = bucket(move |_| {
        let (status, body) = answer_to(tries.fetch_add(1, Ordering::Relaxed));
        answer(status, &[], body)
    });
    let upload = sample::pending_multipart("m1");
    let multipart = sample::multipart_of(&upload);
    let part = |number| StoredPart {
        number,
        size_bytes: multipart.parts.size_of(number).unwrap(),
        etag: "\"e\"".to_owned(),
        crc64nvme: None,
    };
    let parts: Vec<_> = multipart.parts.numbers().map(part).collect();
    bucket.complete_multipart(&upload.key(), &multipart.id, &parts, upload.size.most(), None).await
}

#[tokio::test(start_paused = true)]
async fn what_completing_came_to_is_told_apart() {
    let done = "<CompleteMultipartUploadResult><Bucket>b</Bucket></CompleteMultipartUploadResult>".to_owned();
    assert_eq!(complete(200, done).await.unwrap(), Completion::Completed);
    for (status, code, expected) in [
        (404, "NoSuchUpload", Completion::Gone),
        (412, "PreconditionFailed", Completion::Exists),
        (409, "ConditionalRequestConflict", Completion::UnderWay),
        (400, "BadDigest", Completion::Mismatch),
        (400, "InvalidPart", Completion::Mismatch),
    ] {
        assert_eq!(complete(status, s3_error(code)).await.unwrap(), expected, "{code}");
    }
    assert_eq!(complete(404, s3_error("NoSuchBucket")).await.unwrap_err().kind, StoreErrorKind::Permanent);
}

/// S3 has done nothing then, and Uppy takes any answer for the last one.
#[tokio::test(start_paused = true)]
async fn completing_that_meets_another_write_is_asked_again_until_it_has_an_end() {
    let done = "<CompleteMultipartUploadResult><Bucket>b</Bucket></CompleteMultipartUploadResult>".to_owned();
    for (status, body, expected) in [
        (200, done, Completion::Completed),
        (404, s3_error("NoSuchUpload"), Completion::Gone),
        (412, s3_error("PreconditionFailed"), Completion::Exists),
    ] {
        let conflict = (409, s3_error("ConditionalRequestConflict"));
        let answer_to = move |number| if number < 5 { conflict.clone() } else { (status, body.clone()) };
        assert_eq!(complete_by(answer_to).await.unwrap(), expected);
    }
}

/// S3 answers 200 before it knows how it ends, and keeps the connection with spaces.
#[tokio::test]
async fn an_error_inside_a_200_is_no_completed_upload() {
    let body =
        format!("<?xml version=\"1.0\"?>\n   {}", s3_error("InternalError").split_once("?>").unwrap().1);
    let error = complete(200, body).await.unwrap_err();
    assert_eq!((error.operation, error.kind), ("CompleteMultipartUpload", StoreErrorKind::Transient));
}

#[tokio::test(start_paused = true)]
async fn completing_that_takes_long_is_under_way() {
    let connection = connection(|_| unreachable!("it never answers")).with_http(NeverClient::new());
    let bucket = S3Bucket::new(&connection, "valet-example".to_owned(), "123456789012".to_owned());
    let upload = sample::pending_multipart("m1");
    let multipart = sample::multipart_of(&upload);
    let begun = tokio::time::Instant::now();
    let completed =
        bucket.complete_multipart(&upload.key(), &multipart.id, &[], upload.size.most(), None).await;
    assert_eq!(completed.unwrap(), Completion::UnderWay);
    assert_eq!(begun.elapsed().as_secs(), 18);
}

/// What nobody tagged, what our functions did, and what a malware scanner has found clean as well.
#[tokio::test]
async fn tags_are_read_by_name_and_value() {
    const CLEAN: &str = "<Tag><Key>GuardDutyMalwareScanStatus</Key><Value>NO_THREATS_FOUND</Value></Tag>";
    const BAD: &str = "<Tag><Key>GuardDutyMalwareScanStatus</Key><Value>THREATS_FOUND</Value></Tag>";
    const VERIFIED: &str = "<Tag><Key>verified</Key><Value>true</Value></Tag>";
    const OTHER: &str = "<Tag><Key>verified</Key><Value>false</Value></Tag>";
    for (tags, is_verified, is_clean) in [
        (String::new(), false, false),
        (VERIFIED.to_owned(), true, false),
        (format!("{VERIFIED}{CLEAN}"), true, true),
        (format!("{BAD}{OTHER}"), false, false),
    ] {
        let body = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
        let bucket = bucket(move |_| answer(200, &[], body.clone()));
        let read = bucket.get_tags(&sample::pending().key(), &VersionId::new("v")).await.unwrap();
        assert_eq!(read, Some(Tags { is_verified, is_clean }), "{tags}");
    }
    let bucket = bucket(|_| answer(404, &[], s3_error("NoSuchVersion")));
    assert_eq!(bucket.get_tags(&sample::pending().key(), &VersionId::new("v")).await.unwrap(), None);
}
