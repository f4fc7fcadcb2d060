//! Where AWS is and who we are there, taken from the environment Lambda sets. It probes nothing: no profile files, no
//! instance metadata, and no system certificates, whose parsing would be most of a cold start.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::identity::Identity;
use std::time::Duration;

/// The roots that AWS endpoints chain to. Source: <https://www.amazontrust.com/repository/>
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// How to reach AWS.
///
/// Read from `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and for another endpoint than
/// AWS's own, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, which goes before it for S3 as in AWS's own SDKs, and `AWS_CA_BUNDLE`
/// (the path of a PEM file).
#[derive(Clone)]
pub struct Connection {
    region: Region,
    credentials: Credentials,
    endpoint: Option<String>,
    s3_endpoint: Option<String>,
    http: SharedHttpClient,
}

/// What every client is configured with. Each service's crate has a builder of its own, alike in name only.
macro_rules! configured {
    ($sdk:ident, $connection:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region($connection.region.clone())
            .credentials_provider($connection.credentials.clone())
            .http_client($connection.http.clone())
            .retry_config(retries())
            .timeout_config(timeouts())
    };
}

impl Connection {
    /// Takes what Lambda put into the environment. The error has a sentence a problem, each naming its variable.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let mut problems = Vec::new();
        let mut required = |name: &str| {
            lookup(name).unwrap_or_else(|| {
                problems.push(format!("{name} is not set"));
                String::new()
            })
        };
        let region = Region::new(required("AWS_REGION"));
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID"),
            required("AWS_SECRET_ACCESS_KEY"),
            lookup("AWS_SESSION_TOKEN"),
            // Lambda does not say when they end; it replaces the process before they do.
            None,
            "environment",
        );
        let ca_bundle = lookup("AWS_CA_BUNDLE").and_then(|path| {
            std::fs::read(&path)
                .map_err(|error| problems.push(format!("AWS_CA_BUNDLE: {path}: {error}")))
                .ok()
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let http = https_client(ca_bundle.as_deref());
        let endpoint = lookup("AWS_ENDPOINT_URL");
        let s3_endpoint = lookup("AWS_ENDPOINT_URL_S3").or_else(|| endpoint.clone());
        Ok(Self { region, credentials, endpoint, s3_endpoint, http })
    }

    /// The region.
    pub(crate) fn region(&self) -> &str {
        self.region.as_ref()
    }

    /// The endpoint that stands in for S3's own, if any.
    pub(crate) fn s3_endpoint(&self) -> Option<&str> {
        self.s3_endpoint.as_deref()
    }

    /// The credentials, for signing.
    pub(crate) fn identity(&self) -> Identity {
        self.credentials.clone().into()
    }

    /// The same, for the form's own way of signing.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// An S3 client.
    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let mut config = configured!(aws_sdk_s3, self)
            // Thumbnails go over TLS with their length; the SDK's default would hash them as well.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            // Ranged reads would be compared with the checksum of the whole.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // Another endpoint than AWS's own rarely has a name per bucket.
            .force_path_style(self.s3_endpoint.is_some());
        config.set_endpoint_url(self.s3_endpoint.clone());
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A `DynamoDB` client.
    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = configured!(aws_sdk_dynamodb, self);
        config.set_endpoint_url(self.endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// An SQS client.
    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = configured!(aws_sdk_sqs, self);
        config.set_endpoint_url(self.endpoint.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// A `CloudFront` client. Its service has one place in a partition, which the SDK knows, whatever the region.
    pub(crate) fn cloudfront(&self) -> aws_sdk_cloudfront::Client {
        let mut config = configured!(aws_sdk_cloudfront, self);
        config.set_endpoint_url(self.endpoint.clone());
        aws_sdk_cloudfront::Client::from_conf(config.build())
    }

    /// The same connection, over another HTTP client.
    #[cfg(test)]
    pub(crate) fn with_http(
        self,
        http: impl aws_smithy_runtime_api::client::http::HttpClient + 'static,
    ) -> Self {
        Self { http: SharedHttpClient::new(http), ..self }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("s3_endpoint", &self.s3_endpoint)
            .finish_non_exhaustive()
    }
}

/// One connector for all clients. The SDK's own builder would make one for each, and parse the roots for each again.
fn https_client(ca_bundle: Option<&[u8]>) -> SharedHttpClient {
    let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    if let Some(pem) = ca_bundle {
        roots.add_pem_certificate(pem);
    }
    let context = TlsContext::builder().with_trust_store(roots).build().expect("building it checks nothing");
    let connector = Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build();
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

/// How long a connection may take. A warm one is kept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Three tries with exponential backoff and jitter, the SDK's standard mode.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// A call with all its tries ends before the shortest function's deadline, ten seconds less two. These bound the wait for an
/// answer, not the reading of its body.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(7))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named() {
        let problems =
            Connection::from_lookup(|name| (name == "AWS_CA_BUNDLE").then(|| "/nowhere/ca.pem".to_owned()))
                .unwrap_err();
        let names: Vec<_> =
            problems.iter().map(|problem| problem.split([' ', ':']).next().unwrap()).collect();
        assert_eq!(names, ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE"]);
    }

    #[test]
    fn credentials_are_never_printed() {
        let connection =
            Connection::from_lookup(|name| (name != "AWS_CA_BUNDLE").then(|| format!("secret of {name}")));
        let printed = format!("{:?}", connection.unwrap());
        assert!(!printed.contains("KEY") && !printed.contains("TOKEN"), "{printed}");
    }

    #[test]
    fn s3_may_have_an_endpoint_of_its_own() {
        let endpoints = |given: &[(&str, &str)]| {
            let connection = Connection::from_lookup(|name| match name {
                "AWS_CA_BUNDLE" => None,
                _ if name.starts_with("AWS_ENDPOINT_URL") => {
                    given.iter().find(|(one, _)| *one == name).map(|(_, url)| (*url).to_owned())
                }
                _ => Some("given".to_owned()),
            });
            let connection = connection.unwrap();
            (connection.endpoint.clone(), connection.s3_endpoint().map(str::to_owned))
        };
        let url = |url: &str| Some(url.to_owned());
        let (all, s3) = (("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_S3", "http://s3"));
        assert_eq!(endpoints(&[]), (None, None));
        assert_eq!(endpoints(&[all]), (url("http://all"), url("http://all")));
        assert_eq!(endpoints(&[s3]), (None, url("http://s3")));
        assert_eq!(endpoints(&[all, s3]), (url("http://all"), url("http://s3")));
        assert_eq!(endpoints(&[all, ("AWS_ENDPOINT_URL_S3", "")]), (url("http://all"), url("http://all")));
    }

    #[test]
    fn the_five_roots_are_those_every_browser_ships() {
        let ours: Vec<_> = AMAZON_ROOTS.split("-----BEGIN CERTIFICATE-----").skip(1).collect();
        assert_eq!(ours.len(), 5);
        let known: Vec<_> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| base64(der)).collect();
        for pem in ours {
            let body: String = pem.split("-----END").next().unwrap().split_whitespace().collect();
            assert!(known.contains(&body), "not among Mozilla's roots: {body}");
        }
    }

    fn base64(bytes: &[u8]) -> String {
        aws_smithy_types::base64::encode(bytes)
    }
}
