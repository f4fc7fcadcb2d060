"""Makes the test images from the originals: `python tests/images/make.py`, with the versions README.md names.

The results are committed, so a test run needs none of this. It must never read anything but `originals/`.
"""

import io
import random
import zlib
from pathlib import Path

from PIL import ExifTags, Image, ImageChops, ImageDraw
from PIL.PngImagePlugin import PngInfo

HERE = Path(__file__).resolve().parent
ORIGINALS = HERE / "originals"
# Stands in the metadata of every image that can carry some: whoever finds it in a thumbnail has found a leak.
PRIVATE = "VALET-PRIVATE"
ROTATED = 6
VIDEO_FRAMES = 12


def main() -> None:
    """Writes every image, then says what it wrote."""
    made = {
        "rotated.jpg": rotated_jpeg(),
        "transparent.png": transparent_png(),
        "cat.webp": webp(),
        "launch.gif": animated_gif(),
        "coffee.avif": avif(),
        "cat.mp4": video("mp4", "libx264", {"preset": "slow", "crf": "30"}),
        "cat.mov": video("mov", "libx264", {"preset": "slow", "crf": "30"}),
        "cat.webm": video("webm", "libvpx", {"crf": "40", "b": "60000"}),
        "menu.pdf": pdf(),
    }
    for name, content in made.items():
        (HERE / name).write_bytes(content)
        print(f"{name:<16} {len(content):>7} bytes")


def original(name: str) -> Image.Image:
    """One of the originals in RGB."""
    with Image.open(ORIGINALS / name) as image:
        return image.convert("RGB")


def private_exif(orientation: int = 1) -> Image.Exif:
    """What a camera writes: who, when, where, and which way up."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = PRIVATE
    exif[ExifTags.Base.Model] = PRIVATE
    exif[ExifTags.Base.ImageDescription] = PRIVATE
    exif[ExifTags.Base.DateTime] = "2026:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (48.0, 12.0, 30.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (16.0, 22.0, 21.0),
        }
    )
    return exif


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def rotated_jpeg() -> bytes:
    """Stored lying on its side as a phone does it; upright it is 600 × 400."""
    lying = original("coffee.png").transpose(Image.Transpose.ROTATE_90)
    return encoded(lying, "JPEG", quality=85, exif=private_exif(ROTATED), comment=PRIVATE.encode())


def transparent_png() -> bytes:
    """The cat cut out as an ellipse with soft edges. What is hidden under full transparency is pure red."""
    cat = original("chelsea.png").resize((300, 200), Image.Resampling.LANCZOS)
    # Drawn at four times the size and shrunk: an edge of half-transparent pixels.
    mask = Image.new("L", (1200, 800), 0)
    ImageDraw.Draw(mask).ellipse((80, 80, 1120, 720), fill=255)
    mask = mask.resize(cat.size, Image.Resampling.BOX)
    hidden = Image.new("RGB", cat.size, (255, 0, 0))
    cut = Image.composite(cat, hidden, mask.point(lambda alpha: 255 if alpha else 0))
    cut.putalpha(mask)
    text = PngInfo()
    text.add_text("Comment", PRIVATE)
    return encoded(cut, "PNG", optimize=True, pnginfo=text, exif=private_exif())


def webp() -> bytes:
    """Lossy, with metadata."""
    return encoded(original("chelsea.png"), "WEBP", quality=80, method=6, exif=private_exif())


def animated_gif() -> bytes:
    """Four frames, each another part of the launch: a thumbnail of anything but the first shows."""
    rocket = original("rocket.jpg")
    frames = [
        rocket.crop((x, 0, x + 320, 427)).resize((160, 214), Image.Resampling.LANCZOS).quantize(64)
        for x in (0, 110, 220, 320)
    ]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0, comment=PRIVATE.encode())


def avif() -> bytes:
    """One still image."""
    return encoded(original("coffee.png"), "AVIF", quality=55, speed=4, max_threads=1)


def video(format: str, codec: str, options: dict[str, str]) -> bytes:
    """One second of a slow pan over the cat, 160 × 120, without sound."""
    import av

    file = io.BytesIO()
    cat = original("chelsea.png")
    # Bit-exact: no version and no time of making in the file.
    with av.open(file, "w", format=format, container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=VIDEO_FRAMES, options=options | {"threads": "1", "flags": "+bitexact"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for step in range(VIDEO_FRAMES):
            view = cat.crop((step * 4, step * 2, step * 4 + 360, step * 2 + 270)).resize((160, 120), Image.Resampling.LANCZOS)
            container.mux(stream.encode(av.VideoFrame.from_image(view)))
        container.mux(stream.encode(None))
    return file.getvalue()


def pdf() -> bytes:
    """One page with a photo and a line of text, written by hand so that no date or producer gets in."""
    photo = encoded(original("coffee.png").resize((300, 200), Image.Resampling.LANCZOS), "JPEG", quality=70)
    page = zlib.compress(b"q 300 0 0 200 36 156 cm /Photo Do Q BT /Font 18 Tf 36 120 Td (Today: coffee) Tj ET")
    image = b"/Type /XObject /Subtype /Image /Width 300 /Height 200 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 372 392] /Contents 4 0 R"
        b" /Resources << /XObject << /Photo 5 0 R >> /Font << /Font 6 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< %s /Length %d >>\nstream\n%s\nendstream" % (image, len(photo), photo),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    content, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, len(content))
    return content + b"xref\n0 %d\n%s%s" % (len(places) + 1, table, trailer)


def camera_jpeg() -> bytes:
    """12 megapixels with a sensor's grain, taken upright: 4032 × 3024 as stored, 3024 × 4032 as displayed.

    Too large to keep in the repository and the same on every run, so the tests make it when they need it.
    """
    size = (4032, 3024)
    lying = original("coffee.png").crop((150, 0, 450, 400)).transpose(Image.Transpose.ROTATE_90)
    photo = lying.resize(size, Image.Resampling.BICUBIC)
    grain = Image.frombytes("L", size, random.Random(12).randbytes(size[0] * size[1])).point(lambda value: value // 16)
    grained = ImageChops.add(photo, Image.merge("RGB", (grain, grain, grain)), offset=-8)
    return encoded(grained, "JPEG", quality=90, exif=private_exif(ROTATED))


if __name__ == "__main__":
    main()
