"""Thumbnails of images that are small, transparent, hostile or broken."""

import io
import random
import struct
import time
import zlib

import pytest
from PIL import Image

from . import pixels
from .polling import eventually
from .samples import PHOTO, PNG, ROTATED
from .web import send

# From the event to the recorded failure; a decoder that is let loose takes minutes or all memory.
QUICKLY_SECONDS = 5


def thumbnail_of(upload: dict) -> Image.Image:
    """What the CDN serves."""
    (item,) = upload["file"]["thumbnails"]["items"]
    return pixels.opened(send("GET", item["url"]).body)


def test_a_small_image_is_not_enlarged(user):
    file = io.BytesIO()
    Image.effect_mandelbrot((48, 32), (-2, -1.2, 1, 1.2), 50).convert("RGB").save(file, "PNG")
    upload = user.settled(user.upload_of(file.getvalue(), "image/png", "png"))
    thumbnail = thumbnail_of(upload)
    assert thumbnail.size == (48, 32) == (upload["file"]["width"], upload["file"]["height"])
    assert pixels.distance(thumbnail, pixels.reference(file.getvalue(), (48, 32))) < pixels.CLOSE


@pytest.mark.parametrize(
    ("size", "thumbnail"),
    [((1000, 2), (200, 1)), ((3, 900), (1, 200)), ((1, 1), (1, 1)), ((200, 200), (200, 200))],
)
def test_a_thin_image_keeps_at_least_a_pixel(user, size, thumbnail):
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, "PNG")
    upload = user.settled(user.upload_of(file.getvalue(), "image/png", "png"))
    assert thumbnail_of(upload).size == thumbnail


def test_transparency_becomes_white_and_hides_what_lay_under_it(user):
    thumbnail = thumbnail_of(user.settled(user.upload(PNG)))
    width, height = thumbnail.size
    corners = [thumbnail.getpixel(place) for place in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1))]
    assert all(min(corner) >= 250 for corner in corners), corners


def test_a_phones_photo_stands_upright_with_its_dimensions_swapped(user):
    upload = user.settled(user.upload(ROTATED))
    with Image.open(io.BytesIO(ROTATED.content)) as stored:
        assert stored.size == (400, 600)
    assert (upload["file"]["width"], upload["file"]["height"]) == (600, 400)
    # Turned any other way it would not have passed for the reference.
    upright = pixels.reference(ROTATED.content, (200, 133))
    thumbnail = thumbnail_of(upload)
    turned = [thumbnail.transpose(turn) for turn in (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT)]
    assert pixels.distance(thumbnail, upright) < pixels.CLOSE
    assert all(pixels.distance(other, upright) > 2 * pixels.CLOSE for other in turned)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [60, 95])
def test_a_press_photo_in_cmyk_has_its_colours(user, progressive, quality):
    """Pillow writes CMYK as Adobe does, its ink inverted."""
    file = io.BytesIO()
    pixels.opened(PHOTO.content).convert("CMYK").save(file, "JPEG", quality=quality, progressive=progressive)
    thumbnail = thumbnail_of(user.settled(user.upload_of(file.getvalue(), "image/jpeg", "jpg")))
    assert pixels.distance(thumbnail, pixels.reference(file.getvalue(), (200, 133))) < pixels.CLOSE


def test_a_photo_with_a_profile_has_the_colours_its_profile_means(user):
    """Taken for sRGB, Adobe RGB is dull: the same bytes without their profile are another picture."""
    thumbnail = thumbnail_of(user.settled(user.upload(PHOTO)))
    file = io.BytesIO()
    photo = pixels.opened(PHOTO.content)
    photo.info.pop("icc_profile")
    photo.save(file, "PNG")
    right, dull = (pixels.reference(content, thumbnail.size) for content in (PHOTO.content, file.getvalue()))
    assert pixels.distance(thumbnail, right) < pixels.CLOSE
    assert pixels.distance(thumbnail, right) < pixels.distance(thumbnail, dull)
    for ours, theirs in zip(pixels.mean(thumbnail), pixels.mean(right), strict=True):
        assert abs(ours - theirs) < 1
    assert max(abs(ours - other) for ours, other in zip(pixels.mean(thumbnail), pixels.mean(dull), strict=True)) > 2


def test_the_dominant_colour_is_that_of_most_of_the_image(user):
    file, image = io.BytesIO(), Image.effect_noise((300, 300), 90).convert("RGB")
    image.paste((30, 120, 200), (0, 0, 300, 200))
    image.save(file, "PNG")
    color = user.settled(user.upload_of(file.getvalue(), "image/png", "png"))["file"]["placeholder"]["color"]
    assert [int(color[place : place + 2], 16) for place in (1, 3, 5)] == pytest.approx([30, 120, 200], abs=8)


