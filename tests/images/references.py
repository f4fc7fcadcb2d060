"""Makes the inputs of the pixel tests and what their thumbnails should look like: see README.md.

The expected pictures come from Pillow and LittleCMS: every pixel decoded, converted by the profile, flattened on white,
turned upright and resized with Lanczos. Nothing here may take a pixel from the project's own code.
"""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageEnhance, ImageOps

import profiles

HERE = Path(__file__).resolve().parent
ORIGINALS = HERE / "originals"
DIRECTORY = HERE / "references"
# The box of the expected thumbnails.
BOX = (64, 64)
LARGE, FOUR_CHANNELS, MIDDLE, SMALL = (480, 320), (360, 240), (240, 160), (96, 64)


def main() -> None:
    """Writes every input and its expected thumbnail, then says what it wrote."""
    (DIRECTORY / "expected").mkdir(parents=True, exist_ok=True)
    total = 0
    for name, make in INPUTS.items():
        content = make()
        (DIRECTORY / name).write_bytes(content)
        wanted = encoded(expected(content), "PNG", optimize=True)
        # Turned pictures are one picture.
        target = "upright" if name.startswith("orientation") else name.replace(".", "-")
        path = DIRECTORY / "expected" / f"{target}.png"
        if target != "upright" or name == "orientation-1.jpg":
            path.write_bytes(wanted)
            total += len(wanted)
        total += len(content)
        print(f"{name:<32} {len(content):>7} bytes")
    print(f"{'with the expected pictures':<32} {total:>7} bytes")


def expected(content: bytes) -> Image.Image:
    """What another tool makes of a file."""
    with Image.open(io.BytesIO(content)) as image:
        image.seek(0)
        profile, orientation = image.info.get("icc_profile"), image.getexif().get(0x0112, 1)
        image.load()
        pixels = image.copy()
    if pixels.mode.startswith("I"):
        pixels = Image.fromarray(np.rint(np.asarray(pixels).astype(float) / 257).astype(np.uint8))
    alpha = None
    if pixels.mode in ("P", "LA", "RGBA", "PA"):
        pixels = pixels.convert("RGBA")
        alpha = pixels.getchannel("A")
        pixels = pixels.convert("RGB")
    if profile is not None:
        pixels = ImageCms.profileToProfile(
            pixels,
            io.BytesIO(profile),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.HIGHRESPRECALC,
        )
    pixels = pixels.convert("RGB")
    # LittleCMS's own profile carries the time of day.
    pixels.info.clear()
    if alpha is not None:
        pixels = Image.composite(pixels, Image.new("RGB", pixels.size, "white"), alpha)
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    upright = pixels if turn is None else pixels.transpose(turn)
    return ImageOps.contain(upright, BOX, Image.Resampling.LANCZOS)


def photo(name: str, size: tuple[int, int], saturation: float = 1.0) -> Image.Image:
    """Part of an original at a size."""
    with Image.open(ORIGINALS / name) as image:
        fitted = ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS)
    return ImageEnhance.Color(fitted).enhance(saturation)


def vivid(size: tuple[int, int]) -> Image.Image:
    """A photo with colours up to the edges of whatever space its numbers are said to be in."""
    return photo("coffee.png", size, 1.7)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def jpeg(image: Image.Image, **options: object) -> bytes:
    """At a quality that leaves the profile to decide over colours."""
    return encoded(image, "JPEG", **{"quality": 82} | options)


def ink(size: tuple[int, int]) -> Image.Image:
    """A photo in CMYK with its grey taken out of the three colours by four fifths."""
    light = np.asarray(photo("coffee.png", size, 1.4)).astype(float) / 255
    colours = 1 - light
    black = 0.8 * colours.min(axis=-1, keepdims=True)
    rest = (colours - black) / (1 - black)
    return Image.frombytes("CMYK", size, np.rint(np.concatenate([rest, black], axis=-1) * 255).astype(np.uint8).tobytes())


def ycck(inks: Image.Image, **options: object) -> bytes:
    """Cyan, magenta and yellow turned to YCbCr by JFIF's equations, as Adobe's segment announces with a 2.

    Pillow writes four channels as they are, inverted, and announces a 0.
    """
    cyan, magenta, yellow, black = inks.split()
    channels = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    inverted = [channel.point(lambda value: 255 - value) for channel in channels]
    file = bytearray(jpeg(Image.merge("CMYK", (*inverted, black)), **options))
    adobe = file.index(b"\xff\xee\x00\x0eAdobe")
    assert file[adobe + 15] == 0
    file[adobe + 15] = 2
    return bytes(file)


