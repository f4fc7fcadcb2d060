"""docs/OPERATIONS.md speaks of what is deployed: each alarm has its entry, each query is the saved one, each metric is shown."""

import json
import re

import pytest

from .assertions.malware import OWN_SOURCE
from .assertions.monitoring import ALARM, valet_metrics
from .stack import ROOT, expanded

DOCUMENT = (ROOT / "docs" / "OPERATIONS.md").read_text()
STACK = expanded()
COMMANDS = re.compile(r"\b(redrive|aws|sam|git) [\w-]+")


def sections(heading: str) -> dict[str, str]:
    """The parts under a heading of the second level, by their own."""
    chapter = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {part.split("\n")[0]: part.partition("\n")[2] for part in chapter.split("\n### ")[1:]}


def test_the_runbook_has_an_entry_for_each_alarm_and_no_other():
    headings = [name for heading in sections("Alarms") for name in heading.split(", ")]
    assert sorted(headings) == sorted(STACK.of_type(ALARM))


@pytest.mark.parametrize(("alarm", "entry"), sections("Alarms").items())
def test_an_entry_says_what_it_means_how_to_look_and_what_to_run(alarm, entry):
    means, look, run = (entry.split(f"**{part}**")[1] for part in ("Means", "Look", "Run"))
    assert all(len(part) > 80 for part in (means, look, run)), alarm
    assert COMMANDS.search(look + run), f"{alarm}: no command"


def test_a_query_that_an_entry_names_exists():
    named = {name for entry in sections("Alarms").values() for name in re.findall(r"`([a-z]+(?:-[a-z]+)*)`", entry)}
    assert {"failures", "crashes", "api-refusals", "one-upload", "durations", "starts"} <= named
    assert named - {"timeout", "error", "failure", "ready"} <= set(sections("Queries"))


def test_each_query_is_the_saved_one():
    written = {name: part.split("```\n")[1].rstrip("\n") for name, part in sections("Queries").items()}
    saved = {
        query["Name"]["Fn::Sub"].removeprefix("${ServiceName}/"): query["QueryString"]
        for query in STACK.of_type("AWS::Logs::QueryDefinition").values()
    }
    assert written == saved


def test_the_table_of_metrics_is_what_dashboard_and_alarms_look_at():
    chapter = DOCUMENT.split("\n## Metrics\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]+) \|", chapter, re.MULTILINE)
    assert {name: set(dimensions.split(", ")) for name, _, dimensions in rows} == valet_metrics(STACK)
    # The units of CloudWatch, spelled as it wants them.
    assert {unit for _, unit, _ in rows} <= {"Count", "Bytes", "Milliseconds"}


def test_the_verdict_of_a_scanner_of_ones_own_is_one_that_the_rule_takes():
    chapter = DOCUMENT.split("\n## Malware scanning\n")[1].split("\n## ")[0]
    (entry,) = json.loads(chapter.split("```json\n")[1].split("```")[0])
    sample = json.loads((ROOT / "events" / "scan-external.json").read_text())
    pattern = STACK.properties("VerdictRule")["EventPattern"]
    assert entry["Source"] == sample["source"] == OWN_SOURCE
    assert [entry["DetailType"]] == [sample["detail-type"]] == pattern["detail-type"]
    shapes = [{name: sorted(part) for name, part in detail.items()} for detail in (json.loads(entry["Detail"]), sample["detail"])]
    assert shapes[0] == shapes[1]
    assert set(pattern["detail"]["s3ObjectDetails"]) <= set(shapes[0]["s3ObjectDetails"])
