//! What every function's `main` shares, whatever triggers it: configuration, the log, the metrics, the
//! clock and new ids. It calls no AWS service and knows no HTTP.

mod config;
mod log;
mod measured;
mod metrics;

pub use config::{ConfigError, Settings};
pub use log::{init_log, is_cold_start};
pub use measured::Measured;
pub use metrics::{Metric, Metrics, Unit};

use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use uuid::Uuid;

/// The time. Read once an invocation, in its handler.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A new UUID version 7.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn new_uuid() -> Uuid {
    Uuid::now_v7()
}

/// 32 random bytes of the operating system's, for a secret.
pub fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("Linux has random bytes once it has started");
    bytes
}

/// A function's configuration, read from the environment; a mistake is logged before it ends the start.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn configure<T>(
    from_lookup: impl FnOnce(fn(&str) -> Option<String>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    from_lookup(|name| std::env::var(name).ok())
        .inspect_err(|error| tracing::error!(error.code = "bad_configuration", error.chain = %error, "start"))
}

/// How long an invocation may still work: until two seconds before Lambda ends it, so that the answer is still its own.
///
/// A deadline that has passed is nobody's, as Lambda would have ended the function: `cargo lambda watch` sets 1970, or counts the
/// time it took to compile. Then it is 25 seconds.
pub fn time_left(deadline: SystemTime, now: OffsetDateTime) -> Duration {
    let left = deadline.duration_since(now.into()).unwrap_or(Duration::from_secs(27));
    left.saturating_sub(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_two_seconds_before_the_deadline() {
        let now = now();
        let deadline = |seconds| (now + Duration::from_secs(seconds)).into();
        assert_eq!(time_left(deadline(29), now), Duration::from_secs(27));
        assert_eq!(time_left(deadline(1), now), Duration::ZERO);
    }

    #[test]
    fn a_deadline_that_has_passed_is_none() {
        let now = now();
        assert_eq!(time_left(SystemTime::UNIX_EPOCH, now), Duration::from_secs(25));
        assert_eq!(time_left((now - Duration::from_mins(2)).into(), now), Duration::from_secs(25));
    }
}
