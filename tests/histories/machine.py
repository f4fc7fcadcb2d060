"""Histories: what people, S3, the queue, the clock and bad luck do to uploads, in any order, played on the deployed stack and on the model
side by side. After each step the two are compared; at the end time passes, and table and bucket are gone through.

It must never know how the code under test works: what it compares is answers, addresses and what lies in the bucket.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.e2e.test_events import put_as_owner
from tests.e2e.uppy import call, key_query
from tests.e2e.web import send
from tests.faults.invariants import Seen as Stored
from tests.faults.invariants import look, owner_of, violations
from tests.faults.kinds import KILLS, Kind as Fault
from tests.faults.proxy import Rule
from tests.faults.world import World
from tests.histories import life
from tests.histories.life import DAY, DONE, HOUR, MINUTE, NEW, NOT_FOUND, OF_THE_API, OF_UPPY, PUTS, WORKED_OFF, Body, Found, Kind, Life, Op, Outcome, State, outcomes
from tests.histories.people import DIED, TYPES, Message, Person, Upload, act, answer_of, ask, at_once, now_milliseconds, put, read_message, take, wanted

# More take long, and find no more.
MOST = 4
ARRIVING_SECONDS = 20
AGAIN = "the message is to come again"
# What somebody may be told when a call behind it has failed.
PASSING = {"503 try_later", "409 idempotency_in_progress", AGAIN}
# A fault and how many of the SDK's tries it befalls.
FAULTS = {
    "refused once": (Fault.ERROR, 1),
    "refused": (Fault.ERROR, 3),
    "done, answer lost once": (Fault.LOST, 1),
    "done, answer failed": (Fault.FAILED, 3),
    "killed before": (Fault.KILLED, 1),
    "killed after": (Fault.KILLED_AFTER, 1),
}
# None of their sums comes near the end of anything: an hour, a day, three days, a grace.
GOES_BY = {"a moment": 0, "35 minutes": 35 * MINUTE, "150 minutes": 150 * MINUTE, "26 hours": 26 * HOUR, "100 hours": 100 * HOUR}
# Grants end and what has arrived is settled; grants for parts end, as do waits for thumbnails; what came in vain is looked at a last time.
LATER = (HOUR, 5 * DAY, 2 * DAY)
PAIRS = [
    (Op.CONFIRM, Op.CANCEL),
    (Op.CONFIRM, Op.EVENT),
    (Op.CANCEL, Op.EVENT),
    (Op.DELETE, Op.EVENT),
    (Op.CONFIRM, Op.DELETE),
    (Op.DELETE, Op.DELETE),
    (Op.CONFIRM, Op.CONFIRM),
    (Op.EVENT, Op.EVENT),
    (Op.CONFIRM, Op.SIGN),
    (Op.CONFIRM, Op.SWEEP),
    (Op.CANCEL, Op.SWEEP),
    (Op.DELETE, Op.SWEEP),
    (Op.EVENT, Op.SWEEP),
]

# What goes on at length is the first.
number = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
person = st.sampled_from([0, 0, 1])
key = st.sampled_from([None, "a", "b"])
body = st.sampled_from([Body.RIGHT, Body.RIGHT, Body.RIGHT, Body.WRONG, Body.SHORT, Body.MISTYPED, Body.CUT_OFF])


@dataclass
class Kept:
    """What the tests after the histories go through: how many there were, and the rows they left."""

    count: int = 0
    steps: int = 0
    stored: Stored = field(default_factory=Stored)


class Histories(RuleBasedStateMachine):
    """One history, by people nobody has seen before."""

    def __init__(self, world: World, kept: Kept) -> None:
        super().__init__()
        self._world = world
        self._kept = kept
        self._people = [world.client(Person) for _ in range(2)]
        self._owners = {who.owner for who in self._people}
        self._uploads: list[Upload] = []
        self._messages: list[Message] = []
        self._told: set[tuple[str, str]] = set()
        # What was asked for with an idempotency key, and came of it.
        self._remembered: dict[tuple[int, str, int | None], Upload] = {}
        # Grants that nobody has heard of: their answers were lost, and their routes know no keys.
        self._unheard = 0
        self._transcript: list[str] = []
        # Those whose record is to be read again.
        self._touched: set[int] = set()
        # Something was done since the bucket was last looked at.
        self._is_stale = False
        # Nothing is in doubt: the end may be looked at.
        self._is_sound = True

    # What happens.

    @initialize(kind=st.sampled_from([*PUTS, *OF_UPPY]), is_sent=st.booleans(), other=st.sampled_from([None, *Kind]))
    def begins(self, kind: Kind, is_sent: bool, other: Kind | None) -> None:
        """Somebody asks for one grant or two, and may send the first file at once."""
        with self._step(f"a grant for a {kind}" + (f" and one for a {other}" if other else "") + (", and it is sent" if is_sent else "")):
            first = self._granted(0, kind)
            if other:
                self._granted(0, other)
            if is_sent:
                self._sends(first, Body.RIGHT, first=True)

    @rule(who=person, kind=st.sampled_from([*Kind]), another=st.sampled_from([None, None, *PUTS]), key=key, fault=st.sampled_from([None, None, None, *FAULTS]))
    def asks(self, who: int, kind: Kind, another: Kind | None, key: str | None, fault: str | None) -> None:
        """A grant; with a key that was used before, the same one again or a refusal. Or two in a batch, each place of which is remembered by
        itself. Or a call behind it fails: whoever has a key asks again, and gets one upload of it."""
        kinds = [kind, another] if another and kind in PUTS else [kind]
        places = [None] if len(kinds) == 1 else range(len(kinds))
        if len(self._uploads) + sum((who, key, place) not in self._remembered for place in places) > MOST:
            return
        with self._step(f"person {who} asks for {', '.join(kinds)}, key {key}, the second call {fault or 'fine'}"):
            if len(kinds) > 1:
                self._granted_together(who, kinds, key)
            elif fault and len(self._uploads) < MOST:
                self._granted_in_the_end(who, kind, fault, 2 if kind in life.IN_PARTS else 1)
            else:
                self._granted(who, kind, key)

    @rule(which=number, body=body, first=st.booleans(), twice=st.booleans(), parts=st.sampled_from([(1, 2), (1,), (2,)]))
    def sends(self, which: int, body: Body, first: bool, twice: bool, parts: tuple[int, ...]) -> None:
        """By the URL that was signed last or first, whatever has become of the upload since."""
        upload = self._meant(which)
        with self._step(f"{upload}: {body} is sent{' twice' if twice else ''} as it was signed {'first' if first else 'last'}, parts {parts}"):
            for _ in range(1 + twice):
                self._sends(upload, body, first=first, parts=parts)

    @rule(which=number)
    def confirms(self, which: int) -> None:
        """Its owner says that it has arrived."""
        self._calls(Op.CONFIRM, which)

    @rule(which=number)
    def cancels(self, which: int) -> None:
        """Its owner takes the grant back."""
        self._calls(Op.CANCEL, which)

    @rule(which=number)
    def deletes(self, which: int) -> None:
        """Its owner deletes the file."""
        self._calls(Op.DELETE, which)

    @rule(which=number)
    def signs(self, which: int) -> None:
        """Its owner has it signed again."""
        self._calls(Op.SIGN, which)

    def _calls(self, op: Op, which: int) -> None:
        upload = self._meant(which)
        with self._step(f"{upload}: {op}"):
            self._exactly(upload, outcomes(op, upload.seen), self._does(op, upload, None))

    @rule(which=st.integers(0, 7), times=st.integers(1, 2))
    def is_told(self, which: int, times: int) -> None:
        """A message is worked off, in no order, for the first time or once more."""
        message = self._waiting(which)
        if message is None:
            return
        with self._step(f"{message.upload}: its event, {times} times"):
            for _ in range(times):
                self._exactly(message.upload, outcomes(Op.EVENT, message.upload.seen, version=message.version), self._does(Op.EVENT, message.upload, message))
                self._observe()

    @rule(passed=st.sampled_from([*GOES_BY]), is_swept=st.sampled_from([True, True, False]))
    def time_goes_by(self, passed: str, is_swept: bool) -> None:
        """And the sweep runs, or does not."""
        with self._step(f"{passed} go by{', and the sweep' if is_swept else ''}"):
            self._pass(GOES_BY[passed])
            if is_swept:
                before = [(upload, outcomes(Op.SWEEP, upload.seen)) for upload in self._uploads]
                self._sweep()
                self._observe()
                for upload, allowed in before:
                    self._becomes(upload, [outcome.life for outcome in allowed])

    @rule(op=st.sampled_from([*Op]), which=number, fault=st.sampled_from([*FAULTS]), nth=st.integers(1, 6))
    def has_bad_luck(self, op: Op, which: int, fault: str, nth: int) -> None:
        """A call of a call's fails, or its function dies there."""
        upload = self._meant(which)
        message = self._about(upload) if op is Op.EVENT else None
        if op is Op.EVENT and message is None:
            return
        with self._step(f"{upload}: {op}, call {nth} is {fault}"):
            before = [(other, outcomes(Op.SWEEP, other.seen)) for other in self._uploads if op is Op.SWEEP and other is not upload]
            allowed = outcomes(op, upload.seen, version=message and message.version)
            answer = self._unluckily(upload.person, fault, nth, lambda: self._does(op, upload, message, may_fail=True))
            self._observe()
            self._possibly(upload, allowed, answer)
            for other, others in before:
                self._becomes(other, [life for outcome in others for life in outcome.lives])

    @rule(pair=st.sampled_from(PAIRS), which=number)
    def at_once(self, pair: tuple[Op, Op], which: int) -> None:
        """Two calls about one upload at the same moment: one after the other, whichever was first."""
        upload = self._meant(which)
        message = self._about(upload)
        if Op.EVENT in pair and message is None:
            return
        with self._step(f"{upload}: {pair[0]} and {pair[1]} at once"):
            others = [(other, outcomes(Op.SWEEP, other.seen)) for other in self._uploads if Op.SWEEP in pair and other is not upload]
            allowed = list(_in_any_order(upload, pair, message and message.version))
            answers = tuple(at_once(*[lambda op=op: self._does(op, upload, message) for op in pair]))
            self._observe()
            fitting = [found for said, found in allowed if said == answers]
            self._holds(bool(fitting), f"{upload}, {upload.life}: {pair} answered {answers}, which is none of {sorted({said for said, _ in allowed})}")
            self._becomes(upload, [outcome.life for outcome in fitting])
            for other, swept in others:
                self._becomes(other, [outcome.life for outcome in swept])

    @rule(what=st.sampled_from(["an event is lost", "an event is lost", "somebody breaks in", "somebody else tries everything"]), which=number)
    def suffers(self, what: str, which: int) -> None:
        """What comes less often."""
        match what:
            case "an event is lost":
                if message := self._waiting(which):
                    self._note(f"- {message.upload}: {what}")
                    message.is_lost = True
            case "somebody breaks in":
                self._is_broken_into(self._meant(which))
            case _:
                self._is_trespassed(self._meant(which))

    def _is_broken_into(self, upload: Upload) -> None:
        """Somebody stores a page under an upload's key, past the API."""
        with self._step(f"{upload}: somebody breaks in"):
            self._is_stale = True
            put_as_owner(self._world.storage, upload.key, upload.bytes_of(Body.FOREIGN), TYPES[upload.kind])

    def _is_trespassed(self, upload: Upload) -> None:
        """Somebody else tries all there is on an upload."""
        thief = self._people[1 - self._people.index(upload.person)]
        with self._step(f"{upload}: somebody else tries everything"):
            replies = {op: act(op, upload, thief) for op in (Op.CONFIRM, Op.CANCEL, Op.DELETE)} | {"read": thief.read(_named(upload)), "sign": thief.resign(_named(upload)), "file": thief.file(_named(upload))}
            if upload.kind is Kind.LOOSE:
                replies["part"] = call(thief.api_url, f"GET /s3/multipart/{upload.id}/1?{key_query(upload.key)}", {"authorization": f"Bearer {thief.token}"})
            answers = {what: answer_of(reply) for what, reply in replies.items()}
            self._holds(set(answers.values()) == {NOT_FOUND}, f"{upload}: somebody else was answered {answers}")

    def teardown(self) -> None:
        """Everything is told, days pass, and everything must be in order."""
        try:
            if self._is_sound:
                self._kept.count += 1
                self._ends()
        finally:
            _remove(self._world, self._owners)

    # How it is done.

    @property
    def _is_full(self) -> bool:
        return len(self._uploads) >= MOST

    def _meant(self, which: int) -> Upload:
        return self._uploads[which % len(self._uploads)]

    def _waiting(self, which: int) -> Message | None:
        held = [message for message in self._messages if not message.is_lost]
        # The last one first: it is of what has just happened.
        return held[-1 - which % len(held)] if held else None

    def _about(self, upload: Upload) -> Message | None:
        held = [message for message in self._messages if message.upload is upload and not message.is_lost]
        return held[-1] if held else None

    def _add(self, who: int, kind: Kind) -> Upload:
        return wanted(self._people[who], len(self._uploads), kind)

    def _accept(self, upload: Upload, granted: dict) -> None:
        take(upload, granted)
        reply = upload.person.read(_named(upload))
        self._holds(reply.status == 200, f"{upload} was granted and cannot be read: {reply}")
        upload.ends = _milliseconds(reply.json()["expiresAt"])
        self._uploads.append(upload)
        self._is_stale = True
        if upload.kind is Kind.LOOSE:
            self._exactly(upload, [Outcome("200", (upload.life,), replace(upload.found, is_open=True))], self._does(Op.SIGN, upload, None))

    def _granted(self, who: int, kind: Kind, key: str | None = None) -> Upload:
        known = self._remembered.get((who, key, None)) if key and kind in OF_THE_API else None
        upload = replace(known) if known and known.kind is kind else self._add(who, kind)
        reply = ask(upload, key)
        if known:
            return self._repeated(known, upload, answer_of(reply), reply.json())
        self._holds(answer_of(reply) == ("201" if kind in OF_THE_API else "200"), f"{upload} was not granted: {reply}")
        self._accept(upload, reply.json())
        if key and kind in OF_THE_API:
            self._remembered[who, key, None] = upload
        return upload

    def _repeated(self, known: Upload, asked: Upload, answer: str, said: dict) -> Upload:
        if asked.kind is not known.kind:
            self._holds(answer == "422 idempotency_key_reused", f"the key of {known} was taken for {asked}: {answer}")
            return known
        is_open = life.read_as(known.seen) == State.PENDING
        self._holds(answer == ("201" if is_open else "200"), f"{known}, {known.life}, asked for again: {answer}")
        self._holds(said["id"] == known.id, f"{known}, asked for again, became another upload")
        self._holds(is_open == ("request" in said or "multipart" in said), f"{known}, {known.life}, asked for again: what is to be sent")
        if is_open:
            take(known, said)
        return known

    def _granted_together(self, who: int, kinds: list[Kind], key: str | None) -> None:
        known = [self._remembered.get((who, key or "", place)) for place in range(len(kinds))]
        asked = []
        for place, kind in enumerate(kinds):
            first = known[place]
            asked.append(replace(first) if first and first.kind is kind else wanted(self._people[who], len(self._uploads) + place, kind))
        said = {"items": [upload.said for upload in asked]}
        reply = self._people[who].call("POST", "/v1/uploads/batch", said, {"idempotency-key": key} if key else None)
        self._holds(reply.status == 200, f"a batch: {reply}")
        items = reply.json()["items"]
        self._holds(len(items) == len(kinds), f"a batch of {len(kinds)} was answered {len(items)} times")
        for place, (upload, item) in enumerate(zip(asked, items, strict=True)):
            answer = f"{item['status']}" if "upload" in item else f"{item['status']} {item['problem']['code']}"
            if first := known[place]:
                self._repeated(first, upload, answer, item.get("upload", {}))
                continue
            self._holds(answer == "201", f"{upload} was not granted in a batch: {answer}")
            upload.number = len(self._uploads)
            self._accept(upload, item["upload"])
            if key:
                self._remembered[who, key, place] = upload

    def _granted_in_the_end(self, who: int, kind: Kind, fault: str, nth: int) -> None:
        upload = self._add(who, kind)
        # Nobody else has it.
        key = f"luck {upload.number}".replace(" ", "-") if kind in OF_THE_API else None
        replies = []
        answer = self._unluckily(upload.person, fault, nth, lambda: answer_of(replies.append(ask(upload, key)) or replies[-1]))
        for _ in range(3):
            if answer not in (*PASSING, DIED):
                break
            # Without a key a grant may be there that nobody knows.
            self._unheard += key is None
            replies.append(ask(upload, key))
            answer = answer_of(replies[-1])
        self._holds(answer in ("200", "201"), f"{upload} was never granted: {answer}")
        self._accept(upload, replies[-1].json())

    def _sends(self, upload: Upload, body: Body, *, first: bool, parts: tuple[int, ...] = (1, 2)) -> None:
        if not upload.requests:
            return
        # The model's word on what S3 must say is the grant's: of the right bytes, once, and of nothing else.
        before = upload.found
        said = put(upload, body, first=first, parts=parts)
        self._note(f"S3 said {said}")
        for answer in said:
            self._holds(answer in _may_say(upload, body, before), f"{upload}: S3 answered {body} with {answer}")
        self._observe()
        stored = len(upload.found.versions) - len(before.versions)
        is_stored = said[:1] in (["200"], ["201"]) and upload.kind not in life.IN_PARTS
        self._holds(stored == int(is_stored), f"{upload}: after {body}, which S3 answered with {said}, there are {stored} versions more")

    def _does(self, op: Op, upload: Upload, message: Message | None, *, may_fail: bool = False) -> str:
        self._is_stale = True
        match op:
            case Op.EVENT:
                failed = self._world.courier.deliver(message.body)
                self._holds(failed is None or may_fail, f"{upload}: a message failed: {failed}")
                return AGAIN if failed else WORKED_OFF
            case Op.SWEEP:
                return self._sweep(may_fail=may_fail)
        reply = act(op, upload)
        answer = answer_of(reply)
        self._note(f"{op} answered {answer}")
        if op is Op.CONFIRM and answer == "200" and upload.kind is not Kind.LOOSE:
            said = reply.json()
            self._holds((said["id"], said["size"]) == (upload.id, len(upload.content)), f"{upload}: confirmed as another file: {said}")
        return answer

    def _sweep(self, *, may_fail: bool = False) -> str:
        said = self._world.sweep()
        is_good = "errorType" not in said and not said["failed"] and not said["truncated"]
        self._holds(is_good or may_fail, f"a sweep that nobody disturbed said {said}")
        return "" if is_good else AGAIN

    def _pass(self, milliseconds: int) -> None:
        if not milliseconds:
            return
        for owner in {upload.person.owner for upload in self._uploads}:
            self._world.set_back(owner, milliseconds)
        for upload in self._uploads:
            upload.ends -= milliseconds
            upload.ready_since -= milliseconds

    def _unluckily(self, who: Person, fault: str, nth: int, what: Callable[[], str]) -> str:
        kind, attempts = FAULTS[fault]
        proxy, rule = self._world.proxy, Rule(who.owner, None, nth, kind, attempts)
        proxy.watch(who.owner)
        proxy.arm(rule)
        who.may_die = kind in KILLS
        try:
            return what()
        finally:
            who.may_die = False
            proxy.disarm(rule)
            self._note(f"the fault came about {rule.fired} times")

    # How it is compared.

    def _exactly(self, upload: Upload, allowed: list[Outcome], answer: str) -> None:
        """Nothing came between: the answer, the life and what lies in the bucket are one of these."""
        before = {version for version, _ in upload.found.versions}
        fitting = [outcome for outcome in allowed if outcome.answer == answer]
        self._holds(bool(fitting), f"{upload}, {upload.life}: answered {answer!r} and not {[outcome.answer for outcome in allowed]}")
        self._observe()
        self._becomes(upload, [outcome.life for outcome in fitting])
        lying = [_resolved(outcome.found, before, upload.found) for outcome in fitting]
        self._holds(upload.found.versions in [found.versions for found in lying], f"{upload}, {upload.life}: {upload.found.versions} lies there and not {lying[0].versions}")
        self._holds(upload.found.is_open in [found.is_open for found in lying], f"{upload}, {upload.life}: its parts are {'still' if upload.found.is_open else 'no longer'} kept")
        self._holds(upload.found.thumbnails in [found.thumbnails for found in lying], f"{upload}, {upload.life}: {upload.found.thumbnails} thumbnails lie there")
        if answer in (DONE, WORKED_OFF):
            upload.may_be_served = False

    def _possibly(self, upload: Upload, allowed: list[Outcome], answer: str) -> None:
        """Something failed: it was done as far as it came, and the answer says so or that it may be tried again."""
        normal = [outcome for outcome in allowed if outcome.answer == answer]
        died = {DIED, *PASSING}
        self._holds(bool(normal) or answer in died, f"{upload}, {upload.life}: answered {answer!r} and not {[outcome.answer for outcome in allowed]}")
        upload.may_be_served = True
        reached = normal if normal and answer != WORKED_OFF and answer else allowed
        lives = [outcome.life for outcome in reached] if normal else [life for outcome in reached for life in outcome.lives]
        self._becomes(upload, lives)

    def _becomes(self, upload: Upload, lives: list[Life]) -> None:
        """Whatever the API says of it now must be one of these."""
        reply = upload.person.read(_named(upload))
        self._holds(reply.status == 200, f"{upload} cannot be read: {reply}")
        said = reply.json()
        was = upload.life
        self._touched.add(upload.number)
        told = (said["status"], said.get("reason"), said["file"]["thumbnails"]["status"] if "file" in said else None)
        lying = {version for version, _ in upload.found.versions}
        known = [self._named_now(one, upload) for one in lives]
        fitting = []
        for one in known:
            as_read = life.read_as(upload.seen._replace(life=one))
            if told == (as_read, one.reason, one.thumbnails):
                fitting.append(one)
        self._holds(bool(fitting), f"{upload} was {was}, is {told} and not {[str(one) for one in known]}")
        upload.life = next((one for one in fitting if one.version in lying), fitting[0])
        if upload.life.state is State.READY and was.state is not State.READY:
            upload.ready_since = now_milliseconds()
        self._note(f"{upload} is {upload.life}")

    def _named_now(self, one: Life, upload: Upload) -> Life:
        """With what S3 calls the version that was made of parts."""
        newest = upload.found.newest
        return replace(one, version=newest and newest[0]) if one.version == NEW else one

    def _observe(self) -> None:
        """What lies in the bucket now, and what the queue has been told of it."""
        self._is_stale = False
        s3, bucket = self._world.storage.s3, self._world.storage.bucket
        listed = s3.list_object_versions(Bucket=bucket)
        still_open = {one["Key"] for one in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])}
        # A key's newest version comes first.
        versions = list(reversed(listed.get("Versions", [])))
        for upload in self._uploads:
            mine = [version for version in versions if version["Key"] == upload.key]
            thumbnails = [version for version in versions if version["Key"].startswith(f"thumbnails/{upload.person.owner}/{upload.id}/") and version["IsLatest"]]
            upload.found = Found(
                tuple((version["VersionId"], upload.body_of(version["ETag"])) for version in mine),
                tuple(sorted(upload.parts.items())),
                upload.key in still_open,
                len(thumbnails),
            )
        lying = {(upload.key, version) for upload in self._uploads for version, _ in upload.found.versions}
        deadline = time.monotonic() + ARRIVING_SECONDS
        while True:
            for text in self._world.courier.come(self._owners):
                key, version = read_message(text)
                upload = next((upload for upload in self._uploads if upload.key == key), None)
                self._told.add((key, version or ""))
                if upload:
                    self._messages.append(Message(upload, version, text))
            if lying <= self._told:
                return
            assert time.monotonic() < deadline, f"S3 does not tell of {lying - self._told}"
            time.sleep(0.02)

    def _compare(self) -> None:
        """All that can be seen from outside is what the model says."""
        for who in self._people:
            mine = [upload for upload in self._uploads if upload.person is who]
            if not mine:
                continue
            ready = sorted((upload.id for upload in mine if upload.life.state is State.READY), reverse=True)
            listed = who.files().json()["items"]
            self._holds([file["id"] for file in listed] == ready, f"the files are {listed} and not {ready}")
        for upload in self._uploads:
            self._served(upload)
            if upload.number in self._touched:
                self._shown(upload)
        self._touched.clear()
        for who in self._people:
            self._holds(not who.wrong, str(who.wrong))

    def _served(self, upload: Upload) -> None:
        """The CDN gives out the file if it is one, and never anything else that was put."""
        reply = send("GET", f"{self._world.stack.cdn_url}/{upload.key}")
        is_served = life.is_served(upload.seen)
        self._holds(reply.status in (200, 403), f"{upload}: the CDN answers {reply.status}")
        if reply.status == 200:
            self._holds(reply.body == upload.content, f"{upload}: the CDN gives out what was never verified")
            self._holds(is_served or upload.may_be_served, f"{upload} is {upload.life} and served")
        else:
            self._holds(not is_served, f"{upload} is {upload.life} and not served")

    def _shown(self, upload: Upload) -> None:
        """It is a file of its owner's once it is ready, with all its thumbnails."""
        reply = upload.person.file(_named(upload))
        self._holds(answer_of(reply) == ("200" if upload.life.state is State.READY else NOT_FOUND), f"{upload}, {upload.life}, as a file: {reply}")
        if reply.status == 200:
            shown = reply.json()["thumbnails"].get("items", [])
            self._holds(upload.life.thumbnails != "ready" or bool(shown), f"{upload}: no thumbnails are shown")
            for thumbnail in shown:
                made = send("GET", thumbnail["url"])
                self._holds((made.status, len(made.body)) == (200, thumbnail["size"]), f"{upload}: its thumbnail is {made.status}")

    def _ends(self) -> None:
        """Every message that was not lost comes, days go by, the sweep comes to rest; nothing is in doubt any more."""
        self._note("the end")
        self._is_sound = False
        for message in self._messages:
            if not message.is_lost:
                self._world.courier.work_off(message.body)
        wrong = self._world.passing.let_time_pass(self._owners, LATER)
        stored = look(self._world.stack).of(self._owners)
        wrong += violations(self._world.stack, stored, at_rest=True)
        known = {upload.id for upload in self._uploads}
        strangers = [row["status"] for (_, identifier), row in stored.rows.items() if identifier not in known]
        if len(strangers) > self._unheard or set(strangers) - {State.EXPIRED}:
            wrong.append(f"uploads that nobody was told of: {strangers}")
        for upload in self._uploads:
            row = stored.rows.get((upload.person.owner, upload.id))
            ended = row and row["status"]
            if ended not in _may_end(upload):
                wrong.append(f"{upload} was {upload.life} and ended as {ended}")
        self._kept.stored.rows |= stored.rows
        for who in self._people:
            wrong += who.wrong
        self._holds(not wrong, "\n".join(["at the end:", *wrong]))

    def _holds(self, holds: bool, what: str) -> None:
        if not holds:
            raise AssertionError("\n".join([what, "", "what happened:", *self._transcript]))

    def _note(self, what: str) -> None:
        self._transcript.append(what)

    def _step(self, what: str) -> "_Step":
        self._transcript.append(f"- {what}")
        self._kept.steps += 1
        return _Step(self)


