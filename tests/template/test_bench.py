"""The benchmark of the functions starts them as the template does: a variable that it lacks would be found on the day it is needed."""

import pytest

from infra.local.places import TEMPLATE
from infra.tools import transform
from tests.bench.functions import FUNCTIONS, SETTINGS


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_a_function_is_given_every_variable_of_the_template(function):
    template = transform.load(TEMPLATE)
    resources = template["Resources"].values()
    (own,) = [each["Properties"] for each in resources if each.get("Metadata", {}).get("BuildProperties", {}).get("Binary") == function]
    named = {name for properties in (template["Globals"]["Function"], own) for name in properties["Environment"]["Variables"]}
    assert named - SETTINGS.keys() == set()
