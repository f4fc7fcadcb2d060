"""Histories that are worth playing in every run, whatever chance brings: each is the shortest that goes wrong without one of the rules it is
named after. One that has failed is pasted here as it was printed."""

from collections.abc import Iterator

import pytest

from tests.histories.life import Body, Kind, Op
from tests.histories.machine import Histories


@pytest.fixture
def state(world, kept) -> Iterator[Histories]:
    history = Histories(world, kept)
    yield history
    history.teardown()


def test_what_had_arrived_goes_with_its_grant_and_what_comes_late_with_its_event(state):
    state.begins(is_sent=True, kind=Kind.PHOTO, other=Kind.FILM)
    state.sends(body=Body.RIGHT, first=True, parts=(1,), twice=False, which=1)
    state.cancels(which=0)
    state.cancels(which=1)
    state.signs(which=0)
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=False, which=0)
    state.is_told(times=1, which=0)


def test_a_form_that_is_sent_again_replaces_nothing(state):
    state.begins(is_sent=True, kind=Kind.FORM, other=None)
    state.is_told(times=1, which=0)
    state.sends(body=Body.WRONG, first=True, parts=(1, 2), twice=False, which=0)
    state.is_told(times=2, which=0)


def test_what_is_sent_within_the_grace_counts(state):
    state.begins(is_sent=False, kind=Kind.BOUND, other=Kind.PAPER)
    state.time_goes_by(is_swept=True, passed="35 minutes")
    state.time_goes_by(is_swept=True, passed="35 minutes")
    state.signs(which=0)
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=True, which=0)
    state.confirms(which=0)
    # Nobody confirms the other, and its event is lost.
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=False, which=1)
    state.suffers(what="an event is lost", which=0)
    state.time_goes_by(is_swept=True, passed="150 minutes")


def test_a_page_is_no_picture_whatever_it_is_called_and_whoever_stored_it(state):
    state.begins(is_sent=False, kind=Kind.PHOTO, other=Kind.LOOSE)
    state.sends(body=Body.WRONG, first=True, parts=(1, 2), twice=False, which=0)
    state.confirms(which=0)
    state.sends(body=Body.WRONG, first=True, parts=(1, 2), twice=False, which=1)
    state.confirms(which=1)
    state.suffers(what="somebody breaks in", which=0)
    state.is_told(times=1, which=0)


def test_a_deletion_leaves_nothing_and_nothing_comes_back(state):
    state.begins(is_sent=True, kind=Kind.PHOTO, other=Kind.PAPER)
    state.is_told(times=1, which=0)
    state.deletes(which=0)
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=False, which=0)
    state.is_told(times=1, which=0)
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=False, which=1)
    state.at_once(pair=(Op.DELETE, Op.EVENT), which=1)


def test_a_key_is_one_upload_and_a_place_of_a_batch_another(state):
    state.begins(is_sent=False, kind=Kind.PAPER, other=None)
    state.asks(another=None, fault=None, key="a", kind=Kind.PHOTO, who=0)
    state.asks(another=None, fault=None, key="a", kind=Kind.PHOTO, who=0)
    state.asks(another=None, fault=None, key="a", kind=Kind.BOUND, who=0)
    state.asks(another=Kind.PAPER, fault=None, key="a", kind=Kind.PHOTO, who=0)
    state.cancels(which=1)
    state.asks(another=None, fault=None, key="a", kind=Kind.PHOTO, who=0)
    state.asks(another=Kind.PAPER, fault=None, key="a", kind=Kind.PHOTO, who=0)


def test_of_two_calls_at_once_one_is_the_first(state):
    state.begins(is_sent=True, kind=Kind.PHOTO, other=Kind.DAMAGED)
    state.at_once(pair=(Op.CONFIRM, Op.CANCEL), which=0)
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=False, which=1)
    state.at_once(pair=(Op.CANCEL, Op.EVENT), which=1)
    state.at_once(pair=(Op.EVENT, Op.EVENT), which=1)


def test_a_call_that_dies_between_a_tag_and_its_row_is_taken_up_again(state):
    state.begins(is_sent=True, kind=Kind.PHOTO, other=Kind.FILM)
    state.has_bad_luck(fault="killed after", nth=3, op=Op.CONFIRM, which=0)
    state.sends(body=Body.RIGHT, first=True, parts=(1, 2), twice=False, which=1)
    state.has_bad_luck(fault="done, answer failed", nth=4, op=Op.CONFIRM, which=1)
    state.confirms(which=0)
    state.confirms(which=1)


def test_a_refusal_that_is_asked_about_again_takes_away_what_lay_below(state):
    state.begins(is_sent=True, kind=Kind.PHOTO, other=None)
    state.suffers(what="somebody breaks in", which=0)
    state.confirms(which=0)
    state.confirms(which=0)
    state.cancels(which=0)
