"""The cost sheet adds up, depends on what it says it depends on, and the document shows what the command prints."""

import copy
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from infra.tools import transform
from infra.tools.cost import INPUTS, Cost, load, tables

ROOT = Path(__file__).resolve().parents[2]
COST = load()


def changed(**prices: float) -> Cost:
    """The same inputs with other prices."""
    inputs = copy.deepcopy(COST.inputs)
    for name, usd in prices.items():
        inputs["prices"][name]["usd"] = usd
    return Cost(inputs)


def total(parts: dict[str, float]) -> float:
    return sum(parts.values())


def test_a_round_example_by_hand():
    """Prices of one dollar, no waiting and no starts: everything can be counted on fingers."""
    inputs = copy.deepcopy(COST.inputs)
    for price in inputs["prices"].values():
        price["usd"] = 1.0
    for function in inputs["functions"].values():
        function |= {"memory_mb": 1024, "cpu_ms": 1024 / 1769, "cpu_ms_per_mb": 0, "wait_ms": 999.0, "wait_ms_per_mb": 0, "init_cpu_ms": 0}
    inputs["assumed"] |= {"log_bytes_per_invocation": 200, "log_bytes_per_api_call": 200, "traces_per_invocation": 0, "thumbnails": 2, "grants_beside_others": 1}
    parts = Cost(inputs).valet(5, True)
    assert parts["API: issue, confirm"] == 2
    # Three calls of a second with a gigabyte, a million times, and the three calls.
    assert parts["Lambda: three calls"] == pytest.approx(3_000_000 + 3)
    assert parts["S3: the file, its tag, thumbnails"] == 4 + 2
    # Two transactions and one that is refused, each of two items at twice the units; the thumbnails, the index, two reads.
    assert parts["DynamoDB"] == 3 * 2 * 2 + 1 + 4 + 2
    assert parts["SQS: send, receive, delete"] == 3
    assert parts["Logs and traces"] == pytest.approx(1.0)


def test_a_server_pays_for_every_byte_and_valet_for_none():
    assert COST.server(100, False)["Load balancer: its bytes"] == pytest.approx(10 * COST.server(10, False)["Load balancer: its bytes"])
    assert COST.valet(1000, False) == COST.valet(1, False)


def test_a_gigabyte_through_the_balancer_is_one_unit():
    assert changed(balancer_unit=1.0).server(1, False)["Load balancer: its bytes"] == pytest.approx(1000)


def test_less_memory_is_slower_and_a_whole_processor_is_not():
    inputs = copy.deepcopy(COST.inputs)
    issue = inputs["functions"]["issue-upload"]
    issue |= {"memory_mb": 1769, "cpu_ms": 10.0, "init_cpu_ms": 0, "wait_ms": 0}
    whole = Cost(inputs).billed_ms("issue-upload", 0)
    issue["memory_mb"] = 3538
    assert Cost(inputs).billed_ms("issue-upload", 0) == whole == 10.0
    issue["memory_mb"] = 1769 / 4
    assert Cost(inputs).billed_ms("issue-upload", 0) == pytest.approx(40.0)


def test_each_price_moves_what_it_is_the_price_of():
    of_valet = {"api_call", "lambda_call", "lambda_gb_second", "s3_write", "s3_read", "table_write", "table_read", "queue_request", "log_gb", "trace"}
    of_server = {"balancer_unit", "container_vcpu_hour", "container_gb_hour", "s3_write", "table_write", "log_gb"}
    for name in COST.inputs["prices"]:
        dearer = changed(**{name: 2 * COST.price(name)})
        assert (total(dearer.valet(5, True)) > total(COST.valet(5, True))) == (name in of_valet), name
        assert (total(dearer.server(5, True)) > total(COST.server(5, True))) == (name in of_server), name


def test_at_the_break_even_both_cost_the_same():
    mb = COST.break_even_mb()
    assert total(COST.valet(mb, True)) == pytest.approx(total(COST.server(mb, True)))
    assert total(COST.valet(mb + 1, True)) < total(COST.server(mb + 1, True))
    assert changed(s3_write=0.0, api_call=0.0, queue_request=0.0, log_gb=0.0, trace=0.0, lambda_gb_second=0.0, lambda_call=0.0).break_even_mb() < mb


def test_a_month_of_nothing():
    free = changed(balancer_hour=0.0, container_vcpu_hour=0.0, container_gb_hour=0.0)
    assert free.idle_server() == 0
    assert COST.idle_valet(14, 27) == pytest.approx(1.40 + 8.10 + 3.00)


def test_the_document_counts_the_alarms_that_there_are():
    alarms = [r["Properties"] for r in transform.load(ROOT / "infra" / "monitoring.yaml")["Resources"].values() if r["Type"].endswith("::Alarm")]
    metrics = sum(len([m for m in alarm["Metrics"] if "MetricStat" in m]) if "Metrics" in alarm else 1 for alarm in alarms)
    assert f"| {len(alarms)} alarms on {metrics} metrics | {metrics * COST.price('alarm_month'):.2f} |" in (ROOT / "docs" / "COST.md").read_text()


def test_every_price_says_what_it_is_for_and_where_to_check_it():
    assert isinstance(COST.inputs["date"], date)
    for name, price in COST.inputs["prices"].items():
        assert set(price) == {"usd", "per", "source"}, name
        assert price["usd"] > 0 and price["source"].startswith("https://aws.amazon.com/"), name


def test_memory_is_what_the_template_gives():
    template = (ROOT / "template.yaml").read_text()
    given = {int(size) for size in re.findall(r"^ +MemorySize: (\d+)", template, re.MULTILINE)}
    assert {figures["memory_mb"] for figures in COST.inputs["functions"].values()} == given


def test_the_document_shows_what_the_command_prints():
    document = (ROOT / "docs" / "COST.md").read_text()
    printed = subprocess.run([sys.executable, ROOT / "infra" / "tools" / "cost.py"], capture_output=True, text=True, check=True).stdout
    for name, table in tables(COST).items():
        assert table in document, f"docs/COST.md does not show the table {name} as it is now"
        assert table in printed
    assert f"of about {COST.break_even_mb():.0f} MB" in document
    assert f"{COST.idle_server():.0f} $ a month" in document


def test_other_inputs_are_taken(tmp_path):
    other = tmp_path / "prices.toml"
    other.write_text(INPUTS.read_text().replace("usd = 5.00\nper = \"million PUT", "usd = 50.00\nper = \"million PUT"))
    assert load(other).price("s3_write") == 50
