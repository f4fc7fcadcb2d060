"""Every use case, times every AWS call it makes, times every fault that the call can have: made from a run without faults, so that a call
somebody adds is in it from its first day.

The fast part has of each call that changes something one fault before its effect, one after it and one death, of each that only reads one
fault and one death, taking turns through the kinds; and each operation once too late. It must never leave out a call.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.cases import Case
from tests.faults.client import Client
from tests.faults.kinds import COMPLETE, KILLS, RETRIED, Kind, kinds_of
from tests.faults.operations import Operation
from tests.faults.proxy import Rule
from tests.faults.world import World

# As often as the SDK tries.
ALL_TRIES = 3
# The first try has had its effect, and the second meets it.
ONCE_AS_WELL = {Kind.LOST, Kind.FAILED, Kind.LATE, Kind.CUT}
BEFORE = (Kind.THROTTLED, Kind.CAPACITY, Kind.UNAVAILABLE, Kind.ERROR, Kind.CONFLICT, Kind.RESET)
AFTER = (Kind.LOST, Kind.FAILED, Kind.CUT, Kind.ERROR_IN_200, Kind.DONE_ERROR_IN_200)
AT_ONCE = 8
# On a busy machine a process may lose patience with a call before it is found.
TO_HIT = 3
MISSED = "the process to be killed was not found"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong in one run of a use case."""

    operation: Operation
    ordinal: int
    kind: Kind
    attempts: int

    def __str__(self) -> str:
        tries = f", {self.attempts} tries" if self.attempts > 1 else ""
        return f"{self.operation} {self.ordinal}: {self.kind}{tries}"


@dataclass
class Run:
    """What became of a use case under a fault."""

    case: Case
    fault: Fault | None
    client: Client
    wrong: list[str]
    # By which function; of a run without faults.
    calls: set[tuple[str | None, Operation]] = field(default_factory=set)

    def __str__(self) -> str:
        return f"{self.case}, {self.fault or 'no fault'}"


def recorded(world: World, case: Case) -> tuple[Run, list[tuple[Operation, int]]]:
    """A run without faults, and the calls it made, each once however often it was tried. The run keeps who made them."""
    client = world.client()
    grant = prepared(world, case, client)
    run = acted(world, case, None, client, grant, by_function=True)
    calls = world.proxy.of(client.owner)
    run.calls = {(call.function, call.operation) for call in calls}
    return run, list(dict.fromkeys((call.operation, call.ordinal) for call in calls))


def faults(calls: Iterable[tuple[Operation, int]]) -> list[Fault]:
    """All of them."""
    found = []
    for operation, ordinal in calls:
        for kind in kinds_of(operation):
            is_retried = kind in RETRIED and operation.name != COMPLETE
            if not is_retried or kind in ONCE_AS_WELL:
                found.append(Fault(operation, ordinal, kind, 1))
            if is_retried:
                found.append(Fault(operation, ordinal, kind, ALL_TRIES))
    return found


class Turns:
    """Picks the fast part, going on from one use case to the next where it has stopped."""

    def __init__(self) -> None:
        self._turn: dict[str, int] = {}
        self._late: set[str] = set()

    def pick(self, every: list[Fault]) -> list[Fault]:
        """Of each call one fault of each sort."""
        found = []
        for call in dict.fromkeys((fault.operation, fault.ordinal) for fault in every):
            mine = [fault for fault in every if (fault.operation, fault.ordinal) == call]
            for sort in (BEFORE, AFTER, tuple(KILLS)) if call[0].has_effect else (BEFORE + AFTER, tuple(KILLS)):
                fitting = [fault for fault in mine if fault.kind in sort]
                found.append(fitting[self._next(f"{sort} {call[0]}") % len(fitting)])
            if call[0].name not in self._late:
                self._late.add(call[0].name)
                found += [fault for fault in mine if fault.kind is Kind.LATE and fault.operation.name != COMPLETE][:1]
        return found

    def _next(self, what: str) -> int:
        self._turn[what] = self._turn.get(what, -1) + 1
        return self._turn[what]


def run_all(world: World, case: Case, every: list[Fault]) -> list[Run]:
    """The use case once for each fault, several at once: each has a user of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda fault: _run(world, case, fault), every))


def _run(world: World, case: Case, fault: Fault) -> Run:
    for _ in range(TO_HIT):
        client = world.client()
        run = acted(world, case, fault, client, prepared(world, case, client))
        if MISSED not in run.wrong:
            break
    return run


def prepared(world: World, case: Case, client: Client) -> dict:
    """What has to be there before, and as long ago as it has to be."""
    grant = case.prepare(world, client)
    if case.milliseconds:
        world.set_back(client.owner, case.milliseconds)
    return grant


def acted(world: World, case: Case, fault: Fault | None, client: Client, grant: dict, *, by_function: bool = False) -> Run:
    """The use case itself, under a fault."""
    world.proxy.watch(client.owner, by_function=by_function)
    client.may_die = fault is not None and fault.kind in KILLS
    rule = armed(world, client.owner, fault) if fault else None
    wrong = []
    try:
        case.act(world, client, grant)
    except AssertionError as failed:
        wrong.append(f"{failed}; answers: {client.seen.answers}")
    if rule:
        world.proxy.disarm(rule)
        if not rule.fired:
            wrong.append("the fault never came about")
        if rule.has_missed:
            wrong.append(MISSED)
    return Run(case, fault, client, wrong + client.seen.faults)


def armed(world: World, owner: str | None, fault: Fault) -> Rule:
    """The rule of a fault, in force."""
    rule = Rule(owner, fault.operation, fault.ordinal, fault.kind, fault.attempts)
    world.proxy.arm(rule)
    return rule
