//! What a grant asks of the counters, in the one write that records it. The condition is written down here, once; storage says it in its own
//! words.

use super::{Counters, Held, Minute, Quota};
use crate::Upload;
use time::OffsetDateTime;

/// Some new uploads of one owner, as the counters see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What they hold.
    pub held: Held,
    /// How many they are.
    pub grants: u64,
    /// The minute they are granted in.
    pub window: Window,
    /// What the owner may have.
    pub quota: Quota,
    /// When they are granted.
    pub at: OffsetDateTime,
}

/// The minute a claim counts its grants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One that nothing was granted in: it begins with this claim.
    New(Minute),
    /// The one that the counters are at.
    Same(Minute),
}

/// The most that the counters may say before a claim; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Of files.
    pub files: Option<i64>,
    /// Of their bytes.
    pub bytes: Option<i64>,
    /// Of pending uploads.
    pub pending: Option<i64>,
    /// Of grants in [`Window::Same`].
    pub granted: Option<i64>,
}

impl Claim {
    /// What these uploads ask for, of counters as they were seen last; `None` where nobody has looked: then the window counts as new, as it is
    /// of most who upload.
    pub fn new<'a>(
        quota: Quota,
        seen: Option<&Counters>,
        at: OffsetDateTime,
        uploads: impl IntoIterator<Item = &'a Upload>,
    ) -> Self {
        let (mut held, mut grants) = (Held::default(), 0);
        for upload in uploads {
            held += Held::by(upload);
            grants += 1;
        }
        let now = Minute::of(at);
        let window = match seen {
            Some(counters) if counters.minute >= now => Window::Same(counters.minute),
            Some(_) | None => Window::New(now),
        };
        Self { held, grants, window, quota, at }
    }

    /// How much there may be before, so that there is not too much after.
    pub fn room(&self) -> Room {
        let less = |limit: Option<u64>, asked: i64| {
            limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX).saturating_sub(asked))
        };
        Room {
            files: less(self.quota.files, self.held.files),
            bytes: less(self.quota.bytes, self.held.bytes),
            pending: less(self.quota.pending, self.held.pending),
            granted: less(self.quota.grants_per_minute, i64::try_from(self.grants).unwrap_or(i64::MAX)),
        }
    }

    /// Whether the counters admit the claim as they are now: the condition of the write.
    pub fn is_admitted_by(&self, counters: Option<&Counters>) -> bool {
        let room = self.room();
        let fits = |has: i64, most: Option<i64>| most.is_none_or(|most| has <= most);
        let held = counters.map(|counters| counters.held).unwrap_or_default();
        let is_window = match self.window {
            Window::New(minute) => counters.is_none_or(|counters| counters.minute < minute),
            Window::Same(minute) => counters.is_some_and(|counters| {
                let granted = i64::try_from(counters.granted).unwrap_or(i64::MAX);
                counters.minute == minute && fits(granted, room.granted)
            }),
        };
        is_window
            && (counters.is_none()
                || (fits(held.files, room.files)
                    && fits(held.bytes, room.bytes)
                    && fits(held.pending, room.pending)))
    }
}

impl Counters {
    /// After a claim: the effect of the write.
    #[must_use]
    pub fn claimed(self, claim: &Claim) -> Self {
        let (minute, granted) = match claim.window {
            Window::New(minute) => (minute, claim.grants),
            Window::Same(minute) => (minute, self.granted + claim.grants),
        };
        Self { minute, granted, ..self.changed(claim.held) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    fn claim(quota: Quota, seen: Option<&Counters>) -> Claim {
        let uploads = [sample::pending(), sample::pending()];
        Claim::new(quota, seen, sample::NOW, &uploads)
    }

    #[test]
    fn what_is_admitted_is_within_the_quota_afterwards_and_what_is_not_would_not_be() {
        let now = Minute::of(sample::NOW);
        let bytes = 2 * sample::PNG.len() as u64;
        for (files, held, pending, granted) in
            [(10, 10, 10, 10), (0, 10, 10, 10), (10, 0, 10, 10), (10, 10, 0, 10), (10, 10, 10, 0)]
        {
            for spare in [0, 1] {
                let counters = Counters {
                    held: Held { files: 5, bytes: 5, pending: 5 },
                    minute: now,
                    granted: 5,
                    revision: 1,
                };
                let quota = Quota {
                    files: Some(7 + files - u64::from(files == 0) * spare),
                    bytes: Some(5 + bytes + held - u64::from(held == 0) * spare),
                    pending: Some(7 + pending - u64::from(pending == 0) * spare),
                    grants_per_minute: Some(7 + granted - u64::from(granted == 0) * spare),
                };
                let claim = claim(quota, Some(&counters));
                let is_full = spare == 1 && [files, held, pending, granted].contains(&0);
                assert_eq!(claim.is_admitted_by(Some(&counters)), !is_full, "{quota:?}");
                let asked = [sample::PNG.len() as u64; 2];
                let admitted = quota.admit(&counters, sample::NOW, &asked);
                assert_eq!(admitted.iter().all(Result::is_ok), !is_full, "{quota:?}");
            }
        }
    }

    #[test]
    fn a_window_is_opened_once_and_never_a_second_time() {
        let now = Minute::of(sample::NOW);
        let first = claim(Quota::default(), None);
        assert!(first.is_admitted_by(None));
        let counters = Counters::default().claimed(&first);
        assert_eq!((counters.minute, counters.granted, counters.revision), (now, 2, 1));
        assert!(!first.is_admitted_by(Some(&counters)), "the window would begin again");
        let second = claim(Quota::default(), Some(&counters));
        assert_eq!(second.window, Window::Same(now));
        assert!(second.is_admitted_by(Some(&counters)));
        assert_eq!(counters.claimed(&second).granted, 4);
        let earlier = Counters { minute: Minute::new(now.get() - 1), ..counters };
        assert!(!second.is_admitted_by(Some(&earlier)), "counted in a minute that has passed");
        assert_eq!(claim(Quota::default(), Some(&earlier)).window, Window::New(now));
        let ahead = Counters { minute: Minute::new(now.get() + 1), ..counters };
        assert_eq!(claim(Quota::default(), Some(&ahead)).window, Window::Same(ahead.minute));
    }
}
