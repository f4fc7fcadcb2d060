"""What the functions logged in a run: nothing secret, no transient fault told as ours, and each upload counted once.

It must never hold a line back because its function died.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from infra.local.logs import Logs
from infra.local.stack import Stack
from tests.e2e.web import send
from tests.faults.courier import THUMBNAILS
from tests.faults.invariants import AT_ONCE, Seen
from tests.faults.passing import SWEEP

NOBODYS = "01936f2e-8b5a-7c3d-9e4f-0123456789ab"
# What a signed URL, and nothing else, contains.
SIGNED = ("x-amz-signature", "x-amz-security-token", "x-amz-credential", "x-amz-algorithm")
# Counted once for each upload, whichever of them it is.
ENDS = ({"UploadsConfirmed", "UploadsRejected", "UploadsExpired"}, {"ThumbnailsMade", "ThumbnailsFailed"}, {"UploadsIssued"})


class Lines:
    """Every line, read on and on."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._logs = Logs(stack.engine, stack.outputs.functions)
        self.texts: list[str] = []
        self.entries: list[dict] = []
        self.totals: Counter[str] = Counter()
        # Upload to what was counted of it. A run of the sweep is about many.
        self._of: dict[str, Counter[str]] = defaultdict(Counter)
        self._counted: dict[str, list[str]] = defaultdict(list)

    def read(self) -> None:
        """Takes what has come since."""
        for stream, text in self._logs.events():
            self.texts.append(text)
            entry = json.loads(text) if text.startswith("{") else None
            if entry is None:
                continue
            if "_aws" in entry:
                named = {metric["Name"] for directive in entry["_aws"]["CloudWatchMetrics"] for metric in directive["Metrics"]}
                self.totals.update({name: entry[name] for name in named})
                self._counted[stream] += named
                continue
            self.entries.append(entry)
            # What a process counts comes before the line of the call that it belongs to.
            names = self._counted.pop(stream, [])
            if entry.get("message") != "sweep" and (upload := entry.get("upload.id")):
                self._of[upload].update(names)

    def read_to_the_end(self) -> None:
        """Calls every process once more: on a busy machine the engine hands a call's last line out with the next."""
        lambdas, functions = self._stack.client("lambda"), self._stack.outputs.functions
        headers = {"authorization": f"Bearer {self._stack.token(sub='reader')}"}
        routes = [("GET", f"/v1/uploads/{NOBODYS}"), ("DELETE", f"/v1/uploads/{NOBODYS}"), ("GET", f"/v1/files/{NOBODYS}")]
        calls = [lambda method=method, path=path: send(method, self._stack.api_url + path, headers) for method, path in routes]
        event = b'{"Service": "Amazon S3", "Event": "s3:TestEvent"}'
        calls.append(lambda: lambdas.invoke(FunctionName=functions[THUMBNAILS], Payload=event))
        # One sweep at a time is all there ever was.
        lambdas.invoke(FunctionName=functions[SWEEP], Payload=b"{}")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for call in calls:
                for done in [pool.submit(call) for _ in range(AT_ONCE)]:
                    done.result()
        self.read()

    def violations(self, secrets: Iterable[str], *, may_fail: bool = False) -> list[str]:
        """What was logged that must not be. `may_fail` says that bugs of ours were asked for."""
        found = []
        for text in self.texts:
            low = text.lower()
            if any(word in low for word in SIGNED) or any(secret in text for secret in secrets):
                found.append("a secret was logged")
        for entry in self.entries:
            if entry.get("error.code") == "internal_error" and not may_fail:
                found.append(f"a failure that passes was logged as ours: {entry.get('error.chain')}")
        for upload, counts in self._of.items():
            found += [f"{upload} was counted twice: {dict(counts)}" for names in ENDS if sum(counts[name] for name in names) > 1]
        return found

    def overcounted(self, seen: Seen) -> list[str]:
        """Metrics that say more than the table does. Less it may be: a process that is killed counts nothing."""
        rows = Counter(row["status"] for row in seen.rows.values())
        made = Counter(row["thumbnails"]["status"] for row in seen.rows.values() if row["status"] == "ready")
        most = {
            "UploadsIssued": len(seen.rows),
            "UploadsConfirmed": rows["ready"] + rows["deleted"],
            "UploadsRejected": rows["rejected"],
            "UploadsExpired": rows["expired"],
            "ThumbnailsMade": made["ready"] + rows["deleted"],
            "ThumbnailsFailed": made["failed"] + rows["deleted"],
        }
        return [f"{self.totals[name]} {name} were counted, {bound} can have been" for name, bound in most.items() if self.totals[name] > bound]
