//! Real events in, contract out, on storage in memory.

use super::*;
use serde_json::{Value, json};
use valet_core::testing::{Failing, MemoryBucket, MemoryCdn, MemoryTable, sample};
use valet_core::upload::{State, Thumbnails, Verified, VersionId};
use valet_core::{Owner, Upload, UploadId};
use valet_http::testing;

const LIST: &str = include_str!("../../../../events/manage-files.json");
const READ: &str = include_str!("../../../../events/read-file.json");
const URL: &str = include_str!("../../../../events/file-url.json");
const DELETE: &str = include_str!("../../../../events/delete-file.json");

type Function = ManageFiles<MemoryBucket, MemoryTable, MemoryCdn>;

fn function_with(uploads: impl IntoIterator<Item = Upload>) -> Function {
    ManageFiles {
        objects: MemoryBucket::default(),
        uploads: MemoryTable::with(uploads),
        cdn: MemoryCdn::default(),
        cdn_url: "https://d1.cloudfront.net".to_owned(),
    }
}

fn file() -> Upload {
    sample::pending().in_state(State::Ready(Verified {
        version: VersionId::new("v1"),
        confirmed_at: sample::NOW,
        crc64nvme: None,
        dimensions: None,
        placeholder: None,
        thumbnails: Thumbnails::None,
    }))
}

/// The file that `events/` is about.
fn alices_file() -> Upload {
    Upload {
        id: UploadId::parse("01936f2e-8b5a-7c3d-9e4f-0123456789ab").unwrap(),
        owner: Owner::of_subject("alice"),
        ..file()
    }
}

async fn send<O, U, C>(function: &ManageFiles<O, U, C>, event: &str, subject: &str) -> (u16, Value)
where
    O: ListVersions + DeleteVersions,
    U: ListReady + GetUpload + UpdateUpload,
    C: InvalidateCopies,
{
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = subject.into();
    send_event(function, event).await
}

async fn send_event<O, U, C>(function: &ManageFiles<O, U, C>, event: Value) -> (u16, Value)
where
    O: ListVersions + DeleteVersions,
    U: ListReady + GetUpload + UpdateUpload,
    C: InvalidateCopies,
{
    let response = handle(function, testing::request(event)).await.unwrap();
    testing::status_and_json(&response)
}

/// Asks for a page as API Gateway passes it on: the raw query, and its parameters, repeated ones joined by commas.
async fn list(function: &Function, query: &str) -> (u16, Value) {
    let mut event: Value = serde_json::from_str(LIST).unwrap();
    event["rawQueryString"] = query.into();
    let mut parameters = serde_json::Map::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = match parameters.get(name) {
            Some(first) => format!("{},{value}", first.as_str().unwrap()),
            None => value.to_owned(),
        };
        parameters.insert(name.to_owned(), value.into());
    }
    event["queryStringParameters"] = parameters.into();
    send_event(function, event).await
}

