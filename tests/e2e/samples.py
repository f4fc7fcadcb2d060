"""The files the suite uploads, with what is known about each beforehand."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.images.make import camera_jpeg

IMAGES = Path(__file__).resolve().parents[1] / "images"


@dataclass(frozen=True)
class Sample:
    """One file. `size` is width and height as displayed, `thumbnail` those of its thumbnail; None for a type without."""

    name: str
    content_type: str
    extension: str
    size: tuple[int, int] | None = None
    thumbnail: tuple[int, int] | None = None

    @cached_property
    def content(self) -> bytes:
        """The bytes."""
        return camera_jpeg() if self.name == "camera" else (IMAGES / self.name).read_bytes()

    @property
    def sha256(self) -> str:
        """As S3 writes it."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    def __str__(self) -> str:
        return Path(self.name).name


PHOTO = Sample("originals/rocket.jpg", "image/jpeg", "jpg", (640, 427), (200, 133))
ROTATED = Sample("rotated.jpg", "image/jpeg", "jpg", (600, 400), (200, 133))
CAMERA = Sample("camera", "image/jpeg", "jpg", (3024, 4032), (150, 200))
PNG = Sample("transparent.png", "image/png", "png", (300, 200), (200, 133))
WEBP = Sample("cat.webp", "image/webp", "webp", (451, 300), (200, 133))
GIF = Sample("launch.gif", "image/gif", "gif", (160, 214), (150, 200))
AVIF = Sample("coffee.avif", "image/avif", "avif")
MP4 = Sample("cat.mp4", "video/mp4", "mp4")
WEBM = Sample("cat.webm", "video/webm", "webm")
QUICKTIME = Sample("cat.mov", "video/quicktime", "mov")
PDF = Sample("menu.pdf", "application/pdf", "pdf")

ALL = [PHOTO, ROTATED, CAMERA, PNG, WEBP, GIF, AVIF, MP4, WEBM, QUICKTIME, PDF]
