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


def overridden(environment: str, command: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', ENVIRONMENTS[environment][command]["parameters"].get("parameter_overrides", "")))


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_what_is_built_is_for_the_processor_it_runs_on(environment):
    assert overridden(environment, "build").get("Architecture") == overridden(environment, "deploy").get("Architecture")


@pytest.mark.parametrize("document", ["README.md", "docs/OPERATIONS.md"])
def test_the_documents_build_and_deploy_by_an_environment(document):
    """Without --config-env `sam build` reads [default.build] and `sam deploy` [default.deploy], whatever the stack was deployed with."""
    text = (ROOT / document).read_text()
    # With an option or another command after it; `sam build` in a sentence is only its name.
    commands = re.findall(r"sam (?:build|deploy)(?= -| &&)[^&`\n]*", text)
    assert commands and [command for command in commands if not re.search("--config-env (dev|prod)", command)] == []
    for built, deployed in re.findall(r"sam build --config-env (\w+) && sam deploy --config-env (\w+)", text):
        assert built == deployed
    assert "--parameter-overrides" not in text, "what is said on the command line alone is gone from the next deployment"


def test_the_readme_has_every_parameter_in_its_table():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"\w+", row)]
    assert sorted(told) == sorted(expanded().parent["Parameters"])


def test_one_parameter_alone_has_to_be_given():
    """With Cognito; with an issuer of one's own, a rule asks for its name and audience."""
    parameters = expanded().parent["Parameters"]
    assert [name for name, parameter in parameters.items() if "Default" not in parameter] == ["CorsOrigin"]
