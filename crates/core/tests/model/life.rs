//! An upload's life as a model: its states, the moves between them, and what each call does and answers. Pure, and written from what the
//! documents promise: it takes no rule from the code under test.

use crate::script::{Body, File, Renders, Says};
use time::{Duration, OffsetDateTime};

/// What the sweep of the test waits for after a grant's end.
pub(crate) const GRACE: Duration = Duration::HOUR;

/// How long after its grant's end the sweep looks a last time for what came late for a tombstone.
pub(crate) const LAST_LOOK: Duration = Duration::DAY;

/// How long thumbnails are waited for.
pub(crate) const PATIENCE: Duration = Duration::DAY;

/// How long an idempotency key is remembered.
pub(crate) const REMEMBERED: Duration = Duration::DAY;

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It was never recorded.
    Nothing,
    Pending,
    /// A file: this version of its object, and what there is of its thumbnails.
    Ready(String, Pictures),
    /// With the code of the reason.
    Rejected(String),
    Expired,
    Cancelled,
    Deleted,
}

/// The thumbnails of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pictures {
    /// It has none.
    None,
    Awaited,
    /// Their names.
    Made(Vec<String>),
    /// With the code of the reason.
    Failed(String),
}

/// One step of a life. Each happens at once or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Grant,
    Verify(String, Pictures),
    Reject(String),
    Expire,
    Cancel,
    Delete,
    Picture(Pictures),
}

#[expect(clippy::match_same_arms, reason = "an arm each for what is a move of its own")]
impl Life {
    /// The life after a move; `None` where it cannot be made.
    pub(crate) fn after(&self, made: &Move) -> Option<Self> {
        match (self, made) {
            (Self::Nothing, Move::Grant) => Some(Self::Pending),
            (Self::Pending, Move::Verify(version, pictures)) => {
                Some(Self::Ready(version.clone(), pictures.clone()))
            }
            (Self::Pending, Move::Reject(reason)) => Some(Self::Rejected(reason.clone())),
            (Self::Pending, Move::Expire) => Some(Self::Expired),
            (Self::Pending, Move::Cancel) => Some(Self::Cancelled),
            (Self::Ready(..), Move::Delete) => Some(Self::Deleted),
            (Self::Ready(version, Pictures::Awaited), Move::Picture(pictures)) => {
                Some(Self::Ready(version.clone(), pictures.clone()))
            }
            _ => None,
        }
    }

    /// The life after several moves, one after the other, those left out that cannot be made.
    pub(crate) fn after_all(&self, moves: &[Move]) -> Self {
        moves.iter().fold(self.clone(), |life, made| life.after(made).unwrap_or(life))
    }

    /// Everything it may have become by some of these moves, each made any number of times in any order.
    pub(crate) fn reachable(&self, moves: &[Move]) -> Vec<Self> {
        let mut reached = vec![self.clone()];
        let mut next = 0;
        while next < reached.len() {
            for made in moves {
                let life = reached[next].after(made);
                reached.extend(life.filter(|life| !reached.contains(life)));
            }
            next += 1;
        }
        reached
    }

    /// Whether a life may become another at all, by whatever moves: what has ended stays as it is, and a file stays the same version.
    pub(crate) fn may_become(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, _) => true,
            (Self::Pending, other) => *other != Self::Nothing,
            (Self::Ready(one, before), Self::Ready(two, after)) => {
                one == two && (before == after || (*before == Pictures::Awaited && *after != Pictures::None))
            }
            (Self::Ready(..), Self::Deleted) => true,
            (one, two) => one == two,
        }
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::Expired | Self::Cancelled | Self::Deleted)
    }
}

/// What is known of an object from whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) version: String,
    /// The code of what is wrong with it.
    pub(crate) wrong: Option<&'static str>,
    /// The parts it was put together from.
    pub(crate) parts: Option<[Body; 2]>,
}

/// What a call finds of an upload in the bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The versions under its key, the newest last.
    pub(crate) versions: Vec<Truth>,
    /// Whether its multipart upload is open.
    pub(crate) is_open: bool,
    /// What has arrived of its parts.
    pub(crate) parts: [Option<Body>; 2],
}

impl File {
    pub(crate) fn is_film(self) -> bool {
        self == Self::Film
    }

    pub(crate) fn has_pictures(self) -> bool {
        matches!(self, Self::Image | Self::Bound)
    }

