"""`make test` runs every part, whatever happened to the ones before, and fails if one failed."""

import subprocess
import sys

from infra.local.places import ROOT


def parts(tmp_path, *names):
    busy = "import time; any(time.process_time() > 1 for _ in iter(int, 1))"
    (tmp_path / "Makefile").write_text(f"good:\n\t@echo ran good\nbad:\n\t@false\nbusy:\n\t@python3 -c '{busy}'\nleft:\n\t@echo left SKIPPED: why >> $$VALET_SKIPPED\n")
    command = [sys.executable, ROOT / "infra" / "tools" / "parts.py", *names]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)


def test_all_good_is_a_success_with_the_time_of_each(tmp_path):
    done = parts(tmp_path, "good", "good")
    assert done.returncode == 0
    assert "2 parts passed, 0 failed" in done.stdout.splitlines()[-1]


def test_the_cpu_of_what_a_part_started_is_told_beside_its_time(tmp_path):
    done = parts(tmp_path, "good", "busy")
    cpu = {line.split()[0]: float(line.split()[-3]) for line in done.stdout.splitlines() if line.endswith(" s CPU")}
    assert cpu["busy"] > 0.5 + cpu["good"]


def test_a_failure_is_kept_and_does_not_stop_the_rest(tmp_path):
    done = parts(tmp_path, "bad", "good")
    assert done.returncode == 1
    assert "ran good" in done.stdout
    assert "1 parts passed, 1 failed" in done.stdout.splitlines()[-1]


def test_a_part_that_was_left_out_is_named_with_its_reason_and_did_not_pass(tmp_path):
    done = parts(tmp_path, "left", "good")
    assert done.returncode == 0
    assert "!!! left SKIPPED: why" in done.stdout.splitlines()
    assert "1 parts passed, 0 failed, 1 skipped" in done.stdout.splitlines()[-1]
