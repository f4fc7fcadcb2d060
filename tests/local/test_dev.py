"""`make dev` ends with all it started, however it is ended, and says in one sentence why it cannot start.

Its cargo is a stand-in that succeeds at once and its functions are the echo: what is looked at here is the launcher.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from infra.local.places import FUNCTIONS, ROOT
from infra.local.ports import LOOPBACK

from .http import request
from .processes import alive, eventually
from .terminal import Terminal, free_ports_in_a_row

READY_SECONDS = 60
LAST_WORDS = "Ctrl-C stops everything."


@pytest.fixture
def built(tmp_path, echo):
    """An environment in which everything is built already."""
    for name in FUNCTIONS:
        binary = tmp_path / "target" / "debug" / name
        binary.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(echo, binary)
    return {"PATH": f"{_cargo(tmp_path, 'exit 0')}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(tmp_path / "target")}


@pytest.fixture
def dev(tmp_path, built):
    ports = free_ports_in_a_row()
    running = Terminal(["dev", f"PORT={ports[0]}"], until=LAST_WORDS, state=tmp_path, ports=ports, env=built)
    yield running
    running.kill()


def started(dev: Terminal) -> dict[int, str]:
    """Waits until it is up, calls a function, and returns every process there is then."""
    dev.wait_until_ready(READY_SECONDS)
    running = json.loads((dev.state / "outputs.json").read_text())
    (export,) = [line for line in dev.lines if line.startswith("export TOKEN=")]
    token = export.strip().removeprefix("export TOKEN=")
    limits = request("GET", running["api_url"] + "/v1/limits", headers={"Authorization": f"Bearer {token}"})
    assert limits.status == 200, limits.body
    found = dev.processes()
    assert any("bootstrap" in command for command in found.values()), found
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_from_the_terminal_ends_everything(dev, number):
    processes = started(dev)
    dev.press(number)
    dev.leaves_nothing(processes)
    assert not (dev.state / "outputs.json").exists()


def test_impatience_does_not_interrupt_the_stopping(dev):
    processes = started(dev)

    def ended():
        if dev.process.poll() is None:
            dev.press(signal.SIGINT)
        return dev.process.poll() is not None

    # A key held down: one every few ms until it is over.
    assert eventually(ended, 15)
    dev.leaves_nothing(processes)


def test_killing_the_launcher_alone_takes_the_engine_and_the_functions_with_it(dev):
    processes = started(dev)
    (launcher,) = [pid for pid, command in processes.items() if "-m infra.local.dev" in command]
    os.kill(launcher, signal.SIGKILL)
    dev.leaves_nothing(processes)


def test_a_second_start_in_the_same_checkout_is_refused(dev, built):
    started(dev)
    status, words = run("dev", f"PORT={free_ports_in_a_row()[0]}", state=dev.state, env=built)
    assert status != 0
    assert "already runs in this checkout" in words


def test_the_first_address_that_is_shown_is_the_pages_and_it_answers(dev):
    started(dev)
    running = json.loads((dev.state / "outputs.json").read_text())
    assert running["page_url"] == f"http://{LOOPBACK}:{dev.ports[4]}"
    shown = [line for line in dev.lines if "http://" in line]
    assert running["page_url"] in shown[0], dev.words
    assert request("GET", running["page_url"] + "/").status == 200


def test_its_outputs_name_no_secret(dev):
    started(dev)
    text = (dev.state / "outputs.json").read_text()
    assert "eyJ" not in text and "PRIVATE" not in text


def run(*arguments: str, state: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """A make target to its end: its status and everything it said."""
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=os.environ | {"VALET_STATE": str(state)} | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=READY_SECONDS,
    )
    return done.returncode, done.stdout


def sentence(words: str) -> str:
    """The one sentence; make's own line about the failed target is left out."""
    (line,) = [line for line in words.splitlines() if line and not line.startswith("make")]
    assert line.startswith("valet: ") and line.endswith(".")
    return line


def test_a_busy_port_is_named_before_anything_is_built(tmp_path):
    port = free_ports_in_a_row()[0]
    with socket.create_server((LOOPBACK, port + 2)):
        status, words = run("dev", f"PORT={port}", state=tmp_path)
    assert status != 0
    assert f"port {port + 2} on 127.0.0.1 is in use" in sentence(words)


def test_a_port_that_is_none_is_refused(tmp_path):
    status, words = run("dev", "PORT=80", state=tmp_path)
    assert status != 0
    assert "PORT=" in sentence(words)


def test_a_missing_cargo_is_said(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("make", "sh"):
        (programs / program).symlink_to(shutil.which(program))
    status, words = run("dev", f"PORT={free_ports_in_a_row()[0]}", state=tmp_path, env={"PATH": str(programs)})
    assert status != 0
    assert "cargo is missing" in sentence(words)


def test_a_failed_build_is_said_after_cargos_own_words(tmp_path):
    path = _cargo(tmp_path, "echo 'error[E0432]: unresolved import' >&2; exit 101")
    status, words = run("dev", f"PORT={free_ports_in_a_row()[0]}", state=tmp_path, env={"PATH": f"{path}:{os.environ['PATH']}"})
    assert status != 0
    assert "E0432" in words
    assert "valet: the functions do not build; cargo says why above." in words
    assert "Traceback" not in words


def test_an_interrupted_build_ends_with_its_compilers(tmp_path):
    path = _cargo(tmp_path, "echo $$ > $VALET_STATE/pids; sleep 300 & echo $! >> $VALET_STATE/pids; wait")
    ports = free_ports_in_a_row()
    env = {"PATH": f"{path}:{os.environ['PATH']}"}
    building = Terminal(["dev", f"PORT={ports[0]}"], until=LAST_WORDS, state=tmp_path, ports=ports, env=env)
    try:
        pids = tmp_path / "pids"
        assert eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2, 30), building.words
        compilers = {int(pid): "cargo" for pid in pids.read_text().split()}
        assert all(map(alive, compilers))
        building.press(signal.SIGINT)
        building.leaves_nothing(compilers)
    finally:
        building.kill()


@pytest.mark.parametrize("target", ["try", "token"])
def test_what_needs_a_running_stack_says_so(tmp_path, target):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"bytes")
    status, words = run(target, f"FILE={photo}", state=tmp_path)
    assert status != 0
    assert "start `make dev`" in sentence(words)


def test_invoking_nothing_says_what_is_there(tmp_path):
    port = free_ports_in_a_row()[0]
    status, words = run("invoke-issue-upload", "EVENT=Makefile", f"LAMBDA_PORT={port}", state=tmp_path)
    assert status != 0
    assert "start `make watch`" in sentence(words)
    status, words = run("invoke-no-such-function", "EVENT=Makefile", state=tmp_path)
    assert status != 0
    assert all(name in sentence(words) for name in FUNCTIONS)


def _cargo(folder: Path, does: str) -> Path:
    """A folder for the PATH with a cargo of our own in it."""
    cargo = folder / "bin" / "cargo"
    cargo.parent.mkdir(exist_ok=True)
    cargo.write_text(f"#!/bin/sh\n{does}\n")
    cargo.chmod(0o755)
    return cargo.parent
