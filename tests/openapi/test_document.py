"""The document tells of every route of the template and of nothing else, and is one that tools take."""

import json
import re

from infra.local.places import ROOT
from tests.template.stack import expanded

# What belongs to Uppy's own contract and is left out of the document.
UPPYS = re.compile(r"/(s3|uppy|v1/uppy-sessions)(/|$)")
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


def operations(document: dict) -> dict[str, dict]:
    """The operations by method and path."""
    return {f"{method.upper()} {path}": operation for path, item in document["paths"].items() for method, operation in item.items() if method in METHODS}


def test_its_routes_are_those_of_the_template(document):
    routes = {route for route in expanded().routes() if not UPPYS.match(route.split()[1])}
    assert set(operations(document)) == routes


def test_its_routes_are_those_of_the_prose(document):
    prose = (ROOT / "docs" / "API.md").read_text()
    told = {match[0].split("?")[0] for match in re.findall(r"`((GET|POST|DELETE) /[^`]*)`", prose)}
    assert set(operations(document)) <= told


def test_every_operation_has_a_name_of_its_own_and_every_link_leads_to_one(document):
    found = operations(document).values()
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names)
    for operation in found:
        for response in operation["responses"].values():
            assert {link["operationId"] for link in response.get("links", {}).values()} <= set(names)


def test_every_reference_leads_somewhere(document):
    for reference in set(re.findall(r'"#/(components/[^"]+)"', json.dumps(document))):
        place = document
        for step in reference.split("/"):
            place = place[step]
        assert place


def test_every_answer_of_a_problem_names_codes_that_the_prose_lists(document):
    listed = {(status, code) for status, codes in re.findall(r"^\| (\d{3}) \| ([^|]*) \|", (ROOT / "docs" / "API.md").read_text(), re.M) for code in re.findall(r"`(\w+)`", codes)}
    for operation in operations(document).values():
        for status, response in operation["responses"].items():
            response = document["components"]["responses"][response["$ref"].split("/")[-1]] if "$ref" in response else response
            for part in response.get("content", {}).get("application/problem+json", {}).get("schema", {}).get("allOf", [])[1:]:
                assert {(status, code) for code in part["properties"]["code"]["enum"]} <= listed
