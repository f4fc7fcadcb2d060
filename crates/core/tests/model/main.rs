//! Histories nobody has thought of: random calls, faults and interleavings, played on the real use cases and on a model of an upload's
//! life side by side. One that fails is made as short as it gets and printed as a test that can be pasted into `kept.rs`.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kept;
mod life;
mod play;
mod ports;
mod script;
mod shrink;
mod world;

use play::{Ending, play};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm};
use script::Step;
use std::fmt::Write as _;

proptest! {
    #![proptest_config(Config {
        cases: histories_to_play(),
        // A history is made shorter by what knows what it means, and kept as a test, not as a seed.
        max_shrink_iters: 0,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    })]

    #[test]
    fn nothing_is_lost_and_nobody_gets_in_whatever_happens_in_whatever_order(
        history in script::histories(),
        ending in play::endings(),
    ) {
        if play(&history, ending).is_err() {
            let smallest = shrink::smallest(&history, |history| play(history, ending).is_err());
            return Err(TestCaseError::fail(as_test(&smallest, ending)));
        }
    }
}

/// As many as are played in some ten seconds, or as many as one asks for.
#[expect(clippy::disallowed_methods, reason = "how long a test plays is for its caller to say")]
fn histories_to_play() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1500)
}

/// A history as a test, and what is wrong with it.
fn as_test(history: &[Step], ending: Ending) -> String {
    let mut steps = String::new();
    for step in history {
        writeln!(steps, "        {step:?},").expect("writing to a String cannot fail");
    }
    let wrong = play(history, ending).err().unwrap_or_default();
    format!("{wrong}\n\n#[test]\nfn …() {{\n    is_in_order(Ending::{ending:?}, &[\n{steps}    ]);\n}}\n")
}
