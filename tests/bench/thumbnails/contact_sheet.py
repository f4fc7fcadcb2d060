"""Draws the thumbnails of a folder of odd inputs side by side, to be looked at: the reference, ours, sharp's.

The worst of ours by its mean ΔE2000 comes first. It must never decide who is right: where the three differ, look.
"""

import argparse
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from infra.local import sorry
from infra.local.sorry import Sorry
from tests.bench.thumbnails import likeness
from tests.bench.thumbnails.__main__ import READABLE, ours, sharp
from tests.bench.thumbnails.processes import Process, Refused

CELL, TEXT, PER_ROW = 200, 34, 3
BACKGROUND = "#777"


@dataclass(frozen=True)
class Made:
    """What one contestant made: an image, or why not."""

    image: Image.Image | None
    text: str
    delta_e: float = 0.0


def made_by(process: Process, path: Path, variant: str, folder: Path) -> Made:
    """A contestant's thumbnail and how far it is from the reference."""
    try:
        process.ask("read", path.absolute())
        process.make(variant)
        process.ask("write", folder)
    except Refused as refused:
        return Made(None, str(refused))
    image = Image.open(io.BytesIO((folder / "small.jpg").read_bytes())).convert("RGB")
    try:
        delta_e = likeness.delta_e(image, likeness.reference(path, image.size))
    except (OSError, ValueError, SyntaxError) as error:
        return Made(image, f"no reference: {error}")
    return Made(image, f"dE {delta_e:.2f}, {image.width}x{image.height}", delta_e)


def reference(path: Path, like: Image.Image | None) -> Made:
    """What Pillow makes of all pixels."""
    try:
        return Made(likeness.reference(path, like.size if like else (CELL, CELL)).convert("RGB"), "reference")
    except (OSError, ValueError, SyntaxError) as error:
        return Made(None, str(error))


def sheet(found: list[tuple[Path, list[Made]]]) -> Image.Image:
    """Everything in one picture."""
    font = ImageFont.load_default(11)
    width, height = 3 * CELL + 12, CELL + TEXT
    rows = -(-len(found) // PER_ROW)
    whole = Image.new("RGB", (PER_ROW * width, rows * height), BACKGROUND)
    draw = ImageDraw.Draw(whole)
    for index, (path, three) in enumerate(found):
        left, top = index % PER_ROW * width, index // PER_ROW * height
        draw.text((left, top), path.name[:70], "white", font)
        for column, made in enumerate(three):
            x = left + column * CELL
            draw.text((x, top + 14), made.text[:36], "yellow", font)
            if made.image:
                scale = max(1, CELL // max(made.image.size))
                image = made.image.resize((made.image.width * scale, made.image.height * scale), Image.Resampling.NEAREST)
                whole.paste(image, (x, top + TEXT - 4))
    return whole


def main() -> None:
    """Makes the sheet and lists what stands in it."""
    parser = argparse.ArgumentParser(prog="contact_sheet")
    parser.add_argument("folder", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--quality", type=int, default=85, help="of the JPEGs (85); at 100 nearly all difference is that of the colours")
    options = parser.parse_args()
    variant = f"small:{CELL}x{CELL}:fit:jpeg:{options.quality}"
    paths = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in READABLE)
    if not paths:
        raise Sorry(f"there is no image in {options.folder}.")
    found = []
    with Process(ours()) as one, Process(sharp("sharp")) as other, tempfile.TemporaryDirectory() as folder:
        for path in paths:
            made = [made_by(process, path, variant, Path(folder)) for process in (one, other)]
            found.append((path, [reference(path, made[0].image or made[1].image), *made]))
    found.sort(key=lambda entry: (entry[1][1].image is not None, -entry[1][1].delta_e))
    sheet(found).save(options.sheet)
    for path, (_, mine, theirs) in found:
        print(f"{path.name:<50} ours: {mine.text:<40} sharp: {theirs.text}")


if __name__ == "__main__":
    sorry.run(main)
