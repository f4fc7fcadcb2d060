"""The measurements as Markdown, and their place in docs/PERFORMANCE.md; never what they mean."""

from collections.abc import Iterable
from pathlib import Path

from tests.bench.markdown import between, table
from tests.bench.thumbnails.bounds import Row, Verdict, compared, geometric_mean

PEERS = ("ours", "sharp", "Pillow")
BEGIN, END = "<!-- make bench-thumbnails: begin -->", "<!-- make bench-thumbnails: end -->"
KINDS = ("baseline", "progressive", "PNG", "WebP", "GIF")
NONE = "–"


def times(row: Row, peer: str) -> str:
    """How many times our CPU time."""
    ratio = row.ratio(peer)
    return NONE if ratio is None else f"{ratio:.2f}×"


def of_each(row: Row, show, peers: Iterable[str] = PEERS) -> list[str]:
    """A cell for each contestant."""
    return [show(row.outcomes[peer]) if peer in row.outcomes else NONE for peer in peers]


def cpu(rows: list[Row], idle: dict[str, float]) -> str:
    """CPU time and peak memory at 200 px."""
    header = ["input", "MP", "MB", *(f"{peer}, CPU ms" for peer in PEERS), "sharp / ours", "Pillow / ours", *(f"{peer}, peak MB" for peer in PEERS)]
    lines = [
        [row.name, f"{row.megapixels:.1f}", f"{row.bytes / 1e6:.2f}"]
        + of_each(row, lambda outcome: f"{outcome.best:.1f} ({outcome.median:.1f})")
        + [times(row, "sharp"), times(row, "Pillow")]
        + of_each(row, lambda outcome: f"{outcome.peak_mb:.0f}")
        for row in rows
    ]
    lines.append(["idle process"] + [""] * 7 + [f"{idle[peer]:.0f}" for peer in PEERS])
    return table(header, lines)


def output(rows: list[Row]) -> str:
    """Bytes and likeness at 200 px."""
    header = ["input", *(f"{peer}, kB" for peer in PEERS), *(f"{peer}, SSIM" for peer in PEERS)]
    return table(
        header, ([row.name] + of_each(row, lambda o: f"{o.sizes[0] / 1e3:.1f}") + of_each(row, lambda o: f"{o.ssim[0]:.4f}") for row in rows)
    )


def classes(small: list[Row], sets: list[Row]) -> str:
    """Geometric means by class: of the best rounds, and of the medians."""
    lines = []
    for title, rows, names in (("200 px", small, KINDS), ("1600 + 800 + 200", sets, KINDS)):
        for kind in names:
            if found := compared(rows, kind):
                pillow = [row.ratio("Pillow") for row in found if row.ratio("Pillow")]
                lines.append(
                    [f"{kind}, {title}", str(len(found)), f"{geometric_mean(row.ratio() for row in found):.2f}×", f"{geometric_mean(row.median_ratio() for row in found):.2f}×"]
                    + [f"{geometric_mean(pillow):.2f}×" if pillow else NONE]
                )
    return table(["class", "inputs", "sharp / ours", "of the medians", "Pillow / ours"], lines)


def sets(rows: list[Row]) -> str:
    """CPU time of 1600 + 800 + 200 and the likeness of each."""
    peers = ("ours", "sharp", "sharp, cascaded by hand", "Pillow")
    header = ["input", *(f"{peer}, CPU ms" for peer in peers), "ours / sharp", "ours, SSIM", "sharp, SSIM"]
    lines = []
    for row in rows:
        ratio = row.ratio()
        lines.append(
            [row.name]
            + of_each(row, lambda o: f"{o.best:.0f} ({o.median:.0f})", peers)
            + [f"{1 / ratio:.2f}" if ratio else NONE]
            + of_each(row, lambda o: " / ".join(f"{value:.4f}" for value in o.ssim), PEERS[:2])
        )
    return table(header, lines)


def arrivals(rows: list[tuple[str, int, int]]) -> str:
    """How much of each file is needed before its thumbnail can be made."""
    header = ["input", "bytes", "needed", "not downloaded"]
    return table(header, ([name, f"{whole:,}", f"{needed:,}", f"{1 - needed / whole:.0%}"] for name, whole, needed in rows))


def bounds(verdicts: list[Verdict]) -> str:
    """The verdicts."""
    return table(
        ["bound", "limit", "measured", "at", ""],
        ([verdict.text, f"{verdict.bound:g}", f"{verdict.measured:.3g}", verdict.worst, "held" if verdict.is_held else "**MISSED**"] for verdict in verdicts),
    )


def written(document: str, text: str) -> str:
    """The document with the text in place of what stood between the markers."""
    return between(document, BEGIN, END, text)


def write(path: Path, text: str) -> None:
    """Puts the text between the markers of the document at this path."""
    path.write_text(written(path.read_text(), text))
