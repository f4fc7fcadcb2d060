//! The ports of `valet-core` on S3, DynamoDB, SQS and CloudFront. Nothing else in the project names the AWS SDK, and none of its types
//! leave this crate.
//!
//! What is permanent and what may be tried again is decided here, once, in `error`.

mod cloudfront_distribution;
mod connection;
mod error;
mod s3_bucket;
mod s3_companion;
mod s3_grants;
mod s3_listing;
mod s3_multipart;
mod s3_presigner;
mod sweep_table;
mod thumbnail_queue;
mod upload_item;
mod uploads_table;

#[cfg(test)]
mod scripted;

pub use cloudfront_distribution::CloudFrontDistribution;
pub use connection::Connection;
pub use s3_bucket::{S3Body, S3Bucket};
pub use s3_companion::S3Companion;
pub use s3_grants::S3Grants;
pub use s3_presigner::S3Presigner;
pub use sweep_table::SweepTable;
pub use thumbnail_queue::ThumbnailQueue;
pub use uploads_table::UploadsTable;
