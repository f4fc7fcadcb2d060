//! What an upload tells whoever watches it. Nothing it tells is secret.

use crate::error::Error;
use crate::ticket::Ticket;
use std::time::Duration;

/// Watches an upload. Called from several threads; should return at once. `()` watches nothing.
pub trait Observer: Sync {
    /// There is no room for a grant at the moment; it is asked for again after `delay`.
    fn waiting(&self, error: &Error, delay: Duration) {
        _ = (error, delay);
    }

    /// There is a grant. Keep the ticket to resume by.
    fn granted(&self, ticket: &Ticket) {
        _ = ticket;
    }

    /// Bytes of the file were handed to the network, in order within a part only.
    fn sent(&self, bytes: u64) {
        _ = bytes;
    }

    /// So many of the bytes told of by [`Observer::sent`] did not count: their part goes again.
    fn unsent(&self, bytes: u64) {
        _ = bytes;
    }

    /// Bytes that storage had before, found by a resume. They are not told of by [`Observer::sent`].
    fn found(&self, bytes: u64) {
        _ = bytes;
    }

    /// Storage has this part (1 for a single PUT).
    fn part_done(&self, part_number: u32) {
        _ = part_number;
    }

    /// This part goes again after `delay`; 0 stands for the confirm.
    fn retrying(&self, part_number: u32, error: &Error, delay: Duration) {
        _ = (part_number, error, delay);
    }

    /// All is stored and is being verified.
    fn confirming(&self) {}
}

impl Observer for () {}
