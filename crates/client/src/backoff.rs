//! How long to wait before the next try: exponential with full jitter. It never waits itself.

use std::time::Duration;

const BASE: Duration = Duration::from_millis(200);
const CAP: Duration = Duration::from_secs(20);

/// The wait after the `failures`-th failure in a row (1 for the first): anything up to 200 ms · 2ⁿ⁻¹, at most 20 s, and on
/// top of `asked`, what the server asked for (at most five minutes are granted), spread.
pub(crate) fn delay(failures: u32, asked: Option<Duration>) -> Duration {
    let ceiling = BASE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(CAP);
    spread(asked.unwrap_or_default().min(Duration::from_mins(5))) + ceiling.mul_f64(fastrand::f64())
}

/// What the server asked for and up to a quarter of it more, so that those who were told the same do not come together.
pub(crate) fn spread(asked: Duration) -> Duration {
    asked.mul_f64(1.0 + fastrand::f64() / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_cap_and_never_undercut_what_was_asked() {
        for failures in [1, 2, 5, 9, 40, u32::MAX] {
            for _ in 0..100 {
                let asked = Duration::from_secs(3);
                let ceiling = (0.2 * 2f64.powf(f64::from(failures) - 1.0)).min(20.0);
                assert!(delay(failures, None).as_secs_f64() <= ceiling);
                assert!(delay(failures, Some(asked)) >= asked);
                assert!(delay(failures, Some(asked)).as_secs_f64() <= 3.75 + ceiling);
            }
        }
    }

    #[test]
    fn what_is_asked_of_all_is_spread_by_a_quarter() {
        let asked = Duration::from_mins(1);
        let waits: Vec<_> = (0..200).map(|_| spread(asked).as_secs_f64()).collect();
        assert!(waits.iter().all(|wait| (60.0..=75.0).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 64.0) && waits.iter().any(|wait| *wait > 71.0));
    }

    #[test]
    fn waits_differ() {
        assert!((0..20).map(|_| delay(5, None)).collect::<std::collections::BTreeSet<_>>().len() > 10);
    }
}
