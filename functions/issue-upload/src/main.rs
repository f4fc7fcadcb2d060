//! Issues grants, signs them again, reads uploads and tells the limits.
//!
//! It may write and read rows and sign PUTs; it has no client for S3.

mod config;
mod handler;

use config::Config;
use handler::IssueUpload;
use lambda_http::{Error, run, service_fn};
use valet_aws::{S3Presigner, UploadsTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let function = IssueUpload {
        objects: S3Presigner::new(&config.connection, &config.bucket),
        uploads: UploadsTable::new(&config.connection, config.table),
        policy: config.policy,
        cdn_url: config.cdn_url,
    };
    run(service_fn(|request| handler::handle(&function, request))).await
}
