//! What an owner holds and may hold. It is counted where it changes, in the same write; how is here, once, free of storage. It never
//! looks at a row to find out whether a grant still fits: that would count what others are granted at the same moment twice.

mod claim;

use crate::error::Error;
use crate::ports::GetUsage;
use crate::upload::State;
use crate::{Owner, Upload};
pub use claim::{Claim, Room, Window};
use std::fmt;
use std::ops::{AddAssign, Sub};
use time::{Duration, OffsetDateTime};

/// How long after the first change since the last recount an owner's uploads are counted again.
pub const RECOUNT_AFTER: Duration = Duration::DAY;

/// The most that one owner may hold or ask for; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Files, pending uploads included.
    pub files: Option<u64>,
    /// Bytes of all files. A pending upload counts with the most that its grant admits.
    pub bytes: Option<u64>,
    /// Uploads that are granted and neither arrived nor ended.
    pub pending: Option<u64>,
    /// Grants in one minute of the clock.
    pub grants_per_minute: Option<u64>,
}

/// What an owner holds, as its reader sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files, pending uploads included.
    pub files: u64,
    /// Bytes of all files, pending uploads included.
    pub bytes: u64,
    /// Pending uploads.
    pub pending: u64,
    /// The minute that `granted` is about.
    pub minute: Minute,
    /// Grants in that minute.
    pub granted: u64,
    /// How often it was changed.
    pub revision: u64,
}

/// What is held: by one upload in its state, by an owner, or by how much a move changes that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Files, pending uploads included.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Pending uploads.
    pub pending: i64,
}

/// The counters of one owner, as they are stored.
///
/// What is held may be below zero: rows that are older than the counters were never added, and are taken away all the same.
/// The recount mends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// What is held.
    pub held: Held,
    /// The minute of the last grant.
    pub minute: Minute,
    /// Grants in that minute.
    pub granted: u64,
    /// Grows by one with each change.
    pub revision: u64,
}

/// A minute of the clock, counted from 1970 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Minute(u64);

/// What is held against a limit for good, until something is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The number of files.
    Files,
    /// Their bytes.
    Bytes,
}

/// What an owner holds, seen at `now`.
pub async fn read_usage(uploads: &impl GetUsage, owner: Owner, now: OffsetDateTime) -> Result<Usage, Error> {
    let counters = uploads.get_usage(owner).await?.unwrap_or_default();
    Ok(counters.seen_at(Minute::of(now)))
}

impl Quota {
    /// What of a list of uploads, each of so many bytes at most, still fits beside what is held, and why not. Each that fits counts
    /// for those behind it; one that does not takes no other with it.
    ///
    /// Refusals that hold until something is deleted go before those that pass.
    pub fn admit(&self, held: &Counters, now: OffsetDateTime, asked: &[u64]) -> Vec<Result<(), Error>> {
        let mut usage = held.seen_at(Minute::of(now));
        let admit = |bytes: &u64| {
            let grown = Usage {
                files: usage.files.saturating_add(1),
                bytes: usage.bytes.saturating_add(*bytes),
                pending: usage.pending.saturating_add(1),
                granted: usage.granted.saturating_add(1),
                ..usage
            };
            if let Some(limit) = self.files.filter(|limit| grown.files > *limit) {
                return Err(Error::QuotaExceeded { what: Resource::Files, limit, used: usage.files });
            }
            if let Some(limit) = self.bytes.filter(|limit| grown.bytes > *limit) {
                return Err(Error::QuotaExceeded { what: Resource::Bytes, limit, used: usage.bytes });
            }
            if let Some(limit) = self.pending.filter(|limit| grown.pending > *limit) {
                return Err(Error::TooManyPending { limit });
            }
            if let Some(limit) = self.grants_per_minute.filter(|limit| grown.granted > *limit) {
                return Err(Error::TooManyGrants { limit, retry_after: grown.minute.seconds_left(now) });
            }
            usage = grown;
            Ok(())
        };
        asked.iter().map(admit).collect()
    }
}

impl Counters {
    /// What a reader is told: nothing below zero, and no grants of a minute that has passed.
    ///
    /// The minute of a clock that is ahead of ours holds: a window that has begun is never opened again.
    pub fn seen_at(&self, now: Minute) -> Usage {
        let Held { files, bytes, pending } = self.held;
        let read = |count: i64| u64::try_from(count).unwrap_or(0);
        Usage {
            files: read(files),
            bytes: read(bytes),
            pending: read(pending),
            minute: self.minute.max(now),
            granted: if self.minute >= now { self.granted } else { 0 },
            revision: self.revision,
        }
    }
}

impl Counters {
    /// After a change of what is held.
    #[must_use]
    pub fn changed(self, by: Held) -> Self {
        let mut held = self.held;
        held += by;
        Self { held, revision: self.revision + 1, ..self }
    }
}

impl Held {
    /// What a move changes: from what an upload was to what it has become.
    pub fn change(before: &Upload, after: &Upload) -> Self {
        Self::by(after) - Self::by(before)
    }

    /// Whether it is nothing.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// What an upload holds.
    pub fn by(upload: &Upload) -> Self {
        // No file has more than 5 TiB.
        let bytes = i64::try_from(upload.size.most()).unwrap_or(i64::MAX);
        match upload.state {
            State::Pending => Self { files: 1, bytes, pending: 1 },
            State::Ready(_) => Self { files: 1, bytes, pending: 0 },
            State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => Self::default(),
        }
    }
}

impl Minute {
    /// The minute of a moment.
    pub fn of(time: OffsetDateTime) -> Self {
        Self(u64::try_from(time.unix_timestamp().div_euclid(60)).unwrap_or(0))
    }

