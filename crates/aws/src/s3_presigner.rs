//! Signs uploads, and talks to nobody: it has a region, credentials and a bucket's address, and no client.
//!
//! Signed with AWS's own `aws-sigv4`, at a third of the cost of presigning through the SDK, which runs a whole operation for it and
//! adds what nobody asked for: a checksum of the empty body, an operation's name, and inside Lambda a trace id.

mod post_policy;

use crate::Connection;
use crate::error::bad_answer;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use std::time::Duration;
use time::OffsetDateTime;
use valet_core::error::StoreError;
use valet_core::key::CACHE_CONTROL;
use valet_core::ports::{
    MultipartCall, PresignMultipart, PresignPart, PresignPost, PresignPut, SignedCall, SignedForm, SignedPut,
    WantedPart,
};
use valet_core::upload::MultipartId;
use valet_core::{Upload, UploadKey};

/// Signs PUTs, forms and the calls of multipart uploads into one bucket.
pub struct S3Presigner {
    identity: aws_smithy_runtime_api::client::identity::Identity,
    credentials: Credentials,
    region: String,
    bucket: String,
    /// The bucket's address, without a trailing slash.
    base: String,
}

impl S3Presigner {
    /// A signer for the bucket of this name.
    pub fn new(connection: &Connection, bucket: &str) -> Self {
        let region = connection.region();
        let base = match connection.s3_endpoint() {
            // Another endpoint than AWS's own rarely has a name per bucket.
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            // Always the region's own: a browser does not follow a redirect from the global one.
            None => format!("https://{bucket}.s3.{region}.{}", dns_suffix(region)),
        };
        Self {
            identity: connection.identity(),
            credentials: connection.credentials().clone(),
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            base,
        }
    }

    /// The signed form of a URL whose query, if it has one, is percent-encoded.
    fn sign(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<String, String> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lifetime);
        // S3's two exceptions. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("s3")
            .time(now.into())
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let request =
            SignableRequest::new(method, url, headers.iter().copied(), SignableBody::UnsignedPayload)
                .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
        let (_, query) = instructions.into_parts();
        let query: Vec<_> =
            query.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        let separator = if url.contains('?') { '&' } else { '?' };
        Ok(format!("{url}{separator}{}", query.join("&")))
    }
}

impl PresignPut for S3Presigner {
    async fn presign_put(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        let url = format!("{}/{}", self.base, upload.key());
        let Some(length) = upload.size.exact() else {
            return Err(bad_answer("PutObject", "no PUT can be signed of a file of unknown size"));
        };
        let length = length.to_string();
        let sha256 = upload.sha256.map(|sha256| sha256.to_string());
        let mut sent = vec![
            ("cache-control", CACHE_CONTROL),
            ("content-type", upload.media_type.content_type()),
            ("if-none-match", "*"),
        ];
        sent.extend(sha256.as_deref().map(|sha256| ("x-amz-checksum-sha256", sha256)));
        // Signed too, and sent by every client of its own accord; browsers let nobody else set it. So is the host.
        let mut signed = sent.clone();
        signed.push(("content-length", &length));
        let url =
            self.sign("PUT", &url, &signed, now, lifetime).map_err(|error| bad_answer("PutObject", error))?;
        let headers = sent.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(SignedPut { url, headers, expires_at: now + lifetime })
    }
}

impl PresignPart for S3Presigner {
    async fn presign_part(
        &self,
        key: &UploadKey,
        id: &MultipartId,
        part: &WantedPart,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedPut, StoreError> {
        let id = percent_encode(id.as_str());
        let url = format!("{}/{key}?partNumber={}&uploadId={id}", self.base, part.number);
        let length = part.size_bytes.map(|bytes| bytes.to_string());
        let crc64nvme = part.crc64nvme.map(|crc64nvme| crc64nvme.to_string());
        let sent: Vec<_> =
            crc64nvme.iter().map(|crc64nvme| ("x-amz-checksum-crc64nvme", crc64nvme.as_str())).collect();
        let mut signed = sent.clone();
        signed.extend(length.as_deref().map(|length| ("content-length", length)));
        let url = self
            .sign("PUT", &url, &signed, now, lifetime)
            .map_err(|error| bad_answer("UploadPart", error))?;
        let headers = sent.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(SignedPut { url, headers, expires_at: now + lifetime })
    }
}

impl PresignMultipart for S3Presigner {
    async fn presign_multipart(
        &self,
        key: &UploadKey,
        call: &MultipartCall,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedCall, StoreError> {
        let named = |id: &MultipartId| format!("uploadId={}", percent_encode(id.as_str()));
        let (operation, method, query, headers) = match call {
            MultipartCall::Create => (
                "CreateMultipartUpload",
                "POST",
                "uploads=".to_owned(),
                vec![("cache-control", CACHE_CONTROL), ("content-type", key.media_type.content_type())],
            ),
            MultipartCall::List(id) => ("ListParts", "GET", named(id), vec![]),
            // Without its signed precondition it could put another object under a key that is served.
            MultipartCall::Complete(id) => {
                ("CompleteMultipartUpload", "POST", named(id), vec![("if-none-match", "*")])
            }
            MultipartCall::Abort(id) => ("AbortMultipartUpload", "DELETE", named(id), vec![]),
        };
        let url = format!("{}/{key}?{query}", self.base);
        let url = self.sign(method, &url, &headers, now, lifetime);
        let url = url.map_err(|error| bad_answer(operation, error))?;
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(SignedCall { url, headers, expires_at: now + lifetime })
    }
}

impl PresignPost for S3Presigner {
    async fn presign_post(
        &self,
        upload: &Upload,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<SignedForm, StoreError> {
        Ok(post_policy::sign(self, upload, now, lifetime))
    }
}

/// The domain of a region's partition. Source: <https://docs.aws.amazon.com/general/latest/gr/s3.html>. The isolated partitions have
/// domains of their own and need `AWS_ENDPOINT_URL_S3`.
fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// `UriEncode` of Signature Version 4: all but unreserved characters.
fn percent_encode(value: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(value, &RESERVED).to_string()
}
