"""Files to upload, as large as one likes, and the comparison of what arrived. It must never read a whole file into memory."""

import os
import random
from pathlib import Path
from typing import IO

# The `ftyp` box of an MP4 file: what a type is told by.
FTYP = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
CONTENT_TYPE = "video/mp4"
PIECE = 4 << 20


def make_random(path: Path, size: int, seed: int = 1) -> Path:
    """A file that no two parts of are alike."""
    dice = random.Random(seed)
    with path.open("wb") as file:
        _begin(file)
        left = size - len(FTYP)
        while left:
            piece = dice.randbytes(min(left, PIECE))
            file.write(piece)
            left -= len(piece)
    return path


def make_sparse(path: Path, size: int, seed: int = 1) -> Path:
    """A file of holes, with a few random bytes at the start of every 64 MiB, so that parts in a wrong order would show."""
    dice = random.Random(seed)
    with path.open("wb") as file:
        _begin(file)
        for offset in range(64 << 20, size - 32, 64 << 20):
            file.seek(offset)
            file.write(dice.randbytes(32))
        file.truncate(size)
    return path


def difference(path: Path, stored: IO[bytes]) -> int | None:
    """Where what is stored differs from the file first; `None` where it nowhere does, and is as long."""
    offset = 0
    with path.open("rb", buffering=0) as file:
        while True:
            mine = file.read(PIECE)
            theirs = _exactly(stored, len(mine)) if mine else stored.read(1)
            if mine != theirs:
                return offset + next((n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs)))
            if not mine:
                return None
            offset += len(mine)


def free(folder: Path) -> int:
    """Bytes that can still be written there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _begin(file: IO[bytes]) -> None:
    file.write(FTYP)


def _exactly(stored: IO[bytes], length: int) -> bytes:
    pieces = []
    while length and (piece := stored.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
