"""Lets somebody stand in for GuardDuty, which the engine does not have: its events may be put onto the default bus.

On AWS nobody but a service may send what comes from `aws.…`, and the engine (1.5.33) says so too. This lets events of `aws.guardduty` through, and
no other; whether the caller may put events at all is still IAM's to say. It must never make a verdict: what a test puts is what comes.
"""

from ministack.services import eventbridge

SOURCE = "aws.guardduty"


def install() -> None:
    """Wraps the engine's PutEvents."""
    put_events = eventbridge._put_events

    def put_scan_events(data: dict, allow_aws_source: bool = False):
        entries = data.get("Entries") or []
        are_scans = bool(entries) and all(entry.get("Source") == SOURCE for entry in entries)
        return put_events(data, allow_aws_source or are_scans)

    eventbridge._put_events = put_scan_events
