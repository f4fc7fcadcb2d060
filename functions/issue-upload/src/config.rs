//! What the template tells this function. Read once, at the start; every mistake is reported by name.

use valet_aws::Connection;
use valet_core::policy::Policy;
use valet_lambda::{ConfigError, Settings};

pub(crate) struct Config {
    /// The name its metrics are recorded under: the stack's.
    pub(crate) service: String,
    pub(crate) bucket: String,
    /// The account the bucket must belong to.
    pub(crate) bucket_owner: String,
    pub(crate) table: String,
    /// The address files are served at, without a trailing slash.
    pub(crate) cdn_url: String,
    pub(crate) policy: Policy,
    pub(crate) connection: Connection,
}

impl Config {
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(&lookup);
        let service = settings.text("SERVICE");
        let bucket = settings.text("BUCKET");
        let bucket_owner = settings.text("BUCKET_OWNER");
        let table = settings.text("TABLE");
        let cdn_url = settings.text("CDN_URL");
        let policy = settings.policy();
        let connection = settings.read(Connection::from_lookup(&lookup));
        settings.finish(|| {
            Some(Self {
                service: service?,
                bucket: bucket?,
                bucket_owner: bucket_owner?,
                table: table?,
                cdn_url: cdn_url?,
                policy: policy?,
                connection: connection?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use valet_core::usage::Quota;

    const GOOD: [(&str, &str); 16] = [
        ("SERVICE", "valet-dev"),
        ("BUCKET", "b"),
        ("BUCKET_OWNER", "123456789012"),
        ("TABLE", "t"),
        ("CDN_URL", "https://d1.cloudfront.net"),
        ("ACCEPTED_TYPES", "image/jpeg=50MiB"),
        ("URL_LIFETIME_SECONDS", "900"),
        ("GRANT_LIFETIME_SECONDS", "3600"),
        ("MULTIPART_LIFETIME_SECONDS", "259200"),
        ("OWNER_MAX_FILES", "10000"),
        ("OWNER_MAX_BYTES", "100GiB"),
        ("OWNER_MAX_PENDING", "0"),
        ("OWNER_GRANTS_PER_MINUTE", "600"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];

    fn load(change: &str, value: Option<&str>) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            if name == change {
                return value.map(str::to_owned);
            }
            GOOD.iter().find(|(good, _)| *good == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_complete_environment_is_read() {
        let config = load("", None).unwrap();
        assert_eq!(config.policy.url_lifetime.as_secs(), 900);
        assert_eq!(config.cdn_url, "https://d1.cloudfront.net");
    }

    #[test]
    fn each_limit_of_an_owner_is_read_from_its_own_variable_and_0_is_none() {
        let quota = Quota {
            files: Some(10_000),
            bytes: Some(100 << 30),
            pending: None,
            grants_per_minute: Some(600),
        };
        assert_eq!(load("", None).unwrap().policy.quota, quota);
        let quota_with = |name, value| load(name, Some(value)).unwrap().policy.quota;
        assert_eq!(quota_with("OWNER_MAX_FILES", "0"), Quota { files: None, ..quota });
        assert_eq!(quota_with("OWNER_MAX_BYTES", "0"), Quota { bytes: None, ..quota });
        assert_eq!(quota_with("OWNER_MAX_BYTES", "1500"), Quota { bytes: Some(1500), ..quota });
        assert_eq!(quota_with("OWNER_MAX_PENDING", "7"), Quota { pending: Some(7), ..quota });
        assert_eq!(quota_with("OWNER_GRANTS_PER_MINUTE", "0"), Quota { grants_per_minute: None, ..quota });
    }

    #[test]
    fn every_variable_is_needed_and_named_when_missing() {
        for (name, _) in GOOD {
            let ConfigError(problems) = load(name, None).err().unwrap();
            assert_eq!(problems, [format!("{name} is not set")]);
        }
    }

    #[test]
    fn lifetimes_types_and_limits_are_bounded() {
        for (name, value) in [
            ("URL_LIFETIME_SECONDS", "901"),
            ("URL_LIFETIME_SECONDS", "0"),
            ("GRANT_LIFETIME_SECONDS", "86401"),
            ("MULTIPART_LIFETIME_SECONDS", "518401"),
            ("ACCEPTED_TYPES", "text/html=1MiB"),
            ("OWNER_MAX_FILES", "-1"),
            ("OWNER_MAX_FILES", "1000000001"),
            ("OWNER_MAX_BYTES", "100GB"),
            ("OWNER_MAX_BYTES", "1048577TiB"),
            ("OWNER_MAX_PENDING", "many"),
            ("OWNER_GRANTS_PER_MINUTE", "1.5"),
        ] {
            let ConfigError(problems) = load(name, Some(value)).err().unwrap();
            assert!(problems[0].starts_with(name) && problems.len() == 1, "{problems:?}");
        }
    }
}
