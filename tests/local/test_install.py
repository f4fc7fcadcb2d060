"""The installer says in one sentence what is missing, and costs nothing when nothing changed."""

import os
import shutil
import subprocess
import sys

import pytest

from infra.local.places import ROOT


@pytest.fixture
def install(tmp_path):
    """Runs a copy of the installer in a checkout of its own, with one tool that needs no package."""
    requirements = tmp_path / "infra" / "tools" / "requirements"
    requirements.mkdir(parents=True)
    (requirements / "empty.txt").write_text("# Nothing.\n")
    shutil.copy(ROOT / "infra" / "tools" / "install.py", requirements.parent)

    def install(name, **env):
        command = [sys.executable, str(requirements.parent / "install.py"), name]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | env)
        assert "Traceback" not in done.stderr
        return done

    return install


def test_the_second_time_costs_nothing(install, tmp_path):
    assert install("empty").stdout == "Installing .tools/empty …\n"
    python = tmp_path / ".tools" / "empty" / "bin" / "python"
    made = python.lstat().st_mtime_ns
    assert install("empty").stdout == ""
    assert python.lstat().st_mtime_ns == made


def test_a_changed_list_is_installed_again(install, tmp_path):
    install("empty")
    (tmp_path / "infra" / "tools" / "requirements" / "empty.txt").write_text("# Still nothing.\n")
    assert install("empty").stdout == "Installing .tools/empty …\n"


def test_a_python_without_ensurepip_is_told_what_to_install(install, tmp_path):
    (tmp_path / "ensurepip.py").write_text("raise ImportError\n")
    done = install("empty", PYTHONPATH=str(tmp_path))
    assert done.returncode != 0
    assert done.stderr.startswith("valet: This Python has no venv or ensurepip; on Debian")
    assert not (tmp_path / ".tools" / "empty.stamp").exists()


def test_an_unknown_tool_is_said(install):
    done = install("nothing")
    assert done.returncode != 0
    assert done.stderr.startswith("valet: There is no tool named nothing")


def test_a_lock_file_is_installed_by_npm_without_running_scripts(install, tmp_path):
    locked(tmp_path)
    bin = tmp_path / "bin"
    bin.mkdir()
    npm = bin / "npm"
    npm.write_text('#!/bin/sh\necho "$@" > arguments\nmkdir node_modules\n')
    npm.chmod(0o755)
    path = f"{bin}{os.pathsep}{os.environ['PATH']}"
    assert install("locked", PATH=path).stdout == "Installing .tools/locked …\n"
    home = tmp_path / ".tools" / "locked"
    assert {"ci", "--ignore-scripts"} <= set((home / "arguments").read_text().split())
    assert (home / "package-lock.json").read_text() == "{}"
    assert install("locked", PATH=path).stdout == ""


def test_a_machine_without_npm_is_told_where_it_comes_from(install, tmp_path):
    locked(tmp_path)
    done = install("locked", PATH=str(tmp_path))
    assert done.returncode != 0
    assert done.stderr.startswith("valet: npm is needed for .tools/locked")


def locked(root):
    """A tool of the copy that npm installs."""
    requirements = root / "infra" / "tools" / "requirements" / "locked"
    requirements.mkdir()
    for name in ("package.json", "package-lock.json"):
        (requirements / name).write_text("{}")
