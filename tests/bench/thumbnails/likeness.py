"""How much a thumbnail is like its picture: SSIM of the luma against a full decode and a Lanczos resize, and ΔE2000.

The reference is Pillow's: libjpeg-turbo, libwebp, libpng, LittleCMS. It must never use what shrinks on load.
"""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

Image.MAX_IMAGE_PIXELS = None
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
WINDOW = 11


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity of the luma with Gaussian windows of 11 and σ 1.5, as Wang et al. (2004) define it; 1 is equal."""
    pixels = [np.asarray(image.convert("L")) for image in (one, other)]
    if min(one.size) < WINDOW:
        return float(np.array_equal(*pixels))
    # These three settings make it theirs, says scikit-image's documentation.
    return float(structural_similarity(*pixels, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255))


def delta_e(one: Image.Image, other: Image.Image) -> float:
    """The mean colour difference, CIEDE2000."""
    return float(deltaE_ciede2000(*(rgb2lab(np.asarray(image.convert("RGB"))) for image in (one, other))).mean())


@lru_cache(maxsize=8)
def reference(path: Path, size: tuple[int, int]) -> Image.Image:
    """The first frame at this size: all its pixels, upright, on white, in sRGB."""
    full, icc, turned = decoded(path)
    stored = size[::-1] if turned else size
    image = full.resize(stored, Image.Resampling.LANCZOS)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if icc:
        image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), SRGB, outputMode="RGB")
    image = upright(image, path)
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


@lru_cache(maxsize=1)
def decoded(path: Path) -> tuple[Image.Image, bytes | None, bool]:
    """Every pixel, the colour profile if it is of use, and whether width and height change places."""
    with Image.open(path) as image:
        icc, orientation = image.info.get("icc_profile"), image.getexif().get(274, 1)
        image.load()
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image, np.float32) / 257).round().astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
        elif image.mode not in ("RGB", "L", "CMYK"):
            image = image.convert("RGB")
        if icc and not fits(icc, image.mode):
            icc = None
        return image.copy(), icc, orientation in (5, 6, 7, 8)


def fits(icc: bytes, mode: str) -> bool:
    """Whether a profile is for pixels of this mode."""
    spaces = {"RGB": b"RGB ", "RGBA": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}
    return icc[16:20] == spaces.get(mode)


def upright(image: Image.Image, path: Path) -> Image.Image:
    """The image turned as the file at this path asks for."""
    with Image.open(path) as original:
        exif = original.getexif()
    image.info.pop("exif", None)
    image.getexif()[274] = exif.get(274, 1)
    return ImageOps.exif_transpose(image)
