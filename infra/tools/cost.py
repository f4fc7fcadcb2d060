"""Reckons what uploads cost, through Valet and through a server, from the prices and figures in cost.toml.

It must never hide a guess: what is measured, what is a price and what is assumed are apart in the inputs, and each price
has its source.
"""

import argparse
import tomllib
from collections.abc import Iterable
from pathlib import Path

INPUTS = Path(__file__).with_name("cost.toml")
# Lambda gives a whole vCPU at this memory, and less in proportion.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
WHOLE_VCPU_MB = 1769
MILLION = 1_000_000
HOURS_A_MONTH = 730
GB = 1e9


class Cost:
    """What the inputs come to."""

    def __init__(self, inputs: dict) -> None:
        self.inputs = inputs

    def price(self, name: str) -> float:
        """Dollars, in the unit that the inputs name."""
        return self.inputs["prices"][name]["usd"]

    def billed_ms(self, function: str, mb: float) -> float:
        """Milliseconds that Lambda bills for a call about a file of this size, its share of a start included."""
        figures = self.inputs["functions"][function]
        # With less than a whole vCPU the process runs for its share of the time.
        slowed = max(1.0, WHOLE_VCPU_MB / figures["memory_mb"])
        cpu = figures["cpu_ms"] + figures.get("cpu_ms_per_mb", 0) * mb
        wait = figures["wait_ms"] + figures.get("wait_ms_per_mb", 0) * mb
        return slowed * (cpu + self.inputs["assumed"]["starts_per_call"] * figures["init_cpu_ms"]) + wait

    def valet(self, mb: float, image: bool) -> dict[str, float]:
        """Dollars for a million uploads, by what they are paid for."""
        assumed = self.inputs["assumed"]
        thumbnails = assumed["thumbnails"] if image else 0
        # A film is only settled: no byte of it is read again.
        reads = {"issue-upload": 0.0, "confirm-upload": 0.0, "generate-thumbnails": mb if image else 0.0}
        gb_seconds = sum(
            self.billed_ms(function, read) / 1000 * self.inputs["functions"][function]["memory_mb"] / 1024 for function, read in reads.items()
        )
        log_bytes = 3 * assumed["log_bytes_per_invocation"] + 2 * assumed["log_bytes_per_api_call"]
        return {
            "API: issue, confirm": 2 * self.price("api_call"),
            "Lambda: three calls": 3 * self.price("lambda_call") + MILLION * gb_seconds * self.price("lambda_gb_second"),
            "S3: the file, its tag, thumbnails": (2 + thumbnails) * self.price("s3_write") + (2 if image else 1) * self.price("s3_read"),
            "DynamoDB": self.table_writes(image) * self.price("table_write") + 2 * self.price("table_read"),
            "SQS: send, receive, delete": 3 * self.price("queue_request"),
            "Logs and traces": MILLION * log_bytes / GB * self.price("log_gb") + 3 * assumed["traces_per_invocation"] * self.price("trace"),
        }

    def table_writes(self, image: bool) -> float:
        """Units for an upload: of its rows, of its owner's counters, and of the index of what is due."""
        # A grant and a verification each write row and counters in one transaction, whose units count twice. One that is refused counts as well:
        # of a grant that is not the first of its minute the first try is.
        transactions = 2 + self.inputs["assumed"]["grants_beside_others"]
        # Into the index, out of it, and for thumbnails from one time to another, which is two.
        return 2 * 2 * transactions + ((1 + 4) if image else 2)

    def server(self, mb: float, image: bool) -> dict[str, float]:
        """The same through containers behind a load balancer: every byte passes both."""
        figures = self.inputs["server"]
        thumbnails = self.inputs["assumed"]["thumbnails"] if image else 0
        maker = self.inputs["functions"]["generate-thumbnails"]
        cpu = figures["cpu_ms"] + figures["cpu_ms_per_mb"] * mb
        if image:
            cpu += maker["cpu_ms"] + maker["cpu_ms_per_mb"] * mb
        vcpu_hours = MILLION * cpu / figures["busy"] / 3_600_000
        a_vcpu_hour = self.price("container_vcpu_hour") + figures["container_gb"] / figures["container_vcpu"] * self.price("container_gb_hour")
        return {
            "Load balancer: its bytes": MILLION * mb / 1000 * self.price("balancer_unit"),
            "Containers: their work": vcpu_hours * a_vcpu_hour,
            "S3: the file, thumbnails": (1 + thumbnails) * self.price("s3_write"),
            "DynamoDB": self.price("table_write"),
            "Logs": MILLION * figures["log_bytes"] / GB * self.price("log_gb"),
        }

    def nat(self, mb: float) -> float:
        """What a server pays on top for a million uploads if its way to S3 leads through a NAT gateway."""
        return MILLION * mb / 1000 * self.price("nat_gb")

    def storage(self, mb: float) -> float:
        """What a million such files cost for each month that they lie there, wherever they came from."""
        return MILLION * mb / 1000 * self.price("s3_gb_month")

    def idle_server(self) -> float:
        """A month of load balancer and containers that nobody calls."""
        figures = self.inputs["server"]
        container = figures["container_vcpu"] * self.price("container_vcpu_hour") + figures["container_gb"] * self.price("container_gb_hour")
        return HOURS_A_MONTH * (self.price("balancer_hour") + figures["containers"] * container)

    def idle_valet(self, alarm_metrics: int, metrics: int) -> float:
        """A month of alarms, metrics and the dashboard."""
        return alarm_metrics * self.price("alarm_month") + metrics * self.price("metric_month") + self.price("dashboard_month")

    def break_even_mb(self) -> float:
        """Size of an image from which on Valet is cheaper, both working and not counting what idles."""

        def dearer(mb: float) -> bool:
            return sum(self.valet(mb, True).values()) > sum(self.server(mb, True).values())

        low, high = 0.0, 10_000.0
        if not dearer(low):
            return 0.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if dearer(middle) else (low, middle)
        return high