    /// How it is refused, if it is.
    pub(crate) fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Image | Self::Bound | Self::Clip | Self::Film => None,
            Self::Nameless | Self::Empty | Self::MisSummed | Self::TinyParts => Some("invalid_request"),
            Self::Html => Some("type_not_allowed"),
            Self::Huge => Some("file_too_large"),
        }
    }

    /// For how long it is granted.
    pub(crate) fn lifetime(self) -> Duration {
        if self.is_film() { Duration::hours(72) } else { Duration::HOUR }
    }

    /// What comes of a version of it that arrives while it is pending.
    pub(crate) fn verdict(self, object: &Truth) -> Move {
        let pictures = if self.has_pictures() { Pictures::Awaited } else { Pictures::None };
        match object.wrong {
            None => Move::Verify(object.version.clone(), pictures),
            Some(reason) => Move::Reject(reason.to_owned()),
        }
    }
}

impl Renders {
    pub(crate) fn pictures(self) -> Pictures {
        match self {
            Self::Small => Pictures::Made(vec!["small".to_owned()]),
            Self::SmallAndLarge => Pictures::Made(vec!["small".to_owned(), "large".to_owned()]),
            Self::Nothing => Pictures::Failed("corrupt".to_owned()),
        }
    }
}

/// An upload as the model sees it at some time.
pub(crate) struct Seen<'a> {
    pub(crate) file: File,
    pub(crate) life: &'a Life,
    pub(crate) ends_at: OffsetDateTime,
    pub(crate) found: &'a Found,
    pub(crate) now: OffsetDateTime,
}

/// What a call answers, and the moves it makes.
pub(crate) type Outcome = (String, Vec<Move>);

