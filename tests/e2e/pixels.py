"""Looks at a thumbnail as Pillow sees it, which shares no code with what made it."""

import base64
import io

from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from tests.images.make import PRIVATE

# Mean distance of a channel, of 255. Another filter, chroma subsampling and quality 85 stay below; a picture turned
# the wrong way, mirrored, or of another frame is far above.
CLOSE = 6.0


def opened(content: bytes) -> Image.Image:
    """The first frame, decoded completely."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def reference(content: bytes, size: tuple[int, int]) -> Image.Image:
    """What a thumbnail of a file should look like: upright, in sRGB, on white, this large, what juts out cropped evenly."""
    upright = ImageOps.exif_transpose(_in_srgb(opened(content))).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    return ImageOps.fit(Image.alpha_composite(white, upright).convert("RGB"), size, Image.Resampling.LANCZOS)


def _in_srgb(image: Image.Image) -> Image.Image:
    """Its colours as its profile means them, by LittleCMS."""
    if "icc_profile" not in image.info or image.mode not in ("RGB", "L", "CMYK"):
        return image
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    converted.info.pop("icc_profile", None)
    # Which way up is in there.
    converted.info["exif"] = image.info.get("exif", b"")
    return converted


def distance(first: Image.Image, second: Image.Image) -> float:
    """How far two pictures of one size are apart: the mean over pixels and channels, 0 to 255."""
    mean = ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean
    return sum(mean) / len(mean)


def mean(image: Image.Image) -> list[float]:
    """The mean colour, red, green and blue from 0 to 255."""
    return ImageStat.Stat(image.convert("RGB")).mean


def mean_of_thumbhash(text: str) -> list[float]:
    """The mean colour that a ThumbHash in base64 carries in its first three bytes. Source: https://evanw.github.io/thumbhash/"""
    header = int.from_bytes(base64.b64decode(text, validate=True)[:3], "little")
    luminance, yellow_blue, red_green = (header & 63) / 63, (header >> 6 & 63) / 31.5 - 1, (header >> 12 & 63) / 31.5 - 1
    blue = luminance - 2 / 3 * yellow_blue
    red = (3 * luminance - blue + red_green) / 2
    return [255 * min(1, max(0, channel)) for channel in (red, red - red_green, blue)]


def assert_no_metadata(content: bytes) -> None:
    """Only what a decoder needs. Of a JPEG no APP1 to APP13 or APP15 (EXIF, XMP, ICC, IPTC) and no comment, of a WebP no chunk for such."""
    for text in (b"Exif", b"http://ns.adobe.com", b"Photoshop", b"GPS", PRIVATE.encode()):
        assert text not in content, text
    if content.startswith(b"RIFF"):
        assert set(_chunks(content)) <= {b"VP8 ", b"VP8X", b"ALPH"}
        return
    markers = _markers(content)
    assert 0xDA in markers
    assert not [hex(marker) for marker in markers if 0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)]


def _chunks(webp: bytes) -> list[bytes]:
    """The names of a WebP's chunks."""
    assert webp[8:12] == b"WEBP"
    found, place = [], 12
    while place < len(webp):
        found.append(webp[place : place + 4])
        size = int.from_bytes(webp[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    return found


def _markers(jpeg: bytes) -> list[int]:
    """The markers up to the first scan."""
    assert jpeg[:2] == b"\xff\xd8"
    found, place = [], 2
    while not found or found[-1] != 0xDA:
        assert jpeg[place] == 0xFF, f"no marker at {place}"
        found.append(jpeg[place + 1])
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return found
