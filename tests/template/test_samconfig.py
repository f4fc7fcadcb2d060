"""`sam deploy` finds what it needs: an environment for dev, one for prod, one for what CloudFront wants; no parameter that is not there."""

import re
import tomllib

import pytest

from .stack import ROOT, TEMPLATE, expanded

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = {name: section for name, section in CONFIG.items() if isinstance(section, dict)}


def deployment(environment: str) -> dict:
    return ENVIRONMENTS[environment]["deploy"]["parameters"]


def test_there_are_dev_prod_and_edge():
    assert set(ENVIRONMENTS) == {"default", "dev", "prod", "edge"}
    names = [section.get("global", {}).get("parameters", {}).get("stack_name") or deployment(name)["stack_name"] for name, section in ENVIRONMENTS.items()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_roles_and_nested_templates_are_allowed(environment):
    assert set(deployment(environment)["capabilities"].split()) == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
    assert deployment(environment)["resolve_s3"] is True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_overrides_are_parameters_with_values_that_they_take(environment):
    stack = expanded()
    template = stack.edge if environment == "edge" else stack.parent
    for name, value in re.findall(r'(\w+)="([^"]*)"', deployment(environment).get("parameter_overrides", "")):
        parameter = template["Parameters"][name]
        assert re.search(parameter.get("AllowedPattern", ""), value)
        assert value in map(str, parameter.get("AllowedValues", [value]))


def test_production_keeps_logs_for_a_year_and_shows_changes_first():
    assert 'LogRetentionDays="365"' in deployment("prod")["parameter_overrides"]
    assert deployment("prod")["confirm_changeset"] is True


def test_what_cloudfront_wants_goes_where_it_looks():
    edge = deployment("edge")
    assert (edge["template_file"], edge["region"]) == ("infra/edge.yaml", "us-east-1")
    assert (ROOT / edge["template_file"]).is_file() and TEMPLATE.is_file()


def test_one_parameter_alone_has_to_be_given():
    """With Cognito; with an issuer of one's own, a rule asks for its name and audience."""
    parameters = expanded().parent["Parameters"]
    assert [name for name, parameter in parameters.items() if "Default" not in parameter] == ["CorsOrigin"]
