"""The measurements as Markdown, and their place in docs/PERFORMANCE.md; never what they mean."""

from pathlib import Path

from tests.bench.markdown import between, table
from tests.bench.upload.bounds import Row, Verdict

BEGIN, END = "<!-- make bench-upload: begin -->", "<!-- make bench-upload: end -->"


def rows(found: list[Row]) -> str:
    """One server's and one file's tools."""
    header = ["tool", "seconds", "GB/s", "CPU s per GB", "anonymous MiB", "resident MiB", "hashes"]
    return table(
        header,
        (
            [
                row.tool,
                f"{row.wall:.2f} ({row.median_wall:.2f})",
                f"{row.rate:.2f}",
                f"{row.cpu:.2f} ({row.median_cpu:.2f})",
                f"{row.anonymous / 2**20:.0f}",
                f"{row.resident / 2**20:.0f}",
                row.checksums,
            ]
            for row in found
        ),
    )


def bounds(verdicts: list[Verdict]) -> str:
    """The verdicts."""
    return table(
        ["bound", "limit", "measured", "at", ""],
        ([verdict.text, f"{verdict.bound:g}", f"{verdict.measured:.3g}", verdict.at, "held" if verdict.is_held else "**MISSED**"] for verdict in verdicts),
    )


def written(document: str, text: str) -> str:
    """The document with the text in place of what stood between the markers."""
    return between(document, BEGIN, END, text)


def write(path: Path, text: str) -> None:
    """Puts the text between the markers of the document at this path."""
    path.write_text(written(path.read_text(), text))
