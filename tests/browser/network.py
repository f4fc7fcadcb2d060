"""The network between the browser and everything else. It must never touch a request: interception would answer its preflights."""

from collections.abc import Callable

from playwright.sync_api import Page


def throttle(page: Page, *, bytes_per_second: float = -1) -> Callable[..., None]:
    """Slows what the page sends, and returns what changes that: called with nothing it lets everything pass."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def set_to(*, is_offline: bool = False, bytes_per_second: float = -1) -> None:
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second},
        )

    set_to(bytes_per_second=bytes_per_second)
    return set_to
