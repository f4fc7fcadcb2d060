//! What the template tells this function. Read once, at the start; every mistake is reported by name.

use valet_aws::Connection;
use valet_core::sweep_uploads::Limits;
use valet_lambda::{ConfigError, Settings};

/// The longest any of the ages may be: beyond it, rows have left by their time to live.
const MAX_SECONDS: u64 = 7 * 86_400;

/// The most pages of a walk in one run.
const MAX_PAGES: u64 = 100;

pub(crate) struct Config {
    /// The name its metrics are recorded under: the stack's.
    pub(crate) service: String,
    pub(crate) bucket: String,
    /// The account the bucket must belong to.
    pub(crate) bucket_owner: String,
    pub(crate) table: String,
    /// Whether a file is ready only once the malware scanner has found it clean.
    pub(crate) malware_scan: bool,
    /// The distribution that may keep copies of deleted files.
    pub(crate) distribution_id: String,
    /// The queue of the arrivals.
    pub(crate) queue_url: String,
    pub(crate) limits: Limits,
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
        let distribution_id = settings.text("DISTRIBUTION_ID");
        let queue_url = settings.text("QUEUE_URL");
        let grace = settings.seconds("GRACE_SECONDS", 0, MAX_SECONDS);
        let object_age = settings.seconds("OBJECT_AGE_SECONDS", 0, MAX_SECONDS);
        let multipart_age = settings.seconds("MULTIPART_AGE_SECONDS", 0, MAX_SECONDS);
        let walk_pages = settings.number("WALK_PAGES", 0, MAX_PAGES);
        let connection = settings.read(Connection::from_lookup(&lookup));
        settings.finish(|| {
            Some(Self {
                service: service?,
                bucket: bucket?,
                bucket_owner: bucket_owner?,
                table: table?,
                malware_scan: malware_scan?,
                distribution_id: distribution_id?,
                queue_url: queue_url?,
                limits: Limits {
                    grace: grace?.try_into().ok()?,
                    walk_pages: walk_pages?.try_into().ok()?,
                    object_age: object_age?.try_into().ok()?,
                    multipart_age: multipart_age?.try_into().ok()?,
                },
                connection: connection?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    const GOOD: [(&str, &str); 14] = [
        ("SERVICE", "valet-dev"),
        ("BUCKET", "b"),
        ("BUCKET_OWNER", "123456789012"),
        ("TABLE", "t"),
        ("MALWARE_SCAN", "true"),
        ("DISTRIBUTION_ID", "E1A2B3C4D5E6F7"),
        ("QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/q"),
        ("GRACE_SECONDS", "3600"),
        ("OBJECT_AGE_SECONDS", "86400"),
        ("MULTIPART_AGE_SECONDS", "0"),
        ("WALK_PAGES", "2"),
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
        let limits = load("", None).unwrap().limits;
        let expected = Limits {
            grace: Duration::HOUR,
            walk_pages: 2,
            object_age: Duration::DAY,
            multipart_age: Duration::ZERO,
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn every_variable_is_needed_and_named_when_missing() {
        for (name, _) in GOOD {
            let ConfigError(problems) = load(name, None).err().unwrap();
            assert_eq!(problems, [format!("{name} is not set")]);
        }
    }

    #[test]
    fn numbers_are_checked_and_named() {
        for (name, value) in [
            ("GRACE_SECONDS", "604801"),
            ("GRACE_SECONDS", "-1"),
            ("OBJECT_AGE_SECONDS", "a day"),
            ("MULTIPART_AGE_SECONDS", "604801"),
            ("WALK_PAGES", "101"),
        ] {
            let ConfigError(problems) = load(name, Some(value)).err().unwrap();
            assert!(problems[0].starts_with(&format!("{name}: ")) && problems.len() == 1, "{problems:?}");
        }
    }
}
