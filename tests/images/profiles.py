"""Writes ICC profiles from numbers alone (ICC.1:2022), so that none of anybody's is copied.

Deterministic: no date, no text but a name. It must never read a file.
"""

import struct
from collections.abc import Iterable, Sequence

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = (0.3127, 0.3290)
# Chromaticities of red, green and blue: SMPTE EG 432-1 and Adobe RGB (1998), section 4.3.1.
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
# The sRGB curve of IEC 61966-2-1 in the parameters of type 3.
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
# Invented inks, in CIELAB on a white of 100, 0, 0: what the sixteen overprints of C, M, Y and K look like. The names of the
# first eight are their inks; black on top leaves little of them.
OVERPRINTS = {
    "": (100, 0, 0),
    "C": (57, -37, -48),
    "M": (49, 73, -5),
    "Y": (90, -6, 92),
    "CM": (25, 21, -46),
    "CY": (51, -68, 26),
    "MY": (48, 67, 46),
    "CMY": (24, 1, 1),
}
BLACK = (17, 0, 0)


def display_p3() -> bytes:
    """Version 4: a parametric curve, a chromatic adaptation."""
    return _matrix("Display P3 primaries", DISPLAY_P3, _parametric(SRGB_CURVE), version=4)


def adobe_rgb() -> bytes:
    """Version 2: a gamma of 563/256."""
    return _matrix("Adobe RGB (1998) primaries", ADOBE_RGB, _gamma(563 / 256), version=2)


def grey(gamma: float) -> bytes:
    """Version 2: one curve."""
    tags = {b"desc": _text(2, "Grey gamma"), b"wtpt": _xyz(D50), b"kTRC": _gamma(gamma)}
    return _profile(2, b"mntr", b"GRAY", b"XYZ ", tags)


def cmyk(bits: int) -> bytes:
    """Version 2: a table from ink to CIELAB of 8 or 16 bits, by Neugebauer's equations with Yule and Nielsen's exponent 2.

    The curves before the table hold the dot gain, so that what is left between its points is smooth.
    """
    side, curve = 7, np.linspace(0, 1, 256)
    gain = curve + 0.6 * curve * (1 - curve)
    points = np.linspace(0, 1, side)
    grid = np.stack(np.meshgrid(points, points, points, points, indexing="ij"), axis=-1).reshape(-1, 4)
    lab = _neugebauer(grid)
    header = struct.pack(">BBBx", 4, 3, side) + _s15f16(np.eye(3).ravel())
    if bits == 8:
        encoded = np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=-1)
        tables = [np.tile(_whole(gain * 255, 255), 4), _whole(encoded, 255), np.tile(np.arange(256), 3)]
        lut = b"mft1\0\0\0\0" + header + b"".join(table.astype(">u1").tobytes() for table in tables)
    else:
        # The 16-bit encoding of version 2: 0xFF00 is 100.
        encoded = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=-1)
        tables = [np.tile(_whole(gain * 65535, 65535), 4), _whole(encoded, 65535), np.tile(np.array([0, 65535]), 3)]
        lut = b"mft2\0\0\0\0" + header + struct.pack(">HH", 256, 2) + b"".join(table.astype(">u2").tobytes() for table in tables)
    return _profile(2, b"prtr", b"CMYK", b"Lab ", {b"desc": _text(2, "Invented inks"), b"wtpt": _xyz(D50), b"A2B0": lut})


def _neugebauer(ink: np.ndarray) -> np.ndarray:
    """CIELAB of ink coverages: overprints averaged by the area that each has, as square roots of their light."""
    total = np.zeros((len(ink), 3))
    for inks, lab in OVERPRINTS.items():
        area = np.prod([ink[:, at] if name in inks else 1 - ink[:, at] for at, name in enumerate("CMY")], axis=0)
        for black in (0, 1):
            colour = np.array(BLACK) + 0.12 * (np.array(lab) - np.array([100, 0, 0])) if black else np.array(lab, float)
            part = area * (ink[:, 3] if black else 1 - ink[:, 3])
            total += part[:, None] * np.sqrt(_light(colour))
    return _lab(total**2)


def _light(lab: np.ndarray) -> np.ndarray:
    f = np.array([(lab[0] + 16) / 116 + lab[1] / 500, (lab[0] + 16) / 116, (lab[0] + 16) / 116 - lab[2] / 200])
    return np.where(f > 6 / 29, f**3, (f - 16 / 116) * 3 * (6 / 29) ** 2).clip(0) * D50


def _lab(light: np.ndarray) -> np.ndarray:
    ratio = light / D50
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def _matrix(name: str, primaries: Sequence[tuple[float, float]], curve: bytes, version: int) -> bytes:
    """A profile of three primaries with the white of D65, adapted to D50 as Bradford's matrix does it."""
    white = _from_chromaticity(D65)
    columns = np.stack([_from_chromaticity(primary) for primary in primaries], axis=-1)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    adapted = np.linalg.inv(bradford) @ np.diag((bradford @ D50) / (bradford @ white)) @ bradford
    red, green, blue = (adapted @ columns @ np.diag(np.linalg.solve(columns, white))).T
    tags = {b"desc": _text(version, name), b"wtpt": _xyz(D50), b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    tags |= {tag: curve for tag in (b"rTRC", b"gTRC", b"bTRC")}
    if version == 4:
        tags[b"chad"] = b"sf32\0\0\0\0" + _s15f16(adapted.ravel())
        tags[b"cprt"] = _text(4, "CC0")
    return _profile(version, b"mntr", b"RGB ", b"XYZ ", tags)


def _from_chromaticity(xy: tuple[float, float]) -> np.ndarray:
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def _profile(version: int, kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Header, table of tags, and their data, each of which is stored once."""
    start = 128 + 4 + 12 * len(tags)
    table, data, places = struct.pack(">I", len(tags)), b"", {}
    for tag, content in tags.items():
        if content not in places:
            places[content] = start + len(data)
            data += content + b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", tag, places[content], len(content))
    header = struct.pack(">I4sI4s4s4s12s4s", start + len(data), b"", version << 24, kind, space, connection, b"", b"acsp")
    return header.ljust(68, b"\0") + _s15f16(D50) + b"\0" * 48 + table + data


def _text(version: int, text: str) -> bytes:
    if version == 2:
        return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text.encode() + b"\0" * (1 + 8 + 3 + 67)
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _xyz(value: Iterable[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _s15f16(value)


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _parametric(parameters: Sequence[float]) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">Hxx", 3) + _s15f16(parameters)


def _s15f16(values: Iterable[float]) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _whole(values: np.ndarray, most: int) -> np.ndarray:
    return np.clip(np.rint(values), 0, most).astype(int)