impl Seen<'_> {
    fn has_ended(&self) -> bool {
        self.ends_at <= self.now
    }

    pub(crate) fn confirm(&self, says: Says) -> Outcome {
        let fixed = |answer: &str| (answer.to_owned(), Vec::new());
        match self.life {
            Life::Nothing => fixed("not_found"),
            Life::Ready(version, _) => (self.answer_for(version, says), Vec::new()),
            Life::Rejected(reason) => fixed(reason),
            Life::Expired => fixed("upload_expired"),
            Life::Cancelled | Life::Deleted => fixed("invalid_state"),
            Life::Pending => match self.found.versions.last() {
                Some(object) => self.settled(object, says),
                None if self.file.is_film() => self.complete(says),
                None if says != Says::Nothing => fixed("invalid_request"),
                None if self.has_ended() => fixed("upload_expired"),
                None => fixed("not_uploaded"),
            },
        }
    }

    fn settled(&self, object: &Truth, says: Says) -> Outcome {
        let answer = match object.wrong {
            Some(reason) => reason.to_owned(),
            None => self.answer_about(object, says),
        };
        (answer, vec![self.file.verdict(object)])
    }

    fn complete(&self, says: Says) -> Outcome {
        let fixed = |answer: &str| (answer.to_owned(), Vec::new());
        if says == Says::Garbled {
            return fixed("invalid_request");
        }
        if !self.found.is_open {
            return fixed("upload_expired");
        }
        let [Some(first), Some(second)] = self.found.parts else {
            return fixed(if self.has_ended() { "upload_expired" } else { "not_uploaded" });
        };
        let object = assembled("", [first, second]);
        if says == Says::Etags && !is_right(&object) || !agrees(&object, says) {
            return fixed("parts_mismatch");
        }
        // S3 has named no version yet.
        let (answer, _) = self.settled(&object, says);
        (answer, vec![self.file.verdict(&object)])
    }

    fn answer_for(&self, version: &str, says: Says) -> String {
        let object = self.found.versions.iter().find(|object| object.version == version);
        object.map_or("its object is gone".to_owned(), |object| self.answer_about(object, says))
    }

    fn answer_about(&self, object: &Truth, says: Says) -> String {
        let answer = match says {
            Says::Nothing => "file",
            _ if !self.file.is_film() => "invalid_request",
            Says::Garbled if object.parts.is_some() => "invalid_request",
            _ if !agrees(object, says) => "parts_mismatch",
            _ => "file",
        };
        answer.to_owned()
    }

    pub(crate) fn arrive(&self, version: Option<&str>, renders: Renders) -> Outcome {
        let picture = |moves: Vec<Move>| {
            let answer = match renders {
                Renders::Small | Renders::SmallAndLarge => "made",
                Renders::Nothing => "corrupt",
            };
            (answer.to_owned(), [moves, vec![Move::Picture(renders.pictures())]].concat())
        };
        let fixed = |answer: &str| (answer.to_owned(), Vec::new());
        match self.life {
            Life::Ready(_, Pictures::Awaited) => picture(Vec::new()),
            Life::Ready(..) => fixed("not_needed"),
            Life::Rejected(_) => fixed("rejected"),
            Life::Nothing | Life::Expired | Life::Cancelled | Life::Deleted => fixed("gone"),
            Life::Pending => {
                let versions = &self.found.versions;
                let object = match version {
                    Some(version) => versions.iter().find(|object| object.version == version),
                    None => versions.last(),
                };
                match object {
                    None => fixed("gone"),
                    Some(object) if object.wrong.is_some() => {
                        ("rejected".to_owned(), vec![self.file.verdict(object)])
                    }
                    Some(object) if self.file.has_pictures() => picture(vec![self.file.verdict(object)]),
                    Some(object) => ("not_needed".to_owned(), vec![self.file.verdict(object)]),
                }
            }
        }
    }

    pub(crate) fn cancel(&self) -> Outcome {
        match self.life {
            Life::Nothing => ("not_found".to_owned(), Vec::new()),
            Life::Ready(..) => ("invalid_state".to_owned(), Vec::new()),
            _ => ("ok".to_owned(), vec![Move::Cancel]),
        }
    }

    pub(crate) fn delete(&self) -> Outcome {
        match self.life {
            Life::Pending => ("invalid_state".to_owned(), Vec::new()),
            Life::Ready(..) | Life::Deleted => ("ok".to_owned(), vec![Move::Delete]),
            _ => ("not_found".to_owned(), Vec::new()),
        }
    }

    /// Asks for a signature, of the whole or of parts.
    pub(crate) fn sign(&self, of_parts: bool) -> Outcome {
        let answer = match self.life {
            Life::Nothing => "not_found",
            Life::Pending | Life::Expired if self.has_ended() => "upload_expired",
            Life::Pending if self.file.is_film() == of_parts => "signed",
            _ => "invalid_state",
        };
        (answer.to_owned(), Vec::new())
    }

    /// The upload and the file.
    pub(crate) fn read(&self) -> Outcome {
        let state = match self.life {
            Life::Nothing => "not_found",
            Life::Pending if !self.has_ended() => "pending",
            Life::Pending | Life::Expired => "expired",
            Life::Ready(..) => "ready",
            Life::Rejected(_) => "rejected",
            Life::Cancelled => "cancelled",
            Life::Deleted => "deleted",
        };
        let file = if matches!(self.life, Life::Ready(..)) { "file" } else { "not_found" };
        (format!("{state}, {file}"), Vec::new())
    }

    /// What a sweep that has time for everything must have done. `is_last_look` is of the row as it was found.
    pub(crate) fn sweep(&self, is_last_look: bool) -> Vec<Move> {
        match (self.life, self.found.versions.last()) {
            (Life::Pending, Some(object)) if self.ends_at + GRACE <= self.now => {
                vec![self.file.verdict(object)]
            }
            (Life::Pending, None) if self.ends_at + GRACE <= self.now => vec![Move::Expire],
            (Life::Ready(_, Pictures::Awaited), _) if is_last_look => {
                vec![Move::Picture(Pictures::Failed("gave_up".to_owned()))]
            }
            _ => Vec::new(),
        }
    }
}

/// The object of two parts.
pub(crate) fn assembled(version: &str, parts: [Body; 2]) -> Truth {
    let wrong = (parts[0] != Body::Right).then_some("content_mismatch");
    Truth { version: version.to_owned(), wrong, parts: Some(parts) }
}

fn is_right(object: &Truth) -> bool {
    object.parts == Some([Body::Right; 2])
}

/// Whether the checksum that is said is that of the object, as far as S3 has computed one.
fn agrees(object: &Truth, says: Says) -> bool {
    match says {
        Says::Crc => object.parts.is_none() || is_right(object),
        Says::OtherCrc => object.parts.is_none(),
        Says::Nothing | Says::Etags | Says::Garbled => true,
    }
}
