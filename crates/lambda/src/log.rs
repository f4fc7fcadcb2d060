//! The log: JSON lines on standard output, one an invocation. It never carries a URL, a token, a header, a body or a file's name.

use std::sync::atomic::{AtomicBool, Ordering};
use tracing::level_filters::LevelFilter;

/// Writes `info` and above as flat JSON. Lower levels stay off whatever the environment says: the SDK and the
/// runtime print whole requests there.
pub fn init_log() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(LevelFilter::INFO)
        .init();
}

/// Whether this is the first call in this process: the invocation that paid for the start.
pub fn is_cold_start() -> bool {
    static WARM: AtomicBool = AtomicBool::new(false);
    !WARM.swap(true, Ordering::Relaxed)
}
