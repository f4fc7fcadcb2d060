//! Answers unmodified Uppy clients, by the contract of their Companion and of `signRequest`.
//!
//! It may write and read rows, sign uploads of every kind, and do with parts and what was made of them what `confirm-upload` may. It hands
//! out no credentials.

mod config;
mod handler;

use config::Config;
use handler::Companion;
use lambda_http::{Error, run, service_fn};
use valet_aws::{S3Companion, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = Metrics::new(config.service, "companion").started(valet_lambda::now());
    let function = Companion {
        objects: S3Companion::new(&config.connection, config.bucket.clone(), config.bucket_owner)
            .scanned(config.malware_scan),
        uploads: Measured::new(UploadsTable::new(&config.connection, config.table), metrics),
        policy: config.policy,
        bucket: config.bucket,
        cdn_url: config.cdn_url,
        api_url: config.api_url,
    };
    run(service_fn(|request| handler::handle(&function, request))).await
}
