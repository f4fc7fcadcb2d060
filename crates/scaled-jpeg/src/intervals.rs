//! The restart intervals of a scan, by ITU-T T.81 sections E.1.4 and F.2.2.5, found again where markers were lost.

use std::ops::Range;

use crate::bits::{Source, Window};
use crate::scan::Scan;

/// Calls `decode` with the data of every interval that is there and the MCUs it has, of so many in all.
pub(crate) fn each_interval(
    file: &[u8],
    scan: &Scan,
    total: usize,
    mut decode: impl FnMut(&mut Source<'_>, Window, Range<usize>),
) {
    let length = if scan.tables.restart_interval == 0 { total } else { scan.tables.restart_interval };
    let mut order = Order::new(total.div_ceil(length.max(1)), scan.restarts);
    let (mut source, mut window) = Source::new(file.get(scan.data.clone()).unwrap_or_default());
    loop {
        let first = order.interval * length;
        decode(&mut source, window, first..total.min(first + length));
        loop {
            if order.interval + 1 >= order.intervals {
                return;
            }
            let Some((number, next)) = source.restart() else { return };
            if order.follow(number, || source.number_ahead()) {
                window = next;
                break;
            }
        }
    }
}

/// Which interval a restart marker begins. Markers are numbered 0 to 7 round and round, so that one that is missing,
/// or that damage has put there, does not shift everything behind it.
struct Order {
    intervals: usize,
    /// The interval last begun.
    interval: usize,
    /// Markers that are missing, by their count, and not found to be so yet.
    missing: usize,
    /// Markers that are there and should not be.
    excess: usize,
}

impl Order {
    fn new(intervals: usize, markers: usize) -> Self {
        let due = intervals.saturating_sub(1);
        let (missing, excess) = (due.saturating_sub(markers), markers.saturating_sub(due));
        Self { intervals, interval: 0, missing, excess }
    }

    /// Goes on to the interval that a marker of this number begins, or gives no if it begins none. `ahead` looks
    /// for the number of the marker after it.
    fn follow(&mut self, number: u8, ahead: impl FnOnce() -> Option<u8>) -> bool {
        let modulo = |number: usize| number % 8;
        let lost = modulo(usize::from(number) + 8 - modulo(self.interval));
        if lost == 0 {
            self.interval += 1;
        } else if ahead().is_some_and(|ahead| usize::from(ahead) == modulo(self.interval + 1)) {
            // The next one is as if nothing were missing: it is the number that is damaged.
            self.interval += 1;
        } else if lost <= self.missing {
            self.missing -= lost;
            self.interval += 1 + lost;
        } else if self.excess > 0 {
            self.excess -= 1;
            return false;
        } else {
            self.interval += 1;
        }
        self.interval < self.intervals
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    /// The intervals that these markers begin, of so many.
    fn followed(intervals: usize, markers: &[u8]) -> Vec<usize> {
        let mut order = Order::new(intervals, markers.len());
        let mut begun = Vec::new();
        for (at, &number) in markers.iter().enumerate() {
            if order.follow(number, || markers.get(at + 1).copied()) {
                begun.push(order.interval);
            }
        }
        begun
    }

    #[test]
    fn markers_in_order_are_followed() {
        let markers = (0..20).map(|number| number % 8).collect::<Vec<_>>();
        assert!(followed(21, &markers).into_iter().eq(1..21));
    }

    #[test]
    fn lost_markers_leave_their_intervals_out() {
        assert_eq!(followed(9, &[0, 1, 3, 4, 5, 6, 7]), [1, 2, 4, 5, 6, 7, 8]);
        assert_eq!(followed(12, &[0, 1, 6, 7, 0, 1, 2]), [1, 2, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn a_damaged_number_is_passed_over() {
        assert_eq!(followed(6, &[0, 1, 7, 3, 4]), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_marker_too_many_begins_nothing() {
        assert_eq!(followed(6, &[0, 1, 6, 2, 3, 4]), [1, 2, 3, 4, 5]);
    }
}
