"""Ways to break a template, each of which some assertion must notice.

A path names what is changed, its steps parted by " > ": first a resource, or `Metadata`, `Parameters`, `Rules`, `Conditions`
or `Outputs` of the parent template or, with "Delivery's ", "Monitoring's ", "Sign-in's ", "Malware's " or "Edge's " before it, of that one;
then properties. In a list a step is an index or
the Sid, Id, Name, Header, PathPattern or ErrorCode of the item. A mutation must never invent what it breaks: a path that
leads nowhere is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .stack import Stack

SECTIONS = ("Metadata", "Parameters", "Rules", "Conditions", "Outputs")
TEMPLATES = {"Delivery": "delivery", "Monitoring": "monitoring", "Sign-in": "sign_in", "Malware": "malware", "Edge": "edge"}
OUTSIDE_PROPERTIES = ("Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")
NAMES = ("Sid", "Id", "Name", "Header", "PathPattern", "ErrorCode")


@dataclass(frozen=True)
class Mutation:
    """A change and the sentence that says what it is."""

    name: str
    apply: Callable[[Stack], None]


def put(path: str, value: object) -> Mutation:
    """Replaces what is there."""

    def apply(stack: Stack) -> None:
        holder, key = _find(stack, path)
        _present(holder, key, path)
        assert holder[key] != value, f"{path} is {value!r} already"
        holder[key] = value

    return Mutation(f"{path} = {value!r}", apply)


def add(path: str, value: object) -> Mutation:
    """Adds a key that is not there, or an item to a list."""

    def apply(stack: Stack) -> None:
        holder, key = _find(stack, path)
        if isinstance(holder, dict) and isinstance(holder.get(key), list):
            holder[key].append(value)
        else:
            assert key not in holder, f"{path} is there already"
            holder[key] = value

    return Mutation(f"{path} + {value!r}", apply)


def drop(path: str) -> Mutation:
    """Takes away what is there."""

    def apply(stack: Stack) -> None:
        holder, key = _find(stack, path)
        _present(holder, key, path)
        del holder[key]

    return Mutation(f"without {path}", apply)


def _find(stack: Stack, path: str) -> tuple[dict | list, str | int]:
    """The dict or list that holds the last step, and that step as its key."""
    steps = path.split(" > ")
    node = _start(stack, steps[0])
    if node.get("Type", "").startswith("AWS::") and steps[1] not in OUTSIDE_PROPERTIES:
        node = node["Properties"]
    for step in steps[1:-1]:
        node = node[_key(node, step, path)]
    return node, _key(node, steps[-1], path)


def _start(stack: Stack, step: str) -> dict:
    owner, _, section = step.rpartition("'s ")
    template = getattr(stack, TEMPLATES[owner]) if owner else stack.parent
    return template[section] if section in SECTIONS else stack.resource(step)


def _key(node: dict | list, step: str, path: str) -> str | int:
    if isinstance(node, dict):
        return step
    if step.isdigit() and int(step) < len(node):
        return int(step)
    for index, item in enumerate(node):
        if isinstance(item, dict) and any(str(item.get(name)) == step for name in NAMES):
            return index
    raise KeyError(f"{path}: nothing in the list is called {step}")


def _present(holder: dict | list, key: str | int, path: str) -> None:
    if isinstance(holder, dict) and key not in holder:
        raise KeyError(f"{path} is not in the template")
