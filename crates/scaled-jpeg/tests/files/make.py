"""Writes the files of this directory: `python make.py`, with Pillow 13.0.0, NumPy and cjpeg of libjpeg-turbo 2.1.5."""

import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIDE = (150, 106)

# Sampling factors as cjpeg takes them, for what Pillow cannot: of luma, of the two chroma components.
SAMPLINGS = {
    "440": "1x2,1x1,1x1",
    "411": "4x1,1x1,1x1",
    "410": "4x2,1x1,1x1",
    "3x1": "3x1,1x1,1x1",
    "3x2-against-1x2": "3x2,1x2,1x1",
    "chroma-finer": "1x1,2x2,1x1",
}


def picture() -> Image.Image:
    """Soft slopes of all colours, a bright disc and a dark bar: little that a scaled decode could lose."""
    y, x = np.mgrid[0 : SIDE[1], 0 : SIDE[0]].astype(float)
    red = 110 + 90 * np.sin(x / 23)
    green = 120 + 80 * np.cos((x + 2 * y) / 37)
    blue = 130 + 70 * np.sin(y / 19 + x / 80)
    disc = np.clip((30 - np.hypot(x - 100, y - 45)) / 12, 0, 1)
    bar = np.clip((10 - abs(x - y - 10)) / 8, 0, 1)
    channels = [channel * (1 - disc) + 235 * disc for channel in (red, green, blue)]
    channels = [channel * (1 - bar) + 30 * bar for channel in channels]
    return Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))


def main() -> None:
    """Writes all of them."""
    rgb = picture()
    rgb.save(HERE / "picture.png", optimize=True)
    for name, subsampling in {"444": "4:4:4", "422": "4:2:2", "420": "4:2:0"}.items():
        rgb.save(HERE / f"baseline-{name}.jpg", quality=92, subsampling=subsampling)
        rgb.save(HERE / f"progressive-{name}.jpg", quality=92, subsampling=subsampling, progressive=True)
    rgb.save(HERE / "restarts.jpg", quality=92, restart_marker_blocks=3)
    rgb.save(HERE / "progressive-restarts.jpg", quality=92, restart_marker_blocks=3, progressive=True)
    rgb.save(HERE / "rgb.jpg", quality=92, keep_rgb=True)
    grey = rgb.convert("L")
    grey.save(HERE / "grey.jpg", quality=92)
    grey.save(HERE / "progressive-grey.jpg", quality=92, progressive=True)
    cmyk = rgb.convert("CMYK")
    cmyk.save(HERE / "cmyk.jpg", quality=92)
    cmyk.save(HERE / "progressive-cmyk.jpg", quality=92, progressive=True)
    for name, options in {"ycck": {}, "progressive-ycck": {"progressive": True}}.items():
        (HERE / f"{name}.jpg").write_bytes(ycck(inks(rgb), **options))
    (HERE / "baseline-3-to-2.jpg").write_bytes(fractional(rgb))
    (HERE / "progressive-3-to-2.jpg").write_bytes(fractional(rgb, progressive=True))
    ppm = io.BytesIO()
    rgb.save(ppm, format="ppm")
    for name, factors in SAMPLINGS.items():
        cjpeg(f"baseline-{name}.jpg", ppm.getvalue(), "-baseline", "-sample", factors)
        cjpeg(f"progressive-{name}.jpg", ppm.getvalue(), "-progressive", "-sample", factors)
    with tempfile.NamedTemporaryFile("w") as scans:
        scans.write("1;\n0;\n2;\n")
        scans.flush()
        cjpeg("separate-scans.jpg", ppm.getvalue(), "-sample", "2x2,1x1,1x1", "-scans", scans.name)
    cjpeg("arithmetic.jpg", ppm.getvalue(), "-arithmetic")


def inks(rgb: Image.Image) -> np.ndarray:
    """The picture in cyan, magenta, yellow and half of the black that could be taken from all three."""
    light = np.asarray(rgb).astype(float)
    black = (255 - light.max(axis=-1, keepdims=True)) / 2
    colours = 255 - light * 255 / (255 - black)
    return np.concatenate([colours, black], axis=-1).round().clip(0, 255).astype(np.uint8)


def ycck(inks: np.ndarray, **options: object) -> bytes:
    """What Pillow cannot write: its CMYK with the first three converted and Adobe's segment saying so."""
    converted = np.asarray(Image.fromarray(np.ascontiguousarray(inks[..., :3])).convert("YCbCr"))
    # Pillow inverts what it writes; of the three converted components that is taken back.
    stored = np.concatenate([255 - converted, inks[..., 3:]], axis=-1)
    file = io.BytesIO()
    Image.fromarray(stored, mode="CMYK").save(file, format="jpeg", quality=92, **options)
    at = file.getvalue().index(b"Adobe") + 11
    return file.getvalue()[:at] + b"\x02" + file.getvalue()[at + 1 :]


def fractional(rgb: Image.Image, **options: object) -> bytes:
    """What no encoder at hand writes: luma 3x3 against 2x2 and 1x1, put together from grey files of those sizes, whose
    scans are those of single components."""
    channels = rgb.convert("YCbCr").split()
    file, frame = b"\xff\xd8", None
    for number, (channel, factors) in enumerate(zip(channels, (0x33, 0x22, 0x11), strict=True), start=1):
        shrunk = channel.resize([-(-side * (factors & 15) // 3) for side in SIDE], Image.Resampling.BOX)
        grey = io.BytesIO()
        shrunk.save(grey, format="jpeg", quality=92, **options)
        for marker, payload, data in segments(grey.getvalue()):
            if marker in (0xC0, 0xC2):
                if frame:
                    continue
                specified = bytes([1, 0x33, 0, 2, 0x22, 0, 3, 0x11, 0])
                payload = frame = payload[:5] + bytes([3]) + specified
            elif marker == 0xDA:
                payload = payload[:1] + bytes([number]) + payload[2:]
            file += bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload + data
    return file + b"\xff\xd9"


def segments(file: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, parameters and what follows them of every segment up to the end of the image."""
    at = 2
    while file[at + 1] != 0xD9:
        begin = at + 2 + int.from_bytes(file[at + 2 : at + 4])
        end = begin
        while file[end] != 0xFF or file[end + 1] == 0:
            end += 1
        yield file[at + 1], file[at + 4 : begin], file[begin:end]
        at = end


def cjpeg(name: str, ppm: bytes, *options: str) -> None:
    """Encodes with what Pillow cannot be told."""
    command = ["cjpeg", "-quality", "92", *options]
    done = subprocess.run(command, input=ppm, stdout=subprocess.PIPE, check=True)
    (HERE / name).write_bytes(done.stdout)


if __name__ == "__main__":
    main()
