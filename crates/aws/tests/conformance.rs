//! The adapters behave on real servers as the memory fakes do. `make test-conformance` starts the servers and names them:
//! `VALET_S3_ENDPOINT`, `VALET_BUCKET` (versioned) and `VALET_BUCKET_OWNER`, `VALET_DYNAMODB_ENDPOINT` and `VALET_TABLE` (keys `pk`, `sk`; index `due`
//! with keys `due_shard`, `due_at`), and credentials. A run names the tests its servers are for.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "real servers check signatures against the real time")]

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{Tag, Tagging};
use std::env;
use time::OffsetDateTime;
use uuid::Uuid;
use valet_aws::{Connection, S3Bucket, S3Presigner, SweepTable, UploadsTable};
use valet_core::ports::Verdict;
use valet_core::testing::conformance::{self, Uploader};
use valet_core::testing::sample;
use valet_core::upload::VersionId;
use valet_core::{Upload, UploadId, UploadKey};

fn connection(endpoint: &str) -> Connection {
    Connection::from_lookup(|name| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.to_owned()),
        "AWS_REGION" => Some("us-east-1".to_owned()),
        name => env::var(name).ok(),
    })
    .unwrap()
}

fn fresh() -> Upload {
    Upload { id: UploadId::new(Uuid::now_v7()), ..sample::pending() }
}

/// A client that is not the SDK: what it sends is what a browser would.
struct Http;

impl conformance::Send for Http {
    async fn send(&self, url: &str, headers: &[(String, String)], body: &[u8]) -> u16 {
        let mut request = agent().put(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send(body).unwrap().status().as_u16()
    }

    async fn form(&self, url: &str, fields: &[(String, String)], file: &[u8]) -> u16 {
        const BOUNDARY: &str = "----conformance-7f3a";
        let field = |(name, value): &(String, String)| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let mut body: Vec<u8> = fields.iter().flat_map(|named| field(named).into_bytes()).collect();
        let file_head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n");
        body.extend_from_slice(file_head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = agent().post(url).header("content-type", content_type);
        request.send(body.as_slice()).unwrap().status().as_u16()
    }

    async fn call(&self, method: &str, url: &str, headers: &[(String, String)], body: &str) -> (u16, String) {
        let mut answer = match method {
            "POST" => headers
                .iter()
                .fold(agent().post(url), |request, (name, value)| request.header(name, value))
                .send(body)
                .unwrap(),
            "GET" => agent().get(url).call().unwrap(),
            "DELETE" => agent().delete(url).call().unwrap(),
            other => panic!("nobody signs {other}"),
        };
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    ureq::Agent::new_with_config(config)
}

fn s3() -> (S3Bucket, S3Presigner) {
    let endpoint = env::var("VALET_S3_ENDPOINT").unwrap();
    let (connection, name) = (connection(&endpoint), env::var("VALET_BUCKET").unwrap());
    let presigner = S3Presigner::new(&connection, &name);
    (S3Bucket::new(&connection, name, env::var("VALET_BUCKET_OWNER").unwrap()), presigner)
}

#[tokio::test]
async fn an_s3_bucket_conforms() {
    let (bucket, presigner) = s3();
    let uploader = Uploader { presigner: &presigner, client: &Http, now: OffsetDateTime::now_utc() };
    conformance::bucket(&bucket, &uploader, fresh).await;
    conformance::multipart(&bucket, &uploader, fresh).await;
}

/// A malware scanner: reads a version's tags and writes them all, as `GuardDuty` does.
struct Scanner {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Scanner {
    fn new() -> Self {
        let key = |name: &str| env::var(name).unwrap();
        let (id, secret) = (key("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY"));
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(key("VALET_S3_ENDPOINT"))
            .force_path_style(true)
            .credentials_provider(Credentials::new(id, secret, None, None, "environment"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { client: aws_sdk_s3::Client::from_conf(config), bucket: key("VALET_BUCKET") }
    }
}

impl conformance::Scan for Scanner {
    async fn scan(&self, key: &UploadKey, version: &VersionId, verdict: Verdict) {
        let status = match verdict {
            Verdict::Clean { .. } => "NO_THREATS_FOUND",
            Verdict::Malware => "THREATS_FOUND",
            Verdict::Unscannable => "UNSUPPORTED",
            Verdict::Awaited => "FAILED",
            Verdict::NotAsked => panic!("a scanner says something"),
        };
        let (key, version) = (key.to_string(), version.as_str());
        let named = self.client.get_object_tagging().bucket(&self.bucket);
        let found = named.key(&key).version_id(version).send().await.unwrap();
        let status = Tag::builder().key("GuardDutyMalwareScanStatus").value(status).build().unwrap();
        let others = found.tag_set.into_iter().filter(|tag| tag.key() != status.key());
        let tags = others.chain([status.clone()]).collect();
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        let named = self.client.put_object_tagging().bucket(&self.bucket).key(&key).version_id(version);
        named.tagging(tagging).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_s3_bucket_with_a_scanner_conforms() {
    let (bucket, presigner) = s3();
    let uploader = Uploader { presigner: &presigner, client: &Http, now: OffsetDateTime::now_utc() };
    conformance::scanned(&bucket.scanned(true), &uploader, &Scanner::new(), fresh).await;
}

#[tokio::test]
async fn an_s3_bucket_takes_forms_and_calls_of_clients() {
    let (bucket, presigner) = s3();
    let uploader = Uploader { presigner: &presigner, client: &Http, now: OffsetDateTime::now_utc() };
    conformance::forms(&bucket, &uploader, fresh).await;
    conformance::own_multipart(&bucket, &uploader, fresh).await;
}

#[tokio::test]
async fn an_s3_bucket_can_be_swept() {
    let (bucket, presigner) = s3();
    let uploader = Uploader { presigner: &presigner, client: &Http, now: OffsetDateTime::now_utc() };
    conformance::sweep::bucket(&bucket, &uploader, fresh).await;
    conformance::reindex::bucket(&bucket, &uploader, fresh).await;
}

#[tokio::test]
async fn open_multipart_uploads_come_page_by_page() {
    conformance::sweep::pages_of_multiparts(&s3().0, OffsetDateTime::now_utc(), fresh).await;
}

#[tokio::test]
async fn a_dynamodb_table_conforms() {
    let endpoint = env::var("VALET_DYNAMODB_ENDPOINT").unwrap();
    let (connection, name) = (connection(&endpoint), env::var("VALET_TABLE").unwrap());
    let table = UploadsTable::new(&connection, name.clone());
    conformance::table(&table, fresh).await;
    conformance::sessions(&table, fresh).await;
    conformance::reindex::table(&table, fresh).await;
    conformance::sweep::table(&table, &SweepTable::new(&connection, name), fresh).await;
}