def png(pixels: np.ndarray, colour: int, *chunks: tuple[bytes, bytes], interlaced: bool = False) -> bytes:
    """A PNG of 8 or 16 bits that Pillow cannot write, each row less the one above."""
    height, width = pixels.shape[:2]
    depth = 8 * pixels.itemsize
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b""
    for x, y, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        part = pixels[y::down, x::across]
        if part.size:
            rows = np.ascontiguousarray(part.astype(f">u{pixels.itemsize}")).view(np.uint8).reshape(part.shape[0], -1)
            above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
            data += b"".join(b"\x02" + row.tobytes() for row in rows - above)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    every = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in every
    )


def profile_chunk(profile: bytes) -> tuple[bytes, bytes]:
    """A PNG's colour profile."""
    return b"iCCP", b"profile\0\0" + zlib.compress(profile, 9)


def deep(size: tuple[int, int]) -> np.ndarray:
    """A photo with 16 bits a channel, the lower of which hold something."""
    wide = np.asarray(photo("chelsea.png", size)).astype(float)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    return np.rint(np.clip(wide * 257 + 96 * np.sin(x / 5 + y / 3)[..., None], 0, 65535)).astype(np.uint16)


def mask(size: tuple[int, int]) -> np.ndarray:
    """A soft ellipse, from 0 to 1."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    distance = np.hypot((x + 0.5) / size[0] - 0.5, (y + 0.5) / size[1] - 0.5)
    return np.clip((0.5 - distance) * 4, 0, 1)


def cut_out(size: tuple[int, int]) -> np.ndarray:
    """A photo that fades out; under full transparency lies pure red."""
    alpha = np.rint(mask(size) * 255).astype(np.uint8)
    rgb = np.asarray(photo("chelsea.png", size)).copy()
    rgb[alpha == 0] = (255, 0, 0)
    return np.dstack([rgb, alpha])


def palette_png() -> bytes:
    """128 colours, a quarter of them translucent."""
    image = photo("coffee.png", MIDDLE).quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return encoded(image, "PNG", optimize=True, transparency=bytes(range(0, 256, 8)))


def turned(orientation: int, size: tuple[int, int]) -> tuple[Image.Image, Image.Exif]:
    """A photo stored so that this orientation shows it upright."""
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = photo("coffee.png", size)
    return (upright if back is None else upright.transpose(back)), exif


def turned_jpeg(orientation: int) -> bytes:
    """Large enough to be decoded at a quarter."""
    image, exif = turned(orientation, MIDDLE)
    return jpeg(image, exif=exif)


def turned_file(orientation: int, size: tuple[int, int], format: str, **options: object) -> bytes:
    """In a format with EXIF of its own."""
    image, exif = turned(orientation, size)
    return encoded(image, format, exif=exif, **options)


def moving_gif() -> bytes:
    """The first frame lies within the canvas; the second covers it in one colour."""
    canvas, at = (240, 180), (40, 24)
    frame = photo("rocket.jpg", (160, 120)).quantize(63, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    still = bytearray(encoded(frame, "GIF", transparency=63, optimize=False))
    # The logical screen, and the place on it.
    still[6:10] = struct.pack("<HH", *canvas)
    descriptor = still.index(b"\x2c" + struct.pack("<HHHH", 0, 0, *frame.size))
    still[descriptor + 1 : descriptor + 5] = struct.pack("<HH", *at)
    second = encoded(Image.new("P", canvas, 1), "GIF")
    start = second.index(b"\x2c" + struct.pack("<HHHH", 0, 0, *canvas))
    return bytes(still[:-1]) + second[start:]


def moving_webp(lossless: bool) -> bytes:
    """The first frame lies within the canvas; the second covers it in one colour."""
    canvas, at = (240, 180), (40, 24)
    first = photo("rocket.jpg", (160, 120) if not lossless else (80, 60))
    frames = [(first, at), (Image.new("RGB", canvas, (0, 200, 0)), (0, 0))]
    chunks = [riff(b"VP8X", struct.pack("<I", 0x12) + u24(canvas[0] - 1) + u24(canvas[1] - 1)), riff(b"ANIM", bytes(6))]
    for image, (x, y) in frames:
        place = b"".join(u24(value) for value in (x // 2, y // 2, image.width - 1, image.height - 1, 100)) + b"\x02"
        chunks.append(riff(b"ANMF", place + encoded(image, "WEBP", quality=80, lossless=lossless, method=6)[12:]))
    return riff(b"RIFF", b"WEBP" + b"".join(chunks))


def riff(name: bytes, content: bytes) -> bytes:
    """A chunk with its padding."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def u24(value: int) -> bytes:
    """Three bytes, lowest first."""
    return struct.pack("<I", value)[:3]


