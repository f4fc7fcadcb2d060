"""TCP ports on the loopback interface. Nothing here may listen on another interface."""

import random
import socket
from pathlib import Path

from infra.local.sorry import Sorry

LOOPBACK = "127.0.0.1"
# Below it listen things that people start.
FIRST = 12000


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, or a port with connections still closing would count as busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def require_free(ports: list[int]) -> None:
    """Says which ports are taken before anything is started."""
    if not all(1024 <= port <= 65535 for port in ports):
        raise Sorry(f"ports {ports[0]} to {ports[-1]} are needed and a port lies between 1024 and 65535; choose another with PORT=….")
    busy = [port for port in ports if not is_free(port)]
    if busy:
        taken = ", ".join(map(str, busy))
        raise Sorry(
            f"port {taken} on {LOOPBACK} is in use (another `make dev`?); stop what listens there or choose other ports, "
            f"for example `make dev PORT={ports[0] + 100}`."
        )


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on at this moment, all different. None is one that the system gives to outgoing connections: those come and go by the
    hundred while a stack starts, and would now and then take a port before its server does."""
    found: list[int] = []
    for port in random.sample(range(FIRST, _first_outgoing()), 200):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise Sorry(f"{count} free ports on {LOOPBACK} are needed and cannot be found.")


def _first_outgoing() -> int:
    try:
        return max(int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]), FIRST + 1000)
    except (OSError, ValueError, IndexError):
        # What is usual elsewhere begins later.
        return 32768
