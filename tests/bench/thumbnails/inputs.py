"""Makes the benchmark's inputs from the photographs in scikit-image's wheel; README.md has their licences and the recipe.

The same bytes come out each time with the pinned packages. It must never read anything but that wheel.
"""

import io
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import skimage
from PIL import ExifTags, Image, ImageDraw, ImageFilter

PHOTOS = Path(skimage.__file__).parent / "data"
# Photographs whose licence their documentation states: CC0 or the public domain.
COLOUR = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")
TEXTURES = ("grass.png", "gravel.png", "brick.png", "camera.png")

CELL = 448
ENLARGED_BY = (1.5, 2.2)
NOISE_LEVELS = 3.0
CAMERA_QUALITY = 90
WEB_QUALITY = 80

SIZES = {6: (3000, 2000), 8: (3264, 2448), 12: (4032, 3024), 24: (6000, 4000), 48: (8064, 6048)}


def make_all(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Every input, in the order of the tables; what is there already is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, encode in recipes():
        path = folder / name
        if not path.is_file():
            say(f"making {name}")
            unfinished = path.with_name(f".{name}")
            unfinished.write_bytes(encode())
            os.replace(unfinished, path)
        paths.append(path)
    picture.cache_clear()
    return paths


def recipes() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The name of each input and how it is made."""
    yield "baseline-06mp.jpg", lambda: camera(picture(6, "coffee.png"))
    yield "baseline-08mp.jpg", lambda: camera(picture(8, "astronaut.png"))
    yield "baseline-12mp.jpg", lambda: camera(picture(12, "chelsea.png"))
    yield "baseline-12mp-rotated.jpg", lambda: camera(picture(12, "chelsea.png"), exif=turned(6))
    yield "baseline-12mp-422.jpg", lambda: camera(picture(12, "coffee.png"), subsampling="4:2:2")
    yield "baseline-12mp-444.jpg", lambda: camera(picture(12, "coffee.png"), subsampling="4:4:4")
    yield "baseline-12mp-grey.jpg", lambda: camera(picture(12, "coffee.png").convert("L"))
    yield "baseline-12mp-restarts.jpg", lambda: camera(picture(12, "rocket.jpg"), restart_marker_rows=1)
    yield "baseline-12mp-adobe-rgb.jpg", lambda: camera(picture(12, "rocket.jpg"), icc_profile=profile("rocket.jpg"))
    yield "progressive-12mp.jpg", lambda: web(picture(12, "rocket.jpg"))
    yield "rgb-12mp.png", lambda: encoded(picture(12, "coffee.png"), "PNG", compress_level=6)
    yield "rgba-12mp.png", lambda: encoded(cut_out(picture(12, "chelsea.png")), "PNG", compress_level=6)
    yield "palette-12mp.png", lambda: encoded(picture(12, "coffee.png").quantize(256), "PNG", compress_level=6)
    yield "lossy-12mp.webp", lambda: encoded(picture(12, "coffee.png"), "WEBP", quality=82, method=4)
    yield "lossy-alpha-12mp.webp", lambda: encoded(cut_out(picture(12, "chelsea.png")), "WEBP", quality=82, method=4)
    yield "lossless-12mp.webp", lambda: encoded(picture(12, "coffee.png"), "WEBP", lossless=True, quality=25, method=2)
    yield "still-3mp.gif", lambda: encoded(picture(12, "astronaut.png").resize((2016, 1512), Image.Resampling.LANCZOS).quantize(256), "GIF")
    yield "animated-800.gif", lambda: animated(picture(12, "coffee.png"))
    yield "progressive-06mp.jpg", lambda: web(picture(6, "coffee.png"))
    yield "baseline-24mp.jpg", lambda: camera(picture(24, "hubble_deep_field.jpg"))
    yield "progressive-24mp.jpg", lambda: web(picture(24, "hubble_deep_field.jpg"))
    yield "baseline-48mp.jpg", lambda: camera(picture(48, "retina.jpg"))
    yield "progressive-48mp.jpg", lambda: web(picture(48, "retina.jpg"))


@lru_cache(maxsize=4)
def picture(megapixels: int, name: str) -> Image.Image:
    """A photograph enlarged to a camera's size, with the detail and the noise that a camera's photo has.

    An enlarged photograph alone has no detail left at the scale of pixels, and a mosaic alone no large shapes. Natural
    pictures have both, so the large shapes come from one photograph and the fine detail from the others.
    """
    size = SIZES[megapixels]
    random = np.random.default_rng([megapixels, *name.encode()])
    large, factor = enlarged(photo(name), size)
    detail = mosaic(size, random)
    smooth = detail.filter(ImageFilter.GaussianBlur(0.6 * factor))
    pixels = np.asarray(large, np.int16) + np.asarray(detail, np.int16) - np.asarray(smooth, np.int16)
    for rows in np.array_split(np.arange(size[1]), 16):
        part = pixels[rows[0] : rows[-1] + 1]
        # Photon noise grows with the square root of the light.
        strength = NOISE_LEVELS * np.sqrt(np.clip(part, 16, 255) / 128, dtype=np.float32)
        part += np.rint(random.standard_normal(part.shape, np.float32) * strength).astype(np.int16)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def photo(name: str) -> Image.Image:
    """One of the photographs, as RGB."""
    with Image.open(PHOTOS / name) as image:
        return image.convert("RGB")


def profile(name: str) -> bytes:
    """The colour profile of one of the photographs."""
    with Image.open(PHOTOS / name) as image:
        return image.info["icc_profile"]


def enlarged(image: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, float]:
    """The centre of the photograph at this size, and how many times it was enlarged."""
    factor = max(size[0] / image.width, size[1] / image.height)
    width, height = size[0] / factor, size[1] / factor
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return image.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height)), factor


def mosaic(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Mirrored crops of all photographs, enlarged as far as optics and demosaicing soften a sensor's pixels."""
    photos = [photo(name) for name in COLOUR + TEXTURES]
    whole = Image.new("RGB", size)
    for top in range(0, size[1], CELL):
        for left in range(0, size[0], CELL):
            source = photos[random.integers(len(photos))]
            side = CELL / random.uniform(*ENLARGED_BY)
            x, y = random.uniform(0, source.width - side), random.uniform(0, source.height - side)
            cell = source.resize((CELL, CELL), Image.Resampling.LANCZOS, box=(x, y, x + side, y + side))
            if random.integers(2):
                cell = cell.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            whole.paste(cell, (left, top))
    return whole


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def camera(image: Image.Image, **options: object) -> bytes:
    """A baseline JPEG as a camera writes it: standard Huffman tables, EXIF."""
    return encoded(image, "JPEG", **{"quality": CAMERA_QUALITY, "subsampling": "4:2:0", "exif": turned(1)} | options)


def web(image: Image.Image) -> bytes:
    """A progressive JPEG with libjpeg's ten scans."""
    return encoded(image, "JPEG", quality=WEB_QUALITY, subsampling="4:2:0", progressive=True)


def turned(orientation: int) -> Image.Exif:
    """EXIF that says which way up."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def cut_out(image: Image.Image) -> Image.Image:
    """The picture as an ellipse with a soft edge."""
    mask = Image.new("L", (image.width // 8, image.height // 8))
    margin = mask.width // 12
    ImageDraw.Draw(mask).ellipse((margin, margin, mask.width - margin, mask.height - margin), fill=255)
    cut = image.copy()
    cut.putalpha(mask.filter(ImageFilter.GaussianBlur(6)).resize(image.size, Image.Resampling.BICUBIC))
    return cut


def animated(image: Image.Image) -> bytes:
    """Twelve frames that pan over the picture, 800 × 600."""
    whole = image.resize((1344, 1008), Image.Resampling.LANCZOS)
    frames = [whole.crop((40 * step, 30 * step, 40 * step + 800, 30 * step + 600)).quantize(128) for step in range(12)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