def grey16() -> np.ndarray:
    """One channel of 16 bits."""
    return np.rint(deep(SMALL) @ np.array([0.299, 0.587, 0.114])).astype(np.uint16)


P3, ADOBE, GREY = profiles.display_p3(), profiles.adobe_rgb(), profiles.grey(1.4)
INK8, INK16 = profiles.cmyk(8), profiles.cmyk(16)

# Each file's name and how it is made. A profile's JPEG files come in a size that is decoded scaled and in one that is not.
INPUTS: dict[str, Callable[[], bytes]] = {
    "display-p3-large.jpg": lambda: jpeg(vivid(LARGE), icc_profile=P3),
    "display-p3-large-progressive.jpg": lambda: jpeg(vivid(LARGE), icc_profile=P3, progressive=True),
    "display-p3-small.jpg": lambda: jpeg(vivid(SMALL), quality=92, subsampling=0, icc_profile=P3),
    "display-p3.png": lambda: encoded(vivid(SMALL), "PNG", optimize=True, icc_profile=P3),
    "display-p3.webp": lambda: encoded(vivid(MIDDLE), "WEBP", quality=85, method=6, icc_profile=P3),
    "adobe-rgb-large.jpg": lambda: jpeg(vivid(LARGE), icc_profile=ADOBE),
    "adobe-rgb-small.jpg": lambda: jpeg(vivid(SMALL), quality=92, subsampling=0, icc_profile=ADOBE),
    "adobe-rgb-16-bit.png": lambda: png(np.asarray(vivid(SMALL)).astype(np.uint16) * 257, 2, profile_chunk(ADOBE)),
    "adobe-rgb-alpha.png": lambda: png(cut_out(SMALL), 6, profile_chunk(ADOBE)),
    "grey-gamma-large.jpg": lambda: jpeg(photo("chelsea.png", LARGE).convert("L"), icc_profile=GREY),
    "grey-gamma-small.jpg": lambda: jpeg(photo("chelsea.png", SMALL).convert("L"), icc_profile=GREY),
    "grey-gamma.png": lambda: encoded(photo("chelsea.png", SMALL).convert("L"), "PNG", optimize=True, icc_profile=GREY),
    "cmyk-large.jpg": lambda: jpeg(ink(FOUR_CHANNELS), quality=70, icc_profile=INK8),
    "cmyk-large-progressive.jpg": lambda: jpeg(ink(FOUR_CHANNELS), quality=65, progressive=True, icc_profile=INK16),
    "cmyk-small.jpg": lambda: jpeg(ink(SMALL), icc_profile=INK8),
    "ycck-large.jpg": lambda: ycck(ink(FOUR_CHANNELS), quality=70, icc_profile=INK16),
    "ycck-large-progressive.jpg": lambda: ycck(ink(FOUR_CHANNELS), quality=65, progressive=True, icc_profile=INK8),
    "ycck-small.jpg": lambda: ycck(ink(SMALL), icc_profile=INK8),
    "rgb-16-bit.png": lambda: png(deep(SMALL), 2),
    "grey-16-bit.png": lambda: png(grey16(), 0),
    "alpha-16-bit.png": lambda: png(np.dstack([deep(SMALL), np.rint(mask(SMALL) * 65535).astype(np.uint16)]), 6),
    "palette-alpha.png": palette_png,
    "interlaced.png": lambda: png(np.asarray(photo("chelsea.png", SMALL)), 2, interlaced=True),
    "grey-alpha.png": lambda: png(np.dstack([np.asarray(photo("chelsea.png", SMALL).convert("L")), cut_out(SMALL)[..., 3]]), 4),
    "alpha.png": lambda: png(cut_out(SMALL), 6),
    "alpha-lossy.webp": lambda: encoded(Image.fromarray(cut_out(MIDDLE)), "WEBP", quality=80, method=6),
    "alpha-lossless.webp": lambda: encoded(Image.fromarray(cut_out(SMALL)), "WEBP", lossless=True, exact=True, method=6),
    "moving.gif": moving_gif,
    "moving-lossy.webp": lambda: moving_webp(lossless=False),
    "moving-lossless.webp": lambda: moving_webp(lossless=True),
    **{f"orientation-{number}.jpg": (lambda number=number: turned_jpeg(number)) for number in range(1, 9)},
    "orientation-6.png": lambda: turned_file(6, (120, 80), "PNG", optimize=True),
    "orientation-8.webp": lambda: turned_file(8, MIDDLE, "WEBP", quality=85, method=6),
}


if __name__ == "__main__":
    main()
