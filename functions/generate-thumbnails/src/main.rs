//! Settles what arrived in S3 and makes its thumbnails.
//!
//! It may read, tag and remove what was uploaded, write thumbnails, and move rows; it can issue nothing.

mod config;
mod event;
mod handler;
mod render;

use config::Config;
use handler::GenerateThumbnails;
use lambda_runtime::{Error, run, service_fn};
use render::Renderer;
use valet_aws::{S3Bucket, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = Metrics::new(config.service, "generate-thumbnails").started(valet_lambda::now());
    let function = GenerateThumbnails {
        objects: S3Bucket::new(&config.connection, config.bucket, config.bucket_owner)
            .scanned(config.malware_scan),
        uploads: Measured::new(UploadsTable::new(&config.connection, config.table), metrics),
        renderer: Renderer::new(config.variants, config.limits),
    };
    run(service_fn(|event| handler::handle(&function, event))).await
}
