//! The memory fakes behave as the real servers do.

use valet_core::testing::{MemoryBucket, MemoryTable, conformance, sample};

#[tokio::test]
async fn the_memory_bucket_conforms() {
    let bucket = MemoryBucket::default();
    let uploader = conformance::Uploader { presigner: &bucket, client: &bucket, now: sample::NOW };
    conformance::bucket(&bucket, &uploader, sample::pending).await;
    conformance::multipart(&bucket, &uploader, sample::pending).await;
    conformance::own_multipart(&bucket, &uploader, sample::pending).await;
    conformance::forms(&bucket, &uploader, sample::pending).await;
    conformance::reindex::bucket(&bucket, &uploader, sample::pending).await;
    conformance::sweep::bucket(&bucket, &uploader, sample::pending).await;
    conformance::sweep::pages_of_multiparts(&bucket, sample::NOW, sample::pending).await;
}

#[tokio::test]
async fn the_memory_bucket_with_a_scanner_conforms() {
    let bucket = MemoryBucket::scanned();
    let uploader = conformance::Uploader { presigner: &bucket, client: &bucket, now: sample::NOW };
    conformance::scanned(&bucket, &uploader, &bucket, sample::pending).await;
}

#[tokio::test]
async fn the_memory_table_conforms() {
    let table = MemoryTable::default();
    conformance::table(&table, sample::pending).await;
    conformance::sessions(&table, sample::pending).await;
    conformance::reindex::table(&table, sample::pending).await;
    conformance::sweep::table(&table, &table, sample::pending).await;
}