class _Step:
    """One step: until it is through and compared, nothing is certain."""

    def __init__(self, history: Histories) -> None:
        self._history = history

    def __enter__(self) -> None:
        self._history._is_sound = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            if self._history._is_stale:
                self._history._observe()
            self._history._compare()
            self._history._is_sound = True


def _named(upload: Upload) -> dict:
    return {"id": upload.id}


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _in_any_order(upload: Upload, pair: tuple[Op, Op], version: str | None) -> Iterable[tuple[tuple[str, str], Outcome]]:
    """The answers, in the order of the pair, and how it ends."""
    seen = upload.seen
    for first, second in ((0, 1), (1, 0)):
        for one in outcomes(pair[first], seen, version=version):
            then = seen._replace(life=one.life, found=one.found, waited=0 if one.life.state is not seen.life.state else seen.waited)
            for two in outcomes(pair[second], then, version=version):
                answers = {first: one.answer, second: two.answer}
                yield (answers[0], answers[1]), two


def _resolved(found: Found, before: set[str], now: Found) -> Found:
    """With what S3 calls the version that a call has made."""
    new = [version for version, _ in now.versions if version not in before]
    names = {NEW: new[0] if new else NEW}
    return replace(found, versions=tuple((names.get(version, version), body) for version, body in found.versions))


