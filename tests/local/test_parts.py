"""`make test` runs every part, whatever happened to the ones before, and fails if one failed."""

import os
import signal
import subprocess
import sys

import pytest

from infra.local.places import ROOT
from tests.local.processes import eventually

BUSY = "import time; any(time.process_time() > 1 for _ in iter(int, 1))"
# Each makes its own file and waits for the other's, for ten seconds at most.
MEETS = "touch {0}; for _ in $$(seq 100); do test -f {1} && exit 0; sleep 0.1; done; exit 1"
MAKEFILE = "\n".join(
    f"{name}:\n\t@{recipe}"
    for name, recipe in {
        "good": "echo ran good",
        "bad": "echo ran bad; false",
        "busy": f"python3 -c '{BUSY}'",
        "left": "echo left SKIPPED: why >> $$VALET_SKIPPED",
        "one": MEETS.format("one-is-here", "other-is-here"),
        "other": MEETS.format("other-is-here", "one-is-here"),
        "waits": "touch waiting; exec sleep 60",
    }.items()
)


def command(tmp_path, *arguments):
    (tmp_path / "Makefile").write_text(MAKEFILE + "\n")
    return [sys.executable, ROOT / "infra" / "tools" / "parts.py", *arguments]


def parts(tmp_path, *arguments):
    return subprocess.run(command(tmp_path, *arguments), cwd=tmp_path, capture_output=True, text=True)


def heed_interrupts():
    """What runs in the background of a shell ignores them, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_all_good_is_a_success_with_the_time_of_each(tmp_path):
    done = parts(tmp_path, "good", "good")
    assert done.returncode == 0
    assert "2 parts passed, 0 failed" in done.stdout.splitlines()[-1]


def test_the_cpu_of_what_a_part_started_is_told_beside_its_time(tmp_path):
    done = parts(tmp_path, "good", "--beside", "good", "busy")
    cpu = {line.split()[0]: float(line.split()[-3]) for line in done.stdout.splitlines() if line.endswith(" s CPU")}
    assert cpu["busy"] > 0.5 + cpu["good"]


@pytest.mark.parametrize("way", [["bad", "good"], ["--beside", "bad", "good"], ["bad", "--beside", "good"], ["good", "--beside", "bad"]])
def test_a_failure_is_kept_and_does_not_stop_the_rest(tmp_path, way):
    done = parts(tmp_path, *way)
    assert done.returncode == 1
    assert "ran good" in done.stdout and "ran bad" in done.stdout
    assert "1 parts passed, 1 failed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("way", [[], ["--beside"]])
def test_a_part_that_was_left_out_is_named_with_its_reason_and_did_not_pass(tmp_path, way):
    done = parts(tmp_path, *way, "left", "good")
    assert done.returncode == 0
    assert "!!! left SKIPPED: why" in done.stdout.splitlines()
    assert "1 parts passed, 0 failed, 1 skipped" in done.stdout.splitlines()[-1]


def test_parts_beside_each_other_run_at_the_same_time_and_what_each_says_stays_together(tmp_path):
    assert parts(tmp_path, "--lanes", "2", "--beside", "one", "other").returncode == 0
    said = parts(tmp_path, "--lanes", "2", "--beside", "good", "bad").stdout
    for part in ("good", "bad"):
        assert f"=== make {part}\nran {part}\n" in said


def test_what_is_named_first_is_done_before_what_runs_beside(tmp_path):
    said = parts(tmp_path, "busy", "--beside", "good").stdout
    assert said.index("=== make busy") < said.index("=== make good begins")


def test_an_interrupt_ends_all_of_them(tmp_path):
    words = command(tmp_path, "--lanes", "1", "--beside", "waits", "busy")
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True, process_group=0, preexec_fn=heed_interrupts)
    assert eventually((tmp_path / "waiting").is_file)
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=20)
    assert running.returncode == 130 and "busy" not in said
