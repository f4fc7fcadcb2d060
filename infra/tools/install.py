"""Makes `.tools/<name>` from its pinned requirements, once: a Python environment, or what npm has of a lock file.

Runs on the system Python before anything is installed, so it must never import what is not in the standard library.
A stamp beside it holds the requirements it was made from: an unchanged list costs nothing.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(name: str) -> None:
    """Leaves a working `.tools/<name>` behind, or says in one sentence why not."""
    if sys.version_info < (3, 11):
        stop(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]} (make PYTHON=… picks another).")
    folder = ROOT / "infra" / "tools" / "requirements"
    lock = folder / name / "package-lock.json"
    requirements = lock if lock.is_file() else folder / f"{name}.txt"
    if not requirements.is_file():
        stop(f"There is no tool named {name}: {requirements.relative_to(ROOT)} does not exist.")
    home = ROOT / ".tools" / name
    stamp = ROOT / ".tools" / f"{name}.stamp"
    # An upgraded Python or a moved checkout leaves dead links and shebangs behind: such an environment is made anew.
    place = f"# Python {sys.version.split()[0]} in {ROOT}\n"
    made_from = place + text_of(requirements)
    stamped = stamp.read_text() if stamp.is_file() else ""
    if stamped == made_from and (home / ("node_modules" if requirements == lock else "bin/python")).exists():
        stamp.touch()
        return
    print(f"Installing .tools/{name} …", flush=True)
    if requirements == lock:
        install_with_npm(home, lock)
        stamp.write_text(made_from)
        return
    if not works(home / "bin" / "python") or (stamped and not stamped.startswith(place)):
        create(home)
    install(home, requirements)
    stamp.write_text(made_from)


def text_of(requirements: Path) -> str:
    """A list together with those it names by `-r`, so that a change of any makes the tool anew."""
    text = requirements.read_text()
    named = [line.removeprefix("-r ").strip() for line in text.splitlines() if line.startswith("-r ")]
    return text + "".join(text_of(requirements.with_name(name)) for name in named)


def create(home: Path) -> None:
    """Makes the empty environment."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stop(f"This Python has no venv or ensurepip; on Debian and Ubuntu `apt install python{version}-venv` brings them.")
    try:
        venv.create(home, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        stop(f"Could not make the Python environment {home}: {error}.")


def works(python: Path) -> bool:
    """Whether an environment is there and its pip answers."""
    try:
        return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def install(home: Path, requirements: Path) -> None:
    """Installs exactly the pinned packages."""
    pip = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    done = subprocess.run([*pip, "--requirement", requirements], stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        stop(f"pip could not install .tools/{home.name}: {errors[-1].removeprefix('ERROR: ') if errors else 'see above'}")


def install_with_npm(home: Path, lock: Path) -> None:
    """Installs exactly the locked packages, each with its checksum, and runs nothing of theirs."""
    npm = shutil.which("npm")
    if npm is None:
        stop(f"npm is needed for .tools/{home.name}; it comes with Node (https://nodejs.org, or `apt install npm`).")
    home.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", lock.name):
        shutil.copy(lock.with_name(file), home)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=home,
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        stop(f"npm could not install .tools/{home.name}: {errors[0].removeprefix('npm error ') if errors else 'see above'}")


def stop(sentence: str) -> None:
    """Ends with one sentence."""
    sys.exit(f"valet: {sentence}")


if __name__ == "__main__":
    main(sys.argv[1])
