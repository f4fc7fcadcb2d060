"""Writes the bill of materials of what is deployed: every crate in or behind the functions' binaries, as CycloneDX.

Read from `cargo metadata` and Cargo.lock alone, so that it says what was locked and not what lies on a machine; the same tree gives the
same bytes. It must never build anything.

    sbom.py aarch64-unknown-linux-gnu target/valet.cdx.json
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.exception import MissingOptionalDependencyException
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[2]

# C and C++ that crates carry in their source. What `cargo metadata` cannot know: crate and its version, what lies in it.
CARRIED = {("libwebp-sys", "0.14.4"): ("libwebp", "1.6.0", "BSD-3-Clause")}
# Crates that look like bindings and carry their own source alone. A new one is looked at by a person first.
SELF_CONTAINED = {"ring", "linux-raw-sys"}


class Unknown(Exception):
    """The bill would not be complete; the text says what nobody has looked at."""


def main(target: str, path: Path) -> None:
    """Writes the bill for one target."""
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    text = write(metadata, lock, target)
    problems = check(text)
    if problems:
        sys.exit(f"valet: the bill of materials is not valid CycloneDX: {problems}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"{path}: {len(json.loads(text)['components'])} components")


def write(metadata: dict, lock: dict, target: str) -> str:
    """The bill as JSON. Raises `Unknown` where a crate carries foreign code that `CARRIED` does not name."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    functions = [package for package in packages.values() if "/functions/" in package["manifest_path"]]
    linked = _closure(nodes, packages, [function["id"] for function in functions], {None}, with_macros=False)
    behind = _closure(nodes, packages, [function["id"] for function in functions], {None, "build"}, with_macros=True)
    _look_at(packages[each] for each in linked)
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}

    (version,) = {function["version"] for function in functions}
    whole = Component(name="valet", version=version, type=ComponentType.APPLICATION, bom_ref=f"valet@{version}")
    whole.properties.add(Property(name="valet:target", value=target))
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([lock["package"], version, target], sort_keys=True)),
        # The same tree, the same bytes: a time would be the only thing to differ.
        metadata=BomMetaData(component=whole, timestamp=datetime(1980, 1, 1, tzinfo=UTC)),
    )
    components = {}
    for each in sorted(behind, key=lambda each: _name(packages[each])):
        component = _component(packages[each], checksums, each in linked)
        components[each] = component
        bom.components.add(component)
    for each, component in components.items():
        bom.register_dependency(component, [components[on] for on in nodes[each]["dependencies"] if on in components])
        carried = CARRIED.get((packages[each]["name"], packages[each]["version"]))
        if carried:
            name, carried_version, license = carried
            inside = Component(
                name=name,
                version=carried_version,
                type=ComponentType.LIBRARY,
                bom_ref=f"{name}@{carried_version}",
                licenses=[LicenseExpression(license)],
                purl=PackageURL("generic", None, name, carried_version),
            )
            bom.components.add(inside)
            bom.register_dependency(component, [inside])
    bom.register_dependency(whole, [components[function["id"]] for function in functions])
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def check(text: str) -> str | None:
    """What is wrong with a bill by CycloneDX's schema; nothing if it is right."""
    try:
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except MissingOptionalDependencyException as missing:
        return str(missing)
    return None if problem is None else str(problem)


def _closure(nodes: dict, packages: dict, start: list[str], kinds: set[str | None], *, with_macros: bool) -> set[str]:
    """What is reached over dependencies of these kinds. A macro runs at build time, whatever kind it is named by."""
    found, waiting = set(), list(start)
    while waiting:
        each = waiting.pop()
        if each in found or (not with_macros and _is_macro(packages[each])):
            continue
        found.add(each)
        waiting += [dep["pkg"] for dep in nodes[each]["deps"] if any(kind["kind"] in kinds for kind in dep["dep_kinds"])]
    return found


def _is_macro(package: dict) -> bool:
    return any("proc-macro" in target["kind"] for target in package["targets"])


def _look_at(linked: Iterable[dict]) -> None:
    for package in linked:
        is_binding = package["links"] is not None or package["name"].endswith("-sys")
        if is_binding and package["name"] not in SELF_CONTAINED and (package["name"], package["version"]) not in CARRIED:
            raise Unknown(f"does {package['name']} {package['version']} carry foreign code? Look, then name it in CARRIED or SELF_CONTAINED.")


def _name(package: dict) -> str:
    return f"{package['name']}@{package['version']}"


def _component(package: dict, checksums: dict, is_linked: bool) -> Component:
    is_ours = package["source"] is None
    component = Component(
        name=package["name"],
        version=package["version"],
        type=ComponentType.APPLICATION if "/functions/" in package["manifest_path"] else ComponentType.LIBRARY,
        bom_ref=_name(package),
        description=package["description"],
        # What runs while building is not in the binary, and can still do harm.
        scope=ComponentScope.REQUIRED if is_linked else ComponentScope.EXCLUDED,
        purl=None if is_ours else PackageURL("cargo", None, package["name"], package["version"]),
        licenses=[LicenseExpression(package["license"].replace("/", " OR "))] if package["license"] else [],
    )
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=checksum))
    if package["repository"] and not is_ours:
        component.external_references.add(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"])))
    return component


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except Unknown as unknown:
        sys.exit(f"valet: {unknown}")
