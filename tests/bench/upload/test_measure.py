"""The instruments: what they must see, and what they must not say."""

import sys

import pytest

from tests.bench.upload import bounds, measure, tables
from tests.bench.upload.bounds import Row
from tests.bench.upload.measure import Measured

MIB = 1 << 20
# Holds 100 MiB of its own and maps 50 MiB of a file, for long enough to be seen.
HOLDER = """
import mmap, subprocess, sys, time
if len(sys.argv) > 2:
    sys.exit(subprocess.call([sys.executable, "-c", sys.argv[2], sys.argv[1]]))
own = bytearray(b"x") * (100 << 20)
with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    sum(mapped[n] for n in range(0, len(mapped), 4096))
    deadline = time.process_time() + 0.3
    while time.process_time() < deadline:
        pass
    print("done")
"""


@pytest.mark.parametrize("in_a_child", [False, True])
def test_memory_and_cpu_time_of_everything_that_was_started_are_seen(tmp_path, in_a_child):
    file = tmp_path / "file"
    file.write_bytes(bytes(50 * MIB))
    command = [sys.executable, "-c", HOLDER, str(file), *([HOLDER] if in_a_child else [])]
    run = measure.run(command, env={}, cwd=tmp_path, log=tmp_path / "log")
    assert (run.status, run.output) == (0, b"done\n")
    assert 100 * MIB < run.anonymous < 130 * MIB
    assert run.resident > 150 * MIB
    assert 0.3 <= run.cpu_seconds < 5


def row(tool: str, *, wall: float, cpu: float, anonymous: int = 10 * MIB, is_over_tls: bool = False) -> Row:
    runs = [Measured(0, wall * worse, cpu * worse, anonymous, anonymous, b"") for worse in (1.5, 1.0, 1.2)]
    return Row("a server", 10**9, tool, "", tool != "not held", is_over_tls, runs)


def test_bounds_are_held_by_the_best_round_and_missed_by_the_worst_case():
    rows = [row("valet", wall=1, cpu=0.5), row("boto3", wall=1.1, cpu=2.1), row("aws s3 cp", wall=0.9, cpu=3), row("not held", wall=0.1, cpu=0.1)]
    found = {verdict.text: verdict for verdict in bounds.verdicts(rows)}
    assert found["our CPU time a byte over that of boto3, over plain HTTP"].is_held
    assert found["our CPU time a byte over that of aws s3 cp, over plain HTTP"].is_held
    assert found["our time over that of boto3"].is_held
    assert not found["our time over that of aws s3 cp"].is_held
    assert found["our anonymous memory, MiB"].is_held
    assert not any("not held" in text for text in found)
    over_tls = [row("valet", wall=2, cpu=1, is_over_tls=True), row("boto3", wall=1, cpu=1, is_over_tls=True)]
    assert [verdict.text for verdict in bounds.verdicts(over_tls)] == ["our time over that of boto3", "our anonymous memory, MiB"]
    fat = list(bounds.verdicts([row("valet", wall=1, cpu=1, anonymous=65 * MIB)]))
    assert [verdict.is_held for verdict in fat] == [False]


def test_the_document_keeps_what_stands_around_the_tables():
    document = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"
    assert tables.written(document, "new") == f"before\n{tables.BEGIN}\nnew\n{tables.END}\nafter\n"
    with pytest.raises(ValueError, match="begin"):
        tables.written("nothing", "new")
