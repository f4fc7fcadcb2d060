"""An upload's life as a model: what each call may answer where an upload stands, and where it stands afterwards. Pure, and written from what
the documents promise: it takes no rule from the code under test.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# What the sweep waits for after a grant's end, how long thumbnails are waited for, and how long before they are asked for again.
GRACE = HOUR
PATIENCE = DAY
ASKED_AGAIN = 15 * MINUTE


class Kind(StrEnum):
    """What is uploaded, and how."""

    PHOTO = "photo"
    # Its grant names its SHA-256.
    BOUND = "bound photo"
    # It begins as a picture does, and is none.
    DAMAGED = "damaged photo"
    PAPER = "paper"
    # In two parts that we cut.
    FILM = "film"
    # A form of Uppy's: any size, and it can be sent again.
    FORM = "form"
    # A multipart upload of Uppy's that the client cuts, into one part.
    LOOSE = "loose parts"


class Body(StrEnum):
    """What somebody sends."""

    RIGHT = "right"
    # As many bytes, but a page.
    WRONG = "wrong"
    # The right ones under another type, fewer of them, or broken off: none of it may be stored.
    MISTYPED = "mistyped"
    SHORT = "short"
    CUT_OFF = "cut off"
    # Stored past the API by somebody who broke in: a page, a byte longer.
    FOREIGN = "foreign"


class Op(StrEnum):
    """What is done about one upload."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    DELETE = "delete"
    SIGN = "sign"
    # A message about it is worked off.
    EVENT = "event"
    SWEEP = "sweep"


# Whole files, each under a key that is written once.
PUTS = (Kind.PHOTO, Kind.BOUND, Kind.DAMAGED, Kind.PAPER)
# By the routes of version 1, which know idempotency keys.
OF_THE_API = (*PUTS, Kind.FILM)
OF_UPPY = (Kind.FORM, Kind.LOOSE)
IN_PARTS = {Kind.FILM: (1, 2), Kind.LOOSE: (1,)}
# The version that a call has made of parts, until it is known what S3 calls it.
NEW = "new"


class State(StrEnum):
    """Where an upload stands."""

    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DELETED = "deleted"


@dataclass(frozen=True)
class Life:
    """Where an upload stands, and what there is to know of it there: the reason of a refusal; which version is the file, and what there is
    of its thumbnails (`none`, `pending`, `ready`, `failed`)."""

    state: State = State.PENDING
    reason: str | None = None
    version: str | None = None
    thumbnails: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.state, self.reason, self.thumbnails and f"(thumbnails {self.thumbnails})")))


@dataclass(frozen=True)
class Found:
    """What lies in the bucket of an upload: its versions, the newest last, with what they are; its parts that have arrived, and whether S3
    still knows of its multipart upload; how many thumbnails can be seen."""

    versions: tuple[tuple[str, Body], ...] = ()
    parts: tuple[tuple[int, Body], ...] = ()
    is_open: bool = False
    thumbnails: int = 0

    def of(self, version: str) -> Body | None:
        """What a version is."""
        return dict(self.versions).get(version)

    def without(self, version: str | None) -> "Found":
        """Once a version was removed."""
        return replace(self, versions=tuple(entry for entry in self.versions if entry[0] != version))

    @property
    def newest(self) -> tuple[str, Body] | None:
        """What the key alone names."""
        return self.versions[-1] if self.versions else None


class Seen(NamedTuple):
    """An upload as the model sees it: its grant has `left` milliseconds to go, or ended so long ago; `waited` for its thumbnails."""

    kind: Kind
    life: Life
    found: Found
    left: int
    waited: int = 0


class Outcome(NamedTuple):
    """What a call answers, and the lives that follow each other through it: the last one stays, and a death may stop it at any."""

    answer: str
    lives: tuple[Life, ...]
    found: Found

    @property
    def life(self) -> Life:
        """The one that stays."""
        return self.lives[-1]


CANCELLED, EXPIRED, DELETED = Life(State.CANCELLED), Life(State.EXPIRED), Life(State.DELETED)
DONE, GONE, NOT_FOUND, WRONG_STATE = "204", "410 upload_expired", "404 not_found", "409 invalid_state"
NOT_UPLOADED, MISMATCH = "409 not_uploaded", "409 parts_mismatch"
WORKED_OFF = "worked off"


def verdict(kind: Kind, version: str, body: Body) -> Life:
    """What becomes of a pending upload that a version is compared with."""
    if body is Body.RIGHT:
        pending = "pending" if kind in (Kind.PHOTO, Kind.BOUND, Kind.DAMAGED, Kind.FORM, Kind.LOOSE) else "none"
        return Life(State.READY, version=version, thumbnails=pending)
    # Of a form's file nobody knows the size.
    is_longer = body is Body.FOREIGN and kind is not Kind.FORM
    return Life(State.REJECTED, reason="size_mismatch" if is_longer else "content_mismatch")


