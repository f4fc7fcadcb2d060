//! Reads a function's configuration, and reports everything that is wrong with it at once.

use std::fmt;
use std::time::Duration;
use valet_core::policy::{AcceptedTypes, Policy, parse_size};
use valet_core::usage::Quota;

/// The longest a URL may live: a leaked one is good for no longer. The bucket policy denies older signatures too.
const MAX_URL_LIFETIME: Duration = Duration::from_mins(15);

/// The longest a grant may live. Tombstones are kept for longer.
const MAX_GRANT_LIFETIME: Duration = Duration::from_hours(24);

/// The longest a grant of many parts may live: a day less than the bucket keeps parts.
const MAX_MULTIPART_LIFETIME: Duration = Duration::from_hours(6 * 24);

/// The most files, pending uploads or grants that a limit of one owner may say.
const MAX_OWNER_LIMIT: u64 = 1_000_000_000;

/// The most bytes that a limit of one owner may say: 1 EiB. Counters of bytes have 63 bits.
const MAX_OWNER_BYTES: u64 = 1 << 60;

/// Reads settings by name and remembers what was wrong with each.
///
/// Read every setting first, then [`Settings::finish`]: the operator sees all mistakes in one failed start.
pub struct Settings<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    /// Reads from `lookup`, the environment as a rule. An empty value counts as none.
    pub fn new(lookup: F) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// A setting that may be absent.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A setting that must be there.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if value.is_none() {
            self.problems.push(format!("{name} is not set"));
        }
        value
    }

    /// A setting that must be there and mean something.
    pub fn parse<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let parsed = parse(&self.text(name)?);
        parsed.map_err(|problem| self.problems.push(format!("{name}: {problem}"))).ok()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.parse(name, |text| text.parse().map_err(|_| format!("`{text}` is neither true nor false")))
    }

    /// A whole number from `least` to `most`.
    pub fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        self.number_of("", name, least, most)
    }

    /// A whole number of seconds from `least` to `most`.
    pub fn seconds(&mut self, name: &str, least: u64, most: u64) -> Option<Duration> {
        self.number_of(" of seconds", name, least, most).map(Duration::from_secs)
    }

    fn number_of(&mut self, unit: &str, name: &str, least: u64, most: u64) -> Option<u64> {
        self.parse(name, |text| {
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| format!("`{text}` is not a number{unit} from {least} to {most}"))
        })
    }

    /// What the stack accepts, for how long, and how much of it of one owner: `ACCEPTED_TYPES`, `URL_LIFETIME_SECONDS`,
    /// `GRANT_LIFETIME_SECONDS`, `MULTIPART_LIFETIME_SECONDS`, and the four of `Settings::quota`.
    pub fn policy(&mut self) -> Option<Policy> {
        let accepted = self.parse("ACCEPTED_TYPES", AcceptedTypes::parse);
        let url_lifetime = self.seconds("URL_LIFETIME_SECONDS", 1, MAX_URL_LIFETIME.as_secs());
        let grant_lifetime = self.seconds("GRANT_LIFETIME_SECONDS", 60, MAX_GRANT_LIFETIME.as_secs());
        let multipart_lifetime =
            self.seconds("MULTIPART_LIFETIME_SECONDS", 60, MAX_MULTIPART_LIFETIME.as_secs());
        let quota = self.quota();
        Some(Policy {
            accepted: accepted?,
            url_lifetime: url_lifetime?,
            grant_lifetime: grant_lifetime?,
            multipart_lifetime: multipart_lifetime?,
            quota: quota?,
        })
    }

    /// How much one owner may have: `OWNER_MAX_FILES`, `OWNER_MAX_BYTES`, `OWNER_MAX_PENDING` and `OWNER_GRANTS_PER_MINUTE`.
    /// 0 is no limit; a limit that is not set is a problem, so that none is lost by a slip.
    fn quota(&mut self) -> Option<Quota> {
        let files = self.number("OWNER_MAX_FILES", 0, MAX_OWNER_LIMIT);
        let bytes = self.parse("OWNER_MAX_BYTES", |text| {
            let bytes = parse_size(text).filter(|bytes| *bytes <= MAX_OWNER_BYTES);
            bytes.ok_or_else(|| format!("`{text}` is not 0 or a size such as 500MiB, of 1048576TiB at most"))
        });
        let pending = self.number("OWNER_MAX_PENDING", 0, MAX_OWNER_LIMIT);
        let grants_per_minute = self.number("OWNER_GRANTS_PER_MINUTE", 0, MAX_OWNER_LIMIT);
        let limit = |number: u64| (number > 0).then_some(number);
        Some(Quota {
            files: limit(files?),
            bytes: limit(bytes?),
            pending: limit(pending?),
            grants_per_minute: limit(grants_per_minute?),
        })
    }

    /// What was read elsewhere, with its own list of problems.
    pub fn read<T>(&mut self, read: Result<T, Vec<String>>) -> Option<T> {
        read.map_err(|problems| self.problems.extend(problems)).ok()
    }

    /// The configuration, or every problem there was. `build` is called only when there was none, and then finds every value.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            return Ok(build().expect("a setting without a problem has a value"));
        }
        Err(ConfigError(self.problems))
    }
}

/// Everything that is wrong with a configuration, by name.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not usable: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings<impl Fn(&str) -> Option<String>> {
        Settings::new(|name| match name {
            "BUCKET" => Some("b".to_owned()),
            "EMPTY" => Some(String::new()),
            "LIFETIME" => Some("901".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_good_configuration_is_built() {
        let mut settings = settings();
        let (bucket, lifetime) = (settings.text("BUCKET"), settings.seconds("LIFETIME", 1, 1000));
        let built = settings.finish(|| Some((bucket?, lifetime?.as_secs()))).unwrap();
        assert_eq!(built, ("b".to_owned(), 901));
    }

    #[test]
    fn every_problem_is_reported_by_name() {
        let mut settings = settings();
        let values = (settings.text("EMPTY"), settings.text("TABLE"), settings.seconds("LIFETIME", 1, 900));
        let number = settings.number("LIFETIME", 902, 903);
        let error = settings.finish(|| Some((values.0?, values.1?, values.2?, number?))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the configuration is not usable: EMPTY is not set; TABLE is not set; \
             LIFETIME: `901` is not a number of seconds from 1 to 900; LIFETIME: `901` is not a number from 902 to 903"
        );
    }
}
