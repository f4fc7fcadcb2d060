"""A certificate chain as AWS's endpoints send one: a leaf under an intermediate, the root with the client, RSA of 2048 bits.
It must never leave the run that made it.
"""

import subprocess
from pathlib import Path

from infra.local.sorry import Sorry


def make(folder: Path) -> tuple[Path, Path]:
    """The root, and the server's key with its chain, both as PEM files."""
    _certificate(folder, "root", None, "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
    _certificate(folder, "middle", "root", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
    _certificate(folder, "leaf", "middle", "subjectAltName=IP:127.0.0.1,DNS:localhost", "basicConstraints=critical,CA:FALSE")
    server = folder / "server.pem"
    server.write_text("".join((folder / name).read_text() for name in ("leaf.key", "leaf.pem", "middle.pem")))
    return folder / "root.pem", server


def _certificate(folder: Path, name: str, issuer: str | None, *extensions: str) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", f"/O=Valet benchmark/CN={name}"]
    command += ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-config", "/dev/null"]
    if issuer:
        command += ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
    for extension in extensions:
        command += ["-addext", extension]
    try:
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise Sorry("openssl, which makes the certificates of the HTTPS rows, is missing; --plain leaves them out.") from None
    if made.returncode != 0:
        words = made.stderr.strip().splitlines()
        raise Sorry(f"openssl made no certificate (version 3 is needed): {words[-1] if words else 'it said nothing'}; --plain leaves HTTPS out.")