#[tokio::test]
async fn files_are_listed_newest_first_and_page_by_page() {
    let uploads: Vec<_> = (0..5).map(|_| file()).chain([sample::pending()]).collect();
    let ids: Vec<_> = uploads[..5].iter().rev().map(|upload| json!(upload.id.to_string())).collect();
    let function = function_with(uploads);
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    for _ in 0..3 {
        let (status, page) = list(&function, &query).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["id"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_page_of_nothing_has_no_items_and_no_cursor() {
    let (status, page) = send(&function_with([]), LIST, "alice").await;
    assert_eq!((status, page), (200, json!({"items": []})));
}

#[tokio::test]
async fn an_item_is_the_file_as_it_reads_alone() {
    let function = function_with([alices_file()]);
    let (status, alone) = send(&function, READ, "alice").await;
    assert_eq!((status, &alone["status"]), (200, &json!("ready")));
    assert_eq!(alone["fileUrl"], format!("https://d1.cloudfront.net/{}", alices_file().key()));
    let (_, page) = send(&function, LIST, "alice").await;
    assert_eq!(page, json!({"items": [alone]}));
}

#[tokio::test]
async fn a_bad_query_names_each_bad_parameter() {
    let function = function_with([alices_file()]);
    let padded = "cursor=MDE5MzZmMmUtOGI1YS03YzNkLTllNGYtMDEyMzQ1Njc4OWFi==";
    for query in ["limit=0", "limit=101", "limit=x", "limit=", "limit=5&limit=6", "limit=-1", "limit=1e1"] {
        let (status, problem) = list(&function, query).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{query}");
        assert_eq!(problem["errors"][0]["pointer"], "limit");
    }
    for query in ["cursor=x", "cursor=", "cursor=01936f2e-8b5a-7c3d-9e4f-0123456789ab", padded] {
        let (status, problem) = list(&function, query).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("cursor")), "{query}");
    }
    let (_, problem) = list(&function, "limit=0&cursor=x").await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_deleted_file_is_not_found_and_deleting_repeats() {
    let function = function_with([alices_file()]);
    for _ in 0..2 {
        assert_eq!(send(&function, DELETE, "alice").await, (204, Value::Null));
    }
    let (status, problem) = send(&function, READ, "alice").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    assert_eq!(send(&function, LIST, "alice").await.1, json!({"items": []}));
    assert!(!function.cdn.invalidations().is_empty());
}

#[tokio::test]
async fn an_upload_that_is_no_file_yet_is_cancelled_and_not_deleted() {
    let pending = Upload { state: State::Pending, ..alices_file() };
    let (status, problem) = send(&function_with([pending]), DELETE, "alice").await;
    assert_eq!((status, &problem["code"]), (409, &json!("invalid_state")));
    assert_eq!(problem["detail"], "the upload is still pending; cancel it instead");
}

#[tokio::test]
async fn another_owner_finds_nothing_and_deletes_nothing() {
    let function = function_with([alices_file()]);
    for event in [READ, DELETE] {
        let (status, problem) = send(&function, event, "mallory").await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    }
    assert_eq!(send(&function, LIST, "mallory").await.1, json!({"items": []}));
    assert_eq!(send(&function, READ, "alice").await.0, 200);
}

#[tokio::test]
async fn copies_that_cannot_be_dropped_now_are_a_reason_to_come_again() {
    let Function { objects, uploads, cdn, cdn_url } = function_with([alices_file()]);
    let cdn = Failing::at(&cdn, 0, false);
    let failing = ManageFiles { objects, uploads, cdn, cdn_url };
    let (status, problem) = send(&failing, DELETE, "alice").await;
    assert_eq!((status, &problem["code"], &problem["retryable"]), (503, &json!("try_later"), &json!(true)));
    assert_eq!(send(&failing, DELETE, "alice").await, (204, Value::Null));
}

#[tokio::test]
async fn an_address_is_that_of_the_file_or_of_a_thumbnail_that_is_there() {
    let with = |state| function_with([Upload { state, ..alices_file() }]);
    let ready = || with(sample::states().swap_remove(3));
    let record = send(&ready(), READ, "alice").await.1;
    let (status, body) = send(&ready(), URL, "alice").await;
    assert_eq!((status, &body["url"]), (200, &record["thumbnails"]["items"][0]["url"]), "{body}");
    assert_eq!(body["id"], record["id"]);
    let file = URL.replace("thumbnail=small", "");
    assert_eq!(send(&ready(), &file, "alice").await.1["url"], record["fileUrl"]);
    for (function, event, subject) in [
        (ready(), URL.replace("=small", "=other"), "alice"),
        (function_with([alices_file()]), URL.to_owned(), "alice"),
        (with(State::Pending), file.clone(), "alice"),
        (ready(), file, "mallory"),
    ] {
        let (status, problem) = send(&function, &event, subject).await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{problem}");
    }
    let (status, problem) = send(&ready(), &URL.replace("thumbnail=", "size="), "alice").await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("size")));
}

#[tokio::test]
async fn what_is_no_id_and_no_route_is_not_found() {
    let function = function_with([alices_file()]);
    let (status, problem) = send(&function, &READ.replace("01936f2e-8b5a", "..%2f"), "alice").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    let confirm = include_str!("../../../../events/confirm-upload.json");
    let (status, problem) = send(&function, confirm, "alice").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
}

/// A configuration without one of its variables says which.
#[test]
fn every_variable_is_needed_and_named_when_missing() {
    let names = [
        "SERVICE",
        "BUCKET",
        "BUCKET_OWNER",
        "TABLE",
        "CDN_URL",
        "DISTRIBUTION_ID",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
    ];
    for missing in names {
        let lookup = |name: &str| (name != missing && name != "AWS_CA_BUNDLE").then(|| "x".to_owned());
        let error = crate::config::Config::from_lookup(lookup).err().unwrap();
        assert_eq!(error.0, [format!("{missing} is not set")]);
    }
}
