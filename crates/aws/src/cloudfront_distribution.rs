//! The copies of one CloudFront distribution.
//!
//! IAM: `cloudfront:CreateInvalidation` on the distribution.

use crate::Connection;
use crate::error::store_error;
use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use valet_core::error::StoreError;
use valet_core::ports::{Copies, InvalidateCopies};

/// One distribution.
pub struct CloudFrontDistribution {
    client: aws_sdk_cloudfront::Client,
    id: String,
}

impl CloudFrontDistribution {
    /// The distribution with this id.
    pub fn new(connection: &Connection, id: String) -> Self {
        Self { client: connection.cloudfront(), id }
    }
}

impl InvalidateCopies for CloudFrontDistribution {
    async fn invalidate_copies(&self, reference: &str, copies: &[Copies]) -> Result<(), StoreError> {
        let quantity = i32::try_from(copies.len()).expect("a file has few paths");
        let paths = Paths::builder()
            .quantity(quantity)
            .set_items(Some(copies.iter().map(path).collect()))
            .build()
            .expect("the quantity is there");
        let batch = InvalidationBatch::builder()
            .caller_reference(reference)
            .paths(paths)
            .build()
            .expect("reference and paths are there");
        self.client
            .create_invalidation()
            .distribution_id(&self.id)
            .invalidation_batch(batch)
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("CreateInvalidation", error))
    }
}

/// Keys hold nothing that would have to be encoded in a path.
fn path(copies: &Copies) -> String {
    match copies {
        Copies::Of(key) => format!("/{key}"),
        Copies::Under(prefix) => format!("/{prefix}*"),
    }
}
