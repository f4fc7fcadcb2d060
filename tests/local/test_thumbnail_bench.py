"""The thumbnails' benchmark: its arithmetic and its verdicts, without its peers."""

import pytest

from tests.bench.thumbnails import bounds, tables
from tests.bench.thumbnails.bounds import Outcome, Row


def row(name="photo.jpg", kind="baseline", megapixels=12.2, ours=20.0, sharp=60.0, memory=(10, 80), ssim=(0.98, 0.975)):
    """An input that holds every bound unless told otherwise."""
    outcomes = {
        "ours": Outcome([ours, 2 * ours], memory[0], [9000], [ssim[0]]),
        "sharp": Outcome([2 * sharp, sharp], memory[1], [9000], [ssim[1]]),
    }
    return Row(name, kind, megapixels, 3_000_000, outcomes)


def missed(small, sets=()):
    """The bounds that were missed, by the beginning of their text."""
    return [verdict.text for verdict in bounds.verdicts(small, list(sets)) if not verdict.is_held]


def test_the_geometric_mean_of_ratios_is_that_of_their_logarithms():
    assert bounds.geometric_mean([2, 8]) == pytest.approx(4)
    assert bounds.geometric_mean([4, 0.25]) == pytest.approx(1)


def test_the_best_round_counts():
    assert row(ours=20, sharp=50).ratio() == 2.5


def test_what_holds_every_bound_misses_none():
    small = [row(), row(kind="progressive", sharp=250.0), row(kind="PNG", sharp=21.0), row(kind="WebP", sharp=20.0), row(kind="GIF")]
    assert missed(small, [row(ours=20, sharp=51)]) == []


@pytest.mark.parametrize(
    ("small", "sets", "text"),
    [
        ([row(sharp=47.0)], [], "baseline JPEG from 6 MP: sharp's CPU over ours, geometric mean"),
        ([row(sharp=200.0), row(sharp=33.0)], [], "baseline JPEG from 6 MP: sharp's CPU over ours, each"),
        ([row(memory=(21, 80))], [], "baseline JPEG from 6 MP: our peak memory over sharp's"),
        ([row(memory=(129, 900))], [], "12 MP: our peak memory, MB"),
        ([row(kind="progressive", sharp=199.0)], [], "progressive JPEG: sharp's CPU over ours, each"),
        ([row(kind="PNG", sharp=19.0)], [], "PNG: our CPU over sharp's"),
        ([row(kind="GIF", sharp=19.0)], [], "GIF: our CPU over sharp's"),
        ([row(kind="WebP", ssim=(0.97, 0.976))], [], "200 px: our SSIM less sharp's"),
        ([], [row(sharp=49.0)], "1600 + 800 + 200 of a JPEG: our CPU over sharp's, geometric mean"),
    ],
)
def test_each_bound_can_be_missed(small, sets, text):
    assert missed(small, sets) == [text]


def test_small_photographs_are_outside_the_bounds_for_large_ones():
    assert missed([row(megapixels=0.3, sharp=10.0)]) == []


def test_an_input_that_one_side_refused_is_not_compared():
    refused = row()
    del refused.outcomes["ours"]
    assert list(bounds.verdicts([refused], [])) == []
    assert refused.name in tables.cpu([refused], {"ours": 1, "sharp": 1, "Pillow": 1})


def test_tables_replace_what_stood_between_the_markers():
    document = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"
    assert tables.written(document, "new") == f"before\n{tables.BEGIN}\nnew\n{tables.END}\nafter\n"
    with pytest.raises(ValueError):
        tables.written("no markers\n", "new")