def tables(cost: Cost) -> dict[str, str]:
    """The tables of docs/COST.md, by their name there."""
    sizes = cost.inputs["sizes"]
    names = [size["name"] for size in sizes]
    both = [(cost.valet(size["mb"], size["image"]), cost.server(size["mb"], size["image"])) for size in sizes]
    valet, server = ([sum(parts[way].values()) for parts in both] for way in (0, 1))
    extra = [("on top, if it has no S3 endpoint: NAT", cost.nat), ("on top, either way: storage, a month", cost.storage)]
    return {
        "total": _table(
            ["dollars per million", *names],
            [
                ["Valet", *map(_dollars, valet)],
                ["through a server", *map(_dollars, server)],
                *([name, *(_dollars(of(size["mb"])) for size in sizes)] for name, of in extra),
            ],
        ),
        "valet": _table(["Valet", *names], _rows([ours for ours, _ in both])),
        "server": _table(["through a server", *names], _rows([theirs for _, theirs in both])),
    }


def _rows(columns: list[dict[str, float]]) -> Iterable[list[str]]:
    for part in columns[0]:
        yield [part, *(_dollars(column[part]) for column in columns)]


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def load(path: Path = INPUTS) -> Cost:
    """The inputs as they are in the tree, or another file of that shape."""
    return Cost(tomllib.loads(path.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description="Reckon what uploads cost.")
    parser.add_argument("--inputs", type=Path, default=INPUTS, help="prices and figures instead of infra/tools/cost.toml")
    cost = load(parser.parse_args().inputs)
    print(f"List prices of {cost.inputs['region']}, {cost.inputs['date']}: check them before use.\n")
    print("\n\n".join(tables(cost).values()))
    print(f"\nValet is the cheaper one for images from {cost.break_even_mb():.1f} MB on; an idle server costs {cost.idle_server():.0f} $ a month.")


if __name__ == "__main__":
    main()
