//! Finishes what was left unfinished, on a schedule.
//!
//! It may read, tag and remove what was uploaded, remove thumbnails, abort multipart uploads, move rows, tell the queue of arrivals and have the
//! CDN forget; it can issue nothing and write no object.

mod config;
mod handler;

use config::Config;
use handler::SweepUploads;
use lambda_runtime::{Error, run, service_fn};
use valet_aws::{CloudFrontDistribution, S3Bucket, SweepTable, ThumbnailQueue, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = |name: &str| Metrics::new(name.to_owned(), "sweep-uploads");
    let function = SweepUploads {
        queue: ThumbnailQueue::new(&config.connection, config.queue_url, config.bucket.clone()),
        cdn: CloudFrontDistribution::new(&config.connection, config.distribution_id),
        objects: S3Bucket::new(&config.connection, config.bucket, config.bucket_owner)
            .scanned(config.malware_scan),
        index: SweepTable::new(&config.connection, config.table.clone()),
        uploads: Measured::new(
            UploadsTable::new(&config.connection, config.table),
            metrics(&config.service).started(valet_lambda::now()),
        ),
        metrics: metrics(&config.service),
        limits: config.limits,
    };
    run(service_fn(|event| handler::handle(&function, event))).await
}
