"""A stack whose operator lists several thumbnails, and fewer megapixels."""

import io
import uuid

import pytest
from PIL import Image

from infra.local.stack import Stack

from . import pixels
from .samples import CAMERA, PHOTO, PNG
from .storage import Storage
from .test_events import tell
from .test_order import arrival
from .user import User
from .web import send

VARIANTS = "large:1600x1600:fit:jpeg:80, card:320x180:cover:webp:80,small:200x200:fit:jpeg:85,square-2x:96x96:cover:jpeg:70,wide:640x480:fit:webp:75"
MEGAPIXELS = 13


@pytest.fixture(scope="module")
def stack():
    with Stack(parameters={"ThumbnailVariants": VARIANTS, "MaxMegapixels": str(MEGAPIXELS)}) as running:
        yield running


@pytest.fixture(scope="module")
def storage(stack) -> Storage:
    return Storage(stack)


@pytest.fixture
def user(stack, secrets) -> User:
    sub = f"{uuid.uuid4()}@example.com"
    return User(stack.api_url, stack.token(sub=sub), sub, secrets)


def served(file: dict) -> dict[str, bytes]:
    """The thumbnails of a file by name, as the CDN gives them."""
    found = {}
    for item in file["thumbnails"]["items"]:
        reply = send("GET", item["url"])
        assert (reply.status, reply.headers["content-type"]) == (200, item["contentType"]), reply
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert len(reply.body) == item["size"]
        found[item["name"]] = reply.body
    return found


@pytest.mark.parametrize(
    ("sample", "sizes"),
    [
        (PHOTO, [(640, 427), (320, 180), (200, 133), (96, 96), (640, 427)]),
        (CAMERA, [(1200, 1600), (320, 180), (150, 200), (96, 96), (360, 480)]),
        (PNG, [(300, 200), (300, 180), (200, 133), (96, 96), (300, 200)]),
    ],
    ids=str,
)
def test_every_variant_is_made_in_its_order_size_format_and_cut(user, stack, storage, sample, sizes):
    grant = user.upload(sample)
    file = user.settled(grant)["file"]
    assert file["thumbnails"]["status"] == "ready"
    items = file["thumbnails"]["items"]
    assert [item["name"] for item in items] == ["large", "card", "small", "square-2x", "wide"]
    assert [(item["width"], item["height"]) for item in items] == sizes
    webp = {"card", "wide"}
    assert [item["contentType"] for item in items] == [f"image/{'webp' if item['name'] in webp else 'jpeg'}" for item in items]
    folder = f"thumbnails/{user.owner}/{grant['id']}"
    keys = [f"{folder}/{item['name']}.{'webp' if item['name'] in webp else 'jpg'}" for item in items]
    assert [item["url"] for item in items] == [f"{stack.cdn_url}/{key}" for key in keys]
    for item, content in zip(items, served(file).values(), strict=True):
        thumbnail = pixels.opened(content)
        assert (thumbnail.format, thumbnail.size) == (item["contentType"].removeprefix("image/").upper(), (item["width"], item["height"]))
        assert pixels.distance(on_white(thumbnail), pixels.reference(sample.content, thumbnail.size)) < pixels.CLOSE, item["name"]
        pixels.assert_no_metadata(content)
    assert len(storage.versions(folder)) == len(items)


def on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def test_only_a_webp_keeps_transparency(user):
    thumbnails = served(user.settled(user.upload(PNG))["file"])
    corner = pixels.opened(thumbnails["wide"]).convert("RGBA").getpixel((0, 0))
    assert corner[3] == 0, corner
    assert pixels.opened(thumbnails["small"]).mode == "RGB"


def test_a_cover_shows_the_middle(user):
    """Three stripes; the outer two jut out."""
    file, image = io.BytesIO(), Image.new("RGB", (960, 320), (255, 0, 0))
    image.paste((0, 200, 0), (320, 0, 640, 320))
    image.paste((0, 0, 255), (640, 0, 960, 320))
    image.save(file, "PNG")
    square = pixels.opened(served(user.settled(user.upload_of(file.getvalue(), "image/png", "png"))["file"])["square-2x"])
    assert square.size == (96, 96)
    for place in ((3, 48), (48, 48), (92, 48)):
        red, green, blue = square.getpixel(place)
        assert green > 180 > 40 > max(red, blue), (place, (red, green, blue))


def test_what_has_more_megapixels_than_the_operator_allows_has_no_thumbnail(user):
    file = io.BytesIO()
    Image.new("RGB", (5000, MEGAPIXELS * 200 + 1), (9, 9, 9)).save(file, "PNG")
    thumbnails = user.settled(user.upload_of(file.getvalue(), "image/png", "png"))["file"]["thumbnails"]
    assert thumbnails == {"status": "failed", "reason": "too_many_pixels", "items": []}


def test_a_repeated_event_makes_none_of_them_again(user, storage):
    grant = user.upload(PHOTO)
    user.settled(grant)
    before = storage.versions(f"thumbnails/{user.owner}")
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    tell(storage, {"Records": [arrival(storage.bucket, key, storage.head(key)["VersionId"])]})
    assert storage.versions(f"thumbnails/{user.owner}") == before