    /// The minute of this number, counted from 1970 on.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number, counted from 1970 on.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// How many seconds until the minute behind this one begins: at least 1.
    fn seconds_left(self, now: OffsetDateTime) -> u32 {
        let next = i64::try_from(self.0.saturating_add(1).saturating_mul(60)).unwrap_or(i64::MAX);
        u32::try_from(next.saturating_sub(now.unix_timestamp())).unwrap_or(1).max(1)
    }
}

impl AddAssign for Held {
    fn add_assign(&mut self, Self { files, bytes, pending }: Self) {
        self.files += files;
        self.bytes += bytes;
        self.pending += pending;
    }
}

impl Sub for Held {
    type Output = Self;

    fn sub(self, Self { files, bytes, pending }: Self) -> Self {
        Self { files: self.files - files, bytes: self.bytes - bytes, pending: self.pending - pending }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "files",
            Self::Bytes => "bytes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    fn counters(files: i64, bytes: i64, pending: i64) -> Counters {
        Counters { held: Held { files, bytes, pending }, ..Counters::default() }
    }

    #[test]
    fn each_that_fits_is_admitted_and_each_that_does_not_says_why() {
        let quota = Quota { bytes: Some(10), ..Quota::default() };
        let admitted = quota.admit(&counters(1, 4, 0), sample::NOW, &[5, 2, 1, 11]);
        let said: Vec<_> = admitted.iter().map(|one| one.as_ref().map_err(ToString::to_string)).collect();
        let full = |used| {
            Err(format!("this does not fit: of at most 10 bytes, {used} are held, pending uploads included"))
        };
        assert_eq!(said, [Ok(&()), full(9), Ok(&()), full(10)]);
    }

    #[test]
    fn the_last_place_is_given_and_the_one_behind_it_is_not() {
        let held = Counters { minute: Minute::of(sample::NOW), granted: 6, ..counters(6, 6, 6) };
        let none = Quota::default();
        for (quota, code) in [
            (Quota { files: Some(7), ..none }, "quota_exceeded"),
            (Quota { bytes: Some(7), ..none }, "quota_exceeded"),
            (Quota { pending: Some(7), ..none }, "too_many_pending"),
            (Quota { grants_per_minute: Some(7), ..none }, "too_many_grants"),
        ] {
            let admitted = quota.admit(&held, sample::NOW, &[1, 1]);
            let codes: Vec<_> = admitted.iter().map(|one| one.as_ref().map_err(Error::code)).collect();
            assert_eq!(codes, [Ok(&()), Err(code)]);
        }
        assert!(none.admit(&held, sample::NOW, &[u64::MAX, u64::MAX]).iter().all(Result::is_ok));
    }

    #[test]
    fn what_holds_until_something_is_deleted_goes_before_what_passes() {
        let quota = Quota { files: Some(1), bytes: Some(1), pending: Some(1), grants_per_minute: Some(0) };
        let codes = |held| {
            let refused = quota.admit(&held, sample::NOW, &[1]).pop().unwrap().unwrap_err();
            (refused.code(), refused.is_retryable())
        };
        assert_eq!(codes(counters(1, 0, 1)), ("quota_exceeded", false));
        assert_eq!(codes(counters(0, 1, 1)), ("quota_exceeded", false));
        assert_eq!(codes(counters(0, 0, 1)), ("too_many_pending", true));
        assert_eq!(codes(counters(0, 0, 0)), ("too_many_grants", true));
    }

    #[test]
    fn a_minute_is_over_when_the_next_one_begins() {
        let quota = Quota { grants_per_minute: Some(1), ..Quota::default() };
        let begins = sample::NOW.replace_second(0).unwrap().replace_millisecond(0).unwrap();
        let held = Counters { minute: Minute::of(begins), granted: 1, ..Counters::default() };
        for (later, wait) in [(Duration::ZERO, 60), (Duration::milliseconds(59_999), 1)] {
            let refused = quota.admit(&held, begins + later, &[1]).pop().unwrap().unwrap_err();
            assert!(matches!(refused, Error::TooManyGrants { limit: 1, retry_after } if retry_after == wait));
        }
        assert!(quota.admit(&held, begins + Duration::MINUTE, &[1])[0].is_ok());
        // Granted by a clock that is ahead: its window holds.
        let refused = quota.admit(&held, begins - Duration::SECOND, &[1]).pop().unwrap().unwrap_err();
        assert!(matches!(refused, Error::TooManyGrants { retry_after: 61, .. }), "{refused:?}");
    }

    #[test]
    fn nobody_is_told_of_less_than_nothing() {
        let usage = counters(-1, -7, -1).seen_at(Minute::of(sample::NOW));
        assert_eq!((usage.files, usage.bytes, usage.pending), (0, 0, 0));
    }

    #[test]
    fn an_upload_holds_what_it_may_bring_then_what_it_has_then_nothing() {
        use crate::upload::{Size, Transition};
        let pending = Upload { size: Size::AtMost(1000), ..sample::pending() };
        assert_eq!(Held::by(&pending), Held { files: 1, bytes: 1000, pending: 1 });
        let verify = Transition::Verify {
            version: crate::upload::VersionId::new("v1"),
            arrived_at: None,
            at: sample::NOW,
            size_bytes: 70,
            crc64nvme: None,
            thumbnails: crate::upload::Thumbnails::None,
        };
        let ready = pending.apply(&verify).unwrap();
        assert_eq!(Held::by(&ready), Held { files: 1, bytes: 70, pending: 0 });
        for state in sample::states() {
            let holds = matches!(state, State::Pending | State::Ready(_));
            assert_eq!(!Held::by(&pending.in_state(state)).is_nothing(), holds);
        }
    }
}