def outcomes(op: Op, seen: Seen, *, version: str | None = None) -> list[Outcome]:
    """Everything that may come of a call. `version` is the one that an event tells of."""
    match op:
        case Op.CONFIRM:
            return [_confirmed(seen)]
        case Op.CANCEL:
            return [_cancelled(seen)]
        case Op.DELETE:
            return [_deleted(seen)]
        case Op.SIGN:
            return [Outcome(_signed(seen), (seen.life,), seen.found)]
        case Op.EVENT:
            return [_told(seen, version)]
        case Op.SWEEP:
            return list(_swept(seen))


def _confirmed(seen: Seen) -> Outcome:
    def says(answer: str) -> Outcome:
        return Outcome(answer, (seen.life,), seen.found)

    newest = seen.found.newest

    def has_ended_as(answer: str) -> Outcome:
        # What the key names goes, as with a cancel.
        return Outcome(answer, (seen.life,), seen.found.without(newest[0]) if newest else seen.found)

    match seen.life.state:
        case State.READY:
            return says("200")
        case State.REJECTED:
            return has_ended_as(f"422 {seen.life.reason}")
        case State.EXPIRED:
            return has_ended_as(GONE)
        case State.CANCELLED | State.DELETED:
            return has_ended_as(WRONG_STATE)
    if newest:
        return _settled(seen, *newest)
    has_ended = seen.left <= 0
    if seen.kind not in IN_PARTS:
        return says(GONE if has_ended else NOT_UPLOADED)
    if not seen.found.is_open:
        return says(GONE)
    arrived = dict(seen.found.parts)
    if not all(number in arrived for number in IN_PARTS[seen.kind]):
        # A client of Uppy's names its parts, and S3 does not hold what it names.
        return says(MISMATCH if seen.kind is Kind.LOOSE else GONE if has_ended else NOT_UPLOADED)
    together = replace(seen.found, versions=((NEW, arrived[1]),), is_open=False)
    return _settled(seen._replace(found=together), NEW, arrived[1])


def _settled(seen: Seen, version: str, body: Body) -> Outcome:
    life = verdict(seen.kind, version, body)
    if life.state is State.READY:
        return Outcome("200", (seen.life, life), seen.found)
    return Outcome(f"422 {life.reason}", (seen.life, life), seen.found.without(version))


def _cancelled(seen: Seen) -> Outcome:
    if seen.life.state is State.READY:
        return Outcome(WRONG_STATE, (seen.life,), seen.found)
    life = CANCELLED if seen.life.state is State.PENDING else seen.life
    # What the key names goes; whatever else there is goes with its event, or by the sweep.
    newest = seen.found.newest
    found = seen.found.without(newest[0]) if newest else seen.found
    return Outcome(DONE, (seen.life, life), replace(found, is_open=False))


def _deleted(seen: Seen) -> Outcome:
    match seen.life.state:
        case State.PENDING:
            return Outcome(WRONG_STATE, (seen.life,), seen.found)
        case State.READY | State.DELETED:
            return Outcome(DONE, (seen.life, DELETED), replace(seen.found, versions=(), thumbnails=0))
    return Outcome(NOT_FOUND, (seen.life,), seen.found)


def _signed(seen: Seen) -> str:
    if seen.life.state is State.EXPIRED or (seen.life.state is State.PENDING and seen.left <= 0):
        return GONE
    if seen.life.state is State.PENDING and seen.kind is not Kind.FORM:
        return "200"
    return WRONG_STATE


def _told(seen: Seen, version: str | None) -> Outcome:
    lives, found = [seen.life], seen.found
    if seen.life.state is State.PENDING and version and (body := found.of(version)):
        lives.append(verdict(seen.kind, version, body))
    if lives[-1].state is not State.PENDING and version and lives[-1].version != version:
        found = found.without(version)
    if lives[-1].thumbnails == "pending":
        is_picture = seen.kind is not Kind.DAMAGED
        lives.append(replace(lives[-1], thumbnails="ready" if is_picture else "failed"))
        found = replace(found, thumbnails=int(is_picture))
    return Outcome(WORKED_OFF, tuple(lives), found)


def _swept(seen: Seen) -> Iterator[Outcome]:
    """It says nothing of one upload. What it removes of tombstones depends on when it looked last."""

    def becomes(*lives: Life) -> Outcome:
        return Outcome("", (seen.life, *lives), seen.found)

    if seen.life.state is State.PENDING and seen.left <= 0:
        is_over = seen.left + GRACE <= 0
        if seen.found.newest:
            yield becomes(verdict(seen.kind, *seen.found.newest))
        elif is_over:
            yield becomes(EXPIRED)
        if not is_over:
            # It may have looked at it already since its end.
            yield becomes()
    elif seen.life.thumbnails == "pending" and seen.waited >= PATIENCE:
        yield becomes(replace(seen.life, thumbnails="failed"))
        # Where it has not looked for that long it asks once more, and gives up a day later.
        yield becomes()
    else:
        yield becomes()


def read_as(seen: Seen) -> str:
    """What the API calls the state."""
    has_ended = seen.life.state is State.PENDING and seen.left <= 0
    return State.EXPIRED if has_ended else seen.life.state


def is_served(seen: Seen) -> bool:
    """Whether the CDN gives out what the key names now."""
    newest = seen.found.newest
    return seen.life.state is State.READY and newest is not None and newest[0] == seen.life.version
