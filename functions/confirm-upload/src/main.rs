//! Confirms uploads and cancels them.
//!
//! It may read, tag and remove what was uploaded, and move rows; it can create neither.

mod config;
mod handler;

use config::Config;
use handler::ConfirmUpload;
use lambda_http::{Error, run, service_fn};
use valet_aws::{S3Bucket, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = Metrics::new(config.service, "confirm-upload").started(valet_lambda::now());
    let function = ConfirmUpload {
        objects: S3Bucket::new(&config.connection, config.bucket, config.bucket_owner)
            .scanned(config.malware_scan),
        uploads: Measured::new(UploadsTable::new(&config.connection, config.table), metrics),
        cdn_url: config.cdn_url,
    };
    run(service_fn(|request| handler::handle(&function, request))).await
}