def _may_say(upload: Upload, body: Body, before: Found) -> set[str]:
    """What S3 may answer: anything but what was granted is refused, and nothing replaces what is there."""
    if body is Body.CUT_OFF:
        return {Body.CUT_OFF}
    if upload.kind in life.IN_PARTS:
        # A URL may be older than what it is for.
        if body is Body.SHORT:
            return {"403", "404"}
        return {"200"} if before.is_open else {"404"}
    if upload.kind is Kind.FORM:
        return {"400", "403"} if body in (Body.SHORT, Body.MISTYPED) else {"201"}
    if body in (Body.SHORT, Body.MISTYPED):
        return {"403"}
    if body is Body.WRONG and upload.kind is Kind.BOUND:
        return {"400", "412"}
    return {"412"} if before.versions else {"200"}


def _may_end(upload: Upload) -> set[str]:
    """How it may have ended once time has passed: what had ended stays, a file stays a file, and what was there counts."""
    if upload.life.state is not State.PENDING:
        return {upload.life.state}
    ends = {life.verdict(upload.kind, version, body).state for version, body in upload.found.versions}
    return {str(state) for state in ends} or {State.EXPIRED}


def _remove(world: World, owners: set[str]) -> None:
    """Nobody shall trip over it later, nor any sweep go through it."""
    world.proxy.forget(owners)
    stored = look(world.stack)
    s3, bucket = world.storage.s3, world.storage.bucket
    for version in stored.versions + stored.markers:
        if owner_of(version["Key"]) in owners:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    for one in stored.multiparts:
        if owner_of(one["Key"]) in owners:
            s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
    for owner in owners:
        world.courier.forget(owner)
        pages = world.storage.dynamodb.get_paginator("query").paginate(
            TableName=world.storage.table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": f"OWNER#{owner}"}}
        )
        for item in [item for page in pages for item in page["Items"]]:
            world.storage.dynamodb.delete_item(TableName=world.storage.table, Key={name: item[name] for name in ("pk", "sk")})
