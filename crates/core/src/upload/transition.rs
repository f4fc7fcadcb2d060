//! The moves an upload can make. Storage decides every move by one conditional write; the condition and the effect are written
//! down here, once, in [`Upload::apply`].

use super::{
    Dimensions, MultipartId, RejectReason, Size, State, Thumbnail, Thumbnails, Transfer, Upload, Verified,
    VersionId,
};
use crate::Placeholder;
use crate::checksum::Crc64Nvme;
use time::{Duration, OffsetDateTime};

/// How long thumbnails may take before the sweep asks for them again.
pub const THUMBNAIL_PATIENCE: Duration = Duration::minutes(15);

/// How long after the end of its grant an upload without a file is looked at a last time: no URL outlives its grant, and what
/// one began in time has ended by then.
pub const SECOND_LOOK: Duration = Duration::days(1);

/// A move of an upload. Each has one condition, and happens at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// `pending → ready`
    Verify {
        /// The verified object version.
        version: VersionId,
        /// When it arrived, as far as S3 tells. Not recorded.
        arrived_at: Option<OffsetDateTime>,
        /// When it was verified.
        at: OffsetDateTime,
        /// How many bytes it has.
        size_bytes: u64,
        /// S3's checksum over the whole, where it was asked for.
        crc64nvme: Option<Crc64Nvme>,
        /// [`Thumbnails::Pending`] or [`Thumbnails::None`], see [`Upload::initial_thumbnails`].
        thumbnails: Thumbnails,
    },
    /// `pending → rejected`
    Reject(RejectReason),
    /// `pending → cancelled`
    Cancel,
    /// `pending → expired`, of a grant that has ended by then.
    Expire {
        /// Now.
        at: OffsetDateTime,
    },
    /// Of a pending upload whose client began its multipart upload itself: which one that is. Once; no part of another is signed.
    NameMultipart(MultipartId),
    /// `ready → deleted`
    Delete {
        /// Now. The row is kept for a while yet, so that what arrives late meets it.
        at: OffsetDateTime,
    },
    /// Thumbnails of a ready upload: `pending → ready`
    Thumbnailed {
        /// Width and height of the file as displayed.
        source: Dimensions,
        /// What to show until a thumbnail has come.
        placeholder: Placeholder,
        /// What was made.
        thumbnails: Vec<Thumbnail>,
    },
    /// Thumbnails of a ready upload: `pending → failed`
    ThumbnailsFailed {
        /// A stable code.
        reason: String,
    },
    /// The sweep has looked at an upload that was due, and left its state as it was.
    Looked {
        /// When it was due. Somebody who moved it meanwhile has set another time, which holds.
        due_at: OffsetDateTime,
        /// When to look again; `None` when nothing is left to do.
        next: Option<OffsetDateTime>,
    },
}

impl Transition {
    /// When it is made, as far as it says; otherwise the end of the grant, before which most are.
    pub fn made_at(&self, upload: &Upload) -> OffsetDateTime {
        match self {
            Self::Verify { at, .. } | Self::Expire { at } | Self::Delete { at } => *at,
            Self::Reject(_)
            | Self::Cancel
            | Self::NameMultipart(_)
            | Self::Thumbnailed { .. }
            | Self::ThumbnailsFailed { .. }
            | Self::Looked { .. } => upload.expires_at,
        }
    }

    /// Whether whoever makes it has to know which multipart upload there is, as its parts are to be removed.
    pub fn ends_without_a_file(&self) -> bool {
        match self {
            Self::Cancel | Self::Expire { .. } => true,
            Self::Verify { .. }
            | Self::Reject(_)
            | Self::Delete { .. }
            | Self::NameMultipart(_)
            | Self::Thumbnailed { .. }
            | Self::ThumbnailsFailed { .. }
            | Self::Looked { .. } => false,
        }
    }
}

impl Upload {
    /// Whether its client may still name a multipart upload: see [`Transition::NameMultipart`].
    pub fn is_unnamed(&self) -> bool {
        self.transfer == Transfer::LooseParts(None)
    }

    /// When an upload that has just come into its state is to be looked at by the sweep: a pending one at the end of its grant,
    /// a ready one when its thumbnails should have come, one without a file after [`SECOND_LOOK`].
    pub fn first_due(&self) -> Option<OffsetDateTime> {
        match &self.state {
            State::Pending => Some(self.expires_at),
            State::Ready(verified) if verified.thumbnails == Thumbnails::Pending => {
                Some(verified.confirmed_at + THUMBNAIL_PATIENCE)
            }
            State::Ready(_) => None,
            State::Rejected(_) | State::Expired | State::Cancelled | State::Deleted => {
                Some(self.expires_at + SECOND_LOOK)
            }
        }
    }

    /// The same upload in another state, due as that state is.
    #[must_use]
    pub fn in_state(&self, state: State) -> Self {
        let moved = Self { state, ..self.clone() };
        Self { due_at: moved.first_due(), ..moved }
    }