def png(width: int, height: int, *, bits: int, rows: bytes) -> bytes:
    """A grey PNG that claims a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF whose first frame is red and whose others are blue, one pixel each on a canvas of the given size."""
    # Clear code, one pixel, end code, at three bits a code.
    def pixel(colour: int) -> bytes:
        return bytes([2, 2, 0b00000100 | colour << 3 | (5 << 6) & 0xFF, 5 >> 2, 0])

    def frame(left: int, top: int, colour: int) -> bytes:
        return b"\x21\xf9\x04\x04\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", left, top, 1, 1, 0) + pixel(colour)

    colours = bytes([255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0])
    start = b"GIF89a" + struct.pack("<HHBBB", width, height, 0b10000001, 2, 0) + colours
    return start + frame(0, 0, 0) + frame(0, 0, 1) * (frames - 1) + b"\x3b"


def bomb(kind: str) -> bytes:
    match kind:
        case "65535² one-bit PNG":
            return png(65535, 65535, bits=1, rows=bytes(8193 * 1000))
        case "2³¹-1 wide PNG":
            return png(2**31 - 1, 1, bits=8, rows=bytes(1000))
        case "51 megapixel PNG":
            return png(10000, 5100, bits=8, rows=bytes(10001 * 5100))
        case "PNG of no size":
            return png(0, 0, bits=8, rows=b"")
        case "65535² GIF of 10,000 frames":
            return gif(65535, 65535, 10_000)
        case "half a JPEG":
            return PHOTO.content[: len(PHOTO.content) // 2]
        case "head of a JPEG":
            return PHOTO.content[:600]
        case "half a PNG":
            return PNG.content[: len(PNG.content) // 2]
        case "noise after a JPEG's magic":
            return PHOTO.content[:20] + random.Random(7).randbytes(20_000)
        case "noise after a WebP's magic":
            return b"RIFF\x00\x10\x00\x00WEBPVP8 " + random.Random(7).randbytes(4096)
    raise AssertionError(kind)


BOMBS = {
    "65535² one-bit PNG": ("image/png", "png", "too_many_pixels"),
    "2³¹-1 wide PNG": ("image/png", "png", "too_many_pixels"),
    "51 megapixel PNG": ("image/png", "png", "too_many_pixels"),
    "PNG of no size": ("image/png", "png", "corrupt"),
    "65535² GIF of 10,000 frames": ("image/gif", "gif", "too_many_pixels"),
    "half a JPEG": ("image/jpeg", "jpg", "corrupt"),
    "head of a JPEG": ("image/jpeg", "jpg", "corrupt"),
    "half a PNG": ("image/png", "png", "corrupt"),
    "noise after a JPEG's magic": ("image/jpeg", "jpg", "corrupt"),
    "noise after a WebP's magic": ("image/webp", "webp", "corrupt"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_cannot_be_shown_small_is_a_file_without_thumbnail_and_soon_known_to_be_one(user, storage, kind):
    content_type, extension, reason = BOMBS[kind]
    content = bomb(kind)
    grant = user.upload_of(content, content_type, extension)
    began = time.monotonic()
    upload = user.settled(grant)
    assert time.monotonic() - began < QUICKLY_SECONDS
    assert upload["status"] == "ready"
    assert upload["file"]["thumbnails"] == {"status": "failed", "reason": reason, "items": []}
    assert not {"width", "height", "placeholder"} & set(upload["file"])
    assert storage.row(user.owner, grant["id"])["thumbnails"]["reason"] == reason
    assert storage.versions(f"thumbnails/{user.owner}") == []
    # Told once: nothing comes again, and nothing is given up after five times.
    eventually(lambda: storage.waiting() == 0, "the event is handled")
    assert not [body for body in storage.dead_letters() if grant["id"] in body]
    # What the owner uploaded is still the owner's file.
    assert send("GET", upload["file"]["fileUrl"]).body == content


def test_a_photo_after_many_bombs_is_shown_as_ever(user):
    bombs = [user.upload_of(bomb(kind), *BOMBS[kind][:2]) for kind in BOMBS]
    assert user.settled(user.upload(PHOTO))["file"]["thumbnails"]["status"] == "ready"
    assert {user.settled(grant)["file"]["thumbnails"]["status"] for grant in bombs} == {"failed"}


def test_of_ten_thousand_frames_only_the_first_is_looked_at(user):
    began = time.monotonic()
    upload = user.settled(user.upload_of(gif(1, 1, 10_000), "image/gif", "gif"))
    assert time.monotonic() - began < QUICKLY_SECONDS
    red, green, blue = thumbnail_of(upload).getpixel((0, 0))
    assert red > 200 > 60 > max(green, blue)
