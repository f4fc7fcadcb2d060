"""Looks at a thumbnail as Pillow sees it, which shares no code with what made it."""

import io

from PIL import Image, ImageChops, ImageOps, ImageStat

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
    """What a thumbnail of a file should look like: upright, on white, this large."""
    upright = ImageOps.exif_transpose(opened(content)).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB").resize(size, Image.Resampling.LANCZOS)


def distance(first: Image.Image, second: Image.Image) -> float:
    """How far two pictures of one size are apart: the mean over pixels and channels, 0 to 255."""
    mean = ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean
    return sum(mean) / len(mean)


def assert_no_metadata(jpeg: bytes) -> None:
    """Only the segments a decoder needs: no APP1 to APP13 or APP15 (EXIF, XMP, ICC, IPTC) and no comment."""
    for text in (b"Exif", b"http://ns.adobe.com", b"Photoshop", b"GPS", PRIVATE.encode()):
        assert text not in jpeg, text
    markers = _markers(jpeg)
    assert 0xDA in markers
    assert not [hex(marker) for marker in markers if 0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)]


def _markers(jpeg: bytes) -> list[int]:
    """The markers up to the first scan."""
    assert jpeg[:2] == b"\xff\xd8"
    found, place = [], 2
    while not found or found[-1] != 0xDA:
        assert jpeg[place] == 0xFF, f"no marker at {place}"
        found.append(jpeg[place + 1])
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return found
