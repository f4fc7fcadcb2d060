"""Rules and conditions of a template, worked out for given parameters.

It knows the functions that CloudFormation allows in both and must never guess at another.
"""

from collections.abc import Mapping


def refusals(template: dict, given: Mapping[str, str]) -> list[str]:
    """What CloudFormation says before it makes anything; nothing if it deploys."""
    values = _values(template, given)
    return [
        assertion["AssertDescription"]
        for rule in template.get("Rules", {}).values()
        if _holds(rule.get("RuleCondition", {"Fn::Equals": ["", ""]}), values)
        for assertion in rule["Assertions"]
        if not _holds(assertion["Assert"], values)
    ]


def condition(template: dict, name: str, given: Mapping[str, str]) -> bool:
    """Whether a condition is met."""
    return _holds(template["Conditions"][name], _values(template, given))


def _values(template: dict, given: Mapping[str, str]) -> dict[str, str]:
    defaults = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items() if "Default" in parameter}
    return defaults | dict(given)


def _holds(node: dict, values: Mapping[str, str]) -> bool:
    (function, arguments), = node.items()
    match function:
        case "Fn::Equals":
            left, right = (values[argument["Ref"]] if isinstance(argument, dict) else argument for argument in arguments)
            return left == right
        case "Fn::Not":
            return not _holds(arguments[0], values)
        case "Fn::And":
            return all(_holds(argument, values) for argument in arguments)
        case "Fn::Or":
            return any(_holds(argument, values) for argument in arguments)
    raise ValueError(f"no rule knows {function}")
