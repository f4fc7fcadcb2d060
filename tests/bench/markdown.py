"""Tables, and their place between two markers of a document; never what they mean."""

from collections.abc import Iterable


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def between(document: str, begin: str, end: str, text: str) -> str:
    """The document with the text in place of what stood between the markers."""
    before, begins, rest = document.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"the document has no `{begin}` followed by `{end}`")
    return f"{before}{begin}\n{text}\n{end}{after}"
