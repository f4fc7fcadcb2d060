//! What the template tells this function. Read once, at the start; every mistake is reported by name.

use valet_aws::Connection;
use valet_lambda::{ConfigError, Settings};
use valet_thumbnail::{Limits, Variants, VariantsError};

/// The most megapixels an operator may allow: a PNG of as many is still decoded within the function's memory.
const MAX_MEGAPIXELS: u64 = 100;

pub(crate) struct Config {
    /// The name its metrics are recorded under: the stack's.
    pub(crate) service: String,
    pub(crate) bucket: String,
    /// The account the bucket must belong to.
    pub(crate) bucket_owner: String,
    pub(crate) table: String,
    /// Whether a file is ready only once the malware scanner has found it clean.
    pub(crate) malware_scan: bool,
    /// What is made of each image.
    pub(crate) variants: Variants,
    /// What is made of no image larger than this.
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
        let variants = settings.parse("THUMBNAIL_VARIANTS", |text| {
            text.parse().map_err(|error: VariantsError| error.to_string())
        });
        let megapixels = settings.number("MAX_MEGAPIXELS", 1, MAX_MEGAPIXELS);
        let connection = settings.read(Connection::from_lookup(&lookup));
        settings.finish(|| {
            Some(Self {
                service: service?,
                bucket: bucket?,
                bucket_owner: bucket_owner?,
                table: table?,
                malware_scan: malware_scan?,
                variants: variants?,
                limits: Limits { max_pixels: megapixels? * 1_000_000, ..Limits::DEFAULT },
                connection: connection?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 10] = [
        ("SERVICE", "valet-dev"),
        ("BUCKET", "b"),
        ("BUCKET_OWNER", "123456789012"),
        ("TABLE", "t"),
        ("MALWARE_SCAN", "false"),
        ("THUMBNAIL_VARIANTS", "small:200x200:fit:jpeg:85, wide:1600x900:cover:webp:80"),
        ("MAX_MEGAPIXELS", "12"),
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
        let names: Vec<_> = config.variants.iter().map(|variant| variant.name.as_str()).collect();
        assert_eq!(names, ["small", "wide"]);
        assert_eq!(config.limits.max_pixels, 12_000_000);
    }

    #[test]
    fn every_variable_is_needed_and_named_when_missing() {
        for (name, _) in GOOD {
            let ConfigError(problems) = load(name, None).err().unwrap();
            assert_eq!(problems, [format!("{name} is not set")]);
        }
    }

    #[test]
    fn every_value_is_checked_and_named() {
        for (name, value) in [
            ("THUMBNAIL_VARIANTS", "small:200x200:fit:avif:85"),
            ("THUMBNAIL_VARIANTS", "small:200x200:fit:jpeg:85,small:400x400:fit:jpeg:85"),
            ("THUMBNAIL_VARIANTS", ","),
            ("MALWARE_SCAN", "on"),
            ("MAX_MEGAPIXELS", "0"),
            ("MAX_MEGAPIXELS", "101"),
            ("MAX_MEGAPIXELS", "many"),
        ] {
            let ConfigError(problems) = load(name, Some(value)).err().unwrap();
            assert!(problems[0].starts_with(&format!("{name}: ")) && problems.len() == 1, "{problems:?}");
        }
    }
}
