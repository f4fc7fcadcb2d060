"""The measurements as Markdown, and their place in docs/PERFORMANCE.md; never what they mean."""

from pathlib import Path

from tests.bench.browser.bounds import Row, Verdict
from tests.bench.markdown import between, table

BEGIN, END = "<!-- make bench-browser: begin -->", "<!-- make bench-browser: end -->"


def rows(found: list[Row]) -> str:
    """All uploaders."""
    return table(
        ["uploader", "seconds until ready, median", "fastest", "slowest", "until it says so, median", "requests", "preflights", "options changed"],
        (
            [
                row.contestant.name,
                f"{row.ready:.2f}",
                f"{min(took.ready for took in row.rounds):.2f}",
                f"{max(took.ready for took in row.rounds):.2f}",
                f"{row.said:.2f}",
                str(row.rounds[0].requests),
                str(row.rounds[0].preflights),
                row.contestant.options,
            ]
            for row in found
        ),
    )


def bounds(found: list[Verdict]) -> str:
    """The verdicts."""
    return table(
        ["bound", "limit", "measured", ""],
        ([one.text, f"{one.bound:g}", f"{one.measured:.2f}", "held" if one.is_held else "**MISSED**"] for one in found),
    )


def write(path: Path, text: str) -> None:
    """Puts the text between the markers of the document at this path."""
    path.write_text(between(path.read_text(), BEGIN, END, text))
