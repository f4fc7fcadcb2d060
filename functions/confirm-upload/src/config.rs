//! What the template tells this function. Read once, at the start; every mistake is reported by name.

use valet_aws::Connection;
use valet_lambda::{ConfigError, Settings};

pub(crate) struct Config {
    /// The name its metrics are recorded under: the stack's.
    pub(crate) service: String,
    pub(crate) bucket: String,
    /// The account the bucket must belong to.
    pub(crate) bucket_owner: String,
    pub(crate) table: String,
    /// Whether a file is ready only once the malware scanner has found it clean.
    pub(crate) malware_scan: bool,
    /// The address files are served at, without a trailing slash.
    pub(crate) cdn_url: String,
    pub(crate) connection: Connection,
}

impl Config {
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(&lookup);
        let service = settings.text("SERVICE");
        let bucket = settings.text("BUCKET");
        let bucket_owner = settings.text("BUCKET_OWNER");
        let table = settings.text("TABLE");
        let malware_scan = settings.flag("MALWARE_SCAN");
        let cdn_url = settings.text("CDN_URL");
        let connection = settings.read(Connection::from_lookup(&lookup));
        settings.finish(|| {
            Some(Self {
                service: service?,
                bucket: bucket?,
                bucket_owner: bucket_owner?,
                table: table?,
                malware_scan: malware_scan?,
                cdn_url: cdn_url?,
                connection: connection?,
            })
        })
    }
}
