//! Lists, reads and deletes files.
//!
//! It may remove what lies in the bucket in every version and have the CDN forget it; it can neither read a file nor store one.

mod config;
mod handler;

use config::Config;
use handler::ManageFiles;
use lambda_http::{Error, run, service_fn};
use valet_aws::{CloudFrontDistribution, S3Bucket, UploadsTable};
use valet_lambda::{Measured, Metrics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let metrics = Metrics::new(config.service, "manage-files").started(valet_lambda::now());
    let function = ManageFiles {
        objects: S3Bucket::new(&config.connection, config.bucket, config.bucket_owner),
        uploads: Measured::new(UploadsTable::new(&config.connection, config.table), metrics),
        cdn: CloudFrontDistribution::new(&config.connection, config.distribution),
        cdn_url: config.cdn_url,
    };
    run(service_fn(|request| handler::handle(&function, request))).await
}
