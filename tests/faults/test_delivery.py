"""Events and messages come twice, late, in another order, again after a failure, or at the same time as a confirm: each is worked off, and
what comes of it is one file, counted once."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.polling import eventually
from tests.e2e.samples import PHOTO
from tests.faults import cases, matrix
from tests.faults.cases import Case
from tests.faults.client import Client
from tests.faults.kinds import Kind
from tests.faults.matrix import Fault, Run
from tests.faults.operations import DYNAMODB, Operation
from tests.faults.world import World

AT_ONCE = 6
ROUNDS = 3


def together(*what: Callable[[], object]) -> list[object]:
    """All of these at the same moment."""
    with ThreadPoolExecutor(len(what)) as pool:
        return [done.result() for done in [pool.submit(one) for one in what]]


def done_in_the_end(world: World, bodies: list[str]) -> None:
    for body in bodies:
        world.courier.work_off(body)


def noted(tried, client: Client, ends: str, name: str) -> None:
    """Has what is left of it looked at as well."""
    tried.note([Run(Case(name, cases.nothing, cases.reads, ends), None, client, client.seen.faults)])


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_event_that_comes_six_times_at_once_beside_two_confirms_makes_one_file(world, tried, round_):
    client = world.client()
    grant = client.upload(PHOTO, checksum=True)
    (body,) = world.courier.take(client.owner)
    answers = together(*[lambda: world.courier.deliver(body)] * AT_ONCE, lambda: client.confirm(grant), lambda: client.confirm(grant))
    assert answers[:AT_ONCE] == [None] * AT_ONCE
    assert {reply.status for reply in answers[AT_ONCE:]} == {200}
    row = world.storage.row(client.owner, grant["id"])
    assert (row["status"], row["thumbnails"]["status"]) == ("ready", "ready")
    noted(tried, client, "ready", f"six events and two confirms at once, {round_}")


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_events_and_confirms_that_meet_a_deletion_bring_nothing_back(world, tried, round_):
    client = world.client()
    grant = cases.confirmed(world, client)
    (body,) = world.courier.take(client.owner)
    answers = together(*[lambda: world.courier.deliver(body)] * AT_ONCE, lambda: client.delete(grant), lambda: client.delete(grant))
    assert {reply.status for reply in answers[AT_ONCE:]} == {204}
    done_in_the_end(world, [body])
    assert world.storage.row(client.owner, grant["id"])["status"] == "deleted"
    assert world.storage.versions(f"uploads/{client.owner}") == []
    noted(tried, client, "deleted", f"six events and two deletions at once, {round_}")


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_of_a_confirm_and_a_cancel_at_once_one_wins_and_holds(world, tried, round_):
    client = world.client()
    grant = client.upload(PHOTO)
    (body,) = world.courier.take(client.owner)
    confirm, cancel, _ = together(lambda: client.confirm(grant), lambda: client.cancel(grant), lambda: world.courier.deliver(body))
    done_in_the_end(world, [body])
    status = world.storage.row(client.owner, grant["id"])["status"]
    if status == "ready":
        assert (confirm.status, cancel.status) == (200, 409), (confirm, cancel)
    else:
        assert (status, confirm.status, cancel.status) == ("cancelled", 409, 204), (confirm, cancel)
    noted(tried, client, status, f"a confirm, a cancel and an event at once, {round_}")


def test_events_in_any_order_each_twice_and_days_late_change_nothing_that_was_settled(world, tried):
    """Ten uploads of every fate; then all their events, shuffled."""
    dice = random.Random(7)
    clients, bodies = [], []
    for number in range(10):
        client = world.client()
        grant = client.upload(PHOTO)
        ends = ("ready", "cancelled", "deleted", "ready", "ready")[number % 5]
        if number % 5 == 1:
            assert client.cancel(grant).status == 204
        if number % 5 in (2, 3):
            assert client.confirm(grant).status == 200
        if number % 5 == 2:
            assert client.delete(grant).status == 204
        bodies += world.courier.take(client.owner) * 2
        clients.append((client, ends))
    dice.shuffle(bodies)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(world.courier.work_off, bodies))
    for client, ends in clients:
        world.set_back(client.owner, 4 * 24 * 3_600_000)
    dice.shuffle(bodies)
    done_in_the_end(world, bodies)
    for client, ends in clients:
        noted(tried, client, ends, "events in any order")


def test_a_url_that_is_used_again_after_the_deletion_meets_its_tombstone_however_late_its_event(world, tried):
    client = world.client()
    grant = cases.ready(world, client)
    assert client.delete(grant).status == 204
    assert client.put(grant, PHOTO.content).status == 200
    (body,) = world.courier.take(client.owner)
    world.set_back(client.owner, 24 * 3_600_000)
    done_in_the_end(world, [body, body])
    assert world.storage.versions(f"uploads/{client.owner}") == []
    noted(tried, client, "deleted", "a URL used after the deletion")


def test_what_the_real_queue_gives_up_lies_in_the_dead_letters_and_the_sweep_ends_it(world, tried):
    """Once a process dies over a message, which comes again; another message fails each of its five times."""
    sqs, queue = world.storage.sqs, world.storage.queue_url
    patience = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    update = Operation(DYNAMODB, "TransactWriteItems")
    dies, fails = world.client(), world.client()
    grants = [client.grant(PHOTO) for client in (dies, fails)]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    for client in (dies, fails):
        world.proxy.watch(client.owner)
    rules = [matrix.armed(world, dies.owner, Fault(update, 1, Kind.KILLED_AFTER, 1))]
    rules += [matrix.armed(world, fails.owner, Fault(update, ordinal, Kind.THROTTLED, 3)) for ordinal in range(1, 6)]
    world.courier.is_away(True)
    try:
        for client, grant in zip((dies, fails), grants, strict=True):
            assert client.put(grant, PHOTO.content).status == 200
        made = lambda: world.storage.row(dies.owner, grants[0]["id"]).get("thumbnails", {}).get("status") == "ready"  # noqa: E731
        eventually(made, "the message of the process that died came again", 60)
        eventually(lambda: any(fails.owner in body for body in world.storage.dead_letters()), "the other is a dead letter", 120)
    finally:
        world.courier.is_away(False)
        for rule in rules:
            world.proxy.disarm(rule)
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=patience)
    assert world.storage.row(fails.owner, grants[1]["id"])["status"] == "pending"
    noted(tried, dies, "ready", "a process died over a message")
    # Nobody moves the dead letter: the sweep finds the file at the end of its grant.
    noted(tried, fails, "ready", "a message failed five times")
