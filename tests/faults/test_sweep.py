"""Whatever call of the sweep fails, and however: it goes on with the rest, and the next run finishes what this one could not."""

from concurrent.futures import ThreadPoolExecutor

from tests.faults import cases, matrix
from tests.faults.cases import Case
from tests.faults.client import Client
from tests.faults.kinds import KILLS
from tests.faults.matrix import Fault, Run
from tests.faults.operations import Operation
from tests.faults.world import World

NOBODYS = cases.SWEPT[0]
# A shard is like another.
SHARDS = 2
# Each call's faults come one a run, and a death hides the calls after it.
RUNS = 60

Wanted = list[tuple[Case, Fault]]


def test_every_call_for_an_upload_may_fail(world, tried):
    """As many uploads as faults, each about another, in one run."""
    wanted = [one for case, every in _recorded(world, tried).items() for one in ((case, fault) for fault in every)]
    tried.note(_swept(world, [one for one in wanted if one[1].kind not in KILLS]))


def test_every_call_for_an_upload_may_be_the_last(world, tried):
    """A death is the end of a run, so there is one in each. The fast part has one for every state."""
    for case, every in _recorded(world, tried).items():
        deaths = [fault for fault in every if fault.kind in KILLS]
        for fault in deaths if tried.is_whole else deaths[-1:]:
            tried.note(_swept(world, [(case, fault)]))


def test_every_list_may_fail(world, tried):
    """Calls that are about nobody: shards, cursors, pages. Each run makes them all anew."""
    world.proxy.watch(None, by_function=True)
    world.sweep()
    made = {(call.function, call.operation) for call in world.proxy.of(None)}
    calls = list(dict.fromkeys((call.operation, call.ordinal) for call in world.proxy.of(None)))
    assert {operation.name for operation, _ in calls} == {"Query", "GetItem", "PutItem", "ListMultipartUploads", "ListObjectVersions"}
    calls = [call for call in calls if call[0].name != "Query" or call[1] <= SHARDS]
    client = _prepared(world, NOBODYS)
    every = tried.of(matrix.faults(calls))
    left = [matrix.armed(world, None, fault) for fault in every]
    for _ in range(RUNS):
        world.proxy.watch(None)
        world.sweep()
        for rule in [rule for rule in left if rule.fired]:
            world.proxy.disarm(rule)
            left.remove(rule)
        if not left:
            break
    assert not left, f"never came about: {left}"
    run = matrix.acted(world, NOBODYS, None, client, {})
    tried.note([run, *(Run(NOBODYS, fault, client, [], made) for fault in every)])


def _recorded(world: World, tried) -> dict[Case, list[Fault]]:
    """Each state that the sweep finds, and the faults of the calls it makes for it."""
    with ThreadPoolExecutor(matrix.AT_ONCE) as pool:
        clients = list(pool.map(lambda case: _prepared(world, case, by_function=True), cases.SWEPT))
    tried.note([matrix.acted(world, cases.SWEPT[0], None, clients[0], {})])
    found, made = {}, set()
    for case, client in zip(cases.SWEPT, clients, strict=True):
        made |= {(call.function, call.operation) for call in world.proxy.of(client.owner)}
        calls: dict[tuple[Operation, int], None] = dict.fromkeys((call.operation, call.ordinal) for call in world.proxy.of(client.owner))
        assert calls, f"nothing was called for {case}"
        found[case] = tried.of(matrix.faults(calls))
    tried.note([Run(case, None, client, [], made) for case, client in zip(cases.SWEPT[1:], clients[1:], strict=True)])
    return found


def _swept(world: World, wanted: Wanted) -> list[Run]:
    with ThreadPoolExecutor(matrix.AT_ONCE) as pool:
        clients = list(pool.map(lambda one: _prepared(world, one[0]), wanted))
    rules = [matrix.armed(world, client.owner, fault) for client, (_, fault) in zip(clients, wanted, strict=True)]
    wrong = []
    try:
        cases.sweeps(world, clients[0], {})
    except AssertionError as failed:
        wrong.append(str(failed))
    runs = []
    for client, (case, fault), rule in zip(clients, wanted, rules, strict=True):
        world.proxy.disarm(rule)
        runs.append(Run(case, fault, client, wrong + ([] if rule.fired else ["the fault never came about"])))
        wrong = []
    return runs


def _prepared(world: World, case: Case, *, by_function: bool = False) -> Client:
    client = world.client()
    matrix.prepared(world, case, client)
    world.proxy.watch(client.owner, by_function=by_function)
    return client
