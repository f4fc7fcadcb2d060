"""The browser tests get a Chromium that runs, or are left out by name, with the way to get one."""

import pytest

from infra.tools import chromium

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n'


@pytest.fixture
def machine(tmp_path, monkeypatch, capsys):
    """Runs the finder on a machine that has these programs and no other, and returns what it printed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("VALET_SKIPPED", str(tmp_path / "skipped"))
    monkeypatch.delenv("VALET_CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "APPLICATIONS", ())

    def run(programs: dict[str, str], *, system: str = "", user: int = 1000):
        for name, script in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        (tmp_path / "os-release").write_text(system)
        monkeypatch.setattr(chromium, "OS_RELEASE", tmp_path / "os-release")
        monkeypatch.setattr(chromium.os, "geteuid", lambda: user)
        chromium.main("test-browser")
        return capsys.readouterr()

    return run


def apt(folder) -> dict[str, str]:
    """An apt-get that notes what it is asked and brings a browser."""
    brings = f'printf "#!/bin/sh\\necho Chromium 150.0\\n" > {folder}/bin/chromium; /bin/chmod 755 {folder}/bin/chromium'
    return {"apt-get": f'echo "$@" >> {folder}/asked\ncase "$*" in *install*) {brings};; esac'}


def test_the_first_that_runs_is_taken(machine, tmp_path):
    said = machine({"chromium-browser": "echo 'install the snap' >&2; exit 1", "google-chrome": "echo Google Chrome 150.0"})
    assert said.out == f"{tmp_path}/bin/google-chrome\n"
    assert not (tmp_path / "skipped").exists()


def test_without_one_the_suite_is_left_out_by_name(machine, tmp_path):
    said = machine({})
    assert said.out == ""
    assert "test-browser SKIPPED" in said.err and "apt install chromium" in said.err
    assert (tmp_path / "skipped").read_text().startswith("test-browser SKIPPED")


def test_one_that_is_named_and_does_not_run_is_a_mistake(machine, monkeypatch):
    monkeypatch.setenv("VALET_CHROMIUM", "/nonexistent")
    with pytest.raises(SystemExit, match="VALET_CHROMIUM is /nonexistent, which does not run"):
        machine({"chromium": "echo Chromium 150.0"})


def test_debian_gets_its_own_when_root_asks(machine, tmp_path):
    assert machine(apt(tmp_path), system=DEBIAN, user=0).out == f"{tmp_path}/bin/chromium\n"
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert update == "-qq update"
    assert install.endswith("--no-install-recommends chromium fonts-dejavu-core")


@pytest.mark.parametrize(("system", "user"), [(UBUNTU, 0), (DEBIAN, 1000), ("", 0)])
def test_nobody_else_is_installed_anything(machine, tmp_path, system, user):
    assert "SKIPPED" in machine(apt(tmp_path), system=system, user=user).err
    assert not (tmp_path / "asked").exists()
