"""Pillow as a process that is told over standard input what to make; processes.py has the protocol.

Usage: python -I pillow_worker.py. It must never measure anything itself.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

Image.MAX_IMAGE_PIXELS = None
REDUCING_GAP = 2.0
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def make(file: bytes, text: str) -> dict[str, bytes]:
    """Every variant, each smaller one of the one before it."""
    with Image.open(io.BytesIO(file)) as image:
        return {name: encoded for name, encoded in cascade(image, text)}


def cascade(image: Image.Image, text: str):
    """The variants from the largest down."""
    icc = image.info.get("icc_profile")
    ready = False
    for variant in text.split(","):
        name, box, _, _, quality = variant.strip().split(":")
        size = tuple(int(side) for side in box.split("x"))
        if image.mode not in ("RGB", "L", "RGBA", "LA", "CMYK"):
            # A palette cannot be interpolated.
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        # Shrinks on load (draft) and by whole numbers before it filters, with alpha premultiplied.
        image.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
        if not ready:
            image = finished(image, icc)
            ready = True
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(quality))
        yield name, file.getvalue()


def finished(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Upright, in sRGB, on white."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if icc and image.mode in ("RGB", "CMYK"):
        try:
            image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), SRGB, outputMode="RGB")
        except ImageCms.PyCMSError:
            pass
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def main() -> None:
    """Answers commands until there are no more."""
    file, made = b"", {}
    for line in sys.stdin:
        command, *rest = line.rstrip("\n").split("\t")
        try:
            if command == "read":
                file = Path(rest[0]).read_bytes()
            elif command == "make":
                made = make(file, rest[0])
            elif command == "write":
                for name, encoded in made.items():
                    (Path(rest[0]) / f"{name}.jpg").write_bytes(encoded)
            answer = "ok"
        except Exception as error:
            answer = f"error\t{' '.join(str(error).split()) or type(error).__name__}"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
