//! The multipart ports on one bucket. No part's bytes pass through here.

use crate::S3Bucket;
use crate::error::{bad_answer, store_error};
use crate::s3_bucket::found;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::Duration;
use valet_core::checksum::Crc64Nvme;
use valet_core::error::StoreError;
use valet_core::key::CACHE_CONTROL;
use valet_core::parts::PartNumber;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, Completion, CreateMultipart, ListParts, PartsPage, StoredPart,
};
use valet_core::upload::MultipartId;
use valet_core::{Upload, UploadKey};

/// How long to wait for S3 to put parts together, which may take minutes. The function then says so and is asked again; it must have time
/// left to answer before the HTTP API gives up at 30 seconds.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(18);

/// What S3 says while another request about the same key has not ended. Ours came to nothing; and whether the other will come to something,
/// nobody knows. So it is asked again, this often.
const CONFLICT: [&str; 2] = ["ConditionalRequestConflict", "OperationAborted"];
const CONFLICTS: u32 = 6;

/// The first pause before it is asked again, and the longest: each is up to twice as long as the one before.
const CONFLICT_PAUSE: Duration = Duration::from_millis(250);
const MAX_CONFLICT_PAUSE: Duration = Duration::from_secs(2);

/// Has completing be asked again after a conflict and after nothing else: who asks again asks the whole question again, list and all.
#[derive(Debug)]
struct ConflictsAlone;

impl ClassifyRetry for ConflictsAlone {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let error = error.as_operation_error().and_then(|error| error.downcast_ref());
        let code = error.and_then(CompleteMultipartUploadError::code);
        if code.is_some_and(|code| CONFLICT.contains(&code)) {
            RetryAction::transient_error()
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "conflicts alone"
    }
}

impl CreateMultipart for S3Bucket {
    async fn create_multipart(&self, upload: &Upload) -> Result<MultipartId, StoreError> {
        let created = self
            .client()
            .create_multipart_upload()
            .bucket(self.bucket())
            .expected_bucket_owner(self.account())
            .key(upload.key().to_string())
            .content_type(upload.media_type.content_type())
            .cache_control(CACHE_CONTROL)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .send()
            .await
            .map_err(|error| store_error("CreateMultipartUpload", error))?;
        let id = created.upload_id.ok_or_else(|| bad_answer("CreateMultipartUpload", "no upload id"))?;
        Ok(MultipartId::new(id))
    }
}

impl ListParts for S3Bucket {
    async fn list_parts(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        after: Option<PartNumber>,
    ) -> Result<Option<PartsPage>, StoreError> {
        let listed = self
            .client()
            .list_parts()
            .bucket(self.bucket())
            .expected_bucket_owner(self.account())
            .key(key.to_string())
            .upload_id(id.as_str())
            .set_part_number_marker(after.map(|number| number.to_string()))
            .send()
            .await;
        let Some(listed) = found("ListParts", listed)? else { return Ok(None) };
        let parts = listed.parts().iter().map(stored_part).collect::<Option<Vec<_>>>();
        let parts = parts.ok_or_else(|| bad_answer("ListParts", "a part without number, size or ETag"))?;
        let next = match listed.is_truncated() {
            Some(true) => {
                let last = parts.last().map(|part| part.number);
                Some(
                    last.ok_or_else(|| bad_answer("ListParts", "a page without parts that is not the last"))?,
                )
            }
            Some(false) | None => None,
        };
        Ok(Some(PartsPage { parts, next }))
    }
}

fn stored_part(part: &aws_sdk_s3::types::Part) -> Option<StoredPart> {
    Some(StoredPart {
        number: PartNumber::new(part.part_number()?.try_into().ok()?)?,
        size_bytes: part.size()?.try_into().ok()?,
        etag: part.e_tag()?.to_owned(),
        crc64nvme: part.checksum_crc64_nvme().and_then(Crc64Nvme::parse),
    })
}

impl CompleteMultipart for S3Bucket {
    async fn complete_multipart(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        parts: &[StoredPart],
        size_bytes: u64,
        crc64nvme: Option<Crc64Nvme>,
    ) -> Result<Completion, StoreError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder().part_number(part.number.get().into()).e_tag(&part.etag).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let size = i64::try_from(size_bytes).expect("no grant is for more than 5 TiB");
        let retries = RetryConfig::standard()
            .with_max_attempts(CONFLICTS + 1)
            .with_initial_backoff(CONFLICT_PAUSE)
            .with_max_backoff(MAX_CONFLICT_PAUSE);
        let patience = aws_sdk_s3::Config::builder()
            .retry_config(retries)
            .retry_classifier(ConflictsAlone)
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(COMPLETE_TIMEOUT)
                    // What is not set here stays as it is for every call.
                    .operation_attempt_timeout(COMPLETE_TIMEOUT)
                    .build(),
            );
        let completed = self
            .client()
            .complete_multipart_upload()
            .bucket(self.bucket())
            .expected_bucket_owner(self.account())
            .key(key.to_string())
            .upload_id(id.as_str())
            .multipart_upload(parts)
            .mpu_object_size(size)
            .if_none_match("*")
            .set_checksum_crc64_nvme(crc64nvme.map(|crc64nvme| crc64nvme.to_string()))
            .checksum_type(ChecksumType::FullObject)
            .customize()
            .config_override(patience)
            .send()
            .await;
        let error = match completed {
            Ok(_) => return Ok(Completion::Completed),
            Err(SdkError::TimeoutError(_)) => return Ok(Completion::UnderWay),
            Err(error) => error,
        };
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        match code {
            Some("NoSuchUpload") => Ok(Completion::Gone),
            Some("PreconditionFailed") => Ok(Completion::Exists),
            // Somebody else has been completing it all the while.
            Some(code) if CONFLICT.contains(&code) => Ok(Completion::UnderWay),
            // A part was sent again since it was listed, or the checksum over the whole is another.
            Some("InvalidPart" | "BadDigest") => Ok(Completion::Mismatch),
            _ => Err(store_error("CompleteMultipartUpload", error)),
        }
    }
}

impl AbortMultipart for S3Bucket {
    async fn abort_multipart(&self, key: &UploadKey, id: &MultipartId) -> Result<(), StoreError> {
        let aborted = self
            .client()
            .abort_multipart_upload()
            .bucket(self.bucket())
            .expected_bucket_owner(self.account())
            .key(key.to_string())
            .upload_id(id.as_str())
            .send()
            .await;
        found("AbortMultipartUpload", aborted).map(drop)
    }
}
