//! Issues grants, signs them again, reads uploads and tells the limits.
//!
//! It may write and read rows and sign PUTs; it has no client for S3.

mod config;
mod handler;

use config::Config;
use handler::IssueUpload;
use lambda_http::{Error, run, service_fn};
use valet_aws::{S3Presigner, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = Metrics::new(config.service, "issue-upload").started(valet_lambda::now());
    let function = IssueUpload {
        objects: S3Presigner::new(&config.connection, &config.bucket),
        uploads: Measured::new(UploadsTable::new(&config.connection, config.table), metrics),
        policy: config.policy,
        cdn_url: config.cdn_url,
    };
    run(service_fn(|request| handler::handle(&function, request))).await
}
