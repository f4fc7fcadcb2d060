//! Issues grants, signs them and their parts again, reads uploads, and tells the limits and what an owner holds.
//!
//! It may write and read rows, sign PUTs, begin multipart uploads and list their parts.

mod config;
mod handler;

use config::Config;
use handler::IssueUpload;
use lambda_http::{Error, run, service_fn};
use valet_aws::{S3Grants, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = Metrics::new(config.service, "issue-upload").started(valet_lambda::now());
    let function = IssueUpload {
        objects: S3Grants::new(&config.connection, config.bucket, config.bucket_owner),
        uploads: Measured::new(UploadsTable::new(&config.connection, config.table), metrics),
        policy: config.policy,
        cdn_url: config.cdn_url,
    };
    run(service_fn(|request| handler::handle(&function, request))).await
}