    /// The upload after a move, or `None` when the move's condition does not hold: somebody else moved first.
    #[must_use]
    pub fn apply(&self, transition: &Transition) -> Option<Self> {
        if let Transition::Looked { due_at, next } = transition {
            return (self.due_at == Some(*due_at)).then(|| Self { due_at: *next, ..self.clone() });
        }
        if let Transition::NameMultipart(id) = transition {
            let is_open = self.state == State::Pending && self.is_unnamed();
            return is_open
                .then(|| Self { transfer: Transfer::LooseParts(Some(id.clone())), ..self.clone() });
        }
        let mut size = self.size;
        let state = match (&self.state, transition) {
            (
                State::Pending,
                Transition::Verify { version, at, thumbnails, crc64nvme, size_bytes, arrived_at: _ },
            ) => {
                size = Size::Exact(*size_bytes);
                State::Ready(Verified {
                    version: version.clone(),
                    confirmed_at: *at,
                    crc64nvme: *crc64nvme,
                    dimensions: None,
                    placeholder: None,
                    thumbnails: thumbnails.clone(),
                })
            }
            (State::Pending, Transition::Reject(reason)) => State::Rejected(*reason),
            (State::Pending, Transition::Cancel) => State::Cancelled,
            (State::Pending, Transition::Expire { at }) if self.expires_at <= *at => State::Expired,
            (State::Ready(_), Transition::Delete { at: _ }) => State::Deleted,
            (State::Ready(verified), Transition::Thumbnailed { source, placeholder, thumbnails })
                if verified.thumbnails == Thumbnails::Pending =>
            {
                State::Ready(Verified {
                    dimensions: Some(*source),
                    placeholder: Some(placeholder.clone()),
                    thumbnails: Thumbnails::Ready(thumbnails.clone()),
                    ..verified.clone()
                })
            }
            (State::Ready(verified), Transition::ThumbnailsFailed { reason })
                if verified.thumbnails == Thumbnails::Pending =>
            {
                State::Ready(Verified { thumbnails: Thumbnails::Failed(reason.clone()), ..verified.clone() })
            }
            (
                State::Pending
                | State::Ready(_)
                | State::Rejected(_)
                | State::Expired
                | State::Cancelled
                | State::Deleted,
                _,
            ) => return None,
        };
        Some(Self { size, ..self.in_state(state) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaType;
    use crate::testing::sample;

    fn verify() -> Transition {
        Transition::Verify {
            version: VersionId::new("v1"),
            arrived_at: None,
            at: sample::NOW,
            size_bytes: sample::PNG.len() as u64,
            crc64nvme: None,
            thumbnails: Upload::initial_thumbnails(MediaType::Png),
        }
    }

    #[test]
    fn only_a_pending_upload_can_be_verified_rejected_cancelled_or_expire() {
        let pending = sample::pending();
        let all = [
            verify(),
            Transition::Reject(RejectReason::Size),
            Transition::Cancel,
            Transition::Expire { at: pending.expires_at },
        ];
        for first in &all {
            let moved = pending.apply(first).unwrap();
            assert_ne!(moved.state, State::Pending);
            for second in &all {
                assert_eq!(moved.apply(second), None, "{first:?} then {second:?}");
            }
        }
    }

    #[test]
    fn a_grant_expires_at_its_end_and_not_before() {
        let pending = sample::pending();
        let early = Transition::Expire { at: pending.expires_at - Duration::MILLISECOND };
        assert_eq!(pending.apply(&early), None);
        let expired = pending.apply(&Transition::Expire { at: pending.expires_at }).unwrap();
        assert_eq!(expired.state, State::Expired);
    }

    #[test]
    fn only_a_file_can_be_deleted() {
        let delete = Transition::Delete { at: sample::NOW };
        let pending = sample::pending();
        assert_eq!(pending.apply(&delete), None);
        let deleted = pending.apply(&verify()).unwrap().apply(&delete).unwrap();
        assert_eq!(deleted.state, State::Deleted);
        assert_eq!(deleted.apply(&delete), None);
    }

    #[test]
    fn thumbnails_are_recorded_once_and_only_on_a_ready_upload() {
        let made = Transition::Thumbnailed {
            source: Dimensions { width: 4, height: 3 },
            placeholder: sample::placeholder(),
            thumbnails: vec![],
        };
        let failed = Transition::ThumbnailsFailed { reason: "corrupt".to_owned() };
        let pending = sample::pending();
        assert_eq!(pending.apply(&made), None);
        let ready = pending.apply(&verify()).unwrap();
        for first in [&made, &failed] {
            let done = ready.apply(first).unwrap();
            assert_eq!(done.apply(&made), None);
            assert_eq!(done.apply(&failed), None);
        }
    }

    #[test]
    fn every_state_that_leaves_something_to_do_is_due_and_no_other() {
        let pending = sample::pending();
        assert_eq!(pending.due_at, Some(pending.expires_at));
        let ready = pending.apply(&verify()).unwrap();
        assert_eq!(ready.due_at, Some(sample::NOW + THUMBNAIL_PATIENCE));
        let failed = Transition::ThumbnailsFailed { reason: "corrupt".to_owned() };
        assert_eq!(ready.apply(&failed).unwrap().due_at, None);
        for tombstone in [
            pending.apply(&Transition::Cancel).unwrap(),
            pending.apply(&Transition::Reject(RejectReason::Size)).unwrap(),
            ready.apply(&Transition::Delete { at: sample::NOW }).unwrap(),
        ] {
            assert_eq!(tombstone.due_at, Some(pending.expires_at + SECOND_LOOK));
        }
    }

    #[test]
    fn a_look_changes_nothing_but_when_to_look_again_and_only_if_nobody_moved_first() {
        let pending = sample::pending();
        let due_at = pending.expires_at;
        let later = Transition::Looked { due_at, next: Some(due_at + Duration::HOUR) };
        let looked = pending.apply(&later).unwrap();
        assert_eq!(looked, Upload { due_at: Some(due_at + Duration::HOUR), ..pending.clone() });
        assert_eq!(looked.apply(&later), None);
        let cancelled = pending.apply(&Transition::Cancel).unwrap();
        assert_eq!(cancelled.apply(&later), None);
        let done = Transition::Looked { due_at: cancelled.due_at.unwrap(), next: None };
        assert_eq!(cancelled.apply(&done).unwrap().due_at, None);
    }
}
