//! A handle that ends an upload early. It never blocks whoever stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a waiting thread looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(50);

/// Ends what it was handed to, once [`Stop::stop`] is called on any clone. There is no way back.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    outer: Option<Arc<AtomicBool>>,
}

impl Stop {
    /// Not stopped yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops. Safe to call from a signal handler.
    pub fn stop(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether [`Stop::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        let is_set = |flag: &Arc<AtomicBool>| flag.load(Ordering::Relaxed);
        is_set(&self.flag) || self.outer.as_ref().is_some_and(is_set)
    }

    /// Stops with this one, or by itself.
    pub(crate) fn within(&self) -> Self {
        Self { flag: Arc::default(), outer: Some(Arc::clone(&self.flag)) }
    }

    /// Waits for `time`, or less where it is stopped meanwhile. True if it is stopped.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            if self.is_stopped() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(GLANCE));
        }
    }
}

/// A flag that others set, such as a signal handler.
impl From<Arc<AtomicBool>> for Stop {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self { flag, outer: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_stops_with_the_outer_one_and_not_the_other_way_round() {
        let outer = Stop::new();
        let (one, other) = (outer.within(), outer.within());
        one.stop();
        assert!(one.is_stopped() && !other.is_stopped() && !outer.is_stopped());
        outer.clone().stop();
        assert!(other.is_stopped());
        assert!(other.wait(Duration::from_hours(1)));
    }
}
