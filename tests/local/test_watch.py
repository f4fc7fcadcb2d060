"""`make watch` compiles and runs the real functions against the local S3 and table, and ends with all it started."""

import json
import os
import signal
import subprocess

import pytest

from infra.local.places import ROOT

from .terminal import Terminal, free_ports_in_a_row

# It compiles the functions, which takes minutes in a fresh clone.
COMPILING_SECONDS = 1200


@pytest.fixture
def watch(tmp_path):
    ports = free_ports_in_a_row(6)
    arguments = ["watch", f"PORT={ports[0]}", f"LAMBDA_PORT={ports[5]}"]
    running = Terminal(arguments, until="Lambda API", state=tmp_path, ports=ports, env={})
    yield running
    running.kill()


def test_an_event_is_answered_and_ctrl_c_ends_everything(watch):
    watch.wait_until_ready(COMPILING_SECONDS)
    invoke = ["make", "--no-print-directory", "invoke-issue-upload", f"LAMBDA_PORT={watch.ports[5]}"]
    done = subprocess.run(invoke, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=COMPILING_SECONDS)
    assert done.returncode == 0, done.stderr + watch.words
    answer = json.loads(done.stdout)
    assert answer["statusCode"] == 201, answer
    # The same S3 as the deployed functions speak to.
    assert json.loads(answer["body"])["request"]["url"].startswith(f"http://127.0.0.1:{watch.ports[0]}/valet-")
    processes = watch.processes()
    assert any(command.endswith("debug/issue-upload") for command in processes.values()), processes
    watch.press(signal.SIGINT)
    watch.leaves_nothing(processes)
    assert not (watch.state / "outputs.json").exists()
