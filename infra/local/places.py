"""Where things lie in the checkout. It must never depend on the directory a command is called from."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
# A test that starts `make dev` points it elsewhere, beside the one a developer may have running.
STATE = Path(os.environ.get("VALET_STATE") or ROOT / ".valet")
# What `make dev` keeps while it runs; a test's stack has a folder of its own.
RUN = STATE / "dev"
OUTPUTS = STATE / "outputs.json"
ISSUER_KEY = RUN / "issuer-key.pem"
TEMPLATE = ROOT / "template.yaml"
EVENTS = ROOT / "events"
# Package, binary and function share one name.
FUNCTIONS = ("issue-upload", "confirm-upload", "manage-files", "generate-thumbnails", "sweep-uploads", "companion", "serve-page")

# What lies beside the page at its address on this machine: first part of the path to the folder, or the file, it stands for. The
# longest counts.
PAGE_FOLDERS = {
    "/api-docs/": ROOT / "docs" / "api",
    "/api-docs/openapi.json": ROOT / "docs" / "openapi.json",
    "/api-docs/swagger-ui/": TOOLS / "swagger" / "node_modules" / "swagger-ui-dist",
}


def shown(path: Path) -> str:
    """A path as a person in the checkout would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
