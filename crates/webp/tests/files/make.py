"""Writes the files of this directory: `python make.py`, with Pillow 13.0.0 and NumPy."""

from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIDE = (150, 106)


def picture() -> Image.Image:
    """Slopes of all colours, grain on the right half, flat discs on the left: what wants more than one prefix code."""
    y, x = np.mgrid[0 : SIDE[1], 0 : SIDE[0]].astype(float)
    channels = np.stack([110 + 90 * np.sin(x / 23), 120 + 80 * np.cos((x + 2 * y) / 37), 130 + 70 * np.sin(y / 19)], axis=-1)
    grain = np.random.default_rng(7).normal(0, 12, channels.shape) * (x > 75)[..., None]
    pixels = np.clip(channels + grain, 0, 255)
    for at, colour in enumerate([(240, 240, 240), (20, 20, 30), (230, 60, 40)]):
        pixels[np.hypot(x - 20 - 22 * at, y - 25 - 24 * at) < 14] = colour
    return Image.fromarray(pixels.astype(np.uint8))


def alpha() -> Image.Image:
    """A soft-edged disc, nothing around it."""
    y, x = np.mgrid[0 : SIDE[1], 0 : SIDE[0]].astype(float)
    return Image.fromarray((255 * np.clip((48 - np.hypot(x - 70, y - 50)) / 16, 0, 1)).astype(np.uint8))


def main() -> None:
    """Writes all of them."""
    rgb = picture()
    rgba = rgb.copy()
    rgba.putalpha(alpha())
    small = rgb.crop((10, 10, 51, 40))
    small_rgba = rgba.crop((20, 10, 61, 40))
    rgb.save(HERE / "picture.png", optimize=True)
    rgb.save(HERE / "lossy.webp", quality=85, method=6)
    rgba.save(HERE / "lossy-alpha.webp", quality=85, method=6)
    # Alpha that does not compress is stored plainly.
    rough = rgb.copy()
    rough.putalpha(Image.fromarray(np.random.default_rng(3).integers(0, 256, SIDE[::-1], dtype=np.uint8)))
    rough.crop((0, 0, 40, 30)).save(HERE / "lossy-rough-alpha.webp", quality=60, method=0)
    rgb.save(HERE / "lossless.webp", lossless=True, quality=100, method=6)
    rgba.save(HERE / "lossless-alpha.webp", lossless=True, quality=100, method=6)
    rgb.quantize(12).convert("RGB").save(HERE / "lossless-palette.webp", lossless=True, quality=100, method=6)
    small.save(HERE / "small-lossy.webp", quality=60, method=6)
    small_rgba.save(HERE / "small-lossy-alpha.webp", quality=60, method=6)
    small.quantize(40).convert("RGB").save(HERE / "small-lossless.webp", lossless=True, quality=100, method=6)
    for file in sorted(HERE.glob("*.webp")):
        print(f"{file.name:<24} {file.stat().st_size:>7} bytes")


if __name__ == "__main__":
    main()
