"""The process the engine runs in: `python -m infra.local.engine_process ENGINE_PORT API_PORT CDN_PORT PAGE_PORT`.

Started by `engine.py` alone, which sets the environment. It must never listen beyond 127.0.0.1.
"""

import asyncio
import importlib.metadata
import sys

ENGINE = "1.5.33"


def main() -> None:
    """Serves until it is killed: its state is in memory, there is nothing to save."""
    found = importlib.metadata.version("ministack")
    if found != ENGINE:
        # The patches reach into the engine's functions: another version needs another look at them.
        sys.exit(f"the engine is ministack {found}, {ENGINE} is wanted; `rm -r .tools/engine*` and run make again")

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from infra.local import condition_keys, tag_gate, whole_checksum
    from infra.local.doors import Doors
    from infra.local.places import PAGE_FOLDERS
    from infra.local.unsigned_headers import UnsignedHeaders

    condition_keys.install()
    tag_gate.install()
    whole_checksum.install()
    ports = [int(port) for port in sys.argv[1:]]
    config = Config()
    config.bind = [f"127.0.0.1:{port}" for port in ports]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    asyncio.run(serve(Doors(UnsignedHeaders(app), *ports[1:], folders=PAGE_FOLDERS), config))


if __name__ == "__main__":
    main()
