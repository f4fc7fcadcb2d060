//! Histories nobody has thought of: random calls, faults and interleavings, played on the real use cases and on a model of an upload's
//! life side by side. A history that fails is printed as the script of a test.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod life;
mod play;
mod ports;
mod regressions;
mod script;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm};

proptest! {
    // `PROPTEST_CASES=100000` plays more.
    #![proptest_config(Config { cases: histories_to_play(), max_shrink_iters: 20_000, failure_persistence: None, rng_algorithm: RngAlgorithm::XorShift, ..Config::default() })]

    #[test]
    fn nothing_is_lost_and_nobody_gets_in_whatever_happens_in_whatever_order(history in script::histories(), ending in play::endings()) {
        play::play(&history, ending).map_err(TestCaseError::fail)?;
    }
}

/// As many as fit into some seconds, or as many as one asks for.
fn histories_to_play() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}
