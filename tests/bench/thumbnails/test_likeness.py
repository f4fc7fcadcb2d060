"""SSIM and references: what must be so for any picture."""

import numpy as np
from PIL import Image

from tests.bench.thumbnails import likeness


def picture(seed=1, size=(60, 40)):
    """Smooth noise."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def test_a_picture_is_like_itself_and_only_like_itself():
    assert likeness.ssim(picture(), picture()) == 1
    assert likeness.delta_e(picture(), picture()) == 0
    assert likeness.ssim(picture(), picture(2)) < 0.5
    assert likeness.delta_e(picture(), picture(2)) > 5


def test_flat_pictures_follow_the_formula():
    # Without variance only the luminance term is left: (2ab + C1) / (a² + b² + C1), C1 = (0.01 · 255)².
    one, other = Image.new("L", (32, 32), 100), Image.new("L", (32, 32), 150)
    c1 = (0.01 * 255) ** 2
    assert abs(likeness.ssim(one, other) - (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)) < 1e-6


def test_the_reference_is_upright_and_on_white(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    halves = Image.new("RGB", (400, 200), "black")
    halves.paste("white", (0, 0, 200, 200))
    halves.save(tmp_path / "turned.png", exif=exif)
    turned = likeness.reference(tmp_path / "turned.png", (50, 100))
    # Orientation 6 turns clockwise: what is left in the file is on top.
    assert turned.size == (50, 100)
    assert turned.getpixel((25, 10)) == (255, 255, 255)
    assert turned.getpixel((25, 90)) == (0, 0, 0)

    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert likeness.reference(tmp_path / "clear.png", (20, 20)).getpixel((5, 5)) == (255, 255, 255)
